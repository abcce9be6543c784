"""Counts what becomes of a channel's notifications, in the transaction that writes it down."""

from collections.abc import Iterable

from todoke.core.notice import Notice
from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.storage.channel_hours import Counts, Place, hour_of

_TAKEN = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.LATE, Outcome.SILENT})
"""LINE took it, whether it was ever seen or not."""
_SEEN = frozenset({Outcome.DELIVERED, Outcome.LATE})

Change = tuple[str, Notice, Notice, int]
"""Of which channel, before, after; and of how many notices that is so."""


def of_changes(changes: Iterable[Change]) -> dict[Place, Counts]:
    """What changed of the notifications, by the hour of their request: so an hour's shares are of the same messages,
    however late their ends come.
    """
    more: dict[Place, Counts] = {}
    # Of a commit nearly all change alike: runs are counted, and written down when they end.
    run: _Run | None = None
    count = 0
    for channel_id, before, after, number in changes:
        if after.attempts is before.attempts:
            continue
        for i, attempt in enumerate(after.attempts):
            was = before.attempts[i].outcome if i < len(before.attempts) else None
            if attempt.outcome is was or attempt.step is not Step.LINE_NOTIFICATION:
                continue
            now, hour = attempt.outcome, hour_of(attempt.at)
            if (
                run is not None
                and run[1] is was
                and run[2] is now
                and run[3] == hour
                and run[0] == channel_id
            ):
                count += number
                continue
            if run is not None:
                _write(more, run, count)
            run, count = (channel_id, was, now, hour), number
    if run is not None:
        _write(more, run, count)
    return more


_Run = tuple[str, Outcome | None, Outcome | None, int]
"""The channel, the outcome before and after, and the hour of the request."""


def _write(more: dict[Place, Counts], run: _Run, count: int) -> None:
    channel_id, was, now, hour = run
    counts = more.setdefault(Place(channel_id, hour), Counts())
    counts.accepted += count * ((now in _TAKEN) - (was in _TAKEN))
    counts.delivered += count * ((now in _SEEN) - (was in _SEEN))
    counts.unmatched += count * ((now is Outcome.UNREACHABLE) - (was is Outcome.UNREACHABLE))


def add_over_quota(more: dict[Place, Counts], channel_id: str, now: int) -> None:
    """LINE refused a push because the month's quota of messages is used up."""
    more.setdefault(Place(channel_id, hour_of(now)), Counts()).over_quota += 1


def add_event(more: dict[Place, Counts], channel_id: str, at: int) -> None:
    """LINE posted events of this channel at `at`."""
    counts = more.setdefault(Place(channel_id, hour_of(at)), Counts())
    counts.last_event_at = max(counts.last_event_at or 0, at)
