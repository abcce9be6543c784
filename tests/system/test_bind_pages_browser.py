"""Every page of a bind link on a phone and at a desk, in four languages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from binding_support import (
    NUMBER,
    code_in_inbox,
    confirm_in_line,
    line_id_of,
    link_for,
    phone_with,
    press,
    say,
    sees,
    user_of,
)
from gateway_support import RunningGateway
from phone_support import CHROMIUM, CLIPPED, MISSING, SHOTS, chromium
from todoke.server.web.bind_texts import LANGUAGES

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)

FONTS = {"zh-Hant": ("TC",), "ja": ("JP",), "th": ("Thai", "Loma", "Garuda", "Waree")}
"""How the names of fonts with a language's own forms end."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


async def looks(page: Page, address: str, name: str) -> None:
    """In each language, nothing is cut off or wider than its window, on a phone and at a desk. Ends in English."""
    session = await page.context.new_cdp_session(page)
    await session.send("DOM.enable")
    await session.send("CSS.enable")
    for language in LANGUAGES:
        await page.goto(f"{address}?lang={language}")
        await expect(page.locator("html")).to_have_attribute("lang", language)
        root = await session.send("DOM.getDocument", {"depth": 0})
        of = {"nodeId": root["root"]["nodeId"], "selector": "h1"}
        heading = await session.send("DOM.querySelector", of)
        shown = await session.send("CSS.getPlatformFontsForNode", {"nodeId": heading["nodeId"]})
        if own := FONTS.get(language):
            assert any(font["familyName"].endswith(own) for font in shown["fonts"]), (language, shown)
        for width in (1440, 390):
            await page.set_viewport_size({"width": width, "height": 900 if width > 800 else 844})
            assert await page.evaluate(CLIPPED) == [], (name, language, width)
            if SHOTS:
                await page.screenshot(path=f"{SHOTS}/{name}-{language}-{width}.png", full_page=True)
    await session.detach()


async def test_every_page_fits_its_window_in_every_language_and_its_own_letters(
    gateway: RunningGateway, browser: Browser
) -> None:
    phone = await phone_with(gateway, browser)
    line_id = await line_id_of(gateway)
    page = await phone.page.context.new_page()
    await phone.open()
    await looks(page, await link_for(gateway, None, user_id=(await user_of(gateway))["user_id"]), "ask")
    address = await link_for(gateway)
    await looks(page, address, "agree")
    await press(page, "agree.button", "en")
    await looks(page, f"{address}/now", "chat")
    word = await page.locator(".word code").inner_text()
    await gateway.emulator.act(NUMBER, "send_message", channel_id=line_id, text=word)
    await gateway.settle()
    await page.goto(f"{address}/now?lang=en")
    await press(page, "link.button", "en")
    await sees(page, "try.not_a_friend", "en")
    await gateway.emulator.act(NUMBER, "add_friend", channel_id=line_id)
    await looks(page, f"{address}/now", "link")
    await confirm_in_line(page, "en")
    await looks(page, f"{address}/now", "send")
    await press(page, "code.send", "en")
    await looks(page, f"{address}/now", "code")
    await page.get_by_label(say("code.label", "en"), exact=True).fill(await code_in_inbox(phone))
    await press(page, "code.button", "en")
    await looks(page, f"{address}/now", "done")
    unbinding = str(await page.locator("a.quiet").get_attribute("href")).partition("?")[0]
    await looks(page, unbinding, "unbind")
    await press(page, "unbind.button", "en")
    await looks(page, unbinding, "unbound")
    await looks(page, address, "used")
    await looks(page, address[:-1], "forged")
