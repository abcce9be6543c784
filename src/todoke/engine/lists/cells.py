"""What the cells of a workbook say, as the text that a person reads in them.

A number is written without exponent and without `.0`: the workbook has all its digits, however it shows them. Numbers
of more than 15 digits stay as they are written (`1.23456789012346E+19`): a spreadsheet keeps no more than 15. Dates
are numbers with a format for dates, and become ISO 8601: https://learn.microsoft.com/en-us/openspecs/office_standards
(ECMA-376 part 1, 18.8.30 and 18.17.4).
"""

import mmap
import re
import struct
import tempfile
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from todoke.engine.lists.refused import not_a_list
from todoke.engine.lists.workbook import MOST_SMALL, MOST_STRINGS, Parsed, Parts, local

_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59), *range(71, 82)))
"""Numbers of built-in formats that show dates or times, those of East Asia and Thailand included."""
_QUOTED = re.compile(r'"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]|_.|\*.', re.IGNORECASE)
_ZEROS = re.compile(r"0{2,30}")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MOST_DIGITS = 15
_LAST_DAY = 2_958_466
"""The day after 9999-12-31."""
MOST_CHARACTERS = 32_767
"""Of a cell, by the format."""
_MOST_TEXTS = 20_000_000
_ENDS = 1 << 13
_TWO = struct.Struct("=2Q")


class Styles(Parsed):
    """Of each cell style, by its number: `d` where it shows a date or time, digits where it fills up with zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[str] = []
        self._formats: dict[str, str] = {}
        self._in_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        name = local(name)
        if name == "numFmt":
            self._formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")[:500]
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            self.kinds.append(self._kind(attributes.get("numFmtId", "0")))

    def end(self, name: str) -> None:
        self.depth -= 1
        if local(name) == "cellXfs":
            self._in_cells = False

    def _kind(self, number: str) -> str:
        code = self._formats.get(number)
        if code is None:
            return "d" if number.isdecimal() and int(number) in _BUILT_IN_DATES else ""
        first = _QUOTED.sub("", code.partition(";")[0])
        if _ZEROS.fullmatch(first):
            return str(len(first))
        return "d" if re.search(r"[ymdhsgeb]", first.replace("General", ""), re.IGNORECASE) else ""


def styles_of(parts: Parts, part: str | None) -> list[str]:
    """Raises FileRefused."""
    styles = Styles()
    if part is not None:
        for _ in parts.parse(part, styles, MOST_SMALL):
            pass
    return styles.kinds


def number(text: str, kind: str, from_1904: bool) -> str:
    """A cell that holds a number, as text. `kind`: what its style says, one of `Styles.kinds`."""
    if kind == "d":
        return _moment(text, from_1904)
    if not text.isascii() or not text.isdecimal():
        try:
            value = float(text)
        except ValueError:
            return text
        if value != value or abs(value) >= 10**_MOST_DIGITS:
            return text
        if value == int(value):
            text = str(int(value))
        elif "e" in text.lower() or len(text) > _MOST_DIGITS:
            text = f"{value:.15g}"
    if kind and text.isdecimal():
        return text.zfill(int(kind))
    return text


def _moment(text: str, from_1904: bool) -> str:
    try:
        days = float(text)
    except ValueError:
        return text
    if not 0 <= days < _LAST_DAY:
        return text
    # The first spreadsheet believed in a 29 February 1900; days before it are counted one short.
    begin = (
        datetime(1904, 1, 1, tzinfo=UTC)
        if from_1904
        else datetime(1899, 12, 30 if days >= 60 else 31, tzinfo=UTC)
    )
    moment = begin + timedelta(seconds=round(days * 86400))
    if days < 1 and not from_1904:
        return f"{moment:%H:%M:%S}".removesuffix(":00")
    if days == int(days):
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def plain(text: str) -> str:
    """A text of a workbook without its escapes for control characters, and with LF for line ends."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


class Strings(Parsed):
    """The table of texts, which cells name by number: in files without a name, where they end in another."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where the file may be."""
        super().__init__()
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._ends_file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._ends = array("Q", [0])
        """Those that are not in the file yet."""
        self._count = 0
        self._at = 0
        self._pieces: list[str] = []
        self._size = 0
        self._wanted = False
        self._aside = 0
        self._map: mmap.mmap | None = None
        self._ends_map: mmap.mmap | None = None

    def read(self, parts: Parts, part: str) -> Iterator[int]:
        """Raises FileRefused."""
        yield from parts.parse(part, self, MOST_STRINGS)
        self._keep_ends()
        self._ends_file.flush()
        self._ends_map = mmap.mmap(self._ends_file.fileno(), 8 * (self._count + 1), access=mmap.ACCESS_READ)
        self._file.flush()
        if self._at:
            self._map = mmap.mmap(self._file.fileno(), self._at, access=mmap.ACCESS_READ)

    def close(self) -> None:
        for mapped in (self._map, self._ends_map):
            if mapped is not None:
                mapped.close()
        self._file.close()
        self._ends_file.close()

    def _keep_ends(self) -> None:
        self._ends_file.write(self._ends.tobytes())
        del self._ends[:]

    def __getitem__(self, index: int) -> str:
        """Raises IndexError."""
        if not 0 <= index < self._count or self._ends_map is None:
            raise IndexError
        begin, end = _TWO.unpack_from(self._ends_map, 8 * index)
        return "" if begin == end or self._map is None else self._map[begin:end].decode()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        name = local(name)
        if name == "t":
            self._wanted = not self._aside
        elif name == "rPh":  # how it is pronounced, which is no part of it
            self._aside += 1

    def end(self, name: str) -> None:
        self.depth -= 1
        name = local(name)
        if name == "t":
            self._wanted = False
        elif name == "rPh":
            self._aside -= 1
        elif name == "si":
            text = plain("".join(self._pieces)).encode()
            self._pieces.clear()
            self._size = 0
            self._file.write(text)
            self._at += len(text)
            self._ends.append(self._at)
            self._count += 1
            if len(self._ends) >= _ENDS:
                self._keep_ends()
            if self._count > _MOST_TEXTS:
                raise not_a_list(
                    f"The workbook holds more than {_MOST_TEXTS:,} texts, far more than a list has."
                )

    def text(self, text: str) -> None:
        if self._wanted:
            self._size += len(text)
            if self._size > 2 * MOST_CHARACTERS:
                raise not_a_list(f"A cell of the workbook is longer than {MOST_CHARACTERS:,} characters.")
            self._pieces.append(text)
