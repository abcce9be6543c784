"""What a file is, by its first bytes: text, a workbook, or something that is refused with a remedy.

A file's name and the media type of its upload are not asked: offices send HTML as .xls and PDF as .csv.
"""

import io
import zipfile
from pathlib import Path
from typing import Literal

from todoke.engine.lists.refused import FileRefused, not_a_list

Kind = Literal["text", "workbook"]

_AS = "Open it in a spreadsheet and save it as XLSX or as CSV UTF-8."
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        f"The file is an old workbook (.xls), or one that is protected by a password. {_AS}",
    ),
    (b"\x09\x08", f"The file is a very old workbook (.xls). {_AS}"),
    (b"%PDF", "The file is a PDF. Save the table that it was made from as XLSX or as CSV UTF-8."),
    (b"\x89PNG", "The file is a picture (PNG). Send the table itself, as XLSX or CSV."),
    (b"\xff\xd8\xff", "The file is a picture (JPEG). Send the table itself, as XLSX or CSV."),
    (b"GIF8", "The file is a picture (GIF). Send the table itself, as XLSX or CSV."),
    (b"II*\0", "The file is a picture (TIFF). Send the table itself, as XLSX or CSV."),
    (b"\x1f\x8b", "The file is compressed (gzip). Unpack it first."),
    (b"BZh", "The file is compressed (bzip2). Unpack it first."),
    (b"\xfd7zXZ", "The file is compressed (xz). Unpack it first."),
    (b"(\xb5/\xfd", "The file is compressed (zstd). Unpack it first."),
    (b"7z\xbc\xaf", "The file is an archive (7z). Unpack it first."),
    (b"Rar!", "The file is an archive (RAR). Unpack it first."),
    (b"{\\rtf", f"The file is a text document (RTF). {_AS}"),
    (b"SQLite format 3", "The file is a database. Export the table as CSV UTF-8."),
    (b"PK\x05\x06", "The file is an empty archive."),
)
_OTHER_ZIPS: tuple[tuple[str, str], ...] = (
    ("xl/workbook.bin", f"The file is a binary workbook (.xlsb). {_AS}"),
    ("word/document.xml", "The file is a text document (.docx). Send the table as XLSX or CSV."),
    ("ppt/presentation.xml", "The file is a presentation (.pptx). Send the table as XLSX or CSV."),
    ("Index/Document.iwa", "The file is a Numbers document. Export it as XLSX or CSV."),
    ("content.xml", f"The file is an OpenDocument file (.ods). {_AS}"),
)
MOST_PARTS = 5000
"""Parts of a workbook's archive."""
_MOST_DIRECTORY = 4_000_000
"""Bytes of an archive's directory: some hundred for each part. It is read at once."""


class _Bounded(io.FileIO):
    """An archive of which nobody reads more at once than a directory of `MOST_PARTS` may have."""

    def read(self, size: int | None = -1) -> bytes:
        if (size or 0) > _MOST_DIRECTORY:
            raise zipfile.BadZipFile("the directory is too large")
        return super().read(-1 if size is None else size)


class _Archive(zipfile.ZipFile):
    def __init__(self, path: Path) -> None:
        self._own = _Bounded(path)
        try:
            super().__init__(self._own)
        except BaseException:
            self._own.close()
            raise

    def close(self) -> None:
        super().close()
        self._own.close()


def archive_of(path: Path) -> zipfile.ZipFile:
    """Raises FileRefused."""
    try:
        return _Archive(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
        raise not_a_list(
            "The file begins like a workbook (XLSX) and its end is missing or damaged. Upload it again."
        ) from None


def kind_of(path: Path) -> Kind:
    """What the file is. Raises FileRefused."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise FileRefused("empty-file", "The file is empty. It needs a header and a row for each notice.")
    for magic, why in _MAGIC:
        if head.startswith(magic):
            raise not_a_list(why)
    if head[4:8] == b"ftyp":
        raise not_a_list("The file is a picture or a film. Send the table itself, as XLSX or CSV.")
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if not head.strip(b"\0"):
        raise not_a_list(
            "The file begins with nothing but zero bytes: it was not written out. Save it again."
        )
    _refuse_other_texts(head)
    return "text"


def _refuse_other_texts(head: bytes) -> None:
    begin = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if begin.startswith(
        (b"<!doctype html", b"<html", b"<table", b"<head", b"<style", b"<meta", b"<body", b"<div")
    ):
        raise not_a_list(
            f"The file is a web page (HTML), whatever its name says; some systems export tables so. {_AS}"
        )
    if begin.startswith((b"<?xml", b"<workbook")):
        raise not_a_list(f"The file is XML. {_AS}")
    if begin.startswith((b'{"', b"[{", b"[[", b'["')):
        raise not_a_list("The file is JSON. Send JSON to POST /v1/notices/batch, or a list as CSV or XLSX.")
    if begin.startswith((b"from:", b"received:", b"mime-version:")):
        raise not_a_list("The file is an e-mail. Save the list that is attached to it.")
    if begin.startswith(b"begin:vcard"):
        raise not_a_list("The file holds vCards. Export the contacts as CSV.")


def _kind_of_zip(path: Path) -> Kind:
    with archive_of(path) as archive:
        entries = archive.infolist()
    if len(entries) > MOST_PARTS:
        raise not_a_list(f"The workbook has {len(entries):,} parts: no spreadsheet writes that many.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise not_a_list("The archive is protected by a password. Save the list without one.")
    names = {entry.filename.lower() for entry in entries}
    if "[content_types].xml" in names and any(n.startswith("xl/") and n.endswith(".xml") for n in names):
        return "workbook"
    for name, why in _OTHER_ZIPS:
        if name.lower() in names:
            raise not_a_list(why)
    raise not_a_list("The file is an archive (ZIP). Unpack it first, and send the list that is in it.")
