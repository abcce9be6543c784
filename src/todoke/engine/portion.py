"""Reads a portion of a normalised list (see `engine.lists`) and makes notices of its rows, or refused rows.

A list that an earlier version of this program took in is read on too: its rows have no line number in front (its batch
has counted lines from 1 on), so lines are counted.

Light to import, as the process that reads lists does nothing else.
"""

import csv
import json
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from todoke.core.layout import unreadable
from todoke.core.list_rows import OF_EACH, Reject, Rows, Taken
from todoke.engine.lists.digests import digest
from todoke.engine.lists.lines import LONGEST_CELL, BrokenFile, Lines, Mark

LONGEST_STRETCH = 50_000
"""Characters of the rows that are checked in one go, about: long values may take 20 µs each, and the others wait."""
STRETCH = 500
"""Rows that are checked in one go: some milliseconds."""
_DIGITS = 15

_CHANGED = "The list in the data folder is not as it was written: somebody changed it. Send it again."

csv.field_size_limit(LONGEST_CELL)

WIDTH = len(OF_EACH)
_ID, _NUMBER, _PARAMETERS = (OF_EACH.index(x) for x in ("id", "number", "parameters"))

_Row = tuple[int, list[str], str]
"""The line where a row begins, its cells, and why it is refused already; empty where it is not."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a list is read on: the byte, and the line of an earlier version's list."""

    position: int
    line: int


class Portion(msgspec.Struct, array_like=True):
    """What reading a portion of rows came to. Of the notices it holds plain values in one long row, as they go into the
    database and from process to process: objects would cost more than all that is done with them.
    """

    begun: Place
    """Where it began."""
    position: int
    line: int
    values: list[Any] = []
    """`OF_EACH` of each notice, one after another."""
    lines: list[int] = []
    """Of each notice the line where its row begins."""
    digests: bytes = b""
    """Of each notice what is the same where number and parameters are, 8 bytes."""
    rejects: list[Reject] = []
    rows: int = 0
    at_end: bool = False

    @property
    def accepted(self) -> int:
        """How many notices."""
        return len(self.lines)

    @property
    def ids(self) -> list[str]:
        return self.values[_ID::WIDTH]

    @property
    def numbers(self) -> list[str]:
        return self.values[_NUMBER::WIDTH]

    @property
    def parameters(self) -> list[str]:
        return self.values[_PARAMETERS::WIDTH]

    def add(self, line: int, taken: Taken | str, cells: Sequence[str]) -> None:
        """A row that came to a notice, or was refused."""
        if isinstance(taken, str):
            self.rejects.append(Reject(line, taken, _original(cells)))
        else:
            self.values += taken
            self.lines.append(line)

    def refuse(self, path: Path, reasons: Mapping[int, str]) -> None:
        """Makes refused rows of some notices. `reasons`: by place among the notices; `path`: of the list, to read the
        rows as they were. Raises BrokenFile, OSError.
        """
        if not reasons:
            return
        rows = originals(path, self, {self.lines[at] for at in reasons})
        self.rejects += [
            Reject(self.lines[at], reason, _original(rows[self.lines[at]])) for at, reason in reasons.items()
        ]
        self.rejects.sort(key=lambda r: r.line)
        kept = [at for at in range(len(self.lines)) if at not in reasons]
        digests = array("Q", self.digests)
        self.digests = array("Q", [digests[at] for at in kept]).tobytes()
        self.values = list(chain.from_iterable(self.values[WIDTH * at : WIDTH * at + WIDTH] for at in kept))
        self.lines = [self.lines[at] for at in kept]


def _original(row: Sequence[str]) -> str:
    return json.dumps(row, ensure_ascii=False)


class ListReader:
    """Reads a list on from where its batch says that it was read to."""

    def __init__(self, file: BinaryIO, begun: Place) -> None:
        self._lines = Lines(file, begun.position)
        self._records = csv.reader(self._lines)
        self._base = begun.line
        self.portion = Portion(begun, begun.position, begun.line)
        """What was read so far."""
        self.size = 0
        """Characters of it."""
        self._broken: Mark | None = None
        """Where what can't be read begins, if rows come before it."""

    def fill(self, rows: Rows, most: int, longest: int) -> Iterator[None]:
        """Reads until the portion has so many rows, or about so many characters. Halts after each stretch. Raises
        BrokenFile.
        """
        portion = self.portion
        while portion.rows < most and self.size < longest:
            self.read(rows, min(STRETCH, most - portion.rows), min(LONGEST_STRETCH, longest - self.size))
            if portion.at_end or self._broken is not None:
                break
            yield
        self.end()

    def read(self, rows: Rows, most: int, longest: int) -> None:
        """Adds so many rows to the portion, or rows of so many characters. Raises BrokenFile."""
        portion = self.portion
        read = self.next(most, self.size + longest)
        portion.rows += len(read)
        if not any(map(itemgetter(2), read)):
            found = rows.take([cells for _, cells, _ in read])
        else:
            taken = iter(rows.take([cells for _, cells, why in read if not why]))
            found = [why or next(taken) for _, _, why in read]
        if str not in set(map(type, found)):
            portion.values += chain.from_iterable(found)
            portion.lines += map(itemgetter(0), read)
            return
        for (line, cells, _), each in zip(read, found, strict=True):
            portion.add(line, each, cells)

    def end(self) -> None:
        """The portion is as long as it is to be."""
        portion = self.portion
        portion.position = Lines.byte_of(self._broken or self._lines.mark())
        portion.digests = b"".join(map(digest, portion.numbers, portion.parameters))

    def next(self, most: int, enough: int) -> list[_Row]:
        """The next rows, until they are so many, or `size` is about so many characters. Raises BrokenFile where there
        is none before what is broken.
        """
        read: list[_Row] = []
        while len(read) < most and self.size < enough and not self.portion.at_end and self._broken is None:
            self._begun = self._lines.mark()
            try:
                if not self._plain(read, most - len(read), enough):
                    self._careful(read)
            except BrokenFile:
                if not self.portion.rows and not read:
                    raise
                # What came before it counts; the next portion begins, and ends, with it.
                self._broken = self._begun
        return read

    def _plain(self, read: list[_Row], most: int, enough: int) -> bool:
        """Takes rows that stand in lines of their own without a quotation mark: nearly all of nearly all lists."""
        lines = None if self._base else self._lines.plain(most, enough - self.size)
        if lines is None:
            return False
        begins, block, at = self._lines.mark()
        for n, text in enumerate(lines, at - len(lines)):
            line, _, rest = text.partition(",")
            cells = rest.split(",")
            if not (line.isdecimal() and line.isascii() and len(line) < _DIGITS):
                self._begun = begins, block, n
                row = self._row(text.split(","))
                if row[2] or any(row[1]):
                    read.append(row)
            elif rest and (cells[0] or any(cells)):
                read.append((int(line), cells, ""))
        self.size += sum(map(len, lines))
        return True

    def _careful(self, read: list[_Row]) -> None:
        """The next row, whatever it is."""
        portion = self.portion
        try:
            row = self._row(next(self._records))
        except StopIteration:
            portion.at_end = True
            portion.line = self._line()
            return
        except csv.Error as error:
            row = self._unreadable(error)
        portion.line = self._line()
        if row[2] or any(row[1]):
            read.append(row)
            self.size += sum(map(len, row[1]))

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
        return self.portion.line, [], unreadable(error)


def originals(path: Path, portion: Portion, lines: Collection[int]) -> dict[int, list[str]]:
    """Rows of a portion as they were, by the lines where they begin. Raises BrokenFile, OSError."""
    found: dict[int, list[str]] = {}
    with path.open("rb") as file:
        reader = ListReader(file, portion.begun)
        while len(found) < len(lines):
            read = reader.next(STRETCH, reader.size + LONGEST_STRETCH)
            if not read:
                raise BrokenFile(_CHANGED)
            found |= {line: cells for line, cells, _ in read if line in lines}
    return found


def read_portion(
    path: Path, begun: Place, rows: Rows, most: int = STRETCH, longest: int = LONGEST_STRETCH
) -> Portion:
    """The next rows of a list, checked; nothing is stored. Raises BrokenFile, OSError.

    `most`: rows; `longest`: characters, about: what takes time is to check these.
    """
    with path.open("rb") as file:
        reader = ListReader(file, begun)
        for _ in reader.fill(rows, most, longest):
            pass
    return reader.portion
