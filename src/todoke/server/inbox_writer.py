"""Stores what was posted to us, durably, before it is answered."""

import asyncio
from collections.abc import Callable

from todoke.clock import monotonic
from todoke.storage import inbox
from todoke.storage.database import Database
from todoke.storage.inbox import Posted

MOST_TOGETHER = 200
"""Requests of one transaction: some milliseconds' work."""
LINGER_SECONDS = 0.01
"""From one commit's begin to the next under load. A commit costs as much as storing fifty requests."""
LOAD = 2
"""As many as waited together are load: who posts one after the other waits for nobody."""


class InboxWriter:
    """Stores requests from outside: all that wait at the same time share one durable commit."""

    def __init__(self, database: Database, woken: Callable[[], None]) -> None:
        self._database = database
        self._woken = woken
        self._waiting: list[tuple[Posted, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._begun = 0.0
        self._loaded = False

    def put(self, posted: Posted) -> asyncio.Future[None]:
        """Ends when it is durably stored, or with what the database raised."""
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.append((posted, stored))
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write())
        return stored

    async def _write(self) -> None:
        while self._waiting:
            if self._loaded and (rest := self._begun + LINGER_SECONDS - monotonic()) > 0:
                await asyncio.sleep(rest)
            self._begun = monotonic()
            batch: list[tuple[Posted, asyncio.Future[None]]] = []
            try:
                async with self._database.write(quick=True) as tx:
                    # Not before it is our turn: who has come meanwhile comes along.
                    batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                    await inbox.put(tx, [posted for posted, _ in batch])
                    self._database.leave_plans()
            except Exception as error:
                if not batch:
                    batch, self._waiting = self._waiting, []
                for _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
            else:
                for _, stored in batch:
                    if not stored.done():
                        stored.set_result(None)
                self._woken()
            self._loaded = len(batch) >= LOAD
