"""The stage in Chromium: the emulator's phone of one user, a caption under it, and a dot where the user taps.

Chromium's own screencast gives the frames; Playwright's recorder would need a download that can't be had everywhere.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from todoke.cli.acceptance.film import Frame, held_ms, paced

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession, Locator, Page

SCALE = 1.5
WIDTH, HEIGHT = 420, 960
SIZE = (round(WIDTH * SCALE), round(HEIGHT * SCALE))
"""Of a film, in pixels; even, as H.264 wants it."""
QUALITY = 76
_GLASS = {"x": 20, "y": 58, "width": 380, "height": 770}
"""The phone on the stage."""
_PATH = "/_acceptance/stage"
_PATIENCE_MS = 10_000
_CALM_MS = 120
_EVERY = 2
"""Every second frame that Chromium draws: thirty a second are enough to follow a tap."""
_NOTCH = 560
"""How far one scroll goes, in pixels of the phone: less than a screen, so that nothing is passed over."""


class Stage:
    """One user's phone, filmed. What the user does here is done by taps on the page."""

    def __init__(self, page: "Page", session: "CDPSession", language: str) -> None:
        self._page = page
        self._session = session
        self._language = language
        self._recorded: list[tuple[float, bytes]] = []
        self._answers: set[asyncio.Task[Any]] = set()
        self.frames: list[Frame] = []
        self.phone = page.frame_locator("iframe")
        session.on("Page.screencastFrame", self._take)

    def _take(self, frame: dict[str, Any]) -> None:
        self._recorded.append((frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
        answer = {"sessionId": frame["sessionId"]}
        task = asyncio.ensure_future(self._session.send("Page.screencastFrameAck", answer))
        self._answers.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._answers.discard(task)
        if not task.cancelled():
            task.exception()  # The page was closed while its last frame was being acknowledged.

    async def begin(self, number: str, title: str) -> None:
        """Opens the curtain: the film begins."""
        await self.say("number", number)
        await self.say("title", title)
        await self.phone.locator(".page").first.wait_for(timeout=_PATIENCE_MS)
        size = {"maxWidth": SIZE[0], "maxHeight": SIZE[1]}
        await self._session.send(
            "Page.startScreencast", {"format": "jpeg", "quality": QUALITY, "everyNthFrame": _EVERY, **size}
        )

    async def say(self, place: str, words: str) -> None:
        """Writes words beside the phone: number, title, words, clock."""
        await self._page.evaluate(
            "([id, words]) => { document.getElementById(id).textContent = words; }", [place, words]
        )

    async def still(self, caption: str, clock: str) -> bytes:
        """Holds this picture with its caption in the film; the phone alone as a JPEG."""
        await self.calm()
        # The caption comes with the picture that it tells of, not with what led there.
        self.frames += paced(self._recorded)
        await self.say("words", caption)
        await self.say("clock", clock)
        whole = await self._page.screenshot(type="jpeg", quality=QUALITY)
        self.frames.append(Frame(whole, held_ms(caption, self._language)))
        clip = {name: value * SCALE for name, value in _GLASS.items()}
        picture = await self._page.screenshot(type="jpeg", quality=QUALITY, clip=clip)  # type: ignore[arg-type]
        self._recorded.clear()
        return picture

    async def calm(self) -> None:
        """Waits until the phone has drawn what it knows."""
        await self._page.evaluate("document.fonts.ready")
        frame = self._page.frames[1]
        await frame.evaluate("document.fonts.ready")
        await frame.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
        await self._page.wait_for_timeout(_CALM_MS)

    def find(self, selector: str) -> "Locator":
        return self.phone.locator(selector).first

    async def tap(self, selector: str) -> None:
        """The user taps, and one sees where. Raises Playwright's Error where there is nothing to tap."""
        await self.tap_on(self.find(selector))

    async def tap_on(self, target: "Locator") -> None:
        await target.wait_for(timeout=_PATIENCE_MS)
        await target.scroll_into_view_if_needed(timeout=_PATIENCE_MS)
        box = await target.bounding_box()
        if box is not None:
            middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
            await self._page.evaluate(_DOT, [value / SCALE for value in middle])
            await self._page.wait_for_timeout(160)
        await target.click(timeout=_PATIENCE_MS)

    async def write(self, selector: str, text: str) -> None:
        """The user types, key by key."""
        field = self.find(selector)
        await field.wait_for(timeout=_PATIENCE_MS)
        await field.press_sequentially(text, delay=45, timeout=_PATIENCE_MS)

    async def sees(self, selector: str) -> None:
        """Waits until this is on the phone's screen. Raises Playwright's Error where it does not come."""
        await self.find(selector).wait_for(timeout=_PATIENCE_MS)

    async def has(self, selector: str) -> bool:
        return await self.phone.locator(selector).count() > 0

    async def uncovered(self) -> None:
        """Waits until the short words at the bottom have gone: they lie over what is to be read."""
        shown = self.find(".toast-words.shown")
        await shown.wait_for(state="hidden", timeout=_PATIENCE_MS)

    async def go(self, place: str) -> None:
        """Opens a place of the phone without a tap: `#/sms`."""
        await self._page.frames[1].evaluate("(place) => { location.hash = place; }", place)

    async def to_start(self, selector: str) -> bool:
        """Scrolls until this element begins at the top. Whether it reaches further than the screen."""
        return bool(await self.find(selector).evaluate(_TO_START))

    async def further(self) -> bool:
        """Scrolls a chat on by a screen. Whether there was anything more."""
        return bool(await self.find(".scroll").evaluate(_FURTHER, _NOTCH))


_DOT = """([x, y]) => {
  const dot = document.getElementById("dot");
  dot.className = "";
  dot.style.left = `${x - 23}px`;
  dot.style.top = `${y - 61}px`;
  void dot.offsetWidth;
  dot.className = "tap";
}"""
_TO_START = """(element) => {
  const scroll = element.closest(".scroll, .page-scroll");
  scroll.scrollTop += element.getBoundingClientRect().top - scroll.getBoundingClientRect().top - 12;
  return element.getBoundingClientRect().bottom > scroll.getBoundingClientRect().bottom + 4;
}"""
_FURTHER = """(scroll, by) => {
  const before = scroll.scrollTop;
  scroll.scrollTop += by;
  return scroll.scrollTop > before + 4;
}"""


@asynccontextmanager
async def house(browser: "Browser") -> "AsyncIterator[BrowserContext]":
    """A browser context as large as the stage."""
    context = await browser.new_context(
        viewport={"width": SIZE[0], "height": SIZE[1]}, service_workers="block", accept_downloads=False
    )
    try:
        yield context
    finally:
        await context.close()


@asynccontextmanager
async def stage(
    context: "BrowserContext", emulator: str, number: str, language: str
) -> "AsyncIterator[Stage]":
    """The phone of `number` on a page of its own, which is closed in the end.

    The page has the emulator's address, because its phone may be framed by pages of its own only.
    """
    html = (files("todoke.cli.acceptance") / "stage.html").read_text(encoding="utf-8")
    phone = f"/phones/{quote(number, safe='')}?frame=1"
    for name, value in (("LANGUAGE", language), ("SCALE", str(SCALE)), ("PHONE", phone)):
        html = html.replace(name, value)
    page = await context.new_page()
    try:
        await page.route(
            f"{emulator}{_PATH}", lambda route: route.fulfill(content_type="text/html", body=html)
        )
        await page.goto(f"{emulator}{_PATH}")
        yield Stage(page, await context.new_cdp_session(page), language)
    finally:
        await page.close()
