"""What a declaration can say beyond the plain form: Basic, other character sets, UCS-2, keys of receipts."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from carriers.shop import BASE, MESSAGE_OUT, NOW, NUMBER, TAG, TOKEN, URL, declared
from todoke.carriers import BadEvent, BadSignature, EventKind, SmsMessage
from todoke.carriers.declarations import DeclarationError, declared_kind
from todoke.carriers.sms_http import SmsHttpCarrier, parse_declaration
from todoke.core.outcome import Outcome

OK = b'{"result":{"code":0,"ids":["m-1"]}}'
SECRETS = {"USER": "shop", "PASSWORD": "p:ä密"}


def carrier(http: Any, url: str, *changes: tuple[str, str], **secrets: str) -> SmsHttpCarrier:
    return SmsHttpCarrier(http, declared(url, *changes), {**SECRETS, **secrets}, URL, TOKEN)


def body_of(request: bytes) -> bytes:
    return request.split(b"\r\n\r\n", 1)[1]


async def test_basic_authentication_is_made_of_two_secrets_that_stay_hidden(
    serve: Any, does: Any, http: Any
) -> None:
    pair = base64.b64encode("shop:p:ä密".encode()).decode()
    server = await serve(does.answering(400, json.dumps({"result": {"why": f"bad {pair} p:ä密"}}).encode()))
    change = ("receipts: false", 'receipts: false\nheaders: {Authorization: "Basic {basic:USER:PASSWORD}"}')
    answer = await carrier(http, server.url, change).send(MESSAGE_OUT, TAG)
    assert f"Authorization: Basic {pair}\r\n".encode() in server.requests[0]
    assert answer.detail == "the provider said no (bad ••• •••)"


def test_basic_authentication_wants_both_secrets_and_no_colon_in_the_user(http: Any) -> None:
    change = ("receipts: false", 'receipts: false\nheaders: {A: "Basic {basic:USER:PASSWORD}"}')
    with pytest.raises(DeclarationError, match="secret PASSWORD: is not set"):
        SmsHttpCarrier(http, declared("https://sms.example.com/", change), {"USER": "u"})
    with pytest.raises(DeclarationError, match="secret USER: holds a colon"):
        carrier(http, "https://sms.example.com/", change, USER="a:b")
    with pytest.raises(DeclarationError, match=r"headers\.A: \{basic:USER\} can't"):
        declared("https://sms.example.com/", (change[0], change[1].replace(":PASSWORD", "")))


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("big5", "您的包裹已送達"),
        ("cp950", "恒春包裹"),
        ("shift_jis", "お荷物が届きました"),
        ("cp932", "①番窓口"),
        ("tis-620", "พัสดุของคุณมาถึงแล้ว"),
        ("utf-8", "您的包裹📦"),
    ],
)
@pytest.mark.parametrize("encoding", ["form", "query"])
async def test_a_text_leaves_in_the_declared_character_set(
    serve: Any, does: Any, http: Any, charset: str, text: str, encoding: str
) -> None:
    server = await serve(does.answering(200, OK))
    change = ("encoding: form", f"encoding: {encoding}\ncharset: {charset}")
    answer = await carrier(http, server.url, change).send(SmsMessage(to=NUMBER, text=text), TAG)
    assert answer.outcome is Outcome.ACCEPTED
    (request,) = server.requests
    raw = body_of(request) if encoding == "form" else request.split(b" ")[1].partition(b"?")[2]
    assert parse_qs(raw.decode("ascii"), encoding=charset, errors="strict")["body"] == [text]


@pytest.mark.parametrize(
    ("change", "text", "says"),
    [
        ("encoding: form\ncharset: big5", "包裹📦", "U+1F4E6 of the text can't be written in big5"),
        ("encoding: form\ncharset: shift_jis", "พัสดุ", "U+0E1E of the text can't be written in shift_jis"),
        ("encoding: form\ncharset: tis-620", "包裹", "U+5305 of the text can't be written in tis-620"),
        ("encoding: query\nmethod: GET\ncharset: big5", "包裹📦", "U+1F4E6"),
        ("encoding: form", "a\ud800b", "U+D800 of the text can't be written in utf-8"),
        ("encoding: json", "a\ud800b", "U+D800 of the text can't be written in utf-8"),
    ],
)
async def test_a_text_that_does_not_fit_is_invalid_before_anything_leaves(
    serve: Any, does: Any, http: Any, change: str, text: str, says: str
) -> None:
    server = await serve(does.answering(200, OK))
    sms = carrier(http, server.url, ("encoding: form", change))
    answer = await sms.send(SmsMessage(to=NUMBER, text=text), TAG)
    assert answer.outcome is Outcome.INVALID
    assert says in (answer.detail or "")
    assert text not in (answer.detail or "")
    assert not server.requests


async def test_a_secret_that_does_not_fit_is_not_shown(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(200, OK))
    sms = carrier(http, server.url, ("encoding: form", "encoding: form\ncharset: big5"), USER="ключ🔑")
    answer = await sms.send(SmsMessage(to=NUMBER, text="ok"), TAG)
    assert answer.detail == "not sent: a secret can't be written in big5"


async def test_an_answers_words_are_read_in_the_declared_character_set(
    serve: Any, does: Any, http: Any
) -> None:
    changes = (
        ("encoding: form", "encoding: form\ncharset: big5"),
        ('{json: {path: result.code, one_of: [-1, "no_credit"]}}', '{text: "statuscode=[a-z]"}'),
        ("{json: result.why}", '{text: "Error=(.*)"}'),
    )
    server = await serve(does.answering(200, "statuscode=e\r\nError=帳號、密碼錯誤\r\n".encode("big5")))
    answer = await carrier(http, server.url, *changes).send(SmsMessage(to=NUMBER, text="ok"), TAG)
    assert (answer.outcome, answer.detail) == (Outcome.FAILED, "the provider said no (帳號、密碼錯誤)")


async def test_an_answer_in_xml_is_read_by_regular_expressions(serve: Any, does: Any, http: Any) -> None:
    changes = (
        (
            '{statuses: ["200-299"], json: {path: result.code, one_of: [0, "ok"]}}',
            '{text: "<Status>1</Status>"}',
        ),
        ('{json: {path: result.code, one_of: [-1, "no_credit"]}}', '{text: "<Status>0</Status>"}'),
        ('{json: "result.ids[0]"}', '{text: "<Transaction>([^<]+)</Transaction>"}'),
        ("{json: result.why}", '{text: "<Detail>([^<]*)</Detail>"}'),
    )
    yes = b"<SMS><QUEUE><Status>1</Status><Transaction>6b7a</Transaction></QUEUE></SMS>"
    server = await serve(does.answering(200, yes))
    answer = await carrier(http, server.url, *changes).send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.request_id) == (Outcome.ACCEPTED, "6b7a")
    refusing = await serve(does.answering(200, b"<SMS><Status>0</Status><Detail>no credit</Detail></SMS>"))
    answer = await carrier(http, refusing.url, *changes).send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.detail) == (Outcome.FAILED, "the provider said no (no credit)")


async def test_a_text_may_leave_as_ucs2_in_hexadecimal_digits(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(400, b'{"result":{"why":"bad text 5305 D83DDCE6"}}'))
    sms = carrier(http, server.url, ("{text}", "{text_ucs2_hex}"))
    answer = await sms.send(SmsMessage(to=NUMBER, text="包📦"), TAG)
    assert parse_qs(body_of(server.requests[0]).decode())["body"] == ["5305D83DDCE6"]
    assert answer.outcome is Outcome.FAILED
    echo = await serve(does.answering(400, b'{"result":{"why":"bad text 5305D83DDCE6"}}'))
    answer = await carrier(http, echo.url, ("{text}", "{text_ucs2_hex}")).send(
        SmsMessage(to=NUMBER, text="包📦"), TAG
    )
    assert answer.detail == "the provider said no (bad text …)"


RECEIPT = """receipts: true
receipt:
  body: BODY
  auth: AUTH
  ID
  status: status
  delivered: [done]
  failed: [lost]"""


def with_receipts(
    auth: str, body: str = "json", id: str = "message_id: id", more: str = ""
) -> SmsHttpCarrier:
    receipt = RECEIPT.replace("BODY", body).replace("AUTH", auth).replace("ID", id) + more
    return carrier(None, "https://sms.example.com/", ("receipts: false", receipt), KEY="the key")


@pytest.mark.parametrize(
    ("id", "ids"), [("message_id: id", ("m-1",)), ("tag: ref", ()), ("tag: ref\n  message_id: id", ())]
)
async def test_an_answer_names_the_message_ids_by_which_receipts_will_come(
    serve: Any, does: Any, http: Any, id: str, ids: tuple[str, ...]
) -> None:
    server = await serve(does.answering(200, OK))
    receipt = RECEIPT.replace("BODY", "form").replace("AUTH", "{by: bearer}").replace("ID", id)
    answer = await carrier(http, server.url, ("receipts: false", receipt)).send(MESSAGE_OUT, TAG)
    assert (answer.request_id, answer.message_ids) == ("m-1", ids)


async def test_without_receipts_or_without_an_id_no_message_ids_are_named(
    serve: Any, does: Any, http: Any
) -> None:
    server = await serve(does.answering(200, OK))
    assert (await carrier(http, server.url).send(MESSAGE_OUT, TAG)).message_ids == ()
    nameless = await serve(does.answering(200, b'{"result":{"code":0}}'))
    receipt = RECEIPT.replace("BODY", "form").replace("AUTH", "{by: bearer}").replace("ID", "message_id: id")
    answer = await carrier(http, nameless.url, ("receipts: false", receipt)).send(MESSAGE_OUT, TAG)
    assert (answer.outcome, answer.message_ids) == (Outcome.ACCEPTED, ())


def test_receipts_by_id_want_to_know_where_the_answer_gives_the_id() -> None:
    text = BASE.replace("URL", "https://sms.example.com/").replace(
        'message_id: {json: "result.ids[0]"}\n', ""
    )
    receipt = RECEIPT.replace("BODY", "json").replace("AUTH", "{by: bearer}").replace("ID", "message_id: id")
    with pytest.raises(DeclarationError, match="message_id: is missing: the receipts name only this id"):
        parse_declaration(text.replace("receipts: false", receipt), "x")


@pytest.mark.parametrize("body", ["json", "form", "query"])
def test_a_receipt_may_be_secured_by_a_token_in_the_url(body: str) -> None:
    sms = with_receipts("{by: query, name: t}", body)
    raw = b'{"id":"m-1","status":"done"}' if body == "json" else b"id=m-1&status=done"
    sms.check({}, raw, TOKEN, f"a=1&t={TOKEN}")
    (event,) = sms.read_events({}, raw, NOW)
    assert (event.kind, event.tag, event.message_id) == (EventKind.PROOF, None, "m-1")
    for query in ("", "t=", "t=wrong", f"x={TOKEN}", "&".join(["t=1"] * 500), "%ff=%ff&t=\udcff"):
        with pytest.raises(BadSignature, match="receipt token") as caught:
            sms.check({}, raw, TOKEN, query)
        assert TOKEN not in str(caught.value)
    with pytest.raises(BadSignature):
        sms.check({"t": TOKEN}, raw, TOKEN)


@pytest.mark.parametrize(
    ("more", "key", "written"),
    [
        ("", TOKEN, lambda d: d("sha256").hex()),
        ("", TOKEN, lambda d: d("sha256").hex().upper()),
        (", key: KEY", "the key", lambda d: d("sha256").hex()),
        (", hash: sha1", TOKEN, lambda d: d("sha1").hex()),
        (", prefix: 'sha256='", TOKEN, lambda d: "sha256=" + d("sha256").hex()),
        (", written: base64, hash: sha512", TOKEN, lambda d: base64.b64encode(d("sha512")).decode()),
    ],
)
def test_a_receipt_may_be_signed(more: str, key: str, written: Any) -> None:
    sms = with_receipts(f"{{by: hmac, name: X-Sign{more}}}")
    body = b'{"id":"m-1","status":"done"}'
    signature = written(lambda name: hmac.digest(key.encode(), body, name))
    sms.check({"x-sign": signature}, body, TOKEN)
    for headers, raw in (
        ({"x-sign": signature}, body + b" "),
        ({"x-sign": signature[:-2]}, body),
        ({"x-sign": ""}, body),
        ({"x-sign": "é☃"}, body),
        ({}, body),
    ):
        with pytest.raises(BadSignature, match="signature is"):
            sms.check(headers, raw, TOKEN)
    if key != TOKEN:
        forged = {"x-sign": hmac.digest(TOKEN.encode(), body, "sha256").hex()}
        with pytest.raises(BadSignature):
            sms.check(forged, body, TOKEN)


def test_the_key_of_signed_receipts_must_be_set(http: Any) -> None:
    receipt = RECEIPT.replace("BODY", "json").replace("ID", "message_id: id")
    change = ("receipts: false", receipt.replace("AUTH", "{by: hmac, name: X, key: NO_KEY}"))
    with pytest.raises(DeclarationError, match="secret NO_KEY: is not set"):
        carrier(http, "https://sms.example.com/", change)


def test_receipts_may_stand_in_a_list_inside_the_body() -> None:
    sms = with_receipts("{by: field, name: key.t}", more="\n  items: a.results")
    one = {"id": "m-1", "status": "done", "key": {"t": TOKEN}}
    body = json.dumps({"a": {"results": [one, {**one, "id": "m-2", "status": "lost"}]}}).encode()
    sms.check({}, body, TOKEN)
    events = sms.read_events({}, body, NOW)
    assert [(e.kind, e.message_id) for e in events] == [(EventKind.PROOF, "m-1"), (EventKind.NO_PROOF, "m-2")]
    mixed = json.dumps({"a": {"results": [one, {**one, "key": {"t": "x"}}]}}).encode()
    with pytest.raises(BadSignature):
        sms.check({}, mixed, TOKEN)
    with pytest.raises(BadEvent, match="no JSON object"):
        sms.read_events({}, b'{"b":1}', NOW)


def test_a_receipts_message_id_is_made_as_plain_as_the_answers() -> None:
    sms = with_receipts("{by: bearer}")
    (event,) = sms.read_events({}, json.dumps({"id": "m\u00e91\n", "status": "done"}).encode(), NOW)
    assert event.message_id == "m1"
    (nothing,) = sms.read_events({}, b'{"id":"","status":"done"}', NOW)
    assert (nothing.kind, nothing.message_id) == (EventKind.OTHER, None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("encoding: form", "encoding: json\ncharset: big5", "charset: can't stand here: JSON is always UTF-8"),
        ("encoding: form", "encoding: form\ncharset: klingon", "charset: "),
        ("encoding: form", "encoding: form\nkind: smtp", "kind: "),
        ("receipts: false", 'receipts: false\nheaders: {A: "{text_ucs2_hex}"}', r"headers\.A: \{text_ucs2_hex\} can't"),
        ("AUTH", "{by: query}", r"receipt\.auth\.name: is missing: the name of the parameter"),
        ("AUTH", "{by: hmac}", r"receipt\.auth\.name: is missing: the name of the header that carries the signature"),
        ("AUTH", "{by: header, name: X, key: A}", r"receipt\.auth\.key: is not needed with by: header"),
        ("AUTH", "{by: hmac, name: X, hash: md5}", r"receipt\.auth\.hash"),
        ("AUTH", "{by: hmac, name: X, hsh: sha1}", r"receipt\.auth\.hsh: is unknown: did you mean hash"),
        ("AUTH", "{by: bearer}\n  items: 'a..b'", "items.*is no path"),
        ("AUTH", "{by: bearer}\n  items: a\n  body: form", "."),
    ],
)  # fmt: skip
def test_contradictions_are_refused_with_a_remedy(old: str, new: str, says: str) -> None:
    receipt = RECEIPT.replace("BODY", "json").replace("ID", "message_id: id")
    text = BASE.replace("URL", "https://sms.example.com/")
    if old == "AUTH":
        text = text.replace("receipts: false", receipt.replace("AUTH", new))
        if "body: form" in new:
            text = text.replace("  body: json\n", "")
            says = r"receipt\.items: can't stand here: form holds one receipt"
    else:
        text = text.replace(old, new)
    with pytest.raises(DeclarationError, match=says):
        parse_declaration(text, "shop.yaml")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"name: x\n", "http"),
        (b"kind: http\n", "http"),
        (b"kind: smpp\nname: x\n", "smpp"),
        (b"\xef\xbb\xbfkind: smpp\n", "smpp"),
        (b"kind: smtp\n", "http"),
        (b"kind: [smpp]\n", "http"),
        (b"- kind: smpp\n", "http"),
        (b"kind: smpp\n  a: [", "http"),
        (b"\xa4\xa4", "http"),
        (b"", "http"),
        (b"a: !!timestamp x\n", "http"),
        (b"a: !!bool x\n", "http"),
        (b"[" * 5000, "http"),
    ],
)
def test_the_kind_of_a_declaration(tmp_path: Path, content: bytes, kind: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    assert declared_kind(file) == kind
    assert declared_kind(tmp_path / "none.yaml") == "http"
    if kind == "http" and content:
        with pytest.raises(DeclarationError):
            parse_declaration(content.decode("latin-1"), "x.yaml")
