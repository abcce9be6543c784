"""Chats on the phone in a real browser: official accounts, what their messages and menus do, and hostile texts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, expect

from emulator_support import RunningEmulator, Sink
from phone_support import CHROMIUM, MISSING, chromium, phone_of, push

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


async def test_someone_who_is_no_friend_adds_the_account_and_writes_to_it(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "zh-Hant")
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.send(channel, phone.phone)
    await phone.open()
    await phone.page.locator(".chat-line", has_text="Shop").click()
    await phone.click("stranger.add")
    await expect(phone.page.locator(".stranger")).to_have_count(0)
    field = phone.page.get_by_label(phone.say("chat.input"))
    await field.fill("請問何時送到？")
    await field.press("Enter")
    await expect(phone.page.locator(".mine .m-text")).to_have_text("請問何時送到？")
    await expect(field).to_have_value("")
    kinds = {event["type"]: event for event in await sink.got(3)}
    assert list(kinds) == ["delivery", "follow", "message"]
    assert kinds["message"]["message"]["text"] == "請問何時送到？"
    phone.is_clean()


async def test_an_account_is_blocked_in_its_chat_and_unblocked_in_the_settings(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "en")
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.act(phone.phone, "add_friend", channel_id=channel["channel_id"])
    await phone.open(f"#/chat/{channel['channel_id']}")
    await phone.click("chat.menu")
    await phone.shot("menu")
    await phone.click("stranger.block")
    await phone.shot("block")
    await phone.click("stranger.block")
    await phone.sees("blocked.text")
    await phone.shot("blocked")
    await phone.click("common.back")
    await phone.tab("settings")
    await phone.page.locator("button.row", has_text=phone.say("settings.blocked")).click()
    await phone.click("blocked.unblock")
    await phone.sees("blocked.none")
    assert [event["type"] for event in await sink.got(3)] == ["follow", "unfollow", "follow"]
    phone.is_clean()


async def test_a_hidden_friend_is_found_in_the_hidden_list_and_deleted_there(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "ja")
    channel = await emulator.channel(name="やまと運輸サービス")
    await emulator.act(phone.phone, "add_friend", channel_id=channel["channel_id"])
    await phone.open(f"#/chat/{channel['channel_id']}")
    await phone.click("chat.menu")
    await phone.click("menu.hide")
    await phone.click("menu.hide")
    await phone.sees("toast.hidden")
    await phone.click("common.back")
    await phone.tab("home")
    await expect(phone.page.locator(".account")).to_have_count(0)
    await phone.tab("settings")
    await phone.page.locator("button.row", has_text=phone.say("settings.hidden")).click()
    await phone.shot("hidden")
    await phone.page.get_by_role("button", name=phone.say("delete.button")).click()
    await phone.click("delete.button")
    await phone.sees("hidden.none")
    user = await emulator.control("GET", f"/users/{quote(phone.phone, safe='')}")
    assert user["channels"][channel["channel_id"]]["blocked"] is True
    phone.is_clean()


MESSAGES = [
    {"type": "text", "text": "ご注文ありがとうございます。 https://example.com/order/1"},
    {
        "type": "template",
        "altText": "Rate us",
        "template": {
            "type": "buttons",
            "title": "How was it?",
            "text": "One tap is enough.",
            "actions": [
                {"type": "postback", "label": "Good", "data": "rate=good", "displayText": "It was good"},
                {"type": "uri", "label": "Tell us more", "uri": "https://example.com/rate?from=line"},
                {"type": "datetimepicker", "label": "Call me", "data": "call", "mode": "date"},
            ],
        },
    },
    {
        "type": "text",
        "text": "Anything else?",
        "quickReply": {
            "items": [
                {"type": "action", "action": {"type": "message", "label": "No, thanks", "text": "No, thanks"}}
            ]
        },
    },
]


async def test_buttons_and_quick_replies_do_what_their_actions_say(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "en")
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.act(phone.phone, "add_friend", channel_id=channel["channel_id"])
    await push(emulator, channel, user["user_id"], MESSAGES)
    await phone.open(f"#/chat/{channel['channel_id']}")
    await phone.page.get_by_role("button", name="Good").click()
    await expect(phone.page.locator(".mine .m-text")).to_have_text("It was good")
    await phone.page.get_by_role("button", name="Tell us more").click()
    link = phone.page.get_by_role("link", name=phone.say("browser.tab"))
    await expect(link).to_have_attribute("href", "https://example.com/rate?from=line")
    assert await link.get_attribute("rel") == "noopener noreferrer"
    await phone.shot("link")
    await phone.page.keyboard.press("Escape")
    await expect(link).to_have_count(0)
    await phone.page.get_by_role("button", name="Call me").click()
    await phone.page.get_by_label(phone.say("datetime.date")).last.fill("2026-12-24")
    await phone.click("common.ok")
    await sink.got(3)
    await push(emulator, channel, user["user_id"], MESSAGES[2:])
    await phone.page.get_by_role("button", name="No, thanks").click()
    await expect(phone.page.locator(".mine .m-text").last).to_have_text("No, thanks")
    await expect(phone.page.locator(".m-quick")).to_have_count(0)
    await phone.shot("messages")
    events = await sink.got(4)
    assert [event["type"] for event in events] == ["follow", "postback", "postback", "message"]
    assert events[1]["postback"] == {"data": "rate=good"}
    assert events[2]["postback"] == {"data": "call", "params": {"date": "2026-12-24"}}
    phone.is_clean()


async def test_texts_of_strangers_are_shown_as_texts_and_never_as_markup(
    emulator: RunningEmulator, browser: Browser
) -> None:
    nasty = '<img src=x onerror="document.title=1"><script>boom()</script>'
    phone = await phone_of(browser, emulator, "en")
    channel = await emulator.channel(name=nasty[:20])
    user = await emulator.act(phone.phone, "add_friend", channel_id=channel["channel_id"])
    await phone.open()
    await push(emulator, channel, user["user_id"], [{"type": "text", "text": nasty}])
    await emulator.control(
        "POST", "/carrier/messages", {"to": phone.phone, "text": nasty, "from": "<b>x"}, 202
    )
    await phone.page.locator(".toast-card", has_text="<b>x").click()
    await expect(phone.page.locator(".text-bubble")).to_have_text(nasty)
    await phone.page.locator(".to-line").click()
    await phone.page.locator(".chat-line").first.click()
    await expect(phone.page.locator(".m-text")).to_contain_text(nasty)
    assert await phone.page.locator(".phone script, .phone img").count() == 0
    phone.is_clean()


async def test_an_account_is_found_by_its_id_and_added(emulator: RunningEmulator, browser: Browser) -> None:
    phone = await phone_of(browser, emulator, "en")
    await emulator.channel(name="Other")
    channel = await emulator.channel(name="Wanted", badge="blue")
    await phone.open()
    await phone.tab("home")
    basic = next(
        one["basic_id"]
        for one in (await emulator.screen(phone.phone))["channels"]
        if one["channel_id"] == channel["channel_id"]
    )
    await phone.page.get_by_label(phone.say("home.search")).fill(basic)
    await expect(phone.page.locator(".account")).to_have_count(1)
    await phone.shot("search")
    await phone.page.get_by_role("button", name="Add: Wanted").click()
    await phone.sees("toast.added")
    await phone.page.locator(".account-open").click()
    await phone.sees("chat.empty")
    phone.is_clean()


def png(width: int, height: int) -> bytes:
    """A real picture in one colour."""
    rows = (b"\0" + bytes((6, 199, 85)) * width) * height
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def menu(bar: str, action: dict[str, str]) -> dict[str, Any]:
    bounds = {"x": 0, "y": 0, "width": 800, "height": 270}
    return {
        "size": {"width": 800, "height": 270},
        "selected": True,
        "name": bar,
        "chatBarText": bar,
        "areas": [{"bounds": bounds, "action": action}],
    }


async def rich_menu(emulator: RunningEmulator, channel: dict[str, Any], body: dict[str, Any]) -> str:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    made = await emulator.request("POST", "/v2/bot/richmenu", body, headers)
    assert made.status == 200, made
    path = f"/v2/bot/richmenu/{made.json['richMenuId']}/content"
    reply = await emulator.request("POST", path, png(800, 270), headers | {"Content-Type": "image/png"})
    assert reply.status == 200, reply
    return str(made.json["richMenuId"])


async def test_the_rich_menu_is_drawn_with_its_picture_opens_closes_and_switches(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "en")
    channel = await emulator.channel(webhook_url=sink.url)
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    switch = {"type": "richmenuswitch", "richMenuAliasId": "second", "data": "to=second"}
    first = await rich_menu(emulator, channel, menu("First", switch))
    second = await rich_menu(emulator, channel, menu("Second", {"type": "message", "text": "Where is it?"}))
    alias = {"richMenuAliasId": "second", "richMenuId": second}
    assert (await emulator.request("POST", "/v2/bot/richmenu/alias", alias, headers)).status == 200
    path = f"/v2/bot/user/all/richmenu/{first}"
    assert (await emulator.request("POST", path, headers=headers)).status == 200
    # Someone who is no friend gets the default one.
    await emulator.send(channel, phone.phone)
    await phone.open(f"#/chat/{channel['channel_id']}")
    picture = phone.page.locator(".m-rich img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("async (one) => { await one.decode(); return one.naturalWidth; }") == 800
    await phone.shot("rich-menu")
    await phone.page.get_by_role("button", name="First").click()
    await expect(picture).not_to_be_visible()
    await phone.click("stranger.add")
    await phone.page.get_by_role("button", name="First").click()
    await phone.page.locator(".m-rich .m-area").click()
    await phone.page.get_by_role("button", name="Second").wait_for()
    await phone.page.locator(".m-rich .m-area").click()
    await expect(phone.page.locator(".mine .m-text")).to_have_text("Where is it?")
    events = await sink.got(4)
    assert [event["type"] for event in events] == ["delivery", "follow", "postback", "message"]
    params = {"newRichMenuAliasId": "second", "status": "SUCCESS"}
    assert events[2]["postback"] == {"data": "to=second", "params": params}
    phone.is_clean()


async def test_a_link_of_the_account_link_opens_inside_the_phone_as_its_user(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "ja")
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.act(phone.phone, "add_friend", channel_id=channel["channel_id"])
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    path = f"/v2/bot/user/{user['user_id']}/linkToken"
    token = (await emulator.request("POST", path, headers=headers)).json["linkToken"]
    uri = f"https://access.line.me/dialog/bot/accountLink?linkToken={token}&nonce=1234567890abcdef"
    await push(emulator, channel, user["user_id"], [{"type": "text", "text": uri}])
    await phone.open(f"#/chat/{channel['channel_id']}")
    await phone.page.locator(".m-link").click()
    await phone.page.frame_locator(".browser iframe").locator("h1").wait_for()
    await phone.shot("account-link")
    events = await sink.got(2)
    assert (events[1]["type"], events[1]["link"]["result"]) == ("accountLink", "ok")
    assert phone.faults == []
