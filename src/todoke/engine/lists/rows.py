"""Rows of the normalised file, as they are written."""

import csv
import io
import re
from collections.abc import Sequence

ERRORS = frozenset(
    (
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#GETTING_DATA",
    )
)
"""What spreadsheets show where a formula fails."""

MADE_UP = "\ue000-\uf8ff"
"""Where encodings and Unicode leave room for characters of one's own: phones show a box, or nothing."""
_MADE_UP = re.compile(f"[{MADE_UP}]")

UNKNOWN_RESULT = "#FORMULA"
"""Stands for the value of a formula whose result a workbook does not hold."""


def problem_of(cells: Sequence[str], used: Sequence[int]) -> str:
    """What makes a row useless, of the cells that are used; or nothing."""
    for at in used:
        if at >= len(cells):
            break
        cell = cells[at]
        if "\ufffd" in cell:
            return (
                f"Cell {at + 1} of this row holds a character that could not be read: it was lost when the file was "
                "saved, or is written in another encoding than the rest."
            )
        if not cell.isascii() and _MADE_UP.search(cell):
            return (
                f"Cell {at + 1} of this row holds a character that an office made up for itself (gaiji, 造字): phones "
                "can't show it. Write another one, or kana."
            )
        if cell == UNKNOWN_RESULT:
            return (
                f"Cell {at + 1} of this row is a formula whose result the workbook does not hold: open it in a "
                "spreadsheet and save it."
            )
        if cell[:1] == "#" and cell.strip() in ERRORS:
            return f"Cell {at + 1} of this row is the error {cell.strip()} of a formula."
    return ""


def unwrapped(cell: str) -> str:
    """A text that was written as a formula so that a spreadsheet keeps its zeros, `="0912345678"`, as that text."""
    if cell[:2] == '="' and cell[-1:] == '"' and len(cell) > 2 and '"' not in cell[2:-1]:
        return cell[2:-1]
    return cell


def record(line: int, cells: Sequence[str]) -> str:
    """A row as the normalised file has it."""
    joined = ",".join(cells)
    if '"' not in joined and "\n" not in joined and joined.count(",") == len(cells) - 1:
        return f"{line},{joined}\n"
    return _csv([str(line), *cells])


def refusal(line: int, why: str, cells: Sequence[str]) -> str:
    """A row that is refused already."""
    return _csv([str(-line), why, *cells])


def _csv(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
