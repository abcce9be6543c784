"""A first look at an uploaded file: what it is, its encoding, delimiter, sheet and header, and how sure that is."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from todoke.core.columns import MOST_COLUMNS, Columns, shown
from todoke.core.encodings import BOMS, CODECS, NAMES, Guess, Sureness, guess, named
from todoke.core.errors import TodokeError
from todoke.core.layout import Line, delimiter_named, header_among, layout_of
from todoke.engine.lists import MAX_RECORD
from todoke.engine.lists.cells import Strings, styles_of
from todoke.engine.lists.kinds import Kind, kind_of
from todoke.engine.lists.refused import FileRefused, not_a_list
from todoke.engine.lists.sheet import SheetRows
from todoke.engine.lists.text import holds_nul
from todoke.engine.lists.workbook import Book, Parts, Sheet, book_of

SAMPLE = 1 << 20
"""Bytes of a text that are looked at."""
_SCANNED = 256 << 20
"""Bytes that are searched for the first character beyond ASCII: names may begin far down."""
_LINES = 400
_FIRST_ROWS = 200
_MOST_SHEETS = 50
"""That are looked into for the one with the list."""
_Header = tuple[Sheet, Sureness, Line, int, bool]

Needs = Callable[[Sequence[str]], Columns]
"""What finds the columns that a batch needs in a header; raises InvalidColumns."""


class Choices(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an upload sets; None and empty: it is for us to find out. `raw`: the file's name among the uploads."""

    raw: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    """Its name, or its number, the first being 1."""
    header_line: int | None = None
    columns: dict[str, str] = {}
    duplicates: Literal["keep", "drop"] = "keep"
    duplicate_days: int = 3
    """How far back a notice counts that a row repeats; 0: none does."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is like. `first_line`: where the first row may begin; `skipped`: lines or rows above the header."""

    kind: Kind
    header: tuple[str, ...]
    header_line: int
    first_line: int
    skipped: int
    size: int
    encoding: str = ""
    encoding_sure: Sureness = "sure"
    others: tuple[str, ...] = ()
    bom: int = 0
    delimiter: str = ""
    delimiter_sure: Sureness = "sure"
    sheet: str = ""
    sheet_sure: Sureness = "sure"
    sheets: tuple[str, ...] = ()

    def view(self, columns: Columns) -> dict[str, Any]:
        """As the API shows it."""
        named = {"header_line": self.header_line, "skipped_lines": self.skipped}
        cells = {"columns": shown(columns, self.header), "header": [h[:100] for h in self.header[:100]]}
        if self.kind == "workbook":
            sheet = {"sheet": self.sheet, "sheet_sure": self.sheet_sure, "sheets": list(self.sheets[:50])}
            return {"kind": "workbook", **sheet, **named, **cells}
        return {
            "kind": "text",
            "encoding": self.encoding,
            "encoding_sure": self.encoding_sure,
            **({"encoding_or": list(self.others)} if self.others else {}),
            "delimiter": self.delimiter,
            "delimiter_sure": self.delimiter_sure,
            **named,
            **cells,
        }


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept with a batch of its upload: what that set, and what was found, for whoever prepares it."""

    choices: Choices = Choices()
    found: Found | None = None

    @classmethod
    def of(cls, text: str | None) -> "Asked":
        """Of a batch's `asked`; batches of an earlier version have none, and looked for no repeated notices."""
        if text is None:
            return cls(Choices(duplicate_days=0))
        return msgspec.json.decode(text, type=cls)


def look(path: Path, choices: Choices, needs: Needs, region: str, folder: Path) -> Found:
    """Raises FileRefused, InvalidColumns, InvalidLayout. `folder`: where a temporary file may be."""
    kind = kind_of(path)
    if kind == "workbook":
        for name in ("encoding", "delimiter"):
            if getattr(choices, name):
                raise FileRefused(
                    "invalid", f"The file is a workbook: it has no {name}. Leave it out.", f"/{name}"
                )
        return _look_at_workbook(path, choices, needs, folder)
    if choices.sheet:
        raise FileRefused("invalid", "The file is text: it has no sheets. Leave sheet out.", "/sheet")
    return _look_at_text(path, choices, needs, region)


def _look_at_text(path: Path, choices: Choices, needs: Needs, region: str) -> Found:
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    size = path.stat().st_size
    cut = size > len(sample)
    found = _encoding(path, sample, cut, choices, region)
    text = sample[found.bom :].decode(CODECS[found.encoding], "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise holds_nul(1 + text[: text.index("\0")].count("\n"))
    if "\n" not in text and cut:
        raise not_a_list(f"Line 1 is longer than {MAX_RECORD:,} characters. A list has one row a line.")
    lines = text.split("\n")
    lines = [line + "\n" for line in (lines[:-1] if cut or not lines[-1] else lines)]
    begin = (choices.header_line or 1) - 1
    first = next((i for i in range(begin, len(lines)) if lines[i].strip(_BLANKS)), None)
    if first is None and cut:
        raise not_a_list(f"The first {SAMPLE:,} bytes of the file hold no text: it has no header.")
    if first is None:
        raise FileRefused("empty-file", "The file is empty. It needs a header and a row for each notice.")
    # Empty lines above the header are no rows; a first line `sep=;` must stay the first.
    delimiter = None if choices.delimiter is None else delimiter_named(choices.delimiter)
    fits = _fits(needs)
    layout = layout_of(lines[first : first + _LINES], fits, delimiter)
    if layout is None:
        raise FileRefused("empty-file", "The file has no rows. It needs a header and a row for each notice.")
    if len(layout.header) > MOST_COLUMNS:
        raise not_a_list(
            f"The header has {len(layout.header):,} cells; {MOST_COLUMNS:,} are the most that are read."
        )
    if not layout.names_columns and found.sureness == "unsure" and not text.isascii():
        raise _unsure(found)
    if not layout.names_columns and found.sureness == "set" and any("\ufffd" in h for h in layout.header):
        seems = guess(sample, cut=cut, region=region).encoding
        raise FileRefused(
            "wrong-encoding",
            f"The file is not {found.encoding}: its header can't be read so. It seems to be {seems}; leave encoding "
            "out, or set it to what it is.",
            "/encoding",
        )
    header_line = first + layout.header_line
    length = _lines_of_header(lines[header_line - 1 :], layout.delimiter)
    header = layout.header
    if not length:
        # A quotation mark that nobody closes: what it swallows are rows.
        length, header = 1, (*header[:-1], header[-1].partition("\n")[0])
    needs(header)
    if found.sureness == "unsure":
        raise _unsure(found)
    return Found(
        kind="text",
        header=header,
        header_line=header_line,
        first_line=header_line + length,
        skipped=header_line - 1,
        size=size,
        encoding=found.encoding,
        encoding_sure=found.sureness,
        others=found.others,
        bom=found.bom,
        delimiter=layout.delimiter,
        delimiter_sure=layout.sureness,
    )


_BLANKS = " \t\n,;|\u3000\ufeff"


def _lines_of_header(lines: Sequence[str], delimiter: str) -> int:
    """How many lines the header takes: a heading may hold a line break. 0: it opens a quotation mark that is not
    closed.
    """
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        next(reader)
    except csv.Error:
        return 0
    ends = reader.line_num
    if ends > 1:
        try:
            next(csv.reader(lines[:ends], delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" in str(error):
                return 0
    return ends


def _fits(needs: Needs) -> Callable[[Sequence[str]], bool]:
    def fits(cells: Sequence[str]) -> bool:
        try:
            needs(cells[:MOST_COLUMNS])
        except TodokeError:
            return False
        return True

    return fits


def _encoding(path: Path, sample: bytes, cut: bool, choices: Choices, region: str) -> Guess:
    if choices.encoding:
        return _set(choices.encoding, sample)
    found = guess(sample, cut=cut, region=region)
    if not found.ascii or not cut:
        return found
    with path.open("rb") as file:
        file.seek(len(sample))
        for _ in range(_SCANNED // SAMPLE):
            piece = file.read(SAMPLE)
            if not piece:
                break
            if not piece.isascii():
                later = guess(piece[piece.find(b"\n") + 1 :], cut=True, region=region)
                return msgspec.structs.replace(later, bom=0)
    return found


def _set(asked: str, sample: bytes) -> Guess:
    name = named(asked)
    if name is None:
        raise FileRefused(
            "unknown-encoding",
            f"The encoding {asked[:30]!r} is not known. Known are {', '.join(sorted(NAMES))}; left out, it is found "
            "out.",
            "/encoding",
        )
    mark = next(((m, e) for m, e in BOMS if sample.startswith(m)), None)
    if mark is not None and name not in (mark[1], "utf-16" if mark[1] != "utf-8" else mark[1]):
        raise FileRefused(
            "wrong-encoding",
            f"The file is not {asked[:30]}: it begins with the mark of {mark[1]}. Leave encoding out.",
            "/encoding",
        )
    if name == "utf-16":
        name = mark[1] if mark is not None else guess(sample).encoding
        if not name.startswith("utf-16"):
            raise FileRefused(
                "wrong-encoding",
                f"The file is not utf-16: it seems to be {name}. Leave encoding out.",
                "/encoding",
            )
    return Guess(name, "set", 0 if mark is None else len(mark[0]))


def _unsure(found: Guess) -> FileRefused:
    several = ", or several encodings in one file"
    may_be = " or ".join((found.encoding, *found.others)) + ("" if found.others else several)
    return FileRefused(
        "encoding-unsure",
        f"Which encoding the file is in can't be told for sure: it may be {may_be}. Set encoding to what it is "
        "(big5, shift_jis, tis-620 …), or save the file as CSV UTF-8.",
        "/encoding",
    )


def _look_at_workbook(path: Path, choices: Choices, needs: Needs, folder: Path) -> Found:
    with Parts(path) as parts:
        book = book_of(parts)
        strings = open_strings(parts, book, folder)
        try:
            styles = styles_of(parts, book.styles)
            names = tuple(sheet.name for sheet in book.sheets)
            headers: list[_Header] = []
            for sheet, sure in _candidates(book, choices.sheet)[:_MOST_SHEETS]:
                rows = _first_rows(
                    parts, sheet, SheetRows(strings, styles, book.from_1904), choices.header_line
                )
                if (among := header_among(rows, _fits(needs))) is not None:
                    headers.append((sheet, sure, *among))
                    if among[2]:
                        break
            # The first that has what is needed; else the first with rows, so that the error names its columns.
            if headers:
                sheet, sure, header, skipped, fits = headers[-1] if headers[-1][4] else headers[0]
                if not fits and len(names) > 1 and not choices.sheet:
                    raise _no_sheet_fits(needs, header.cells, sheet, names)
                needs(header.cells)
                return Found(
                    kind="workbook",
                    header=tuple(header.cells),
                    header_line=header.line,
                    first_line=header.line + 1,
                    skipped=skipped,
                    size=path.stat().st_size,
                    sheet=sheet.name,
                    sheet_sure=sure,
                    sheets=names,
                )
        finally:
            if strings is not None:
                strings.close()
    which = f"The sheet {choices.sheet[:40]!r}" if choices.sheet else "The workbook"
    raise FileRefused("empty-file", f"{which} has no rows. It needs a header and a row for each notice.")


def _no_sheet_fits(needs: Needs, header: Sequence[str], sheet: Sheet, names: Sequence[str]) -> TodokeError:
    """The error of the first sheet, and which others there are: perhaps the list's headings are other ones."""
    try:
        needs(header)
    except TodokeError as error:
        has = ", ".join(name[:40] for name in names[:10])
        return type(error)(f"Sheet {sheet.name[:40]}: {error.message} Sheets are: {has}.", error.pointer)
    raise AssertionError


def open_strings(parts: Parts, book: Book, folder: Path) -> Strings | None:
    """Reads the table of texts, if the workbook has one. Raises FileRefused. Whoever calls closes it."""
    if book.strings is None:
        return None
    strings = Strings(folder)
    try:
        for _ in strings.read(parts, book.strings):
            pass
    except BaseException:
        strings.close()
        raise
    return strings


def _candidates(book: Book, asked: str | None) -> list[tuple[Sheet, Sureness]]:
    """The sheets that may be meant, in order: the one that is asked for, or those that can be seen."""
    if not asked:
        seen = [sheet for sheet in book.sheets if not sheet.hidden] or list(book.sheets)
        return [(sheet, "sure" if len(seen) == 1 else "likely") for sheet in seen]
    found = [s for s in book.sheets if s.name.strip().lower() == asked.strip().lower()]
    if not found and asked.isascii() and asked.isdecimal() and 0 < int(asked[:6]) <= len(book.sheets):
        found = [book.sheets[int(asked[:6]) - 1]]
    if not found:
        has = json.dumps([s.name[:40] for s in book.sheets[:20]], ensure_ascii=False)
        raise FileRefused("invalid", f"The workbook has no sheet {asked[:40]!r}. It has {has}.", "/sheet")
    return [(found[0], "set")]


def _first_rows(parts: Parts, sheet: Sheet, reader: SheetRows, header_line: int | None) -> list[Line]:
    rows: list[Line] = []
    size = 0
    for some, _ in reader.read(parts, sheet.part):
        rows += [Line(at, cells) for at, cells in some if any(c.strip() for c in cells)]
        rows = [row for row in rows if row.line >= (header_line or 1)]
        size += sum(len(c) for _, cells in some for c in cells)
        if len(rows) >= _FIRST_ROWS or size > 4 * MAX_RECORD:
            break
    return rows
