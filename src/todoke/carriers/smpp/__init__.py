"""SMS over SMPP 3.4, each provider described by a declaration (YAML) instead of code.

May import `todoke.core`, `todoke.carriers`, `todoke.clock`, aiosmpplib's message classes, yaml. Never here: another
carrier, the database; nothing is ever sent twice of itself.

aiosmpplib gives the messages' bytes, the alphabets and the numbers of the standard. Its session (class ESME), its
queue and its splitting are not used, as they can't keep this project's promises: see
`docs/decisions/0009-an-smpp-session-of-our-own.md`.
How to write a declaration: `docs/sms-carriers.md`.
"""

from todoke.carriers.smpp.carrier import SmppCarrier
from todoke.carriers.smpp.declaration import SmppDeclaration
from todoke.carriers.smpp.load import load_smpp, parse_smpp

__all__ = ["SmppCarrier", "SmppDeclaration", "load_smpp", "parse_smpp"]
