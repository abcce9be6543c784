"""SMS over a provider's HTTP API, each provider described by a declaration (YAML) instead of code.

May import `todoke.core`, `todoke.carriers`, aiohttp, yaml, phonenumbers. Never here: another
carrier, the database, retries.
How to write a declaration: `docs/sms-carriers.md`.
"""

from todoke.carriers.sms_http.carrier import SmsHttpCarrier
from todoke.carriers.sms_http.declaration import Declaration
from todoke.carriers.sms_http.load import emulator_declaration, load_declaration, parse_declaration

__all__ = [
    "Declaration",
    "SmsHttpCarrier",
    "emulator_declaration",
    "load_declaration",
    "parse_declaration",
]
