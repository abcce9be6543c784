"""Makes the normalised file of an upload: portion by portion, and whole or not at all."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from todoke.core.columns import Columns, in_use
from todoke.engine.lists.cells import styles_of
from todoke.engine.lists.look import Found, open_strings
from todoke.engine.lists.refused import FileRefused
from todoke.engine.lists.rows import problem_of, record, refusal
from todoke.engine.lists.sheet import SheetRows
from todoke.engine.lists.text import TextRows
from todoke.engine.lists.workbook import Parts, book_of

_FREE, _RATIO = 100_000_000, 20
"""Characters that a sheet's rows may come to, and times its own size beyond: texts are kept once and named often."""


class Progress(msgspec.Struct, frozen=True):
    """How far it is: the part of the upload that is read, from 0 to 1; rows so far."""

    part: float
    rows: int


def normalise(
    raw: Path, found: Found, columns: Columns, path: Path, most: int | None = None
) -> Iterator[Progress]:
    """Writes the rows of `raw` to `path`, which appears when it is complete and durable.

    Stops at the next portion where the caller stops; nothing is left behind then. `most`: rows after which it is
    enough, for a preview. Raises FileRefused.
    """
    making = path.with_suffix(f".{os.getpid()}.making")
    descriptor = os.open(making, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as target:
            for text, progress in records(raw, found, columns, path.parent):
                target.write(text)
                yield progress
                if most is not None and progress.rows >= most:
                    break
            target.flush()
            os.fsync(target.fileno())
        making.replace(path)
        _sync_folder(path.parent)
    finally:
        making.unlink(missing_ok=True)


def records(raw: Path, found: Found, columns: Columns, folder: Path) -> Iterator[tuple[str, Progress]]:
    """The rows of `raw` as the normalised file has them, some in each text. Raises FileRefused."""
    if found.kind == "workbook":
        yield from _of_workbook(raw, found, columns, folder)
        return
    rows = TextRows(raw, found.encoding, found.bom, found.delimiter, columns, found.first_line)
    for text in rows:
        yield text, Progress(min(rows.read / max(found.size, 1), 1.0), rows.rows)


def _of_workbook(raw: Path, found: Found, columns: Columns, folder: Path) -> Iterator[tuple[str, Progress]]:
    used = in_use(columns)
    count = written = 0
    with Parts(raw) as parts:
        book = book_of(parts)
        sheet = next((s for s in book.sheets if s.name == found.sheet), None)
        if sheet is None:
            raise FileRefused(
                "invalid", f"The workbook has no sheet {found.sheet[:40]!r} any more.", "/sheet"
            )
        strings = open_strings(parts, book, folder)
        try:
            reader = SheetRows(strings, styles_of(parts, book.styles), book.from_1904, columns.width)
            size = max(parts.size(sheet.part), 1)
            for rows, seen in reader.read(parts, sheet.part):
                out: list[str] = []
                for line, cells in rows:
                    if line < found.first_line or not any(not c.isspace() for c in cells if c):
                        continue
                    count += 1
                    why = problem_of(cells, used)
                    out.append(refusal(line, why, cells) if why else record(line, cells))
                text = "".join(out)
                written += len(text)
                if written > _FREE + _RATIO * seen:
                    raise FileRefused(
                        "too-large",
                        f"The workbook's rows down to {count:,} hold far more text than a list does.",
                    )
                yield text, Progress(min(seen / size, 1.0), count)
        finally:
            if strings is not None:
                strings.close()


def _sync_folder(folder: Path) -> None:
    """So that the file's name survives a power cut as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
