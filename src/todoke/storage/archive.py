"""The archive as the gateway sees it: a folder that one process writes at a time, read without waiting for it.

Whatever is moved there is copied durably before it is deleted here. So whoever looks here first and there then finds
every notice at every moment; one that is in both places is as it stands here.
"""

import asyncio
import fcntl
import os
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from todoke.storage import archive_files as store
from todoke.storage import sqlite
from todoke.storage.archive_files import Kept, Month

_LOOK_AGAIN_SECONDS = 0.02
UNREADABLE = (*sqlite.ERRORS, zlib.error, msgspec.MsgspecError)
"""What reading raises where a file is damaged."""


class Archive:
    """All methods work in threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else, in this process or another, moves or erases meanwhile. The kernel ends it with the process."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            yield
        finally:
            os.close(file)

    async def put(self, notices: Sequence[Kept]) -> None:
        """Durable when it returns. Only while `alone`."""
        await asyncio.to_thread(store.put, self.folder, notices)

    async def rewrite(
        self, account_id: str, numbers: Collection[str], change: Callable[[Kept], Kept]
    ) -> list[Kept]:
        """Changes all notices to these numbers for good; answers them as they are now. Only while `alone`."""
        return await asyncio.to_thread(store.rewrite, self.folder, account_id, numbers, change)

    async def drop(self, ended_before: int) -> list[Month]:
        """Deletes the months all of whose notices ended before that time; answers them. Only while `alone`."""
        return await asyncio.to_thread(store.drop, self.folder, ended_before)

    async def get(self, account_id: str, notice_id: str) -> Kept | None:
        """One notice of an account."""
        return await asyncio.to_thread(store.get, self.folder, account_id, notice_id)

    async def to_numbers(self, account_id: str, numbers: Iterable[str], most: int) -> list[Kept]:
        """Notices to these numbers, the newest first."""
        return await asyncio.to_thread(store.to_numbers, self.folder, account_id, numbers, most)

    async def listed(
        self, account_id: str, *, reference: str | None, batch_id: str | None, before: str | None, most: int
    ) -> list[Kept]:
        """Notices with this reference, of this batch, the newest first; those before an id. None without both."""
        if reference is None and batch_id is None:
            return []
        return await asyncio.to_thread(
            store.listed, self.folder, account_id, reference, batch_id, before, most
        )

    async def of_batch_after(self, account_id: str, batch_id: str, after: str, most: int) -> list[Kept]:
        """A batch's notices in order, those after an id, empty for the first."""
        return await asyncio.to_thread(store.of_batch_after, self.folder, account_id, batch_id, after, most)

    async def accounts_of(self, number: str) -> list[str]:
        """The accounts that had notices to a number."""
        return await asyncio.to_thread(store.accounts_of, self.folder, number)

    async def months(self) -> list[Month]:
        """What it holds, the oldest first."""
        return await asyncio.to_thread(store.months, self.folder)
