"""The business's own system as a carrier: a webhook signed as Standard Webhooks wants it.

May import `todoke.core`, `todoke.carriers`, aiohttp. Never here: another carrier, the database, retries, what
stands in the body.
"""

from todoke.carriers.callback.carrier import CallbackCarrier
from todoke.carriers.callback.signing import check_secret, new_secret, signed_headers

__all__ = ["CallbackCarrier", "check_secret", "new_secret", "signed_headers"]
