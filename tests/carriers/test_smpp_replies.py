"""SMS that people send back over SMPP: only words are kept."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.smsc import declared
from todoke.carriers import BadEvent, EventKind
from todoke.carriers.smpp.pdu import BadPdu
from todoke.carriers.smpp.receipts import ReceiptReader

NOW = 1_750_000_000_000


def reader(**changes: object) -> ReceiptReader:
    return ReceiptReader(declared(1, **changes), b"key")


def deliver(
    octets: bytes, *, coding: int = 0, source: bytes = b"886912345678", ton: int = 1, esm_class: int = 0
) -> bytes:
    """The body of a deliver_sm (SMPP 3.4, 4.6.1)."""
    addresses = bytes((ton, 1)) + source + b"\0" + bytes((3, 1)) + b"SHOP\0"
    head = bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, coding, 0, len(octets)))
    return b"\0" + addresses + head + octets


@pytest.mark.parametrize(
    ("octets", "coding", "word"),
    [
        (b"STOP", 0, "STOP"),
        (b" stop! ", 1, "STOP"),
        (b"Stop", 3, "STOP"),
        ("退訂".encode("utf-16-be"), 8, "退訂"),
        ("配信停止してください".encode("utf-16-be"), 8, "配信停止"),
        ("ยกเลิกครับ".encode("utf-16-be"), 8, "ยกเลิก"),
        (b"START", 0, "START"),
    ],
)
def test_a_word_from_a_phone_becomes_an_event(octets: bytes, coding: int, word: str) -> None:
    replies = reader()
    (event,) = replies.read(replies.to_store(deliver(octets, coding=coding)), NOW)
    assert (event.kind, event.number, event.text, event.at) == (EventKind.SMS, "+886912345678", word, NOW)


def test_of_every_other_text_neither_number_nor_text_is_kept() -> None:
    replies = reader()
    for octets in (b"please don't stop", b"my PIN is 4711", b""):
        stored = replies.to_store(deliver(octets))
        assert set(json.loads(stored)) == {"hash"}
        assert replies.read(stored, NOW)[0].kind is EventKind.OTHER


def test_a_stop_after_a_start_counts_although_its_octets_are_the_same() -> None:
    replies = reader()
    ids = {replies.read(replies.to_store(deliver(b"STOP")), NOW)[0].id for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("source", "ton", "number"),
    [
        (b"886912345678", 1, "+886912345678"),
        (b"+886912345678", 1, "+886912345678"),
        (b"886912345678", 0, "+886912345678"),
        (b"0912345678", 2, "+886912345678"),
        (b"0912345678", 1, None),
        (b"SHOP", 5, None),
        (b"", 1, None),
        (b"15005550006", 1, None),
    ],
)
def test_whose_number_it_is(source: bytes, ton: int, number: str | None) -> None:
    replies = reader(countries=["TW"])
    (event,) = replies.read(replies.to_store(deliver(b"STOP", source=source, ton=ton)), NOW)
    assert event.number == number
    assert event.kind is (EventKind.OTHER if number is None else EventKind.SMS)


def test_a_receipt_whose_text_is_a_word_is_no_word() -> None:
    replies = reader()
    stored = replies.to_store(deliver(b"id:m1 stat:DELIVRD text:STOP", esm_class=4))
    (event,) = replies.read(stored, NOW)
    assert (event.kind, event.number, event.text) == (EventKind.PROOF, None, None)
    assert b"STOP" not in stored


@pytest.mark.parametrize(
    "more",
    [
        {"word": "STOP"},
        {"word": "STOP", "number": "0912345678"},
        {"word": "not a word", "number": "+886912345678"},
        {"word": "STOP", "number": "+886912345678", "hash": "x"},
    ],
)
def test_what_was_not_stored_by_us_is_not_read(more: dict[str, str]) -> None:
    stored = json.dumps({"hash": "a" * 40, **more}).encode()
    with pytest.raises(BadEvent):
        reader().read(stored, NOW)


@given(st.binary(max_size=200))
def test_whatever_a_centre_sends_there_is_an_answer(body: bytes) -> None:
    replies = reader()
    try:
        stored = replies.to_store(body)
    except BadPdu:
        return
    replies.read(stored, NOW)


def test_a_long_body_with_the_text_as_payload_is_read() -> None:
    payload = "停止".encode("utf-16-be")
    body = deliver(b"", coding=8) + struct.pack("!HH", 0x0424, len(payload)) + payload
    replies = reader()
    assert replies.read(replies.to_store(body), NOW)[0].text == "停止"
