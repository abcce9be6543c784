"""How receipts of SMPP are read: as the standard has them, as providers write them, and any octets at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.smsc import declared
from todoke.carriers import BadEvent, EventKind, InboundEvent
from todoke.carriers.smpp.pdu import BadPdu
from todoke.carriers.smpp.receipts import ReceiptReader

NOW = 1_750_000_000_000


def reader(**changes: Any) -> ReceiptReader:
    return ReceiptReader(declared(2775, **changes), b"key")


def deliver(text: bytes, esm_class: int = 4, coding: int = 0, options: bytes = b"") -> bytes:
    """The body of a deliver_sm."""
    addresses = b"\0" + b"\1\1886912345678\0" + b"\5\0SHOP\0"
    fields = bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, coding, 0, len(text)))
    return addresses + fields + text + options


def read(text: bytes, now: int = NOW, **given: Any) -> list[InboundEvent]:
    changes = given.pop("changes", {})
    return reader(**changes).read(reader(**changes).to_store(deliver(text, **given)), now)


def tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


@pytest.mark.parametrize(
    "text",
    [
        "id:m1 sub:001 dlvrd:001 submit date:2401021530 done date:2401021531 stat:DELIVRD err:000 text:hello",
        "ID:m1 SUB:1 DLVRD:1 SUBMIT DATE:2401021530 DONE DATE:240102153100 STAT:delivrd ERR:0 TEXT:hello",
        "id: m1 stat: DELIVRD done date: 2401021531",
        "stat:DELIVERED done_date:20240102153100 id:m1",
        "id:m1;sub:001;stat:DELIVRD;done date:2401021531;err:0",
        "id:m1 done date:2401021531 stat:DELIVRD text:id:m2 stat:UNDELIV",
        "id:m1 err: done date:2401021531 stat:DELIVRD",
    ],
)
def test_receipts_are_read_however_they_are_written(text: str) -> None:
    (event,) = read(text.encode())
    assert (event.kind, event.message_id, event.at) == (EventKind.PROOF, "m1", 1_704_209_460_000)


@pytest.mark.parametrize(
    ("stat", "kind"),
    [
        ("DELIVRD", EventKind.PROOF),
        ("EXPIRED", EventKind.NO_PROOF),
        ("DELETED", EventKind.NO_PROOF),
        ("UNDELIV", EventKind.NO_PROOF),
        ("REJECTD", EventKind.NO_PROOF),
        ("UNKNOWN", EventKind.OTHER),
        ("WHATEVER", EventKind.OTHER),
        ("ENROUTE", None),
        ("ACCEPTD", None),
    ],
)
def test_a_state_decides(stat: str, kind: EventKind | None) -> None:
    found = read(f"id:m1 stat:{stat} err:0".encode())
    assert [event.kind for event in found] == ([] if kind is None else [kind])


def test_text_and_option_that_contradict_each_other_decide_nothing() -> None:
    (event,) = read(b"id:m1 stat:DELIVRD", options=tlv(0x427, b"\5"))
    assert (event.kind, event.detail) == (
        EventKind.OTHER,
        "receipt of relay that decides nothing (DELIVRD and UNDELIV)",
    )


def test_the_option_goes_before_an_id_that_the_text_cuts_off() -> None:
    (event,) = read(b"id:0123456789 stat:DELIVRD", options=tlv(0x1E, b"0123456789abcdef\0"))
    assert event.message_id == "0123456789abcdef"


def test_a_receipt_is_known_by_its_options_where_the_class_does_not_say_so() -> None:
    (event,) = read(b"", esm_class=0, options=tlv(0x1E, b"m1\0") + tlv(0x427, b"\2"))
    assert (event.kind, event.message_id) == (EventKind.PROOF, "m1")


def test_an_intermediate_notification_is_never_final() -> None:
    assert read(b"id:m1 stat:UNDELIV", esm_class=0x20) == []


def test_receipts_in_other_alphabets_are_read() -> None:
    assert read("id:m1 stat:DELIVRD".encode("utf-16-be"), coding=8)[0].message_id == "m1"
    assert read(b"id:a\x11b stat:DELIVRD")[0].message_id == "a_b"
    assert read(b"\5\0\3\1\1\1id:m1 stat:DELIVRD", esm_class=0x44)[0].message_id == "m1"
    payload = tlv(0x424, b"id:m1 stat:DELIVRD")
    assert read(b"", options=payload)[0].message_id == "m1"


def test_ids_in_hex_of_decimals_meet() -> None:
    changes = {"receipt_id": "hex_of_decimal"}
    assert reader(**changes).submitted_id("0001001") == "3e9"
    assert read(b"id:3E9 stat:DELIVRD", changes=changes)[0].message_id == "3e9"
    assert read(b"", options=tlv(0x1E, b"1001\0"), changes=changes)[0].message_id == "3e9"


def test_a_time_says_its_zone_and_is_never_in_the_future() -> None:
    (tokyo,) = read(b"id:m1 stat:DELIVRD done date:2401021531", changes={"utc_offset": "+09:00"})
    assert tokyo.at == 1_704_209_460_000 - 9 * 3_600_000
    assert read(b"id:m1 stat:DELIVRD done date:9901021531")[0].at < NOW
    for odd in (b"9913391531", b"3001021531", b"soon", b""):
        assert read(b"id:m1 stat:DELIVRD done date:" + odd)[0].at == NOW


def test_without_an_id_a_receipt_decides_nothing_and_is_the_same_when_it_comes_again() -> None:
    first, again, other = (read(text)[0] for text in (b"stat:DELIVRD", b"stat:DELIVRD", b"stat:DELIVRD x"))
    assert (first.kind, first) == (EventKind.OTHER, again)
    assert other.id != first.id


def test_the_hash_of_a_message_from_a_phone_needs_the_key() -> None:
    body = deliver(b"STOP", esm_class=0)
    declaration = declared(2775)
    assert ReceiptReader(declaration, b"a").to_store(body) != ReceiptReader(declaration, b"b").to_store(body)


_ANY_DELIVERY = st.builds(
    deliver,
    st.one_of(st.binary(max_size=255), st.text("idstaerdon:; DELIVRD0123", max_size=255).map(str.encode)),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=80),
)


@given(st.one_of(st.binary(max_size=400), _ANY_DELIVERY))
def test_any_octets_are_stored_and_read_or_refused(body: bytes) -> None:
    try:
        stored = reader().to_store(body)
    except BadPdu:
        return
    found = reader().read(stored, NOW)
    assert found == reader().read(reader().to_store(body), NOW)
    for event in found:
        assert 0 <= event.at <= NOW
        assert event.message_id is None or (event.message_id.isascii() and event.message_id.isprintable())
        assert event.kind is EventKind.OTHER or event.message_id


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=100).map(
            lambda text: json.dumps({"hash": text, "receipt": True, "id": text}).encode()
        ),
        st.just(b"[" * 20_000),
        st.just(b'{"hash":"x","more":' + b"[" * 20_000),
    )
)
def test_any_stored_octets_are_events_or_a_bad_event(body: bytes) -> None:
    try:
        found = reader().read(body, NOW)
    except BadEvent:
        return
    assert all(len(event.id) <= 110 for event in found)
