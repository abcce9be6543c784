"""Links that are tapped on the phone, links that lead back to it, and answers by SMS, all in a real browser."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.async_api import Browser, Page, expect

from emulator_support import RunningEmulator, Sink
from line_emulator.screen.texts import say
from phone_support import (
    CHROMIUM,
    CLIPPED,
    MISSING,
    PHONES,
    SHOTS,
    Phone,
    chromium,
    context_of,
    phone_of,
    push,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
WORD = "LINK 7F3K9QXW"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


async def cookie_of(page: Page) -> str | None:
    found = [entry for entry in await page.context.cookies() if entry["name"] == "emulator_phone"]
    return unquote(found[0]["value"]) if found else None


async def basic_id_of(emulator: RunningEmulator, channel: dict[str, Any]) -> str:
    return quote(emulator.state.world.channels[channel["channel_id"]].basic_id, safe="")


async def shot(page: Page, name: str) -> None:
    """Holds a page that is no phone to the layout's rules, and keeps a picture where asked for."""
    await page.evaluate("document.fonts.ready")
    assert await page.evaluate(CLIPPED) == []
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}-{(page.viewport_size or {})['width']}.png")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh-Hant", "th", "ja", "en", "zh-Hans"])
async def test_an_account_is_added_on_its_page_and_the_prepared_message_waits_to_be_sent(
    emulator: RunningEmulator, browser: Browser, sink: Sink, width: int, language: str
) -> None:
    number = PHONES.get(language, "+886912345677")
    await emulator.user(number, language=language, name="Somchai")
    phone = Phone(await (await context_of(browser, width)).new_page(), emulator, number, language)
    channel = await emulator.channel(webhook_url=sink.url, name="青松超商 Green Pine")
    link = f"{emulator.url}/R/oaMessage/{await basic_id_of(emulator, channel)}/?{quote(WORD)}"
    await phone.open()
    page = await phone.page.context.new_page()
    await page.goto(link)
    await expect(page.locator("h1")).to_contain_text("青松超商 Green Pine")
    await expect(page.locator(".words")).to_have_text(WORD)
    await shot(page, f"offer-{language}")
    await page.get_by_role("button", name=say("home.add", language), exact=True).click()
    field = page.locator(".composer textarea")
    await expect(field).to_have_value(WORD)
    assert [event["type"] for event in await sink.got(1)] == ["follow"]
    assert WORD not in unquote(page.url)
    if language == "en":
        await Phone.shot(Phone(page, emulator, number, language), "prepared")
    await page.get_by_role("button", name=say("chat.send", language), exact=True).click()
    event = (await sink.got(2))[1]
    assert (event["type"], event["message"]["text"]) == ("message", WORD)
    await expect(field).to_have_value("")
    # Whoever comes back to the page finds no message a second time.
    await page.reload()
    await expect(page.locator(".mine .m-text")).to_have_text(WORD)
    await expect(field).to_have_value("")
    await page.goto(f"{emulator.url}/R/ti/p/{await basic_id_of(emulator, channel)}")
    await expect(page.locator(".mine .m-text")).to_have_text(WORD)
    phone.is_clean()


@pytest.mark.parametrize("width", [1440, 390])
async def test_pages_for_ids_and_phones_that_are_unknown_say_so(
    emulator: RunningEmulator, browser: Browser, width: int
) -> None:
    phone = await phone_of(browser, emulator, "th", width)
    channel = await emulator.channel()
    page = await phone.page.context.new_page()
    await page.goto(f"{emulator.url}/R/ti/p/{await basic_id_of(emulator, channel)}")
    await expect(page.get_by_role("button", name="Somchai")).to_be_visible()
    await shot(page, "asked")
    await page.get_by_role("button", name="Somchai").click()
    await expect(page.get_by_role("button", name=say("home.add", "th"))).to_be_visible()
    await phone.open()
    await page.goto(f"{emulator.url}/R/ti/p/%40{'n' * 60}")
    await expect(page.locator("h1")).to_have_text(say("open.unknown", "th"))
    await shot(page, "unknown")


async def test_the_cookie_names_the_phone_that_was_used_last_and_follows_its_number(
    emulator: RunningEmulator, browser: Browser
) -> None:
    one = await phone_of(browser, emulator, "ja")
    other = Phone(await one.page.context.new_page(), emulator, PHONES["th"], "th")
    await emulator.user(other.phone, language="th")
    await one.open()
    assert await cookie_of(one.page) == one.phone
    await other.open()
    assert await cookie_of(one.page) == other.phone
    await emulator.act(other.phone, "change_number", phone="+66898765432")
    await expect(other.page).to_have_url(f"{emulator.url}/phones/{quote('+66898765432', safe='')}")
    assert await cookie_of(one.page) == "+66898765432"
    await one.page.bring_to_front()
    await one.tab("home")
    assert await cookie_of(one.page) == one.phone
    # The other phone's change does not make it the one that is used.
    await emulator.act("+66898765432", "change_number", phone=PHONES["th"])
    await expect(other.page).to_have_url(f"{emulator.url}/phones/{quote(PHONES['th'], safe='')}")
    assert await cookie_of(one.page) == one.phone


async def test_an_account_link_that_a_page_of_another_port_leads_to_knows_its_user(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "en")
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.act(phone.phone, "add_friend", channel_id=channel["channel_id"])
    path = f"/v2/bot/user/{user['user_id']}/linkToken"
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    token = (await emulator.request("POST", path, headers=headers)).json["linkToken"]
    await phone.open()
    page = await phone.page.context.new_page()
    dialog = f"{emulator.url}/dialog/bot/accountLink?linkToken={token}&nonce=1234567890abcdef"
    await page.goto(sink.url)
    await page.evaluate("address => { location.href = address }", dialog)
    await expect(page.locator("h1")).to_have_text("Accounts linked")
    assert (await sink.got(2))[1]["link"]["result"] == "ok"


async def test_links_of_this_machine_open_in_a_new_tab_from_messages_buttons_and_sms(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "en")
    channel = await emulator.channel()
    user = await emulator.act(phone.phone, "add_friend", channel_id=channel["channel_id"])
    link = f"{emulator.url}/?from="
    template = {
        "type": "buttons",
        "text": "Bind your number",
        "actions": [{"type": "uri", "label": "Bind", "uri": f"{link}button"}],
    }
    messages = [
        {"type": "text", "text": f"Here: {link}text."},
        {"type": "template", "altText": "Bind", "template": template},
    ]
    await push(emulator, channel, user["user_id"], messages)
    order = {"to": phone.phone, "from": "Shop", "text": f"Tap {link}sms, or https://example.com/x"}
    await emulator.control("POST", "/carrier/messages", order, expect=202)
    await phone.open(f"#/chat/{channel['channel_id']}")
    for tap, came in (
        (phone.page.locator(".m-text .m-link"), "text"),
        (phone.page.get_by_role("button", name="Bind", exact=True), "button"),
    ):
        async with phone.page.context.expect_page() as opened:
            await tap.click()
        assert (await opened.value).url == f"{link}{came}"
    await phone.open("#/sms/Shop")
    links = phone.page.locator(".text-bubble .m-link")
    await expect(links).to_have_count(2)
    async with phone.page.context.expect_page() as opened:
        await links.first.click()
    assert (await opened.value).url == f"{link}sms"
    # What lies elsewhere is shown first, and opened only by a second tap.
    await links.last.click()
    there = phone.page.get_by_role("link", name=phone.say("browser.tab"))
    await expect(there).to_have_attribute("href", "https://example.com/x")
    await phone.shot("sms-links")
    assert phone.faults == []


async def test_lines_own_links_open_on_the_phone_itself(
    emulator: RunningEmulator, browser: Browser, sink: Sink
) -> None:
    phone = await phone_of(browser, emulator, "ja")
    channel = await emulator.channel(webhook_url=sink.url)
    basic_id = await basic_id_of(emulator, channel)
    text = f"https://line.me/R/oaMessage/{basic_id}/?{quote('連携 7F3K')}"
    order = {"to": phone.phone, "from": "Shop", "text": text}
    await emulator.control("POST", "/carrier/messages", order, expect=202)
    await phone.open("#/sms/Shop", "?frame=1")
    await phone.page.locator(".text-bubble .m-link").click()
    await phone.click("home.add")
    await expect(phone.page.locator(".composer textarea")).to_have_value("連携 7F3K")
    assert "?frame=1#/chat/" in phone.page.url
    assert len(phone.page.context.pages) == 1
    await sink.got(1)
    assert phone.faults == []


@pytest.mark.parametrize("width", [1440, 390])
async def test_an_sms_is_answered_in_its_thread(
    emulator: RunningEmulator, browser: Browser, sink: Sink, width: int
) -> None:
    phone = await phone_of(browser, emulator, "zh-Hant", width)
    order = {
        "to": phone.phone,
        "from": "青松超商",
        "text": "您的包裹已到店。回覆 STOP 停止接收",
        "reply_url": sink.url,
    }
    await emulator.control("POST", "/carrier/messages", order, expect=202)
    await emulator.control(
        "POST", "/carrier/messages", {**order, "from": "Bank", "reply_url": None}, expect=202
    )
    await phone.open("#/sms")
    await phone.page.get_by_role("button", name="Bank").click()
    await phone.sees("sms.readonly")
    await expect(phone.page.locator(".composer")).to_have_count(0)
    await phone.open("#/sms/" + quote("青松超商"))
    field = phone.page.locator(".composer textarea")
    await field.fill("STOP 謝謝")
    await phone.shot("sms-answer-draft")
    await phone.click("chat.send")
    await expect(phone.page.locator(".text.own .text-bubble")).to_have_text("STOP 謝謝")
    await expect(field).to_have_value("")
    await sink.until(lambda: bool(sink.requests))
    assert json.loads(sink.requests[0][1])["text"] == "STOP 謝謝"
    # An answer is in the thread of whom it went to, and is no news.
    await emulator.control("POST", "/carrier/messages", {**order, "text": "OK"}, expect=202)
    await expect(phone.page.locator(".text-bubble")).to_have_count(3)
    await phone.shot("sms-answered")
    await phone.open("#/sms")
    await expect(phone.page.locator(".chat-line")).to_have_count(2)
    assert phone.faults == []


async def test_a_phone_whose_number_was_given_to_somebody_else_stays_its_users(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "en")
    user = await emulator.control("GET", f"/users/{quote(phone.phone, safe='')}")
    await phone.open("#/settings")
    await emulator.user(phone.phone, name="Somebody", language="ja", takes_over=True)
    await expect(phone.page).to_have_url(f"{emulator.url}/phones/{user['user_id']}#/settings")
    await expect(phone.page.locator(".profile-name")).to_have_text("Somchai")
    await expect(phone.page.locator(".profile-number")).to_have_text(phone.say("number.none"))
    await phone.shot("number-lost")
    await phone.page.get_by_role("button", name=phone.say("settings.number")).click()
    await phone.page.get_by_label(phone.say("number.new")).fill("+886912000999")
    await phone.click("pin.send")
    pin = (await emulator.screen(user["user_id"]))["sms"][-1]["pin"]
    await phone.page.get_by_label(phone.say("pin.label")).fill(pin)
    await phone.click("pin.verify")
    await expect(phone.page).to_have_url(f"{emulator.url}/phones/{quote('+886912000999', safe='')}#/settings")
    phone.is_clean()
