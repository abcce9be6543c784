"""Push messages over the wire: what leaves, what each answer comes to, and that a retry key counts once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linebot.v3.messaging import (
    ApiClient,
    Configuration,
    MessagingApi,
    PushMessageRequest,
    TextMessage,
)

from emulator_support import RunningEmulator, running_emulator
from todoke.carriers import Carrier, LineNotification, LinePush
from todoke.carriers.line import LineCarrier, LinePushCarrier, Transport
from todoke.carriers.line.connection import Reply
from todoke.carriers.line.errors import not_accepted
from todoke.carriers.line.push import _read
from todoke.core.outcome import SURELY_NOT_TAKEN, Outcome

USER = "U4af4980629" + "0" * 22
KEY = "123e4567-e89b-12d3-a456-426614174000"
TAG = "0198f0c2-tag-of-attempt-1"
PHONE = "+818000001234"
TEXTS = [{"type": "text", "text": "届きました 😀"}, {"type": "text", "text": "second"}]
MESSAGE = LinePush(user_id=USER, messages=TEXTS, retry_key=KEY, access_token="a.token")
ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
HASTY = {"total": 0.5, "connect": 0.3}
"""For servers that never answer: the time-out comes soon, without anybody sleeping."""


@pytest.fixture
async def push_to() -> AsyncIterator[Callable[..., LinePushCarrier]]:
    """Makes carriers to a base URL, and closes their connections at the end."""
    made: list[Transport] = []

    def make(url: str, **options: Any) -> LinePushCarrier:
        made.append(Transport(url.rstrip("/"), **options))
        return LinePushCarrier(made[-1])

    yield make
    for transport in made:
        await transport.close()


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


def taken_apart(request: bytes) -> tuple[str, dict[str, str], Any]:
    """First line, headers by lower-case names, the JSON."""
    head, body = request.decode().split("\r\n\r\n")
    first, *rest = head.split("\r\n")
    return (
        first,
        {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)},
        json.loads(body),
    )


async def test_what_leaves_has_the_retry_key_and_no_delivery_tag(serve: Any, does: Any, push_to: Any) -> None:
    server = await serve(does.answering(200, b'{"sentMessages":[{"id":"1"}]}', "X-Line-Request-Id: r-1"))
    carrier: Carrier[LinePush] = push_to(server.url + "/")
    answer = await carrier.send(MESSAGE, TAG)
    assert (answer.outcome, answer.status, answer.request_id) == (Outcome.ACCEPTED, 200, "r-1")
    assert answer.detail is None
    first, headers, body = taken_apart(server.requests[0])
    assert first == "POST /v2/bot/message/push HTTP/1.1"
    assert headers["authorization"] == "Bearer a.token"
    assert headers["content-type"] == "application/json"
    assert headers["x-line-retry-key"] == KEY
    assert TAG.encode() not in server.requests[0]
    assert body == {"to": USER, "messages": TEXTS}


async def test_it_is_what_lines_own_sdk_sends(serve: Any, does: Any, push_to: Any) -> None:
    server = await serve(does.answering(200, b'{"sentMessages":[{"id":"1"}]}'))
    await push_to(server.url).send(MESSAGE, TAG)
    sdk = MessagingApi(ApiClient(Configuration(host=server.url, access_token="a.token")))
    texts = [TextMessage(text=text["text"]) for text in TEXTS]
    request = PushMessageRequest(to=USER, messages=texts)
    await asyncio.to_thread(sdk.push_message, request, KEY)
    ours, sdks = map(taken_apart, server.requests)
    assert ours[0] == sdks[0]
    for name in ("authorization", "content-type", "x-line-retry-key", "host"):
        assert ours[1][name] == sdks[1][name], name
    # The SDK also writes the defaults of what was not given.
    assert ours[2] == {name: sdks[2][name] for name in ours[2]}
    assert PushMessageRequest.from_dict(ours[2]) is not None


def error(message: str, *details: tuple[str, str]) -> bytes:
    body: dict[str, object] = {"message": message}
    if details:
        body["details"] = [{"message": text, "property": place} for text, place in details]
    return json.dumps(body).encode()


MONTHLY = error("You have reached your monthly limit.")
RATE = error("The API rate limit has been exceeded. Try again later.")
REPEATED = b'{"message":"The retry key is already accepted","sentMessages":[{"id":"1"}]}'

STATUSES = [
    (200, b'{"sentMessages":[]}', Outcome.ACCEPTED, False),
    (200, b"\xff not json", Outcome.ACCEPTED, False),
    (200, b"x" * 200_000, Outcome.ACCEPTED, False),
    (301, b"", Outcome.FAILED, False),
    (400, error("The request body has 1 error(s)", ("May not be empty", "messages")), Outcome.INVALID, False),
    (400, error("Failed to send messages"), Outcome.UNREACHABLE, False),
    (400, b'{"message": 5}', Outcome.INVALID, False),
    (400, b"Failed to send messages", Outcome.INVALID, False),
    (400, error("The property, to, in the request body is invalid"), Outcome.INVALID, False),
    (401, error("Authentication failed"), Outcome.DENIED, False),
    (403, error("Failed to send messages"), Outcome.DENIED, False),
    (404, b"<html>", Outcome.INVALID, False),
    (409, REPEATED, Outcome.ACCEPTED, False),
    (409, b"<html>" * 50_000, Outcome.ACCEPTED, False),
    (413, b"{}", Outcome.INVALID, False),
    (429, RATE, Outcome.THROTTLED, False),
    (429, MONTHLY, Outcome.THROTTLED, True),
    (500, error("Failed to send messages"), Outcome.UNKNOWN, False),
    (503, b"[" * 60_000, Outcome.UNKNOWN, False),
]


@pytest.mark.parametrize(("status", "body", "outcome", "quota"), STATUSES)
async def test_every_status(
    serve: Any, does: Any, push_to: Any, status: int, body: bytes, outcome: Outcome, quota: bool
) -> None:
    elsewhere = await serve(does.answering(200))
    server = await serve(
        does.answering(status, body, "x-line-request-id: r-2", f"Location: {elsewhere.url}/")
    )
    answer = await push_to(server.url).send(MESSAGE, TAG)
    assert (answer.outcome, answer.status, answer.quota_used_up) == (outcome, status, quota)
    assert answer.request_id == "r-2"
    assert len(server.requests) == 1
    assert not elsewhere.requests


async def test_the_request_that_counts_for_a_repeated_key_is_the_first(
    serve: Any, does: Any, push_to: Any
) -> None:
    headers = ("X-Line-Request-Id: second", "X-Line-Accepted-Request-Id: first")
    server = await serve(does.answering(409, REPEATED, *headers))
    answer = await push_to(server.url).send(MESSAGE, TAG)
    assert (answer.outcome, answer.request_id) == (Outcome.ACCEPTED, "first")
    assert "same retry key" in (answer.detail or "")


async def test_the_wait_that_line_asks_for_is_told(serve: Any, does: Any, push_to: Any) -> None:
    server = await serve(does.answering(429, RATE, "Retry-After: 7"))
    assert (await push_to(server.url).send(MESSAGE, TAG)).retry_after == 7_000


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        ("hanging", Outcome.UNKNOWN, None),
        ("hanging_up", Outcome.UNKNOWN, None),
        ("resetting", Outcome.UNKNOWN, None),
        (("writing", b"not HTTP at all\r\n\r\n"), Outcome.UNKNOWN, None),
        (("cut", 200), Outcome.ACCEPTED, 200),
        (("cut", 409), Outcome.ACCEPTED, 409),
        (("cut", 400), Outcome.INVALID, 400),
        (("cut", 500), Outcome.UNKNOWN, 500),
    ],
)
async def test_every_break_after_connecting(
    serve: Any, does: Any, push_to: Any, behaviour: Any, outcome: Outcome, status: int | None
) -> None:
    match behaviour:
        case ("writing", answer):
            server = await serve(does.writing(answer))
        case ("cut", int(code)):
            server = await serve(does.answering(code, b'{"mess', length=50))
        case _:
            server = await serve(getattr(does, behaviour))
    answer = await push_to(server.url, **(HASTY if behaviour == "hanging" else {})).send(MESSAGE, TAG)
    assert (answer.outcome, answer.status) == (outcome, status)
    assert len(server.requests) == 1, "a request may never be repeated by the carrier"


async def test_where_nobody_listens_it_surely_failed(push_to: Any, refusing_url: str) -> None:
    answer = await push_to(refusing_url).send(MESSAGE, TAG)
    assert answer.outcome is Outcome.FAILED
    assert "Connection refused" in answer.detail


@pytest.mark.parametrize(
    ("change", "outcome", "says"),
    [
        ({"access_token": ""}, Outcome.DENIED, "access token"),
        ({"access_token": "two\r\nX-Evil: 1"}, Outcome.DENIED, "access token"),
        ({"retry_key": ""}, Outcome.INVALID, "retry key"),
        ({"retry_key": f"{KEY}\r\nX-Evil: 1"}, Outcome.INVALID, "retry key"),
        ({"retry_key": KEY + "\n"}, Outcome.INVALID, "retry key"),
        ({"retry_key": "٠" + KEY[1:]}, Outcome.INVALID, "retry key"),
        ({"messages": [{"text": "\ud800"}]}, Outcome.INVALID, "JSON"),
        ({"messages": [{"text": object()}]}, Outcome.INVALID, "JSON"),
        ({"messages": ENDLESS}, Outcome.INVALID, "JSON"),
        ({"user_id": "U\udcff"}, Outcome.INVALID, "JSON"),
    ],
)
async def test_what_can_not_be_sent_never_leaves(
    serve: Any, does: Any, push_to: Any, change: Any, outcome: Outcome, says: str
) -> None:
    server = await serve(does.answering(200))
    answer = await push_to(server.url).send(msgspec.structs.replace(MESSAGE, **change), TAG)
    assert answer.outcome is outcome
    assert says in answer.detail
    assert not server.requests


@given(st.integers(200, 599), st.binary(max_size=200), st.dictionaries(st.text(), st.text(), max_size=3))
def test_any_answer_is_an_outcome_and_only_2xx_and_409_are_accepted(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    answer = _read(Reply(status, headers, body))
    assert (answer.outcome is Outcome.ACCEPTED) == (status < 300 or status == 409)
    assert (answer.outcome is Outcome.UNKNOWN) == (status >= 500)
    # What a notification's answer means is no other thing, but for the two that only pushes have.
    if answer.outcome is not Outcome.ACCEPTED and answer.outcome is not Outcome.UNREACHABLE:
        assert answer == not_accepted(status, body, headers)


async def test_a_push_and_a_notification_share_connections_without_mixing_their_heads(
    serve: Any, does: Any
) -> None:
    server = await serve(does.answering(200))
    async with Transport(server.url) as transport:
        push, notify = LinePushCarrier(transport), LineCarrier(transport)
        notice = LineNotification(to=PHONE, flexible=True, payload={"messages": []}, access_token="a.token")
        for _ in range(2):
            await push.send(MESSAGE, TAG)
            await notify.send(notice, TAG)
    assert server.connections == 1
    for pushed, notified in (server.requests[:2], server.requests[2:]):
        assert b"x-line-delivery-tag" not in pushed.lower()
        assert b"x-line-retry-key" not in notified.lower()


# Against the emulator


async def friend(emulator: RunningEmulator, **channel: Any) -> tuple[dict[str, Any], str]:
    """A channel and the user ID of its only friend."""
    made = await emulator.channel(**channel)
    user = await emulator.user(PHONE)
    await emulator.act(PHONE, "add_friend", channel_id=made["channel_id"])
    return made, user["user_id"]


def to(user_id: str, channel: dict[str, Any], key: UUID | None = None) -> LinePush:
    return LinePush(
        user_id=user_id,
        messages=TEXTS,
        retry_key=str(key or uuid4()),
        access_token=channel["access_token"],
    )


async def test_a_friend_sees_it_once_however_often_it_is_sent_with_one_key(
    emulator: RunningEmulator, push_to: Any
) -> None:
    channel, user_id = await friend(emulator)
    carrier, message = push_to(emulator.url), to(user_id, channel)
    first, again = [await carrier.send(message, TAG) for _ in range(2)]
    assert (first.status, again.status) == (200, 409)
    assert {first.outcome, again.outcome} == {Outcome.ACCEPTED}
    assert first.request_id == again.request_id
    rows = await emulator.ledger()
    assert [(row["request_id"], row["fate"]) for row in rows] == [(first.request_id, "delivered")]
    chats = (await emulator.screen(PHONE))["chats"]
    assert sum(len(chat["messages"]) for chat in chats if chat["from"] == channel["channel_id"]) == len(TEXTS)


@pytest.mark.parametrize("kind", ["disconnect_after", "status_after"])
async def test_an_unknown_push_is_repeated_safely_with_its_key(
    emulator: RunningEmulator, push_to: Any, kind: str
) -> None:
    channel, user_id = await friend(emulator)
    await emulator.fault("api", kind, next=1, **({"status": 500} if kind == "status_after" else {}))
    carrier, message = push_to(emulator.url), to(user_id, channel)
    assert (await carrier.send(message, TAG)).outcome is Outcome.UNKNOWN
    repeated = await carrier.send(message, TAG)
    (row,) = await emulator.ledger()
    assert (repeated.outcome, repeated.status) == (Outcome.ACCEPTED, 409)
    assert repeated.request_id == row["request_id"]


async def test_what_line_refuses_is_told_apart(emulator: RunningEmulator, push_to: Any) -> None:
    channel, user_id = await friend(emulator, monthly_quota=1)
    carrier = push_to(emulator.url)
    stranger = await carrier.send(to(USER, channel), TAG)
    nobody = await carrier.send(to("somebody", channel), TAG)
    wrong = await carrier.send(msgspec.structs.replace(to(user_id, channel), messages=[]), TAG)
    denied = await carrier.send(msgspec.structs.replace(to(user_id, channel), access_token="x"), TAG)
    assert (await carrier.send(to(user_id, channel), TAG)).outcome is Outcome.ACCEPTED
    full = await carrier.send(to(user_id, channel), TAG)
    answers = [stranger, nobody, wrong, denied, full]
    assert [answer.outcome for answer in answers] == [
        Outcome.UNREACHABLE,
        Outcome.INVALID,
        Outcome.INVALID,
        Outcome.DENIED,
        Outcome.THROTTLED,
    ]
    assert full.quota_used_up
    assert all(answer.outcome in SURELY_NOT_TAKEN for answer in answers)
    assert all(answer.request_id and USER not in (answer.detail or "") for answer in answers)
    assert len(await emulator.ledger()) == 1
