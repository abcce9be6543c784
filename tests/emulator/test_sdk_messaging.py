"""LINE's official SDK for Python replies, sends multicasts, reads quota and statistics, and manages rich menus."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import Any

import pytest
from linebot.v3.insight import ApiClient as InsightClient
from linebot.v3.insight import Configuration as InsightConfiguration
from linebot.v3.insight import Insight
from linebot.v3.messaging import (
    ApiClient,
    Configuration,
    MessagingApi,
    MessagingApiBlob,
    MulticastRequest,
    PostbackAction,
    PushMessageRequest,
    ReplyMessageRequest,
    RichMenuArea,
    RichMenuBounds,
    RichMenuRequest,
    RichMenuSize,
    ShowLoadingAnimationRequest,
    TextMessage,
    ValidateMessageRequest,
)
from linebot.v3.messaging.exceptions import ApiException

from emulator_support import RunningEmulator, Sink

PHONE, OTHER = "+818000001234", "+818000005678"
HELLO = TextMessage(text="Hello")


def api(emulator: RunningEmulator, channel: dict[str, Any]) -> MessagingApi:
    return MessagingApi(ApiClient(Configuration(access_token=channel["access_token"], host=emulator.url)))


def insight(emulator: RunningEmulator, channel: dict[str, Any]) -> Insight:
    configuration = InsightConfiguration(access_token=channel["access_token"], host=emulator.url)
    return Insight(InsightClient(configuration))


async def friend(emulator: RunningEmulator, channel: dict[str, Any], phone: str) -> str:
    user = await emulator.user(phone)
    await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
    return str(user["user_id"])


def picture() -> bytes:
    """A PNG of 800 by 250 bits."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 800, 250, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(101 * 250))) + chunk(b"IEND", b"")


async def test_the_sdk_replies_once_and_is_told_when_the_token_is_spent(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.act(PHONE, "send_message", channel_id=channel["channel_id"], text="hi")
    token = (await sink.got(1))[0]["replyToken"]
    line, request = api(emulator, channel), ReplyMessageRequest(reply_token=token, messages=[HELLO])
    sent = (await asyncio.to_thread(line.reply_message, request)).sent_messages
    assert sent[0].id
    assert sent[0].quote_token
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(line.reply_message, request)
    assert raised.value.status == 400
    assert "Invalid reply token" in raised.value.body


async def test_the_sdk_sends_a_multicast_and_validates_messages(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    ids = [await friend(emulator, channel, phone) for phone in (PHONE, OTHER)]
    line = api(emulator, channel)
    await asyncio.to_thread(line.multicast, MulticastRequest(to=ids, messages=[HELLO]))
    assert [row["fate"] for row in await emulator.ledger()] == ["delivered", "delivered"]
    for validate in (line.validate_push, line.validate_reply, line.validate_multicast):
        await asyncio.to_thread(validate, ValidateMessageRequest(messages=[HELLO]))
    too_long = ValidateMessageRequest(messages=[TextMessage(text="x" * 5001)])
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(line.validate_push, too_long)
    assert raised.value.status == 400
    await asyncio.to_thread(
        line.show_loading_animation, ShowLoadingAnimationRequest(chat_id=ids[0], loading_seconds=10)
    )


async def test_the_sdk_reads_quota_counts_and_statistics(emulator: RunningEmulator) -> None:
    await emulator.control("POST", "/reset")
    await emulator.clock(mode="paused", set="2027-01-10T00:00:00Z")
    channel = await emulator.channel(monthly_quota=10)
    user_id = await friend(emulator, channel, PHONE)
    line, statistics = api(emulator, channel), insight(emulator, channel)
    request = PushMessageRequest(to=user_id, messages=[HELLO], custom_aggregation_units=["spring"])
    await asyncio.to_thread(line.push_message, request)
    await asyncio.to_thread(line.multicast, MulticastRequest(to=[user_id], messages=[HELLO]))
    quota = await asyncio.to_thread(line.get_message_quota)
    assert (quota.type, quota.value) == ("limited", 10)
    assert (await asyncio.to_thread(line.get_message_quota_consumption)).total_usage == 2
    assert (await asyncio.to_thread(line.get_aggregation_unit_usage)).num_of_custom_aggregation_units == 1
    names = await asyncio.to_thread(line.get_aggregation_unit_name_list)
    assert names.custom_aggregation_units == ["spring"]
    await emulator.clock(advance="24h")
    for count, expected in (
        (line.get_number_of_sent_push_messages, 1),
        (line.get_number_of_sent_multicast_messages, 1),
        (line.get_number_of_sent_reply_messages, 0),
    ):
        found = await asyncio.to_thread(count, "20270110")
        assert (found.status, found.success) == ("ready", expected)
    sent = await asyncio.to_thread(statistics.get_number_of_message_deliveries, "20270110")
    assert (sent.status, sent.api_push, sent.api_multicast, sent.api_reply) == ("ready", 1, 1, 0)
    friends = await asyncio.to_thread(statistics.get_number_of_followers, "20270110")
    assert (friends.followers, friends.targeted_reaches, friends.blocks) == (1, 1, 0)
    unit = await asyncio.to_thread(statistics.get_statistics_per_unit, "spring", "20270110", "20270111")
    assert (unit.overview.unique_impression, unit.messages[0].impression) == (1, 1)


async def test_the_sdk_makes_a_rich_menu_and_links_it(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    line = api(emulator, channel)
    blob = MessagingApiBlob(line.api_client)
    bounds = RichMenuBounds(x=0, y=0, width=800, height=250)
    menu = RichMenuRequest(
        size=RichMenuSize(width=800, height=250),
        selected=True,
        name="menu",
        chat_bar_text="Menu",
        areas=[RichMenuArea(bounds=bounds, action=PostbackAction(data="buy"))],
    )
    await asyncio.to_thread(line.validate_rich_menu_object, menu)
    menu_id = (await asyncio.to_thread(line.create_rich_menu, menu)).rich_menu_id
    headers = {"Content-Type": "image/png"}
    await asyncio.to_thread(blob.set_rich_menu_image, menu_id, picture(), _headers=headers)
    assert bytes(await asyncio.to_thread(blob.get_rich_menu_image, menu_id)) == picture()
    listed = await asyncio.to_thread(line.get_rich_menu_list)
    assert [(each.rich_menu_id, each.areas[0].action.data) for each in listed.richmenus] == [(menu_id, "buy")]
    await asyncio.to_thread(line.set_default_rich_menu, menu_id)
    assert (await asyncio.to_thread(line.get_default_rich_menu_id)).rich_menu_id == menu_id
    await asyncio.to_thread(line.link_rich_menu_id_to_user, user_id, menu_id)
    assert (await asyncio.to_thread(line.get_rich_menu_id_of_user, user_id)).rich_menu_id == menu_id
    await asyncio.to_thread(line.unlink_rich_menu_id_from_user, user_id)
    await asyncio.to_thread(line.cancel_default_rich_menu)
    await asyncio.to_thread(line.delete_rich_menu, menu_id)
    with pytest.raises(ApiException) as raised:
        await asyncio.to_thread(line.get_rich_menu, menu_id)
    assert raised.value.status == 404
