"""Writers that wait at the same time share one commit, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage_support import ids
from todoke.storage import channels, sqlite
from todoke.storage.database import Database


async def names(database: Database) -> set[str]:
    async with database.read() as tx:
        return {row[0] for row in await tx.exec_driver_sql("SELECT name FROM accounts")}


async def add(database: Database, name: str, *, quick: bool = True, fails: bool = False) -> None:
    async with database.write(quick=quick) as tx:
        await channels.insert_account(tx, ids.new(), name, 0)
        if fails:
            raise ZeroDivisionError


def commits(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One item a commit of a quick writer."""
    seen: list[None] = []
    before = sqlite._InPlace.commit

    async def commit(self: sqlite._InPlace) -> None:
        seen.append(None)
        await before(self)

    monkeypatch.setattr(sqlite._InPlace, "commit", commit)
    return seen


async def test_writers_that_wait_share_a_commit_and_each_sees_its_own_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = commits(monkeypatch)
    ends = await asyncio.gather(
        *(add(database, f"a{i}", fails=i % 3 == 0) for i in range(12)), return_exceptions=True
    )
    assert [isinstance(x, ZeroDivisionError) for x in ends] == [i % 3 == 0 for i in range(12)]
    assert await names(database) == {f"a{i}" for i in range(12) if i % 3}
    assert len(seen) <= 3


async def test_a_commit_that_fails_fails_for_all_who_shared_it_and_the_next_ones_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sqlite._InPlace.commit

    async def commit(self: sqlite._InPlace) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite._InPlace, "commit", commit)
    ends = await asyncio.gather(*(add(database, f"lost {i}") for i in range(5)), return_exceptions=True)
    assert all(isinstance(x, Exception) for x in ends)
    monkeypatch.setattr(sqlite._InPlace, "commit", before)
    await add(database, "kept")
    assert await names(database) == {"kept"}


async def test_what_sqlite_rolls_back_as_a_whole_is_an_error_for_everybody_in_it(database: Database) -> None:
    async def rolls_back() -> None:
        async with database.write(quick=True) as tx:
            await tx.exec_driver_sql("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

    ends = await asyncio.gather(
        add(database, "first"), rolls_back(), add(database, "third"), return_exceptions=True
    )
    kept = await names(database)
    for end, name in ((ends[0], "first"), (ends[2], "third")):
        assert (end is None) == (name in kept), (ends, kept)
    assert isinstance(ends[1], sqlite3.OperationalError)
    await add(database, "next")


async def together(database: Database, *writers: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    """They wait while another writes, and so share a transaction."""
    async with asyncio.timeout(10):
        async with database.write():
            waiting = asyncio.gather(*writers, return_exceptions=True)
            for _ in range(3):
                await asyncio.sleep(0)
        return await waiting


async def test_whoever_goes_on_after_sqlite_rolled_all_back_is_not_told_that_it_is_stored(
    database: Database,
) -> None:
    async def swallows() -> None:
        async with database.write(quick=True) as tx:
            await tx.exec_driver_sql("ROLLBACK")

    ends = await together(database, add(database, "before"), swallows())
    assert all(isinstance(x, sqlite3.Error) for x in ends), ends
    with pytest.raises(sqlite3.Error):
        await swallows()
    await add(database, "next")
    assert await names(database) == {"next"}


@pytest.mark.parametrize("breaks", ["SAVEPOINT", "RELEASE", "ROLLBACK TO"])
async def test_a_transaction_that_cant_be_shared_any_more_ends_for_all_in_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    """Nobody is left waiting for its commit."""

    class Breaks:
        def __init__(self, real: sqlite3.Connection) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def execute(self, text: str) -> Any:
            if text.startswith(breaks):
                raise sqlite3.OperationalError("disk I/O error")
            return self._real.execute(text)

    await add(database, "before")
    kept = database._writers._kept
    assert kept is not None
    with monkeypatch.context() as context:
        context.setattr(kept, "direct", Breaks(kept.direct))
        fails = breaks == "ROLLBACK TO"
        ends = await together(database, add(database, "first"), add(database, "second", fails=fails))
    assert all(isinstance(x, Exception) for x in ends), ends
    await add(database, "next")
    assert await names(database) == {"before", "next"}


async def test_a_writer_that_gives_up_while_another_program_writes_leaves_nothing_behind(
    database: Database, tmp_path: Path
) -> None:
    """It waits in a thread; the connection must not be closed under it."""
    other = sqlite3.connect(tmp_path / "todoke.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(add(database, "given up"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.sleep(0.05)
    other.execute("COMMIT")
    async with asyncio.timeout(10):
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
    other.execute("BEGIN IMMEDIATE")
    other.execute("COMMIT")
    other.close()
    await add(database, "next")
    assert await names(database) == {"next"}


async def test_a_later_writer_that_gives_up_while_another_program_writes_leaves_no_transaction_open(
    database: Database, tmp_path: Path
) -> None:
    """The connection is kept: what had begun for nobody would keep everybody from writing for good."""
    await add(database, "before")
    other = sqlite3.connect(tmp_path / "todoke.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(add(database, "given up"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.sleep(0.05)
    other.execute("COMMIT")
    async with asyncio.timeout(10):
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
    other.execute("BEGIN IMMEDIATE")
    other.execute("COMMIT")
    other.close()
    await add(database, "next")
    assert await names(database) == {"before", "next"}


async def test_one_that_is_cancelled_twice_keeps_the_turn_until_the_commit_before_it_is_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, going, go_on = sqlite._InPlace.commit, asyncio.Event(), asyncio.Event()

    async def commit(self: sqlite._InPlace) -> None:
        going.set()
        await go_on.wait()
        await before(self)

    async def large() -> None:
        async with database.write(quick=True, large=True):
            pass

    await add(database, "before")
    monkeypatch.setattr(sqlite._InPlace, "commit", commit)
    async with asyncio.timeout(10):
        async with database.write():
            first, waiting = asyncio.create_task(add(database, "first")), asyncio.create_task(large())
            await asyncio.sleep(0)
        await going.wait()
        for _ in range(2):
            waiting.cancel()
            await asyncio.sleep(0)
        second = asyncio.create_task(add(database, "second"))
        await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(first, second, waiting, return_exceptions=True) == [None, None, ANY]
    assert waiting.cancelled()
    assert await names(database) == {"before", "first", "second"}


async def test_closing_waits_for_the_commit_that_is_going_on(database: Database) -> None:
    waiting = asyncio.create_task(add(database, "last"))
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    await database.close()
    assert not database._writers._tasks
    await asyncio.gather(waiting, return_exceptions=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("quick", "slow", "fails")), st.integers(0, 4), st.none() | st.integers(0, 12)
        ),
        min_size=1,
        max_size=10,
    )
)
async def test_whoever_is_cancelled_or_fails_takes_nobody_along(
    database: Database, writers: list[tuple[str, int, int | None]]
) -> None:
    """Each writer: of which kind, after how many turns of the loop it begins, and after how many it is cancelled."""
    mark = ids.new()

    async def one(n: int, kind: str, later: int) -> None:
        for _ in range(later):
            await asyncio.sleep(0)
        await add(database, f"{mark} {n}", quick=kind != "slow", fails=kind == "fails")

    async def cancel(task: asyncio.Task[None], after: int) -> None:
        for _ in range(after):
            await asyncio.sleep(0)
        task.cancel()

    tasks = [asyncio.create_task(one(n, kind, later)) for n, (kind, later, _) in enumerate(writers)]
    cancels = [cancel(task, x[2]) for task, x in zip(tasks, writers, strict=True) if x[2] is not None]
    async with asyncio.timeout(20):
        await asyncio.gather(*tasks, *cancels, return_exceptions=True)
        await add(database, f"{mark} last")
    stored = {x for x in await names(database) if x.startswith(mark)}
    for n, ((kind, _, cancelled), task) in enumerate(zip(writers, tasks, strict=True)):
        name = f"{mark} {n}"
        if kind == "fails":
            assert name not in stored
        elif cancelled is None:
            assert task.exception() is None
            assert name in stored
    assert f"{mark} last" in stored
