"""Ordinary messages: push, multicast and reply, what validates them, and the loading animation."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from emulator_support import Reply, RunningEmulator, Sink
from line_emulator.world.reply_tokens import MOST_KEPT, ReplyTokens

PHONE, OTHER, THIRD = "+819012345678", "+819087654321", "+819011112222"
HELLO = [{"type": "text", "text": "Hello"}]
RETRY = "123e4567-e89b-12d3-a456-426614174000"
MESSAGE = "/v2/bot/message"


def auth(channel: dict[str, Any], **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {channel['access_token']}", **more}


async def send(
    emulator: RunningEmulator, channel: dict[str, Any], kind: str, retry_key: str | None = None, **body: Any
) -> Reply:
    headers = auth(channel) if retry_key is None else auth(channel, **{"X-Line-Retry-Key": retry_key})
    return await emulator.request("POST", f"{MESSAGE}/{kind}", {"messages": HELLO, **body}, headers)


async def chat(emulator: RunningEmulator, phone: str, channel: dict[str, Any]) -> list[dict[str, Any]]:
    chats = {chat["from"]: chat["messages"] for chat in (await emulator.screen(phone))["chats"]}
    return [entry for entry in chats.get(channel["channel_id"], []) if entry.get("by") != "user"]


async def fates(emulator: RunningEmulator) -> list[tuple[str, str]]:
    return [(row["path"].rpartition("/")[2], row["fate"]) for row in await emulator.ledger()]


async def friend(emulator: RunningEmulator, channel: dict[str, Any], phone: str) -> str:
    user = await emulator.user(phone)
    await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
    return str(user["user_ids"][channel["provider"]])


async def token_of_message(
    emulator: RunningEmulator, channel: dict[str, Any], sink: Sink, phone: str = PHONE
) -> str:
    """The user writes; the reply token of the event."""
    known = len(sink.events)
    await emulator.act(phone, "send_message", channel_id=channel["channel_id"], text="hi")
    events = await sink.got(known + 1)
    return str(events[-1]["replyToken"])


async def test_a_reply_answers_an_event_once_and_reaches_who_is_no_friend(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.user(PHONE)
    token = await token_of_message(emulator, channel, sink)
    answer = await send(emulator, channel, "reply", replyToken=token)
    assert answer.status == 200
    sent = answer.json["sentMessages"]
    assert len(sent) == 1
    assert sent[0]["id"].isdigit()
    assert (await chat(emulator, PHONE, channel))[0]["text"] == "Hello"
    again = await send(emulator, channel, "reply", replyToken=token)
    assert (again.status, again.json) == (400, {"message": "Invalid reply token"})
    row = (await emulator.ledger())[0]
    assert (row["path"], row["fate"], row["to"]) == ("/v2/bot/message/reply", "delivered", user["user_id"])
    assert len(await emulator.ledger()) == 1


async def test_a_reply_token_lasts_a_minute_of_virtual_time(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    early = await token_of_message(emulator, channel, sink)
    late = await token_of_message(emulator, channel, sink)
    await emulator.clock(advance="59s")
    assert (await send(emulator, channel, "reply", replyToken=early)).status == 200
    await emulator.clock(advance="1s")
    expired = await send(emulator, channel, "reply", replyToken=late)
    assert (expired.status, expired.json) == (400, {"message": "Invalid reply token"})


async def test_a_reply_token_belongs_to_one_channel_and_is_not_spent_by_a_refusal(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel, stranger = await emulator.channel(webhook_url=sink.url), await emulator.channel(name="Bank")
    await emulator.user(PHONE)
    token = await token_of_message(emulator, channel, sink)
    assert (await send(emulator, stranger, "reply", replyToken=token)).json[
        "message"
    ] == "Invalid reply token"
    wrong = await send(emulator, channel, "reply", replyToken=token, messages=[{"type": "text"}])
    assert wrong.json["details"] == [{"message": "May not be empty", "property": "messages[0].text"}]
    assert (await send(emulator, channel, "reply", replyToken="0" * 32)).status == 400
    assert (await send(emulator, channel, "reply", replyToken=token)).status == 200


async def test_a_redelivered_event_gives_its_reply_token_another_minute_up_to_20_minutes(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url, redelivery=True)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    sink.status = 500
    first = await token_of_message(emulator, channel, sink)
    second = await token_of_message(emulator, channel, sink)
    # It is posted again 1, 6 and 36 minutes after the event.
    await emulator.clock(advance="60s")
    assert {event["replyToken"] for event in sink.events if event["deliveryContext"]["isRedelivery"]} == {
        first,
        second,
    }
    await emulator.clock(advance="59s")
    assert (await send(emulator, channel, "reply", replyToken=first)).status == 200
    await emulator.clock(advance="4m")
    assert (await send(emulator, channel, "reply", replyToken=second)).status == 400
    await emulator.clock(advance="30s")
    assert (await send(emulator, channel, "reply", replyToken=first)).status == 400
    assert (await send(emulator, channel, "reply", replyToken=second)).status == 200
    third = await token_of_message(emulator, channel, sink)
    await emulator.clock(advance="36m")
    assert sum(event["replyToken"] == third for event in sink.events) == 4
    assert (await send(emulator, channel, "reply", replyToken=third)).status == 400
    late = await emulator.channel(webhook_url=sink.url, redelivery=True, redelivery_schedule=["1170s"])
    in_time = await token_of_message(emulator, late, sink)
    too_late = await token_of_message(emulator, late, sink)
    await emulator.clock(advance="1199s")
    assert (await send(emulator, late, "reply", replyToken=in_time)).status == 200
    await emulator.clock(advance="1s")
    assert (await send(emulator, late, "reply", replyToken=too_late)).status == 400


async def test_a_reply_token_of_a_delayed_event_begins_when_the_event_goes_out(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.fault("webhook", "delay", next=1, ms=300_000)
    await emulator.act(PHONE, "send_message", channel_id=channel["channel_id"], text="hi")
    await emulator.clock(advance="5m")
    token = (await sink.got(1))[0]["replyToken"]
    await emulator.clock(advance="59s")
    assert (await send(emulator, channel, "reply", replyToken=token)).status == 200


async def test_a_reply_to_who_blocks_in_the_meantime_is_200_and_silent(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    token = await token_of_message(emulator, channel, sink)
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    assert (await send(emulator, channel, "reply", replyToken=token)).status == 200
    assert await chat(emulator, PHONE, channel) == []
    assert await fates(emulator) == [("reply", "blocked")]


async def test_a_reply_takes_no_retry_key(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    token = await token_of_message(emulator, channel, sink)
    refused = await send(emulator, channel, "reply", retry_key=RETRY, replyToken=token)
    assert refused.status == 400
    assert "X-Line-Retry-Key" in refused.json["message"]
    assert (await send(emulator, channel, "reply", replyToken=token)).status == 200


async def test_events_that_cannot_be_answered_have_no_reply_token(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.send(channel, PHONE, "a-tag-of-some-length")
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    events = {event["type"]: event for event in await sink.got(3)}
    assert "replyToken" in events["follow"]
    assert "replyToken" not in events["unfollow"]
    assert "replyToken" not in events["delivery"]


async def test_what_can_be_quoted_comes_with_a_quote_token(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    url = "https://shop.example/picture.png"
    messages = [
        {"type": "text", "text": "Hello"},
        {"type": "sticker", "packageId": "446", "stickerId": "1988"},
        {"type": "image", "originalContentUrl": url, "previewImageUrl": url},
        {"type": "location", "title": "Here", "address": "Tokyo", "latitude": 35.6, "longitude": 139.7},
        {"type": "audio", "originalContentUrl": "https://shop.example/a.m4a", "duration": 1000},
    ]
    sent = (await send(emulator, channel, "push", to=user_id, messages=messages)).json["sentMessages"]
    ids = [int(entry["id"]) for entry in sent]
    assert ids == list(range(ids[0], ids[0] + 5))
    assert ["quoteToken" in entry for entry in sent] == [True, True, True, False, False]
    tokens = {entry["quoteToken"] for entry in sent[:3]}
    assert len(tokens) == 3
    assert all(len(token) > 40 for token in tokens)


async def test_a_multicast_reaches_friends_and_is_silent_towards_all_others(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    friends = [await friend(emulator, channel, PHONE), await friend(emulator, channel, OTHER)]
    stranger = (await emulator.user(THIRD))["user_id"]
    await emulator.act(OTHER, "block", channel_id=channel["channel_id"])
    # Having written lets a push through, but not a multicast.
    await emulator.act(THIRD, "send_message", channel_id=channel["channel_id"], text="hi")
    nobody = f"U{'0' * 32}"
    answer = await send(emulator, channel, "multicast", to=[*friends, stranger, nobody, friends[0]])
    assert (answer.status, answer.json) == (200, {})
    assert [(row["to"], row["fate"]) for row in await emulator.ledger()] == [
        (friends[0], "delivered"),
        (friends[1], "blocked"),
        (stranger, "refused"),
        (nobody, "refused"),
    ]
    assert len({row["request_id"] for row in await emulator.ledger()}) == 1
    assert [entry["text"] for entry in await chat(emulator, PHONE, channel)] == ["Hello"]
    assert await chat(emulator, OTHER, channel) == await chat(emulator, THIRD, channel) == []


async def test_a_deleted_account_gets_nothing_and_the_sender_is_not_told(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    user_id = await friend(emulator, channel, PHONE)
    token = await token_of_message(emulator, channel, sink)
    await emulator.act(PHONE, "delete_account")
    for kind, body in (
        ("push", {"to": user_id}),
        ("multicast", {"to": [user_id]}),
        ("reply", {"replyToken": token}),
    ):
        assert (await send(emulator, channel, kind, **body)).status == 200
    assert await fates(emulator) == [("push", "refused"), ("multicast", "refused"), ("reply", "refused")]


async def test_a_multicast_takes_1_to_500_user_ids(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    ids = [f"U{number:032x}" for number in range(501)]
    assert (await send(emulator, channel, "multicast", to=ids[:500])).status == 200
    for to in ([], ids, None):
        refused = await send(emulator, channel, "multicast", to=to)
        assert refused.json["details"] == [{"message": "Size must be between 1 and 500", "property": "to"}]
    for wrong in ("C" + "0" * 32, 7, None, ["U"]):
        refused = await send(emulator, channel, "multicast", to=[ids[0], wrong])
        text = "The property, to[1], in the request body is invalid (line: -, column: -)"
        assert (refused.status, refused.json) == (400, {"message": text})
    assert len(await emulator.ledger()) == 500


async def test_a_multicast_with_a_known_retry_key_is_409_without_sent_messages(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    await emulator.clock(mode="paused")
    first = await send(emulator, channel, "multicast", RETRY, to=[user_id])
    again = await send(emulator, channel, "multicast", RETRY.upper(), to=[user_id])
    assert (again.status, again.json) == (409, {"message": "The retry key is already accepted"})
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert len(await emulator.ledger()) == 1
    await emulator.clock(advance="24h")
    assert (await send(emulator, channel, "multicast", RETRY, to=[user_id])).status == 200
    assert (await send(emulator, channel, "multicast", "no-uuid", to=[user_id])).status == 400


async def test_multicasts_are_limited_to_200_a_second(emulator: RunningEmulator) -> None:
    channel, started = await emulator.channel(), time.monotonic()
    replies = await asyncio.gather(*(send(emulator, channel, "multicast", to=[]) for _ in range(600)))
    refused = [reply for reply in replies if reply.status != 400]
    # The bucket refills in real time while they are answered.
    assert 200 <= len(replies) - len(refused) <= 201 + 200 * (time.monotonic() - started)
    for reply in refused:
        message = "The API rate limit has been exceeded. Try again later."
        assert (reply.status, reply.json) == (429, {"message": message})


async def test_a_retry_key_is_one_for_pushes_and_multicasts_in_any_case(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    assert (await send(emulator, channel, "push", RETRY, to=user_id)).status == 200
    for key in (RETRY, RETRY.upper()):
        again = await send(emulator, channel, "multicast", key, to=[user_id])
        assert (again.status, again.json["message"]) == (409, "The retry key is already accepted")
    refused = await send(emulator, channel, "push", RETRY.replace("-", ""), to=user_id)
    text = "The value for the 'X-Line-Retry-Key' header is invalid"
    assert (refused.status, refused.json) == (400, {"message": text})
    assert await fates(emulator) == [("push", "delivered")]


@pytest.mark.parametrize("kind", ["push", "reply", "multicast", "narrowcast", "broadcast"])
async def test_messages_are_validated_without_being_sent(emulator: RunningEmulator, kind: str) -> None:
    channel = await emulator.channel()
    fine = await send(emulator, channel, f"validate/{kind}")
    assert (fine.status, fine.json) == (200, {})
    wrong = await send(emulator, channel, f"validate/{kind}", messages=HELLO * 6)
    assert wrong.status == 400
    assert wrong.json == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": "Size must be between 1 and 5", "property": "messages"}],
    }
    assert await emulator.ledger() == []


async def test_the_loading_animation_is_accepted_for_any_user_and_checked(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    path, user_id = "/v2/bot/chat/loading/start", (await emulator.user(PHONE))["user_id"]
    fine = await emulator.request("POST", path, {"chatId": user_id, "loadingSeconds": 5}, auth(channel))
    assert (fine.status, fine.json) == (202, {})
    assert (await emulator.request("POST", path, {"chatId": user_id}, auth(channel))).status == 202
    seconds = await emulator.request("POST", path, {"chatId": user_id, "loadingSeconds": 3}, auth(channel))
    assert seconds.json["details"] == [
        {"message": "Must be between 5 and 60", "property": "loadingSeconds"},
        {"message": "must be a multiple of five", "property": "loadingSeconds"},
    ]
    group = await emulator.request("POST", path, {"chatId": "C" + "0" * 32}, auth(channel))
    assert group.json["details"][0]["property"] == "chatId"
    for body in ({"chatId": 7}, {"chatId": user_id, "loadingSeconds": "5"}, {}):
        assert (await emulator.request("POST", path, body, auth(channel))).status == 400


def test_of_very_many_unused_reply_tokens_the_oldest_are_void() -> None:
    tokens = ReplyTokens()
    first = tokens.issue("secret", "2000000001", "U1", 0)
    second = tokens.issue("secret", "2000000001", "U2", 0)
    assert first != second
    for _ in range(MOST_KEPT - 2):
        tokens.issue("secret", "2000000001", "U3", 0)
    assert tokens.holder("2000000001", first, 0) == "U1"
    tokens.issue("secret", "2000000001", "U3", 0)
    assert tokens.holder("2000000001", first, 0) is None
    assert tokens.holder("2000000001", second, 0) == "U2"
