"""The connection to the database: one writer at a time, readers beside it, migrations at the start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncConnection

from todoke.storage import sqlite

Tx = AsyncConnection
"""An open transaction. Actions pass it on; only storage calls its methods."""


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
        self._engines = sqlite.engines(url)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A writing transaction: committed durably at the end, rolled back on an error."""
        async with self._turn:
            async with self._engines.writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A reading transaction: one consistent view, never waiting for the writer."""
        async with self._engines.reader.connect() as connection:
            yield connection

    async def migrate(self) -> None:
        """Brings the tables to this version. Raises StorageError where the file can't be written."""
        try:
            async with self._engines.migrator.begin() as connection:
                await connection.run_sync(_upgrade)
        except sqlite.ERRORS as error:
            raise StorageError(sqlite.explain(error)) from error

    async def is_current(self) -> bool:
        """Whether the tables are there."""
        async with self.read() as tx:
            return bool(await tx.run_sync(lambda c: inspect(c).has_table("alembic_version")))

    async def close(self) -> None:
        await self._engines.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
