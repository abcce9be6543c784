"""The loop that reads lists: what it read ahead is stored only where it still fits, and nothing is stored twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine_house import House
from notice_support import START
from storage_support import ids
from todoke.core.columns import Columns
from todoke.core.durations import HOUR
from todoke.engine import intake as module
from todoke.engine.intake import Intake
from todoke.engine.list_readers import Here
from todoke.engine.lists.rows import record
from todoke.storage import batches
from todoke.storage.batches import Batch
from todoke.storage.lookup import Lookup

PORTION = 4


@pytest.fixture
async def open_house(house: House) -> House:
    await house.open()
    (house.folder / "uploads").mkdir()
    return house


async def a_list(house: House, rows: int, first: int = 0) -> str:
    """A batch of so many rows, every fifth of which has no number; ready to be read."""
    shop = house.shop
    batch = Batch(
        id=ids.new(),
        account_id=shop.account_id,
        channel_id=shop.channel_id,
        template_id=shop.template_id,
        policy_id=shop.policy_id,
        file_name="list.csv",
        encoding="utf-8",
        columns=msgspec.json.encode(Columns(number=0, reference=None, parameters=(("name", 1),), width=2)).decode(),
        size=0,
        position=0,
        line=0,
        created_at=START,
    )  # fmt: skip
    text = "".join(record(n, ["" if n % 5 == 4 else f"09120{first + n:05}", "明"]) for n in range(rows))
    (house.folder / "uploads" / f"{batch.id}.csv").write_text(text, encoding="utf-8")
    async with house.database.write() as tx:
        await batches.insert_batch(tx, batch)
    return batch.id


def reader(house: House) -> Intake:
    """What a process reads with."""
    return Intake(
        house.clock,
        house.database,
        house.folder / "uploads",
        Lookup(),
        ids,
        house.setup,
        lambda _: None,
        rows=PORTION,
    )


async def numbers_of(house: House, batch_id: str) -> list[str]:
    async with house.database.read() as tx:
        rows = await tx.exec_driver_sql(
            "SELECT number FROM notices WHERE batch_id = ? ORDER BY id", (batch_id,)
        )
        return [row[0] for row in rows]


async def batch_of(house: House, batch_id: str) -> Batch:
    async with house.database.read() as tx:
        found = await batches.get_batch(tx, batch_id)
    assert found is not None
    return found


def expected(rows: int, first: int = 0) -> list[str]:
    return [f"+886912{0:01}{first + n:05}" for n in range(rows) if n % 5 != 4]


async def test_lists_are_read_in_turn_each_row_once_and_in_order(open_house: House) -> None:
    house = open_house
    sizes = {
        await a_list(house, 30): (30, 0),
        await a_list(house, 9, 1000): (9, 1000),
        await a_list(house, 4): (4, 0),
    }
    intake = reader(house)
    assert await intake.step()
    progress = [(await batch_of(house, x)).rows for x in sizes]
    assert progress == [4, 4, 4]
    while await intake.step():
        pass
    for batch_id, (rows, first) in sizes.items():
        batch = await batch_of(house, batch_id)
        assert await numbers_of(house, batch_id) == expected(rows, first)
        assert (batch.state, batch.rows, batch.accepted) == ("done", rows, len(expected(rows)))
        assert batch.refused == rows - len(expected(rows))
        assert not list((house.folder / "uploads").glob(f"{batch_id}*"))


async def test_the_first_portion_is_short_and_all_are_while_notices_are_sent(
    open_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none is put off, however long they are sent."""
    house, sends = open_house, False
    monkeypatch.setattr(module, "FEW_ROWS", 2)
    intake = reader(house)
    intake._source = Here(house.folder / "uploads", ids, lambda: sends)
    batch_id = await a_list(house, 20)

    async def rows() -> int:
        assert await intake.step()
        return (await batch_of(house, batch_id)).rows

    # What follows is read ahead while a portion is stored.
    assert [await rows() for _ in range(2)] == [2, 6]
    sends = True
    assert [await rows() for _ in range(4)] == [10, 12, 14, 16]
    sends = False
    assert [await rows() for _ in range(2)] == [18, 20]
    while await intake.step():
        pass
    assert await numbers_of(house, batch_id) == expected(20)


@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_portion_whose_commit_fails_or_whose_reader_dies_is_read_again(
    open_house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """`after`: it was committed, and nobody heard of it."""
    house = open_house
    batch_id = await a_list(house, 22)
    intake = reader(house)
    assert await intake.step()
    target, name = (module.store, "insert_rejects") if where == "before" else (Intake, "_store")
    real: Callable[..., Awaitable[Any]] = getattr(target, name)

    async def fails(*given: Any) -> None:
        if where == "after":
            await real(*given)
        raise RuntimeError("the machine is on fire")

    monkeypatch.setattr(target, name, fails)
    with pytest.raises(RuntimeError, match="on fire"):
        await intake.step()
    monkeypatch.setattr(target, name, real)
    for each in (intake, reader(house)):
        while await each.step():
            pass
    assert await numbers_of(house, batch_id) == expected(22)
    assert (await batch_of(house, batch_id)).rows == 22


async def test_nothing_more_of_a_cancelled_list_is_stored_though_it_was_read_ahead(open_house: House) -> None:
    house = open_house
    batch_id = await a_list(house, 22)
    intake = reader(house)
    await intake.step()
    async with house.database.write() as tx:
        await batches.update_batch(tx, batch_id, state="cancelled")
    assert not await intake.step()
    assert await numbers_of(house, batch_id) == expected(4)


async def test_a_notice_is_made_when_it_is_stored_however_early_its_row_was_read(open_house: House) -> None:
    house = open_house
    batch_id = await a_list(house, 8)
    intake = reader(house)
    await intake.step()
    house.clock.put(START + HOUR)
    await intake.step()
    async with house.database.read() as tx:
        asked = "SELECT created_at, due_at FROM notices WHERE batch_id = ? ORDER BY id"
        rows = await tx.exec_driver_sql(asked, (batch_id,))
        assert [tuple(x) for x in rows] == [(START, START)] * 4 + [(START + HOUR, START + HOUR)] * 3


async def test_a_list_that_another_gateway_has_just_read_to_its_end_does_not_fail(open_house: House) -> None:
    house = open_house
    mine = await batch_of(house, await a_list(house, 3))
    other = reader(house)
    while await other.step():
        pass
    await reader(house)._read_or_fail(mine, mine)
    assert (await batch_of(house, mine.id)).state == "done"


async def test_a_list_whose_file_is_gone_or_broken_fails_with_the_reason(
    open_house: House, tmp_path: Path
) -> None:
    house = open_house
    gone, broken = await a_list(house, 3), await a_list(house, 3)
    (house.folder / "uploads" / f"{gone}.csv").unlink()
    (house.folder / "uploads" / f"{broken}.csv").write_text("x,y\n")
    intake = reader(house)
    while await intake.step():
        pass
    said = [(x.state, x.error) for x in (await batch_of(house, gone), await batch_of(house, broken))]
    assert said == [
        ("failed", "The uploaded file is gone from the data folder."),
        (
            "failed",
            "The list in the data folder is not as it was written: somebody changed it. Send it again.",
        ),
    ]
