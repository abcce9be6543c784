"""How many notices of each batch are in which state: counted as they change, so that a look at a batch of millions
reads a few rows.

Whoever moves notices calls `add` in the same transaction, once for all of them. Beside the states:
`held` (its batch holds it back), `begun` (its first request began), `unsent` (it ended without any).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import BindParameter, bindparam, insert, select, update

from todoke.core.states import OPEN_STATES, State
from todoke.storage.bulk import Bulk
from todoke.storage.database import Tx
from todoke.storage.tables import batch_states as s

HELD = "held"
BEGUN = "begun"
UNSENT = "unsent"
COUNTED = (*(str(x) for x in State), HELD, BEGUN, UNSENT)

Place = tuple[str, str]
"""A batch and what is counted of it."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one batch. `states`: those that any notice is in."""

    states: dict[str, int]
    held: int = 0
    begun: int = 0
    unsent: int = 0

    @property
    def open(self) -> int:
        """Notices that have not ended."""
        return sum(self.states.get(x, 0) for x in OPEN_STATES)

    @property
    def unbegun(self) -> int:
        """Open notices whose first request has not begun."""
        return max(sum(self.states.values()) - self.begun - self.unsent, 0)

    @property
    def out(self) -> int:
        """Those of them that their batch does not hold back: they wait for the channel, or for quiet hours."""
        return max(self.unbegun - self.held, 0)


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_OF = select(s.c.batch_id, s.c.state, s.c.count).where(s.c.batch_id.in_(_IDS))
_ADD = Bulk(
    update(s)
    .where(s.c.batch_id == bindparam("of_batch"), s.c.state == bindparam("of_state"))
    .values(count=s.c.count + bindparam("more")),
    ("more", "of_batch", "of_state"),
)


async def begin(tx: Tx, batch_id: str) -> None:
    """Makes the rows of a new batch."""
    await tx.execute(insert(s), [{"batch_id": batch_id, "state": x, "count": 0} for x in COUNTED])


async def add(tx: Tx, more: Mapping[Place, int]) -> None:
    """Adds to what is counted. Costs nothing where there is nothing to add."""
    await _ADD(tx, [(n, batch_id, state) for (batch_id, state), n in sorted(more.items()) if n])


async def of_batches(tx: Tx, batch_ids: Iterable[str]) -> dict[str, Counts]:
    """The counts of each of the batches."""
    ids = list(batch_ids)
    found: dict[str, dict[str, int]] = {x: {} for x in ids}
    if ids:
        for batch_id, state, count in await tx.execute(_OF, {"ids": ids}):
            found[batch_id][state] = count
    return {
        batch_id: Counts(
            held=counted.pop(HELD, 0),
            begun=counted.pop(BEGUN, 0),
            unsent=counted.pop(UNSENT, 0),
            states={state: n for state, n in counted.items() if n},
        )
        for batch_id, counted in found.items()
    }


async def of_batch(tx: Tx, batch_id: str) -> Counts:
    """The counts of one batch."""
    return (await of_batches(tx, [batch_id]))[batch_id]
