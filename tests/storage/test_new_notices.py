"""The notices of a list are stored in few statements, as if each had been stored by itself."""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from notice_support import HOUR, START
from storage_support import Shop, ids, new_notice, shop
from todoke.core.list_rows import OF_EACH
from todoke.core.standing import Lane
from todoke.storage import new_notices
from todoke.storage.database import Database
from todoke.storage.new_notices import Shared, as_notices, insert_list, ready
from todoke.storage.notice_keys import Statement
from todoke.storage.notices import HELD, NewNotice, insert_new

COLUMNS = ", ".join(NewNotice.__struct_fields__)


def of_a_list(at: Shop, lane: int) -> Shared:
    return Shared(
        account_id=at.account_id,
        channel_id=at.channel_id,
        template_id=at.template_id,
        policy_id=at.policy_id,
        batch_id="B",
        source_id="S",
        created_at=START,
        lane=lane,
    )


async def stored(database: Database) -> list[NewNotice]:
    async with database.read() as tx:
        rows = await tx.exec_driver_sql(f"SELECT {COLUMNS} FROM notices ORDER BY id")
        return [NewNotice(**row._mapping) for row in rows]


async def test_every_number_of_rows_is_stored_as_one_by_one_with_all_that_a_row_may_say(
    database: Database,
) -> None:
    async with database.write() as tx:
        at = await shop(tx)
    expected: list[NewNotice] = []
    for quick, lane in ((True, Lane.OTHER), (True, HELD), (False, Lane.LINE), (False, HELD)):
        for count in (0, 1, 4, 5, 49, 56, 555, 1111):
            rows = [
                new_notice(
                    at,
                    batch_id="B",
                    source_id="S",
                    number=f"+8869{i:08}",
                    country=("TW", "JP")[i % 2],
                    parameters=f'{{"name":"王{i}\'\\n"}}',
                    reference=None if i % 3 else f"R{i}",
                    lane=int(lane),
                    deadline_at=(deadline := None if i % 2 else START + HOUR),
                    due_at=deadline if lane == HELD else START,
                    language=None if i % 4 else "th",
                    event_at=None if i % 7 else START + i,
                )
                for i in range(count)
            ]
            listed = of_a_list(at, int(lane)), [getattr(x, name) for x in rows for name in OF_EACH]
            assert as_notices(*listed) == rows
            async with database.write(quick=quick) as tx:
                await insert_list(tx, *listed)
            expected += rows
    assert await stored(database) == expected
    one = msgspec.structs.replace(expected[0], id=ids.new())
    async with database.write() as tx:
        await insert_new(tx, [one])
    assert (await stored(database))[-1] == one


async def test_what_was_made_beforehand_is_stored_only_where_it_is_of_these_rows_as_they_are_now(
    database: Database,
) -> None:
    async with database.write() as tx:
        at = await shop(tx)
    open_, held = of_a_list(at, int(Lane.OTHER)), of_a_list(at, HELD)

    async def lanes(now: Shared, made: Shared, refused: int) -> list[int]:
        rows = [new_notice(at, batch_id="B", source_id="S", due_at=START) for _ in range(7)]
        values = [getattr(x, name) for x in rows for name in OF_EACH]
        beforehand = ready(made, values)
        kept = values[refused * new_notices.WIDTH :] if refused else values
        async with database.write(quick=True) as tx:
            await insert_list(tx, now, kept, beforehand)
        return [x.lane for x in await stored(database) if x.id in {row.id for row in rows}]

    assert await lanes(open_, open_, 0) == [Lane.OTHER] * 7
    assert await lanes(open_, open_, 3) == [Lane.OTHER] * 4
    assert await lanes(held, open_, 0) == [HELD] * 7
    assert await lanes(open_, held, 2) == [Lane.OTHER] * 5


async def test_an_id_that_stands_already_raises_and_nothing_of_the_list_is_left(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        await insert_new(tx, [first := new_notice(at)])
    for quick in (True, False):
        rows = [*(new_notice(at) for _ in range(40)), first]
        with pytest.raises((IntegrityError, Exception), match="UNIQUE constraint"):
            async with database.write(quick=quick) as tx:
                await insert_list(tx, of_a_list(at, 0), [getattr(x, name) for x in rows for name in OF_EACH])
        assert await stored(database) == [first]


async def test_who_is_cancelled_twice_leaves_the_connection_to_the_statements_that_run_on_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went on after a rollback would be stored by itself."""
    async with database.write() as tx:
        at = await shop(tx)
    values = [getattr(x, name) for x in (new_notice(at) for _ in range(60)) for name in OF_EACH]
    began, go_on, run = threading.Event(), threading.Event(), new_notices._run

    def slowly(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
        run(connection, statements[:1])
        began.set()
        go_on.wait(10)
        run(connection, statements[1:])

    async def store() -> None:
        async with database.write(quick=True, large=True) as tx:
            await insert_list(tx, of_a_list(at, int(Lane.OTHER)), values)

    monkeypatch.setattr(new_notices, "QUICK", 0)
    monkeypatch.setattr(new_notices, "_run", slowly)
    storing = asyncio.create_task(store())
    await asyncio.to_thread(began.wait, 10)
    for _ in range(2):
        storing.cancel()
        await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.wait([storing], timeout=10)
    assert storing.cancelled()
    assert await stored(database) == []
