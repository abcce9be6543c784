# ruff: noqa: E501, UP012
"""Makes the corpus: lists as offices send them, most with something wrong. `python tests/data/lists/make.py` writes the
small ones into files/; the large ones are made where they are needed.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
_DAY = (2026, 8, 7, 12, 0, 0)
_NAMES = ["王小明", "陳淑芬", "林志豪", "黃美惠", "張家瑋", "李怡君", "吳承恩", "劉雅婷", "蔡宗翰", "楊佩珊"]


def taiwan(rows: int, delimiter: str = ",", end: str = "\n", header: str = "手機,姓名") -> str:
    lines = [header.replace(",", delimiter)]
    lines += [f"09123456{i:02}{delimiter}{_NAMES[i % 10]}" for i in range(rows)]
    return end.join(lines) + end


def table(*rows: str, header: str = "phone,name") -> bytes:
    return "\n".join((header, *rows, "")).encode()


# Workbooks

_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """An archive that is the same every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def cell(value: str | float | None, place: str) -> str:
    """A cell: a number, a text, or XML of its own where the text begins with `<`."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith("<"):
        return value.replace("PLACE", place)
    if isinstance(value, str):
        text = value.replace("&", "&amp;").replace("<", "&lt;")
        return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def sheet(*rows: Sequence[str | float | None], first: int = 1) -> str:
    lines = []
    for at, row in enumerate(rows, first):
        cells = "".join(cell(v, f"{chr(65 + i)}{at}") for i, v in enumerate(row))
        lines.append(f'<row r="{at}">{cells}</row>')
    return f'<worksheet xmlns="{_SHEETS}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def parts_of(
    sheets: Mapping[str, str],
    *,
    hidden: Sequence[str] = (),
    strings: str | None = None,
    styles: str | None = None,
    more: Mapping[str, str | bytes] | None = None,
    from_1904: bool = False,
) -> dict[str, str | bytes]:
    listed, links = "", ""
    for i, name in enumerate(sheets, 1):
        state = ' state="hidden"' if name in hidden else ""
        listed += f'<sheet name="{name}" sheetId="{i}"{state} r:id="rId{i}"/>'
        links += f'<Relationship Id="rId{i}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
    if strings is not None:
        links += f'<Relationship Id="rS" Type="{_LINKS}/sharedStrings" Target="sharedStrings.xml"/>'
    if styles is not None:
        links += f'<Relationship Id="rT" Type="{_LINKS}/styles" Target="styles.xml"/>'
    epoch = '<workbookPr date1904="1"/>' if from_1904 else ""
    found: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_LINKS}">{epoch}<sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
    }
    for i, xml in enumerate(sheets.values(), 1):
        found[f"xl/worksheets/sheet{i}.xml"] = xml
    if strings is not None:
        found["xl/sharedStrings.xml"] = strings
    if styles is not None:
        found["xl/styles.xml"] = styles
    return found | dict(more or {})


def workbook(*rows: Sequence[str | float | None], **options: object) -> bytes:
    return zipped(parts_of({"名單": sheet(*rows)}, **options))  # type: ignore[arg-type]


_STYLES = (
    f'<styleSheet xmlns="{_SHEETS}"><numFmts><numFmt numFmtId="164" formatCode="0000000000"/>'
    '<numFmt numFmtId="165" formatCode="[$-404]e&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    '<xf numFmtId="20"/></cellXfs></styleSheet>'
)


def _numbers() -> bytes:
    return workbook(
        ["手機", "姓名", "訂單編號"],
        [912345678, "王小明", 1001],
        ['<c r="PLACE"><v>9.12345679E8</v></c>', "陳淑芬", "A-2"],
        [886912345680.0, "林志豪", 1e21],
        ['<c r="PLACE" s="3"><v>912345681</v></c>', "黃美惠", '<c r="PLACE" s="3"><v>42</v></c>'],
        ["8.86912E+11", "張家瑋", "lost"],
        ["0912345683", '<c r="PLACE" s="1"><v>46241</v></c>', "a date"],
        ["0912345684", '<c r="PLACE" s="2"><v>46241.5625</v></c>', "a moment"],
        ["0912345685", '<c r="PLACE" s="4"><v>46241</v></c>', "a date by the Republic's years"],
        ["0912345686", '<c r="PLACE" t="b"><v>1</v></c>', "a truth"],
        ["0912345687", '<c r="PLACE" s="5"><v>0.604166666666667</v></c>', "a time"],
        styles=_STYLES,
    )


def _formulas() -> bytes:
    return workbook(
        ["phone", "name"],
        ['<c r="PLACE" t="str"><f>"0"&amp;912345678</f><v>0912345678</v></c>', "a text by a formula"],
        ['<c r="PLACE"><f>900000000+12345679</f><v>912345679</v></c>', "a number by one"],
        ['<c r="PLACE"><f>VLOOKUP(A1,B:C,2)</f></c>', "without a result"],
        ['<c r="PLACE" t="e"><f>VLOOKUP(A1,B:C,2)</f><v>#N/A</v></c>', "an error"],
        ["0912345680", '<c r="PLACE" t="e"><f>1/0</f><v>#DIV/0!</v></c>'],
    )


def _links_and_dde() -> bytes:
    rows = sheet(
        ["phone", "name"],
        ["0912345678", '<c r="PLACE" t="str"><f>cmd|\'/C calc\'!A0</f><v>王小明</v></c>'],
        ["0912345679", '<c r="PLACE" t="str"><f>[1]Sheet1!A1</f><v>陳淑芬</v></c>'],
        ["=cmd|'/C calc'!A0", "林志豪"],
    )
    link = (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" TargetMode="External" '
        f'Type="{_LINKS}/externalLinkPath" Target="file:///etc/passwd"/></Relationships>'
    )
    more = {
        "xl/externalLinks/externalLink1.xml": "<externalLink/>",
        "xl/externalLinks/_rels/externalLink1.xml.rels": link,
    }
    return zipped(parts_of({"名單": rows}, more=more))


def _shared() -> bytes:
    strings = (
        f'<sst xmlns="{_SHEETS}"><si><t>手機</t></si><si><t>姓名</t></si><si><r><t>王</t></r><r><rPr><b/></rPr><t>小明</t></r>'
        '<rPh sb="0" eb="1"><t>ワン</t></rPh></si><si><t>0912345678</t></si><si><t>0912_x002D_345_x002D_679</t></si></sst>'
    )
    number = '<c r="PLACE" t="s"><v>{}</v></c>'.format
    rows = sheet([number(0), number(1)], [number(3), number(2)], [number(4), number(2)])
    return zipped(parts_of({"名單": rows}, strings=strings))


def _bad_shared() -> bytes:
    strings = f'<sst xmlns="{_SHEETS}"><si><t>phone</t></si><si><t>name</t></si></sst>'
    number = '<c r="PLACE" t="s"><v>{}</v></c>'.format
    return zipped(parts_of({"名單": sheet([number(0), number(1)], [number(7), number(1)])}, strings=strings))


def _prefixed() -> bytes:
    """As other programs write it: prefixes, no places, rows numbered wrongly."""
    xml = (
        f'<x:worksheet xmlns:x="{_SHEETS}"><x:sheetData>'
        + "".join(
            f'<x:row{r}><x:c t="inlineStr"><x:is><x:t>{a}</x:t></x:is></x:c><x:c t="inlineStr"><x:is><x:t>{b}</x:t></x:is>'
            "</x:c></x:row>"
            for r, a, b in (
                ("", "phone", "name"),
                (' r="2"', "0912345678", "王小明"),
                (' r="2"', "12", "陳淑芬"),
                (' r="1"', "13", "林志豪"),
            )
        )
        + "</x:sheetData></x:worksheet>"
    )
    return zipped(parts_of({"名單": xml}))


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">{entities}]>' + sheet(
        ["phone", "name"], ["<c><v>&l9;</v></c>", "x"]
    )
    return zipped(parts_of({"名單": xml}))


def _reads_files() -> bytes:
    xml = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + sheet(
        ["phone", "name"], ["<c><v>&e;</v></c>", "x"]
    )
    return zipped(parts_of({"名單": xml}))


def _bomb() -> bytes:
    """80 MB of blanks in some 80 KB."""
    head, _, tail = sheet(["phone", "name"], ["0912345678", "王小明"]).partition("</sheetData>")
    return zipped(parts_of({"名單": head + " " * 80_000_000 + "</sheetData>" + tail}))


def _bomb_of_strings() -> bytes:
    xml = f'<sst xmlns="{_SHEETS}"><si><t>{"a" * 80_000_000}</t></si></sst>'
    return zipped(parts_of({"名單": sheet(["phone", "name"], ["0912345678", "x"])}, strings=xml))


def _cover_sheet() -> bytes:
    cover = sheet(["製表人", "會計部"], ["日期", "2026/8/7"])
    return zipped(parts_of({"封面": cover, "名單": sheet(["手機", "姓名"], ["0912345678", "x"])}))


def _no_sheet_fits() -> bytes:
    return zipped(parts_of({"封面": sheet(["製表人", "會計部"]), "資料": sheet(["甲", "乙"])}))


def _one_text_named_often() -> bytes:
    """300 rows that name a text of 32,000 characters in each of 3,000 cells: 29 GB."""
    row = ['<c r="PLACE" t="s"><v>0</v></c>'] * 3000
    rows = sheet(["phone", "name"], *[row] * 300)
    return zipped(
        parts_of({"名單": rows}, strings=f'<sst xmlns="{_SHEETS}"><si><t>{"x" * 32_000}</t></si></sst>')
    )


def _one_tag() -> bytes:
    """A tag of 40 MB, which a parser keeps whole, and looks through again with each piece that comes."""
    head, _, tail = sheet(["phone", "name"], ["0912345678", "x"]).partition("</sheetData>")
    return zipped(parts_of({"名單": f'{head}<row x="{"a" * 40_000_000}"/></sheetData>{tail}'}))


def _deep() -> bytes:
    head, _, tail = sheet(["phone", "name"], ["0912345678", "x"]).partition("</sheetData>")
    deep = "<a>" * 2_000_000 + "</a>" * 2_000_000
    return zipped(parts_of({"名單": f"{head}{deep}</sheetData>{tail}"}))


def _bzip2() -> bytes:
    """A packing that is unpacked at once, however much that is, and a size that lies."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        for name, content in parts_of({"名單": sheet(["phone", "name"]) + " " * 1_000_000}).items():
            archive.writestr(zipfile.ZipInfo(name, _DAY), content, zipfile.ZIP_BZIP2)
    return out.getvalue()


def _large_directory() -> bytes:
    """An archive that claims 100,000 parts: their list alone would fill the memory."""
    entry = (
        struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
    )
    size = len(entry) * 100_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFE, 0xFFFE, size, 30, 0)
    return b"PK\3\4" + b"\0" * 26 + entry * 100_000 + end


def _protected() -> bytes:
    content = bytearray(workbook(["phone", "name"], ["0912345678", "x"]))
    # The flag of encryption, in the directory and in front of the parts.
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


_FILES: dict[str, bytes] = {
    # Encodings
    "big5.csv": taiwan(5, end="\r\n").encode("cp950"),
    "big5-one-name.csv": table("0912345678,林淑芬").replace("林淑芬".encode(), "林淑芬".encode("cp950")),
    "big5-address.csv": "電話;收件人;地址\n0912-345-678;許蓋功;高雄市左營區博愛二路 777 號 3 樓\n".encode("cp950"),
    "big5-made-up-character.csv": taiwan(100).encode("cp950").replace("09123456".encode() + b"07," + "劉雅婷".encode("cp950"), b"0912345607," + b"\xfa\x40" + "雅婷".encode("cp950")),
    "big5-broken-remark.csv": ("手機,姓名,備註\n" + "".join(f"09123456{i:02},王小明,已付款\n" for i in range(100))).encode("cp950").replace(b"0912345650,", b"0912345650,", 1).replace("0912345650,王小明,已".encode("cp950"), "0912345650,王小明,".encode("cp950") + b"\x80", 1),
    "big5-after-ascii.csv": b"phone,name\n" + b"".join(b"09123456%02d,Lin %d\n" % (i, i) for i in range(60)) + "0912345699,陳大文\n".encode("cp950"),
    "utf8-bom.csv": taiwan(3, end="\r\n").encode("utf-8-sig"),
    "utf16-excel-unicode-text.txt": taiwan(3, "\t", "\r\n").encode("utf-16"),
    "utf16-be.csv": ("\ufeff" + taiwan(3)).encode("utf-16-be"),
    "utf16-le-no-mark.csv": taiwan(3).encode("utf-16-le"),
    "utf16-cut.csv": taiwan(3).encode("utf-16")[:-1],
    "shift-jis.csv": "携帯電話,氏名\r\n090-1234-5678,髙橋ソノ子\r\n080-1234-5678,山﨑太郎\r\n".encode("cp932"),
    "shift-jis-half-width.csv": "ｹｲﾀｲ,ﾅﾏｴ\r\n09012345678,ﾔﾏﾀﾞ ﾀﾛｳ\r\n".encode("cp932"),
    "shift-jis-one-name.csv": "phone,name\n09012345678,鈴木\n".encode("cp932"),
    "euc-jp.csv": "携帯電話,お名前\n090-1234-5678,さくら\n".encode("euc_jp"),
    "tis-620.csv": "เบอร์โทร,ชื่อ\r\n๐๘๑๒๓๔๕๖๗๘,สมชาย ใจดี\r\n081-234-5679,สมหญิง\r\n".encode("cp874"),
    "tis-620-one-name.csv": "phone,name\n0812345678,พรทิพย์ ศรีสุข\n".encode("cp874"),
    "gb18030.csv": "手机,姓名\n0912345678,刘伟强\n".encode("gb18030"),
    "two-encodings.csv": "".join(taiwan(20).splitlines(keepends=True)[:11]).encode() + "".join(taiwan(20).splitlines(keepends=True)[11:]).encode("cp950"),
    "one-odd-byte.csv": taiwan(100).encode().replace("楊佩珊".encode(), b"\xc3\xff\x28", 1),
    "no-language-at-all.csv": b"phone,name\n0912345678,\xb1\xff\x90\xe9\n",
    # Layout
    "semicolons.csv": taiwan(3, ";").encode(),
    "tabs.tsv": taiwan(3, "\t").encode(),
    "pipes.txt": taiwan(3, "|").encode(),
    "full-width-commas.csv": taiwan(3, "，").encode(),
    "sep-line.csv": b"sep=;\r\nphone;name\r\n0912345678;a,b\r\n12;c\r\n",
    "mac-line-ends.csv": taiwan(3, end="\r").encode(),
    "mixed-line-ends.csv": b"phone,name\r\n0912345678,a\r0912345679,b\n12,c\r\n0912345680,d",
    "titles-above.csv": ("七夕活動名單,,\n製表日期:2026/08/07,,\n\n手機,姓名,門市\n0912345678,王小明,A\n12,陳淑芬,B\n").encode(),
    "empty-lines-above.csv": b"\n\n,,\n" + table("0912345678,x", "12,y"),
    "line-breaks-in-cells.csv": b'phone,name,note\n0912345678,Lin,"one\ntwo\n\nthree"\n12,Chen,x\n"0912345679","Wu","say ""hi""\r\n"\n13,Ho,y\n',
    "line-break-in-header.csv": b'"phone","name","a\nremark"\n0912345678,Lin,\n12,x,\n',
    "comma-not-quoted.csv": table("0912345678,王小明,高雄市,左營區", "0912345679,陳淑芬,台北市", header="phone,name,address"),
    "quote-never-closed.csv": table('0912345678,"王小明', "0912345679,陳淑芬", "12,林志豪", "0912345680,黃美惠"),
    "quote-closed-rows-later.csv": table("0912345670,李", '0912345678,"王小明', "0912345679,陳淑芬", '0912345680,"黃美惠', "0912345681,x"),
    "quote-in-the-middle.csv": table('0912345678,5" 管', '12,6" 管'),
    "empty-rows.csv": table(",,", "0912345678,x", ",,", "  ,　", "", "12,y", ",,"),
    "short-rows.csv": table("0912345678,x", "0912345679,y,,", "0912345680", header="phone,name,note,more"),
    "same-heading-twice.csv": table("0912345678,a,b", header="phone,name,name"),
    "headings-with-remarks.csv": table("0912345678,x,1", header="手機號碼 (必填),姓 名＊,No."),
    "no-header.csv": b"0912345678,Lin\n0912345679,Chen\n",
    "header-alone.csv": b"phone,name\n",
    "no-number-column.csv": table("x,1", header="name,order"),
    "no-name-column.csv": table("0912345678,1", header="phone,order"),
    "empty.csv": b"",
    "blanks.csv": b" \r\n\t\r\n \r\n",
    "zeros.csv": b"\0" * 5000,
    "zeros-at-the-end.csv": table("0912345678,x", "0912345679,y") + b"\0" * 3000,
    # Values
    "numbers.csv": table(
        "912345678,a", "9.12345678E8,b", "8.86912E+11,c", "886912345678.0,d", "０９１２３４５６７９,e", '"=""0912345680""",f',
        "'0912345681,g", "0912345682/0912345683,h", '"0912345684, 0912345685",i', "02-2345-6789,j", "+82 10 1234 5678,k",
        "0912345686 ext 12,l", "+886 (0)912-345-687,m", ",n", "tel:+886912345688,o",
    ),
    "formulas-as-text.csv": table("=1+1,x", "+cmd|' /C calc'!A0,x", "@SUM(A1),x", '"=""00123""",x', '0912345678,"=""00123"""', "  =1+1,x"),
    "errors-of-formulas.csv": table("0912345678,#N/A,1", "#REF!,x,2", "0912345679,y,#VALUE!", header="phone,name,note"),
    "lost-characters.csv": table("0912345678,王�明,1", "0912345679,x,�", header="phone,name,note"),
    "turned-around.csv": table("0912345678,abc\u202edef", "0912345679,a\u0007b", "0912345680,\u200b", "0912345681,x"),
    "duplicates.csv": table("0912345678,x", "0912-345-678,x", "0912345678,y", "+886912345678, x "),
    "no-header-dots.csv": b"0912.345.678,Lin\n0912.345.679,Wang\n",
    "made-up-character.csv": "氏名,携帯電話\n".encode("cp932") + b"\xf0\x40" + "田,090-1234-5678\n山田,090-1234-5679\n".encode("cp932"),
    "repeated-header.csv": table("0912345678,x", "phone,name", "0912345679,y"),
    # Other things
    "old-workbook.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "page.xls": "<html><table><tr><td>phone</td></tr></table></html>".encode(),
    "xml-2003.xls": b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
    "scan.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "photo.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 30,
    "photo.jpg": b"\xff\xd8\xff\xe0" + b"\0" * 30,
    "list.csv.gz": gzip.compress(table("0912345678,x"), mtime=0),
    "list.7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 30,
    "list.zip": zipped({"list.csv": table("0912345678,x")}),
    "letter.docx": zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"}),
    "list.ods": zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}),
    "list.xlsb": zipped({"[Content_Types].xml": "<Types/>", "xl/workbook.bin": b"\0"}),
    "list.json": b'[{"phone": "0912345678"}]',
    "letter.rtf": b"{\\rtf1\\ansi list}",
    "contacts.vcf": b"BEGIN:VCARD\nTEL:0912345678\nEND:VCARD\n",
    "mail.eml": b"From: a@example.com\nSubject: list\n\nphone,name\n",
    # Workbooks
    "plain.xlsx": workbook(["手機", "姓名"], ["0912345678", "王小明"], ["12", "陳淑芬"], [None, None], ["0912345679", "林志豪"]),
    "numbers.xlsx": _numbers(),
    "dates-of-1904.xlsx": workbook(["phone", "name"], ["0912345678", '<c r="PLACE" s="1"><v>44779</v></c>'], styles=_STYLES, from_1904=True),
    "formulas.xlsx": _formulas(),
    "links-and-dde.xlsx": _links_and_dde(),
    "shared-strings.xlsx": _shared(),
    "shared-strings-missing.xlsx": _bad_shared(),
    "second-sheet.xlsx": zipped(parts_of({"說明": sheet(), "舊": sheet(["a"]), "名單": sheet(["手機", "姓名"], ["0912345678", "x"])}, hidden=["舊"])),
    "cover-sheet.xlsx": _cover_sheet(),
    "no-sheet-fits.xlsx": _no_sheet_fits(),
    "packed-otherwise.xlsx": _bzip2(),
    "titles-above.xlsx": workbook(["七夕活動名單"], [], ["手機", "姓名"], ["0912345678", "x"], ["12", "y"]),
    "line-breaks.xlsx": workbook(["phone", "name", "note"], ["0912345678", "x", "a\nb\nc"], ["12", "y"]),
    "written-by-others.xlsx": _prefixed(),
    "far-columns.xlsx": workbook(["phone", "name"], ["0912345678", "x", '<c r="XFD2"><v>1</v></c>']),
    "wider-than-allowed.xlsx": workbook(["phone", "name"], ["0912345678", "x", '<c r="ZZZZ2"><v>1</v></c>']),
    "cut.xlsx": workbook(["phone", "name"], ["0912345678", "x"])[:-100],
    "damaged.xlsx": workbook(["phone", "name"], ["0912345678", "x" * 500]).replace(b"PK\x01\x02", b"PK\x01\x03", 1),
    "sheet-cut.xlsx": zipped(parts_of({"名單": sheet(["phone", "name"], ["0912345678", "x"])[:-30]})),
    "no-sheets.xlsx": zipped(parts_of({})),
    "protected.xlsx": _protected(),
    "laughs.xlsx": _laughs(),
    "reads-files.xlsx": _reads_files(),
}  # fmt: skip

LARGE = {
    "bomb.xlsx": _bomb,
    "bomb-of-strings.xlsx": _bomb_of_strings,
    "one-text-named-often.xlsx": _one_text_named_often,
    "one-tag.xlsx": _one_tag,
    "deep.xlsx": _deep,
    "large-directory.xlsx": _large_directory,
    "one-endless-line.csv": lambda: b"phone,name," + b"x" * 3_000_000,
    "endless-line-below.csv": lambda: b"phone,name\n0912345678," + b"x" * 3_000_000 + b"\n",
    "a-hundred-thousand-columns.csv": lambda: (
        ",".join(["phone", "name", *map(str, range(100_000))]).encode() + b"\n"
    ),
    "a-million-empty-lines.csv": lambda: b"phone,name\n" + b"\n" * 1_000_000 + b"12,x\n",
    "a-million-empty-lines-first.csv": lambda: b"\n" * 1_200_000 + b"phone,name\n12,x\n",
    "one-long-cell.csv": lambda: b"phone,name,note\n0912345678,x," + b"y" * 200_000 + b"\n0912345679,z,\n",
}
"""Made where they are needed: they would be too large here."""

if __name__ == "__main__":
    for name, content in _FILES.items():
        (HERE / "files" / name).write_bytes(content)
