"""Lists as text: decoded piece by piece, and cut into rows that stand by themselves.

What most lists are, rows without a quotation mark, goes through as lines. Wherever a piece holds something that needs
care (quotation marks, a formula as text, a lost character), its rows are read one by one.
"""

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterator
from pathlib import Path

from todoke.core.columns import Columns, in_use
from todoke.core.encodings import CODECS
from todoke.engine.lists import MAX_CELL, MAX_RECORD
from todoke.engine.lists.refused import FileRefused, not_a_list
from todoke.engine.lists.rows import MADE_UP, problem_of, record, refusal, unwrapped

PIECE = 1 << 18
"""Bytes that are decoded at a time."""
MOST_LINES = 200
"""Lines of one row. Where a quotation mark has not been closed by then, it never will be."""
_LOST_PART = 0.02
"""The part of the lines with characters beyond ASCII that may hold unreadable bytes; beyond, it is the encoding."""
_CARE = re.compile(f'["\ufffd{MADE_UP}]|#[A-Z]')
_UNCLOSED = "This row opens a quotation mark that is not closed: close it, or take it out."
_SHOWN = 1000
"""Cells, and characters of each, that are kept of a row that can't be read."""
_DIGITS = re.compile(r"(?:\d\D?){8}")

csv.field_size_limit(MAX_CELL)


def holds_nul(line: int) -> FileRefused:
    return not_a_list(
        f"Line {line:,} holds NUL characters: the file is damaged, is no text, or is UTF-16. Save it again as CSV "
        "UTF-8, or set encoding to utf-16."
    )


class TextRows:
    """The rows of a list as records of the normalised file. Iterate once; `read` and `rows` say how far it is."""

    def __init__(
        self, path: Path, encoding: str, bom: int, delimiter: str, columns: Columns, after: int
    ) -> None:
        """`bom`: bytes in front that are no text. `after`: the line on which the first row may begin, from 1."""
        self.read = bom
        self.rows = 0
        self._path = path
        self._encoding = encoding
        self._bom = bom
        self._delimiter = delimiter
        self._columns = columns
        self._used = in_use(columns)
        self._after = after
        self._line = 1
        """Of the text that comes next."""
        self._lossy_lines = 0
        self._lost: list[int] = []
        self._lost_lines = 0

    def __iter__(self) -> Iterator[str]:
        """Pieces of the normalised file. Raises FileRefused; what came before is worth nothing then."""
        carry = ""
        for text in self._decoded():
            text = carry + text
            cut = text.rfind("\n") + 1
            carry = text[cut:]
            if len(carry) > MAX_RECORD:
                raise self._endless()
            if cut:
                carry = (yield from self._piece(text[:cut], at_end=False)) + carry
        if carry:
            rest = yield from self._piece(carry if carry.endswith("\n") else carry + "\n", at_end=True)
            assert not rest
        self._judge_losses(at_end=True)

    def _endless(self) -> FileRefused:
        return not_a_list(
            f"Line {self._line:,} is longer than {MAX_RECORD:,} characters. A list has one row a line."
        )

    def _decoded(self) -> Iterator[str]:
        decoder = io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder(CODECS[self._encoding])("replace"), translate=True
        )
        with self._path.open("rb") as file:
            line = 1
            file.seek(self._bom)
            while piece := file.read(PIECE):
                text = decoder.decode(piece)
                self.read += len(piece)
                if "\0" in text:
                    raise holds_nul(line + text[: text.index("\0")].count("\n"))
                if "\ufffd" in text and not self._was_lost_before(piece, text):
                    self._count_losses(text, line)
                line += text.count("\n")
                yield text
            yield decoder.decode(b"", final=True)

    def _piece(self, text: str, *, at_end: bool) -> Generator[str, None, str]:
        """Whole lines. Returns those at the end that a row has begun on and not ended."""
        text = self._below_header(text)
        if _CARE.search(text) is None:
            out = self._plain(text)
            if out is not None:
                yield out
                return ""
        return (yield from self._careful(text, at_end))

    def _below_header(self, text: str) -> str:
        """Without the lines above the first row: where that is, was found out with the header."""
        begin = 0
        while self._line < self._after and begin < len(text):
            begin = text.index("\n", begin) + 1
            self._line += 1
        return text[begin:]

    def _plain(self, text: str) -> str | None:
        """Lines as they are, but for the delimiter; None where that can't be done."""
        if self._delimiter != ",":
            if "," in text:
                return None
            text = text.replace(self._delimiter, ",")
        rows = text.split("\n")
        if len(max(rows, key=len)) > MAX_CELL:
            return None
        out = [
            f"{at},{row}\n"
            for at, row in enumerate(rows, self._line)
            if row and (row[0] not in _BLANK or row.strip(_BLANK))
        ]
        self._line += len(rows) - 1
        self.rows += len(out)
        return "".join(out)

    def _careful(self, text: str, at_end: bool) -> Generator[str, None, str]:
        lines = list(io.StringIO(text, newline="\n"))
        source = _Lines(lines)
        out: list[str] = []
        begin = 0
        while begin < len(lines):
            source.begin, source.at, source.ended = begin, begin, False
            cells, why = self._row(source)
            if source.ended and not at_end and source.at - begin < MOST_LINES:
                break
            if (
                why
                or source.ended
                or (source.at - begin > 2 and self._swallows(lines[begin + 1 : source.at - 1]))
            ):
                # The row that opened the quotation mark is refused; those that it would have swallowed are not.
                why = why or _UNCLOSED
                cells = [c[:_SHOWN] for c in lines[begin].rstrip("\n").split(self._delimiter)[:_SHOWN]]
                source.at = begin + 1
            line = self._line
            self._line += source.at - begin
            begin = source.at
            if any(c and not c.isspace() for c in cells):
                self.rows += 1
                cells = [unwrapped(c) for c in cells]
                why = why or problem_of(cells, self._used)
                out.append(refusal(line, why, cells) if why else record(line, cells))
        yield "".join(out)
        return "".join(lines[begin:])

    def _row(self, source: "_Lines") -> tuple[list[str], str]:
        """The row's cells, and what is wrong with it."""
        try:
            return next(csv.reader(source, delimiter=self._delimiter)), ""
        except csv.Error:
            several = source.at - source.begin > 1
            return [], _UNCLOSED if several else f"A cell of this row is longer than {MAX_CELL:,} characters."
        except _TooManyLines:
            return [], _UNCLOSED
        except StopIteration:
            return [], ""

    def _swallows(self, lines: list[str]) -> bool:
        """Whether one of the lines that a row goes on over is a row itself, by its cells and its number."""
        width, number = self._columns.width, self._columns.number
        for line in lines:
            cells = line.rstrip("\n").split(self._delimiter)
            if width > 1 and len(cells) == width and _DIGITS.search(cells[number]):
                return True
        return False

    def _was_lost_before(self, piece: bytes, text: str) -> bool:
        """Whether the sign of a lost character stands in the file itself: then it is no matter of the encoding."""
        return self._encoding == "utf-8" and piece.count(b"\xef\xbf\xbd") >= text.count("\ufffd")

    def _count_losses(self, text: str, line: int) -> None:
        """Characters that could not be read: in so many lines, of so many that hold anything beyond ASCII."""
        for at, row in enumerate(text.split("\n"), line):
            if not row.isascii():
                self._lossy_lines += 1
                if "\ufffd" in row:
                    self._lost_lines += 1
                    if len(self._lost) < 3:
                        self._lost.append(at)
        self._judge_losses(at_end=False)

    def _judge_losses(self, *, at_end: bool) -> None:
        enough = at_end or self._lossy_lines > 1000
        if enough and self._lost_lines > self._lossy_lines * _LOST_PART:
            where = ", ".join(f"{line:,}" for line in self._lost)
            raise FileRefused(
                "wrong-encoding",
                f"The file is not {self._encoding}: line {where} can't be read so"
                + (
                    f", and {self._lost_lines - len(self._lost):,} more"
                    if self._lost_lines > len(self._lost)
                    else ""
                )
                + ". Set encoding to what it is (utf-8, utf-16, big5, shift_jis, tis-620), or save it as CSV UTF-8.",
                "/encoding",
            )


_BLANK = "," + "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c != "\n")
"""What a row without a text in it consists of."""


class _TooManyLines(Exception):
    pass


class _Lines:
    """Lines for `csv.reader` to pull, from `begin` on. `ended`: it wanted more than there are."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.begin = self.at = 0
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.at >= len(self._lines):
            self.ended = True
            raise StopIteration
        if self.at - self.begin >= MOST_LINES:
            raise _TooManyLines
        self.at += 1
        return self._lines[self.at - 1]
