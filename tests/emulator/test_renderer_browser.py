"""How the phone draws LINE's message objects, measured in a real browser."""

import base64
import json
import shutil
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright

import line_emulator
from emulator_support import RunningEmulator

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)
STATIC = Path(line_emulator.__file__).parent / "pages" / "static" / "messages"
EXAMPLES = json.loads((STATIC / "examples.json").read_text())
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "0500017a5eab3f0000000049454e44ae426082"
)
DRAW = """async ([kind, value, width, language]) => {
  const drawers = await import("/static/messages/index.js");
  window.taps = [];
  const stage = document.createElement("div");
  stage.id = "stage";
  stage.style.cssText = `width:${width}px;font-family:sans-serif`;
  document.body.replaceChildren(stage);
  stage.append(drawers[kind](value, {language, onAction: (action) => window.taps.push(action)}));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))));
}"""


class Stage:
    """A page that draws one thing at a time in a column as wide as a phone."""

    def __init__(self, page: Page, faults: list[str], asked: list[str]) -> None:
        self.page = page
        self.faults = faults
        self.asked = asked

    async def draw(
        self, value: Any, kind: str = "renderMessage", width: int = 390, language: str = "en"
    ) -> None:
        await self.page.evaluate(DRAW, [kind, value, width, language])

    async def flex(self, contents: Any, width: int = 390) -> None:
        await self.draw({"type": "flex", "altText": "x", "contents": contents}, width=width)

    async def body(self, *contents: Any, size: str = "mega", **values: Any) -> None:
        """A bubble with only a body, without padding unless `values` say otherwise."""
        box = {
            "type": "box",
            "layout": "vertical",
            "contents": list(contents),
            "paddingAll": "0px",
            **values,
        }
        await self.flex({"type": "bubble", "size": size, "body": box})

    async def rects(self, selector: str) -> list[dict[str, float]]:
        """x, y, width, height of every match, in the bubble's own coordinates."""
        found: list[dict[str, float]] = await self.page.evaluate(
            """(selector) => {
              const root = document.querySelector(".m-bubble") ?? document.getElementById("stage");
              const home = root.getBoundingClientRect();
              return [...document.querySelectorAll("#stage " + selector)].map((one) => {
                const box = one.getBoundingClientRect();
                return {x: box.x - home.x, y: box.y - home.y, width: box.width, height: box.height};
              });
            }""",
            selector,
        )
        return found

    async def words(self) -> str:
        return await self.page.locator("#stage").inner_text()

    async def style(self, selector: str, name: str) -> str:
        found = await self.page.locator(f"#stage {selector}").first.evaluate(
            "(one, name) => getComputedStyle(one)[name]", name
        )
        return str(found)

    async def taps(self) -> list[Any]:
        found: list[Any] = await self.page.evaluate("window.taps")
        return found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"]
        )
        yield launched
        await launched.close()


async def _open(emulator: RunningEmulator, browser: Browser, width: int = 390) -> Stage:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    async def elsewhere(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await page.route(lambda url: not url.startswith((emulator.url, "data:", "blob:")), elsewhere)
    await page.goto(f"{emulator.url}/console/gallery")
    await page.locator("#rich-menu").wait_for()
    return Stage(page, faults, asked)


@pytest.fixture
async def stage(emulator: RunningEmulator, browser: Browser) -> Stage:
    return await _open(emulator, browser)


def text(words: str, **values: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **values}


def box(layout: str, *contents: Any, **values: Any) -> dict[str, Any]:
    return {"type": "box", "layout": layout, "contents": list(contents), **values}


def uri(label: str, address: str = "https://example.com/") -> dict[str, Any]:
    return {"type": "uri", "label": label, "uri": address}


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_gallery_draws_every_example_within_its_column(
    emulator: RunningEmulator, browser: Browser, width: int
) -> None:
    stage = await _open(emulator, browser, width)
    assert await stage.page.locator(".example").count() == len(EXAMPLES)
    for entry in EXAMPLES:
        shown = stage.page.locator(f"#{entry['id']} .chat")
        lines = await shown.evaluate(
            """(chat) => [...chat.children].filter((one) => !one.matches(".m-carousel, .m-quick")).map((one) => {
              const inside = one.matches(".line") ? one.lastElementChild : one;
              return inside.getBoundingClientRect().right - chat.getBoundingClientRect().right;
            })"""
        )
        assert all(over <= 0.5 for over in lines), (entry["id"], lines)
        drawn = await shown.locator(".m-message, .m-rich").first.inner_text()
        for said in _told(entry):
            assert said in drawn, (entry["id"], said)
    wide = await stage.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
    assert stage.faults == []


def _told(entry: dict[str, Any]) -> list[str]:
    """What must be readable in an example: the texts of Flex components, contents of items."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "text" and isinstance(node.get("text"), str) and "contents" not in node:
                found.append(node["text"].split("\n")[0].split("$")[0].strip())
            if "content" in node:
                found.append(node["content"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk({key: value for key, value in entry.items() if key != "quickReply"})
    return found


async def test_each_type_of_message_shows_its_words(stage: Stage) -> None:
    action = {"type": "message", "label": "Yes", "text": "yes"}
    url = "https://pictures.example/one.png"
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"type": "text", "text": "Two\nlines"}, ["Two\nlines"]),
        ({"type": "sticker", "packageId": "446", "stickerId": "1988"}, ["446 / 1988"]),
        ({"type": "image", "originalContentUrl": url, "previewImageUrl": url}, ["pictures.example"]),
        ({"type": "video", "originalContentUrl": url, "previewImageUrl": url}, ["pictures.example"]),
        ({"type": "audio", "originalContentUrl": url, "duration": 61500}, ["1:02"]),
        (
            {"type": "location", "title": "Pier", "address": "1 Dock Road", "latitude": 1, "longitude": 2},
            ["Pier", "1 Dock Road"],
        ),
        ({"type": "coupon", "couponId": "01JYN"}, ["Coupon", "01JYN"]),
        (
            {
                "type": "template",
                "template": {"type": "buttons", "title": "Head", "text": "Said", "actions": [action]},
            },
            ["Head", "Said", "Yes"],
        ),
        (
            {
                "type": "template",
                "template": {"type": "confirm", "text": "Sure?", "actions": [action, action]},
            },
            ["Sure?", "Yes"],
        ),
        (
            {
                "type": "template",
                "template": {
                    "type": "carousel",
                    "columns": [{"title": "A", "text": "One", "actions": [action]}, {"text": "Two"}],
                },
            },
            ["A", "One", "Two", "Yes"],
        ),
        (
            {
                "type": "template",
                "template": {"type": "image_carousel", "columns": [{"imageUrl": url, "action": action}]},
            },
            ["Yes"],
        ),
        ({"type": "template", "template": {"type": "poster"}}, ["[template]"]),
        ({"type": "flex", "contents": {"type": "poster"}}, ["[flex]"]),
        ({"type": "hologram"}, ["[hologram]"]),
    ]
    for message, said in cases:
        await stage.draw(message)
        if url in json.dumps(message) and message["type"] != "audio":
            await stage.page.locator("#stage .m-pic-missing").first.wait_for()
        shown = await stage.words()
        assert all(word in shown for word in said), (message, shown)
    assert stage.faults == []


async def test_a_text_has_links_emojis_and_mentions_in_their_places(stage: Stage) -> None:
    said = "See https://example.com/a?b=1. $ done"
    await stage.draw(
        {"type": "text", "text": said, "emojis": [{"index": 31, "productId": "p", "emojiId": "1"}]}
    )
    assert await stage.page.locator("#stage .m-link").inner_text() == "https://example.com/a?b=1"
    assert await stage.page.locator("#stage .m-emoji").count() == 1
    assert "$" not in await stage.words()
    await stage.page.locator("#stage .m-link").click()
    assert await stage.taps() == [
        {"type": "uri", "label": "https://example.com/a?b=1", "uri": "https://example.com/a?b=1"}
    ]
    await stage.draw(
        {
            "type": "textV2",
            "text": "Hello {who} {smile}, code {{7}} {nobody}",
            "substitution": {
                "who": {"type": "mention", "mentionee": {"type": "all"}},
                "smile": {"type": "emoji", "productId": "p", "emojiId": "1"},
            },
        },
        language="ja",
    )
    assert await stage.words() == "Hello @全員 , code {7} {nobody}"


async def test_a_tap_hands_on_lines_action_and_the_inner_one_goes_first(stage: Stage) -> None:
    inner, outer = uri("Track"), {"type": "postback", "data": "a=1"}
    await stage.flex(
        {
            "type": "bubble",
            "action": outer,
            "body": box("vertical", text("Free"), {"type": "button", "action": inner}),
        }
    )
    await stage.page.get_by_role("button", name="Track").click()
    await stage.page.get_by_text("Free").click()
    assert await stage.taps() == [inner, outer]
    await stage.body(box("vertical", text("Row"), action=outer))
    await stage.page.get_by_role("button", name="Row").press("Enter")
    assert await stage.taps() == [outer]
    areas = {"x": 0, "y": 0, "width": 1040, "height": 520}
    await stage.draw(
        {
            "type": "imagemap",
            "baseUrl": "https://example.com/map",
            "altText": "Map",
            "baseSize": {"width": 1040, "height": 1040},
            "actions": [{"type": "uri", "linkUri": "https://example.com/x", "label": "Desk", "area": areas}],
        }
    )
    area = (await stage.rects(".m-area"))[0]
    assert (area["width"], area["height"]) == (300, 150)
    await stage.page.get_by_role("button", name="Desk").click()
    assert await stage.taps() == [{"type": "uri", "label": "Desk", "uri": "https://example.com/x"}]


async def test_quick_replies_are_a_row_that_scrolls_and_hands_on_their_actions(stage: Stage) -> None:
    items = [
        {"type": "action", "action": {"type": "message", "label": f"Answer {n}", "text": str(n)}}
        for n in range(20)
    ]
    await stage.draw({"items": items}, kind="renderQuickReply")
    rows = await stage.rects(".m-quick-item")
    assert len(rows) == 13
    assert len({row["y"] for row in rows}) == 1
    assert (await stage.rects(".m-quick"))[0]["width"] == 390
    await stage.page.get_by_role("button", name="Answer 1", exact=True).click()
    assert await stage.taps() == [items[1]["action"]]


async def test_a_rich_menu_lays_its_areas_over_the_picture_or_shows_their_labels(stage: Stage) -> None:
    half = {"x": 1250, "y": 0, "width": 1250, "height": 843}
    action = {"type": "postback", "label": "Bills", "data": "bills"}
    menu = {
        "size": {"width": 2500, "height": 843},
        "chatBarText": "Services",
        "areas": [{"bounds": half, "action": action}],
    }
    await stage.draw(menu, kind="renderRichMenu", width=250)
    assert await stage.words() == "Bills"
    area = (await stage.rects(".m-area"))[0]
    assert (area["x"], area["width"], round(area["height"], 1)) == (125, 125, 84.3)
    await stage.page.route("**/menu.png", lambda route: route.fulfill(body=PNG, content_type="image/png"))
    await stage.draw(menu | {"image": "/menu.png"}, kind="renderRichMenu", width=250)
    assert await stage.words() == ""
    await stage.page.get_by_role("button", name="Bills").click()
    assert await stage.taps() == [action]


async def test_the_notification_card_has_labels_a_mark_for_made_up_keys_and_its_buttons(stage: Stage) -> None:
    notice = {
        "template_key": "example_bill_due_tw",
        "made_up": True,
        "body": {
            "emphasizedItem": {"itemKey": "example_amount_tw", "content": "NT$1,286"},
            "items": [
                {"itemKey": "example_period_tw", "content": "2026/7"},
                {"itemKey": "__proto__", "content": "odd"},
            ],
            "buttons": [{"buttonKey": "example_view_bill_tw", "url": "https://example.com/bill"}],
        },
        "labels": {"example_amount_tw": "應繳金額"},
    }
    marks = {
        "zh-Hant": "範例代碼（虛構）",
        "th": "คีย์ตัวอย่าง (สมมติขึ้น)",
        "ja": "サンプルキー（架空）",
        "en": "Example key – made up",
    }
    for language, mark in marks.items():
        await stage.draw(notice, kind="renderNotification", language=language)
        assert mark in await stage.words()
    await stage.draw(notice | {"made_up": False, "title": "電費帳單"}, kind="renderNotification")
    shown = [line for line in (await stage.words()).split("\n") if line]
    assert marks["en"] not in shown
    assert "電費帳單" in shown
    assert shown.index("應繳金額") + 1 == shown.index("NT$1,286")
    assert [await one.inner_text() for one in await stage.page.locator("#stage .m-soft").all()] == [
        "Period",
        "Proto",
    ]
    assert float((await stage.style(".m-notice-value", "fontSize"))[:-2]) > 20
    await stage.page.get_by_role("button", name="View bill").click()
    assert await stage.taps() == [{"type": "uri", "label": "View bill", "uri": "https://example.com/bill"}]


async def test_bubbles_have_lines_widths_and_paddings(stage: Stage) -> None:
    sizes = {"nano": 120, "micro": 160, "deca": 220, "hecto": 241, "kilo": 260, "mega": 300, "giga": 386}
    paddings = {"nano": 10, "micro": 10, "deca": 14, "hecto": 14, "kilo": 13, "mega": 20, "giga": 20}
    for size, width in sizes.items():
        await stage.flex({"type": "bubble", "size": size, "body": box("vertical", text("x"))})
        assert (await stage.rects(".m-bubble"))[0]["width"] == width, size
        assert (await stage.rects(".m-flextext"))[0]["x"] == paddings[size], size
    await stage.flex({"type": "bubble", "body": box("vertical", text("x")), "size": "tera"})
    assert (await stage.rects(".m-bubble"))[0]["width"] == 300
    await stage.flex({"type": "bubble", "size": "giga", "body": box("vertical", text("x"))}, width=340)
    assert (await stage.rects(".m-bubble"))[0]["width"] == 340
    await stage.flex({"type": "bubble", "body": box("vertical", text("x"), paddingStart="40px")})
    assert (await stage.rects(".m-flextext"))[0] | {"height": 0} == {
        "x": 40,
        "y": 19,
        "width": 240,
        "height": 0,
    }


async def test_a_horizontal_box_is_shared_by_flex_factors(stage: Stage) -> None:
    await stage.body(box("horizontal", text("a", flex=1), text("b", flex=2)))
    assert [round(one["width"]) for one in await stage.rects(".m-flextext")] == [100, 200]
    await stage.body(box("horizontal", text("a"), text("b" * 60)))
    assert [round(one["width"]) for one in await stage.rects(".m-flextext")] == [150, 150]
    await stage.body(box("horizontal", text("short", flex=0), text("rest"), spacing="md"))
    first, second = await stage.rects(".m-flextext")
    assert 20 < first["width"] < 60
    assert round(second["x"] - first["width"]) == 8
    assert round(first["width"] + 8 + second["width"]) == 300
    await stage.body(box("horizontal", box("vertical", width="70px"), box("vertical", text("rest"))))
    assert [one["width"] for one in await stage.rects(".m-horizontal > .m-box")] == [70, 230]


async def test_a_vertical_box_gives_height_by_flex_and_by_content(stage: Stage) -> None:
    await stage.body(
        box("vertical", flex=1, backgroundColor="#111111"),
        box("vertical", flex=3, backgroundColor="#222222"),
        height="200px",
    )
    assert [one["height"] for one in await stage.rects(".m-box .m-box")] == [50, 150]
    await stage.body(text("a", flex=1), box("vertical", flex=1), height="200px")
    assert round((await stage.rects(".m-flextext"))[0]["height"], 1) == 111.2
    await stage.body(text("a"), {"type": "filler"}, text("b"), height="200px")
    assert (await stage.rects(".m-flextext"))[1]["y"] > 170


async def test_a_margin_takes_the_place_of_the_spacing(stage: Stage) -> None:
    line = {"type": "separator"}
    words = {"none": 0, "xs": 2, "sm": 4, "md": 8, "lg": 12, "xl": 16, "xxl": 20, "7px": 7}
    await stage.body(line, *({**line, "margin": word} for word in words), line, spacing="lg")
    places = [one["y"] for one in await stage.rects(".m-separator")]
    gaps = [after - before - 1 for before, after in pairwise(places)]
    assert gaps == [*words.values(), 12]
    await stage.body(line, {**line, "margin": "-5px"}, spacing="lg")
    assert (await stage.rects(".m-separator"))[1]["y"] == 13
    await stage.body({**line, "margin": "md"}, line)
    assert (await stage.rects(".m-separator"))[0]["y"] == 8


async def test_text_sizes_styles_and_spans(stage: Stage) -> None:
    sizes = {"xxs": 11, "xs": 13, "sm": 14, "md": 16, "lg": 19, "xl": 22, "xxl": 29, "3xl": 35, "4xl": 48}
    await stage.body(*(text("a", size=size) for size in [*sizes, "5xl", "27px"]))
    found = await stage.page.locator("#stage .m-flextext").evaluate_all(
        "(all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert found == [*sizes.values(), 74, 27]
    spans = [
        {"type": "span", "text": "bold ", "weight": "bold", "color": "#ff0000"},
        {"type": "span", "text": "struck", "decoration": "line-through", "size": "xl"},
        {"type": "text", "text": "stray"},
    ]
    await stage.body(text("", contents=spans, align="end", style="italic"))
    assert await stage.words() == "bold struck"
    assert await stage.style("span", "color") == "rgb(255, 0, 0)"
    assert await stage.style("span", "fontWeight") == "700"
    assert await stage.style("span:nth-child(2)", "textDecorationLine") == "line-through"
    assert await stage.style("span:nth-child(2)", "fontSize") == "22px"
    assert await stage.style(".m-flextext", "textAlign") == "end"
    assert await stage.style(".m-flextext", "fontStyle") == "italic"


async def test_text_wraps_only_where_told_and_ends_after_its_lines(stage: Stage) -> None:
    thai = "กรุณาสำรองน้ำไว้ใช้ล่วงหน้าและติดตามประกาศจากการประปา" * 4
    # Thai sets signs over signs: in a line of 1.4 their upper and lower ends would be cut.
    for words, high in (("word " * 80, 22.4), ("x" * 400, 22.4), ("配送" * 120, 22.4), (thai, 28)):
        await stage.body(text(words), text(words, wrap=True), text(words, wrap=True, maxLines=2))
        one, many, two = (found["height"] for found in await stage.rects(".m-flextext"))
        assert round(one, 1) == high
        assert many > 100
        assert round(two, 1) == 2 * high
        assert all(found["width"] == 300 for found in await stage.rects(".m-flextext"))
    await stage.body(text("a\nb\nc", wrap=True), text("a\nb\nc", wrap=True, lineSpacing="10px"))
    plain, wide = (found["height"] for found in await stage.rects(".m-flextext"))
    assert round(wide - plain, 1) == 20


async def test_images_have_their_size_ratio_and_place(stage: Stage) -> None:
    url = "https://example.com/a.png"
    picture = {"type": "image", "url": url}
    await stage.body(
        picture,
        {**picture, "size": "full", "aspectRatio": "2:1"},
        {**picture, "size": "xxs", "align": "end"},
        {**picture, "size": "50%", "aspectRatio": "1:9"},
        {**picture, "size": "30px", "align": "start", "aspectRatio": "x"},
    )
    shapes = [(one["x"], one["width"], one["height"]) for one in await stage.rects(".m-frame")]
    assert shapes == [(100, 100, 100), (0, 300, 150), (260, 40, 40), (75, 150, 450), (0, 30, 30)]
    await stage.body(
        box("horizontal", {**picture, "flex": 1, "gravity": "bottom"}, box("vertical", height="200px"))
    )
    assert (await stage.rects(".m-frame"))[0]["y"] == 100
    await stage.body(
        box("baseline", {"type": "icon", "url": url, "size": "lg", "aspectRatio": "2:1"}, text("a"))
    )
    icon, words = (await stage.rects(".m-flexicon"))[0], (await stage.rects(".m-flextext"))[0]
    assert (icon["width"], icon["height"], words["x"]) == (38, 19, 38)


async def test_boxes_have_borders_corners_gradients_and_places_of_their_own(stage: Stage) -> None:
    mark = box(
        "vertical",
        position="absolute",
        offsetTop="10px",
        offsetEnd="5%",
        width="20px",
        height="20px",
        backgroundColor="#FF000080",
        cornerRadius="md",
        borderWidth="semi-bold",
        borderColor="#00ff00",
    )
    ground = {"type": "linearGradient", "angle": "90deg", "startColor": "#000000", "endColor": "#FFFFFF"}
    await stage.body(
        text("below"), mark, height="100px", background=ground, justifyContent="center", spacing="xxl"
    )
    assert (await stage.rects(".m-absolute"))[0] == {"x": 265, "y": 10, "width": 20, "height": 20}
    assert await stage.style(".m-absolute", "borderRadius") == "8px"
    assert await stage.style(".m-absolute", "borderTopWidth") == "3px"
    assert await stage.style(".m-absolute", "backgroundColor") == "rgba(255, 0, 0, 0.5)"
    assert "linear-gradient(90deg" in await stage.style(".m-body > .m-box", "backgroundImage")
    assert round((await stage.rects(".m-flextext"))[0]["y"], 1) == 38.8
    await stage.body(box("horizontal", text("first"), text("second")))
    assert (await stage.rects(".m-flextext"))[0]["x"] == 0
    await stage.flex(
        {
            "type": "bubble",
            "direction": "rtl",
            "body": box("horizontal", text("first"), text("second"), paddingAll="none"),
        }
    )
    assert (await stage.rects(".m-flextext"))[0]["x"] == 150


async def test_buttons_have_lines_heights_and_colours(stage: Stage) -> None:
    def button(**values: Any) -> dict[str, Any]:
        return {"type": "button", "action": uri("A"), **values}

    await stage.body(
        button(),
        button(style="primary", height="sm"),
        button(style="secondary", color="#123456"),
        button(style="link", color="#123456"),
    )
    assert [one["height"] for one in await stage.rects(".m-button")] == [52, 40, 52, 52]
    assert await stage.style(".m-primary", "backgroundColor") == "rgb(23, 201, 80)"
    assert await stage.style(".m-secondary", "backgroundColor") == "rgb(18, 52, 86)"
    assert await stage.style(".m-link:last-child", "color") == "rgb(66, 101, 154)"
    assert await stage.style(".m-box > :last-child .m-link", "color") == "rgb(18, 52, 86)"


async def test_shrink_to_fit_makes_a_long_text_smaller_until_it_fits(stage: Stage) -> None:
    long = "A rather long line that will not fit into its bubble"
    await stage.body(
        text(long, adjustMode="shrink-to-fit"), text("short", adjustMode="shrink-to-fit"), text(long)
    )
    lines = await stage.page.locator("#stage .m-line").evaluate_all(
        "(all) => all.map((one) => [parseFloat(getComputedStyle(one).fontSize), one.scrollWidth <= one.clientWidth])"
    )
    assert lines[0][0] < 16
    assert lines[0][1]
    assert lines[1] == [16, True]
    assert lines[2] == [16, False]


async def test_the_bubbles_of_a_carousel_are_of_one_height_and_twelve_at_most(stage: Stage) -> None:
    low = {"type": "bubble", "size": "micro", "body": box("vertical", text("a")), "footer": box("vertical")}
    high = {"type": "bubble", "size": "micro", "body": box("vertical", *[text("a")] * 5)}
    await stage.flex({"type": "carousel", "contents": [low, high, *[low] * 20]})
    bubbles = await stage.rects(".m-bubble")
    assert len(bubbles) == 12
    assert len({one["height"] for one in bubbles}) == 1
    assert (await stage.rects(".m-carousel"))[0]["width"] == 390
    assert (await stage.rects(".m-footer"))[0]["y"] > 100


async def test_a_block_has_its_ground_and_its_line(stage: Stage) -> None:
    await stage.flex(
        {
            "type": "bubble",
            "header": box("vertical", text("h")),
            "body": box("vertical", text("b")),
            "styles": {
                "header": {"backgroundColor": "#abcdef", "separator": True},
                "body": {"separator": True, "separatorColor": "#ff0000"},
            },
        }
    )
    assert await stage.style(".m-header", "backgroundColor") == "rgb(171, 205, 239)"
    assert await stage.style(".m-header", "borderTopWidth") == "0px"
    assert await stage.style(".m-body", "borderTopColor") == "rgb(255, 0, 0)"


async def test_a_picture_is_asked_for_without_a_referrer_and_its_failure_names_the_host(stage: Stage) -> None:
    headers: list[dict[str, str]] = []

    async def serve(route: Route) -> None:
        headers.append(route.request.headers)
        await route.fulfill(body=PNG, content_type="image/png")

    await stage.page.route("https://good.example/**", serve)
    url = "https://good.example/a.png"
    await stage.draw({"type": "image", "originalContentUrl": url, "previewImageUrl": url})
    await stage.page.wait_for_function("document.querySelector('#stage img').naturalWidth === 1")
    assert "referer" not in headers[0]
    bad = "https://bad.example:8443/secret/path.png"
    await stage.draw({"type": "image", "originalContentUrl": bad, "previewImageUrl": bad})
    await stage.page.locator("#stage .m-pic-missing").wait_for()
    assert await stage.words() == "bad.example:8443"
    assert (await stage.rects(".m-image"))[0]["height"] == 180


async def test_addresses_that_line_does_not_allow_are_neither_asked_for_nor_handed_on(stage: Stage) -> None:
    schemes: list[Any] = [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "data:image/png;base64," + base64.b64encode(PNG).decode(),
        "blob:x",
    ]
    schemes += ["//other.example/a.png", "/_emulator/v1/reset", "file:///etc/passwd", "", 7]
    for bad in [*schemes, "http://plain.example/a.png"]:
        await stage.body({"type": "image", "url": bad})
        assert await stage.page.locator("#stage img").count() == 0, bad
        assert await stage.page.locator("#stage .m-pic-missing").count() == 1, bad
        # A host is named only where a picture was asked for.
        assert await stage.words() == "", bad
    for bad in schemes:
        row = text("row", action={"type": "uri", "uri": bad})
        await stage.body({"type": "button", "action": uri("Go", bad)}, row)
        await stage.page.get_by_text("Go", exact=True).click()
        await stage.page.get_by_text("row", exact=True).click()
        assert await stage.taps() == [], bad
    drawing = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
    for bad in ("//other.example/a.png", drawing, "javascript:alert(1)"):
        await stage.draw({"areas": [], "image": bad}, kind="renderRichMenu")
        assert await stage.page.locator("#stage img").count() == 0, bad
    assert stage.faults == []


async def test_markup_and_styles_in_a_message_stay_text(stage: Stage) -> None:
    bad = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    evil = "red;background:url(https://evil.example/)"
    values = dict.fromkeys(
        (
            "color",
            "backgroundColor",
            "borderColor",
            "width",
            "height",
            "offsetTop",
            "paddingAll",
            "cornerRadius",
        ),
        evil,
    )
    values |= {"size": "expression(alert(1))", "margin": "99999px", "maxWidth": "calc(1px)", "flex": "2"}
    asked = len(stage.asked)
    await stage.body(text(bad, **values), box("vertical", text(bad), **values), spacing="-5px")
    assert (await stage.words()).count(bad) == 2
    await stage.body(text("plain", color="red", size="calc(40px)"))
    assert await stage.style(".m-flextext", "color") == "rgb(17, 17, 17)"
    assert await stage.style(".m-flextext", "fontSize") == "16px"
    for message in (
        {"type": "text", "text": bad},
        {"type": bad},
        {"type": "location", "title": bad, "address": bad},
        {
            "type": "template",
            "template": {"type": "buttons", "title": bad, "text": bad, "actions": [uri(bad)]},
        },
    ):
        await stage.draw(message)
        assert bad[:30] in await stage.words()
        assert await stage.page.locator("#stage img, #stage script").count() == 0
    assert "evil" not in await stage.page.locator("#stage").inner_html()
    assert stage.asked[asked:] == []
    assert stage.faults == []


async def test_messages_without_measure_are_cut_off_and_do_no_harm(stage: Stage) -> None:
    found = await stage.page.evaluate(
        """async () => {
          const all = await import("/static/messages/index.js");
          const {renderMessage, renderNotification, renderQuickReply, renderRichMenu} = all;
          const flex = (body) => renderMessage({type: "flex", contents: {type: "bubble", body}}, {language: "en"});
          let deep = {type: "text", text: "bottom"};
          for (let n = 0; n < 10000; n += 1) deep = {type: "box", layout: "vertical", contents: [deep]};
          const wide = {type: "box", layout: "vertical", contents: Array(50000).fill({type: "text", text: "a"})};
          const spans = {type: "box", layout: "vertical", contents: [
            {type: "text", contents: Array(50000).fill({type: "span", text: "a"})}]};
          const video = {type: "video", url: "x"};
          video.altContent = {type: "box", layout: "vertical", contents: [video]};
          const made = [
            flex(deep), flex(wide), flex(spans), flex(video),
            renderMessage({type: "text", text: "x".repeat(5000000)}, {}),
            renderMessage({type: "text", text: "https://a.example/ ".repeat(200000)}, {}),
            renderMessage({type: "textV2", text: "{a}".repeat(200000), substitution: {a: {type: "emoji"}}}, {}),
            renderNotification({template_key: "k".repeat(1e6), body: {items: Array(9999).fill({itemKey: "a"})}}, {}),
            renderQuickReply({items: Array(9999).fill({})}, {}),
            renderRichMenu({areas: Array(9999).fill({})}, {}),
          ];
          document.body.replaceChildren(...made);
          return made.map((one) => [one.querySelectorAll("*").length, one.textContent.length]);
        }"""
    )
    assert max(nodes for nodes, _ in found) < 6500
    assert max(letters for _, letters in found) < 25000
    assert "Too large to show in full" in await stage.page.locator("body").inner_text()
    assert await stage.page.get_by_text("bottom").count() == 0
    assert stage.faults == []


async def test_names_of_the_prototype_and_values_of_any_type_are_nothing_special(stage: Stage) -> None:
    outcome = await stage.page.evaluate(
        """async () => {
          const all = await import("/static/messages/index.js");
          const odd = [null, 0, -1, true, "", "x", [], {}, [[]], NaN, {type: null}, "constructor", "__proto__",
            JSON.parse('{"__proto__": {"type": "text", "text": "inherited"}}'),
            Object.create({type: "text", text: "inherited"})];
          const names = ["type", "text", "contents", "template", "emojis", "substitution", "columns", "actions",
            "action", "body", "header", "hero", "size", "styles", "items", "areas", "bounds", "buttons", "labels",
            "layout", "baseSize", "url", "flex", "duration", "area", "video"];
          const kinds = ["text", "textV2", "sticker", "image", "video", "audio", "location", "imagemap", "template",
            "flex", "coupon", "constructor", "__proto__", "toString", "hasOwnProperty"];
          let drawn = 0;
          const put = (name, value) => {
            for (const draw of Object.values(all)) {
              const made = draw(value, {language: "en"});
              if (!(made instanceof HTMLElement)) throw new Error(name);
              document.body.append(made);
              drawn += 1;
            }
          };
          for (const value of odd) {
            put("root", value);
            for (const name of names) {
              put(name, {[name]: value});
              for (const type of kinds) put(name, {type, [name]: value});
              const inner = {type: "text", text: "a", [name]: value};
              const part = {type: "box", layout: "horizontal", contents: [inner], [name]: value};
              put(name, {type: "flex", contents: {type: "bubble", body: part, hero: {type: "image", [name]: value}}});
              put(name, {type: "template", template: {type: "carousel", columns: [{[name]: value}], [name]: value}});
              put(name, {items: [{[name]: value}], areas: [{[name]: value}], body: {items: [{[name]: value}]}});
            }
          }
          return [drawn, document.body.textContent.includes("inherited")];
        }"""
    )
    assert outcome[0] > 10000
    assert outcome[1] is False
    assert stage.faults == []


async def test_what_is_pasted_is_drawn_and_judged_by_the_emulator(stage: Stage) -> None:
    page = stage.page
    source, verdict = page.locator("#source"), page.locator("#verdict")
    await source.fill(json.dumps({"type": "bubble", "body": box("vertical", text("Pasted bubble"))}))
    await page.locator("#drawn").get_by_text("Pasted bubble").wait_for()
    await verdict.get_by_text("The emulator would take this.").wait_for()
    await source.fill(json.dumps({"messages": [{"type": "text", "text": "Hello"}, {"type": "text"}]}))
    await verdict.get_by_text("400: The request body has 1 error(s)").wait_for()
    await page.locator("#details").get_by_text("messages[1].text: May not be empty").wait_for()
    url = "https://example.com/a.png"
    await source.fill(json.dumps([{"type": "image", "originalContentUrl": url, "previewImageUrl": url}]))
    await verdict.get_by_text("The emulator would take this.").wait_for()
    await page.locator("#kind").select_option("flexible")
    await verdict.get_by_text("400:").wait_for()
    await source.fill("{nothing")
    await verdict.get_by_text("Not JSON").wait_for()
    await source.fill(json.dumps({"templateKey": "example_parcel_jp", "body": {}}))
    await page.locator("#drawn .m-notice").get_by_text("Parcel").wait_for()
    await page.get_by_role("button", name="Edit: Template: confirm").click()
    await page.locator("#drawn").get_by_role("button", name="ไม่สะดวก").click()
    assert '"text":"ไม่สะดวก"' in await page.locator("#tapped").inner_text()
    assert stage.faults == []


async def test_messages_are_checked_without_being_sent(emulator: RunningEmulator) -> None:
    async def check(messages: Any, **values: Any) -> Any:
        return await emulator.control("POST", "/messages/check", {"messages": messages, **values})

    assert await check([{"type": "text", "text": "Hello"}]) == {"problem": None}
    many = await check([])
    assert many["problem"]["details"] == [{"message": "Size must be between 1 and 5", "property": "messages"}]
    wrong = await check("text")
    assert wrong["problem"]["status"] == 400
    assert wrong["problem"]["message"].startswith("The property, messages,")
    assert "details" not in wrong["problem"]
    await emulator.control("POST", "/messages/check", {"messages": [], "kind": "fax"}, expect=400)
    taken = [entry for entry in EXAMPLES if "message" in entry and entry["id"] != "unknown"]
    assert len(taken) > 15
    for entry in taken:
        assert await check([entry["message"]]) == {"problem": None}, entry["id"]
    deep: Any = {"type": "text", "text": "x"}
    for _ in range(60):
        deep = {"type": "box", "layout": "vertical", "contents": [deep]}
    bubble = {"type": "bubble", "body": deep}
    await check([{"type": "flex", "altText": "x", "contents": bubble}])
    assert (await emulator.control("GET", "/ledger"))["rows"] == []
