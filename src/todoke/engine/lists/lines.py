"""The lines of a normalised file, one by one or many at a time."""

from collections.abc import Iterator
from io import SEEK_CUR
from typing import BinaryIO

MAX_LINE = 16_000_000
"""Bytes of one line. Longer ones are no list of notices, whatever they are."""
LONGEST_CELL = 100_000
"""Characters of a cell. What is longer is not ours."""
_BLOCK = 1 << 16

Mark = tuple[int, bytes, int]
"""A place in the file: a block's first byte, the block, and lines of it."""


class BrokenFile(Exception):
    """The file can't be read on; the text says where and why."""


class Lines:
    """The lines of a UTF-8 file from a byte on; for `csv.reader` to pull, or many at a time."""

    def __init__(self, file: BinaryIO, position: int) -> None:
        self._file = file
        self._begins = position
        self._block = b""
        self._lines: list[str] = []
        self._at = 0
        self._is_plain = False
        file.seek(position)

    def mark(self) -> Mark:
        """Where it is; `byte_of` says which byte that is."""
        return self._begins, self._block, self._at

    @staticmethod
    def byte_of(mark: Mark) -> int:
        begins, block, lines = mark
        at = 0
        for _ in range(lines):
            at = block.find(b"\n", at) + 1 or len(block)
        return begins + at

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._at >= len(self._lines) and not self._more():
            raise StopIteration
        self._at += 1
        return self._lines[self._at - 1]

    def plain(self, most: int, room: int) -> list[str] | None:
        """The next lines, so many at most or about so many characters, if each is a row whose cells the commas part:
        no quotation mark stands in their block. Raises BrokenFile.
        """
        if self._at >= len(self._lines) and not self._more():
            return None
        if not self._is_plain:
            return None
        # Of long ones no more shall be taken than are wanted.
        few = max(1, room * len(self._lines) // max(len(self._block), 1))
        lines = self._lines[self._at : self._at + min(most, few)]
        self._at += len(lines)
        return lines

    def _more(self) -> bool:
        block = self._read()
        self._begins += len(self._block)
        self._block = block
        text = block.decode("utf-8", errors="replace")
        self._lines = text.split("\n")
        if self._lines[-1]:
            self._is_plain = False
            self._lines = [f"{line}\n" for line in self._lines[:-1]] + [self._lines[-1]]
        else:
            self._lines.pop()
            self._is_plain = '"' not in text and "\r" not in text and len(text) <= LONGEST_CELL
            if not self._is_plain:
                self._lines = [f"{line}\n" for line in self._lines]
        self._at = 0
        return bool(block)

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
