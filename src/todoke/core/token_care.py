"""When a channel's access token is issued anew, revoked or given up: the decisions, without asking anybody.

LINE's tokens of v2.1 last up to 30 days, at most 30 of a channel at a time; stateless ones last 15 minutes and are not
limited (Messaging API reference, "Channel access token"). All times in ms.
"""

from enum import StrEnum
from zlib import crc32

import msgspec

from todoke.core.durations import DAY, MINUTE, SECOND

V21_LASTS = DAY
"""What we ask for: short enough that one which was stolen or forgotten ends soon, long enough that LINE's token
endpoint may fail for 8 hours unnoticed."""
FIRST_RETRY = 10 * SECOND
LAST_RETRY = 10 * MINUTE
REVOKE_AFTER = 2 * MINUTE
"""After its successor came: no request with the old token is under way any more."""
DOUBT = MINUTE
"""A token that is denied so soon after it cured a denial will not be cured by another."""


class TokenFrom(StrEnum):
    """Where a channel's access tokens come from."""

    GIVEN = "given"
    """Handed in; we never renew it."""
    KEY = "key"
    """Issued with the private key."""
    SECRET = "secret"  # noqa: S105
    """Issued with the channel secret: stateless ones."""


class TokenKind(StrEnum):
    """LINE's kinds of token that we issue."""

    V21 = "v2.1"
    STATELESS = "stateless"


class PausedFor(StrEnum):
    """What would let a paused channel send again."""

    TOKEN = "token"  # noqa: S105
    """A new access token: LINE answered 401, or there is none."""
    ACCESS = "access"
    """Something at LINE: it answered 403."""
    PERSON = "person"
    """Whoever runs this: LINE denied the newest token as well."""


class Care(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the token of a channel for which we issue tokens."""

    has_token: bool
    token_at: int | None
    expires_at: int | None
    due_at: int | None
    """When to issue the next, or to try again after a failure."""
    in_trouble: bool
    """The last try failed."""
    has_before: bool
    """There is a superseded token of ours to be revoked."""
    paused_at: int | None
    paused_for: str | None


class Act(StrEnum):
    """What is to be done now."""

    ISSUE = "issue"
    STOP = "stop"
    """The token is over and there is no other: pause the channel."""
    GIVE_UP = "give_up"
    """The new token was denied as well: leave the channel paused."""
    REVOKE = "revoke"


def act_at(care: Care, now: int, cured_at: int | None) -> Act | None:
    """What is due now; None: nothing. `cured_at`: when a new token last let a denied channel send again."""
    denied = care.paused_for == PausedFor.TOKEN and care.has_token and not is_over(care, now)
    if denied and cured_at is not None and (care.paused_at or 0) - cured_at < DOUBT:
        return Act.GIVE_UP
    # In trouble, the next try has its time; else a channel that waits for a token gets one at once.
    if (care.paused_for == PausedFor.TOKEN and not care.in_trouble) or _reached(care.due_at, now):
        return Act.ISSUE
    if care.paused_at is None and care.has_token and is_over(care, now):
        return Act.STOP
    return Act.REVOKE if _reached(_revoke_at(care), now) else None


def next_at(care: Care) -> int | None:
    """When something is due next."""
    over = care.expires_at if care.paused_at is None else None
    return min((t for t in (care.due_at, over, _revoke_at(care)) if t is not None), default=None)


def is_over(care: Care, now: int) -> bool:
    """Whether the token's time has run out."""
    return _reached(care.expires_at, now)


def renewal_at(now: int, lasts: int, channel_id: str) -> int:
    """When a token that lasts so long from now is renewed: at two thirds, and up to a twentieth of its life earlier.

    The twentieth differs by channel, so that many do not ask LINE in the same second.
    """
    spread = crc32(channel_id.encode()) % 1000
    return now + max(lasts * 2 // 3 - lasts * spread // 20_000, SECOND)


def retry_at(now: int, failures: int, *, final: bool, retry_after: int | None = None) -> int:
    """When to try again after so many failures in a row, 1 or more.

    `final`: LINE said no. It may say yes once somebody has set it right there, which nobody tells us.
    """
    wait = LAST_RETRY if final else min(FIRST_RETRY << min(failures - 1, 20), LAST_RETRY)
    return now + max(wait, min(retry_after or 0, 6 * LAST_RETRY))


def stop_text(care: Care, now: int, trouble: str) -> str:
    """Why the channel is paused, for people."""
    if not care.has_token:
        return f"It has no access token yet. {trouble}"
    if is_over(care, now):
        return f"Its access token has run out. {trouble}"
    return f"LINE denied its access token. {trouble}"


def _reached(moment: int | None, now: int) -> bool:
    return moment is not None and moment <= now


def _revoke_at(care: Care) -> int | None:
    return (care.token_at or 0) + REVOKE_AFTER if care.has_before else None
