"""Takes an uploaded list: on the disk as UTF-8 whatever it was, its header read."""

import codecs
import csv
import os
from pathlib import Path
from typing import BinaryIO

from fastapi import UploadFile
from starlette.concurrency import run_in_threadpool

from todoke.engine.intake import BrokenFile, Lines
from todoke.server.problems import Problem

CHUNK = 1 << 20
_ENCODINGS = {
    "utf-8": "utf-8-sig",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "big5": "cp950",
    "cp950": "cp950",
    "shift_jis": "cp932",
    "cp932": "cp932",
    "tis-620": "cp874",
    "cp874": "cp874",
}


def codec_of(encoding: str | None) -> str:
    """Python's codec for an encoding as people name it. Raises a 422 problem for others."""
    found = _ENCODINGS.get((encoding or "utf-8").lower().replace("_", "-").replace("shift-jis", "shift_jis"))
    if found is None:
        raise Problem(
            422,
            "unknown-encoding",
            f"The encoding {str(encoding)[:30]!r} is not known. Known are {', '.join(sorted(_ENCODINGS))}.",
            [("/encoding", "not known")],
        )
    return found


async def save_upload(file: UploadFile, path: Path, codec: str) -> int:
    """Writes the upload to `path` as UTF-8. Answers its size there in bytes. Raises a 422 problem."""
    return await run_in_threadpool(_transcode, file.file, path, codec)


def _transcode(source: BinaryIO, path: Path, codec: str) -> int:
    decoder = codecs.getincrementaldecoder(codec)()
    read = 0
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as target:
        while chunk := source.read(CHUNK):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise _not_encoded(codec, read + error.start) from None
            read += len(chunk)
            if "\0" in text:
                raise Problem(
                    422,
                    "not-a-list",
                    "The file holds NUL characters: it is no CSV file, or it is UTF-16. Set encoding to utf-16, "
                    "or save it as CSV.",
                )
            target.write(text)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise _not_encoded(codec, read) from None
        target.flush()
        os.fsync(target.fileno())
    return path.stat().st_size


def _not_encoded(codec: str, byte: int) -> Problem:
    return Problem(
        422,
        "wrong-encoding",
        f"The file is not {codec.removesuffix('-sig')}: byte {byte:,} can't be read. Set encoding to what it is: "
        "big5, shift_jis, tis-620, utf-16, or save it as CSV UTF-8.",
        [("/file", "not in this encoding")],
    )


def read_header(path: Path) -> tuple[list[str], int, int]:
    """The header's cells, and where the first row begins: byte and line. Raises a 422 problem."""
    with path.open("rb") as file:
        lines = Lines(file, 0)
        reader = csv.reader(iter(lines))
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    return row, lines.position, 1 + reader.line_num
        except (BrokenFile, csv.Error) as error:
            raise Problem(422, "not-a-list", f"The file can't be read as CSV: {error}") from None
    raise Problem(422, "empty-file", "The file is empty. It needs a header and a row for each notice.")
