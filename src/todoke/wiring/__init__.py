"""The only place where objects are built and put together.

May import everything below `cli`. Never here: what any of the objects does.
"""

from todoke.wiring.base import Base, first_key, open_base
from todoke.wiring.gateway import Gateway
from todoke.wiring.sms import sms_carriers

__all__ = ["Base", "Gateway", "first_key", "open_base", "sms_carriers"]
