"""How a list is laid out: which character stands between its cells, and in which line its header is.

Both are found by trying: the delimiter and the line under which a header has what the batch needs are the right ones.
Where none has, the most regular reading is taken, so that the error names the columns that people see.
"""

import csv
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from todoke.core.encodings import Sureness
from todoke.core.errors import TodokeError

DELIMITERS = (",", ";", "\t", "|", "，", "、", "^")
"""Those that are looked for, the likeliest first; others can be set."""
NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}
TITLE_LINES = 30
"""So many lines may stand above the header."""
_LOOKED_AT = 200
_SEP = "sep="

Fits = Callable[[Sequence[str]], bool]


class InvalidLayout(TodokeError):
    """A delimiter that can't be one."""

    code = "invalid-delimiter"


class Layout(msgspec.Struct, frozen=True):
    """`header_line` is the line where the header begins, the first being 1; `skipped`: lines in front of it that hold
    something. `names_columns`: whether the header has what is needed.
    """

    delimiter: str
    sureness: Sureness
    header_line: int
    header: tuple[str, ...]
    skipped: int
    names_columns: bool


class Line(msgspec.Struct, frozen=True):
    """A row of a sample, and the line where it begins."""

    line: int
    cells: list[str]


def delimiter_named(text: str) -> str:
    """The delimiter that people mean: the character itself, or a word such as tab. Raises InvalidLayout."""
    found = NAMES.get(text.strip().lower(), text if len(text) == 1 else text.strip())
    if len(found) != 1 or found.isalnum() or found in "\"'\n\r\0+-.":
        raise InvalidLayout(
            f"{text[:20]!r} can't be a delimiter. It is one character, such as a comma, or one of the words "
            "comma, semicolon, tab, pipe.",
            "/delimiter",
        )
    return found


def sep_of(first_line: str) -> str | None:
    """The delimiter that a first line `sep=;` names, as Excel writes and heeds it."""
    line = first_line.rstrip("\r\n").strip('"')
    return line[4] if line[:4].lower() == _SEP and len(line) == 5 else None


def layout_of(lines: Sequence[str], fits: Fits, delimiter: str | None = None) -> Layout | None:
    """How these first lines of a file are laid out; None where they hold nothing. `fits`: whether a row is a header
    that has all that is needed. `delimiter`: where it is set already.
    """
    sep = sep_of(lines[0]) if lines else None
    tried = [d for d in (delimiter or sep,) if d is not None] or list(DELIMITERS)
    begin = 1 if sep is not None else 0
    read = {d: _rows(lines[begin:], d, begin) for d in tried}
    if not any(read.values()):
        return None
    for d, rows in read.items():
        for at, row in enumerate(rows[:TITLE_LINES]):
            if fits(row.cells):
                sure: Sureness = "sure" if len(row.cells) > 1 else "likely"
                if delimiter or sep:
                    sure = "set" if delimiter else "sure"
                if len(row.cells) == 1 and not delimiter and (wider := _regular(read)) is not None:
                    # One cell is a header under any delimiter; the rows may know better.
                    d = wider
                return Layout(d, sure, row.line, tuple(row.cells), at, True)
    best = tried[0] if len(tried) == 1 else _regular(read) or ","
    rows = read[best]
    at = next((i for i, row in enumerate(rows[:TITLE_LINES]) if sum(map(bool, row.cells)) > 1), 0)
    row = rows[at]
    sureness: Sureness = (
        "set" if delimiter else "sure" if sep else "likely" if len(row.cells) > 1 else "unsure"
    )
    return Layout(best, sureness, row.line, tuple(row.cells), at, False)


def header_among(rows: Sequence[Line], fits: Fits) -> tuple[Line, int, bool] | None:
    """Of a sheet's first rows the header, how many rows stand above it, and whether it has all that is needed."""
    for at, row in enumerate(rows[:TITLE_LINES]):
        if fits(row.cells):
            return row, at, True
    if not rows:
        return None
    at = next((i for i, row in enumerate(rows[:TITLE_LINES]) if sum(map(bool, row.cells)) > 1), 0)
    return rows[at], at, False


def _rows(lines: Sequence[str], delimiter: str, before: int) -> list[Line]:
    reader = csv.reader(lines, delimiter=delimiter)
    rows: list[Line] = []
    while len(rows) < _LOOKED_AT:
        line = before + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            continue
        if any(c.strip() for c in cells):
            rows.append(Line(line, cells))
    return rows


def _regular(read: dict[str, list[Line]]) -> str | None:
    """The delimiter under which most rows have the same number of cells, and several; None where none has."""
    best, found = 0.0, None
    for delimiter, rows in read.items():
        widths = Counter(len(row.cells) for row in rows)
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        regular = times / len(rows)
        # A few more cells don't weigh as much as rows that agree.
        value = regular + min(width, 10) / 100 if width > 1 else 0.0
        if value > best and regular > 0.5:
            best, found = value, delimiter
    return found


def unreadable(error: csv.Error) -> str:
    """Why a row can't be read, and what to do. Python's own words differ between versions, and are for programmers."""
    said = str(error)
    if "new-line" in said:
        why = "a line ends inside of a field: put such a field into quotes"
    elif "limit" in said:
        why = "a field is too long: is a quote missing at its end?"
    else:
        why = "its quotes do not pair up"
    return f"This row can't be read as CSV: {why}."
