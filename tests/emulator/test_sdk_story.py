"""LINE's own SDK for Python drives the emulator through a story, from its first token to an account link."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from linebot.v3 import WebhookParser
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.insight import ApiClient as InsightApiClient
from linebot.v3.insight import Configuration as InsightConfiguration
from linebot.v3.insight import Insight
from linebot.v3.messaging import (
    ApiClient,
    Configuration,
    MessagingApi,
    PnpMessagesRequest,
    PnpTemplatedMessageRequest,
    PushMessageRequest,
    ReplyMessageRequest,
    SetWebhookEndpointRequest,
    TextMessage,
)
from linebot.v3.messaging.exceptions import ApiException
from linebot.v3.oauth import ApiClient as TokenApiClient
from linebot.v3.oauth import ChannelAccessToken
from linebot.v3.oauth import Configuration as TokenConfiguration
from linebot.v3.webhooks import AccountLinkEvent, FollowEvent, PnpDeliveryCompletionEvent

from emulator_support import RunningEmulator, Sink, line_hash

PHONE = "+818011112222"
TAG = "order-0000000000000042"
NONCE = "bm9uY2Utb2YtdGhlLXN0b3J5"


def events_of(sink: Sink, secret: str) -> list[Any]:
    """Everything received, each body checked and read by the SDK."""
    parser = WebhookParser(secret)
    return [
        event
        for headers, body in sink.requests
        for event in parser.parse(body.decode(), headers["x-line-signature"])
    ]


async def test_the_sdk_for_python_lives_through_a_whole_story(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel()
    secret = channel["channel_secret"]
    user = await emulator.user(PHONE, name="Hanako")

    tokens = ChannelAccessToken(TokenApiClient(TokenConfiguration(host=emulator.url)))
    issued = await asyncio.to_thread(
        tokens.issue_channel_token, "client_credentials", channel["channel_id"], secret
    )
    verified = await asyncio.to_thread(tokens.verify_channel_token, issued.access_token)
    assert verified.client_id == channel["channel_id"]
    line = MessagingApi(ApiClient(Configuration(access_token=issued.access_token, host=emulator.url)))

    await asyncio.to_thread(line.set_webhook_endpoint, SetWebhookEndpointRequest(endpoint=sink.url))
    assert (await asyncio.to_thread(line.test_webhook_endpoint)).success
    assert (await asyncio.to_thread(line.get_bot_info)).user_id == channel["bot_user_id"]

    templated = PnpTemplatedMessageRequest(to=line_hash(PHONE), template_key="shipment_completed_ja")
    await asyncio.to_thread(line.push_templated_messages_by_phone, templated, TAG)
    flexible = PnpMessagesRequest(to=line_hash(PHONE), messages=[TextMessage(text="It is here")])
    await asyncio.to_thread(line.push_messages_by_phone, flexible)
    await sink.got(2)
    delivered = events_of(sink, secret)
    assert all(isinstance(event, PnpDeliveryCompletionEvent) for event in delivered)
    assert [event.delivery.data for event in delivered] == [TAG, line_hash(PHONE)]
    with pytest.raises(InvalidSignatureError):
        events_of(sink, "0" * 32)

    nobody = PnpMessagesRequest(to=line_hash("+818099999999"), messages=[TextMessage(text="Hello")])
    with pytest.raises(ApiException) as refused:
        await asyncio.to_thread(line.push_messages_by_phone, nobody)
    assert (refused.value.status, json.loads(refused.value.body)) == (
        422,
        {"message": "Failed to send messages"},
    )

    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await sink.got(3)
    follow = events_of(sink, secret)[2]
    assert isinstance(follow, FollowEvent)
    assert follow.source.user_id == user["user_id"]
    greeting = ReplyMessageRequest(reply_token=follow.reply_token, messages=[TextMessage(text="ようこそ")])
    await asyncio.to_thread(line.reply_message, greeting)
    with pytest.raises(ApiException, match="Invalid reply token"):
        await asyncio.to_thread(line.reply_message, greeting)
    assert (await asyncio.to_thread(line.get_profile, user["user_id"])).display_name == "Hanako"
    assert (await asyncio.to_thread(line.get_followers)).user_ids == [user["user_id"]]
    pushed = await asyncio.to_thread(
        line.push_message, PushMessageRequest(to=user["user_id"], messages=[TextMessage(text="Hello")])
    )
    assert len(pushed.sent_messages) == 1

    link = (await asyncio.to_thread(line.issue_link_token, user["user_id"])).link_token
    address = f"{emulator.url}/dialog/bot/accountLink?linkToken={link}&nonce={NONCE}&_phone=%2B{PHONE[1:]}"
    await asyncio.to_thread(urllib.request.urlopen, address)
    await sink.got(4)
    linked = events_of(sink, secret)[3]
    assert isinstance(linked, AccountLinkEvent)
    assert (linked.link.result, linked.link.nonce) == ("ok", NONCE)

    now = datetime.fromisoformat((await emulator.control("GET", "/clock"))["now"]).astimezone(UTC)
    day = f"{now + timedelta(hours=9):%Y%m%d}"
    await emulator.clock(advance="24h")
    for count in (line.get_pnp_templated_message_statistics, line.get_pnp_message_statistics):
        found = await asyncio.to_thread(count, day)
        assert (found.status, found.success) == ("ready", 1)
    insight = Insight(
        InsightApiClient(InsightConfiguration(access_token=issued.access_token, host=emulator.url))
    )
    assert (await asyncio.to_thread(insight.get_number_of_message_deliveries, day)).status == "ready"
    assert (await asyncio.to_thread(insight.get_number_of_followers, day)).followers == 1
