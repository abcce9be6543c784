"""All that is special to SQLite: how connections open and begin, durable commits, what its errors mean."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import aiosqlite
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Table,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from todoke.storage.sqlite_log import MOST_PAGES, Log

_PATIENT = "busy_timeout = 10000"
_IMPATIENT = "busy_timeout = 0"
WRITES, READS = "BEGIN IMMEDIATE", "BEGIN"
_CACHE_OF_WRITER, _CACHE_OF_READER = 8_192, 2_048
"""Kilobytes of pages that a connection keeps. There are two that write, and up to a dozen that read."""
ERRORS = (DBAPIError, sqlite3.Error, OSError)
UNUSABLE = (OperationalError, sqlite3.OperationalError)


class _Statements(LRUCache[Any, Any]):
    """Compiled statements, once for all engines of the process: to compile one takes longer than to run it.

    SQLAlchemy's keys begin with the dialect, of which each engine has its own. They differ in nothing.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key[1:], value)


_STATEMENTS = _Statements(2000)


class Engines(NamedTuple):
    """For writing and for reading, each twice.

    `quick_…`: statements run in the event loop's own thread. A few statements over a few hundred rows take
    less time than the way into another thread and back, which under load costs a turn of the event loop
    each time, while the one writer is held. The others run in threads, so that long statements hold nobody up.
    """

    writer: AsyncEngine
    reader: AsyncEngine
    quick_writer: AsyncEngine
    quick_reader: AsyncEngine

    async def dispose(self) -> None:
        for engine in self:
            await engine.dispose()


def engines(url: str) -> Engines:
    """Opens lazily: nothing is read or made before the first statement."""
    target = make_url(url).set(drivername="sqlite+aiosqlite")
    # Values of statements are numbers and names: they must not come into the text of an error.
    options = {"compiled_cache": _STATEMENTS}
    new = partial(create_async_engine, target, hide_parameters=True, execution_options=options)

    async def in_place() -> aiosqlite.Connection:
        return await _InPlace(target.database or "")

    def make(begin: str, size: int, more: int = 0) -> AsyncEngine:
        engine = new(pool_size=size, max_overflow=more)
        return _begins(engine, begin, _PATIENT)

    def make_quick(begin: str) -> AsyncEngine:
        # Who keeps them says how many there are.
        engine = new(async_creator=in_place, poolclass=NullPool)
        return _begins(engine, begin, _IMPATIENT)

    return Engines(
        writer=make(WRITES, 1),
        reader=make(READS, 4, 4),
        quick_writer=make_quick(WRITES),
        quick_reader=make_quick(READS),
    )


def log_of(url: str) -> Log:
    """What keeps the log of the database short."""
    return Log(make_url(url).database or "")


class Version:
    """Tells whether anything was committed since, by this process or another.

    `PRAGMA data_version` is the same for as long as no other connection has changed the file
    (https://www.sqlite.org/pragma.html#pragma_data_version); this connection never changes it.
    """

    def __init__(self, url: str) -> None:
        self._path = make_url(url).database or ""
        self._connection: sqlite3.Connection | None = None

    def read(self) -> int | None:
        """A number to compare with an earlier one; None where it can't be told just now. Takes some microseconds."""
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            self.close()
            return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def revision(connection: Connection) -> str | None:
    """The last migration that was run on this file; None: none was."""
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").scalar():
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def is_file(url: str) -> bool:
    """Whether this is the address of a database in a file."""
    return url.startswith("sqlite") and (make_url(url).database or ":memory:") != ":memory:"


def revision_of_file(url: str) -> str | None:
    """As `revision`, of a database that nobody has opened; None too where it can't be read. Changes nothing."""
    path = quote(make_url(url).database or "")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)) as connection:
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return None


def watch(connection: Connection, triggers: Mapping[str, str], seed: str) -> None:
    """Makes those of the triggers that are missing or were written otherwise, and drops former ones of theirs.

    Not in a migration: one that makes a table anew, as SQLite's must to change a column, would lose them.
    """
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'watch\\_%' ESCAPE '\\'"
    )
    before = {row[0]: row[1] for row in rows}
    if before == triggers:
        return
    for name in before:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    connection.exec_driver_sql(seed)
    for text in triggers.values():
        connection.exec_driver_sql(text)


def has_text(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a text holds another, to the letter."""
    return func.instr(column, text) > 0


def has_bytes(column: ColumnElement[bytes], found: bytes) -> ColumnElement[bool]:
    """Whether a value of bytes holds others."""
    return func.instr(column, found) > 0


COMPACT_MOST = 512 * 1024 * 1024
"""Bytes of a file that is written anew while everybody waits: some seconds."""


def compact(url: str, *, any_size: bool) -> bool:
    """Writes the file anew, so that nothing of what was deleted or changed is left in it, nor in its log.

    Nobody else can write meanwhile. Answers whether it was done: not where the file is large, unless `any_size`.
    Blocks: call it in a thread.
    """
    path = make_url(url).database
    if not path:
        return True
    if not any_size and Path(path).stat().st_size > COMPACT_MOST:
        return False
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        connection.execute("PRAGMA temp_store = MEMORY" if not any_size else "PRAGMA temp_store = FILE")
        connection.execute("VACUUM")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        connection.close()


@lru_cache(maxsize=256)
def file_engine(path: Path, *, write: bool) -> Engine:
    """For a file of the archive, which is there, is written seldom and then lies still: it needs nothing beside it, so
    that copying it is a backup, and what is deleted in it is overwritten. Connections block; none is kept open.

    Reading too opens it for writing: what a killed writer left half done is taken back then.
    """
    address = f"sqlite:///file:{quote(str(path))}?mode=rw&uri=true"
    engine = create_engine(address, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        # EXTRA: without a log beside the file, a power cut may else bring back a journal that was done with.
        for pragma in (_PATIENT, "journal_mode = DELETE", "synchronous = EXTRA", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _begins(engine: AsyncEngine, begin: str, patience: str) -> AsyncEngine:
    # An insert in the middle of a large index goes through pages that no page cache but a writer's keeps.
    cache = _CACHE_OF_WRITER if begin == WRITES else _CACHE_OF_READER

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling would begin too late and too weakly; we say BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            for pragma in (
                patience,
                "journal_mode = WAL",
                # FULL: in WAL mode the only setting with which a commit survives a power cut.
                "synchronous = FULL",
                f"wal_autocheckpoint = {MOST_PAGES}",
                "foreign_keys = ON",
                f"cache_size = -{cache}",
                "temp_store = MEMORY",
                # What is deleted or changed is overwritten where that costs no further writing.
                "secure_delete = FAST",
            ):
                cursor.execute(f"PRAGMA {pragma}")
        except BaseException:
            # Nobody else closes it, and its thread would outlive the program's last word.
            connection.close()
            raise
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


class _InPlace(aiosqlite.Connection):
    """A connection whose statements run where they are awaited.

    Only what may take its time goes into the connection's thread: to commit, and to begin when another
    process writes just then. aiosqlite hands everything that its connections and cursors do to `_execute`.
    """

    def __init__(self, database: str) -> None:
        super().__init__(lambda: sqlite3.connect(database, check_same_thread=False), iter_chunk_size=64)
        self._thread.daemon = True

    async def _connect(self) -> "_InPlace":
        """At once too: were the thread waited for, all who read just then would open connections of their own."""
        if self._connection is None:
            try:
                self._connection = self._connector()
            except BaseException:
                self.stop()
                raise
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except sqlite3.OperationalError as error:
            # The lowest byte is the kind; the rest says more, as that a killed writer's log is being read again.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        return await self._in_thread(partial(self._patiently, fn, *args, **kwargs))

    def _patiently(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._conn.execute(f"PRAGMA {_PATIENT}")
        try:
            return fn(*args, **kwargs)
        finally:
            self._conn.execute(f"PRAGMA {_IMPATIENT}")

    async def commit(self) -> None:
        await self._in_thread(self._conn.commit)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        """Whoever is cancelled meanwhile leaves when it is over: to close a connection that is at work in another
        thread ends the process.
        """
        done = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((done, work))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            while not done.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([done])
            done.exception()  # Nobody else hears of it.
            raise


class Kept:
    """A quick connection that is kept open, its transactions begun and ended at the driver: SQLAlchemy's way from the
    pool into a transaction and back takes longer than most of what is done in one. To SQLAlchemy it is all one
    transaction.
    """

    def __init__(self, connection: AsyncConnection, driver: _InPlace, begin: str) -> None:
        self.connection = connection
        self.direct: sqlite3.Connection = driver._conn
        self._driver = driver
        self._begin = begin

    @classmethod
    async def open(cls, engine: AsyncEngine, begin: str) -> "Kept":
        """A new one of one of the quick engines, outside of any transaction; `begin`: how each of its own begins."""
        connection = await engine.connect()
        try:
            await connection.begin()
            driver = _driver(connection)
            assert isinstance(driver, _InPlace)
            driver._conn.rollback()
        except BaseException:
            await connection.close()
            raise
        return cls(connection, driver, begin)

    async def begin(self) -> None:
        """Waits where another process writes just now."""
        try:
            await self._driver._execute(self.direct.execute, self._begin)
        except BaseException:
            # Who was cancelled while it waited may have begun all the same, and nobody else would end that.
            self.end()
            raise

    def version(self) -> int:
        """Differs from an earlier answer if another connection, of this process or another, has committed since."""
        return int(self.direct.execute("PRAGMA data_version").fetchone()[0])

    async def commit(self) -> None:
        """Durably. In the connection's thread, for that takes its time."""
        await self._driver.commit()

    def end(self) -> None:
        """Ends a transaction that is still open, without keeping what it changed."""
        if self.direct.in_transaction:
            self.direct.execute("ROLLBACK")

    async def close(self) -> None:
        self.end()
        await self.connection.close()


_IDLE = 2
"""Quick connections that read and are kept: mostly there is one at a time."""


class QuickReaders:
    """The quick connections that read: one, and more while several read at the same time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._idle: list[Kept] = []
        self._closed = False

    async def take(self) -> Kept:
        """One whose transaction has begun."""
        kept = self._idle.pop() if self._idle else await Kept.open(self._engine, READS)
        try:
            await kept.begin()
        except BaseException:
            await kept.close()
            raise
        return kept

    async def give_back(self, kept: Kept) -> None:
        """Ends its transaction."""
        kept.end()
        if len(self._idle) < _IDLE and not self._closed:
            self._idle.append(kept)
        else:
            await kept.close()

    async def close(self) -> None:
        """Those that are in use are closed when they are given back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()


def _driver(tx: AsyncConnection) -> Any:
    proxied = tx.sync_connection
    return None if proxied is None else proxied.connection.driver_connection


def at_once(tx: AsyncConnection) -> sqlite3.Connection | None:
    """The driver's connection of a quick transaction that has begun, for statements of the busiest paths: SQLAlchemy's
    way to it takes ten times as long as most of them. None elsewhere.
    """
    if not tx.in_transaction():
        return None
    driver = _driver(tx)
    return driver._conn if isinstance(driver, _InPlace) else None


def among(column: ColumnElement[str], values: BindParameter[str]) -> ColumnElement[bool]:
    """Whether a text is one of a JSON list's: one statement for lists of any length."""
    listed = func.json_each(values).table_valued("value")
    return column.in_(select(listed.c.value))


def insert_alike(
    table: Table,
    shared: Sequence[str],
    of_each: Sequence[str],
    rows: int,
    same: Mapping[str, str] | None = None,
) -> str:
    """An insert of so many rows in one statement. Its values: those that all rows share, once, then those of each.

    `same`: columns that hold the same as one of those of each. If it fails, what it did up to then stands: the
    transaction must be rolled back. To be able to take it back alone, SQLite would keep a copy of every page that it
    changes, which is a fifth of its time.
    """
    # Only what is used again has a number: Python from 3.12 on asks SQLite for the name of each value, `?5` is one, and
    # SQLite goes through all names to find it. A plain `?` has none, and is the next after all before it.
    same = same or {}
    common = [f"?{1 + i}" for i in range(len(shared))]

    def values(row: int) -> str:
        begin = 1 + len(shared) + row * len(of_each)
        again = {x: f"?{begin + of_each.index(x)}" for x in same.values()}
        return ",".join([*common, *(again.get(x, "?") for x in of_each), *(again[x] for x in same.values())])

    columns = ",".join([*shared, *of_each, *same])
    all_values = "),(".join([values(row) for row in range(rows)])
    return f"INSERT OR FAIL INTO {table.name} ({columns}) VALUES ({all_values})"  # noqa: S608 - own names


def explain(error: BaseException) -> str:
    """What went wrong and what to do, in one line."""
    text = str(getattr(error, "orig", None) or error)
    if "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
        return (
            f"The database file can't be written ({text}). Check who owns the data folder (TODOKE_DATA_DIR)."
        )
    if "disk is full" in text or "disk I/O" in text:
        return f"The disk of the data folder is full or broken ({text})."
    if "not a database" in text or "malformed" in text:
        return (
            "The database file is damaged or no SQLite file. Move it away, or set TODOKE_DATA_DIR elsewhere."
        )
    if "locked" in text:
        return "Another program holds the database file locked. Stop it, or set TODOKE_DATA_DIR elsewhere."
    return f"The database answered: {text}"
