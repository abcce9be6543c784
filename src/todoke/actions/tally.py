"""Counts what becomes of a channel's notifications, in the transaction that writes it down."""

from collections.abc import Iterable

from todoke.core.notice import Attempt, Notice
from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.storage.channel_hours import Counts, Place, hour_of

_TAKEN = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.LATE, Outcome.SILENT})
"""LINE took it, whether it was ever seen or not."""
_SEEN = frozenset({Outcome.DELIVERED, Outcome.LATE})

Change = tuple[str, Notice, Notice]
"""Of which channel, before, after."""


def of_changes(changes: Iterable[Change]) -> dict[Place, Counts]:
    """What changed of the notifications, by the hour of their request: so an hour's shares are of the same messages,
    however late their ends come.
    """
    more: dict[Place, Counts] = {}
    counts, counted = Counts(), ("", -1)
    for channel_id, before, after in changes:
        if after.attempts is before.attempts:
            continue
        for i, attempt in enumerate(after.attempts):
            was = before.attempts[i].outcome if i < len(before.attempts) else None
            if attempt.outcome is was or attempt.step is not Step.LINE_NOTIFICATION:
                continue
            # Most of them are of the same hour.
            if counted != (place := (channel_id, hour_of(attempt.at))):
                counts, counted = more.setdefault(Place(*place), Counts()), place
            _count(counts, was, attempt)
    return more


def _count(counts: Counts, was: Outcome | None, attempt: Attempt) -> None:
    now = attempt.outcome
    counts.accepted += (now in _TAKEN) - (was in _TAKEN)
    counts.delivered += (now in _SEEN) - (was in _SEEN)
    counts.unmatched += (now is Outcome.UNREACHABLE) - (was is Outcome.UNREACHABLE)


def add_over_quota(more: dict[Place, Counts], channel_id: str, now: int) -> None:
    """LINE refused a push because the month's quota of messages is used up."""
    more.setdefault(Place(channel_id, hour_of(now)), Counts()).over_quota += 1


def add_event(more: dict[Place, Counts], channel_id: str, at: int) -> None:
    """LINE posted events of this channel at `at`."""
    counts = more.setdefault(Place(channel_id, hour_of(at)), Counts())
    counts.last_event_at = max(counts.last_event_at or 0, at)
