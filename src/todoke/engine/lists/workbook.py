"""A workbook (XLSX, ECMA-376) as rows of text, read as a stream: memory grows neither with it nor with its sheets.

Written for lists and nothing else, because readers that make a workbook of it keep all of a sheet, or take 30 s of
processor time for a million rows. Values only: formulas count by the result that the workbook holds, links to
elsewhere are never followed, macros never read. Everything that is inflated is counted, and XML that declares a
document type, of which entities could be made, is refused.
"""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar
from xml.parsers import expat

import msgspec

from todoke.engine.lists.kinds import MOST_PARTS, archive_of
from todoke.engine.lists.refused import FileRefused, not_a_list

MOST_OF_A_PART = 4_000_000_000
"""Bytes of one part of the archive, inflated: a sheet of a million rows and twenty columns has some 1 GB."""
MOST_STRINGS = 1_000_000_000
"""Bytes of the table of texts, inflated."""
MOST_SMALL = 50_000_000
"""Bytes of the styles."""
_MOST_LINKS = 10_000_000
"""Bytes of the lists of sheets and of links between parts."""
_FREE = 50_000_000
_RATIO = 400
"""How many times its packed size a part may have, beyond `_FREE`: sheets have 5 to 50 times, bombs 1,000."""
_AT_ONCE = 1 << 16
_MOST_TOKEN = 1 << 20
"""Bytes of a tag or a comment, which the parser keeps until it ends."""
_DEEPEST = 1000
"""Elements inside each other; a sheet has a dozen."""
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others are inflated without a limit, and the format has only these."""


P = TypeVar("P", bound="Parsed")


class Sheet(msgspec.Struct, frozen=True):
    """A sheet and the part that it is in."""

    name: str
    part: str
    hidden: bool


class Parts:
    """The parts of a workbook's archive."""

    def __init__(self, path: Path) -> None:
        """Raises FileRefused."""
        self._archive = archive_of(path)
        self._names = {name.lower(): name for name in self._archive.namelist()}

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def has(self, part: str) -> bool:
        return part.lower() in self._names

    def size(self, part: str) -> int:
        """Bytes, inflated, as the archive says."""
        return self._archive.getinfo(self._names[part.lower()]).file_size

    def parse(self, part: str, parser: "Parsed", most: int) -> Iterator[int]:
        """Feeds a part to a parser; after each piece, how many bytes it has had. Raises FileRefused."""
        if not self.has(part):
            raise not_a_list(f"The workbook lacks its part {part[:80]!r}: it is damaged. Save it again.")
        info = self._archive.getinfo(self._names[part.lower()])
        if info.compress_type not in _PACKED:
            raise not_a_list(
                f"The workbook's part {part[:80]} is packed in a way no spreadsheet does. Save it again."
            )
        allowed = min(most, max(_FREE, info.compress_size * _RATIO))
        if info.file_size > allowed:
            raise _bomb(part, info.file_size)
        seen = 0
        try:
            with self._archive.open(info) as file:
                while piece := file.read(_AT_ONCE):
                    seen += len(piece)
                    if seen > allowed:
                        raise _bomb(part, seen)
                    parser.feed(piece)
                    yield seen
                parser.feed(b"", last=True)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError):
            raise _damaged() from None
        except expat.ExpatError as error:
            raise not_a_list(
                f"The workbook's part {part[:80]} can't be read as XML (line {error.lineno}): it is damaged. Save it "
                "again."
            ) from None


def _damaged() -> FileRefused:
    return not_a_list(
        "The workbook is cut off or damaged. Upload it again, or open it in a spreadsheet and save it anew."
    )


def _bomb(part: str, size: int) -> FileRefused:
    return FileRefused(
        "too-large",
        f"The workbook's part {part[:80]} unpacks to more than {size:,} bytes, far more than a list has. Save the list "
        "as CSV UTF-8.",
    )


class Parsed:
    """Expat with the names of elements without their namespaces, and no document types."""

    def __init__(self) -> None:
        self.depth = 0
        """Of elements; whoever overrides `start` and `end` keeps count."""
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self.start
        self._parser.EndElementHandler = self.end
        self._parser.CharacterDataHandler = self.text
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        self._parser.Parse(piece, last)
        self._fed += len(piece)
        if self.depth > _DEEPEST or self._fed - self._parser.CurrentByteIndex > _MOST_TOKEN:
            raise not_a_list(
                "The workbook's XML is made to fill the memory, as no spreadsheet's is. Save it again."
            )

    def _refuse(self, *_: object) -> None:
        raise not_a_list(
            "The workbook declares a document type in its XML, which no spreadsheet does. Save it again."
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1

    def end(self, name: str) -> None:
        self.depth -= 1

    def text(self, text: str) -> None: ...


def local(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]


class _Links(Parsed):
    """A part's relationships: id → target and kind."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if local(name) == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found[attributes.get("Id", "")] = (attributes.get("Target", ""), kind)


class _Book(Parsed):
    """The list of sheets, and from when days are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, bool]] = []
        self.from_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        name = local(name)
        if name == "sheet":
            link = next((v for k, v in attributes.items() if local(k) == "id" and ":" in k), "")
            hidden = attributes.get("state", "visible") != "visible"
            if len(self.sheets) == MOST_PARTS:
                raise not_a_list(f"The workbook has more than {MOST_PARTS:,} sheets.")
            self.sheets.append((attributes.get("name", ""), link, hidden))
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904", "0") in ("1", "true")


class Book(msgspec.Struct, frozen=True):
    """What a workbook says of itself: `strings` and `styles` are parts, if it has them."""

    sheets: tuple[Sheet, ...]
    from_1904: bool
    strings: str | None
    styles: str | None


def book_of(parts: Parts) -> Book:
    """Raises FileRefused."""
    part = "xl/workbook.xml"
    if parts.has("_rels/.rels"):
        root = _read(parts, "_rels/.rels", _Links()).found.values()
        part = next((_place("", target) for target, kind in root if kind == "officeDocument"), part)
    book = _read(parts, part, _Book())
    folder, _, file = part.rpartition("/")
    links = _read(parts, f"{folder}/_rels/{file}.rels", _Links()).found
    sheets = tuple(
        Sheet(name, _place(folder, links[link][0]), hidden)
        for name, link, hidden in book.sheets
        if link in links and links[link][1] == "worksheet"
    )
    if not sheets:
        raise not_a_list("The workbook has no sheet with cells.")

    def of_kind(kind: str) -> str | None:
        found = next((_place(folder, target) for target, k in links.values() if k == kind), None)
        return found if found is not None and parts.has(found) else None

    return Book(sheets, book.from_1904, of_kind("sharedStrings"), of_kind("styles"))


def _read(parts: Parts, part: str, parser: P) -> P:
    for _ in parts.parse(part, parser, _MOST_LINKS):
        pass
    return parser


def _place(folder: str, target: str) -> str:
    """A part's name, of a link that is relative to a folder or begins at the root."""
    path = PurePosixPath("/", folder, target)
    names: list[str] = []
    for name in path.parts[1:]:
        if name == "..":
            names = names[:-1]
        elif name != ".":
            names.append(name)
    return "/".join(names)
