"""Reads lists that were uploaded: rows become notices or refused rows, a portion in each commit.

How far it got is committed with the rows, so a process that is killed goes on where it was, no row twice. While a
portion is stored, the next one is read; nothing of that is kept but in memory, and only where it still fits.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from todoke.actions import announcements, intake, live, reminders
from todoke.actions import batches as batch_actions
from todoke.actions.facts import Setup
from todoke.actions.intake import Target
from todoke.actions.refusals import refused_numbers, suppressed
from todoke.clock import Clock
from todoke.core.content.timing import Timing
from todoke.engine.list_readers import Here, ListSource
from todoke.engine.lists.lines import BrokenFile
from todoke.engine.lists.repeats import Repeats
from todoke.engine.loop import Loop
from todoke.engine.metrics import ACCEPTED
from todoke.engine.portion import Portion
from todoke.ids import Ids
from todoke.storage import batches as store
from todoke.storage import channels
from todoke.storage.batches import Batch
from todoke.storage.database import Database, Tx
from todoke.storage.lookup import Lookup
from todoke.storage.new_notices import as_notices, ready

ROWS = 6_000
"""Of a portion, at most. A commit costs as much as some hundred rows, and an index costs the less the more of it
changes at a time; but others who write wait meanwhile."""
FEW_ROWS = 2_500
"""Of the first portion of a list, so that its channel can begin to send while the rest is read; and while notices are
being sent: a channel that waits for the writer for longer than some 60 ms has nothing to send."""
STALE = 2_000
"""Milliseconds after which what was read ahead is read again: a notice begins when it is taken in."""


class _Ahead(NamedTuple):
    """A portion that was read before its turn, and against what it was checked."""

    batch_id: str
    position: int
    at: int
    checked: Target
    target: Target
    portion: Portion


class Intake(Loop):
    """Reads batches, a portion of each in turn: a short list need not wait for a long one."""

    name = "intake"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        folder: Path,
        lookup: Lookup,
        ids: Ids,
        setup: Setup,
        woken: Callable[[str], None],
        posted: Callable[[], None] = lambda: None,
        rows: int = ROWS,
        source: ListSource | None = None,
    ) -> None:
        """`woken`: told the channel whose notices were stored; `posted`: that there are webhooks to post; `rows`: of
        a portion; `source`: who reads, this process where nobody is named.
        """
        super().__init__(clock)
        self._woken = woken
        self._posted = posted
        self._database = database
        self._folder = folder
        self._lookup = lookup
        self._ids = ids
        self._setup = setup
        self._rows = rows
        self._source = source or Here(folder, ids)
        self._repeats = Repeats(folder)
        self._targets: dict[str, Target] = {}
        self._ahead: _Ahead | None = None

    async def step(self) -> bool:
        async with self._database.read(quick=True) as tx:
            reading = await store.reading(tx)
        if not reading:
            self._targets.clear()
            self._repeats.clear()
            self._ahead = None
            self._source.rest()
            return False
        self._source.expect(sum(x.size - x.position for x in reading))
        for i, batch in enumerate(reading):
            await self._read_or_fail(batch, reading[(i + 1) % len(reading)])
        return True

    async def _read_or_fail(self, batch: Batch, following: Batch) -> None:
        try:
            await self._read(batch, following)
        except (BrokenFile, FileNotFoundError) as error:
            why = (
                str(error)
                if isinstance(error, BrokenFile)
                else "The uploaded file is gone from the data folder."
            )
            async with self._database.write() as tx:
                now = self.clock.now()
                current = await store.get_batch(tx, batch.id)
                if current is None or current.state != "reading":
                    return  # another gateway has read it to its end, or it was cancelled
                await store.update_batch(tx, batch.id, state="failed", error=why, read_at=now)
                failed = await store.get_batch(tx, batch.id)
                assert failed is not None
                told = await announcements.of_batch(tx, "batch.failed", failed, now, self._ids)
            if told:
                self._posted()

    async def _read(self, batch: Batch, following: Batch) -> None:
        checked = await self._target(batch)
        now = self.clock.now()
        target = batch_actions.held_target(batch, checked, now)
        ahead = self._was_read_ahead(batch, checked, target, now)
        if ahead is None:
            portion = await self._source.portion(batch, target, now, self._most(batch))
        else:
            portion, now = ahead.portion, ahead.at
        if following is batch:
            following = msgspec.structs.replace(batch, position=portion.position, line=portion.line)
        may_go_on = following.id != batch.id or not portion.at_end
        following_read = asyncio.create_task(self._read_ahead(following)) if may_go_on else None
        try:
            await self._store(batch, target, portion, now)
        except BaseException:
            # Else the rows of this portion would repeat themselves when it is read again.
            self._repeats.forget(batch.id)
            raise
        finally:
            if following_read is not None:
                await following_read

    def _most(self, batch: Batch) -> int:
        """Rows of the next portion."""
        return min(self._rows, FEW_ROWS) if batch.position == 0 or self._source.gives_way() else self._rows

    async def _read_ahead(self, batch: Batch) -> None:
        """Reads what comes next, if nothing is in its way; whoever stores it meets that."""
        self._ahead = None
        if (checked := self._targets.get(batch.id)) is None or batch.state != "reading":
            return
        now = self.clock.now()
        target = batch_actions.held_target(batch, checked, now)
        try:
            portion = await self._source.portion(batch, target, now, self._most(batch))
        except (BrokenFile, OSError):
            return
        self._ahead = _Ahead(batch.id, batch.position, now, checked, target, portion)

    def _was_read_ahead(self, batch: Batch, checked: Target, target: Target, now: int) -> _Ahead | None:
        """What was read ahead of a batch, where it still holds."""
        ahead, self._ahead = self._ahead, None
        if ahead is None or (ahead.batch_id, ahead.position) != (batch.id, batch.position):
            return None
        if ahead.checked is not checked or ahead.target.policy != target.policy:
            return None
        return ahead if 0 <= now - ahead.at <= STALE else None

    async def _store(self, batch: Batch, target: Target, portion: Portion, made_at: int) -> None:
        await self._repeats.look(self._database, batch, portion)
        holds = batch_actions.holds(batch, target.channel.region, self.clock.now())
        made = ready(intake.shared(target, batch.id, made_at, held=holds), portion.values)
        async with self._database.write(quick=True, large=True) as tx:
            self._database.leave_plans()
            # Cancelled in the meantime? Then this portion is not wanted any more.
            current = await store.get_batch(tx, batch.id)
            if current is None or current.state != "reading" or current.position != batch.position:
                return
            await self._refuse(tx, portion, batch, target)
            repeating = await self._repeats.take_out(tx, batch, portion)
            stored_at = self.clock.now()
            held = await batch_actions.take_in(
                tx, current, target.channel.region, portion.accepted, stored_at
            )
            common = intake.shared(target, batch.id, made_at, held=held)
            told = await intake.insert_list(tx, common, portion.values, stored_at, self._ids, made)
            await store.insert_rejects(tx, batch.id, portion.rejects)
            values: dict[str, int | str] = {
                "position": portion.position,
                "line": portion.line,
                "rows": batch.rows + portion.rows,
                "accepted": batch.accepted + portion.accepted,
                "refused": batch.refused + len(portion.rejects),
                "duplicates": batch.duplicates + repeating.duplicates,
                "repeats": batch.repeats + repeating.repeats,
            }
            if portion.at_end:
                values |= {"state": "done", "read_at": stored_at}
            await store.update_batch(tx, batch.id, **values)
            if portion.at_end and (read := await store.get_batch(tx, batch.id)) is not None:
                told += await announcements.of_batch(tx, "batch.read", read, stored_at, self._ids)
        for name, value in values.items():
            setattr(batch, name, value)
        if told:
            self._posted()
        ACCEPTED.inc(portion.accepted)
        self._woken(batch.channel_id)
        if portion.at_end:
            # With what a killed process had half made of it.
            for left in (self._folder / f"{batch.id}.csv", *self._folder.glob(f"{batch.id}.*.making")):
                left.unlink(missing_ok=True)
            self._repeats.forget(batch.id, at_end=True)

    async def _refuse(self, tx: Tx, portion: Portion, batch: Batch, target: Target) -> None:
        """Takes out whom nothing may go to, as it stands in this transaction: a suspension ends a list half read."""
        path = self._folder / f"{batch.id}.csv"
        numbers = portion.numbers
        reasons: dict[int, str] = {}
        if standing := await refused_numbers(tx, batch.account_id, numbers):
            said = {number: suppressed(x).message for number, x in standing.items()}
            reasons = {at: said[number] for at, number in enumerate(numbers) if number in said}
        channel = await channels.get_channel(tx, batch.channel_id)
        assert channel is not None
        gate = await live.gate(
            tx,
            channel,
            batch.template_id,
            every_number_is_a_test_number=self._setup.every_number_is_a_test_number,
        )
        if gate.why is not None:
            closed = gate.refusals(set(numbers))
            reasons = {at: closed[x] for at, x in enumerate(numbers) if x in closed} | reasons
        portion.refuse(path, reasons)
        if target.timing is Timing.REMINDER:
            common = intake.shared(target, batch.id, self.clock.now(), held=False)
            notices = as_notices(common, portion.values)
            too_many = await reminders.refused(tx, [(target, x) for x in notices])
            said = {notice_id: error.message for notice_id, error in too_many.items()}
            portion.refuse(path, {at: said[x.id] for at, x in enumerate(notices) if x.id in said})

    async def _target(self, batch: Batch) -> Target:
        async with self._database.read(quick=True) as tx:
            if (known := self._targets.get(batch.id)) is not None:
                # A list may be long: a rule or an overruling that changes meanwhile holds for the rest of it.
                self._targets[batch.id] = await intake.as_checked_now(tx, known, self._lookup.desks)
            else:
                self._targets[batch.id] = await intake.resolve_stored(
                    tx,
                    batch.account_id,
                    batch.channel_id,
                    batch.template_id,
                    batch.policy_id,
                    self._lookup,
                    batch.source_id,
                )
        return self._targets[batch.id]
