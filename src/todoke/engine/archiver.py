"""Moves what ended long ago into the archive, a portion at a time, and deletes the archive's oldest months."""

import asyncio

from todoke.actions import archiving
from todoke.clock import Clock, monotonic
from todoke.core.durations import DAY, HOUR
from todoke.engine.loop import Loop, log
from todoke.storage import archive_rows
from todoke.storage.archive import Archive
from todoke.storage.database import Database

PORTION = 1000
"""Notices that are copied in one go."""
AT_ONCE = 200
"""Of those so many are deleted in one commit: whoever writes waits for it, some 20 ms."""
EVERY = HOUR
SHARE = 0.25
"""So much of the time at most it works."""
REJECTS = 5_000


class Archiver(Loop):
    """Looks once an hour from the oldest notice on. Killed at any moment it leaves every notice in one place at least:
    what was copied and not yet deleted is copied again, over its first copy.
    """

    name = "archiver"
    heeds_stored_only = True

    def __init__(
        self, clock: Clock, database: Database, archive: Archive, keep_days: int, archive_days: int
    ) -> None:
        """Notices stay `keep_days` after they ended, and then `archive_days` in the archive; 0: for ever."""
        super().__init__(clock)
        self._database = database
        self._archive = archive
        self._keep = keep_days * DAY
        self._archived = archive_days * DAY
        self._last: int | None = None
        self._at: str | None = ""
        """The last notice that this round has looked at; None: the round is over."""
        self._moved = 0

    @property
    def until(self) -> int | None:
        return None if self._last is None or not self._keep else self._last + EVERY

    async def step(self) -> bool:
        now = self.clock.now()
        if not self._keep or not self._is_time(now):
            return False
        begun = monotonic()
        ended_before = now - self._keep
        if self._at is not None:
            async with self._archive.alone():
                self._at = await self._move(ended_before, self._at)
        elif not await self._drop(ended_before):
            self._last, self._at = now, ""
            if self._moved:
                log.info("archive.moved", notices=self._moved)
                self._moved = 0
        await asyncio.sleep((monotonic() - begun) * (1 / SHARE - 1))
        return self._last != now

    def _is_time(self, now: int) -> bool:
        """Also in the middle of a round, and where a virtual clock was set back."""
        return self._last is None or self._at != "" or not 0 <= now - self._last < EVERY

    async def _move(self, ended_before: int, after: str) -> str | None:
        """One portion; answers how far it came. Reads, copies and deletes while nobody erases."""
        async with self._database.read() as tx:
            portion = await archive_rows.old_ones(tx, ended_before, after, PORTION)
        if portion.old:
            await self._archive.put(portion.old)
            for at in range(0, len(portion.old), AT_ONCE):
                async with self._database.write() as tx:
                    self._moved += await archiving.leave(tx, portion.old[at : at + AT_ONCE])
        return portion.last

    async def _drop(self, ended_before: int) -> bool:
        """What is past its time in the archive too; answers whether there may be more."""
        if not self._archived:
            return False
        async with self._database.write() as tx:
            rejects = await archive_rows.forget_rejects(tx, ended_before - self._archived, REJECTS)
        async with self._archive.alone():
            for month in await self._archive.drop(ended_before - self._archived):
                log.info("archive.dropped", month=month.path.stem, notices=month.notices)
        return rejects == REJECTS
