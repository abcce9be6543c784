"""Counts what becomes of a batch's notices, in the transaction that writes it down: see `storage.batch_states`."""

from collections.abc import Iterable

from todoke.core.notice import Notice
from todoke.core.states import State
from todoke.storage.batch_states import BEGUN, UNSENT, Place

Change = tuple[str | None, Notice, Notice, int]
"""Of which batch, before, after; and of how many notices that is so."""


_OPEN, _BEGUN, _UNSENT = range(3)


def of_changes(changes: Iterable[Change]) -> dict[Place, int]:
    """How many more, or fewer, notices are in each state."""
    more: dict[Place, int] = {}
    # Of a claim or a commit nearly all change alike: runs are counted, and written down when they end.
    run: tuple[str, State, State, int] | None = None
    count = 0
    for batch_id, before, after, number in changes:
        if batch_id is None or after is before:
            continue
        kind = _OPEN
        if not before.attempts:
            if after.attempts:
                kind = _BEGUN
            elif after.ended_at is not None and before.ended_at is None:
                kind = _UNSENT
        if (
            run is not None
            and run[0] == batch_id
            and run[1] is before.state
            and run[2] is after.state
            and run[3] == kind
        ):
            count += number
            continue
        if run is not None:
            _write(more, run, count)
        run, count = (batch_id, before.state, after.state, kind), number
    if run is not None:
        _write(more, run, count)
    return more


def _write(more: dict[Place, int], run: tuple[str, State, State, int], count: int) -> None:
    batch_id, was, now, kind = run
    if now is not was:
        left, come = (batch_id, was.value), (batch_id, now.value)
        more[left] = more.get(left, 0) - count
        more[come] = more.get(come, 0) + count
    if kind != _OPEN:
        place = (batch_id, BEGUN if kind == _BEGUN else UNSENT)
        more[place] = more.get(place, 0) + count
