"""Action objects: what each needs, where each may stand, and what its label may be there."""

from __future__ import annotations

from typing import Any

import pytest

from message_examples import (
    ABSENT,
    ACTIONS,
    LINK,
    PICKER,
    POSTBACK,
    SAY,
    faults_of,
    spoilt,
    template,
)

EMPTY = "May not be empty"
IMAGE = "https://example.com/"
ANYWHERE = "[postback, message, uri, datetimepicker, clipboard]"


def within(least: int, most: int) -> str:
    return f"Length must be between {least} and {most}"


ACTION_FAULTS: list[tuple[str, str, Any, str]] = [
    ("postback", "data", ABSENT, EMPTY),
    ("postback", "data", "x" * 301, within(0, 300)),
    ("postback", "displayText", "x" * 301, within(0, 300)),
    ("postback", "fillInText", "x" * 301, within(0, 300)),
    ("camera", "label", "x" * 21, within(0, 20)),
    (
        "postback",
        "inputOption",
        "close",
        "Must be one of the following values: [closeRichMenu, openRichMenu, openKeyboard, openVoice]",
    ),
    ("message", "text", ABSENT, EMPTY),
    ("message", "text", "x" * 301, within(0, 300)),
    ("uri", "uri", ABSENT, EMPTY),
    ("uri", "uri", IMAGE.ljust(1001, "x"), within(0, 1000)),
    ("uri", "uri", "javascript:alert(1)", "invalid uri scheme"),
    ("uri", "uri", "//example.com", "invalid uri scheme"),
    ("uri", "uri", "http:example.com", "invalid uri"),
    ("uri", "uri", "https://", "invalid uri"),
    ("uri", "uri", "tel:", "invalid uri"),
    ("uri", "uri", "https://example.com/<b>", "invalid uri"),
    ("uri", "altUri.desktop", "mailto:x@example.com", "invalid uri scheme"),
    ("datetimepicker", "data", ABSENT, EMPTY),
    ("datetimepicker", "mode", ABSENT, EMPTY),
    ("datetimepicker", "mode", "month", "Must be one of the following values: [date, time, datetime]"),
    ("datetimepicker", "initial", "2017-12-25", "invalid datetime format for the specified mode"),
    ("datetimepicker", "max", "2018-02-30T00:00", "invalid datetime format for the specified mode"),
    ("datetimepicker", "max", "2101-01-01T00:00", "invalid datetime format for the specified mode"),
    ("datetimepicker", "min", "1899-12-31T23:59", "invalid datetime format for the specified mode"),
    ("datetimepicker", "min", "", "invalid datetime format for the specified mode"),
    ("clipboard", "clipboardText", "", EMPTY),
    ("clipboard", "clipboardText", "x" * 1001, within(0, 1000)),
    ("camera", "label", ABSENT, EMPTY),
    ("location", "label", "x" * 21, within(0, 20)),
]


@pytest.mark.parametrize(("kind", "place", "value", "text"), ACTION_FAULTS)
def test_each_fault_of_an_action_is_named(kind: str, place: str, value: Any, text: str) -> None:
    item = {"type": "action", "action": spoilt(ACTIONS[kind], place, value)}
    message = {"type": "text", "text": "x", "quickReply": {"items": [item]}}
    assert faults_of(message) == [(text, f"quickReply.items[0].action.{place}")]


@pytest.mark.parametrize(
    "uri", ["HTTPS://example.com/?q=日本", "http://x.example", "line://nv/chat", "tel:090"]
)
def test_a_link_opens_http_https_line_and_tel(uri: str) -> None:
    assert faults_of(template(type="confirm", text="x", actions=[{**LINK, "uri": uri}, SAY])) == []


@pytest.mark.parametrize(
    ("mode", "least", "most", "fine"),
    [
        ("date", "2026-01-01", "2026-01-02", True),
        ("date", "1900-01-01", "2100-12-31", True),
        ("date", "2026-01-01", "2026-01-01", False),
        ("date", "2026-01-02", "2026-01-01", False),
        ("time", "00:00", "23:59", True),
        ("time", "12:00", "11:59", False),
        ("datetime", "2026-01-01t10:00", "2026-01-01T10:01", True),
        ("datetime", "2026-01-01T10:01", "2026-01-01t10:00", False),
    ],
)
def test_a_picker_ends_after_it_begins(mode: str, least: str, most: str, fine: bool) -> None:
    action = {**PICKER, "mode": mode, "min": least, "max": most, "initial": None}
    faults = faults_of(template(type="confirm", text="x", actions=[action, SAY]))
    assert faults == ([] if fine else [("invalid date time order", "template.actions[0]")])


def test_a_picker_begins_between_its_ends() -> None:
    action = {**PICKER, "initial": "2018-01-25T00:00"}
    faults = faults_of(template(type="confirm", text="x", actions=[action, SAY]))
    assert faults == [("invalid date time order", "template.actions[0]")]


@pytest.mark.parametrize("name", ["data", "text", "displayText"])
def test_a_postback_takes_300_characters_of_each(name: str) -> None:
    for length, fine in ((300, True), (301, False)):
        action = {"type": "postback", "label": "x", "data": "x", name: "x" * length}
        faults = faults_of(template(type="confirm", text="x", actions=[action, SAY]))
        assert faults == ([] if fine else [(within(0, 300), f"template.actions[0].{name}")])


def test_a_postback_shows_one_text_not_two() -> None:
    action = {**POSTBACK, "displayText": "x", "text": "x"}
    faults = faults_of(template(type="confirm", text="x", actions=[action, SAY]))
    assert faults == [("displayText and text can't both be specified", "template.actions[0].displayText")]
    action = {**POSTBACK, "text": "x", "data": "", "fillInText": "only seen with a keyboard"}
    assert faults_of(template(type="confirm", text="x", actions=[action, SAY])) == []


@pytest.mark.parametrize("kind", ["camera", "cameraRoll", "location", "richmenuswitch", "teleport", None])
def test_actions_of_quick_replies_and_rich_menus_have_no_place_in_a_template(kind: Any) -> None:
    actions = [{"type": kind, "label": "x", "data": "x", "richMenuAliasId": "x"}, SAY]
    faults = faults_of(template(type="confirm", text="x", actions=actions))
    assert faults == [(f"Must be one of the following values: {ANYWHERE}", "template.actions[0].type")]


def test_a_default_action_and_one_of_an_image_carousel_need_no_label() -> None:
    quiet = {"type": "uri", "uri": "https://example.com"}
    assert faults_of(template(type="buttons", text="x", actions=[SAY], defaultAction=quiet)) == []
    columns = [{"imageUrl": IMAGE, "action": quiet}]
    assert faults_of(template(type="image_carousel", columns=columns)) == []
