"""The database keeps what it committed, keeps apart what it did not, and says in one line what is wrong."""

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from storage_support import ids
from todoke.storage import channels, erasure, sqlite, sqlite_log
from todoke.storage.database import Database, StorageError, portions
from todoke.storage.tables import metadata

WAYS = pytest.mark.parametrize("quick", [False, True], ids=["in a thread", "in place"])


async def names(database: Database, *, quick: bool = False) -> set[str]:
    async with database.read(quick=quick) as tx:
        found = await tx.exec_driver_sql("SELECT name FROM accounts")
        return {r[0] for r in found}


async def add(database: Database, name: str, *, quick: bool = False) -> None:
    async with database.write(quick=quick) as tx:
        await channels.insert_account(tx, ids.new(), name, 0)


# --- migrations -------------------------------------------------------------------------------------------


async def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))

    async with database.read() as tx:
        assert await tx.run_sync(differences) == []


async def test_the_migrations_make_the_same_indexes_and_kinds_of_tables_on_sqlite(
    database: Database, backend: str, tmp_path: Path
) -> None:
    """What Alembic does not compare: the conditions of partial indexes, WITHOUT ROWID and AUTOINCREMENT."""
    if backend != "sqlite":
        pytest.skip("only SQLite has these")
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    metadata.create_all(other)
    other.dispose()

    def shape(path: Path) -> dict[str, str | tuple[bool, bool]]:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            return {
                name: ("WITHOUT ROWID" in sql, "AUTOINCREMENT" in sql)
                if kind == "table"
                else re.sub(r"\s+", " ", sql)
                for kind, name, sql in rows
                if kind != "trigger" and name not in ("alembic_version", "sqlite_sequence")
            }

    assert shape(tmp_path / "todoke.db") == shape(tmp_path / "other.db")


async def test_an_inbox_of_a_former_version_keeps_its_rows_and_never_uses_a_number_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(sqlite.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO inbox VALUES (3, 'line', 'C', '{}', X'FF00', 7, NULL, NULL), "
            "(900, 'sms', NULL, '{}', 'body', 8, 9, 'unreadable')"
        )
    engine.dispose()
    database = Database(f"sqlite:///{path}")
    await database.migrate()
    async with database.write() as tx:
        kept = await tx.exec_driver_sql("SELECT * FROM inbox ORDER BY id")
        assert [tuple(r) for r in kept] == [
            (3, "line", "C", "{}", b"\xff\x00", 7, None, None),
            (900, "sms", None, "{}", "body", 8, 9, "unreadable"),
        ]
        await tx.exec_driver_sql("DELETE FROM inbox WHERE id = 900")
        await tx.exec_driver_sql(
            "INSERT INTO inbox (carrier, headers, body, received_at) VALUES ('line', '', '', 1)"
        )
        assert (await tx.exec_driver_sql("SELECT max(id) FROM inbox")).scalar() == 901
        made = await tx.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE tbl_name = 'inbox' AND type = 'index' ORDER BY name"
        )
        assert [r[0] for r in made] == ["ix_inbox_applied", "ix_inbox_channel", "ix_inbox_open"]
    await database.close()


async def test_notices_of_a_former_version_are_found_by_number_and_reference(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    rows = [(f"N{i:02}", "AB"[i % 2], ("R1", "R0", None)[i % 3], ("+2", "+1", "")[i % 3]) for i in range(12)]
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(sqlite.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for row in rows:
            connection.exec_driver_sql(
                "INSERT INTO notices (id, account_id, reference, number, channel_id, template_id, policy_id, country, "
                "parameters, state, step_index, created_at) VALUES (?, ?, ?, ?, '', '', '', '', '', 'queued', 0, 0)",
                row,
            )
    engine.dispose()
    database = Database(f"sqlite:///{path}")
    await database.migrate()
    async with database.read() as tx:
        for account in "AB":
            for number in ("+1", "+2"):
                expected = [x[0] for x in rows if (x[1], x[3]) == (account, number)]
                assert await erasure.notices_of(tx, account, [number]) == expected
        made = await tx.exec_driver_sql("SELECT level, reference, notice_id FROM notice_references")
        assert sorted(tuple(r) for r in made) == sorted((2, x[2], x[0]) for x in rows if x[2] is not None)
        counted = await tx.exec_driver_sql("SELECT count(*) FROM notice_numbers")
        assert counted.scalar() == 8
    await database.close()


async def test_migrating_again_changes_nothing_and_loses_nothing(database: Database) -> None:
    await add(database, "kept")
    await database.migrate()
    await database.migrate()
    assert await names(database) == {"kept"}


async def test_two_processes_that_start_at_once_may_both_migrate(tmp_path: Path) -> None:
    both = [Database(f"sqlite:///{tmp_path / 'new.db'}") for _ in range(2)]
    await asyncio.gather(*(d.migrate() for d in both))
    assert [await names(d) for d in both] == [set(), set()]
    for d in both:
        await d.close()


async def test_a_database_of_a_later_version_is_refused_with_the_remedy(database: Database) -> None:
    async with database.write() as tx:
        await tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match=r"another version of Todoke.*9999.*newer one"):
        await database.migrate()


# --- transactions -----------------------------------------------------------------------------------------


@WAYS
async def test_commits_are_durable_and_foreign_keys_are_kept(database: Database, quick: bool) -> None:
    for open_one in (database.write, database.read):
        async with open_one(quick=quick) as tx:
            found = {
                pragma: (await tx.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one()
                for pragma in ("journal_mode", "synchronous", "foreign_keys")
            }
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@WAYS
async def test_an_error_inside_rolls_everything_back(database: Database, quick: bool) -> None:
    async def half_done() -> None:
        async with database.write(quick=quick) as tx:
            await channels.insert_account(tx, ids.new(), "half", 0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half_done()
    await add(database, "whole", quick=quick)
    assert await names(database) == {"whole"}


@WAYS
async def test_a_reader_neither_waits_for_the_writer_nor_sees_what_is_not_committed(
    database: Database, quick: bool
) -> None:
    async with database.write(quick=quick) as tx:
        await channels.insert_account(tx, ids.new(), "not yet", 0)
        assert await names(database, quick=quick) == set()
    assert await names(database, quick=quick) == {"not yet"}


async def test_a_reader_sees_one_moment(database: Database) -> None:
    async with database.read() as tx:
        assert (await tx.exec_driver_sql("SELECT count(*) FROM accounts")).scalar_one() == 0
        await add(database, "later")
        assert (await tx.exec_driver_sql("SELECT count(*) FROM accounts")).scalar_one() == 0


async def test_writers_of_both_ways_take_turns(database: Database) -> None:
    await asyncio.gather(*(add(database, f"account {i}", quick=i % 2 == 0) for i in range(40)))
    assert len(await names(database)) == 40


async def test_a_writer_waits_for_another_process_that_writes_just_then(
    database: Database, backend: str, tmp_path: Path
) -> None:
    if backend != "sqlite":
        pytest.skip("only SQLite has one writer")
    for quick in (False, True):
        with closing(sqlite3.connect(tmp_path / "todoke.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(add(database, f"patient {quick}", quick=quick))
            for _ in range(200):
                await asyncio.sleep(0)
            assert not writing.done()
            other.execute("ROLLBACK")
            await asyncio.wait_for(writing, 10)
    assert await names(database) == {"patient False", "patient True"}


@WAYS
async def test_a_writer_that_is_cancelled_anywhere_leaves_the_database_usable(
    database: Database, quick: bool
) -> None:
    for turns in range(25):
        writing = asyncio.create_task(add(database, f"cancelled {turns}", quick=quick))
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await asyncio.wait_for(add(database, f"after {turns}", quick=quick), 10)
    assert {n for n in await names(database) if n.startswith("after")} == {f"after {t}" for t in range(25)}


# --- what is wrong ----------------------------------------------------------------------------------------


@pytest.fixture
async def broken(tmp_path: Path) -> AsyncIterator[list[Database]]:
    """Databases that the test opened."""
    opened: list[Database] = []
    others = set(threading.enumerate())
    yield opened
    for database in opened:
        await database.close()
    # The driver's thread of a connection that failed has a last word for this event loop.
    for thread in set(threading.enumerate()) - others:
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 5)


async def test_a_file_that_cant_be_written_is_told_with_the_remedy(
    database: Database, broken: list[Database], tmp_path: Path
) -> None:
    broken.append(Database(f"sqlite:///file:{tmp_path / 'todoke.db'}?mode=ro&uri=true"))
    with pytest.raises(StorageError, match=r"can't be written.*TODOKE_DATA_DIR"):
        await broken[0].migrate()


@pytest.mark.parametrize("place", ["no/such/folder/todoke.db", "."])
async def test_a_place_where_no_file_can_be_is_told_with_the_remedy(
    place: str, broken: list[Database], tmp_path: Path
) -> None:
    broken.append(Database(f"sqlite:///{tmp_path / place}"))
    with pytest.raises(StorageError, match=r"can't be written.*TODOKE_DATA_DIR"):
        await broken[0].migrate()


async def test_a_file_that_is_no_database_is_told_with_the_remedy(
    broken: list[Database], tmp_path: Path
) -> None:
    path = tmp_path / "todoke.db"
    path.write_bytes(b"This is no database.\n" * 500)
    broken.append(Database(f"sqlite:///{path}"))
    with pytest.raises(StorageError, match=r"damaged.*Move it away"):
        await broken[0].migrate()
    assert path.read_bytes() == b"This is no database.\n" * 500


async def test_a_damaged_database_is_told_with_the_remedy(broken: list[Database], tmp_path: Path) -> None:
    path = tmp_path / "todoke.db"
    sound = Database(f"sqlite:///{path}")
    await sound.migrate()
    await sound.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)
    broken.append(Database(f"sqlite:///{path}"))
    with pytest.raises(StorageError, match=r"damaged.*Move it away"):
        await broken[0].migrate()


@pytest.mark.parametrize("url", ["mysql://user:secret@host/db", "oracle://x", "todoke.db"])
def test_another_kind_of_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StorageError, match=r"TODOKE_DATABASE_URL.*sqlite:") as error:
        Database(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("attempt to write a readonly database", "can't be written"),
        ("unable to open database file", "can't be written"),
        ("database or disk is full", "disk"),
        ("disk I/O error", "disk"),
        ("file is not a database", "damaged"),
        ("database disk image is malformed", "damaged"),
        ("database is locked", "Another program"),
        ("no such table: x", "no such table: x"),
    ],
)
def test_each_error_of_sqlite_is_explained_in_one_line(text: str, words: str) -> None:
    explained = sqlite.explain(sqlite3.OperationalError(text))
    assert words in explained
    assert "\n" not in explained


async def test_an_error_quotes_no_value_of_the_statement(database: Database) -> None:
    await add(database, "+886912345678")
    with pytest.raises(sqlite.ERRORS) as error:
        await add(database, "+886912345678")
    assert "0912" not in str(error.value)
    assert "886" not in str(error.value)


def test_portions_hold_everything_once_and_in_order() -> None:
    values = [str(i) for i in range(10)]
    assert list(portions(values, 4)) == [values[:4], values[4:8], values[8:]]
    assert list(portions([], 4)) == []
    assert list(portions(values[:8], 4)) == [values[:4], values[4:8]]


# --- the log ----------------------------------------------------------------------------------------------


async def test_what_is_committed_comes_into_the_file_beside_the_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_log, "SECONDS", 0.01)
    path = tmp_path / "one.db"
    database = Database(f"sqlite:///{path}")
    await database.migrate()

    def in_the_file() -> set[str]:
        alone = tmp_path / "alone.db"
        alone.write_bytes(path.read_bytes())
        try:
            with closing(sqlite3.connect(alone)) as connection:
                return {row[0] for row in connection.execute("SELECT name FROM accounts")}
        except sqlite3.DatabaseError:
            return set()  # Read while it was being written.

    try:
        for name, quick in (("a", True), ("b", False)):
            await add(database, name, quick=quick)
            async with asyncio.timeout(10):
                while name not in in_the_file():
                    await add(database, ids.new(), quick=quick)
                    await asyncio.sleep(0.005)
        # One who reads what was before keeps nobody from it.
        async with database.read() as tx:
            await tx.exec_driver_sql("SELECT 1 FROM accounts")
            await add(database, "c", quick=True)
            await asyncio.sleep(0.05)
            await add(database, "d", quick=True)
        assert await names(database) >= {"a", "b", "c", "d"}
    finally:
        await database.close()
    assert in_the_file() >= {"a", "b", "c", "d"}


async def test_a_quick_reader_that_outlasts_the_closing_leaves_no_connection_open(database: Database) -> None:
    async with database.read(quick=True) as tx:
        await database.close()
        assert (await tx.exec_driver_sql("SELECT 1")).scalar() == 1
    assert tx.closed


async def test_files_are_made_clean_with_nobody_copying_the_log_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite empties no log that is being copied just then, and does not wait for that either."""
    begun, at_work, seen = threading.Event(), [0], []
    copy, compact = sqlite_log.Log._copy, sqlite.compact

    def slow(self: sqlite_log.Log) -> None:
        at_work[0] += 1
        begun.set()
        time.sleep(0.2)
        copy(self)
        at_work[0] -= 1

    def noted(url: str, *, any_size: bool) -> bool:
        seen.append(at_work[0])
        return compact(url, any_size=any_size)

    monkeypatch.setattr(sqlite_log, "SECONDS", 0)
    monkeypatch.setattr(sqlite_log.Log, "_copy", slow)
    monkeypatch.setattr(sqlite, "compact", noted)
    await add(database, "A")
    assert await asyncio.to_thread(begun.wait, 5)
    assert await database.compact()
    assert seen == [0]
    begun.clear()
    await add(database, "B")
    assert await asyncio.to_thread(begun.wait, 5)
