"""Long lists are read in a process of their own: killed or held to new rules half-way, they come to the same."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engine_house import House
from notice_support import START
from storage_support import ids
from todoke.actions import content_rules
from todoke.core.columns import Columns
from todoke.engine import list_readers
from todoke.engine.intake import Intake
from todoke.engine.list_readers import Beside, Here
from todoke.engine.lists.rows import record
from todoke.storage import batches
from todoke.storage.batches import Batch

PORTION = 100
MOST_MEMORY_MB = 80
RULE = {
    "name": "melons", "code": "own-melon", "any": ["蜜瓜王"], "finds": ["蜜瓜王"], "remedy": "Write fruit.",
    "by": "Lin",
}  # fmt: skip


async def up(beside: Beside, *, but: int | None = None) -> int:
    """The process that reads, once it does, in real time; `but`: not this one."""
    async with asyncio.timeout(30):
        while (pid := beside.pid) is None or pid == but:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
    return pid


async def a_list(house: House, rows: int) -> str:
    """A batch of so many rows: every seventh has no number, every fifth a name that only some accounts mind."""
    shop = house.shop
    columns = Columns(number=0, reference=2, parameters=(("name", 1),), width=3)
    text = "".join(
        record(n, ["" if n % 7 == 6 else f"09120{n:05}", "蜜瓜王" if n % 5 == 0 else f'李"{n}', f"R{n}"])
        for n in range(rows)
    )
    batch = Batch(
        id=ids.new(), account_id=shop.account_id, channel_id=shop.channel_id, template_id=shop.template_id,
        policy_id=shop.policy_id, file_name="list.csv", encoding="utf-8", size=len(text.encode()), line=0,
        columns=msgspec.json.encode(columns).decode(), created_at=START,
    )  # fmt: skip
    (house.folder / "uploads" / f"{batch.id}.csv").write_text(text, encoding="utf-8")
    async with house.database.write() as tx:
        await batches.insert_batch(tx, batch)
    return batch.id


async def became(house: House, batch_id: str) -> tuple[list[int], list[int], Batch]:
    """The rows that became notices, in their order, and those that were refused."""
    async with house.database.read() as tx:
        asked = "SELECT reference FROM notices WHERE batch_id = ? ORDER BY id"
        taken = [int(row[0][1:]) for row in await tx.exec_driver_sql(asked, (batch_id,))]
        refused = [x.line for x in await batches.rejects_after(tx, batch_id, -1, 100_000)]
        batch = await batches.get_batch(tx, batch_id)
    assert batch is not None
    return taken, refused, batch


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.fixture
async def shop_house(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    await house.open()
    (house.folder / "uploads").mkdir()
    monkeypatch.setattr(list_readers, "MUCH", 1)
    return house


async def test_a_list_comes_to_the_same_though_its_reader_is_killed_and_a_rule_is_made_half_way(
    shop_house: House,
) -> None:
    house, rows = shop_house, 6_000
    batch_id = await a_list(house, rows)
    beside = Beside(Here(house.folder / "uploads", ids), house.folder / "uploads", house.lookup.desks)
    intake = Intake(
        house.clock, house.database, house.folder / "uploads", house.lookup, ids, house.setup, lambda _: None,
        rows=PORTION, source=beside,
    )  # fmt: skip
    try:
        # Until it is up, this process reads.
        assert await intake.step()
        first = await up(beside)
        for _ in range(10):
            await intake.step()
        # It dies with a portion under way.
        reading = asyncio.create_task(intake.step())
        os.kill(first, signal.SIGKILL)
        await reading
        second = await up(beside, but=first)
        for _ in range(10):
            await intake.step()
        before = (await became(house, batch_id))[2].rows
        async with house.database.write() as tx:
            await content_rules.create_rule(tx, house.shop.account_id, RULE, START, ids)
        while await intake.step():
            assert beside.pid == second
        assert memory_mb(second) < MOST_MEMORY_MB
    finally:
        await beside.close()
    taken, refused, batch = await became(house, batch_id)
    minded = {n for n in range(before, rows) if n % 5 == 0}
    expected = [n for n in range(rows) if n % 7 != 6 and n not in minded]
    assert taken == expected
    assert refused == sorted(set(range(rows)) - set(expected))
    assert (batch.state, batch.rows, batch.accepted) == ("done", rows, len(expected))
    assert beside.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


async def test_what_its_process_finds_of_a_changed_or_lost_file_ends_the_list_with_the_reason(
    shop_house: House,
) -> None:
    house = shop_house
    folder = house.folder / "uploads"
    changed, gone = await a_list(house, 500), await a_list(house, 500)
    beside = Beside(Here(folder, ids), folder, house.lookup.desks)
    intake = Intake(
        house.clock, house.database, folder, house.lookup, ids, house.setup, lambda _: None, rows=PORTION,
        source=beside,
    )  # fmt: skip
    try:
        await intake.step()
        await up(beside)
        await intake.step()
        with (folder / f"{changed}.csv").open("r+b") as file:
            file.seek((folder / f"{changed}.csv").stat().st_size - 300)
            file.write(b"\nx")
        (folder / f"{gone}.csv").unlink()
        while await intake.step():
            pass
    finally:
        await beside.close()
    for batch_id, why in ((changed, "somebody changed it"), (gone, "gone from the data folder")):
        taken, _, batch = await became(house, batch_id)
        assert batch.state == "failed"
        assert why in (batch.error or "")
        # What was read before counts, and no row that came after what is broken.
        assert taken == [n for n in range(batch.rows) if n % 7 != 6]
        assert 2 * PORTION <= batch.rows < 500


def test_the_process_that_reads_loads_nothing_of_a_gateway() -> None:
    """Else it would hold twice the memory."""
    says = [sys.executable, "-c", "import sys, todoke.engine.lists.reading; print(*sys.modules)"]
    loaded = set(subprocess.run(says, capture_output=True, text=True, check=True).stdout.split())
    assert not loaded & {"sqlalchemy", "sqlite3", "fastapi", "aiohttp", "structlog", "uvloop"}
