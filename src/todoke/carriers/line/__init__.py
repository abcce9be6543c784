"""LINE: notification messages out, webhook events in, and what an account's set-up looks like from here.

May import `todoke.core`, `todoke.carriers` and aiohttp. Never here: another carrier, the database, retries.
LINE's wire names (`pnp`, `X-Line-…`) stand in this folder and nowhere else in the gateway.
"""

from todoke.carriers.line.account import BotInfo, LineAccount, TokenInfo, WebhookEndpoint, WebhookTest
from todoke.carriers.line.client import LineCarrier
from todoke.carriers.line.transport import Transport
from todoke.carriers.over_http import make_session

__all__ = [
    "BotInfo",
    "LineAccount",
    "LineCarrier",
    "TokenInfo",
    "Transport",
    "WebhookEndpoint",
    "WebhookTest",
    "make_session",
]
