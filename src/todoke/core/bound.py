"""Whether a binding may still be relied on: what speaks against it, and how that is said.

A number can move to another person, and nobody tells the business. What it can see are signs: LINE matches the number
no longer, an SMS to it fails for good, a notification is shown where the bound user could not have seen it.
"""

from enum import StrEnum

import msgspec

from todoke.core.binding import counts
from todoke.core.durations import format_duration, rfc3339
from todoke.core.notice import Answered, Event, NoProof, Proof
from todoke.core.outcome import Outcome
from todoke.core.routing import Friendship, Step
from todoke.core.states import Attempt


class Sign(StrEnum):
    """What says that a number may be another person's now."""

    UNMATCHED = "unmatched"
    """LINE answered 422 to a notification: it matches the number with no user that it may show it to."""
    SMS_FAILED = "sms_failed"
    """A carrier's last word on an SMS was that it could not be delivered."""
    DELIVERED_ELSEWHERE = "delivered_elsewhere"
    """A notification to the number was shown, and all users bound to it block the account: to somebody else, then."""
    BUSINESS = "business"
    """The business said so."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A LINE user whom a number is bound to. Times are milliseconds since the epoch."""

    binding_id: str
    provider: str
    user_id: str
    shown_at: int
    """When the number last was shown to be the user's."""
    told: bool
    """The business told of it; no link of ours was used, so its age says nothing."""
    doubted_at: int | None = None
    doubted_why: str | None = None


def relied_on(holder: Holder, lasts: int, now: int) -> bool:
    """Whether pushes may go to this user. `lasts`: how long a binding counts from its last confirmation."""
    if holder.told:
        return holder.doubted_at is None
    return counts(holder.shown_at, holder.doubted_at, lasts, now)


def why_not_relied_on(holder: Holder, lasts: int) -> str:
    """Why no push goes to a user who is bound, in words for the person who asked."""
    remedy = "the user must confirm the number again"
    if holder.doubted_at is None:
        return f"the number was bound, and last confirmed more than {format_duration(lasts)} ago: {remedy}"
    said = _SAID.get(holder.doubted_why, "something says so")
    since = rfc3339(holder.doubted_at)[:10]
    return f"the bound number may be another person's since {since}: {said}. {remedy[0].upper()}{remedy[1:]}"


_SAID: dict[str | None, str] = {
    Sign.UNMATCHED: "LINE no longer matches it (422)",
    Sign.SMS_FAILED: "an SMS to it failed for good",
    Sign.BUSINESS: "the business said so",
}


def sign_of(attempt: Attempt, event: Event) -> Sign | None:
    """What an event about an attempt says of the number it went to; None: nothing.

    Of DELIVERED_ELSEWHERE this is the half that the event tells: see `shown_elsewhere`.
    """
    match event:
        case Answered():
            unmatched = event.answer.outcome is Outcome.UNREACHABLE
            return Sign.UNMATCHED if unmatched and attempt.step is Step.LINE_NOTIFICATION else None
        case NoProof():
            return Sign.SMS_FAILED if attempt.step is Step.SMS else None
        case Proof():
            return Sign.DELIVERED_ELSEWHERE if attempt.step is Step.LINE_NOTIFICATION else None
    return None


class Standing(msgspec.Struct, frozen=True):
    """How a user stands to a channel, and since when; `state` as in the friend registry."""

    state: str
    since: int


def shown_elsewhere(standings: list[Standing | None], sent_at: int) -> bool:
    """Whether a notification that was shown can't have been shown to any of the bound users.

    LINE shows nothing to who blocks the account: so all of them must have blocked it before the request left.
    """
    return bool(standings) and all(
        x is not None and x.state == Friendship.BLOCKED and x.since < sent_at for x in standings
    )
