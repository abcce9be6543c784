"""When a notice may be sent: completion soon after the event, a reminder not long before it, and not often."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from todoke.core.content.data import TimingData
from todoke.core.durations import DAY, format_duration, parse_rfc3339, rfc3339
from todoke.core.routing import UTC_OFFSET


class Timing(StrEnum):
    """How a use case stands to the time of what it tells of."""

    COMPLETION = "completion"
    """It happened."""
    REMINDER = "reminder"
    """It is still to come."""
    NONE = "none"


class Moment(msgspec.Struct, frozen=True):
    """When the event is, in milliseconds: from and until. A day without a time is all of that day."""

    begins: int
    ends: int


class Refusal(msgspec.Struct, frozen=True):
    """Why a notice may not be sent now. `reason` is a short stable word: too-late, too-early, too-often."""

    reason: str
    message: str


_EARLIEST = 0
_LATEST = 4_102_444_800_000  # 2100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?")


def moment_of(text: str, country: str) -> Moment:
    """Reads a day, a local time, or a time with its zone, in ISO form. `country` says which zone is meant.

    Raises ValueError whose text is fit for people.
    """
    text = text.strip()
    offset = UTC_OFFSET.get(country, 0)
    try:
        if _DAY.fullmatch(text):
            at = _utc(datetime.fromisoformat(text)) - offset
            found = Moment(at, at + DAY)
        elif _LOCAL.fullmatch(text):
            at = _utc(datetime.fromisoformat(text)) - offset
            found = Moment(at, at)
        else:
            at = parse_rfc3339(text)
            found = Moment(at, at)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r} is no time. Write 2026-08-10T18:30:00+08:00, 2026-08-10 18:30 or 2026-08-10."
        ) from None
    if not _EARLIEST <= found.begins < _LATEST:
        raise ValueError(
            f"{text[:40]!r} lies before 1970 or after 2100. Write the time of what the notice tells of."
        )
    return found


def _utc(moment: datetime) -> int:
    return (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def untimely(timing: Timing, event: Moment | None, now: int, data: TimingData) -> Refusal | None:
    """Why a notice about this event may not be sent now; None where it may, or where no event is known."""
    if event is None:
        return None
    if timing is Timing.COMPLETION and now > event.ends + data.completion_within:
        return Refusal(
            "too-late",
            f"It tells of {rfc3339(event.begins)}, which is over {format_duration(data.completion_within)} ago: a "
            "notice of completion comes within that time of the event. Leave it out.",
        )
    if timing is Timing.REMINDER and now > event.ends:
        return Refusal("too-late", f"It reminds of {rfc3339(event.begins)}, which is over. Leave it out.")
    if timing is Timing.REMINDER and event.begins - now > data.reminder_ahead:
        first = rfc3339(event.begins - data.reminder_ahead)
        return Refusal(
            "too-early",
            f"It reminds of {rfc3339(event.begins)}, more than {format_duration(data.reminder_ahead)} ahead: send "
            f"it from {first} on.",
        )
    return None


def too_often(before: int, data: TimingData) -> Refusal | None:
    """Why a reminder may not be sent, of whose event so many reminders were sent to this number before."""
    if before < data.reminder_times:
        return None
    return Refusal(
        "too-often",
        f"{before} reminders of this event were sent to this number, and {data.reminder_times} are the most. "
        "Leave it out.",
    )


def last_moment(timing: Timing, event: Moment | None, data: TimingData) -> int | None:
    """After this no step of the notice may begin; None where that does not depend on an event."""
    if event is None or timing is Timing.NONE:
        return None
    return event.ends + (data.completion_within if timing is Timing.COMPLETION else 0)
