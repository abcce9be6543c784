"""Chromium, for pictures of pages: where it is, and a browser for as long as a block lasts.

Nothing is downloaded: it is the Chromium that the machine has. Playwright, which drives it, comes with the extra
`todoke[browser]`; without either, everything else of Todoke works.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Playwright, Route

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What Debian, older Ubuntu and Google call it."""
LAUNCH_SECONDS = 20
_ARGUMENTS = ("--disable-quic", "--font-render-hinting=none", "--disable-lcd-text")


class NoBrowser(Exception):
    """There is no browser to make pictures with; the text says why and names the remedy."""


def find_chromium(given: Path | str | None = None) -> Path | None:
    """The Chromium to use: `given` (a path, or a name on PATH), else the first that PATH has. None without one."""
    for name in [str(given)] if given else NAMES:
        if found := shutil.which(name):
            return Path(found)
    return None


@asynccontextmanager
async def browser(chromium: Path | str | None = None) -> "AsyncIterator[Browser]":
    """A browser without a window. `chromium` as in find_chromium. Raises NoBrowser."""
    executable = find_chromium(chromium)
    if executable is None:
        where = f"{chromium} is no program" if chromium else "Chromium is not installed"
        raise NoBrowser(
            f"{where}: install it (Debian, Ubuntu: apt-get install chromium fonts-noto-cjk fonts-thai-tlwg "
            "fonts-noto-color-emoji), or let TODOKE_CHROMIUM name it."
        )
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415
    except ImportError:
        raise NoBrowser(
            "Playwright, which drives Chromium, is not installed: pip install 'todoke[browser]'."
        ) from None
    async with async_playwright() as playwright:
        launched = await _launch(playwright, executable)
        try:
            yield launched
        finally:
            await launched.close()


async def _launch(playwright: "Playwright", executable: Path) -> "Browser":
    from playwright.async_api import Error  # noqa: PLC0415

    # Chromium refuses its sandbox to root, and many containers give nobody the rights that it needs.
    last = ""
    for sandboxed in (False,) if os.geteuid() == 0 else (True, False):
        try:
            return await playwright.chromium.launch(
                executable_path=executable,
                args=list(_ARGUMENTS),
                chromium_sandbox=sandboxed,
                timeout=LAUNCH_SECONDS * 1000,
            )
        except Error as error:
            last = error.message.splitlines()[0][:200]
    raise NoBrowser(
        f"{executable} does not start ({last}). Try: {executable} --headless --dump-dom about:blank"
    )


@asynccontextmanager
async def offline_page(
    opened: "Browser", html: str, width: int, height: int = 900, scale: float = 1
) -> "AsyncIterator[Page]":
    """A page that shows `html` and can ask nobody for anything: no network, no storage that lasts.

    `width` and `height` in CSS pixels; `scale`: pixels of a picture by CSS pixel.
    """
    context = await opened.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        offline=True,
        service_workers="block",
        accept_downloads=False,
        reduced_motion="reduce",
    )
    try:

        async def refuse(route: "Route") -> None:
            if route.request.url.startswith("data:"):
                await route.continue_()
            else:
                await route.abort()

        await context.route("**/*", refuse)
        page = await context.new_page()
        await page.set_content(html, wait_until="load")
        await page.evaluate("document.fonts.ready")
        yield page
    finally:
        await context.close()
