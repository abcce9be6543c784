"""The connection to the database: one writer at a time, readers beside it, migrations at the start."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from todoke.storage import sqlite, watched
from todoke.storage.group_commit import Writers

Tx = AsyncConnection
"""An open transaction. Actions pass it on; only storage calls its methods."""


UNUSABLE = sqlite.UNUSABLE
"""What statements raise when the database can't be used just now: a full disk, a lock, a damaged file."""


def explain(error: BaseException) -> str:
    """What went wrong with the database, and what to do, in one line."""
    return sqlite.explain(error)


class StorageError(Exception):
    """The database can't be used; the text names the place and the remedy."""


class Database:
    """Where everything is kept. Writing transactions queue for the one writer; a commit is durable."""

    def __init__(self, url: str) -> None:
        if not url.startswith("sqlite"):
            scheme = url.partition(":")[0]
            raise StorageError(
                f"TODOKE_DATABASE_URL begins with {scheme!r}. This version keeps its data in SQLite only: "
                "leave the setting out, or write sqlite:////path/to/file.db."
            )
        self._url = url
        self._engines = sqlite.engines(url)
        self._writers = Writers(self._engines.quick_writer)
        self._quick_readers = sqlite.QuickReaders(self._engines.quick_reader)
        self._version = sqlite.Version(url)
        self._log = sqlite.log_of(url)

    @asynccontextmanager
    async def write(self, *, quick: bool = False, large: bool = False) -> AsyncIterator[Tx]:
        """A writing transaction: committed durably at the end, rolled back on an error.

        `quick`: it holds the program up while it runs, and so is for few rows by their keys only. Such ones that wait
        for their turn share a commit; what one rolls back is lost to none of the others. `large`: such a one all the
        same of thousands of rows, whose statements are few and run in threads.
        """
        if quick:
            async with self._writers.joined(large=large) as connection:
                yield connection
        else:
            async with self._writers.alone(), self._engines.writer.begin() as connection:
                yield connection
        self._log.written()

    @asynccontextmanager
    async def read(self, *, quick: bool = False) -> AsyncIterator[Tx]:
        """A reading transaction: one consistent view, never waiting for the writer. `quick` as in `write`."""
        if not quick:
            async with self._engines.reader.connect() as connection:
                yield connection
            return
        kept = await self._quick_readers.take()
        try:
            yield kept.connection
        finally:
            await self._quick_readers.give_back(kept)

    def moment(self) -> int:
        """For `is_as_at`. To be asked before reading what a plan is made of that is to be written down later."""
        return self._writers.moment()

    def is_as_at(self, moment: int) -> bool:
        """Whether nothing was committed since, by any process, but what `leave_plans` was said of. To be asked inside
        of a quick writing transaction.
        """
        return self._writers.is_as_at(moment)

    def leave_plans(self) -> None:
        """To be said inside of a quick writing transaction: no plan depends on what it writes, or plans are held
        against it row by row, as by `notice_changes.Stale`.
        """
        self._writers.leave_plans()

    @property
    def idle_seconds(self) -> float:
        """For how long nobody of this process has wanted to write; 0 while somebody does."""
        return self._writers.idle_seconds

    def version(self) -> int | None:
        """Differs from an earlier answer if anything was committed since; None where that can't be told."""
        return self._version.read()

    async def migrate(self) -> None:
        """Brings the tables to this version. Raises StorageError where the file can't be written."""
        try:
            async with self._engines.writer.begin() as connection:
                await connection.run_sync(_upgrade)
        except sqlite.ERRORS as error:
            raise StorageError(sqlite.explain(error)) from error

    async def compact(self, *, any_size: bool = False) -> bool:
        """Leaves nothing in the files of what was deleted or changed. Everybody who writes waits meanwhile.

        Answers whether it was done: a large database is left alone unless `any_size`.
        """
        async with self._writers.alone():
            # Who copies the log just then would keep it from being emptied. It begins again with the next commit.
            await self._log.close()
            return await asyncio.to_thread(sqlite.compact, self._url, any_size=any_size)

    async def close(self) -> None:
        self._version.close()
        await self._writers.close()
        await self._log.close()
        await self._quick_readers.close()
        await self._engines.dispose()


def needs_upgrade(url: str) -> bool:
    """Whether the tables of a file are not at this version, or nobody can tell; never of a database in memory. A short
    look that blocks.
    """
    return sqlite.is_file(url) and sqlite.revision_of_file(url) != _newest()


at_once = sqlite.at_once
insert_alike = sqlite.insert_alike
among = sqlite.among
has_text = sqlite.has_text
has_bytes = sqlite.has_bytes


def portions(values: Iterable[str], size: int = 10_000) -> Iterator[list[str]]:
    """The values in lists short enough for one statement: databases limit the parameters of one."""
    rest = iter(values)
    while portion := list(islice(rest, size)):
        yield portion


def _upgrade(connection: Connection) -> None:
    if sqlite.revision(connection) != _newest():
        from todoke.storage import upgrading  # noqa: PLC0415

        try:
            upgrading.upgrade(connection)
        except upgrading.UnknownVersion as error:
            raise StorageError(
                f"The database was made by another version of Todoke ({error}). Start that version or a newer one."
            ) from error
    sqlite.watch(connection, watched.triggers(), watched.SEED)
    # A file that can't be written is not noticed before the first write; it shall be noticed now.
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")


def _newest() -> str:
    """The revision of the last migration, with which its file's name begins."""
    return max(
        file.name[:4] for file in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
    )
