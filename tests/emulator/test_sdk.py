"""LINE's official SDK for Python drives the emulator unchanged. It blocks, so it runs in a thread."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from linebot.v3 import WebhookParser
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.messaging import (
    ApiClient,
    Configuration,
    MessagingApi,
    PnpMessagesRequest,
    PnpTemplatedButton,
    PnpTemplatedEmphasizedItem,
    PnpTemplatedItem,
    PnpTemplatedMessageBody,
    PnpTemplatedMessageRequest,
    PushMessageRequest,
    TextMessage,
)
from linebot.v3.messaging.exceptions import ApiException
from linebot.v3.webhooks import FollowEvent, PnpDeliveryCompletionEvent, UnfollowEvent

from emulator_support import RunningEmulator, Sink, line_hash

PHONE = "+818000001234"
TAG = "order-2026-00000001"


def api(emulator: RunningEmulator, channel: dict[str, Any]) -> MessagingApi:
    return MessagingApi(ApiClient(Configuration(access_token=channel["access_token"], host=emulator.url)))


def template_request(key: str = "shipment_completed_ja") -> PnpTemplatedMessageRequest:
    return PnpTemplatedMessageRequest(
        to=line_hash(PHONE),
        template_key=key,
        body=PnpTemplatedMessageBody(
            emphasized_item=PnpTemplatedEmphasizedItem(item_key="date_002_ja", content="2024年8月10日(土)"),
            items=[PnpTemplatedItem(item_key="time_range_001_ja", content="午前中")],
            buttons=[PnpTemplatedButton(button_key="contact_ja", url="https://example.com/contact/")],
        ),
    )


def flexible_request() -> PnpMessagesRequest:
    return PnpMessagesRequest(to=line_hash(PHONE), messages=[TextMessage(text="It is here")])


async def test_the_sdk_sends_a_template_notification(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    line = api(emulator, channel)
    answer = await asyncio.to_thread(
        line.push_templated_messages_by_phone_with_http_info, template_request(), TAG
    )
    assert answer.status_code == 202
    assert answer.headers["x-line-request-id"]
    row = (await emulator.ledger())[0]
    assert (row["fate"], row["delivery_tag"]) == ("delivered", TAG)


async def test_the_sdk_sends_a_flexible_notification(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    line = api(emulator, channel)
    await asyncio.to_thread(line.push_messages_by_phone, flexible_request(), TAG)
    assert (await emulator.ledger())[0]["status"] == 200


async def test_the_sdk_reads_both_statistics(emulator: RunningEmulator) -> None:
    await emulator.control("POST", "/reset")
    await emulator.clock(mode="paused", set="2021-12-31T00:00:00Z")
    channel = await emulator.channel()
    await emulator.user(PHONE)
    line = api(emulator, channel)
    await asyncio.to_thread(line.push_templated_messages_by_phone, template_request())
    await asyncio.to_thread(line.push_messages_by_phone, flexible_request())
    await emulator.clock(advance="24h")
    for count in (line.get_pnp_templated_message_statistics, line.get_pnp_message_statistics):
        answer = await asyncio.to_thread(count, "20211231")
        assert (answer.status, answer.success) == ("ready", 1)


@pytest.mark.parametrize(
    ("key", "token", "status", "message"),
    [
        ("shipment_completed_ja", None, 422, "Failed to send messages"),
        ("reserve_004", None, 400, "Invalid templateKey: reserve_004"),
        ("shipment_completed_ja", "wrong", 401, "Authentication failed due to the following reason: invalid"),
    ],
)
async def test_the_sdks_exceptions_carry_lines_error_bodies(
    emulator: RunningEmulator, key: str, token: str | None, status: int, message: str
) -> None:
    channel = await emulator.channel()
    line = api(emulator, channel if token is None else {"access_token": token})
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(line.push_templated_messages_by_phone, template_request(key))
    assert raised.value.status == status
    assert json.loads(raised.value.body)["message"].startswith(message)
    assert raised.value.headers["x-line-request-id"]


async def test_the_sdks_parser_reads_what_the_emulator_posts(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.user(PHONE)
    await emulator.send(channel, PHONE, TAG)
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    await sink.got(3)
    parser = WebhookParser(channel["channel_secret"])
    events = []
    for headers, body in sink.requests:
        events += parser.parse(body.decode(), headers["x-line-signature"])
    by_type = {type(event): event for event in events}
    assert by_type[PnpDeliveryCompletionEvent].delivery.data == TAG
    assert by_type[FollowEvent].source.user_id == user["user_id"]
    assert by_type[FollowEvent].follow.is_unblocked is False
    assert by_type[UnfollowEvent].source.user_id == user["user_id"]
    with pytest.raises(InvalidSignatureError):
        WebhookParser("another secret").parse(body.decode(), headers["x-line-signature"])


async def test_the_sdk_pushes_and_reads_profile_followers_account_and_webhook(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.user(PHONE, name="Hana")
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    line = api(emulator, channel)
    request = PushMessageRequest(to=user["user_id"], messages=[TextMessage(text="Hello")])
    pushed = await asyncio.to_thread(line.push_message, request)
    assert pushed.sent_messages[0].id
    assert (await asyncio.to_thread(line.get_profile, user["user_id"])).display_name == "Hana"
    assert (await asyncio.to_thread(line.get_followers)).user_ids == [user["user_id"]]
    assert (await asyncio.to_thread(line.get_bot_info)).user_id == channel["bot_user_id"]
    assert (await asyncio.to_thread(line.get_webhook_endpoint)).endpoint == sink.url
    assert (await asyncio.to_thread(line.test_webhook_endpoint)).success is True
