"""The phone in a real browser: everything here is done by clicks and keys, and seen without a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, expect

from emulator_support import RunningEmulator
from phone_support import CHROMIUM, MISSING, PHONES, Phone, chromium, context_of, phone_of, shop_of

LONG_AGO = "2024-01-15T00:00:00Z"
FONTS = {
    "zh-Hant": ("TC",),
    "ja": ("JP",),
    "th": ("Thai", "Loma", "Garuda", "Waree", "Sawasdee", "Umpush", "Kinnari"),
}
"""How the names of fonts with this language's own forms end."""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


async def fonts_of(phone: Phone, selector: str) -> list[dict[str, Any]]:
    """The fonts that the glyphs of an element really come from."""
    session = await phone.page.context.new_cdp_session(phone.page)
    await session.send("DOM.enable")
    await session.send("CSS.enable")
    root = await session.send("DOM.getDocument", {"depth": 0})
    found = await session.send("DOM.querySelector", {"nodeId": root["root"]["nodeId"], "selector": selector})
    fonts = await session.send("CSS.getPlatformFontsForNode", {"nodeId": found["nodeId"]})
    return list(fonts["fonts"])


@pytest.mark.parametrize("language", list(PHONES))
@pytest.mark.parametrize("width", [1440, 390])
async def test_a_user_consents_verifies_and_sees_the_notification_by_clicks_alone(
    emulator: RunningEmulator, browser: Browser, width: int, language: str
) -> None:
    phone = await phone_of(browser, emulator, language, width, reception="not_set", verified_at=LONG_AGO)
    channel, body = await shop_of(emulator, language)
    await phone.open()
    await phone.sees("chats.empty")
    await phone.shot("0-empty")
    await emulator.send(channel, phone.phone, tag="order-0000000001", body=body)
    await phone.sees("banner.consent")
    await phone.shot("1-chats")
    await phone.page.locator(".chat-line").first.click()
    await phone.sees("consent_request.text")
    await phone.shot("2-system")
    await check_fonts(phone, ".notice-text")
    await phone.click("consent_request.button")
    await phone.sees("consent.lead")
    await phone.shot("3-consent")
    await phone.click("consent.agree")
    await phone.sees("pin.how")
    await phone.shot("4-pin-send")
    await phone.click("pin.send")
    await phone.page.locator(".toast-card").wait_for()
    await phone.shot("5-pin")
    await phone.page.locator(".toast-card").click()
    sms = await phone.page.locator(".text-bubble").last.inner_text()
    await phone.shot("6-sms")
    await phone.page.locator(".to-line").click()
    await phone.page.get_by_label(phone.say("pin.label")).fill("".join(filter(str.isdigit, sms))[:6])
    await phone.click("pin.verify")
    await phone.sees("pin.done")
    await phone.shot("7-done")
    await phone.click("pin.see")
    await expect(phone.page.locator(".m-notice")).to_contain_text("1234567")
    await phone.shot("8-card")
    await check_fonts(phone, ".m-notice")
    assert (await emulator.ledger())[0]["fate"] == "delivered"
    await phone.page.locator(".back").click()
    await expect(phone.page.locator(".chat-line")).to_have_count(2)
    await phone.shot("9-chats")
    phone.is_clean()


async def check_fonts(phone: Phone, selector: str) -> None:
    """The language's own forms, and no glyph from a font of last resort."""
    fonts = await fonts_of(phone, selector)
    assert fonts
    for font in fonts:
        name = font["familyName"]
        assert "LastResort" not in name, fonts
        if phone.language in FONTS:
            assert name.endswith(FONTS[phone.language]), fonts


async def test_a_wrong_code_says_how_many_tries_are_left_and_a_spent_one_asks_for_a_new_one(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "en", reception="agree", verified_at=LONG_AGO)
    await emulator.send(await emulator.channel(), phone.phone)
    await phone.open("#/pin")
    await phone.click("pin.send")
    field = phone.page.get_by_label(phone.say("pin.label"))
    await expect(field).to_be_focused()
    right = (await emulator.screen(phone.phone))["sms"][-1]["pin"]
    wrong = "000000" if right != "000000" else "000001"
    for left in (4, 3, 2, 1):
        await field.fill(wrong)
        await field.press("Enter")
        await phone.sees("pin.wrong", left=left)
    await phone.shot("wrong-pin")
    await field.fill(wrong)
    await field.press("Enter")
    await phone.sees("pin.void")
    await phone.click("pin.resend")
    await expect(phone.page.get_by_text(phone.say("pin.void"))).not_to_be_visible()
    await field.fill((await emulator.screen(phone.phone))["sms"][-1]["pin"])
    await field.press("Enter")
    await phone.sees("pin.done")
    assert [fault for fault in phone.faults if "400" not in fault] == []


async def test_the_reception_setting_and_the_language_change_in_the_settings(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "th", reception="not_set")
    await phone.open()
    await phone.tab("settings")
    await phone.sees("reception.not_set")
    await phone.shot("settings")
    await phone.page.locator("button.row", has_text=phone.say("settings.reception")).click()
    await phone.sees("reception.choose")
    await phone.shot("reception")
    await phone.page.get_by_role("radio", name=phone.say("reception.reject")).click()
    checked = phone.page.get_by_role("radio", checked=True)
    await expect(checked).to_have_text(phone.say("reception.reject"))
    await phone.click("common.back")
    await phone.page.locator("button.row", has_text=phone.say("settings.language")).click()
    await phone.shot("language")
    await phone.page.get_by_role("radio", name="日本語").click()
    phone.language = "ja"
    await expect(phone.page.locator("html")).to_have_attribute("lang", "ja")
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text(phone.say("settings.language"))
    user = await emulator.control("GET", f"/users/{quote(phone.phone, safe='')}")
    assert (user["reception"], user["language"]) == ("reject", "ja")
    phone.is_clean()


async def test_a_prompt_whose_24_hours_are_over_says_so_without_a_reload(
    emulator: RunningEmulator, browser: Browser
) -> None:
    await emulator.clock(mode="paused")
    # Noon in Taipei, so that 25 hours later is the next day.
    await emulator.clock(set="2030-08-07T04:00:00Z")
    phone = await phone_of(browser, emulator, "en", reception="not_set")
    await emulator.send(await emulator.channel(), phone.phone)
    await phone.open("#/chat/line")
    await expect(phone.button("consent_request.button")).to_be_visible()
    await emulator.clock(advance="25h")
    await phone.sees("prompt.expired")
    await phone.sees("time.yesterday")
    await expect(phone.button("consent_request.button")).to_have_count(0)
    await phone.shot("expired")
    phone.is_clean()


async def test_refusing_closes_the_prompt_for_good(emulator: RunningEmulator, browser: Browser) -> None:
    phone = await phone_of(browser, emulator, "en", reception="not_set")
    await emulator.send(await emulator.channel(), phone.phone)
    await phone.open("#/consent")
    await phone.click("consent.refuse")
    await phone.sees("prompt.refused")
    assert (await emulator.ledger())[0]["fate"] == "refused"
    phone.is_clean()


async def test_the_number_is_changed_with_a_code_sent_to_the_new_one(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "en")
    await phone.open("#/settings/number")
    field = phone.page.get_by_label(phone.say("number.new"))
    await field.fill("0912")
    await phone.click("pin.send")
    await expect(phone.page.get_by_role("alert")).to_contain_text("+")
    await field.fill("+886 987 654 321")
    await phone.click("pin.send")
    await phone.page.locator(".toast-card").click()
    sms = phone.page.locator(".text").last
    await expect(sms).to_contain_text("987\u00a0654\u00a0321")
    code = "".join(filter(str.isdigit, await sms.locator(".text-bubble").inner_text()))[:6]
    await phone.page.locator(".to-line").click()
    await phone.shot("number")
    await phone.page.get_by_label(phone.say("pin.label")).fill(code)
    await phone.click("pin.verify")
    await expect(phone.page.locator(".profile-number")).to_contain_text("987\u00a0654\u00a0321")
    assert quote("+886987654321", safe="") in phone.page.url
    phone.is_clean()


async def test_a_text_message_above_goes_away_once_its_code_is_used_or_another_page_is_open(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "en", reception="not_set", verified_at=LONG_AGO)
    channel, body = await shop_of(emulator, "en")
    await emulator.send(channel, phone.phone, tag="order-0000000001", body=body)
    await emulator.act(phone.phone, "agree")
    await phone.open("#/pin")
    toast = phone.page.locator(".toast-card")
    # The page's own timers stand still: what goes away does so for another reason.
    await phone.page.clock.install()
    await phone.page.clock.pause_at(await phone.page.evaluate("Date.now() + 1000"))
    await phone.click("pin.send")
    await toast.wait_for()
    await phone.page.evaluate("location.hash = '#/settings'")
    await expect(toast).to_have_count(0)
    await phone.page.evaluate("location.hash = '#/pin'")
    await phone.click("pin.resend")
    await toast.wait_for()
    code = (await emulator.screen(phone.phone))["sms"][-1]["pin"]
    await phone.page.get_by_label(phone.say("pin.label")).fill(code)
    await phone.click("pin.verify")
    await phone.sees("pin.done")
    await expect(toast).to_have_count(0)
    phone.is_clean()


async def test_after_a_lost_connection_the_phone_says_so_and_comes_back(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "en")
    routes: list[Any] = []
    refuse = False

    def relay(route: Any) -> None:
        routes.append(route)
        if refuse:
            return
        route.connect_to_server()

    await phone.page.route_web_socket("**/live", relay)
    await phone.open()
    refuse = True
    await routes[0].close()
    await phone.sees("live.reconnecting")
    refuse = False
    for route in routes[1:]:
        await route.close()
    await expect(phone.page.get_by_text(phone.say("live.reconnecting"))).not_to_be_visible()
    await emulator.send(await emulator.channel(), phone.phone)
    await expect(phone.page.locator(".chat-line")).to_have_count(2)
    assert len(routes) > 1


async def test_a_number_without_line_shows_its_sms_and_can_be_made_a_user(
    emulator: RunningEmulator, browser: Browser
) -> None:
    number = PHONES["en"]
    await emulator.control(
        "POST", "/carrier/messages", {"to": number, "text": "Parcel 7", "from": "Post"}, 202
    )
    phone = Phone(await (await context_of(browser, 390)).new_page(), emulator, number, "en")
    await phone.open()
    # Nobody's phone speaks the language of the number's country.
    phone.language = "zh-Hant"
    await phone.sees("nobody.title")
    await phone.shot("nobody")
    await phone.page.locator(".secondary").click()
    await phone.page.locator(".chat-line", has_text="Post").click()
    await expect(phone.page.locator(".text-bubble")).to_have_text("Parcel 7")
    await phone.page.locator(".back").click()
    await phone.page.locator(".back").click()
    await phone.click("nobody.make")
    await phone.sees("chats.empty")
    phone.is_clean()


async def test_deleting_the_account_leaves_a_number_without_line(
    emulator: RunningEmulator, browser: Browser
) -> None:
    phone = await phone_of(browser, emulator, "zh-Hant")
    await phone.open("#/settings")
    await phone.click("settings.delete")
    await phone.shot("delete")
    await phone.click("delete.button")
    await phone.sees("nobody.title")
    reply = await emulator.request("GET", f"/_emulator/v1/users/{quote(phone.phone, safe='')}")
    assert reply.status == 404
    phone.is_clean()


async def test_the_phone_can_be_used_by_keyboard_alone(emulator: RunningEmulator, browser: Browser) -> None:
    phone = await phone_of(browser, emulator, "en", 1440, reception="not_set")
    await emulator.send(await emulator.channel(), phone.phone)
    await phone.open()
    for _ in range(12):
        await phone.page.keyboard.press("Tab")
        if await phone.page.evaluate("document.activeElement.classList.contains('banner')"):
            break
    await phone.page.keyboard.press("Enter")
    agree = phone.button("consent.agree")
    await expect(agree).to_be_focused()
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.locator(".m-notice")).to_be_visible()
    phone.is_clean()


async def test_in_a_frame_nothing_but_the_phone_is_shown(emulator: RunningEmulator, browser: Browser) -> None:
    phone = await phone_of(browser, emulator, "ja", 1440)
    await phone.open(query="?frame=1")
    await expect(phone.page.locator(".side")).to_have_count(0)
    box = await phone.page.locator(".phone").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 1440)
    phone.is_clean()
