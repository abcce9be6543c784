"""A list of numbers as CSV: with a header, or one number a line and nothing else."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec

from todoke.core.columns import NUMBER_HEADERS, InvalidColumns
from todoke.core.layout import unreadable

EXTRAS = ("scope", "reason", "note")
"""Columns beside the number that may say something of their own for a row."""
_LONG_ENOUGH = re.compile(r"(?:\d\D{0,3}){6}")
"""Somewhere in a first row without a header: six digits, as no heading has."""


class Row(msgspec.Struct, frozen=True):
    """A row with something in it. `problem`: why it can't be read at all."""

    line: int
    cells: list[str]
    number: str = ""
    extras: dict[str, str] = {}
    problem: str = ""


class NumberList(msgspec.Struct, frozen=True):
    """`header`: of the file, or the name of its one column where it has none."""

    header: list[str]
    rows: Iterator[Row]


def read_numbers(text: str) -> NumberList:
    """The rows of a list, as they come. Raises InvalidColumns where no column holds numbers."""
    rows = _rows(text)
    first = next((row for row in rows if row.problem or any(c.strip() for c in row.cells)), None)
    if first is None:
        raise InvalidColumns("The file has no rows.", "/file")
    names = [c.strip().lower() for c in first.cells]
    at = next((names.index(h) for h in NUMBER_HEADERS if h in names), None)
    if at is not None:
        places = {x: names.index(x) for x in EXTRAS if x in names}
        return NumberList(first.cells, (_placed(row, at, places) for row in rows))
    at = next((i for i, c in enumerate(first.cells) if _LONG_ENOUGH.search(c)), None)
    if at is None:
        has = ", ".join(c.strip()[:40] or "(no name)" for c in first.cells[:20])
        raise InvalidColumns(
            f"The file has no column for the phone number. Name one phone. Its first row has: {has}.", "/file"
        )
    header = ["phone" if i == at else f"column {i + 1}" for i in range(len(first.cells))]
    return NumberList(header, (_placed(row, at, {}) for row in chain([first], rows)))


def _rows(text: str) -> Iterator[Row]:
    reader = csv.reader(text.splitlines(keepends=True))
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(begins, [], problem=unreadable(error))
            continue
        if any(c.strip() for c in cells):
            yield Row(begins, cells)


def _placed(row: Row, at: int, places: dict[str, int]) -> Row:
    if row.problem:
        return row
    if at >= len(row.cells):
        return Row(
            row.line, row.cells, problem=f"This row has {len(row.cells)} cells, and none for the number."
        )
    extras = {name: row.cells[i].strip() for name, i in places.items() if _has(row.cells, i)}
    return Row(row.line, row.cells, row.cells[at], extras)


def _has(cells: Sequence[str], at: int) -> bool:
    return at < len(cells) and bool(cells[at].strip())
