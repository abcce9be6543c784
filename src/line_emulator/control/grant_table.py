"""The table of granted keys as CSV: read with every bad row named, and written so that a spreadsheet takes no
cell for a formula.

LINE hands the keys out in lists of its own making; this format is the emulator's. The columns of the list that Todoke
imports are taken too, so that one file serves both.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from line_emulator.world.keys import KINDS, TEMPLATE, Grant

COLUMNS = ("kind", "key", "template", "label")
EXPORTED = ("source",)
IGNORED = (*EXPORTED, "use_case", "language", "limits", "published")
"""Columns that an import passes over: those of exports, and of a gateway's list of the same keys."""
_OTHER_NAMES = {"name": "label"}
"""What other lists of the same keys call a column."""
MOST_ROWS = 5_000
MOST_FAULTS, MOST_ALIKE = 100, 10
"""So many faults are listed, and so many of one kind."""
LONGEST_KEY, LONGEST_LABEL = 100, 100
_VARYING = re.compile(r" \d+|template,\S+")
"""What differs in the remedies of faults of one kind."""
_KEY = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class BadRow(msgspec.Struct, frozen=True):
    """What is wrong in one line (counted from 1, the header included), and what to do about it."""

    line: int
    column: str
    value: str
    remedy: str


class Table(msgspec.Struct):
    """A table as read: nothing of it counts while there is a fault. `fault_count` includes those not listed."""

    grants: list[Grant]
    faults: list[BadRow]
    fault_count: int = 0
    alike: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)

    def fault(self, line: int, column: str, value: str, remedy: str) -> None:
        """Notes a fault."""
        self.fault_count += 1
        kind = (column, _VARYING.sub("", remedy))
        self.alike[kind] += 1
        if self.alike[kind] <= MOST_ALIKE and len(self.faults) < MOST_FAULTS:
            self.faults.append(BadRow(line, column, value[:200], remedy))

    def more(self) -> list[dict[str, object]]:
        """Of which kinds there are more than are listed, and how many."""
        return [
            {"column": column, "remedy": remedy, "count": count - MOST_ALIKE}
            for (column, remedy), count in self.alike.items()
            if count > MOST_ALIKE
        ]


def read(raw: bytes) -> Table:
    """The table in a CSV file (UTF-8, with or without a byte order mark)."""
    table = Table([], [])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        broken = raw[error.start : error.start + 8].decode("latin-1")
        table.fault(line, "", broken, 'This is not UTF-8. Save the file as "CSV UTF-8".')
        return table
    if "\n" not in text and "\r" not in text and text.count(",") > len(COLUMNS):
        table.fault(1, "", text[:50], "The line ends are missing. With curl use --data-binary, not -d.")
        return table
    rows = _rows(text, table)
    header = next(rows, None)
    places = _places(header, table)
    if table.faults or header is None:
        return table
    found: list[tuple[int, Grant]] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(found) + table.fault_count >= MOST_ROWS:
            table.fault(line, "", "", f"There are more than {MOST_ROWS} rows. Import fewer.")
            break
        grant = _grant(line, cells, places, len(header[1]), table)
        if grant is not None:
            found.append((line, grant))
    _agree(found, table)
    if not table.fault_count:
        table.grants = [grant for _, grant in found]
    return table


def _rows(text: str, table: Table) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        table.fault(line, "", "", f"This is no CSV: {error}. Look for a quotation mark that is never closed.")


def _places(header: tuple[int, list[str]] | None, table: Table) -> dict[str, int]:
    if header is None:
        if not table.faults:
            table.fault(1, "", "", f"The file is empty. Its first line must be {','.join(COLUMNS)}.")
        return {}
    names = [_OTHER_NAMES.get(cell.strip().lower(), cell.strip().lower()) for cell in header[1]]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        table.fault(1, "", names[0], "The columns must be separated by commas.")
        return {}
    for name in names:
        if name not in COLUMNS and name not in IGNORED:
            table.fault(1, name, name, f"There is no such column. Those known are {', '.join(COLUMNS)}.")
        elif names.count(name) > 1:
            table.fault(1, name, name, "The column stands here twice. Take one away.")
    for name in ("kind", "key"):
        if name not in names:
            table.fault(1, name, "", f"The column {name} is missing. Name it in the first line.")
    return {name: place for place, name in enumerate(names)}


def _grant(line: int, cells: list[str], places: dict[str, int], width: int, table: Table) -> Grant | None:
    if len(cells) > width:
        table.fault(
            line, "", cells[width], "The row has more cells than the first line. Quote commas in labels."
        )
        return None

    def cell(name: str) -> str:
        place = places.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    before = table.fault_count
    kind, key, template, label = (
        cell("kind").lower(),
        cell("key"),
        cell("template"),
        _unguarded(cell("label")),
    )
    if kind not in KINDS:
        table.fault(line, "kind", kind, "Write template, item or button.")
    _check_key(line, "key", key, table)
    if template:
        _check_key(line, "template", template, table)
        if kind == TEMPLATE:
            table.fault(
                line, "template", template, "A template belongs to no template. Leave this cell empty."
            )
    if len(label) > LONGEST_LABEL:
        table.fault(line, "label", label, f"A label has {LONGEST_LABEL} characters at most. Shorten it.")
    if _CONTROLS.search(label):
        table.fault(
            line, "label", label, "A label has no line breaks or other control characters. Take them out."
        )
    return Grant(kind, key, template or None, label or None) if table.fault_count == before else None


def _check_key(line: int, column: str, key: str, table: Table) -> None:
    if not key:
        table.fault(line, column, key, "The key is missing. Copy it from LINE's list.")
    elif len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        text = f"A key has 1 to {LONGEST_KEY} letters, digits and underscores. Copy it from LINE's list."
        table.fault(line, column, key, text)


def _agree(found: list[tuple[int, Grant]], table: Table) -> None:
    """What only the rows together show: a row twice, a template that is not there, two labels for one key."""
    templates = {grant.key for _, grant in found if grant.kind == TEMPLATE}
    seen: dict[tuple[str, str, str | None], int] = {}
    first: dict[str, tuple[int, Grant]] = {}
    for line, grant in found:
        known = seen.setdefault((grant.kind, grant.key, grant.template), line)
        if known != line:
            table.fault(line, "key", grant.key, f"Line {known} says the same. Take one of them away.")
        if grant.template is not None and grant.template not in templates:
            text = (
                f"The file grants no such template. Correct it, or add a row template,{grant.template[:100]}."
            )
            table.fault(line, "template", grant.template, text)
        at, other = first.setdefault(grant.key, (line, grant))
        if other.kind != grant.kind:
            table.fault(line, "kind", grant.kind, f"Line {at} calls this key {other.kind}. Make them agree.")
        elif grant.label and other.label and other.label != grant.label:
            table.fault(
                line, "label", grant.label, f"Line {at} gives this key another label. Make them agree."
            )
        elif grant.label and not other.label:
            first[grant.key] = line, grant
    if not templates and not table.fault_count:
        table.fault(1, "kind", "", "The file grants no template. Add at least one row of the kind template.")


def write(rows: Iterable[tuple[str, str, str | None, str, str | None]]) -> str:
    """CSV of (kind, key, template, label, source), with the header."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow((*COLUMNS, *EXPORTED))
    for row in rows:
        writer.writerow([_guarded(cell or "") for cell in row])
    return out.getvalue()


def _guarded(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _unguarded(cell: str) -> str:
    """The reverse, so that an export can be imported again."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in (*_FORMULA, "'") else cell


def order(grant: Grant) -> tuple[int, str, str]:
    """Templates first, each kind by template and key."""
    return KINDS.index(grant.kind), grant.template or "", grant.key
