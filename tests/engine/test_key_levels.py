"""Entries by which notices are found move on when a level holds too many, and only then."""

from __future__ import annotations

import pytest

from engine_house import House
from notice_support import START
from storage_support import new_notice, shop
from todoke.clock import SteppedClock
from todoke.engine import key_levels
from todoke.engine.key_levels import KeyLevels
from todoke.storage import notice_keys
from todoke.storage.notice_keys import FIRST, LEVELS, MIDDLE, NUMBERS, REFERENCES
from todoke.storage.notices import insert_new


async def test_levels_are_eased_as_they_fill_also_by_a_process_that_begins_in_the_middle(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_levels, "MOST", {FIRST: 40, MIDDLE: 160})
    monkeypatch.setattr(key_levels, "PORTION", 10)
    database = house.database

    async def held() -> list[list[int]]:
        async with database.read() as tx:
            return [[await notice_keys.held(tx, k, x, 9999) for x in LEVELS] for k in (NUMBERS, REFERENCES)]

    async def store(count: int) -> None:
        async with database.write() as tx:
            made = [
                new_notice(at, number=f"+8869{i * 7919 % 1000:08}", reference=None if i % 2 else f"R{i}")
                for i in range(count)
            ]
            await insert_new(tx, made)

    async def rest(chore: KeyLevels) -> int:
        steps = 0
        while await chore.step():
            steps += 1
        return steps

    async with database.write() as tx:
        at = await shop(tx)
    chore = KeyLevels(SteppedClock(START), database)
    chore.stored = database.version
    await store(40)
    assert await rest(chore) == 0
    assert await held() == [[40, 0, 0], [20, 0, 0]]
    total = 40
    for round_ in range(10):
        await store(60)
        total += 60
        assert await rest(chore) > 0
        (first, middle, last), references = await held()
        assert (first <= 40, middle <= 160, first + middle + last) == (True, True, total)
        assert sum(references) == total // 2
        if round_ == 5:
            assert last > 0
            # As after a kill: nothing is known but what is stored.
            chore = KeyLevels(SteppedClock(START), database)
            chore.stored = database.version
    assert (await held())[0][2] >= total - 200
    assert await rest(chore) == 0
