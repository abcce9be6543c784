"""The rows of one sheet of a workbook."""

from collections.abc import Iterator, Sequence

from todoke.engine.lists import MAX_RECORD
from todoke.engine.lists.cells import MOST_CHARACTERS, Strings, number, plain
from todoke.engine.lists.refused import not_a_list
from todoke.engine.lists.rows import UNKNOWN_RESULT
from todoke.engine.lists.workbook import MOST_OF_A_PART, Parsed, Parts, local

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
"""Of a sheet, by the format."""
_MOST_HELD = 16 * MAX_RECORD
"""Characters of the rows of one piece: a cell may name a text that is a thousand times as long as the cell."""


class SheetRows(Parsed):
    """Rows as they come: number in the sheet, cells."""

    def __init__(
        self, strings: Strings | None, styles: Sequence[str], from_1904: bool, width: int = MOST_COLUMNS
    ) -> None:
        """`width`: cells beyond so many columns are left out."""
        super().__init__()
        self._width = width
        self.rows: list[tuple[int, list[str]]] = []
        """Those that are read and not taken yet."""
        self._strings = strings
        self._styles = styles
        self._from_1904 = from_1904
        self._row = 0
        self._cells: list[str] = []
        self._column = 0
        self._kind = ""
        self._style = ""
        self._pieces: list[str] = []
        self._size = 0
        self._wanted = False
        self._has_formula = False
        self._aside = 0
        self._row_size = 0
        self._held = 0

    def read(self, parts: Parts, part: str) -> Iterator[tuple[list[tuple[int, list[str]]], int]]:
        """Some rows at a time, and how many bytes of the part are read. Raises FileRefused."""
        for seen in parts.parse(part, self, MOST_OF_A_PART):
            rows, self.rows, self._held = self.rows, [], 0
            yield rows, seen
        if self.rows:
            rows, self.rows = self.rows, []
            yield rows, parts.size(part)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        name = local(name)
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t"):
            self._wanted = not self._aside
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            self._begin_row(attributes.get("r", ""))
        elif name == "rPh":
            self._aside += 1

    def end(self, name: str) -> None:
        self.depth -= 1
        name = local(name)
        if name in ("v", "t"):
            self._wanted = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            if self._cells:
                self.rows.append((self._row, self._cells))
                self._cells = []
        elif name == "rPh":
            self._aside -= 1

    def text(self, text: str) -> None:
        if self._wanted:
            self._size += len(text)
            if self._size > 2 * MOST_CHARACTERS:
                raise not_a_list(
                    f"A cell of row {self._row:,} is longer than {MOST_CHARACTERS:,} characters."
                )
            self._pieces.append(text)

    def _begin_row(self, named: str) -> None:
        row = int(named) if named.isascii() and named.isdecimal() and len(named) < 9 else 0
        # Rows come in order. Where a program numbers them wrongly, each still gets a number of its own.
        self._row = max(row, self._row + 1)
        self._column = 0
        self._cells = []
        self._row_size = 0
        if self._row > MOST_ROWS:
            raise not_a_list(f"The sheet has more than {MOST_ROWS:,} rows, the most that a workbook has.")

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._pieces, self._size, self._has_formula = [], 0, False
        column = _column(attributes.get("r", "")) or self._column + 1
        self._column = max(column, self._column + 1)
        if self._column > MOST_COLUMNS:
            raise not_a_list(
                f"Row {self._row:,} has more than {MOST_COLUMNS:,} columns, the most that a workbook has."
            )

    def _end_cell(self) -> None:
        text = "".join(self._pieces)
        kind = self._kind
        if kind == "s":
            text = self._shared(text)
        elif kind == "b":
            text = {"1": "TRUE", "0": "FALSE"}.get(text, text)
        elif kind in ("n", "") and text:
            style = int(self._style) if self._style.isascii() and self._style.isdecimal() else -1
            text = number(
                text.strip(), self._styles[style] if 0 <= style < len(self._styles) else "", self._from_1904
            )
        else:
            text = plain(text)
        if not text and self._has_formula and kind != "str":
            text = UNKNOWN_RESULT
        if text and self._column <= self._width:
            missing = self._column - 1 - len(self._cells)
            if missing:
                self._cells.extend([""] * missing)
            self._cells.append(text)
            self._row_size += len(text)
            self._held += len(text)
            if self._row_size > MAX_RECORD or self._held > _MOST_HELD:
                raise not_a_list(f"The rows down to {self._row:,} hold far more text than a list does.")

    def _shared(self, text: str) -> str:
        try:
            assert self._strings is not None
            return self._strings[int(text)]
        except (ValueError, IndexError, AssertionError):
            raise not_a_list(
                f"Row {self._row:,} of the sheet names a text that the workbook does not hold: it is damaged. Save it "
                "again."
            ) from None


def _column(place: str) -> int:
    """The column of a place such as BC12, from 1; 0 where it is none."""
    column = 0
    for char in place[:4]:
        if not "A" <= char <= "Z":
            break
        column = column * 26 + ord(char) - 64
    return column
