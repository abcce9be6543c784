"""Entries by which notices are found move on when a level holds too many: while nobody writes, or at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine_house import House
from notice_support import START
from storage_support import Shop, new_notice, shop
from todoke.clock import SteppedClock
from todoke.engine import key_levels
from todoke.engine.key_levels import KeyLevels
from todoke.storage import notice_keys
from todoke.storage.database import Database
from todoke.storage.notice_keys import FIRST, LEVELS, MIDDLE, NUMBERS, REFERENCES
from todoke.storage.notices import insert_new

Held = Callable[[], Awaitable[list[list[int]]]]


@pytest.fixture
async def at(house: House, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Of levels that are soon full."""
    sizes = {"EASY": {FIRST: 40, MIDDLE: 160}, "MOST": {FIRST: 80, MIDDLE: 200}}
    sizes |= {"TURN": 20, "PORTION": 10}  # type: ignore[dict-item]
    for name, value in sizes.items():
        monkeypatch.setattr(key_levels, name, value)
    async with house.database.write() as tx:
        return await shop(tx)


def begin(database: Database) -> KeyLevels:
    """What a process that has just started knows: nothing but what is stored."""
    chore = KeyLevels(SteppedClock(START), database)
    chore.stored = database.version
    return chore


async def store(database: Database, at: Shop, count: int) -> None:
    """So many notices, every second with a reference."""
    made = [
        new_notice(at, number=f"+8869{i * 7919 % 1000:08}", reference=None if i % 2 else f"R{i}")
        for i in range(count)
    ]
    async with database.write() as tx:
        await insert_new(tx, made)


async def held(database: Database) -> list[list[int]]:
    """Entries of numbers and of references, by level."""
    async with database.read() as tx:
        return [[await notice_keys.held(tx, k, x, 9999) for x in LEVELS] for k in (NUMBERS, REFERENCES)]


async def rest(chore: KeyLevels) -> int:
    """How many steps found work, until one finds none."""
    steps = 0
    while await chore.step():
        steps += 1
        assert steps < 1000
    return steps


async def test_levels_are_eased_as_they_fill_also_by_a_process_that_begins_in_the_middle(
    house: House, at: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_levels, "CALM_SECONDS", 0.0)
    database = house.database
    chore = begin(database)
    await store(database, at, 40)
    assert await rest(chore) == 0
    assert await held(database) == [[40, 0, 0], [20, 0, 0]]
    total = 40
    for round_ in range(10):
        await store(database, at, 60)
        total += 60
        assert await rest(chore) > 0
        (first, middle, last), references = await held(database)
        assert (first <= 40, middle <= 160, first + middle + last) == (True, True, total)
        assert sum(references) == total // 2
        if round_ == 5:
            assert last > 0
            chore = begin(database)  # as after a kill
    assert (await held(database))[0][2] >= total - 200
    assert await rest(chore) == 0


async def test_while_others_write_only_what_is_beyond_the_most_is_moved_and_more_at_a_time_the_more_it_is(
    house: House, at: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_levels, "CALM_SECONDS", float("inf"))
    database = house.database
    chore = begin(database)
    await store(database, at, 80)
    assert await rest(chore) == 0
    assert await held(database) == [[80, 0, 0], [40, 0, 0]]
    await store(database, at, 1)
    assert await chore.step()
    assert await held(database) == [[71, 10, 0], [41, 0, 0]]
    # Twice as many as it may hold: all that a long turn may move.
    await store(database, at, 90)
    assert await chore.step()
    assert (await held(database))[0] == [81, 90, 0]
    assert await rest(chore) > 0
    numbers, references = await held(database)
    assert (numbers[FIRST] <= 80, references[FIRST] <= 80) == (True, True)
    # The second level is counted at the start only; it is eased by what this process knows that it has moved.
    await store(database, at, 400)
    assert await rest(chore) > 0
    numbers, _ = await held(database)
    assert (numbers[FIRST] <= 80, numbers[MIDDLE] <= 200, sum(numbers)) == (True, True, 571)
    assert numbers[MIDDLE] > 160
    # Once nobody writes any more, the rest.
    monkeypatch.setattr(key_levels, "CALM_SECONDS", 0.0)
    assert await rest(chore) > 0
    numbers, _ = await held(database)
    assert (numbers[FIRST] <= 40, numbers[MIDDLE] <= 160) == (True, True)


async def test_what_another_process_adds_or_takes_away_is_counted_after_a_while(
    house: House, at: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = house.database
    chore = begin(database)
    assert await rest(chore) == 0
    before = dict(notice_keys._added)
    await store(database, at, 120)
    notice_keys._added.update(before)  # as if this process had not added them
    assert await rest(chore) == 0
    assert (await held(database))[0] == [120, 0, 0]
    monkeypatch.setattr(chore, "_sure_until", 0.0)
    assert await rest(chore) > 0
    assert (await held(database))[0][FIRST] <= 80
    # Both believe that there are many, and one has moved them all: the other doesn't look for them for ever.
    monkeypatch.setattr(key_levels, "CALM_SECONDS", 0.0)
    other = begin(database)
    await rest(other)
    await store(database, at, 300)
    assert await rest(other) > 0
    assert await rest(chore) > 0
    assert sum((await held(database))[0]) == 420


async def test_what_need_not_be_moved_waits_for_those_who_write(
    house: House, at: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_levels, "CALM_SECONDS", 1e-9)
    database = house.database
    chore = begin(database)
    await store(database, at, 60)
    async with database.write(quick=True) as tx:
        stepped = asyncio.create_task(chore.step())
        assert not await stepped
        await insert_new(tx, [new_notice(at, number="+886912345678")])
    assert (await held(database))[0] == [61, 0, 0]
    assert await rest(chore) > 0
    assert (await held(database))[0][FIRST] <= 40
