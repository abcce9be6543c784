"""Reads lists that were uploaded: rows become notices or refused rows, a portion in each commit.

How far it got is committed with the rows, so a process that is killed goes on where it was, no row twice.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from todoke.actions import announcements, intake, live, reminders
from todoke.actions.facts import Setup
from todoke.actions.intake import Target, Wanted
from todoke.actions.refusals import refused_numbers, suppressed
from todoke.clock import Clock
from todoke.core.columns import Columns
from todoke.core.errors import InvalidParameters, TodokeError
from todoke.engine.loop import Loop
from todoke.engine.metrics import ACCEPTED
from todoke.ids import Ids
from todoke.storage import batches as store
from todoke.storage import channels
from todoke.storage.batches import Batch, Reject
from todoke.storage.database import Database, Tx
from todoke.storage.lookup import Lookup
from todoke.storage.notices import NewNotice

LONGEST_PORTION = 50_000
"""Characters of a portion, about: the check of long values may take 20 µs each, and the others wait meanwhile."""
ROWS = 500
MAX_LINE = 1_000_000
"""Bytes of one line. Longer ones are no list of notices, whatever they are."""

csv.field_size_limit(100_000)


class BrokenFile(Exception):
    """The file can't be read on; the text says where and why."""


class Lines:
    """The lines of a UTF-8 file, counting the bytes handed out, for `csv.reader` to pull."""

    def __init__(self, file: BinaryIO, position: int) -> None:
        self._file = file
        self.position = position
        file.seek(position)

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                raise BrokenFile(
                    f"A line is longer than {MAX_LINE:,} bytes. Is this a list with one row a line?"
                )
            self.position += len(line)
            yield line.decode("utf-8", errors="replace")


class Portion(msgspec.Struct):
    """What reading a portion of rows came to."""

    notices: list[NewNotice]
    origins: list[tuple[int, list[str]]]
    """Of each notice the line where its row begins, and the row."""
    rejects: list[Reject]
    rows: int
    position: int
    line: int
    at_end: bool

    def refuse(self, numbers: Mapping[str, str]) -> None:
        """Makes refused rows of the notices to these recipients, each with the reason why it is to get nothing."""
        if not numbers:
            return
        rows = list(zip(self.notices, self.origins, strict=True))
        self.notices = [x for x, _ in rows if x.number not in numbers]
        self.origins = [origin for x, origin in rows if x.number not in numbers]
        for x, (line, row) in rows:
            if x.number in numbers:
                self.rejects.append(Reject(line, numbers[x.number], json.dumps(row, ensure_ascii=False)))
        self.rejects.sort(key=lambda r: r.line)

    def refuse_notices(self, reasons: Mapping[str, str]) -> None:
        """The same for single notices, by their ids."""
        if not reasons:
            return
        rows = list(zip(self.notices, self.origins, strict=True))
        self.notices = [x for x, _ in rows if x.id not in reasons]
        self.origins = [origin for x, origin in rows if x.id not in reasons]
        for x, (line, row) in rows:
            if x.id in reasons:
                self.rejects.append(Reject(line, reasons[x.id], json.dumps(row, ensure_ascii=False)))
        self.rejects.sort(key=lambda r: r.line)


def read_portion(
    path: Path,
    batch: Batch,
    target: Target,
    now: int,
    ids: Ids,
    most: int = ROWS,
    longest: int = LONGEST_PORTION,
) -> Portion:
    """The next rows of a batch, checked; nothing is stored. Raises BrokenFile.

    `most`: rows; `longest`: characters of parameters, about: what takes time is to check these.
    """
    columns = msgspec.json.decode(batch.columns, type=Columns)
    notices: list[NewNotice] = []
    origins: list[tuple[int, list[str]]] = []
    rejects: list[Reject] = []
    line, rows, size = batch.line, 0, 0  # the line where the next row begins
    with path.open("rb") as file:
        lines = Lines(file, batch.position)
        reader = csv.reader(iter(lines))
        base = batch.line
        while rows < most and size < longest:
            try:
                row = next(reader)
            except BrokenFile:
                if not rows:
                    raise
                # What came before the broken line counts; the next portion begins, and ends, with it.
                return Portion(notices, origins, rejects, rows, lines.position, line, False)
            except StopIteration:
                return Portion(notices, origins, rejects, rows, lines.position, base + reader.line_num, True)
            except csv.Error as error:
                row, problem = [], f"This row can't be read as CSV ({error})."
            else:
                problem = ""
            begins, line = line, base + reader.line_num
            if not problem and not any(row):
                continue
            rows += 1
            size += sum(len(row[at]) for _, at in columns.parameters if at < len(row))
            if not problem:
                problem = _take(row, columns, target, batch, notices, now, ids)
            if problem:
                rejects.append(Reject(begins, problem, json.dumps(row, ensure_ascii=False)))
            else:
                origins.append((begins, row))
        return Portion(notices, origins, rejects, rows, lines.position, line, False)


def _take(
    row: list[str],
    columns: Columns,
    target: Target,
    batch: Batch,
    notices: list[NewNotice],
    now: int,
    ids: Ids,
) -> str:
    """Appends the notice of a row. Answers why it was refused, or nothing."""
    if len(row) > columns.width and any(row[columns.width :]):
        return f"This row has {len(row)} cells, the header {columns.width}. Quote cells that hold a comma."
    try:
        wanted = Wanted(
            to=row[columns.number],
            parameters={name: row[at].strip() for name, at in columns.parameters if row[at].strip()},
            reference=None if columns.reference is None else row[columns.reference].strip() or None,
            batch_id=batch.id,
            language=(None if columns.language is None else row[columns.language].strip()) or batch.language,
            event_at=(None if columns.event_at is None else row[columns.event_at].strip()) or None,
        )
    except IndexError:
        return f"This row has {len(row)} cells, the header {columns.width}."
    try:
        notice, _ = intake.make_notice(target, wanted, now, ids)
    except InvalidParameters as error:
        return " ".join(message for _, message in error.problems) or error.message
    except TodokeError as error:
        return error.message
    notices.append(notice)
    return ""


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
    ) -> None:
        """`woken`: told the channel whose notices were stored; `posted`: that there are webhooks to post."""
        super().__init__(clock)
        self._woken = woken
        self._posted = posted
        self._database = database
        self._folder = folder
        self._lookup = lookup
        self._ids = ids
        self._setup = setup
        self._targets: dict[str, Target] = {}

    async def step(self) -> bool:
        async with self._database.read(quick=True) as tx:
            reading = await store.reading(tx)
        if not reading:
            self._targets.clear()
            return False
        for batch in reading:
            await self._read_or_fail(batch)
        return True

    async def _read_or_fail(self, batch: Batch) -> None:
        try:
            await self._read(batch)
        except (BrokenFile, OSError) as error:
            why = (
                str(error)
                if isinstance(error, BrokenFile)
                else "The uploaded file is gone from the data folder."
            )
            async with self._database.write() as tx:
                now = self.clock.now()
                await store.update_batch(tx, batch.id, state="failed", error=why, read_at=now)
                failed = await store.get_batch(tx, batch.id)
                assert failed is not None
                told = await announcements.of_batch(tx, "batch.failed", failed, now, self._ids)
            if told:
                self._posted()

    async def _read(self, batch: Batch) -> None:
        target = await self._target(batch)
        path = self._folder / f"{batch.id}.csv"
        now = self.clock.now()
        portion = read_portion(path, batch, target, now, self._ids)
        async with self._database.write(quick=not portion.at_end) as tx:
            # Cancelled in the meantime? Then this portion is not wanted any more.
            current = await store.get_batch(tx, batch.id)
            if current is None or current.state != "reading" or current.position != batch.position:
                return
            await self._refuse(tx, portion, batch, target)
            told = await intake.insert(tx, portion.notices, now, self._ids)
            await store.insert_rejects(tx, batch.id, portion.rejects)
            values: dict[str, int | str] = {
                "position": portion.position,
                "line": portion.line,
                "rows": batch.rows + portion.rows,
                "accepted": batch.accepted + len(portion.notices),
                "refused": batch.refused + len(portion.rejects),
            }
            if portion.at_end:
                duplicates = await store.count_duplicates(tx, batch.id)
                values |= {"state": "done", "read_at": now, "duplicates": duplicates}
            await store.update_batch(tx, batch.id, **values)
            if portion.at_end and (read := await store.get_batch(tx, batch.id)) is not None:
                told += await announcements.of_batch(tx, "batch.read", read, now, self._ids)
        if told:
            self._posted()
        ACCEPTED.inc(len(portion.notices))
        self._woken(batch.channel_id)
        if portion.at_end:
            path.unlink(missing_ok=True)

    async def _refuse(self, tx: Tx, portion: Portion, batch: Batch, target: Target) -> None:
        """Takes out whom nothing may go to, as it stands in this transaction: a suspension ends a list half read."""
        standing = await refused_numbers(tx, batch.account_id, (x.number for x in portion.notices))
        portion.refuse({number: suppressed(x).message for number, x in standing.items()})
        channel = await channels.get_channel(tx, batch.channel_id)
        assert channel is not None
        gate = await live.gate(
            tx,
            channel,
            batch.template_id,
            every_number_is_a_test_number=self._setup.every_number_is_a_test_number,
        )
        portion.refuse(gate.refusals({x.number for x in portion.notices}))
        too_many = await reminders.refused(tx, [(target, x) for x in portion.notices])
        portion.refuse_notices({notice_id: error.message for notice_id, error in too_many.items()})

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
