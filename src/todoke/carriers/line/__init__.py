"""LINE: notifications and pushes out, webhook events in; what an account, its friends, counts and tokens are at LINE.

May import `todoke.core`, `todoke.carriers`, aiohttp, httptools and cryptography. Never here: another carrier, the
database, retries. LINE's wire names (`pnp`, `X-Line-…`) stand in this folder and nowhere else in the gateway.
"""

from todoke.carriers.line.account import BotInfo, LineAccount, TokenInfo, WebhookEndpoint, WebhookTest
from todoke.carriers.line.client import LineCarrier
from todoke.carriers.line.counts import CountKind, CountState, DeliveredCount, LineCounts, Quota, QuotaUse
from todoke.carriers.line.friends import FollowerNumbers, FollowersPage, LineFriends, Profile
from todoke.carriers.line.linking import BasicId, DisplayName, LineLinking, LinkToken
from todoke.carriers.line.push import LinePushCarrier
from todoke.carriers.line.reply import LineReplyCarrier
from todoke.carriers.line.signing import SigningKey, parse_private_key
from todoke.carriers.line.tokens import IssuedToken, KeyIds, LineTokens, Revoked
from todoke.carriers.line.transport import Transport
from todoke.carriers.over_http import make_session

__all__ = [
    "BasicId",
    "BotInfo",
    "CountKind",
    "CountState",
    "DeliveredCount",
    "DisplayName",
    "FollowerNumbers",
    "FollowersPage",
    "IssuedToken",
    "KeyIds",
    "LineAccount",
    "LineCarrier",
    "LineCounts",
    "LineFriends",
    "LineLinking",
    "LinePushCarrier",
    "LineReplyCarrier",
    "LineTokens",
    "LinkToken",
    "Profile",
    "Quota",
    "QuotaUse",
    "Revoked",
    "SigningKey",
    "TokenInfo",
    "Transport",
    "WebhookEndpoint",
    "WebhookTest",
    "make_session",
    "parse_private_key",
]
