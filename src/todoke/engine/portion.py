"""Reads a portion of a normalised list (see `engine.lists`) and makes notices of its rows, or refused rows.

A list that an earlier version of this program took in is read on too: its rows have no line number in front (its batch
has counted lines from 1 on), so lines are counted.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from io import SEEK_CUR, StringIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from todoke.actions.intake import Target
from todoke.actions.list_rows import Rows
from todoke.core.columns import Columns
from todoke.ids import Ids
from todoke.storage.batches import Batch, Reject
from todoke.storage.notices import NewNotice

LONGEST_STRETCH = 50_000
"""Characters of the rows that are checked in one go, about: long values may take 20 µs each, and the others wait."""
STRETCH = 500
"""Rows that are checked in one go: some milliseconds."""
MAX_LINE = 16_000_000
"""Bytes of one line. Longer ones are no list of notices, whatever they are."""
_BLOCK = 1 << 16

_CHANGED = "The list in the data folder is not as it was written: somebody changed it. Send it again."

csv.field_size_limit(100_000)

_Row = tuple[int, list[str], str]
"""The line where a row begins, its cells, and why it is refused already; empty where it is not."""


class BrokenFile(Exception):
    """The file can't be read on; the text says where and why."""


class Lines:
    """The lines of a UTF-8 file for `csv.reader` to pull."""

    def __init__(self, file: BinaryIO, position: int) -> None:
        self._file = file
        self._begins = position
        self._block = b""
        self._text = StringIO()
        file.seek(position)

    @property
    def position(self) -> int:
        """The byte behind the lines that were handed out."""
        text, read = self._text.getvalue(), self._text.tell()
        if read == len(text):
            return self._begins + len(self._block)
        lines = text.count("\n", 0, read)
        return self._begins + sum(len(line) + 1 for line in self._block.split(b"\n", lines)[:lines])

    def __iter__(self) -> Iterator[str]:
        while block := self._read():
            self._begins += len(self._block)
            self._block = block
            self._text = StringIO(block.decode("utf-8", errors="replace"), newline="\n")
            yield from self._text

    def _read(self) -> bytes:
        """Some whole lines; only at the end of the file may the last one lack its end."""
        block = self._file.read(_BLOCK)
        if block and not block.endswith(b"\n"):
            block += self._file.readline(MAX_LINE)
        last = block.rfind(b"\n", 0, -1) + 1
        if len(block) - last < MAX_LINE:
            return block
        if not last:
            raise BrokenFile(f"A line is longer than {MAX_LINE:,} bytes. Is this a list with one row a line?")
        # What comes before it counts.
        self._file.seek(last - len(block), SEEK_CUR)
        return block[:last]


class Portion(msgspec.Struct):
    """What reading a portion of rows came to."""

    position: int
    line: int
    notices: list[NewNotice] = []
    origins: list[tuple[int, list[str]]] = []
    """Of each notice the line where its row begins, and the row."""
    rejects: list[Reject] = []
    rows: int = 0
    at_end: bool = False

    def refuse(self, numbers: Mapping[str, str]) -> None:
        """Makes refused rows of the notices to these recipients, each with the reason why it is to get nothing."""
        if numbers:
            self._take_out({x.id: numbers[x.number] for x in self.notices if x.number in numbers})

    def refuse_notices(self, reasons: Mapping[str, str]) -> None:
        """The same for single notices, by their ids."""
        if reasons:
            self._take_out(reasons)

    def _take_out(self, reasons: Mapping[str, str]) -> None:
        rows = list(zip(self.notices, self.origins, strict=True))
        self.notices = [x for x, _ in rows if x.id not in reasons]
        self.origins = [origin for x, origin in rows if x.id not in reasons]
        self.rejects += [
            Reject(line, reasons[x.id], _original(row)) for x, (line, row) in rows if x.id in reasons
        ]
        self.rejects.sort(key=lambda r: r.line)


def _original(row: list[str]) -> str:
    return json.dumps(row, ensure_ascii=False)


class ListReader:
    """Reads a batch's file on from where the batch says that it was read to."""

    def __init__(self, file: BinaryIO, batch: Batch) -> None:
        self._lines = Lines(file, batch.position)
        self._records = csv.reader(iter(self._lines))
        self._base = batch.line
        self.portion = Portion(batch.position, batch.line)
        """What was read so far."""
        self.size = 0
        """Characters of it."""

    def read(self, rows: Rows, most: int, longest: int) -> None:
        """Adds so many rows to the portion, or rows of so many characters. Raises BrokenFile."""
        portion = self.portion
        read = self._next(most, self.size + longest)
        portion.rows += len(read)
        portion.position = self._lines.position
        taken = iter(rows.take([cells for _, cells, why in read if not why]))
        for line, cells, why in read:
            found = why or next(taken)
            if isinstance(found, str):
                portion.rejects.append(Reject(line, found, _original(cells)))
            else:
                portion.notices.append(found)
                portion.origins.append((line, cells))

    def _next(self, most: int, enough: int) -> list[_Row]:
        portion = self.portion
        read: list[_Row] = []
        while len(read) < most and self.size < enough:
            try:
                row = self._row(next(self._records))
            except BrokenFile:
                if not portion.rows and not read:
                    raise
                # What came before the broken line counts; the next portion begins, and ends, with it.
                break
            except StopIteration:
                portion.at_end = True
                portion.line = self._line()
                break
            except csv.Error as error:
                row = self._unreadable(error)
            portion.line = self._line()
            if row[2] or any(row[1]):
                read.append(row)
                self.size += sum(map(len, row[1]))
        return read

    def _line(self) -> int:
        return self._base + self._records.line_num if self._base else 0

    def _row(self, record: list[str]) -> _Row:
        if self._base:
            return self.portion.line, record, ""
        try:
            line, *row = record
            return (int(line), row, "") if line[:1] != "-" else (int(line[1:]), row[1:], row[0])
        except (ValueError, IndexError):
            raise BrokenFile(_CHANGED) from None

    def _unreadable(self, error: csv.Error) -> _Row:
        if not self._base:
            raise BrokenFile(_CHANGED)
        return self.portion.line, [], f"This row can't be read as CSV ({error})."


def read_portion(
    path: Path,
    batch: Batch,
    target: Target,
    now: int,
    ids: Ids,
    most: int = STRETCH,
    longest: int = LONGEST_STRETCH,
) -> Portion:
    """The next rows of a batch, checked; nothing is stored. Raises BrokenFile.

    `most`: rows; `longest`: characters, about: what takes time is to check these.
    """
    with path.open("rb") as file:
        reader = ListReader(file, batch)
        columns = msgspec.json.decode(batch.columns, type=Columns)
        reader.read(Rows(target, batch, columns, now, ids), most, longest)
    return reader.portion
