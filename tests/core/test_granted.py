"""Lists of keys that LINE granted: files as people have them, files that are none, templates held against a list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from todoke.core.content.finding import Severity
from todoke.core.granted import GrantedKey, check, difference, digest, table, tree
from todoke.core.granted.rows import MOST_FAULTS, MOST_ROWS

ROWS = [
    GrantedKey(
        kind="template", key="tpl_a", use_case="配送通知", name="包裹", language="zh-Hant", limits="限出貨"
    ),
    GrantedKey(kind="item", key="item-1.x"),
]
CSV = (
    "kind,key,use_case,name,language,limits\ntemplate,tpl_a,配送通知,包裹,zh-Hant,限出貨\nitem,item-1.x,,,,\n"
)


def test_a_list_is_read_whatever_spreadsheet_and_language_it_comes_from() -> None:
    files = {
        "plain": (CSV.encode(), "utf-8"),
        "byte order mark, Windows line ends": (b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode(), "utf-8"),
        "UTF-16": (CSV.encode("utf-16"), "utf-8"),
        "UTF-16 of the other end": (b"\xfe\xff" + CSV.encode("utf-16-be"), "utf-8"),
        "semicolons": (CSV.replace(",", ";").encode(), "utf-8"),
        "Excel's own first line": (b"sep=;\r\n" + CSV.replace(",", ";").encode(), "utf-8"),
        "tabs": (CSV.replace(",", "\t").encode(), "utf-8"),
        "Big5, Chinese header": (
            ("種類,Key,使用情境,名稱,語言,限制\n" + CSV.partition("\n")[2]).encode("cp950"),
            "cp950",
        ),
        "empty lines, spaces, case": (
            f"\n\n Kind ,KEY,Use Case,Label,Language,Limits,Source\n\n{CSV.partition(chr(10))[2]}\n".encode(),
            "utf-8",
        ),
        "Japanese words": (
            "種別,キー,ユースケース,名前,言語,制限\nテンプレート,tpl_a,配送通知,包裹,zh-Hant,限出貨\nアイテム,item-1.x\n".encode(),
            "utf-8",
        ),
        "Thai words": (
            "ประเภท,คีย์,กรณีใช้งาน,ชื่อ,ภาษา,ข้อจำกัด\nเทมเพลต,tpl_a,配送通知,包裹,zh-Hant,限出貨\nรายการ,item-1.x\n".encode(),
            "utf-8",
        ),
    }
    for what, (raw, codec) in files.items():
        found = table.read(raw, codec)
        assert (found.faults, found.keys) == ([], ROWS), what
    first = "種別,キー,名前\nテンプレート,tpl_a,発送完了\n".encode("cp932")
    assert table.read(first, "cp932").keys == [GrantedKey(kind="template", key="tpl_a", name="発送完了")]
    thai = "kind,key,name\nitem,a,วันที่\n".encode("cp874")
    assert table.read(thai, "cp874").keys == [GrantedKey(kind="item", key="a", name="วันที่")]


def test_yaml_and_json_are_read_as_rows_or_as_bare_keys() -> None:
    full = {"key": "tpl_a", "use_case": "配送通知", "name": "包裹", "language": "zh-Hant", "limits": "限出貨"}
    yaml = """
templates:
  - {key: tpl_a, use_case: 配送通知, name: 包裹, language: zh-Hant, limits: 限出貨}
items: [item-1.x]
buttons:
"""
    for raw in (yaml, json.dumps({"templates": [full], "items": [{"key": "item-1.x", "name": None}]})):
        found = tree.read(raw.encode())
        assert (found.faults, found.keys) == ([], ROWS)
    # YAML 1.1 would read a boolean and a number.
    odd = tree.read(b"items: [{key: on, name: no}, 012]").keys
    assert odd == [GrantedKey(kind="item", key="on", name="no"), GrantedKey(kind="item", key="012")]
    # As JSON writes what is beyond the first 65,536 characters; a name of the kind stands in addresses of Taiwan.
    pair = json.dumps({"items": [{"key": "a", "name": "𡍼 📦"}]})
    assert "\\ud844\\udf7c" in pair
    assert tree.read(pair.encode()).keys == [GrantedKey(kind="item", key="a", name="𡍼 📦")]


def test_what_a_list_says_survives_its_export_and_no_cell_of_it_is_a_formula() -> None:
    hostile = ["=1+1", "@cmd", "+1", "-1", "'quoted", "＝全", 'a,b;"c"', "two\nlines"]
    keys = [GrantedKey(kind="item", key=f"k{n}", name=text, limits=text) for n, text in enumerate(hostile)]
    keys.append(GrantedKey(kind="button", key="-dash"))
    text = table.written(keys, "TW")
    for line in text.splitlines():
        assert all(not cell.strip('"').startswith(("=", "@", "+", "-", "＝")) for cell in line.split(",")), (
            line
        )
    assert table.read(text.encode()).keys == keys


REFUSED: list[tuple[bytes, int, str]] = [
    (b"", 1, "empty"),
    (b"\n\n", 1, "empty"),
    (b"kind,key\n", 1, "no keys"),
    (b"PK\x03\x04rest", 1, "XLSX"),
    (b"\xd0\xcf\x11\xe0rest", 1, "XLS"),
    (b"%PDF-1.7", 1, "PDF"),
    (b"kind,key\nitem,\x00\x01\n", 2, "U+0000"),
    ("kind,key\nitem,a\n".encode("utf-16-le"), 1, "utf-16"),
    ("kind,key,name\nitem,a,訂單\n".encode("cp950"), 2, "encoding"),
    (b"phone,name\n0912345678,x\n", 1, "kind, key"),
    (b"0912-345-678,x\n", 1, "'•••'"),
    (b"kind,key,kind\nitem,a,item\n", 1, "Take one away"),
    (b"key,name\na,b\n", 1, "column kind is missing"),
    (b"kind,key" + b",x" * 400_000 + b"\n", 1, "400,002 columns"),
    (b"kind,key\ntemplat,a\n", 2, "template, item or button"),
    (b"kind,key\nitem,a b\n", 2, "U+0020"),
    ("kind,key\nitem,ａ\n".encode(), 2, "U+FF41"),
    ("kind,key\nitem,a\u202eb\n".encode(), 2, "U+202E"),
    (b"kind,key\nitem,=HYPERLINK(1)\n", 2, "U+003D"),
    (b"kind,key\nitem," + b"a" * 101 + b"\n", 2, "100 characters"),
    (b"kind,key\nitem,\n", 2, "missing"),
    (b"kind,key\nitem,a\nitem,a\n", 3, "Line 2 has this item"),
    (b"kind,key,name\nitem,a,x,y\n", 2, "more cells"),
    (b'kind,key\nitem,"a\n', 2, "never closed"),
    (b"kind,key,language\nitem,a,Chinese!\n", 2, "zh-Hant"),
    (b"kind,key,name\nitem,a," + b"x" * 301 + b"\n", 2, "301 characters"),
    ("kind,key,limits\nitem,a,x\u202ey\n".encode(), 2, "order of a text"),
    (b'kind,key,name\nitem,a,"' + b"x" * 200_000 + b'"\n', 2, "field larger"),
    (
        b"kind,key\n" + b"".join(b"item,k%d\n" % n for n in range(MOST_ROWS + 1)),
        MOST_ROWS + 2,
        "more than 5,000",
    ),
]
REFUSED_TREES: list[tuple[bytes, int, str]] = [
    (b"", 1, "empty"),
    (b"- a\n", 1, "templates:"),
    (b"items: a\n", 1, "must be a list"),
    (b"items:\n  - [a]\n", 2, "A row is a key"),
    (b"items:\n  - {key: [a]}\n", 2, "must be a text"),
    (b"items:\n  - {keys: a}\n", 2, "no such field"),
    (b"items: [a]\nitems: [b]\n", 2, "twice"),
    (b"items:\n  - {key: a, key: b}\n", 2, "twice"),
    (b"items: [a]\n---\nitems: [b]\n", 2, "second document"),
    (b"items: &x [a]\nbuttons: *x\n", 2, "References"),
    (b"things: [a]\n", 1, "no such list"),
    (b"items:\n\t- a\n", 2, "no YAML"),
    (b"items: " + b"[" * 50_000, 1, "A row is a key"),
    (b"things: " + b"[" * 50_000 + b"]" * 50_000, 1, "no such list"),
    # The time of the parser grows with the square of the depth: minutes for this one, were it read to its end.
    (b"{things: " * 90_000, 1, "nested too deep"),
    (b"items: [!!python/object/apply:os.system [x]]\n", 1, "A row is a key"),
    (b"items: [a, a]\n", 1, "has this item already"),
    (b"PK\x03\x04", 1, "ZIP"),
    (b"items: [\x00]", 1, "U+0000"),
]


@pytest.mark.parametrize(("read", "cases"), [(table.read, REFUSED), (tree.read, REFUSED_TREES)])
def test_a_file_that_is_no_list_is_refused_with_line_and_remedy_and_gives_no_key(
    read: Any, cases: list[tuple[bytes, int, str]]
) -> None:
    for raw, line, words in cases:
        found = read(raw)
        told = [fault.words for fault in found.faults]
        assert any(f.line == line and words in f.words for f in found.faults), (raw[:60], told)
        assert found.keys == [], raw[:60]
        assert all(x.isprintable() for x in told), raw[:60]


def test_all_faults_are_counted_and_the_first_fifty_told() -> None:
    found = table.read(b"kind,key\n" + b"item,a b\n" * 60 + b"thing,\n")
    assert (found.fault_count, len(found.faults)) == (62, MOST_FAULTS)
    assert found.faults[0].pointer == "/line 2/key"


def test_an_item_of_several_templates_is_one_key_unless_the_rows_disagree() -> None:
    head = "kind,key,template,label\ntemplate,t1,,\ntemplate,t2,,\n"
    assert len(table.read(f"{head}item,i,t1,X\nitem,i,t2,X\n".encode()).keys) == 3
    assert "otherwise" in table.read(f"{head}item,i,t1,X\nitem,i,t2,Y\n".encode()).faults[0].words


def test_the_same_list_in_another_order_is_the_same_and_a_changed_one_says_what_changed() -> None:
    assert digest(ROWS) == digest(ROWS[::-1])
    after = [GrantedKey(kind="template", key="tpl_a", name="新"), GrantedKey(kind="button", key="b")]
    assert digest(after) != digest(ROWS)
    found = difference(ROWS, after)
    assert (found.added, found.removed, found.changed) == ([after[1]], [ROWS[1]], [(ROWS[0], after[0])])


def test_keys_of_a_template_that_line_did_not_grant_are_found_in_every_language() -> None:
    form = {
        "templateKey": "tpl_a",
        "body": {
            "emphasizedItem": {"itemKey": "date_002_ja", "content": "x"},
            "items": [{"itemKey": "item-1.x", "content": "x"}],
            "buttons": [{"buttonKey": "contact_ja", "url": "https://a.example"}],
        },
    }
    spec = {"line_template": form, "languages": {"th": {"line_template": {"templateKey": "tpl_th"}}}}
    granted = {("template", "tpl_a"), ("item", "item-1.x"), ("item", "tpl_th")}

    def told(country: str, has: set[tuple[str, str]] | None) -> list[tuple[Severity, str]]:
        found = check.findings(spec, country, has)
        assert {x.code for x in found} <= {"key-not-granted"}
        return [(x.severity, x.pointer) for x in found]

    date, button = "/line_template/body/emphasizedItem/itemKey", "/line_template/body/buttons/0/buttonKey"
    thai = "/languages/th/line_template/templateKey"
    # An item's key is no template's; what LINE publishes for Japan is nothing to an account in Taiwan.
    assert told("TW", granted) == [(Severity.ERROR, x) for x in (date, button, thai)]
    assert told("JP", granted) == [
        (Severity.WARNING, date),
        (Severity.WARNING, button),
        (Severity.ERROR, thai),
    ]
    assert [x for x, _ in told("TW", None)] == [Severity.NOTE] * 5
    assert [place for _, place in told("JP", None)] == [
        "/line_template/templateKey",
        "/line_template/body/items/0/itemKey",
        thai,
    ]
    assert "accounts of JP only" in check.findings(spec, "TW", granted)[0].remedy
    assert check.findings({"sms": "x", "languages": ["th"]}, "TW", granted) == []
