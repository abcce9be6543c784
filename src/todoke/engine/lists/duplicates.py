"""Which rows of a list say the same again: the same number and the same parameters as an earlier row.

The digests of accepted rows, 8 bytes each, are kept in a file in the rows' order: with `accepted` of the batch, which
is committed with the rows, a killed process's successor knows exactly which of them count. Where duplicates are only
reported, they are counted when the file is read: the digests are parted by their first bits, so that memory does not
grow with the list. Where they are dropped, each row must be known at once: a table of fingerprints, 4 bytes for each
place, 7 MB for a million rows. One row in some hundred million of a list of ten million is taken for another.
"""

import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

_FIRST = 1 << 16
_FULL = 0.62
"""The part of the places that may be taken before the table is doubled."""
_AT_ONCE = 1 << 16
_IN_MEMORY = 50_000
"""Digests that are looked at together: some 5 MB."""


class Log:
    """The digests of a batch's accepted rows."""

    def __init__(self, path: Path, accepted: int) -> None:
        """`accepted`: how many of them count. What the file lacks, as after a power cut, counts as never seen."""
        self.accepted = accepted
        self._path = path

    def write(self, digests: bytes) -> None:
        """Those of rows that are about to be committed, 8 bytes each."""
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.seek(8 * self.accepted)
            file.write(digests)
            file.truncate()
        self.accepted += len(digests) // 8

    def read(self) -> Iterator["array[int]"]:
        """Portions of what counts."""
        left = self.accepted
        if not left or not self._path.exists():
            return
        with self._path.open("rb") as file:
            while left and len(piece := file.read(8 * min(left, _AT_ONCE))) >= 8:
                values = array("Q", piece[: len(piece) // 8 * 8])
                left -= len(values)
                yield values

    def count(self, wanted: set[int]) -> tuple[int, set[int]]:
        """How many of them repeat another, and which of the wanted ones are among them. Takes a second for two
        million: call it in a thread.
        """
        parts = 1 << max(self.accepted // _IN_MEMORY, 0).bit_length()
        if parts == 1:
            known = {value for values in self.read() for value in values}
            return sum(map(len, self.read())) - len(known), known & wanted
        with ExitStack() as stack:
            folder = self._path.parent
            files = [stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(parts)]
            for values in self.read():
                self._part(values, files, parts - 1)
            return self._count_parts(files, wanted)

    @staticmethod
    def _part(values: "array[int]", files: Sequence[IO[bytes]], mask: int) -> None:
        parts: list[list[int]] = [[] for _ in files]
        for value in values:
            parts[value & mask].append(value)
        for file, part in zip(files, parts, strict=True):
            file.write(array("Q", part).tobytes())

    @staticmethod
    def _count_parts(files: Sequence[IO[bytes]], wanted: set[int]) -> tuple[int, set[int]]:
        repeated, found = 0, set[int]()
        for file in files:
            file.seek(0)
            values = array("Q", file.read())
            known = set(values)
            repeated += len(values) - len(known)
            found |= known & wanted
        return repeated, found


class Table:
    """What was seen, as fingerprints at places that the digests say."""

    def __init__(self, log: Log, expected: int) -> None:
        """Filled from the log; `expected`: rows of the whole list, if known."""
        self._log = log
        size = _FIRST
        while max(expected, log.accepted) > _FULL * size:
            size *= 2
        self._fill(size)

    def add(self, values: Iterable[int], count: int) -> list[bool]:
        """Of each, in order, whether it was there before."""
        if self._taken + count > _FULL * len(self._table):
            self._fill(2 * len(self._table))
        return [self._add(value) for value in values]

    def _fill(self, size: int) -> None:
        self._table = array("I")
        self._table = array("I", [0]) * size
        self._mask = size - 1
        self._taken = 0
        for values in self._log.read():
            for value in values:
                self._add(value)

    def _add(self, value: int) -> bool:
        table, mask = self._table, self._mask
        mark = value & 0xFFFFFFFF or 1
        at = value >> 32 & mask
        while (there := table[at]) != 0:
            if there == mark:
                return True
            at = (at + 1) & mask
        table[at] = mark
        self._taken += 1
        return False


class Seen:
    """The rows of one batch that were accepted so far."""

    def __init__(self, path: Path, accepted: int, *, at_once: bool, expected: int = 0) -> None:
        """`path`: where the digests are kept; `at_once`: whether a row must be known as it comes."""
        self._log = Log(path, accepted)
        self._table = Table(self._log, expected) if at_once else None
        self._before: tuple[int, set[int]] = (0, set())

    @property
    def accepted(self) -> int:
        return self._log.accepted

    def look(self, digests: bytes) -> None:
        """To be called with the last portion, before its transaction. It may take seconds."""
        if self._table is None:
            self._before = self._log.count(set(array("Q", digests)))

    def repeated(self, digests: bytes, *, at_end: bool) -> tuple[int, list[int]]:
        """How many rows repeat an earlier one, and which of these do, by their places, as far as can be told now: all
        where rows must be known at once; otherwise all of the list at its end, and none before.
        """
        if self._table is not None:
            values = array("Q", digests)
            again = [at for at, is_again in enumerate(self._table.add(values, len(values))) if is_again]
            return len(again), again
        if not at_end:
            return 0, []
        count, known = self._before
        known = set(known)
        again = []
        for at, value in enumerate(array("Q", digests)):
            if value in known:
                again.append(at)
            known.add(value)
        return count + len(again), again

    def keep(self, digests: bytes) -> None:
        """Writes down those of rows that are about to be committed."""
        self._log.write(digests)
