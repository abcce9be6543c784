"""The pages of gateway and emulator in a real browser, on a wide screen and on a phone's."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from gateway_support import RunningGateway

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"]
        )
        yield launched
        await launched.close()


@pytest.mark.parametrize("width", [1440, 390])
async def test_pages_show_what_they_are_without_errors_or_anything_from_elsewhere(
    gateway: RunningGateway, browser: Browser, width: int
) -> None:
    pages = {
        f"{gateway.url}/": "Running, against an emulator of LINE",
        f"{gateway.url}/docs": "/v1/notices",
        f"{gateway.emulator.url}/": "LINE emulator",
    }
    for url, words in pages.items():
        page = await browser.new_page(viewport={"width": width, "height": 900})
        faults: list[str] = []
        asked: list[str] = []
        page.on("pageerror", lambda error, faults=faults: faults.append(str(error)))
        page.on(
            "console", lambda said, faults=faults: faults.append(said.text) if said.type == "error" else None
        )
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        await page.goto(url)
        await page.get_by_text(words).first.wait_for()
        assert faults == []
        assert [a for a in asked if not a.startswith((gateway.url, gateway.emulator.url, "data:"))] == []
        wide = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{url} is {wide} px wider than a window of {width} px"
        await page.close()


async def test_the_documentation_sends_a_request_from_the_browser(
    gateway: RunningGateway, browser: Browser
) -> None:
    page = await browser.new_page()
    await page.goto(f"{gateway.url}/docs#/Operations/readyz_readyz_get")
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await page.get_by_text('"status": "ready"').first.wait_for()
