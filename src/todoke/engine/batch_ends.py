"""Sees when the last notice of a batch has ended."""

from collections.abc import Callable

from todoke.actions import announcements
from todoke.clock import Clock, monotonic
from todoke.core.durations import SECOND
from todoke.engine.loop import Loop
from todoke.ids import Ids
from todoke.storage import batch_states
from todoke.storage import batches as store
from todoke.storage.database import Database

EVERY = SECOND
REALLY_EVERY = 5.0
"""Seconds of the machine's clock."""


class BatchEnds(Loop):
    """Looks at what is counted of the batches that have not ended, a few rows each.

    After a second of the notices' time or five of real time. It asks for no time of its own.
    """

    name = "batch_ends"
    heeds_stored_only = True

    def __init__(self, clock: Clock, database: Database, ids: Ids, posted: Callable[[], None]) -> None:
        """`posted`: told when there are webhooks to post."""
        super().__init__(clock)
        self._database = database
        self._ids = ids
        self._posted = posted
        self._looked: tuple[int, float] | None = None

    @property
    def until(self) -> int | None:
        return None if self._looked is None else self._looked[0] + EVERY

    async def step(self) -> bool:
        now = self.clock.now()
        if self._looked is not None:
            at, really_at = self._looked
            if 0 <= now - at < EVERY and monotonic() - really_at < REALLY_EVERY:
                return False
        self._looked = (now, monotonic())
        async with self._database.read(quick=True) as tx:
            over = await store.over(tx)
        for batch_id in over:
            await self._end(batch_id, now)
        return bool(over)

    async def _end(self, batch_id: str, now: int) -> None:
        async with self._database.write() as tx:
            batch = await store.get_batch(tx, batch_id)
            if batch is None or batch.ended_at is not None:
                return
            counts = await batch_states.of_batch(tx, batch_id)
            if counts.open or batch.state in store.UNREAD:
                return
            batch.ended_at = now
            await store.update_batch(tx, batch_id, ended_at=now, sweep=None)
            told = await announcements.of_batch(
                tx, "batch.ended", batch, now, self._ids, states=counts.states
            )
        if told:
            self._posted()
