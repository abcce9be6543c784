"""When a loop looks: whatever is stored, by whomever, is seen, and nothing is looked for where nothing can be."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine_house import House
from notice_support import START
from storage_support import shop
from todoke.clock import SteppedClock
from todoke.engine.loop import Loop
from todoke.storage.database import Database


class Patient(SteppedClock):
    """Without the look that every loop takes from time to time anyway."""

    async def wait(self, wake: asyncio.Event, until: int | None, at_most: float) -> None:
        await wake.wait()


class Counts(Loop):
    """Finds nothing, and counts how often it looked."""

    heeds_stored_only = True

    def __init__(self, clock: SteppedClock, database: Database) -> None:
        super().__init__(clock)
        self.stored = database.version
        self.looks = 0

    async def step(self) -> bool:
        self.looks += 1
        return False

    async def asked(self) -> int:
        """How often it looks when it is asked to."""
        before = self.looks
        await self.until_idle(self.ask())
        return self.looks - before


async def test_a_loop_looks_again_only_when_something_was_stored_or_is_due_or_it_is_woken(
    house: House, tmp_path: Path
) -> None:
    clock = Patient(START)
    loop = Counts(clock, house.database)
    running = asyncio.create_task(loop.run())
    assert await loop.asked() >= 1
    assert await loop.asked() == 0, "nothing has changed"
    clock.put(START + 3_600_000)
    assert await loop.asked() == 0, "time alone brings nothing, for nothing is due"

    async with house.database.write() as tx:
        await shop(tx)
    assert await loop.asked() == 1, "this process has stored something"
    async with house.database.read() as tx:
        await tx.exec_driver_sql("SELECT count(*) FROM notices")
    assert await loop.asked() == 0, "reading stores nothing"

    (file,) = list(tmp_path.rglob("*.db"))  # noqa: ASYNC240
    other = Database(f"sqlite:///{file}")
    async with other.write() as tx:
        await tx.exec_driver_sql("UPDATE accounts SET name = 'another'")
    await other.close()
    assert await loop.asked() == 1, "another process has stored something"

    loop.due_at = START + 3_600_001
    assert await loop.asked() == 0
    clock.put(START + 3_600_001)
    assert await loop.asked() == 1, "its time has come"
    assert await loop.asked() == 1, "and is still there"

    loop.due_at = None
    assert await loop.asked() == 0
    loop.wake.set()
    assert await loop.asked() == 1, "it was woken"
    clock.put(START)
    assert await loop.asked() == 1, "a virtual clock was set back"
    loop.stored = lambda: None
    await loop.asked()
    assert await loop.asked() == 1, "where nobody can tell what is stored, it looks"
    loop.stop()
    await running
