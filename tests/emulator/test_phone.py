"""The phone without a browser: its page, its words, and what a screen says of chats, prompts and taps."""

from __future__ import annotations

import asyncio
import json
import re
import struct
from typing import Any
from urllib.parse import quote, unquote

import pytest

from emulator_support import CONTROL, RunningEmulator, Sink
from line_emulator.pages import rendering
from line_emulator.screen import chats as screen_chats
from line_emulator.screen import texts
from line_emulator.screen.screen import MOST_CHANNELS

PHONE, OTHER = "+886912345678", "+886987654321"
LONG_AGO = "2024-01-15T00:00:00Z"


async def chats(emulator: RunningEmulator, phone: str = PHONE) -> dict[str, dict[str, Any]]:
    return {chat["from"]: chat for chat in (await emulator.screen(phone))["chats"]}


async def pushed(emulator: RunningEmulator, channel: dict[str, Any], user: Any, *messages: Any) -> None:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    body = {"to": user["user_id"], "messages": list(messages)}
    reply = await emulator.request("POST", "/v2/bot/message/push", body, headers)
    assert reply.status == 200, reply


@pytest.mark.parametrize("path", [quote(PHONE, safe=""), PHONE, "886912345678"])
async def test_the_page_of_a_number_is_served_however_its_plus_sign_is_written(
    emulator: RunningEmulator, path: str
) -> None:
    reply = await emulator.request("GET", f"/phones/{path}")
    assert reply.status == 200
    assert f'data-phone="{PHONE}"'.encode() in reply.body
    policy = reply.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy


@pytest.mark.parametrize(
    "path", ["hello", "%2B88<script>", "+886'\"", "%2B" + "9" * 400, "%00", "%F0%9F%98%80"]
)
async def test_what_is_no_number_is_404_and_is_quoted_safely(emulator: RunningEmulator, path: str) -> None:
    reply = await emulator.request("GET", f"/phones/{path}")
    assert reply.status == 404
    assert b"<script>" not in reply.body
    assert b"main.js" not in reply.body


@pytest.mark.parametrize("path", ["0912345678", "12345", "%2B0912345678"])
async def test_a_number_without_its_country_is_told_how_it_is_written_and_offers_nothing(
    emulator: RunningEmulator, path: str
) -> None:
    reply = await emulator.request("GET", f"/phones/{path}")
    page = reply.body.decode()
    assert reply.status == 404
    assert f"<p>{unquote(path)} is no E.164 number; write it with the country code, like" in page
    assert "main.js" not in page


async def test_a_framed_page_says_so_in_its_root(emulator: RunningEmulator) -> None:
    framed = await emulator.request("GET", f"/phones/{quote(PHONE, safe='')}?frame=1")
    whole = await emulator.request("GET", f"/phones/{quote(PHONE, safe='')}")
    assert (b"data-frame" in framed.body, b"data-frame" in whole.body) == (True, False)


def test_every_word_is_there_in_every_language_with_the_same_places() -> None:
    for key, words in texts.table().items():
        assert set(words) == set(texts.LANGUAGES), key
        assert all(word.strip() == word and word for word in words.values()), key
        places = {language: sorted(re.findall(r"\{\w+\}", word)) for language, word in words.items()}
        assert len({tuple(found) for found in places.values()}) == 1, (key, places)


def test_no_word_is_left_in_another_script() -> None:
    scripts = {"th": "[\u0e00-\u0e7f]", "ja": "[\u3040-\u30ff\u4e00-\u9fff]", "zh-Hant": "[\u4e00-\u9fff]"}
    same = {key for key, words in texts.table().items() if len(set(words.values())) == 1}
    for key, words in texts.table().items():
        for language, script in scripts.items():
            if key not in same and words[language] not in ("SMS", "OK"):
                assert re.search(script, words[language]), (key, language, words[language])


def test_every_key_that_the_phone_asks_for_has_words() -> None:
    asked: set[str] = set()
    for path in (rendering.HERE / "static" / "phone").glob("*.js"):
        asked |= set(re.findall(r'(?:say|words|title)\(\s*"([a-z_]+\.[a-z_]+)"', path.read_text()))
    assert len(asked) > 80
    assert asked <= set(texts.table())


async def test_long_names_are_cut_and_texts_longer_than_line_takes_are_refused(
    emulator: RunningEmulator,
) -> None:
    await emulator.user(PHONE, name="n" * 1000)
    channel_id = (await emulator.channel())["channel_id"]
    await emulator.act(PHONE, "send_message", 400, channel_id=channel_id, text="t" * 5001)
    await emulator.act(PHONE, "send_message", channel_id=channel_id, text="t" * 5000)
    await emulator.act(PHONE, "read")
    screen = await emulator.screen(PHONE)
    assert (len(screen["user"]["name"]), len(screen["chats"][0]["messages"][0]["text"])) == (200, 5000)


async def test_the_screen_says_who_the_user_is_and_until_when_they_are_verified(
    emulator: RunningEmulator,
) -> None:
    await emulator.user(PHONE, name="Mei", language="zh-Hant", verified_at="2026-08-01T00:00:00Z")
    user = (await emulator.screen(PHONE))["user"]
    assert user["verified_until"] == "2027-01-28T00:00:00.000Z"
    assert {name: user[name] for name in ("name", "language", "app_version", "reception")} == {
        "name": "Mei",
        "language": "zh-Hant",
        "app_version": "15.9.0",
        "reception": "agree",
    }


async def test_a_pin_is_shown_by_its_tries_and_its_end_and_never_by_its_digits(
    emulator: RunningEmulator,
) -> None:
    await emulator.user(PHONE, verified_at=LONG_AGO)
    await emulator.send(await emulator.channel(), PHONE)
    assert (await emulator.screen(PHONE))["pin"] is None
    code = await emulator.pin(PHONE)
    await emulator.act(PHONE, "enter_pin", pin="000000" if code != "000000" else "000001", expect=400)
    pin = (await emulator.screen(PHONE))["pin"]
    assert (pin["tries_left"], pin["new_phone"]) == (4, None)
    assert code not in json.dumps(pin)
    await emulator.clock(mode="paused")
    await emulator.clock(advance="11m")
    assert (await emulator.screen(PHONE))["pin"] is None


@pytest.mark.parametrize(
    ("action", "state"), [("agree", "done"), ("refuse", "refused"), ("block", "dropped"), ("", "open")]
)
async def test_a_prompt_says_what_became_of_it(emulator: RunningEmulator, action: str, state: str) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE, reception="not_set")
    await emulator.send(channel, PHONE)
    if action:
        await emulator.act(PHONE, action, channel_id=channel["channel_id"])
    prompt = next(
        one for one in (await chats(emulator))["line"]["messages"] if one["kind"] == "consent_request"
    )
    assert prompt["state"] == state


async def test_a_chat_counts_what_is_unread_until_it_is_opened(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    channel_id = channel["channel_id"]
    await emulator.user(PHONE)
    await emulator.send(channel, PHONE)
    await emulator.send(channel, PHONE)
    await emulator.act(PHONE, "send_message", channel_id=channel_id, text="Thanks")
    found = await chats(emulator)
    assert (found["line"]["unread"], found[channel_id]["unread"]) == (2, 2)
    await emulator.act(PHONE, "read", channel_id=channel_id)
    await emulator.act(PHONE, "read")
    found = await chats(emulator)
    assert (found["line"]["unread"], found[channel_id]["unread"]) == (0, 0)
    await emulator.send(channel, PHONE)
    assert (await chats(emulator))[channel_id]["unread"] == 1
    await emulator.act(PHONE, "delete_chat", channel_id=channel_id)
    assert channel_id not in await chats(emulator)
    await emulator.send(channel, PHONE)
    assert (await chats(emulator))[channel_id]["unread"] == 1


async def test_only_the_newest_200_messages_of_a_chat_are_shown_and_the_others_counted(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await asyncio.gather(*(emulator.send(channel, PHONE) for _ in range(230)))
    found = (await chats(emulator))[channel["channel_id"]]
    assert (len(found["messages"]), found["older"]) == (screen_chats.MOST_MESSAGES, 30)


async def test_a_screen_holds_2_mb_of_bodies_at_most(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    for number in range(60):
        messages = [{"type": "text", "text": f"{number}" + "é" * 4990}] * 5
        assert (await emulator.send_flexible(channel, PHONE, body={"messages": messages})).status == 200
    reply = await emulator.request("GET", f"{CONTROL}/users/{quote(PHONE, safe='')}/screen")
    assert 1_000_000 < len(reply.body) < 2_500_000
    found = {chat["from"]: chat for chat in reply.json["chats"]}[channel["channel_id"]]
    assert found["older"] > 0
    assert found["messages"][-1]["messages"][0]["text"].startswith("59")


async def test_message_objects_are_quoted_as_they_came(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    user = await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    flex = {"type": "flex", "altText": "Hi", "contents": {"type": "bubble", "body": BOX}}
    text = {"type": "text", "text": "</script> \u2028 $"}
    await pushed(emulator, channel, user, flex, text)
    shown = (await chats(emulator))[channel["channel_id"]]["messages"]
    assert [(one["kind"], one["messages"]) for one in shown] == [("flex", [flex]), ("text", [text])]


BOX = {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "Hello"}]}


async def test_a_notification_names_its_title_and_the_words_for_its_keys(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    items = [
        {"itemKey": "number_001_ja", "content": "A-1"},
        {"itemKey": "example_gate", "content": "7"},
    ]
    buttons = [{"buttonKey": "contact_ja", "url": "https://example.com/"}]
    await emulator.send(channel, PHONE, body={"body": {"items": items, "buttons": buttons}})
    await emulator.send(channel, PHONE, body={"templateKey": "example_parcel"})
    first, second = (await chats(emulator))[channel["channel_id"]]["messages"]
    assert (first["title"], first["made_up"]) == ("発送完了のお知らせ", False)
    assert first["labels"] == {"number_001_ja": "番号", "example_gate": "Gate", "contact_ja": "お問い合わせ"}
    assert (second["title"], second["made_up"], second["body"]) == ("Parcel", True, {})


async def test_all_accounts_can_be_found_and_those_near_come_first(emulator: RunningEmulator) -> None:
    made = [await emulator.channel(name=f"Shop {number}") for number in range(MOST_CHANNELS + 5)]
    await emulator.user(PHONE)
    await emulator.act(PHONE, "block", channel_id=made[-1]["channel_id"])
    found = (await emulator.screen(PHONE))["channels"]
    assert len(found) == MOST_CHANNELS
    assert (found[0]["name"], found[0]["blocked"]) == (f"Shop {MOST_CHANNELS + 4}", True)


async def test_a_postback_carries_its_data_and_what_was_picked_and_shows_its_text(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    channel_id = channel["channel_id"]
    await emulator.user(PHONE)
    values = {"channel_id": channel_id, "target": "https://data", "display_text": "Tomorrow"}
    await emulator.act(PHONE, "postback", **values, params={"date": "2026-12-24"})
    assert (await sink.got(1))[0]["postback"] == {"data": "https://data", "params": {"date": "2026-12-24"}}
    shown = (await chats(emulator))[channel_id]["messages"][0]
    assert (shown["text"], shown["by"]) == ("Tomorrow", "user")


@pytest.mark.parametrize("params", [{"colour": "red"}, {"date": "2" * 41}])
async def test_a_postback_with_params_that_no_picker_gives_is_refused(
    emulator: RunningEmulator, params: dict[str, str]
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    values = {"channel_id": channel["channel_id"], "target": "x", "params": params}
    await emulator.act(PHONE, "postback", expect=400, **values)


async def test_nothing_is_reported_of_who_blocks_the_account(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    channel_id = channel["channel_id"]
    await emulator.user(PHONE)
    await emulator.act(PHONE, "block", channel_id=channel_id)
    for action in ("postback", "tap"):
        await emulator.act(PHONE, action, channel_id=channel_id, target="data", display_text="Hm")
    await emulator.act(PHONE, "switch_menu", channel_id=channel_id, alias="a", target="data")
    await emulator.act(PHONE, "unblock", channel_id=channel_id)
    assert [event["type"] for event in await sink.got(2)] == ["unfollow", "follow"]
    assert channel_id not in await chats(emulator)


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_the_text_message_with_a_pin_is_in_the_apps_language(
    emulator: RunningEmulator, language: str
) -> None:
    await emulator.user(PHONE, language=language)
    code = await emulator.pin(PHONE)
    text = (await emulator.screen(PHONE))["sms"][0]["text"]
    assert code in text
    await emulator.user(OTHER, language="en")
    other = await emulator.pin(OTHER)
    english = (await emulator.screen(OTHER))["sms"][0]["text"]
    assert (text.replace(code, other) == english) == (language == "en")


async def rich_menu(emulator: RunningEmulator, channel: dict[str, Any]) -> str:
    """A rich menu with a picture and the alias `night`."""
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    bounds = {"x": 0, "y": 0, "width": 800, "height": 270}
    area = {"bounds": bounds, "action": {"type": "message", "text": "Hello"}}
    size = {"width": 800, "height": 270}
    menu = {"size": size, "selected": False, "name": "Night", "chatBarText": "Night", "areas": [area]}
    made = await emulator.request("POST", "/v2/bot/richmenu", menu, headers)
    menu_id = str(made.json["richMenuId"])
    frame = b"\xff\xc0" + struct.pack(">HBHH", 11, 8, 270, 800) + b"\x01\x01\x11\x00"
    picture = b"\xff\xd8" + frame + b"\xff\xd9"
    path = f"/v2/bot/richmenu/{menu_id}/content"
    reply = await emulator.request("POST", path, picture, headers | {"Content-Type": "image/jpeg"})
    assert reply.status == 200, reply
    alias = {"richMenuAliasId": "night", "richMenuId": menu_id}
    assert (await emulator.request("POST", "/v2/bot/richmenu/alias", alias, headers)).status == 200
    return menu_id


async def test_a_rich_menu_switch_tells_how_it_went(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    menu_id = await rich_menu(emulator, channel)
    await emulator.user(PHONE)
    values = {"channel_id": channel["channel_id"], "target": "to"}

    async def shown() -> Any:
        return (await emulator.screen(PHONE))["channels"][0].get("rich_menu")

    await emulator.act(PHONE, "switch_menu", **values, alias="night")
    assert await shown() is None
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await emulator.act(PHONE, "switch_menu", **values, alias="day")
    assert await shown() is None
    await emulator.act(PHONE, "switch_menu", **values, alias="night")
    menu = await shown()
    assert (menu["richMenuId"], menu["chatBarText"]) == (menu_id, "Night")
    picture = await emulator.request("GET", menu["image"])
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
    postbacks = [event["postback"] for event in await sink.got(4) if event["type"] == "postback"]
    assert [postback["params"] for postback in postbacks] == [
        {"newRichMenuAliasId": "night", "status": "SUCCESS"},
        {"newRichMenuAliasId": "day", "status": "RICHMENU_ALIAS_ID_NOTFOUND"},
        {"newRichMenuAliasId": "night", "status": "SUCCESS"},
    ]
    await emulator.act(PHONE, "switch_menu", expect=400, channel_id=channel["channel_id"])
