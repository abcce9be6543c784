"""Flex Messages: what LINE's reference allows passes, and each fault is named at its place."""

from __future__ import annotations

from typing import Any

import pytest

from line_emulator.world import messages
from line_emulator.world.messages.flex_boxes import DEEPEST
from message_examples import (
    ABSENT,
    BUBBLE,
    COMPONENTS,
    EXAMPLES,
    LINK,
    TEXT,
    URL,
    body_of,
    box,
    faults_of,
    flex,
    refusal,
    spoilt,
)

EMPTY = "May not be empty"
WRONG_FORM = "invalid property"
UNIT = "invalid unit"
LOW = "lower limit exceeded"
HIGH = "upper limit exceeded"
RATIO = "aspect ratio must be in the range (0 < (h/w) <= 3)"
IN_LINE = "Must be one of the following values: [box, button, image, text, separator, filler]"
NEGATIVE = "must be greater than or equal to 0"


def place_of(kind: str) -> tuple[dict[str, Any], str]:
    """A message with such a component in it, and where it is."""
    if kind == "icon":
        return EXAMPLES["baseline"], "contents.body.contents[0].contents[0]"
    if kind == "video":
        return EXAMPLES["flex video"], "contents.hero"
    if kind in ("bubble", "carousel"):
        return EXAMPLES["bubble" if kind == "bubble" else "flex carousel"], "contents"
    others = [name for name in COMPONENTS if name != "icon"]
    return EXAMPLES["components"], f"contents.body.contents[{others.index(kind)}]"


FAULTS: list[tuple[str, str, Any, str]] = [
    (
        "bubble",
        "size",
        "huge",
        "Must be one of the following values: [nano, micro, deca, hecto, kilo, mega, giga]",
    ),
    ("bubble", "direction", "ttb", "Must be one of the following values: [ltr, rtl]"),
    ("bubble", "header.type", "image", "Must be one of the following values: [box]"),
    ("bubble", "hero.type", "text", "Must be one of the following values: [box, image, video]"),
    ("bubble", "hero.url", ABSENT, EMPTY),
    ("bubble", "styles.header.backgroundColor", "#0ff", WRONG_FORM),
    ("bubble", "styles.hero.separatorColor", "black", WRONG_FORM),
    ("bubble", "action.uri", "ftp://example.com", "invalid uri scheme"),
    ("carousel", "contents", [], "Size must be between 1 and 12"),
    ("carousel", "contents", [BUBBLE] * 13, "Size must be between 1 and 12"),
    ("carousel", "contents[1].type", "carousel", "Must be one of the following values: [bubble]"),
    ("carousel", "contents[1].size", "nano", "Must be the same in all bubbles of a carousel"),
    ("box", "layout", ABSENT, EMPTY),
    ("box", "layout", "grid", "Must be one of the following values: [horizontal, vertical, baseline]"),
    ("box", "contents", ABSENT, EMPTY),
    ("box", "contents[0].text", "", EMPTY),
    ("box", "flex", -1, NEGATIVE),
    ("box", "spacing", "5%", UNIT),
    ("box", "margin", "-1px", LOW),
    ("box", "margin", "huge", WRONG_FORM),
    ("box", "margin", "", WRONG_FORM),
    ("box", "margin", "5", WRONG_FORM),
    ("box", "position", "fixed", "Must be one of the following values: [relative, absolute]"),
    ("box", "offsetTop", "5em", WRONG_FORM),
    ("box", "offsetEnd", "5deg", UNIT),
    ("box", "backgroundColor", "#12345", WRONG_FORM),
    ("box", "backgroundColor", "#GGGGGG", WRONG_FORM),
    ("box", "borderColor", "red", WRONG_FORM),
    ("box", "borderWidth", "10%", UNIT),
    ("box", "borderWidth", "xs", WRONG_FORM),
    ("box", "cornerRadius", "10%", UNIT),
    ("box", "width", "md", WRONG_FORM),
    ("box", "maxWidth", "-1%", LOW),
    ("box", "height", "10deg", UNIT),
    ("box", "maxHeight", "1,5px", WRONG_FORM),
    ("box", "paddingAll", "-2px", LOW),
    ("box", "paddingEnd", "semi-bold", WRONG_FORM),
    (
        "box",
        "justifyContent",
        "left",
        "Must be one of the following values: "
        "[center, flex-start, flex-end, space-between, space-around, space-evenly]",
    ),
    ("box", "alignItems", "start", "Must be one of the following values: [center, flex-start, flex-end]"),
    ("box", "background.type", "image", "Must be one of the following values: [linearGradient]"),
    ("box", "background.angle", ABSENT, EMPTY),
    ("box", "background.angle", "360deg", HIGH),
    ("box", "background.angle", "-1deg", LOW),
    ("box", "background.angle", "90", WRONG_FORM),
    ("box", "background.startColor", ABSENT, EMPTY),
    ("box", "background.endColor", "#12", WRONG_FORM),
    ("box", "background.centerColor", "blue", WRONG_FORM),
    ("box", "background.centerPosition", "100.5%", HIGH),
    ("box", "background.centerPosition", "50px", UNIT),
    ("box", "action.label", "x" * 41, "Length must be between 0 and 40"),
    ("button", "action", ABSENT, EMPTY),
    ("button", "action.label", ABSENT, EMPTY),
    ("button", "action.label", "x" * 41, "Length must be between 0 and 40"),
    ("button", "action.uri", "example.com", "invalid uri scheme"),
    (
        "button",
        "action.type",
        "camera",
        "Must be one of the following values: [postback, message, uri, datetimepicker, clipboard]",
    ),
    ("button", "style", "danger", "Must be one of the following values: [primary, secondary, link]"),
    ("button", "height", "lg", "Must be one of the following values: [md, sm]"),
    ("button", "gravity", "left", "Must be one of the following values: [top, bottom, center]"),
    ("button", "adjustMode", "grow", "Must be one of the following values: [shrink-to-fit]"),
    ("button", "color", "0000ff", WRONG_FORM),
    ("image", "url", ABSENT, EMPTY),
    ("image", "url", "http://example.com/x.jpg", "invalid uri scheme"),
    ("image", "url", URL.ljust(2001, "x"), "Length must be between 0 and 2000"),
    ("image", "size", "6xl", WRONG_FORM),
    ("image", "size", "-1%", LOW),
    ("image", "aspectRatio", "16/9", WRONG_FORM),
    ("image", "aspectRatio", "0:1", WRONG_FORM),
    ("image", "aspectRatio", "100001:1", WRONG_FORM),
    ("image", "aspectRatio", "1:3.1", RATIO),
    ("image", "aspectMode", "fill", "Must be one of the following values: [fit, cover]"),
    ("image", "align", "left", "Must be one of the following values: [start, end, center]"),
    ("video", "previewUrl", ABSENT, EMPTY),
    ("video", "altContent", ABSENT, EMPTY),
    ("video", "altContent.type", "video", "Must be one of the following values: [box, image]"),
    ("video", "altContent.url", ABSENT, EMPTY),
    ("video", "aspectRatio", "1:4", RATIO),
    ("video", "action.label", "x" * 41, "Length must be between 0 and 40"),
    ("video", "action.type", "message", "Must be one of the following values: [uri]"),
    ("icon", "url", ABSENT, EMPTY),
    ("icon", "size", "50%", UNIT),
    ("icon", "size", "full", WRONG_FORM),
    ("icon", "aspectRatio", "x", WRONG_FORM),
    ("text", "text", ABSENT, EMPTY),
    ("text", "text", "", EMPTY),
    ("text", "size", "50%", UNIT),
    ("text", "weight", "light", "Must be one of the following values: [regular, bold]"),
    ("text", "style", "oblique", "Must be one of the following values: [normal, italic]"),
    ("text", "decoration", "blink", "Must be one of the following values: [none, underline, line-through]"),
    ("text", "lineSpacing", "md", WRONG_FORM),
    ("text", "maxLines", -1, NEGATIVE),
    ("text", "color", "#ABC", WRONG_FORM),
    ("span", "contents[0].type", "text", "Must be one of the following values: [span]"),
    ("span", "contents[0].text", "", EMPTY),
    ("span", "contents[0].size", "big", WRONG_FORM),
    ("span", "contents[0].color", "#ABC", WRONG_FORM),
    ("separator", "margin", "1%", UNIT),
    ("separator", "color", "grey", WRONG_FORM),
    ("filler", "flex", -1, NEGATIVE),
]


@pytest.mark.parametrize(("kind", "place", "value", "text"), FAULTS)
def test_each_fault_of_flex_is_named_at_its_place(kind: str, place: str, value: Any, text: str) -> None:
    example, where = place_of(kind)
    assert faults_of(spoilt(example, f"{where}.{place}", value)) == [(text, f"{where}.{place}")]


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("box", "paddingAll", "0px"),
        ("box", "offsetBottom", "-10.5%"),
        ("box", "cornerRadius", "none"),
        ("box", "borderWidth", "2px"),
        ("box", "backgroundColor", "#aAbBcCdD"),
        ("box", "background.angle", "0deg"),
        ("box", "background.centerPosition", "100%"),
        ("image", "size", "23.5%"),
        ("image", "aspectRatio", "1:3"),
        ("image", "aspectRatio", "100000:1"),
        ("text", "size", "5xl"),
        ("text", "maxLines", 2147483647),
        ("icon", "size", "12px"),
    ],
)
def test_the_ends_of_each_range_are_accepted(kind: str, name: str, value: Any) -> None:
    example, where = place_of(kind)
    assert faults_of(spoilt(example, f"{where}.{name}", value)) == []


def test_a_bubble_has_at_least_one_block() -> None:
    assert faults_of(flex(type="bubble")) == [("At least one block must be specified", "contents")]
    assert faults_of(flex(type="bubble", header=None, styles={})) == faults_of(flex(type="bubble"))
    for block in ("header", "body", "footer", "hero"):
        assert faults_of(flex(type="bubble", **{block: box()})) == []


@pytest.mark.parametrize("layout", ["horizontal", "vertical", "baseline"])
@pytest.mark.parametrize("kind", ["box", "button", "image", "icon", "text", "separator", "filler", "video"])
def test_the_layout_decides_which_components_a_box_takes(layout: str, kind: str) -> None:
    component = COMPONENTS.get(kind) or EXAMPLES["flex video"]["contents"]["hero"]
    faults = faults_of(body_of(box(component, layout=layout)))
    place = "contents.body.contents[0].contents[0].type"
    if layout == "baseline":
        text = "Must be one of the following values: [icon, text, filler]"
        assert faults == ([] if kind in ("icon", "text", "filler") else [(text, place)])
    else:
        assert faults == ([] if kind not in ("icon", "video") else [(IN_LINE, place)])


def test_the_first_component_of_a_block_cannot_be_absolute() -> None:
    absolute = {**TEXT, "position": "absolute"}
    assert faults_of(body_of(TEXT, absolute)) == []
    text = "The first component of a block can't be absolute"
    assert faults_of(body_of(absolute, TEXT)) == [(text, "contents.body.contents[0].position")]


def test_beside_spans_the_text_is_ignored() -> None:
    spans = [{"type": "span", "text": "x"}]
    assert faults_of(body_of({"type": "text", "text": "", "contents": spans})) == []
    assert faults_of(body_of({"type": "text", "contents": []})) == [(EMPTY, "contents.body.contents[0].text")]


@pytest.mark.parametrize(("size", "fine"), [(None, True), ("kilo", True), ("giga", True), ("hecto", False)])
def test_a_video_needs_a_wide_bubble(size: str | None, fine: bool) -> None:
    faults = faults_of(spoilt(EXAMPLES["flex video"], "contents.size", size))
    text = "Must be one of the following values: [kilo, mega, giga]"
    assert faults == ([] if fine else [(text, "contents.size")])


def test_a_video_has_no_place_in_a_carousel_or_in_a_flexible_notification() -> None:
    bubble = EXAMPLES["flex video"]["contents"]
    text = "Must be one of the following values: [box, image]"
    faults = faults_of(flex(type="carousel", contents=[bubble]))
    assert faults == [(text, "contents.contents[0].hero.type")]
    faults = faults_of(EXAMPLES["flex video"], messages.FLEXIBLE_TYPES)
    assert faults == [(text, "contents.hero.type")]
    assert faults_of(EXAMPLES["bubble"], messages.FLEXIBLE_TYPES) == []


def test_at_most_10_images_of_a_message_are_animated() -> None:
    image = COMPONENTS["image"]
    assert faults_of(body_of(*[image] * 10)) == []
    place = "contents.body.contents[10].animated"
    assert faults_of(body_of(*[image] * 12)) == [("Up to 10 animated images in a message", place)]
    assert faults_of(body_of(*[image] * 10, *[{**image, "animated": False}] * 3)) == []
    assert refusal([body_of(*[image] * 10)] * 5) is None


@pytest.mark.parametrize("letter", ["x", "日"])
def test_a_bubble_has_at_most_30_kilobytes_of_json(letter: str) -> None:
    def sized(count: int) -> list[tuple[str, str]]:
        return faults_of(body_of({"type": "text", "text": "." * (count % 3) + letter * (count // width)}))

    width = len(letter.encode())
    around = len(
        '{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[{"type":"text","text":""}]}}'
    )
    most = 30 * 1024 - around
    assert sized(most - most % 3) == []
    text = "Too large flex message. The maximum size of JSON data that defines a bubble is 30 KB"
    assert sized(most - most % 3 + 3) == [(text, "contents")]


def test_a_carousel_has_at_most_50_kilobytes_and_each_bubble_30() -> None:
    def bubble(kilobytes: int) -> dict[str, Any]:
        return {"type": "bubble", "body": box({"type": "text", "text": "x" * 1024 * kilobytes})}

    assert faults_of(flex(type="carousel", contents=[bubble(24), bubble(24)])) == []
    text = "Too large flex message. The maximum size of JSON data that defines a"
    faults = faults_of(flex(type="carousel", contents=[bubble(24), bubble(26)]))
    assert faults == [(f"{text} carousel is 50 KB", "contents")]
    faults = faults_of(flex(type="carousel", contents=[bubble(1), bubble(31)]))
    assert faults == [(f"{text} bubble is 30 KB", "contents.contents[1]")]


@pytest.mark.parametrize(("depth", "fine"), [(DEEPEST, True), (DEEPEST + 1, False)])
def test_boxes_lie_in_each_other_up_to_a_depth(depth: int, fine: bool) -> None:
    inner = box()
    for _ in range(depth - 1):
        inner = box(inner)
    faults = faults_of(flex(type="bubble", body=inner))
    assert [text for text, _ in faults] == ([] if fine else [f"Up to {DEEPEST} boxes in each other"])


def test_boxes_beside_each_other_are_not_deep() -> None:
    row = [box() for _ in range(DEEPEST + 10)]
    assert faults_of(body_of(*row)) == []
    deep = box()
    for _ in range(DEEPEST):
        deep = box(deep)
    assert len(faults_of(flex(type="bubble", header=box(*row), body=deep))) == 1


def test_an_action_other_than_a_buttons_needs_no_label() -> None:
    quiet = {"type": "uri", "uri": LINK["uri"]}
    for kind in ("box", "image", "text"):
        assert faults_of(body_of({**COMPONENTS[kind], "action": quiet})) == []
    assert faults_of(body_of(TEXT, action=quiet)) == []
