"""Replies over the wire: what leaves, and what each answer comes to. A token counts once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, ReplyMessageRequest, TextMessage

from emulator_support import RunningEmulator, running_emulator, running_sink
from todoke.carriers import Carrier, LineReply
from todoke.carriers.line import LineReplyCarrier, Transport
from todoke.core.outcome import Outcome

PHONE = "+818000001234"
TOKEN = "0f3779fba3b349968c5d07db31eab56f"
TEXTS = [{"type": "text", "text": "届きました 😀"}]
MESSAGE = LineReply(reply_token=TOKEN, messages=TEXTS, access_token="a.token")
TAG = "0198f0c2-tag-of-attempt-1"


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


async def send(url: str, message: LineReply = MESSAGE, **options: Any) -> Any:
    async with Transport(url.rstrip("/"), **options) as transport:
        carrier: Carrier[LineReply] = LineReplyCarrier(transport)
        return await carrier.send(message, TAG)


async def test_a_user_who_wrote_is_answered_once_by_the_token_of_their_event(
    emulator: RunningEmulator,
) -> None:
    async with running_sink() as sink:
        channel = await emulator.channel(webhook_url=sink.url)
        await emulator.user(PHONE)
        await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
        (event,) = await sink.got(1)
        message = LineReply(
            reply_token=event["replyToken"], messages=TEXTS, access_token=channel["access_token"]
        )
        first = await send(emulator.url, message)
        again = await send(emulator.url, message)
    assert (first.outcome, first.status) == (Outcome.ACCEPTED, 200)
    assert (again.outcome, again.status, again.detail) == (Outcome.INVALID, 400, "Invalid reply token")
    assert "届きました" in json.dumps(await emulator.screen(PHONE), ensure_ascii=False)


async def test_what_leaves_is_what_lines_own_sdk_sends(serve: Any, does: Any) -> None:
    server = await serve(does.answering(200, b'{"sentMessages":[{"id":"1"}]}', "X-Line-Request-Id: r-1"))
    answer = await send(server.url)
    assert (answer.outcome, answer.status, answer.request_id) == (Outcome.ACCEPTED, 200, "r-1")
    sdk = MessagingApi(ApiClient(Configuration(host=server.url, access_token="a.token")))
    request = ReplyMessageRequest(replyToken=TOKEN, messages=[TextMessage(text=TEXTS[0]["text"])])
    await asyncio.to_thread(sdk.reply_message, request)
    heads, bodies = zip(*(x.decode().split("\r\n\r\n") for x in server.requests), strict=True)
    assert heads[0].split("\r\n")[0] == heads[1].split("\r\n")[0] == "POST /v2/bot/message/reply HTTP/1.1"
    assert "authorization: bearer a.token" in heads[0].lower()
    assert "retry-key" not in heads[0].lower()
    ours, sdks = map(json.loads, bodies)
    assert ours == {"replyToken": TOKEN, "messages": TEXTS}
    assert ours == {name: sdks[name] for name in ours} | {"messages": ours["messages"]}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, b'{"message":"Invalid reply token"}', Outcome.INVALID),
        (401, b'{"message":"no"}', Outcome.DENIED),
        (403, b'{"message":"no"}', Outcome.DENIED),
        (429, b'{"message":"slow"}', Outcome.THROTTLED),
        (302, b"", Outcome.FAILED),
        (500, b"", Outcome.UNKNOWN),
        (503, b"", Outcome.UNKNOWN),
    ],
)
async def test_each_status_means(status: int, body: bytes, outcome: Outcome, serve: Any, does: Any) -> None:
    server = await serve(does.answering(status, body))
    assert (await send(server.url)).outcome is outcome


async def test_what_never_left_failed_and_what_may_have_arrived_is_unknown(serve: Any, does: Any) -> None:
    assert (await send("http://127.0.0.1:9")).outcome is Outcome.FAILED
    silent = await serve(does.hanging)
    assert (await send(silent.url, total=0.5, connect=0.3)).outcome is Outcome.UNKNOWN


async def test_a_token_or_a_text_that_can_not_be_sent_never_leaves(serve: Any, does: Any) -> None:
    server = await serve(does.answering(200, b"{}"))
    bad_token = LineReply(reply_token=TOKEN, messages=TEXTS, access_token="a\nb")
    assert (await send(server.url, bad_token)).outcome is Outcome.DENIED
    half = LineReply(reply_token=TOKEN, messages=[{"type": "text", "text": {1, 2}, 3j: 1}], access_token="t")
    assert (await send(server.url, half)).outcome is Outcome.INVALID
    assert server.requests == []
