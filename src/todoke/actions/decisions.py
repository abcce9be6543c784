"""One by one, and yet each kind once: what a claim decides about notices that are not among many of their kind."""

from collections.abc import Iterator

import msgspec

from todoke.actions.facts import Known
from todoke.core.notice import Attempt, Due, Event, Lapsed, Notice, State, step
from todoke.core.routing import Facts

_replace = msgspec.structs.replace


class Decisions:
    """What becomes of the notices of one claim. Those that stand alike, of which nothing has been tried and whose facts
    are the same, are decided by one of them: `step` looks at nothing else.
    """

    def __init__(self, ids: Iterator[str], now: int) -> None:
        """`ids`: for the attempts that begin, as many as there may be."""
        self._ids = ids
        self._now = now
        self._known: dict[tuple[object, ...], tuple[Notice, Attempt | None]] = {}

    def __call__(self, notice: Notice, known: Known, standing: object) -> tuple[Notice, Attempt | None]:
        """`standing`: all of the notice that `step` may look at, but its attempts. Raises IllegalTransition."""
        if notice.attempts or not known.are_common:
            return self._decide(notice, known.facts)
        # Facts that are common live as long as the claim: their identity is theirs alone.
        alike = (standing, id(known.facts))
        decided = self._known.get(alike)
        if decided is None:
            decided = self._known[alike] = self._decide(notice, known.facts)
            return decided
        moved, attempt = decided
        if attempt is None:
            return _replace(moved, id=notice.id, created_at=notice.created_at), None
        attempt = _replace(attempt, id=next(self._ids))
        return _replace(moved, id=notice.id, created_at=notice.created_at, attempts=(attempt,)), attempt

    def _decide(self, notice: Notice, facts: Facts) -> tuple[Notice, Attempt | None]:
        # Nothing of ours is out for as long as a lease lasts: its sender died.
        event: Event = Lapsed() if notice.state is State.SENDING else Due(facts, next(self._ids))
        return step(notice, event, self._now)
