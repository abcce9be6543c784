"""Flex Messages in templates: what LINE would refuse is refused when the template is made, with place and remedy."""

import copy
from typing import Any

import pytest

from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.flex import check_flex
from todoke.core.template import check_parameters, compile, in_language

TEXT: dict[str, Any] = {"type": "text", "text": "x"}
BUTTON: dict[str, Any] = {
    "type": "button",
    "style": "primary",
    "color": "#1F6F54",
    "action": {"type": "uri", "label": "x", "uri": "https://a.example"},
}
PLACE = "/flexible/0/contents"


def box(*contents: Any, layout: str = "vertical", **more: Any) -> dict[str, Any]:
    return {"type": "box", "layout": layout, "contents": list(contents), **more}


def bubble(*contents: Any, **more: Any) -> dict[str, Any]:
    return {"type": "bubble", "body": box(*contents), **more}


def spec(contents: Any) -> dict[str, Any]:
    return {
        "name": "a",
        "use_case": "b",
        "parameters": {"p": {"type": "text", "example": "#FFFFFF"}},
        "flexible": [{"type": "flex", "altText": "x", "contents": copy.deepcopy(contents)}],
    }


def nested(levels: int) -> dict[str, Any]:
    found = box(TEXT)
    for _ in range(levels - 1):
        found = box(found)
    return found


def test_what_line_takes_is_taken() -> None:
    for contents in (
        bubble(
            TEXT
            | {"size": "13px", "color": "{{p}}", "margin": "md", "wrap": True, "flex": 0, "text": "x {{p}}"}
        ),
        bubble(TEXT | {"text": None, "contents": [{"type": "span", "text": "a", "weight": "bold"}]}),
        bubble(
            box(TEXT, {"type": "icon", "url": "https://a.example/i.png"}, layout="baseline", offsetTop="-2px")
        ),
        bubble(
            {"type": "separator"}, {"type": "filler"}, {"type": "image", "url": "https://a.example/i.png"}
        ),
        bubble(box(paddingAll="5%", cornerRadius="md", width="40%", action=BUTTON["action"])),
        {"type": "bubble", "size": "giga", "footer": box(BUTTON), "styles": {"footer": {"separator": True}}},
        # What LINE may know some day, it is not for us to refuse.
        bubble(TEXT | {"fontFamily": "serif"}),
        {"type": "carousel", "contents": [bubble(TEXT, size="kilo"), bubble(TEXT, size="kilo")]},
    ):
        check_flex(spec(contents))
        compile(spec(contents))


def test_what_line_would_refuse_is_refused_with_place_and_remedy() -> None:
    body = f"{PLACE}/body/contents"
    table: list[tuple[Any, str, str]] = [
        ({"type": "bubble"}, PLACE, "needs one of header, hero, body, footer"),
        ({"type": "bubble", "body": TEXT}, f"{PLACE}/body/type", "'text' can't stand here: use box"),
        ({"type": "bubble", "body": "x"}, f"{PLACE}/body", "object"),
        ({"type": "bubble", "body": {"type": "box", "contents": []}}, f"{PLACE}/body/layout", "needs layout"),
        ({"type": "bubble", "body": {"type": "box", "layout": "vertical"}}, f"{PLACE}/body/contents", "needs contents"),
        (bubble(TEXT, size="huge"), f"{PLACE}/size", "one of nano, micro"),
        (bubble(TEXT, styles={"body": {"backgroundColor": "red"}}), f"{PLACE}/styles/body/backgroundColor", "#1F6F54"),
        (bubble({"text": "x"}), f"{body}/0/type", "without a type"),
        (bubble({"type": "txet", "text": "x"}), f"{body}/0/type", "'txet' can't stand here"),
        (bubble({"type": "text"}), f"{body}/0/text", "not empty"),
        (bubble({"type": "text", "text": ""}), f"{body}/0/text", "not empty"),
        (bubble(TEXT | {"colour": "#FFFFFF"}), f"{body}/0/colour", "no field 'colour'.*color\\?"),
        (bubble(TEXT | {"color": "#FFF"}), f"{body}/0/color", "a colour as #1F6F54"),
        (bubble(TEXT | {"size": "large"}), f"{body}/0/size", "xxs, xs, sm"),
        (bubble(TEXT | {"wrap": "true"}), f"{body}/0/wrap", "true or false"),
        (bubble(TEXT | {"flex": -1}), f"{body}/0/flex", "whole number"),
        (bubble(TEXT | {"contents": [TEXT]}), f"{body}/0/contents/0/type", "use span"),
        (bubble({"type": "button"}), f"{body}/0/action", "needs action"),
        (bubble(BUTTON | {"action": {"type": "uri", "uri": "tel:119"}}), f"{body}/0/action/label", "needs label"),
        (bubble(BUTTON | {"action": {"type": "link"}}), f"{body}/0/action/type", "one of uri"),
        (bubble(BUTTON | {"action": BUTTON["action"] | {"label": "x" * 41}}), f"{body}/0/action/label", "40 are"),
        (bubble(TEXT | {"action": {"type": "uri", "label": "x"}}), f"{body}/0/action/uri", "needs uri"),
        (bubble({"type": "image", "url": "http://a.example/i.png"}), f"{body}/0/url", "begins with https://"),
        (bubble(box(BUTTON, layout="baseline")), f"{body}/0/contents/0/type", "use icon, text, filler"),
        (bubble(box("x")), f"{body}/0/contents/0", "object"),
        (bubble(box() | {"contents": "x"}), f"{body}/0/contents", "list"),
        ({"type": "carousel", "contents": [bubble(TEXT), bubble(TEXT, size="kilo")]}, f"{PLACE}/contents", "same size"),
        ({"type": "carousel", "contents": [box()]}, f"{PLACE}/contents/0/type", "bubbles only"),
        ({"type": "bubble", "body": nested(50)}, PLACE + "/body" + "/contents/0" * 14 + "/type", "deeper than 32"),
    ]  # fmt: skip
    for contents, pointer, words in table:
        with pytest.raises(InvalidTemplate, match=words) as error:
            compile(spec(contents))
        assert error.value.pointer == pointer, contents


def test_a_variant_is_looked_at_too_and_may_be_as_deep_as_the_first() -> None:
    deep = {"type": "bubble", "body": nested(13)}
    variants = {"th": {"flexible": spec(deep)["flexible"]}}
    compile({**spec(deep), "languages": variants})
    wrong = {"th": {"push": spec(bubble({"type": "text"}))["flexible"]}}
    with pytest.raises(InvalidTemplate) as error:
        compile({**spec(deep), "languages": wrong})
    assert error.value.pointer == "/languages/th/push/0/contents/body/contents/0/text"


def test_what_was_stored_by_an_older_version_still_compiles() -> None:
    compile(spec({"type": "bubble"}), stored=True)


def test_the_texts_of_an_action_keep_their_limits_when_they_are_filled_in() -> None:
    long_name = "a_name_that_is_longer_than_the_forty_characters_of_a_label"
    hole = "{{" + long_name + "}}"
    label = {"type": "uri", "label": hole + "!", "uri": "https://a.example"}
    with_name = {
        **spec(bubble(BUTTON | {"action": label})),
        "parameters": {long_name: {"type": "text", "example": "x"}},
        "languages": {"th": {"sms": "x"}},
    }
    template = compile(with_name)
    for language in (None, "th"):
        assert check_parameters(in_language(template, language), {long_name: "x" * 39})
        with pytest.raises(InvalidParameters, match="the label of an action too long") as error:
            check_parameters(in_language(template, language), {long_name: "x" * 40})
        assert error.value.pointer == f"/parameters/{long_name}"
    wrong = {**with_name, "parameters": {long_name: {"type": "text", "example": "x" * 40}}}
    with pytest.raises(InvalidTemplate, match="Filled with the examples"):
        compile(wrong)
    compile(wrong, stored=True)
    fixed = spec(bubble(BUTTON | {"action": label | {"label": hole + "x" * 40}}))
    with pytest.raises(InvalidTemplate, match="has 41 characters, 40 are allowed"):
        compile({**with_name, "flexible": fixed["flexible"]})
    compile({**with_name, "flexible": fixed["flexible"]}, stored=True)
