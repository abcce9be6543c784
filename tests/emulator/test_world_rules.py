"""LINE's checks of a request body and the exact bodies of its errors, in the pure world."""

from __future__ import annotations

import json
from typing import Any

import pytest

from line_emulator.world import rules
from line_emulator.world.channels import Channel

TO = "d41e0ad70dddfeb68f149ad6fc61574b9c5780ab7bcb2fba5517771ffbb2409c"
KEY = "shipment_completed_ja"
ASTRAL = "\N{GRINNING FACE}"


def channel(**values: Any) -> Channel:
    settings: dict[str, Any] = {"region": "JP", "badge": "green", **values}
    return Channel(
        channel_id="2000000001",
        name="Shop",
        secret="s",
        bot_user_id="U1",
        basic_id="@shop",
        access_token="t",
        **settings,
    )


def template(body: Any = None, region: str = "JP", **values: Any) -> Any:
    """LINE's error body for a template request, None if it is fine."""
    request = {"to": TO, "templateKey": KEY, **values}
    if body is not None:
        request["body"] = body
    problem = rules.template_problem(request, channel(region=region))
    if problem is None:
        return None
    assert problem.status == 400
    return json.loads(problem.body())


def flexible(messages: Any, **values: Any) -> Any:
    problem = rules.flexible_problem({"to": TO, "messages": messages, **values})
    return None if problem is None else json.loads(problem.body())


def item(key: str = "date_002_ja", content: Any = "x") -> dict[str, Any]:
    return {"itemKey": key, "content": content}


def one(message: str, where: str) -> dict[str, Any]:
    return {
        "message": "The request body has 1 error(s)",
        "details": [{"message": message, "property": where}],
    }


def test_lines_documented_example_with_the_japanese_emphasised_item_is_accepted() -> None:
    body = {
        "emphasizedItem": {"itemKey": "date_002_ja", "content": "2024年8月10日(土)"},
        "items": [
            {"itemKey": "time_range_001_ja", "content": "午前中"},
            {"itemKey": "number_001_ja", "content": "1234567"},
            {"itemKey": "price_001_ja", "content": "12,000円"},
            {"itemKey": "name_010_ja", "content": "スープ"},
        ],
        "buttons": [
            {"buttonKey": "check_delivery_status_ja", "url": "https://example.com/status/"},
            {"buttonKey": "contact_ja", "url": "https://example.com/contact/"},
        ],
    }
    assert template(body) is None


def test_lines_english_example_breaks_its_own_limit_of_15() -> None:
    error = template({"emphasizedItem": item(content="Saturday, August 10, 2024")})
    assert error == one("Length must be between 0 and 15", "body.emphasizedItem.content")


def test_an_unknown_template_is_named() -> None:
    assert template(templateKey="reserve_004") == {
        "message": "Invalid templateKey: reserve_004",
        "details": [
            {
                "message": "The specified template doesn't exist, or you don't have the permission",
                "property": "templateKey",
            }
        ],
    }


def test_an_ungranted_template_is_refused_like_an_unknown_one() -> None:
    problem = rules.template_problem(
        {"to": TO, "templateKey": KEY}, channel(templates=frozenset({"example_bill"}))
    )
    assert problem is not None
    assert problem.message == f"Invalid templateKey: {KEY}"


def test_an_unknown_item_is_named() -> None:
    assert template({"items": [item("datetime_000")]}) == {
        "message": "The request body has 1 invalid key(s).",
        "details": [
            {
                "message": "The specified item key does not exist: datetime_000",
                "property": "body.items[0].itemKey",
            }
        ],
    }


def test_an_unknown_button_is_named() -> None:
    error = template({"buttons": [{"buttonKey": "call_000", "url": "https://example.com"}]})
    assert error["message"] == "The request body has 1 invalid key(s)."
    assert error["details"][0]["property"] == "body.buttons[0].buttonKey"


def test_an_item_twice_is_reported_at_the_emphasised_item() -> None:
    error = template({"emphasizedItem": item(), "items": [item()]})
    text = "Duplicate itemKey in items or between emphasizedItem and items are not allowed: date_002_ja"
    assert error == one(text, "body.emphasizedItem.itemKey")


def test_an_item_twice_among_the_items_is_reported_at_the_second() -> None:
    error = template({"items": [item(), item()]})
    assert error["details"][0]["property"] == "body.items[1].itemKey"


def test_a_button_twice_is_refused() -> None:
    button = {"buttonKey": "contact_ja", "url": "https://example.com"}
    error = template({"buttons": [button, button]})
    assert error["details"][0]["property"] == "body.buttons[1].buttonKey"


@pytest.mark.parametrize(
    "to", ["+818000001234", "abc", TO[:-1], TO + "0", "g" * 64, " " + TO[1:], TO[:62] + "  "]
)
def test_a_to_that_is_no_digest_is_refused(to: str) -> None:
    assert template(to=to) == one("The value must be a valid SHA-256 digest.", "to")


def test_an_upper_case_digest_is_accepted() -> None:
    assert template(to=TO.upper()) is None


@pytest.mark.parametrize("missing", ["to", "templateKey"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_or_empty_value_is_named(missing: str, value: Any) -> None:
    assert template(**{missing: value}) == one("May not be empty", missing)


def test_several_faults_come_together() -> None:
    error = template({"items": [item(content="")]}, to="x")
    assert error["message"] == "The request body has 2 error(s)"
    assert [detail["property"] for detail in error["details"]] == ["to", "body.items[0].content"]


@pytest.mark.parametrize(("count", "fine"), [(0, True), (15, True), (16, False)])
def test_a_template_takes_up_to_15_items(count: int, fine: bool) -> None:
    error = template({"items": [item(f"example_{number}") for number in range(count)]})
    expected = None if fine else one("Size must be between 0 and 15", "body.items")
    assert error == expected


@pytest.mark.parametrize(("count", "fine"), [(0, True), (2, True), (3, False)])
def test_a_template_takes_up_to_2_buttons(count: int, fine: bool) -> None:
    buttons = [{"buttonKey": f"example_{number}", "url": "https://x.example"} for number in range(count)]
    expected = None if fine else one("Size must be between 0 and 2", "body.buttons")
    assert template({"buttons": buttons}) == expected


@pytest.mark.parametrize(
    ("letter", "count", "fine"),
    [("x", 300, True), ("x", 301, False), ("日", 300, True), (ASTRAL, 150, True), (ASTRAL, 151, False)],
)
def test_lengths_count_utf_16_code_units(letter: str, count: int, fine: bool) -> None:
    error = template({"items": [item(content=letter * count)]})
    expected = None if fine else one("Length must be between 0 and 300", "body.items[0].content")
    assert error == expected


@pytest.mark.parametrize(("count", "fine"), [(1000, True), (1001, False)])
def test_a_button_takes_a_url_of_1000(count: int, fine: bool) -> None:
    url = "https://example.com/".ljust(count, "x")
    error = template({"buttons": [{"buttonKey": "contact_ja", "url": url}]})
    expected = None if fine else one("Length must be between 0 and 1000", "body.buttons[0].url")
    assert error == expected


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("x", "body"),
        ({"items": {}}, "body.items"),
        ({"items": ["x"]}, "body.items[0]"),
        ({"items": [{"itemKey": 5, "content": "x"}]}, "body.items[0].itemKey"),
        ({"emphasizedItem": []}, "body.emphasizedItem"),
        ({"buttons": [{"buttonKey": "contact_ja", "url": {}}]}, "body.buttons[0].url"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_dashes_for_its_place(body: Any, where: str) -> None:
    message = f"The property, {where}, in the request body is invalid (line: -, column: -)"
    assert template(body) == {"message": message}


@pytest.mark.parametrize(
    ("units", "fine"),
    [
        ([], True),
        (["summer_2026"], True),
        (["a" * 30], True),
        (["a", "b"], False),
        ([""], False),
        (["a" * 31], False),
        (["with-dash"], False),
        (["日"], False),
    ],
)
def test_an_aggregation_unit_is_one_name_of_letters_digits_and_underscores(
    units: list[str], fine: bool
) -> None:
    assert (template(customAggregationUnits=units) is None) is fine
    text = [{"type": "text", "text": "x"}]
    assert (flexible(text, customAggregationUnits=units) is None) is fine


def test_the_published_keys_belong_to_japan() -> None:
    assert template(region="TW") is not None
    assert template(region="TW", templateKey="example_bill") is None
    error = template({"items": [item()]}, region="TW", templateKey="example_bill")
    assert error["message"] == "The request body has 1 invalid key(s)."


@pytest.mark.parametrize(("count", "fine"), [(0, False), (1, True), (5, True), (6, False)])
def test_a_flexible_notification_has_one_to_five_messages(count: int, fine: bool) -> None:
    error = flexible([{"type": "text", "text": "x"}] * count)
    assert error == (None if fine else one("Size must be between 1 and 5", "messages"))


@pytest.mark.parametrize("kind", ["image", "video", "audio", "imagemap", "nonsense", "", None])
def test_a_flexible_notification_takes_no_image_video_or_audio(kind: str | None) -> None:
    error = flexible([{"type": kind, "originalContentUrl": "https://x.example/1.jpg"}])
    detail = error["details"][0]
    assert detail["property"] == "messages[0].type"
    assert detail["message"].startswith("Must be one of the following values: [text, ")


@pytest.mark.parametrize(("count", "fine"), [(0, False), (1, True), (5000, True), (5001, False)])
def test_a_text_has_up_to_5000_characters(count: int, fine: bool) -> None:
    error = flexible([{"type": "text", "text": "x" * count}])
    if fine:
        assert error is None
    else:
        text = "May not be empty" if count == 0 else "Length must be between 0 and 5000"
        assert error == one(text, "messages[0].text")


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ({"type": "flex", "contents": {"type": "bubble"}}, "messages[0].altText"),
        ({"type": "flex", "altText": "x"}, "messages[0].contents"),
        ({"type": "flex", "altText": "x", "contents": {"type": "box"}}, "messages[0].contents.type"),
        (
            {"type": "flex", "altText": "x", "contents": {"type": "carousel", "contents": []}},
            "messages[0].contents.contents",
        ),
    ],
)
def test_a_flex_message_needs_alternative_text_and_a_container(message: Any, where: str) -> None:
    assert flexible([message])["details"][0]["property"] == where


@pytest.mark.parametrize("value", [True, False, None])
def test_notification_disabled_is_true_or_false(value: Any) -> None:
    text = [{"type": "text", "text": "x"}]
    assert flexible(text, notificationDisabled=value) is None
    assert flexible(text, notificationDisabled="yes") is not None
    assert flexible(text, notificationDisabled=1) is not None


@pytest.mark.parametrize(
    ("region", "badge", "certified", "may"),
    [
        ("TW", "green", True, True),
        ("TW", "blue", True, True),
        ("TW", "blue", False, False),
        ("TW", "grey", True, False),
        ("TH", "blue", False, True),
        ("TH", "grey", True, False),
        ("JP", "green", True, True),
        ("JP", "green", False, False),
    ],
)
def test_an_account_must_be_eligible_in_its_country(
    region: str, badge: str, certified: bool, may: bool
) -> None:
    made = channel(region=region, badge=badge, certified=certified)
    assert made.may_send_templates() is may
    assert made.may_send_flexible() is may
