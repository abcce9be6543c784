"""LINE's webhooks: whose they are, what they say, and that nothing in them can break the reader."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.carriers import BadEvent, BadSignature, EventKind, InboundEvent
from todoke.carriers.line.events import check_signature, read_events, sign

SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
VECTOR = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
NOW = 1_786_000_000_000
AT = 1_785_000_000_000
USER = "U4af4980629" + "0" * 22
TAG = "0198f0c2-tag-of-attempt-1"


def parse_event(headers: dict[str, str], body: bytes, secret: str, now: int) -> list[InboundEvent]:
    check_signature(headers, body, secret)
    return read_events(body, now)


def event(kind: str, **more: object) -> dict[str, Any]:
    return {
        "type": kind,
        "mode": "active",
        "timestamp": AT,
        "webhookEventId": "01H810YECXQQZ37VAXPF6H9E6T",
        "deliveryContext": {"isRedelivery": False},
        **more,
    }


def parse(*events: object) -> list[tuple[Any, ...]]:
    body = json.dumps({"destination": "U1", "events": events}).encode()
    found = parse_event({"x-line-signature": sign(body, SECRET)}, body, SECRET, NOW)
    return [(one.kind, one.at, one.tag, one.user_id) for one in found]


def test_vector() -> None:
    signature = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="
    assert sign(VECTOR, SECRET) == signature
    for name in ("x-line-signature", "X-Line-Signature", "X-LINE-SIGNATURE"):
        assert parse_event({"host": "x", name: signature}, VECTOR, SECRET, NOW) == []


@pytest.mark.parametrize(
    ("headers", "secret", "says"),
    [
        ({}, SECRET, "missing"),
        ({"x-line-signature": ""}, SECRET, "does not match"),
        ({"x-line-signature": sign(VECTOR, "old")}, SECRET, "set the channel secret"),
        ({"x-line-signature": "ÿ☃"}, SECRET, "does not match"),
        ({"x-line-signature": sign(VECTOR, SECRET).lower()}, SECRET, "does not match"),
        ({"x-line-signature": sign(VECTOR, "")}, "", "no channel secret"),
    ],
)
def test_bad_signature(headers: dict[str, str], secret: str, says: str) -> None:
    with pytest.raises(BadSignature, match=says) as caught:
        parse_event(headers, VECTOR, secret, NOW)
    assert SECRET not in str(caught.value)
    assert sign(VECTOR, SECRET) not in str(caught.value)


def test_one_changed_byte() -> None:
    with pytest.raises(BadSignature):
        check_signature({"x-line-signature": sign(VECTOR, SECRET)}, VECTOR + b" ", SECRET)


def test_kinds() -> None:
    source = {"type": "user", "userId": USER}
    assert parse(
        event("delivery", delivery={"data": TAG}),
        event("follow", source=source, follow={"isUnblocked": True}, replyToken="r"),
        event("unfollow", source=source),
        event("accountLink", source=source, link={"result": "ok", "nonce": "n"}),
        event("message", source=source, message={"type": "text", "text": "secret words"}),
        event("postback", source=source, postback={"data": "x"}),
        event("somethingNew", new={"a": [1]}),
        event("follow", source={"type": "group"}),
    ) == [
        (EventKind.PROOF, AT, TAG, None),
        (EventKind.FOLLOW, AT, None, USER),
        (EventKind.UNFOLLOW, AT, None, USER),
        (EventKind.LINKED, AT, None, USER),
        (EventKind.MESSAGE, AT, None, USER),
        (EventKind.POSTBACK, AT, None, USER),
        (EventKind.OTHER, AT, None, None),
        (EventKind.OTHER, AT, None, None),
    ]


def test_ids_and_details() -> None:
    body = json.dumps({"events": [event("message", message={"text": "secret words"})]}).encode()
    (one,) = parse_event({"x-line-signature": sign(body, SECRET)}, body, SECRET, NOW)
    assert (one.id, one.kind) == ("01H810YECXQQZ37VAXPF6H9E6T", EventKind.OTHER)
    assert one.detail == "message event without source.userId"


@pytest.mark.parametrize(
    ("follow", "unblocked"),
    [
        ({"isUnblocked": True}, True),
        ({"isUnblocked": False, "new": 1}, False),
        ({"isUnblocked": "true"}, None),
        ({"isUnblocked": 1}, None),
        ({"isUnblocked": None}, None),
        ({}, None),
        (None, None),
        ("yes", None),
        ([{"isUnblocked": True}], None),
    ],
)
def test_a_follow_tells_whether_it_undoes_a_block_and_is_never_lost_over_it(
    follow: object, unblocked: bool | None
) -> None:
    source = {"type": "user", "userId": USER}
    body = json.dumps({"events": [event("follow", source=source, follow=follow)]}).encode()
    (one,) = read_events(body, NOW)
    assert (one.kind, one.user_id, one.unblocked) == (EventKind.FOLLOW, USER, unblocked)


def test_only_a_follow_tells_whether_it_undoes_a_block() -> None:
    source = {"type": "user", "userId": USER}
    hint = {"source": source, "follow": {"isUnblocked": True}}
    events = [event("unfollow", **hint), event("message", **hint), event("follow", source=source)]
    body = json.dumps({"events": events}).encode()
    assert [one.unblocked for one in read_events(body, NOW)] == [None, None, None]


SOURCE = {"type": "user", "userId": USER}
REPLY = "0f3779fba3b349968c5d07db31eab56f"


def read_one(**values: object) -> InboundEvent:
    kind = str(values.pop("type"))
    body = json.dumps({"events": [event(kind, **values)]}).encode()
    (one,) = read_events(body, NOW)
    return one


def test_a_user_s_words_come_with_the_token_that_answers_them() -> None:
    said = {"type": "text", "text": "LINK 7F3K9QXW", "id": "1"}
    one = read_one(type="message", source=SOURCE, message=said, replyToken=REPLY)
    assert (one.kind, one.user_id, one.text, one.reply_token) == (
        EventKind.MESSAGE,
        USER,
        "LINK 7F3K9QXW",
        REPLY,
    )


@pytest.mark.parametrize("kind", ["image", "sticker", "location", "video", 7, None])
def test_a_message_that_is_no_text_has_none(kind: object) -> None:
    sent = {"type": kind, "id": "1", "text": "alternative"}
    one = read_one(type="message", source=SOURCE, message=sent, replyToken=REPLY)
    assert (one.kind, one.text, one.reply_token) == (EventKind.MESSAGE, None, REPLY)


def test_words_are_one_line_and_no_longer_than_a_word_could_be() -> None:
    def text(given: object) -> str | None:
        return read_one(type="message", source=SOURCE, message={"type": "text", "text": given}).text

    assert text("  連結\n\0\u202e ok ") == "連結    ok"
    assert text("x" * 5000) == "x" * 500
    assert text(" \n\t ") is None
    assert [text(x) for x in (7, None, [], {"a": 1})] == [None] * 4


def test_a_tap_tells_its_data() -> None:
    one = read_one(type="postback", source=SOURCE, postback={"data": "todoke:bind"}, replyToken=REPLY)
    assert (one.kind, one.text, one.reply_token) == (EventKind.POSTBACK, "todoke:bind", REPLY)


def test_an_account_link_tells_its_nonce_and_whether_it_was_the_right_user() -> None:
    link = {"result": "ok", "nonce": "n" * 24}
    one = read_one(type="accountLink", source=SOURCE, link=link, replyToken=REPLY)
    assert (one.kind, one.nonce, one.linked, one.user_id) == (EventKind.LINKED, "n" * 24, True, USER)
    assert one.reply_token == REPLY
    failed = read_one(type="accountLink", link={"result": "failed", "nonce": "n" * 24})
    assert (failed.kind, failed.nonce, failed.linked) == (EventKind.LINKED, "n" * 24, False)
    assert (failed.user_id, failed.reply_token) == (None, None)


@pytest.mark.parametrize(
    "link",
    [
        None,
        "ok",
        [],
        {},
        {"result": "ok"},
        {"nonce": "n"},
        {"result": "new", "nonce": "n"},
        {"result": ["ok"], "nonce": "n"},
        {"result": "ok", "nonce": 7},
        {"result": "ok", "nonce": ""},
        {"result": "ok", "nonce": "n" * 101},
        {"result": "ok", "nonce": "two words"},
    ],
)
def test_an_account_link_that_makes_no_sense_is_kept_and_not_acted_on(link: object) -> None:
    assert read_one(type="accountLink", source=SOURCE, link=link).kind is EventKind.OTHER
    ok = {"result": "ok", "nonce": "n"}
    assert read_one(type="accountLink", link=ok).kind is EventKind.OTHER


def test_a_follow_can_be_answered_and_an_unfollow_can_not() -> None:
    assert read_one(type="follow", source=SOURCE, replyToken=REPLY).reply_token == REPLY
    assert read_one(type="unfollow", source=SOURCE).reply_token is None


def test_in_standby_nothing_can_be_answered() -> None:
    said = {"type": "text", "text": "link"}
    body = {
        "events": [{**event("message", source=SOURCE, message=said, replyToken=REPLY), "mode": "standby"}]
    }
    (one,) = read_events(json.dumps(body).encode(), NOW)
    assert (one.kind, one.text, one.reply_token) == (EventKind.MESSAGE, "link", None)


@pytest.mark.parametrize("kind", ["group", "room"])
def test_what_is_said_in_a_group_is_not_acted_on(kind: str) -> None:
    source = {"type": kind, "groupId": "C1", "userId": USER}
    for more in ({"message": {"type": "text", "text": "link"}}, {"postback": {"data": "todoke:bind"}}):
        name = next(iter(more))
        one = read_one(type=name, source=source, replyToken=REPLY, **more)
        assert (one.kind, one.text, one.reply_token) == (EventKind.OTHER, None, None)


@pytest.mark.parametrize("token", [None, 7, "", "x" * 201, "two words", "nul\0", ["a"], {"a": 1}])
def test_a_reply_token_that_none_can_be_costs_only_itself(token: object) -> None:
    one = read_one(type="message", source=SOURCE, message={"type": "text", "text": "link"}, replyToken=token)
    assert (one.kind, one.text, one.reply_token) == (EventKind.MESSAGE, "link", None)


def test_half_a_character_in_one_message_does_not_cost_the_other_events() -> None:
    bad = json.dumps(event("message", source=SOURCE, message={"type": "text", "text": "HALF"}))
    good = json.dumps(event("delivery", delivery={"data": TAG}, webhookEventId="01H810YECXQQZ37VAXPF6H9E6U"))
    for half in ("\\ud800", "\\u0000"):
        body = f'{{"events":[{bad.replace("HALF", half)},{good}]}}'.encode()
        found = read_events(body, NOW)
        assert found[1].tag == TAG
        assert (found[0].kind, found[0].text in ("?", None)) == (EventKind.MESSAGE, True)
    body = f'{{"events":[{bad.replace("HALF", "RAW")},{good}]}}'.encode().replace(b"RAW", b"\xff\xfe")
    assert read_events(body, NOW)[1].kind is EventKind.PROOF


BROKEN: list[Any] = [
    None,
    7,
    "text",
    [],
    {},
    event("delivery", delivery={"data": 7}),
    event("delivery", delivery={"data": ""}),
    event("delivery", delivery={"data": "x" * 101}),
    event("delivery", delivery={"data": "new\nline"}),
    event("delivery", delivery={"data": "nul\0"}),
    event("delivery", delivery={"data": TAG + "\n"}),
    event("delivery", delivery={"data": TAG}, webhookEventId="01H810YECXQQZ37VAXPF6H9E6T\n"),
    event("delivery", delivery=[]),
    event("delivery", delivery={}),
    event("delivery"),
    event("delivery", delivery={"data": TAG}, webhookEventId=None),
    event("delivery", delivery={"data": TAG}, webhookEventId=""),
    event("delivery", delivery={"data": TAG}, timestamp="today"),
    event("delivery", delivery={"data": TAG}, timestamp=10**30),
    event("delivery", delivery={"data": TAG}, timestamp=-1),
    event("follow", source="U1"),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_event_does_not_lose_the_others(broken: object) -> None:
    good = event("delivery", delivery={"data": TAG})
    first, middle, last = parse(good, broken, good)
    assert first == last == (EventKind.PROOF, AT, TAG, None)
    assert middle[0] is EventKind.OTHER


def test_a_broken_event_has_a_name_of_its_own_that_stays() -> None:
    def ids(*events: object) -> list[str]:
        body = json.dumps({"events": events}).encode()
        found = parse_event({"x-line-signature": sign(body, SECRET)}, body, SECRET, NOW)
        assert all(one.detail and one.detail.startswith("unreadable event") for one in found)
        return [one.id for one in found]

    assert ids({"a": 1}, {"a": 2}) == [*ids({"a": 1}), *ids({"a": 2})]
    assert len(set(ids({"a": 1}, {"a": 2}))) == 2


def test_missing_time_and_null_source_do_not_lose_a_proof() -> None:
    proof = event("delivery", delivery={"data": TAG}, source=None)
    del proof["timestamp"]
    assert parse(proof) == [(EventKind.PROOF, NOW, TAG, None)]


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'{"events":{}}', b'{"events":[', b"\xff", b"[" * 100_000, b'{"events":[}'],
)
def test_signed_but_no_webhook(body: bytes) -> None:
    with pytest.raises(BadEvent, match="no webhook of LINE"):
        parse_event({"x-line-signature": sign(body, SECRET)}, body, SECRET, NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
likely_events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["delivery", "follow", "unfollow", "message"]) | json_values,
        "timestamp": st.integers() | json_values,
        "webhookEventId": st.text(max_size=120) | json_values,
        "source": st.dictionaries(st.just("userId"), json_values) | json_values,
        "delivery": st.dictionaries(st.just("data"), json_values) | json_values,
        "follow": st.dictionaries(st.just("isUnblocked"), json_values) | json_values,
    },
)


def never_raises_otherwise(body: bytes) -> None:
    try:
        found = parse_event({"x-line-signature": sign(body, SECRET)}, body, SECRET, NOW)
    except BadEvent:
        return
    for one in found:
        assert 0 < len(one.id) <= 100
        assert one.id.isascii()
        assert one.tag is None or len(one.tag) <= 100
        assert 0 <= one.at < 2**53
        assert (one.kind is EventKind.PROOF) == (one.tag is not None)


@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    never_raises_otherwise(body)


@given(st.lists(likely_events | json_values, max_size=5))
def test_any_events(events: list[object]) -> None:
    never_raises_otherwise(msgspec.json.encode({"events": events}))


@given(st.lists(likely_events, min_size=1, max_size=3), st.data())
def test_any_damage(events: list[object], data: st.DataObject) -> None:
    body = bytearray(msgspec.json.encode({"events": events}))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    never_raises_otherwise(bytes(body))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=4), st.binary(max_size=50))
def test_any_headers(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        parse_event(headers, body, SECRET, NOW)
