"""A user's phone in a real browser, for tests that click on it.

`TODOKE_SHOTS=FOLDER` keeps pictures of the steps.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from emulator_support import RunningEmulator
from line_emulator.screen.texts import say

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "Chromium is not installed: apt-get install chromium"
SHOTS = os.environ.get("TODOKE_SHOTS")
PHONES = {
    "zh-Hant": "+886912345678",
    "th": "+66812345678",
    "ja": "+819012345678",
    "en": "+886912345679",
}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser, for as long as the block lasts."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"]
        )
        yield launched
        await launched.close()


CLIPPED = """() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`page ${root.scrollWidth} > ${root.clientWidth}`);
  const ends = new Set(["chat-words", "name", "account-id", "search-field"]);
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility() || element.closest("svg, .visually-hidden, .m-pic")) continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const style = getComputedStyle(element);
    const scrolls = [style.overflowX, style.overflowY].some((value) => value === "auto" || value === "scroll");
    const cut = element.scrollWidth > element.clientWidth + 1 && style.display !== "inline" && !scrolls;
    const low = element.scrollHeight > element.clientHeight + 1 && style.display !== "inline" && !scrolls;
    const meant = [...element.classList].some((name) => ends.has(name)) && style.textOverflow === "ellipsis";
    if (own && ((cut && !meant) || (low && style.overflowY !== "visible" && style.webkitLineClamp === "none"))) {
      wrong.push(`${element.tagName}.${element.className}: ${element.textContent.slice(0, 40)} ` +
        `${element.scrollWidth}x${element.scrollHeight} in ${element.clientWidth}x${element.clientHeight}`);
    }
  }
  return wrong;
}"""


SHOPS: dict[str, tuple[str, str, str, list[str], list[str]]] = {
    "zh-Hant": (
        "TW",
        "青松超商",
        "包裹已到店",
        ["取件期限", "取件門市", "取件代碼", "代收金額", "查詢包裹"],
        ["8月16日(日)", "青松超商 忠孝復興門市", "1234567", "NT$1,200"],
    ),
    "th": (
        "TH",
        "ร้านใบเตย",
        "พัสดุถึงจุดรับแล้ว",
        ["รับได้ถึงวันที่", "จุดรับพัสดุ", "รหัสรับพัสดุ", "ยอดเก็บปลายทาง", "ติดตามพัสดุ"],
        ["16 ส.ค. 2569", "ร้านใบเตย สาขาอโศก ชั้น 1", "1234567", "฿1,200"],
    ),
    "ja": (
        "JP",
        "しろくま運輸",
        "お荷物お届けのお知らせ",
        ["お届け予定日", "時間帯", "お問い合わせ番号", "代引金額", "配送状況を確認"],
        ["8月16日(日)", "午前中", "1234567", "12,000円"],
    ),
    "en": (
        "TW",
        "Green Pine Stores",
        "Your parcel has arrived",
        ["Pick up until", "Store", "Code", "To pay", "Track the parcel"],
        ["Sun, 16 August", "Green Pine, Zhongxiao Fuxing", "1234567", "NT$1,200"],
    ),
}
"""By language: country, name, title of the template, labels of four items and a button, contents of the items."""
KEYS = ("example_until", "example_place", "example_code", "example_amount")


async def shop_of(emulator: RunningEmulator, language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A business of this language with granted keys and their labels, and the body of a notification of it."""
    region, name, title, labels, contents = SHOPS[language]
    channel = await emulator.channel(name=name, region=region)
    rows = [("template", "example_parcel", title), *zip(("item",) * 4, KEYS, labels[:4], strict=True)]
    rows.append(("button", "example_track", labels[4]))
    csv = "".join(f"{kind},{key},{label}\n" for kind, key, label in [("kind", "key", "label"), *rows])
    path = f"/channels/{channel['channel_id']}/grants"
    await emulator.control("POST", path, {"csv": csv})
    items = [{"itemKey": key, "content": content} for key, content in zip(KEYS, contents, strict=True)]
    body = {
        "emphasizedItem": items[0],
        "items": items[1:],
        "buttons": [{"buttonKey": "example_track", "url": "https://example.com/parcels/1234567"}],
    }
    return channel, {"templateKey": "example_parcel", "body": body}


class Phone:
    """A page with a user's phone, which notes every fault and every address that it asks."""

    def __init__(self, page: Page, emulator: RunningEmulator, phone: str, language: str) -> None:
        self.page = page
        self.emulator = emulator
        self.phone = phone
        self.language = language
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.loaded = 0
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("load", lambda: self.count())

    def count(self) -> None:
        self.loaded += 1

    async def open(self, hash_: str = "", query: str = "") -> None:
        await self.page.goto(f"{self.emulator.url}/phones/{quote(self.phone, safe='')}{query}{hash_}")
        await self.page.locator(".page").first.wait_for()

    def say(self, key: str, **values: Any) -> str:
        words = say(key, self.language)
        for name, value in values.items():
            words = words.replace("{" + name + "}", str(value))
        return words

    def button(self, key: str) -> Locator:
        return self.page.get_by_role("button", name=self.say(key), exact=True)

    async def click(self, key: str) -> None:
        await self.button(key).last.click()

    async def tab(self, name: str) -> None:
        await self.page.locator(f".tab-{name}").click()

    async def sees(self, key: str, **values: Any) -> None:
        await expect(self.page.get_by_text(self.say(key, **values)).last).to_be_visible()

    async def shot(self, name: str) -> None:
        """Holds the layout to its rules, and keeps a picture where asked for."""
        await self.page.evaluate("document.fonts.ready")
        await self.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        wrong = await self.page.evaluate(CLIPPED)
        assert wrong == [], f"{name}: {wrong}"
        if SHOTS:
            width = (self.page.viewport_size or {})["width"]
            await self.page.screenshot(path=f"{SHOTS}/{name}-{self.language}-{width}.png")

    def is_clean(self) -> None:
        """No fault, nothing asked from elsewhere, and no reload."""
        assert self.faults == []
        own = (self.emulator.url, self.emulator.url.replace("http", "ws"), "data:", "blob:")
        assert [url for url in self.asked if not url.startswith(own)] == []
        assert self.loaded == 1


async def phone_of(
    browser: Browser, emulator: RunningEmulator, language: str = "en", width: int = 390, **user: Any
) -> Phone:
    """A page for a user of this language, not open yet."""
    number = PHONES[language]
    await emulator.user(number, language=language, name="Somchai", **user)
    context = await context_of(browser, width)
    return Phone(await context.new_page(), emulator, number, language)


async def context_of(browser: Browser, width: int) -> BrowserContext:
    height = 844 if width < 800 else 900
    context = await browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    return context


async def push(emulator: RunningEmulator, channel: dict[str, Any], user_id: str, messages: Any) -> None:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    body = {"to": user_id, "messages": messages}
    reply = await emulator.request("POST", "/v2/bot/message/push", body, headers)
    assert reply.status == 200, reply
