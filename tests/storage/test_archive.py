"""What ended long ago moves to the archive: it is in one place at least at every moment, and found there as here."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from notice_support import START
from storage_support import Shop, fresh_database, ids, new_notice, shop
from todoke.actions import archiving, erasure
from todoke.clock import SteppedClock
from todoke.core.durations import DAY
from todoke.engine.archiver import Archiver
from todoke.reports import totals
from todoke.reports.archived import batch_page
from todoke.reports.prices import CATALOGUE
from todoke.storage import archive_files, archive_rows, batches, notices, reporting
from todoke.storage.archive import Archive
from todoke.storage.archive_files import Kept
from todoke.storage.batches import Batch
from todoke.storage.database import Database, Tx
from todoke.storage.lookup import Lookup
from todoke.storage.reporting import Scope

OTHERS, THEIRS = "+886912345678", "+886987654321"
KEEP = 200
LATER = START + (KEEP + 40) * DAY


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with fresh_database("sqlite", tmp_path) as opened:
        yield opened


class World:
    """A shop whose notices ended, and the archive beside its database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.archive = Archive(folder / "archive")
        self.clock = SteppedClock(LATER)
        self.shop: Shop

    async def open(self) -> "World":
        async with self.database.write() as tx:
            self.shop = await shop(tx)
        return self

    def archiver(self, keep_days: int = KEEP, archive_days: int = 0) -> Archiver:
        """A process, so to say."""
        return Archiver(self.clock, self.database, self.archive, keep_days, archive_days)

    async def run(self, **days: int) -> None:
        """A whole round."""
        archiver = self.archiver(**days)
        while await archiver.step():
            pass

    async def ended(self, count: int = 1, at: int = START, **changes: Any) -> list[str]:
        """Notices that were delivered over LINE, or by SMS after LINE could not reach their user."""
        made = []
        async with self.database.write() as tx:
            for i in range(count):
                row = new_notice(self.shop, created_at=at, state="delivered", due_at=None, **changes)
                await notices.insert_new(tx, [row])
                await _set(tx, "notices", row.id, ended_at=at + 5000)
                await _attempt(tx, row.id, at + 1000, i % 3 == 2)
                made.append(row.id)
        return made

    async def left(self) -> set[str]:
        """The ids that are in the database."""
        async with self.database.read() as tx:
            rows = await tx.exec_driver_sql("SELECT id FROM notices")
            return {row[0] for row in rows}

    async def kept(self, notice_id: str) -> Kept | None:
        return await self.archive.get(self.shop.account_id, notice_id)

    async def told(self, **scope: Any) -> Sequence[Any]:
        """All that reports say."""
        asked = Scope(account_id=self.shop.account_id, **scope)
        async with self.database.read() as tx:
            return (
                await totals.funnel(tx, asked),
                await totals.cost(tx, asked, Lookup(), CATALOGUE),
                await totals.latency(tx, asked),
            )


async def _set(tx: Tx, table: str, row_id: str, **values: Any) -> None:
    sets = ", ".join(f"{name} = ?" for name in values)
    await tx.exec_driver_sql(f"UPDATE {table} SET {sets} WHERE id = ?", (*values.values(), row_id))


async def _attempt(tx: Tx, notice_id: str, at: int, by_sms: bool) -> None:
    tried = [("line_notification", "delivered", at + 4000, None, None)]
    if by_sms:
        tried = [
            ("line_notification", "late", at + 90_000, None, None),
            ("sms", "delivered", at + 9000, 2, "emulator"),
        ]
    for index, (step, outcome, proof_at, units, carrier) in enumerate(tried):
        late = int(by_sms and not index)
        await tx.exec_driver_sql(
            "INSERT INTO attempts (id, notice_id, step_index, step, at, gives_proof, closes_at, outcome, open, "
            "answered_at, proof_at, late_duplicate, status, detail, units, carrier, spare) "
            "VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0, ?, ?, ?, 200, 'to 0912345678', ?, ?, 0)",
            (
                ids.new(),
                notice_id,
                index,
                step,
                at,
                at + DAY,
                outcome,
                at + 50,
                proof_at,
                late,
                units,
                carrier,
            ),
        )


async def a_batch(world: World, *, ended_at: int | None) -> str:
    batch = Batch(
        id=ids.new(),
        account_id=world.shop.account_id,
        channel_id=world.shop.channel_id,
        template_id=world.shop.template_id,
        policy_id=world.shop.policy_id,
        file_name="list.csv",
        encoding="utf-8",
        columns="{}",
        state="done",
        size=1,
        created_at=START,
        ended_at=ended_at,
    )
    async with world.database.write() as tx:
        await batches.insert_batch(tx, batch)
    return batch.id


async def test_only_what_nothing_can_change_any_more_goes_and_reports_stay_the_same(
    database: Database, tmp_path: Path
) -> None:
    world = await World(database, tmp_path).open()
    over, running = await a_batch(world, ended_at=START + DAY), await a_batch(world, ended_at=None)
    goes = await world.ended(7, reference="order 1") + await world.ended(140, batch_id=over, number=THEIRS)
    stays = await world.ended(1, batch_id=running) + await world.ended(1, at=LATER - KEEP * DAY)
    waits = new_notice(world.shop, due_at=None)
    may_be_proved = (await world.ended())[0]
    async with database.write() as tx:
        await notices.insert_new(tx, [waits])
        await tx.exec_driver_sql("UPDATE attempts SET open = 1 WHERE notice_id = ?", (may_be_proved,))
    async with database.read() as tx:
        waiting = await archive_rows.waiting(tx, LATER - KEEP * DAY)
    assert waiting == (len(goes), START)
    whole, of_batch = await world.told(), await world.told(batch_id=over)
    in_time = await world.told(since=START - START % 3_600_000, until=LATER, channel_id=world.shop.channel_id)
    async with database.read() as tx:
        row = await reporting.get_notice(tx, world.shop.account_id, goes[0])
        assert row is not None
        before = row, (await reporting.attempts_of(tx, [row.id]))[row.id]

    await world.run()

    assert await world.left() == {*stays, waits.id, may_be_proved}
    async with database.read() as tx:
        assert await archive_rows.waiting(tx, LATER - KEEP * DAY) is None
    assert await world.told() == whole
    assert await world.told(batch_id=over) == of_batch
    assert of_batch[0]["asked"] == 140
    again = await world.told(since=START - START % 3_600_000, until=LATER, channel_id=world.shop.channel_id)
    assert again == in_time
    kept = await world.kept(goes[0])
    assert kept is not None
    async with database.read() as tx:
        assert await reporting.of_kept(tx, [kept]) == [before]
        orders = await world.archive.listed(
            world.shop.account_id, reference="order 1", batch_id=None, before=goes[6], most=3
        )
        assert [x.id for x in orders] == goes[5:2:-1]
        first = await batch_page(tx, world.archive, world.shop.account_id, over, "", 100)
        assert first.last is not None
        rest = await batch_page(tx, world.archive, world.shop.account_id, over, first.last, 100)
    assert [x.id for x, _ in first.rows + rest.rows] == goes[7:]
    assert rest.last is None
    assert await world.archive.accounts_of(THEIRS) == [world.shop.account_id]
    assert [x.id for x in await world.archive.to_numbers("another", [THEIRS], 9)] == []
    assert await world.kept("not an id") is None
    assert await world.kept("Z" * 26) is None


@pytest.mark.parametrize("moment", ["before the copy", "in the copy", "after the copy", "in the deletion"])
async def test_a_move_that_is_cut_off_at_any_moment_loses_nothing_and_doubles_nothing(
    database: Database, tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World(database, tmp_path).open()
    made = await world.ended(200)
    whole = await world.told()

    class Killed(BaseException):
        pass

    def dies(*_: Any) -> None:
        raise Killed

    async def dies_too(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        match moment:
            case "before the copy":
                patched.setattr(archive_files, "put", dies)
            case "in the copy":
                # Between its blocks: the second one does not come.
                packed = archive_files._packed
                rest = iter([packed, dies])
                patched.setattr(archive_files, "_packed", lambda x: next(rest)(x))
            case "after the copy":
                patched.setattr(archiving, "leave", dies_too)
            case "in the deletion":
                patched.setattr(archiving.archive_totals, "add", dies_too)
        with pytest.raises(Killed):
            await world.archiver().step()

    assert await world.left() == set(made)
    copied = [await world.kept(x) for x in made]
    assert all(copied) if moment in ("after the copy", "in the deletion") else not any(copied)
    assert await world.told() == whole
    # What was copied may change before it is copied again: the archive has what it was last.
    async with database.write() as tx:
        await _set(tx, "notices", made[0], number="", parameters="{}")
    await world.run()
    assert await world.left() == set()
    assert await world.told() == whole
    page = await world.archive.to_numbers(world.shop.account_id, [OTHERS], 1000)
    assert [x.id for x in page] == made[:0:-1]
    (changed,) = [x for x in [await world.kept(made[0])] if x is not None]
    assert changed.notice["number"] == ""
    assert [m.notices for m in await world.archive.months()] == [200]


async def test_what_changed_after_it_was_copied_is_not_deleted(database: Database, tmp_path: Path) -> None:
    world = await World(database, tmp_path).open()
    (late, still) = await world.ended(2)
    async with database.read() as tx:
        copied = (await archive_rows.old_ones(tx, LATER, "", 10)).old
    async with database.write() as tx:
        await tx.exec_driver_sql("UPDATE attempts SET outcome = 'late' WHERE notice_id = ?", (late,))
    async with database.write() as tx:
        assert await archiving.leave(tx, copied) == 1
    assert await world.left() == {late}
    assert still not in await world.left()


async def test_erasing_reaches_the_archive_and_leaves_nothing_of_the_person_in_its_files(
    database: Database, tmp_path: Path
) -> None:
    world = await World(database, tmp_path).open()
    theirs = await world.ended(3, number=THEIRS, reference="order of Wang", parameters='{"name":"Wang"}')
    others = await world.ended(3)
    await world.run()
    now = world.clock.now()
    async with world.archive.alone():
        changed = await world.archive.rewrite(
            world.shop.account_id, {THEIRS}, partial(erasure.blank_archived, now=now)
        )
        assert await world.archive.rewrite("another", {OTHERS}, dies_if_called) == []
    assert [x.id for x in changed] == theirs
    for notice_id in theirs:
        kept = await world.kept(notice_id)
        assert kept is not None
        assert (kept.notice["number"], kept.notice["parameters"], kept.notice["erased_at"]) == ("", "{}", now)
        assert "reference" not in kept.notice
        assert all("detail" not in x for x in kept.attempts)
    untouched = await world.kept(others[0])
    assert untouched is not None
    assert untouched.notice["number"] == OTHERS
    assert await world.archive.to_numbers(world.shop.account_id, [THEIRS], 10) == []
    (file,) = world.archive.folder.glob("*.db*")
    assert THEIRS.encode() not in file.read_bytes()
    assert b"Wang" not in file.read_bytes()


def dies_if_called(_: Kept) -> Kept:
    raise AssertionError("this is another account's")


async def test_a_month_is_deleted_when_its_last_notice_is_past_its_time_and_totals_stay(
    database: Database, tmp_path: Path
) -> None:
    world = await World(database, tmp_path).open()
    (old,) = await world.ended()
    batch = await a_batch(world, ended_at=START)
    async with database.write() as tx:
        await batches.insert_rejects(tx, batch, [batches.Reject(x, "no number", "[]") for x in range(2, 9)])
    whole = await world.told()
    await world.run(archive_days=41)
    assert await world.kept(old) is not None
    world.clock.put(LATER + 2 * DAY)
    await world.run(archive_days=41)
    assert await world.kept(old) is None
    assert await world.told() == whole
    async with database.read() as tx:
        assert await batches.rejects_after(tx, batch, 0, 10) == []


async def test_nothing_leaves_where_it_is_to_be_kept_for_ever(database: Database, tmp_path: Path) -> None:
    world = await World(database, tmp_path).open()
    made = await world.ended(3)
    await world.run(keep_days=0)
    assert await world.left() == set(made)
    assert await world.archive.months() == []


async def test_one_that_was_killed_while_it_made_a_file_leaves_a_usable_folder(
    database: Database, tmp_path: Path
) -> None:
    world = await World(database, tmp_path).open()
    (notice_id,) = await world.ended()
    month = archive_files.month_of(notice_id)
    assert month is not None
    world.archive.folder.mkdir()
    (world.archive.folder / month).touch()
    assert await world.kept(notice_id) is None
    assert await world.archive.months() == []
    await world.run()
    assert await world.kept(notice_id) is not None
    with sqlite3.connect(world.archive.folder / month) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
