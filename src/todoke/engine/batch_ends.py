"""Sees when the last notice of a batch has ended."""

from collections.abc import Callable

from todoke.actions import announcements
from todoke.clock import Clock, monotonic
from todoke.core.durations import SECOND
from todoke.engine.loop import Loop
from todoke.ids import Ids
from todoke.storage import batches as store
from todoke.storage.database import Database

EVERY = SECOND
REALLY_EVERY = 5.0
"""Seconds of the machine's clock."""


class BatchEnds(Loop):
    """Looks at the batches that have not ended, each from the first notice on that was open the last time: a notice
    that has ended stays so, so that over a batch's life each of its notices is looked at once or twice.

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
        self._done: dict[str, str] = {}
        """Batch → all its notices up to this one have ended."""

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
        over: list[str] = []
        async with self._database.read() as tx:
            open_ones = await store.not_ended(tx)
            for batch_id in open_ones:
                first = await store.open_ids(tx, batch_id, self._done.get(batch_id, ""), 1)
                if not first:
                    over.append(batch_id)
                else:
                    # The one before the first open one; an id is never the end of another.
                    self._done[batch_id] = first[0][:-1]
        self._done = {k: v for k, v in self._done.items() if k in open_ones and k not in over}
        for batch_id in over:
            await self._end(batch_id, now)
        return bool(over)

    async def _end(self, batch_id: str, now: int) -> None:
        async with self._database.write() as tx:
            batch = await store.get_batch(tx, batch_id)
            if batch is None or batch.ended_at is not None:
                return
            batch.ended_at = now
            await store.update_batch(tx, batch_id, ended_at=now)
            states = await store.states_of(tx, batch_id)
            told = await announcements.of_batch(tx, "batch.ended", batch, now, self._ids, states=states)
        if told:
            self._posted()
