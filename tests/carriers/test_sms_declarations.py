"""Declarations of SMS providers: what is refused on reading, and with which words; the manual."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from carriers.shop import BASE, NOW, TAG, TOKEN, URL, posted
from todoke.carriers import EventKind
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.sms_http import (
    Declaration,
    SmsHttpCarrier,
    load_declaration,
    parse_declaration,
)
from todoke.carriers.sms_http.declaration import Auth, JsonIs, Receipt, Replies, Rule, Where
from todoke.carriers.sms_http.placeholders import MESSAGE, SETTING

MANUAL = Path(__file__).parents[2] / "docs" / "sms-carriers.md"

# ruff: noqa: E501 one case a line reads better than five lines each
REFUSED = [
    ("name: shop_sms", "", "name: is missing"),
    ("name: shop_sms", "name: Shop SMS", "name: .*see the table"),
    ("encoding: form", "encoding: xml", "encoding: .*see the table"),
    ("encoding: form", "encodding: form", "encodding: is unknown: did you mean encoding"),
    ("encoding: form", "encoding: form\nzzz: 1", "zzz: is unknown: remove it"),
    ("encoding: form", "encoding: form\nmethod: GET", "encoding: must be query"),
    ("json: {path: result.code, one_of: [0", "json: {paht: result.code, one_of: [0", r"success\.json\.paht.*did you mean"),
    ("one_of: [0, ", "one_of: [[], ", r"success\.json\.one_of"),
    ('statuses: ["200-299"]', "statuses: [500]", r"success\.statuses: 500 can't"),
    ('statuses: ["200-299"]', 'statuses: ["299-200"]', r"success\.statuses"),
    ("surely_failed: {json", "surely_failed: {statuses: [503], json", r"surely_failed\.statuses: 503"),
    ("surely_failed: {json: {path: result.code, one_of: [-1, \"no_credit\"]}}", "surely_failed: {}", "is empty"),
    ("path: result.code", 'path: "result..code"', "is no path"),
    ('message_id: {json: "result.ids[0]"}', "message_id: {}", "message_id: needs either"),
    ('message_id: {json: "result.ids[0]"}', 'message_id: {text: "id=.*"}', r"message_id\.text: needs a group"),
    ('message_id: {json: "result.ids[0]"}', 'message_id: {text: "(("}', "no regular expression"),
    ("{to_digits}", "{number}", r"fields: \{number\} can't stand here"),
    ("{to_digits}", "x", None),
    ("{text}", "x", "fields: never name the text"),
    ("{secret:USER}", "{secret:a b}", "can't stand here"),
    ('ref: "{tag}"', "ref: [1]", r"fields\.ref: must be a single value"),
    ("encoding: form\nfields: {", "encoding: json\nfields: {a: [{no: 1}], ", "fields: the name False is no text"),
    ("receipts: false", "receipts: true", "receipt: is missing"),
    ("receipts: false", "receipts: false\ntimeout: 90s", "timeout: must be"),
    ("receipts: false", "receipts: false\ntimeout: 10", "timeout: "),
    ("receipts: false", 'receipts: false\nheaders: {"a b": x}', "no HTTP header"),
    ("receipts: false", 'receipts: false\nheaders: {A: "{text}"}', r"headers\.A: \{text\} can't"),
    ("receipts: false", "receipts: false\ncountries: [Taiwan]", "countries"),
    ("receipts: false", "receipts: [", "line [0-9]+: is not YAML"),
    ("https://sms.example.com/send", "http://sms.example.com/send", "url: is plain http"),
    ("https://sms.example.com/send", "https://127.0.0.1/", "url: names 127.0.0.1"),
    ("https://sms.example.com/send", "https://localhost/", "url: names localhost"),
    ("https://sms.example.com/send", "https://10.0.0.7/", "url: names 10.0.0.7"),
    ("https://sms.example.com/send", "https://[::1]/", "url: names ::1"),
    ("https://sms.example.com/send", "https://[::ffff:127.0.0.1]/", "url: names"),
    ("https://sms.example.com/send", "https://2130706433/", "url: names"),
    ("https://sms.example.com/send", "https://127.1/", "url: names"),
    ("https://sms.example.com/send", "https://169.254.169.254/latest", "url: names"),
    ("https://sms.example.com/send", "https://u:p@sms.example.com/", "url: holds a user"),
    ("https://sms.example.com/send", "https://{secret:H}.example.com/", "url: has a placeholder in its host"),
    ("https://sms.example.com/send", "https://sms.example.com/{text}", r"url: \{text\} can't stand here"),
    ("https://sms.example.com/send", "file:///etc/passwd", "url: is no http"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), REFUSED)
def test_refused_declarations_name_file_field_and_remedy(old: str, new: str, says: str | None) -> None:
    text = BASE.replace("URL", "https://sms.example.com/send")
    assert old in text
    text = text.replace(old, new)
    if says is None:
        parse_declaration(text, "shop.yaml")  # another field still names the number
        return
    with pytest.raises(DeclarationError, match=says) as caught:
        parse_declaration(text, "shop.yaml")
    assert str(caught.value).startswith("shop.yaml: ")
    assert caught.value.field


def test_allowed_private_addresses_do_not_open_every_door() -> None:
    for url in ("http://127.0.0.1:1/", "http://10.0.0.1/", "http://localhost/", "http://sms-box/"):
        parse_declaration(BASE.replace("URL", url), "x", allow_private=True)
    for url in ("http://169.254.169.254/", "http://0.0.0.0/", "http://127.1/", "http://[fe80::1]/"):
        with pytest.raises(DeclarationError, match="url"):
            parse_declaration(BASE.replace("URL", url), "x", allow_private=True)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    with pytest.raises(DeclarationError, match=r"shop\.yaml: can't be read"):
        load_declaration(file)
    file.write_bytes(b"\xa4\xa4\xa4\xe5")
    with pytest.raises(DeclarationError, match="UTF-8"):
        load_declaration(file)
    for content in ("", "- a", "just words"):
        file.write_text(content)
        with pytest.raises(DeclarationError, match="holds no fields"):
            load_declaration(file)
    file.write_text("\ufeff" + BASE.replace("URL", "https://sms.example.com/"), "utf-8")
    assert load_declaration(file).name == "shop_sms"


async def test_the_manual(http: Any) -> None:
    text = MANUAL.read_text("utf-8")
    example = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]
    declaration = parse_declaration(example, "docs/sms-carriers.md")
    secrets = {"EXAMPLE_TW_USER": "u", "EXAMPLE_TW_PASSWORD": "p"}
    sms = SmsHttpCarrier(http, declaration, secrets, URL, TOKEN)
    body = {
        "msgid": "9",
        "clientid": TAG,
        "statusstr": "DELIVRD",
        "donetime": "20260807120000",
        "token": TOKEN,
    }
    (event,) = posted(sms, {}, urlencode(body).encode(), TOKEN, NOW)
    assert (event.kind, event.tag, event.at) == (EventKind.PROOF, TAG, 1_786_075_200_000)
    assert posted(sms, {}, urlencode({**body, "statusstr": "ENROUTE"}).encode(), TOKEN, NOW) == []
    for struct in (Declaration, Rule, JsonIs, Where, Receipt, Replies, Auth):
        for field in struct.__struct_encode_fields__:
            assert re.search(rf"`[^`]*\b{field}\b[^`]*`", text), f"the manual does not name {field}"
    for placeholder in MESSAGE | SETTING:
        assert f"`{{{placeholder}}}`" in text
