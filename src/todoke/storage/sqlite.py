"""All that is special to SQLite: how connections open and begin, durable commits, what its errors mean."""

import sqlite3
from typing import Any, NamedTuple

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

ERRORS = (DBAPIError, sqlite3.Error, OSError)


class Engines(NamedTuple):
    """One connection that writes, a few that read, and one for migrations."""

    writer: AsyncEngine
    reader: AsyncEngine
    migrator: AsyncEngine

    async def dispose(self) -> None:
        for engine in self:
            await engine.dispose()


def engines(url: str) -> Engines:
    """Opens lazily: nothing is read or made before the first statement."""
    target = make_url(url).set(drivername="sqlite+aiosqlite")
    writer = create_async_engine(target, pool_size=1, max_overflow=0)
    reader = create_async_engine(target, pool_size=4, max_overflow=4)
    migrator = create_async_engine(target, pool_size=1, max_overflow=0)
    for engine, begin in ((writer, "BEGIN IMMEDIATE"), (reader, "BEGIN"), (migrator, "BEGIN IMMEDIATE")):
        _prepare(engine, begin)
    return Engines(writer, reader, migrator)


def _prepare(engine: AsyncEngine, begin: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling would begin too late and too weakly; we say BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "busy_timeout = 10000",
            "journal_mode = WAL",
            # FULL: in WAL mode the only setting with which a commit survives a power cut.
            "synchronous = FULL",
            "foreign_keys = ON",
            "cache_size = -65536",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def explain(error: BaseException) -> str:
    """What went wrong and what to do, in one line."""
    text = str(getattr(error, "orig", None) or error)
    if "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
        return (
            f"The database file can't be written ({text}). Check who owns the data folder (TODOKE_DATA_DIR)."
        )
    if "disk is full" in text or "disk I/O" in text:
        return f"The disk of the data folder is full or broken ({text})."
    if "not a database" in text:
        return (
            "The database file is damaged or no SQLite file. Move it away, or set TODOKE_DATA_DIR elsewhere."
        )
    if "locked" in text:
        return "Another program holds the database file locked. Stop it, or set TODOKE_DATA_DIR elsewhere."
    return f"The database answered: {text}"
