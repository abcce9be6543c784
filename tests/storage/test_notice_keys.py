"""Notices are found by number and by reference as if each entry stood in one plain list, wherever it was moved to."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from storage_support import ids, new_notice, shop
from todoke.core.list_rows import OF_EACH
from todoke.storage import archive_rows, erasure, forecasting, notice_keys, reporting
from todoke.storage.archive_files import Kept
from todoke.storage.database import Database, Tx
from todoke.storage.new_notices import Shared, insert_list
from todoke.storage.notice_keys import FIRST, LEVELS, MIDDLE, NUMBERS, REFERENCES, START, Keys, Place
from todoke.storage.notices import NewNotice, insert_new
from todoke.storage.tables import notices as n


async def as_a_list(tx: Tx, rows: list[NewNotice]) -> None:
    """The same as `insert_new`, in the way in which lists are stored."""
    if not rows:
        return
    first = msgspec.structs.asdict(rows[0]) | {"batch_id": ids.new()}
    common = Shared(**{name: first[name] for name in Shared.__struct_fields__})
    await insert_list(tx, common, [getattr(x, name) for x in rows for name in OF_EACH])


NUMBER = [f"+88691200000{i}" for i in range(4)]
REFERENCE = ["A-1", "a-1", "\U0010ffff王", ""]
KINDS = (NUMBERS, REFERENCES)

taken_in = st.tuples(
    st.just("take in"),
    st.booleans(),
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(NUMBER), st.sampled_from([None, *REFERENCE])), max_size=9
    ),
)
moved = st.tuples(
    st.just("move"), st.sampled_from(KINDS), st.sampled_from([FIRST, MIDDLE]), st.integers(1, 5)
)
gone = st.tuples(st.sampled_from(["archive", "erase"]), st.integers(0, 99), st.integers(1, 4))


class Undo(Exception):
    """Ends a transaction without a trace."""


async def take_out(tx: Tx, gone: list[NewNotice]) -> None:
    rows = await tx.execute(select(n).where(n.c.id.in_([x.id for x in gone])))
    kept = [Kept({k: v for k, v in row._mapping.items() if v is not None}, []) for row in rows]
    assert len(await archive_rows.take_out(tx, kept)) == len(gone)


async def entries(tx: Tx, keys: Keys) -> list[tuple[str, str]]:
    """All of them, of all levels; each once."""
    table = keys.table
    found = await tx.execute(select(keys.value, table.c.notice_id).where(table.c.level.in_(LEVELS)))
    return sorted((r[0], r[1]) for r in found)


async def agrees(tx: Tx, standing: list[NewNotice], accounts: list[str]) -> None:
    assert await entries(tx, NUMBERS) == sorted((x.number, x.id) for x in standing)
    assert await entries(tx, REFERENCES) == sorted(
        (x.reference, x.id) for x in standing if x.reference is not None
    )
    middle = sorted(x.id for x in standing)[len(standing) // 2] if standing else "Z"
    for account in accounts:
        mine = sorted((x for x in standing if x.account_id == account), key=lambda x: x.id)
        assert sorted(await erasure.notices_of(tx, account, NUMBER[:2])) == [
            x.id for x in mine if x.number in NUMBER[:2]
        ]
        newest: dict[str, str] = {}
        for number in NUMBER:
            theirs = [x.id for x in mine if x.number == number]
            found = await reporting.notices_of_number(tx, account, number, None, 2)
            assert [x.id for x in found] == theirs[:-3:-1]
            first = notice_keys.oldest(NUMBERS, number, 2, n.c.account_id == account)
            rows = await tx.execute(select(n.c.id).where(first).order_by(n.c.id).limit(2))
            assert [r[0] for r in rows] == theirs[:2]
            if before := [x for x in theirs if x < middle]:
                newest[number] = before[-1]
        assert await forecasting.newest_of(tx, account, NUMBER, middle) == newest
        for reference in REFERENCE:
            found = await reporting.list_notices(
                tx, account, state=None, batch_id=None, reference=reference, before=middle, limit=2
            )
            named = [x.id for x in mine if x.reference == reference and x.id < middle]
            assert [x.id for x in found] == named[:-3:-1]
    earlier: dict[str, str] = {}
    last: dict[tuple[str, str], str] = {}
    for x in sorted(standing, key=lambda x: x.id):
        if (x.account_id, x.number) in last:
            earlier[x.id] = last[x.account_id, x.number]
        last[x.account_id, x.number] = x.id
    assert await forecasting.before(tx, [x.id for x in standing]) == earlier


@given(steps=st.lists(st.one_of(taken_in, moved, moved, gone), max_size=12), quick=st.booleans())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_taken_in_moved_and_taken_out_in_any_order_is_found_as_in_one_list(
    database: Database, steps: list[Any], quick: bool
) -> None:
    with suppress(Undo):
        async with database.write(quick=quick) as tx:
            shops = [await shop(tx), await shop(tx)]
            standing: list[NewNotice] = []
            places: dict[tuple[Keys, int], Place] = {}
            for what, *how in steps:
                match what, how:
                    case "take in", [as_list, rows]:
                        new = [new_notice(shops[i], number=x, reference=r) for i, x, r in rows]
                        for each in shops:
                            mine = [x for x in new if x.account_id == each.account_id]
                            await (as_a_list if as_list else insert_new)(tx, mine)
                        standing += new
                    case "move", [keys, level, most]:
                        after = places.get((keys, level), START)
                        result = await notice_keys.deepen(tx, keys, level, after, most)
                        assert 0 <= result.entries <= most
                        places[keys, level] = result.at
                    case _, [at, most]:
                        some = standing[at % (len(standing) + 1) :][:most]
                        if what == "archive":
                            await take_out(tx, some)
                        else:
                            await erasure.blank_notices(tx, [x.id for x in some], 7)
                        standing = [x for x in standing if x not in some]
            await agrees(tx, standing, [x.account_id for x in shops])
            raise Undo


async def test_moving_goes_round_and_what_is_not_committed_did_not_happen(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        rows = [new_notice(at, number=f"+8869{i * 7919 % 1000:08}", reference=ids.new()) for i in range(1000)]
        await as_a_list(tx, rows)
    order = sorted((x.number, x.id) for x in rows)

    async def held() -> list[int]:
        async with database.read() as tx:
            return [await notice_keys.held(tx, NUMBERS, level, 5000) for level in LEVELS]

    with suppress(Undo):
        async with database.write() as tx:
            await notice_keys.deepen(tx, NUMBERS, FIRST, START, 600)
            raise Undo
    assert await held() == [1000, 0, 0]
    place, seen = START, []
    for _ in range(3):
        async with database.write() as tx:
            moved = await notice_keys.deepen(tx, NUMBERS, FIRST, place, 400)
        place = moved.at
        seen.append((moved.entries, place))
    assert seen == [(400, order[399]), (400, order[799]), (200, START)]
    assert await held() == [0, 1000, 0]
    async with database.write() as tx:
        # Entries behind the place are met in the next round.
        await as_a_list(tx, [new_notice(at, number="+1"), new_notice(at, number="+999")])
        assert (await notice_keys.deepen(tx, NUMBERS, FIRST, Place("+5", ""), 5)).entries == 1
        assert (await notice_keys.deepen(tx, NUMBERS, FIRST, START, 5)).entries == 1
        assert (await notice_keys.deepen(tx, NUMBERS, MIDDLE, START, 5000)).entries == 1002
    assert await held() == [0, 0, 1002]
    async with database.read() as tx:
        assert await entries(tx, NUMBERS) == sorted(
            [*order, *[e for e in await entries(tx, NUMBERS) if e[0] in ("+1", "+999")]]
        )
        assert await notice_keys.held(tx, REFERENCES, FIRST, 70) == 70
