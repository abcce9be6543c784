"""Pictures of preview pages: one Chromium at a time, and never for long."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from todoke.browser import browser, offline_page

if TYPE_CHECKING:
    from playwright.async_api import Browser

SECONDS = 20
"""Until a picture is given up, and until one that waits for its turn is."""
WIDTHS = range(320, 2001)
USUAL_WIDTH = 1440
_MOST_PIXELS_HIGH = 16_000
"""Chromium paints nothing below 16,384 pixels."""
_LOWEST = 200
"""Of a picture, in CSS pixels: a page that is lower gets no empty space below it."""
_SHARPNESS = 2.0
_READY = "() => document.documentElement.dataset.ready === 'yes'"
_HEIGHT = "() => Math.ceil(document.documentElement.getBoundingClientRect().height)"


class Busy(Exception):
    """So many pictures are asked for that this one's turn did not come, or it took too long."""


class Painter:
    """Makes PNG of preview pages. Only one browser is open at a time, and none between two calls."""

    def __init__(self, chromium: Path | str | None = None) -> None:
        """`chromium`: as `todoke.browser.find_chromium` takes it."""
        self._chromium = chromium
        self._turn = asyncio.Lock()

    async def paint(self, html: str, width: int = USUAL_WIDTH) -> bytes:
        """The whole page as PNG; `width` in CSS pixels. Raises NoBrowser, or Busy after 20 seconds."""
        async with aclosing(self.paint_all([(html, width)])) as pictures:
            return await anext(pictures)

    async def paint_all(self, pages: Iterable[tuple[str, int]]) -> AsyncGenerator[bytes]:
        """Of many pages with their widths, one after the other in the same browser."""
        try:
            await asyncio.wait_for(self._turn.acquire(), SECONDS)
        except TimeoutError:
            raise Busy("Other pictures are being made. Try again in a moment.") from None
        try:
            async with browser(self._chromium) as opened:
                for html, width in pages:
                    yield await _in_time(opened, html, width)
        finally:
            self._turn.release()


async def _in_time(opened: "Browser", html: str, width: int) -> bytes:
    try:
        async with asyncio.timeout(SECONDS):
            return await _painted(opened, html, width)
    except TimeoutError:
        raise Busy(f"The picture was not done in {SECONDS} seconds. Ask for one language or step.") from None


async def _painted(opened: "Browser", html: str, width: int) -> bytes:
    scale = _SHARPNESS
    while True:
        async with offline_page(opened, html, width, _LOWEST, scale) as page:
            await page.wait_for_function(_READY, timeout=0)
            height = await page.evaluate(_HEIGHT)
            if height * scale <= _MOST_PIXELS_HIGH or scale < _SHARPNESS:
                return await page.screenshot(full_page=True, animations="disabled")
            scale = _MOST_PIXELS_HIGH / height
