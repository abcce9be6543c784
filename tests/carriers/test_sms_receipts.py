"""Delivery receipts of declared SMS providers."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.shop import BASE, NOW, TAG, TOKEN, URL, declared, posted
from todoke.carriers import BadEvent, BadSignature, EventKind
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.sms_http import (
    SmsHttpCarrier,
    parse_declaration,
)


def reader(auth: str = "{by: bearer}", body: str = "json", **more: str) -> SmsHttpCarrier:
    extra = "".join(f"\n  {name}: {value}" for name, value in more.items())
    receipt = f"""receipts: true
receipt:
  body: {body}
  auth: {auth}
  tag: {"m[0].ref" if body == "json" else "ref"}
  message_id: id
  status: status
  delivered: [done, 0]
  failed: [lost]
  intermediate: [on_its_way]{extra}
"""
    text = BASE.replace("URL", "https://sms.example.com/").replace("receipts: false", receipt)
    return SmsHttpCarrier(None, parse_declaration(text, "x"), {"USER": "u"}, URL, TOKEN)  # type: ignore[arg-type]


BEARER = {"authorization": f"Bearer {TOKEN}"}


def receipt(status: object, **more: object) -> dict[str, object]:
    return {"m": [{"ref": TAG}], "id": 5, "status": status, **more}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("done", EventKind.PROOF),
        (0, EventKind.PROOF),
        ("0", EventKind.PROOF),
        ("lost", EventKind.NO_PROOF),
        (False, EventKind.OTHER),
        (None, EventKind.OTHER),
        ("new_status", EventKind.OTHER),
        ([], EventKind.OTHER),
    ],
)
def test_receipt_statuses(status: object, kind: EventKind) -> None:
    (event,) = posted(reader(), BEARER, json.dumps(receipt(status)).encode(), TOKEN, NOW)
    assert event.kind is kind
    assert (event.tag, event.at) == (TAG, NOW)
    assert (event.detail is None) == (kind is EventKind.PROOF)


def test_receipts_in_a_list_repeated_or_without_our_tag() -> None:
    sms = reader()
    news = [
        receipt("done"),
        receipt("on_its_way"),
        receipt("done"),
        receipt("lost", m=[], id=None),
        receipt("done", id=6),
    ]
    first, again, stranger, other = posted(sms, BEARER, json.dumps(news).encode(), TOKEN, NOW)
    assert first == again
    assert stranger.kind is EventKind.OTHER
    assert "neither our tag nor a message id" in (stranger.detail or "")
    assert len({first.id, stranger.id, other.id}) == 3
    assert posted(sms, BEARER, b"[]", TOKEN, NOW) == []


def test_messages_that_share_the_providers_id_are_told_apart_by_our_tag() -> None:
    """One id for a whole order: each message's receipt is news."""
    news = [receipt("done", m=[{"ref": tag}], id="order-7") for tag in (TAG, "another-tag")]
    first, second = posted(reader(), BEARER, json.dumps(news).encode(), TOKEN, NOW)
    assert first.id != second.id


def test_an_id_that_the_provider_uses_again_another_day_is_other_news() -> None:
    news = [receipt("done", m=[], id=7, at=at) for at in ("2026-08-07T01:00:00Z", "2026-08-09T01:00:00Z")]
    sms = reader(time="at")
    first, second, again = posted(sms, BEARER, json.dumps([*news, news[0]]).encode(), TOKEN, NOW)
    assert first.id != second.id
    assert first.id == again.id


def test_a_receipt_without_our_tag_names_the_message_by_the_providers_own_id() -> None:
    (event,) = posted(reader(), BEARER, json.dumps(receipt("done", m=[], id=77)).encode(), TOKEN, NOW)
    assert (event.kind, event.tag, event.message_id) == (EventKind.PROOF, None, "77")
    (ours,) = posted(reader(), BEARER, json.dumps(receipt("done")).encode(), TOKEN, NOW)
    assert (ours.tag, ours.message_id) == (TAG, None)


@pytest.mark.parametrize(
    ("auth", "headers", "fields", "good"),
    [
        ("{by: bearer}", BEARER, {}, True),
        ("{by: bearer}", {"Authorization": f"bearer  {TOKEN}"}, {}, True),
        ("{by: bearer}", {"authorization": f"Basic {TOKEN}"}, {}, False),
        ("{by: bearer}", {"authorization": "Bearer wrong"}, {}, False),
        ("{by: bearer}", {"authorization": "Bearer é☃"}, {}, False),
        ("{by: bearer}", {}, {}, False),
        ("{by: header, name: X-Token}", {"x-token": TOKEN}, {}, True),
        ("{by: header, name: X-Token}", {"x-token": f"Bearer {TOKEN}"}, {}, False),
        ("{by: field, name: a.t}", {}, {"a": {"t": TOKEN}}, True),
        ("{by: field, name: a.t}", BEARER, {}, False),
    ],
)
def test_receipt_auth(auth: str, headers: dict[str, str], fields: dict[str, Any], good: bool) -> None:
    body = json.dumps(receipt("done", **fields)).encode()
    if good:
        assert len(posted(reader(auth), headers, body, TOKEN, NOW)) == 1
        return
    with pytest.raises(BadSignature, match="receipt token") as caught:
        posted(reader(auth), headers, body, TOKEN, NOW)
    assert TOKEN not in str(caught.value)


async def test_no_receipt_passes_without_a_token_or_where_none_are_declared(http: Any) -> None:
    with pytest.raises(BadSignature, match="no receipt token"):
        posted(reader(), {"authorization": "Bearer "}, b"{}", "", NOW)
    with pytest.raises(BadSignature, match="gives no receipts"):
        posted(SmsHttpCarrier(http, declared(), {"USER": "u"}), BEARER, b"{}", TOKEN, NOW)
    with pytest.raises(BadSignature):
        posted(reader("{by: field, name: t}"), {}, b"[]", TOKEN, NOW)


@pytest.mark.parametrize(
    ("time", "more", "at"),
    [
        ("2026-08-07T12:00:00Z", {}, 1_786_104_000_000),
        ("2026-08-07T20:00:00+08:00", {}, 1_786_104_000_000),
        ("2026-08-07 20:00:00", {"utc_offset": '"+08:00"'}, 1_786_104_000_000),
        (
            "2026/08/07 20:00",
            {"time_format": '"%Y/%m/%d %H:%M"', "utc_offset": '"+08:00"'},
            1_786_104_000_000,
        ),
        (1_786_104_000, {}, 1_786_104_000_000),
        (1_786_104_000_500, {}, 1_786_104_000_500),
        ("1786104000.5", {}, 1_786_104_000_500),
        ("yesterday", {}, NOW),
        (10**40, {}, NOW),
        (None, {}, NOW),
    ],
)
def test_receipt_times(time: object, more: dict[str, str], at: int) -> None:
    body = json.dumps(receipt("done", when=time)).encode()
    (event,) = posted(reader(time="when", **more), BEARER, body, TOKEN, NOW)
    assert event.at == at


@pytest.mark.parametrize("body", [b"", b"7", b"null", b"[1]", b"\xff", b"[" * 100_000, b'{"a":'])
def test_unreadable_receipts(body: bytes) -> None:
    with pytest.raises(BadEvent, match="shop_sms"):
        posted(reader(), BEARER, body, TOKEN, NOW)


def never_raises_otherwise(sms: SmsHttpCarrier, body: bytes) -> None:
    try:
        found = posted(sms, BEARER, body, TOKEN, NOW)
    except BadEvent:
        return
    for one in found:
        assert 0 < len(one.id) <= 100
        assert 0 <= one.at < 2**53
        assert one.tag is None or (one.tag.isascii() and len(one.tag) <= 100)
        assert one.message_id is None or (one.message_id.isascii() and len(one.message_id) <= 100)
        assert one.kind is EventKind.OTHER or one.tag or one.message_id


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
likely = st.fixed_dictionaries(
    {},
    optional={
        "m": st.lists(st.fixed_dictionaries({"ref": st.text(max_size=120) | json_values})),
        "id": json_values,
        "status": st.sampled_from(["done", "lost", "on_its_way"]) | json_values,
        "when": st.integers() | st.floats() | st.text(max_size=20),
    },
)


@given(st.binary(max_size=200), st.sampled_from(["json", "form", "query"]))
def test_any_bytes(body: bytes, encoding: str) -> None:
    never_raises_otherwise(reader(body=encoding, time="when"), body)


@given(likely | json_values)
def test_any_receipt(body: object) -> None:
    never_raises_otherwise(reader(time="when"), msgspec.json.encode(body))


@given(st.text(max_size=600))
def test_any_declaration_is_read_or_refused(text: str) -> None:
    with pytest.raises(DeclarationError):
        parse_declaration(text, "x")
