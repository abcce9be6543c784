"""Drops what is only kept for a while: applied requests from outside, answers to idempotency keys."""

from todoke.clock import Clock
from todoke.core.durations import DAY, HOUR
from todoke.engine.loop import Loop
from todoke.storage import idempotency, inbox
from todoke.storage.database import Database

KEEP_INBOX = 30 * DAY
KEEP_ANSWERS = DAY
EVERY = HOUR


class Housekeeping(Loop):
    """Once an hour."""

    name = "housekeeping"

    def __init__(self, clock: Clock, database: Database) -> None:
        super().__init__(clock)
        self._database = database
        self._last: int | None = None

    async def step(self) -> bool:
        now = self.clock.now()
        if self._last is not None and now - self._last < EVERY:
            return False
        async with self._database.write() as tx:
            await inbox.forget(tx, now - KEEP_INBOX)
            await idempotency.forget(tx, now - KEEP_ANSWERS)
        self._last = now
        return False
