"""SMS that people send back, as declared providers post them: only words are kept, and only from the provider."""

from __future__ import annotations

import contextlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.shop import BASE, NOW, TOKEN, URL
from todoke.carriers import BadEvent, BadSignature, EventKind, InboundEvent
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.replies import e164
from todoke.carriers.sms_http import SmsHttpCarrier, emulator_declaration, parse_declaration
from todoke.carriers.sms_http.replies import HttpReplies

BEARER = {"authorization": f"Bearer {TOKEN}"}
FORM = {"body": "form", "from": "source", "text": "body"}


def declared(auth: str = "{by: bearer}", countries: str = "[TW]", **fields: str) -> str:
    given = {"body": "json", "from": "source", "text": "body", "id": "id", "time": "at", **fields}
    lines = "".join(f"\n  {name}: {value}" for name, value in given.items() if value)
    text = BASE.replace("URL", "https://sms.example.com/")
    return f"{text}countries: {countries}\nreplies:\n  auth: {auth}{lines}\n"


def reader(auth: str = "{by: bearer}", countries: str = "[TW]", **fields: str) -> HttpReplies:
    declaration = parse_declaration(declared(auth, countries, **fields), "x")
    secrets = {"USER": "u", "HOOK": "hook-key"}
    made = SmsHttpCarrier(None, declaration, secrets, URL, TOKEN)  # type: ignore[arg-type]
    assert made.replies is not None
    return made.replies


def events(replies: HttpReplies, body: bytes, now: int = NOW) -> list[InboundEvent]:
    """What the inbound route and the engine do, one after the other."""
    replies.check(BEARER, body, TOKEN)
    return replies.read_events({}, replies.stored(replies.heard(body, now)), now)


def item(text: object = "STOP", source: object = "+886912345678", **more: object) -> dict[str, object]:
    return {"source": source, "body": text, "id": "r1", **more}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_word_becomes_an_event_with_number_and_word() -> None:
    (event,) = events(reader(), as_json(item(" ｓｔｏｐ！ ", at="2025-08-07T09:30:00+08:00")))
    assert (event.kind, event.number, event.text) == (EventKind.SMS, "+886912345678", "STOP")
    assert event.at == 1_754_530_200_000


def test_of_everything_else_neither_text_nor_number_is_kept() -> None:
    replies = reader()
    body = as_json([item("my PIN is 4711, please don't stop"), item("STOP", "+886987654321")])
    heard = replies.heard(body, NOW)
    stored = replies.stored(heard)
    assert (len(heard.words), heard.others) == (1, 1)
    assert b"4711" not in stored
    assert b"912345678" not in stored


def test_the_same_reply_twice_is_the_same_event_and_another_one_is_not() -> None:
    replies = reader()
    first, again = (events(replies, as_json(item()))[0] for _ in range(2))
    (other,) = events(replies, as_json(item(id="r2")))
    (later,) = events(replies, as_json(item(id="")), NOW + 1)
    assert first == again
    assert len({first.id, other.id, later.id}) == 3


def test_without_a_name_of_its_own_a_second_stop_counts_again() -> None:
    replies = reader(id="", time="")
    first, second = (events(replies, as_json(item()), NOW + n)[0] for n in range(2))
    assert first.id != second.id


def test_two_people_in_one_post_are_two_events_whatever_they_are_called() -> None:
    found = events(reader(), as_json([item(), item(source="+886987654321")]))
    assert len({x.id for x in found}) == 2


def test_event_ids_tell_nothing_of_the_number() -> None:
    (event,) = events(reader(), as_json(item()))
    assert event.id.startswith("shop_sms-reply-")
    other = SmsHttpCarrier(None, parse_declaration(declared(), "x"), {"USER": "u"}, URL, "another token")  # type: ignore[arg-type]
    assert other.replies is not None
    stored = other.replies.stored(other.replies.heard(as_json(item()), NOW))
    assert other.replies.read_events({}, stored, NOW)[0].id != event.id


@pytest.mark.parametrize(
    ("source", "countries", "country", "found"),
    [
        ("+886912345678", "[TW]", "", "+886912345678"),
        ("886912345678", "[TW]", "", "+886912345678"),
        (886912345678, "[TW]", "", "+886912345678"),
        ("00886912345678", "[TW, TH, JP]", "", "+886912345678"),
        ("0912345678", "[TW]", "", "+886912345678"),
        ("0912345678", "[TW, TH]", "TW", "+886912345678"),
        ("0912345678", "[TW, TH]", "TH", "+66912345678"),
        ("0912345678", "[TW, TH]", "", None),
        ("09012345678", "[TW, TH, JP]", "", "+819012345678"),
        ("+15005550006", "[TW]", "", None),
        ("SHOP", "[TW]", "", None),
        ("0223456789", "[TW]", "", None),
    ],
)
def test_numbers_come_in_many_forms_and_one_that_could_be_two_is_nobodys(
    source: object, countries: str, country: str, found: str | None
) -> None:
    replies = reader(countries=countries, country=country)
    heard = replies.heard(as_json(item(source=source)), NOW)
    assert [w.number for w in heard.words] == ([] if found is None else [found])
    assert heard.strangers == (found is None)


def test_forms_queries_and_lists_inside_a_body_are_read() -> None:
    fields = urlencode({"source": "0912345678", "body": "退訂，謝謝"}).encode()
    for body in ("form", "query"):
        (event,) = events(reader(body=body), fields)
        assert event.text == "退訂"
    (event,) = events(reader(items="data.sms"), as_json({"data": {"sms": [item("ยกเลิก")]}}))
    assert event.text == "ยกเลิก"


@pytest.mark.parametrize(
    ("charset", "text"), [("big5", "退訂"), ("shift_jis", "配信停止"), ("tis-620", "ยกเลิก")]
)
def test_a_form_in_another_charset_is_read(charset: str, text: str) -> None:
    body = urlencode({"source": "0912345678", "body": text}, encoding=charset).encode()
    (event,) = events(reader(body="form", charset=charset), body)
    assert event.text == text


def test_texts_in_hexadecimal_are_read_and_plain_ones_beside_them() -> None:
    replies = reader(written="ucs2_hex")
    for text in ("配信停止".encode("utf-16-be").hex(), "STOP"):
        assert len(events(replies, as_json(item(text)))) == 1


def test_a_reply_can_not_have_been_written_in_the_future() -> None:
    for at in ("2099-01-01T00:00:00Z", "nonsense", "", 1e300):
        assert events(reader(), as_json(item(at=at)))[0].at == NOW


@pytest.mark.parametrize(
    ("auth", "headers", "query"),
    [
        ("{by: bearer}", BEARER, ""),
        ("{by: header, name: X-Token}", {"x-token": TOKEN}, ""),
        ("{by: query, name: token}", {}, f"token={TOKEN}"),
    ],
)
def test_only_what_carries_the_token_is_taken(auth: str, headers: dict[str, str], query: str) -> None:
    replies = reader(auth)
    replies.check(headers, as_json(item()), TOKEN, query)
    with pytest.raises(BadSignature, match=r"replies\.auth"):
        replies.check({}, as_json(item()), TOKEN, "")
    with pytest.raises(BadSignature):
        replies.check({k: "x" + v for k, v in headers.items()}, as_json(item()), TOKEN, query + "x")
    with pytest.raises(BadSignature):
        replies.check(headers, as_json(item()), "", query)


def test_a_signed_body_is_taken_and_a_changed_one_is_not() -> None:
    replies = reader("{by: hmac, name: X-Sig, key: HOOK}")
    body = as_json(item())
    right = {"x-sig": hmac.digest(b"hook-key", body, "sha256").hex()}
    replies.check(right, body, TOKEN)
    with pytest.raises(BadSignature):
        replies.check(right, body + b" ", TOKEN)


def test_the_token_in_a_field_must_stand_in_every_item() -> None:
    replies = reader("{by: field, name: token}")
    replies.check({}, as_json([item(token=TOKEN)] * 2), TOKEN)
    with pytest.raises(BadSignature):
        replies.check({}, as_json([item(token=TOKEN), item()]), TOKEN)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'"x"', b"[" * 100_000, b"\xff", as_json({"body": "STOP"})]
)
def test_a_body_that_can_not_be_read_is_a_bad_event_without_personal_data(body: bytes) -> None:
    with pytest.raises(BadEvent) as error:
        reader().heard(body, NOW)
    assert "STOP" not in str(error.value)


def test_a_picture_without_text_is_just_not_a_word() -> None:
    assert reader().heard(as_json({"source": "+886912345678"}), NOW).others == 1
    assert reader().heard(b"[]", NOW).words == []


@given(st.binary(max_size=300))
def test_whatever_is_posted_there_is_an_answer(body: bytes) -> None:
    with contextlib.suppress(BadEvent):
        reader().heard(body, NOW)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)
)
def test_whatever_stands_in_a_field_there_is_an_answer(value: Any) -> None:
    try:
        heard = reader().heard(json.dumps(item(value, value, at=value)).encode(), NOW)
    except BadEvent:
        return
    assert all(w.at <= NOW for w in heard.words)


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"{}",
        b"[{}]",
        as_json([{"id": "x", "number": "+886912345678", "word": "STOP", "at": 1}]),
        as_json([{"id": "a" * 40, "number": "0912", "word": "STOP", "at": 1}]),
        as_json([{"id": "a" * 40, "number": "+886912345678", "word": "hello", "at": 1}]),
    ],
)
def test_what_was_not_stored_by_us_is_not_read(stored: bytes) -> None:
    with pytest.raises(BadEvent):
        reader().read_events({}, stored, NOW)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"from": ""}, "replies.from: is missing"),
        ({"text": ""}, "replies.text: is missing"),
        ({"body": "xml"}, "replies.body"),
        ({"from": "'a..b'"}, "replies.from"),
        ({"number": "source"}, "replies.number: is unknown"),
        ({"country": "US"}, "replies.country"),
        ({"charset": "big5"}, "replies.charset"),
        ({"body": "form", "items": "x"}, "replies.items"),
        ({"time": "", "time_format": "'%Y'"}, "replies.time_format"),
        ({"auth": "{by: header}"}, "replies.auth.name"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(fields: dict[str, str], place: str) -> None:
    with pytest.raises(DeclarationError, match=place):
        parse_declaration(declared(**fields), "x")


def test_a_reply_url_without_replies_is_refused() -> None:
    text = BASE.replace("URL", "https://sms.example.com/").replace(
        'ref: "{tag}"', 'ref: "{tag}", mo: "{reply_url}"'
    )
    with pytest.raises(DeclarationError, match="replies: is missing"):
        parse_declaration(text, "x")


def test_replies_need_a_token() -> None:
    with pytest.raises(DeclarationError, match="receipt_token"):
        SmsHttpCarrier(None, parse_declaration(declared(), "x"), {"USER": "u"})  # type: ignore[arg-type]


def test_the_emulators_carrier_brings_replies() -> None:
    assert emulator_declaration("http://127.0.0.1:8600").replies is not None


@given(st.text(max_size=40))
def test_whatever_a_number_looks_like_it_is_one_or_none(text: str) -> None:
    found = e164(text, ("TW",))
    assert found is None or found.startswith("+")
