"""A list of granted keys as CSV: read as spreadsheets write it, written so that none takes a cell for a formula."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator

import line_catalogue
from todoke.core.granted import GrantedKey, ordered
from todoke.core.granted.rows import FIELDS, Reading

HEADERS: dict[str, tuple[str, ...]] = {
    "kind": ("kind", "type", "種類", "類型", "類別", "種別", "ประเภท", "ชนิด"),
    "key": ("key", "鍵", "鍵值", "金鑰", "キー", "คีย์"),
    "use_case": (
        *("use case", "使用情境", "使用案例", "用途", "ユースケース", "利用用途"),
        *("กรณีใช้งาน", "กรณีการใช้งาน"),
    ),
    "name": ("name", "label", "text", "名稱", "標籤", "名前", "名称", "ラベル", "テキスト", "ชื่อ", "ป้ายชื่อ"),
    "language": ("language", "lang", "語言", "言語", "ภาษา"),
    "limits": ("limits", "limit", "restrictions", "限制", "制限", "ข้อจำกัด"),
    "template": ("template", "範本", "模板", "テンプレート", "เทมเพลต"),
}
"""The columns and what they may be called: in any case, with spaces, hyphens or underscores, or without."""
_PASSED_OVER = ("source", "published", "title", "description")
"""Columns of exports, and of the tables on LINE's pages, that a list does not need."""
_MOST_COLUMNS = 100
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
_BINARY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_BEGINNINGS = (
    (b"PK\x03\x04", "This is a ZIP file or a workbook (XLSX). Save the sheet as CSV UTF-8, and import that."),
    (b"PK\x05\x06", "This is an empty ZIP file. Import the list itself, as CSV or YAML."),
    (b"\xd0\xcf\x11\xe0", "This is an old workbook (XLS). Save the sheet as CSV UTF-8, and import that."),
    (b"%PDF", "This is a PDF. Import LINE's list as CSV or YAML."),
    (b"\x1f\x8b", "This is compressed (gzip). Unpack it, and import the list itself."),
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(raw: bytes, codec: str, reading: Reading) -> str | None:
    """The text of a file; None, with the fault noted, where it is none. A byte order mark goes before `codec`."""
    for beginning, remedy in _BEGINNINGS:
        if raw.startswith(beginning):
            reading.fault(1, "", "", remedy)
            return None
    codec = next((name for mark, name in _MARKS if raw.startswith(mark)), codec)
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reading.fault(
            line,
            "",
            "",
            f"The file is not {codec.removesuffix('-sig')}: byte {error.start:,} can't be read. Say what it is with "
            "encoding: big5, shift_jis, tis-620, utf-16; or save it as CSV UTF-8.",
        )
        return None
    if found := _BINARY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        remedy = f"U+{ord(found[0]):04X} stands in no text: this is no list. Is it UTF-16? Then set encoding to utf-16."
        reading.fault(line, "", "", remedy)
        return None
    return text


def read(raw: bytes, codec: str = "utf-8") -> Reading:
    """The list in a CSV file. `codec`: Python's name of its encoding, if it has no byte order mark."""
    reading = Reading()
    text = decoded(raw, codec, reading)
    if text is None:
        return reading
    rows = _rows(text.removeprefix("\ufeff"), reading)
    line, header = next(rows, (1, []))
    if not any(cell.strip() for cell in header):
        if not reading.fault_count:
            reading.fault(
                1, "", "", f"The file is empty. Its first line names the columns: {','.join(FIELDS)}."
            )
        return reading
    if len(header) > _MOST_COLUMNS:
        reading.fault(line, "", "", f"There are {len(header):,} columns. Is this LINE's list of keys?")
        return reading
    places = _places(line, header, reading)
    if reading.fault_count:
        return reading
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            remedy = "The row has more cells than the header. Quote a cell that has the separator in it."
            reading.fault(line, "", cells[len(header)], remedy)
            continue
        row = {name: _unguarded(cells[at]) for name, at in places.items() if at < len(cells)}
        if not reading.take(line, row):
            break
    return reading.end()


def _rows(text: str, reading: Reading) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not wholly empty at the top, each with the line on which it begins."""
    first = text.partition("\n")[0].strip().lower()
    # Excel's own first line, where the separator is no comma: `sep=;`
    delimiter = first[4] if len(first) == 5 and first.startswith("sep=") else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    line, begun = 1, False
    try:
        for cells in reader:
            begun = begun or (any(cell.strip() for cell in cells) and ",".join(cells).lower()[:4] != "sep=")
            if begun:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = f"This is no CSV: {error}. Look for a quotation mark that is never closed."
        reading.fault(line, "", "", remedy)


def _delimiter(text: str) -> str:
    """What separates the cells of the header: the comma, unless it has more of another."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=header.count)


def _plain(header: str) -> str:
    folded = unicodedata.normalize("NFKC", header).casefold()
    return re.sub(r"[\s_\-]+", "", folded)


_KNOWN = {_plain(word): name for name, words in HEADERS.items() for word in words}


def _places(line: int, header: list[str], reading: Reading) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, cell in enumerate(header):
        name = _KNOWN.get(_plain(cell))
        if name is None and not cell.strip():
            continue
        if name is None and _plain(cell) in _PASSED_OVER:
            reading.ignored.append(cell.strip())
        elif name is None:
            reading.fault(
                line, "", cell.strip(), f"There is no such column. Those known are {', '.join(FIELDS)}."
            )
        elif name in places:
            remedy = f"This is the column {name}, and so is {header[places[name]].strip()!r}. Take one away."
            reading.fault(line, "", cell.strip(), remedy)
        else:
            places[name] = at
    for name in ("kind", "key"):
        if name not in places:
            reading.fault(line, name, "", f"The column {name} is missing. The first line names the columns.")
    return places


def written(keys: Iterable[GrantedKey], country: str) -> str:
    """A list as CSV, with a byte order mark, by which spreadsheets take it for UTF-8. It can be imported again."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow((*FIELDS, "published"))
    for x in ordered(keys):
        published = "yes" if line_catalogue.is_published(country, x.kind, x.key) else "no"
        writer.writerow([*(_guarded(getattr(x, name) or "") for name in FIELDS), published])
    return "\ufeff" + out.getvalue()


def _guarded(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def _unguarded(cell: str) -> str:
    """The reverse, so that an export can be imported again."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in (*_FORMULA, "'") else cell
