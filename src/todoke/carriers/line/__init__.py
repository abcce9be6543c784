"""LINE: notifications and pushes out, webhook events in; what an account, its friends, counts and tokens are at LINE.

May import `todoke.core`, `todoke.carriers`, aiohttp, httptools and cryptography. Never here: another carrier, the
database, retries. LINE's wire names (`pnp`, `X-Line-…`) stand in this folder and nowhere else in the gateway.

Its parts are loaded when they are asked for: a process that only sends needs neither aiohttp nor cryptography.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_PLACES = {
    name: module
    for module, names in {
        "todoke.carriers.line.account": (
            "BotInfo",
            "LineAccount",
            "TokenInfo",
            "WebhookEndpoint",
            "WebhookTest",
        ),
        "todoke.carriers.line.client": ("LineCarrier",),
        "todoke.carriers.line.counts": (
            "CountKind",
            "CountState",
            "DeliveredCount",
            "LineCounts",
            "Quota",
            "QuotaUse",
        ),
        "todoke.carriers.line.friends": ("FollowerNumbers", "FollowersPage", "LineFriends", "Profile"),
        "todoke.carriers.line.linking": ("BasicId", "DisplayName", "LineLinking", "LinkToken"),
        "todoke.carriers.line.push": ("LinePushCarrier",),
        "todoke.carriers.line.reply": ("LineReplyCarrier",),
        "todoke.carriers.line.signing": ("SigningKey", "parse_private_key"),
        "todoke.carriers.line.tokens": ("IssuedToken", "KeyIds", "LineTokens", "Revoked"),
        "todoke.carriers.line.transport": ("Transport",),
        "todoke.carriers.over_http": ("make_session",),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
