"""Preview pages in a real browser: nothing clipped, the right fonts, nothing asked for, nothing run.

`TODOKE_SHOTS=FOLDER` keeps pictures of all samples, in all languages, wide and narrow.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import Browser, Page

import todoke.samples
from phone_support import CLIPPED, MISSING, SHOTS
from previews_support import HAN, STACKED, crowded, flex, line, link
from todoke.browser import browser, find_chromium, offline_page
from todoke.core.routing import Step
from todoke.core.template import compile as compiled
from todoke.previews import Painter, Preview, Sender, page_of, picture, preview
from todoke.previews.document import STEPS, VIEWERS

pytestmark = pytest.mark.skipif(find_chromium() is None, reason=MISSING)
SAMPLES = sorted((Path(todoke.samples.__file__).parent / "templates").glob("*.*"))
HOMES = {"zh-Hant": "TW", "th": "TH", "ja": "JP"}
SHOPS = {"TW": "好日子宅配", "TH": "ร้านใบเตย", "JP": "しろくま運輸"}
WIDE, NARROW = 1440, 390
HAS_FONTS = any(Path("/usr/share/fonts").rglob("NotoSansCJK*"))
READY = "() => document.documentElement.dataset.ready === 'yes'"
CUTS = "() => [...document.querySelectorAll('[data-cut]')].map((one) => one.textContent)"
SIDE_BY_SIDE = """() => [...document.querySelector(".cards").children].map((one) => {
  const box = one.getBoundingClientRect();
  return [Math.round(box.left), Math.round(box.top)];
})"""
# Not the labels of quick replies: they begin between two pixels, where clipping changes a shade.
UNCLIP = """() => {
  const clips = ".m-line, .m-flextext, .m-box, .m-label, .name";
  for (const one of document.querySelectorAll(clips)) if (!one.closest(".m-quick")) one.style.overflow = "visible";
}"""


@pytest.fixture
async def opened() -> AsyncIterator[Browser]:
    async with browser() as launched:
        yield launched


async def whole(page: Page, name: str) -> None:
    """Nothing is clipped, wide and narrow; the narrow page has its phones below each other."""
    await page.wait_for_function(READY)
    for width in (WIDE, NARROW):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(CLIPPED) == [], f"{name} at {width}"
        places = await page.evaluate(SIDE_BY_SIDE)
        assert len({x for x, _ in places} if width == NARROW else {y for _, y in places}) == 1, (name, places)
        if SHOTS:
            for place in await page.locator("section.language").all():
                language = await place.get_attribute("data-language")
                await place.screenshot(path=f"{SHOTS}/preview-{name}-{language}-{width}.png")


async def no_ink_is_lost(page: Page, name: str) -> None:
    """Signs above and below letters may reach out of their line: with nothing clipped, every pixel is the same."""
    clipped = await page.screenshot(full_page=True, animations="disabled")
    await page.evaluate(UNCLIP)
    same = await page.screenshot(full_page=True, animations="disabled") == clipped
    assert same, name


async def test_no_sample_is_clipped_or_cut_in_any_language(opened: Browser) -> None:
    async with offline_page(opened, "", WIDE) as page:
        for path in SAMPLES:
            spec = yaml.safe_load(path.read_text())
            template = compiled({k: v for k, v in spec.items() if k != "channel"})
            country = HOMES.get(next(iter(template.languages), "zh-Hant"), "TW")
            # The same messages again on other phones tell nothing new.
            steps = STEPS if SHOTS or template.push_form == "push" else (Step.LINE_NOTIFICATION, Step.SMS)
            viewers = VIEWERS if SHOTS else ("friend",)
            made = preview(template, Sender(SHOPS[country], country), steps=steps, viewers=viewers)
            await page.set_viewport_size({"width": WIDE, "height": 900})
            await page.set_content(page_of(made))
            await whole(page, template.name)
            assert await page.evaluate(CUTS) == [], template.name


async def test_what_is_hard_to_draw_is_drawn_whole_and_nobody_is_asked_for_anything(opened: Browser) -> None:
    made = preview(compiled(crowded()), Sender("しろくま運輸" * 8, "TW"))
    faults: list[str] = []
    asked: list[str] = []
    context = await opened.new_context(viewport={"width": WIDE, "height": 900})
    page = await context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text))
    page.on("request", lambda request: asked.append(request.url))
    await page.set_content(page_of(made))
    await whole(page, "crowded")
    await no_ink_is_lost(page, "crowded")
    assert await page.evaluate(CUTS) == []
    words = await page.locator("body").inner_text()
    assert HAN in words
    assert STACKED in words
    assert "elsewhere.example" in words
    assert (faults, asked) == ([], [])
    await context.close()


async def fonts(page: Page, selector: str) -> set[str]:
    """The fonts that the browser truly took for an element's text."""
    session = await page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        await session.send(f"{domain}.enable")
    root = (await session.send("DOM.getDocument"))["root"]["nodeId"]
    node = (await session.send("DOM.querySelector", {"nodeId": root, "selector": selector}))["nodeId"]
    found = await session.send("CSS.getPlatformFontsForNode", {"nodeId": node})
    return {font["familyName"] for font in found["fonts"]}


@pytest.mark.skipif(not HAS_FONTS, reason="The fonts are not installed: apt-get install fonts-noto-cjk")
async def test_the_same_characters_get_the_forms_of_each_language(opened: Browser) -> None:
    spec: dict[str, Any] = {
        "name": "forms",
        "use_case": "delivery",
        "languages": ["zh-Hant", "ja", "th"],
        "flexible": [{"type": "text", "text": HAN}, flex(line(HAN), line(STACKED))],
        "sms": HAN,
    }
    async with offline_page(opened, page_of(preview(compiled(spec), Sender(HAN, "TW"))), WIDE) as page:
        await page.wait_for_function(READY)
        for language, family in (("zh-Hant", "Noto Sans CJK TC"), ("ja", "Noto Sans CJK JP")):
            for place in (".m-text", ".m-line", ".text-bubble", ".bar .name"):
                assert await fonts(page, f"[data-language={language}] {place}") == {family}, (language, place)
        thai = await fonts(page, "[data-language=th] .m-flextext + .m-flextext .m-line")
        assert not any("CJK" in family for family in thai), thai


async def drawn(opened: Browser, made: Preview) -> tuple[str, int]:
    """The words of the page, and how many scripts ran that are not ours."""
    async with offline_page(opened, page_of(made), WIDE) as page:
        await page.wait_for_function(READY)
        return await page.locator("body").inner_text(), await page.evaluate("window.ran ?? 0")


async def test_hostile_texts_are_shown_and_never_run(opened: Browser) -> None:
    hostile = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
    spec: dict[str, Any] = {
        "name": "hostile",
        "use_case": "delivery",
        "parameters": {"text": {"type": "text", "example": hostile, "max": 200}},
        "line_template": {
            "templateKey": "example_x",
            "body": {"items": [{"itemKey": "example_y", "content": "{{text}}"}]},
        },
        "push": [flex(line("{{text}}"), hero={"type": "image", "url": "https://x.example/'onerror='a"})],
        "sms": "{{text}}",
    }
    words, ran = await drawn(opened, preview(compiled(spec), Sender(hostile, "TW", sms_sender=hostile)))
    assert ran == 0
    assert words.count("onerror='window.ran = 2'") >= 6


async def test_what_a_phone_cuts_is_told(opened: Browser) -> None:
    label = "Track the parcel that left our warehouse"
    one_line = {"type": "text", "text": "One line only, and far too long for any phone"}
    messages = [flex(one_line, link(label), size="kilo")]
    spec = {"name": "cut", "use_case": "delivery", "languages": ["en"], "flexible": messages}
    made = preview(compiled(spec), Sender("Parcels", "TW"))
    words, _ = await drawn(opened, made)
    told = words.split("Cut off on the phone")[1].split("LINE push")[0]
    assert "One line only, and far too long for any phone" in told
    assert label in told


async def test_a_picture_is_as_wide_as_asked_and_as_high_as_the_page_but_not_too_high(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    html = page_of(preview(compiled(crowded()), Sender("Parcels", "TW"), steps=["sms"], language="ja"))
    [narrow, wide] = [png async for png in Painter().paint_all([(html, NARROW), (html, WIDE)])]
    sizes = [struct.unpack(">II", png[16:24]) for png in (narrow, wide)]
    assert [width for width, _ in sizes] == [2 * NARROW, 2 * WIDE]
    assert all(600 < height < 4000 for _, height in sizes)
    monkeypatch.setattr(picture, "_MOST_PIXELS_HIGH", 600)
    width, height = struct.unpack(">II", (await Painter().paint(html, NARROW))[16:24])
    assert width < 2 * NARROW
    assert height <= 601
