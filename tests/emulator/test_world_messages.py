"""Message objects except Flex: LINE's examples pass, and each fault is named in LINE's words at its place."""

from __future__ import annotations

from typing import Any

import pytest

from line_emulator.world import messages
from message_examples import (
    ABSENT,
    COLUMN,
    EXAMPLES,
    POSTBACK,
    SAY,
    faults_of,
    refusal,
    spoilt,
    template,
)

EMPTY = "May not be empty"
WRONG_FORM = "invalid property"
ASTRAL = "\N{GRINNING FACE}"
IMAGE = "https://example.com/"
ANYWHERE = "[postback, message, uri, datetimepicker, clipboard]"


def within(least: int, most: int) -> str:
    return f"Length must be between {least} and {most}"


def sized(least: int, most: int) -> str:
    return f"Size must be between {least} and {most}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_type_is_accepted_in_the_form_of_lines_reference(name: str) -> None:
    assert refusal([EXAMPLES[name]]) is None


@pytest.mark.parametrize("kind", messages.MESSAGES)
def test_any_type_may_have_quick_replies_and_another_sender(kind: str) -> None:
    example = next(message for message in EXAMPLES.values() if message["type"] == kind)
    reply = {"items": [{"type": "action", "action": SAY}]}
    assert faults_of({**example, "quickReply": reply, "sender": {"name": "Cony"}}) == []
    spoiled = {**example, "quickReply": {"items": []}, "sender": {"name": "x" * 21}}
    assert set(faults_of(spoiled)) == {(sized(1, 13), "quickReply.items"), (within(0, 20), "sender.name")}


def test_null_counts_as_absent_and_unknown_properties_are_ignored() -> None:
    assert (
        faults_of({"type": "text", "text": "x", "emojis": None, "sender": None, "tone": {"loud": [1]}}) == []
    )
    assert faults_of({"type": "text", "text": None}) == [(EMPTY, "text")]


def test_faults_come_in_a_fixed_order() -> None:
    inside = {"type": "buttons", "text": "x" * 61, "title": "x" * 41, "actions": []}
    assert faults_of({"quickReply": {}, "template": inside, "type": "template"}) == [
        (EMPTY, "altText"),
        (EMPTY, "quickReply.items"),
        (within(0, 40), "template.title"),
        (sized(1, 4), "template.actions"),
        (within(0, 60), "template.text"),
    ]


def test_a_quick_reply_needs_no_type() -> None:
    assert faults_of({"type": "text", "text": "x", "quickReply": {"items": [{"action": SAY}]}}) == []


FAULTS: list[tuple[str, str, Any, str]] = [
    ("text", "text", ABSENT, EMPTY),
    ("text", "text", "", EMPTY),
    ("text", "emojis[0].productId", ABSENT, EMPTY),
    ("text", "emojis[1].emojiId", "", EMPTY),
    ("text", "emojis[1].index", ABSENT, EMPTY),
    ("text", "emojis[1].index", 1, WRONG_FORM),
    ("text", "emojis[1].index", 14, WRONG_FORM),
    ("text", "emojis[1].index", 99999, WRONG_FORM),
    ("text", "emojis[1].index", -1, "must be greater than or equal to 0"),
    ("text", "emojis", [EXAMPLES["text"]["emojis"][0]] * 21, sized(0, 20)),
    ("text", "sender.name", "x" * 21, within(0, 20)),
    ("text", "sender.name", ASTRAL * 11, within(0, 20)),
    ("text", "sender.name", "LINE Support", WRONG_FORM),
    ("text", "sender.iconUrl", "http://example.com/x.png", "invalid uri scheme"),
    ("text", "sender.iconUrl", IMAGE.ljust(2001, "x"), within(0, 2000)),
    ("text", "quickReply.items", ABSENT, EMPTY),
    ("text", "quickReply.items", [EXAMPLES["text"]["quickReply"]["items"][0]] * 14, sized(1, 13)),
    ("text", "quickReply.items[0].type", "button", "Must be one of the following values: [action]"),
    ("text", "quickReply.items[0].imageUrl", "ftp://example.com/x.png", "invalid uri scheme"),
    ("text", "quickReply.items[0].action", ABSENT, EMPTY),
    ("text", "quickReply.items[5].action.label", ABSENT, EMPTY),
    ("text", "quickReply.items[0].action.label", "x" * 21, within(0, 20)),
    ("textV2", "text", "x" * 5001, within(0, 5000)),
    ("textV2", "text", "a {user1", "'{' and '}' must be used in pairs."),
    ("textV2", "text", "a } b", "'{' and '}' must be used in pairs."),
    ("textV2", "text", "{user2}", "The key 'user2' enclosed in '{}' is not in substitution."),
    (
        "textV2",
        "text",
        "{!owe}",
        "The key '!owe' enclosed in '{}' does not match the pattern '^[a-zA-Z0-9_]{1,20}$'.",
    ),
    ("textV2", "text", "{user1}" * 21, "The number of mention substitutions must be between 0 and 20"),
    ("textV2", "text", "{laugh}" * 21, "The number of emoji substitutions must be between 0 and 20"),
    ("textV2", 'substitution["laugh"].productId', ABSENT, EMPTY),
    ("textV2", 'substitution["laugh"].type', "x", "Must be one of the following values: [mention, emoji]"),
    ("textV2", 'substitution["user1"].mentionee', ABSENT, EMPTY),
    ("textV2", 'substitution["user1"].mentionee.userId', "", EMPTY),
    (
        "textV2",
        'substitution["user1"].mentionee.type',
        "role",
        "Must be one of the following values: [user, all]",
    ),
    ("sticker", "packageId", ABSENT, EMPTY),
    ("sticker", "stickerId", "", EMPTY),
    ("image", "originalContentUrl", ABSENT, EMPTY),
    ("image", "originalContentUrl", "http://example.com/x.jpg", "invalid uri scheme"),
    ("image", "previewImageUrl", "example.com/x.jpg", "invalid uri scheme"),
    ("image", "previewImageUrl", "https:///x.jpg", "invalid uri"),
    ("image", "previewImageUrl", "https://example.com/a b.jpg", "invalid uri"),
    ("image", "previewImageUrl", "https://example.com/100%.jpg", "invalid uri"),
    ("image", "previewImageUrl", IMAGE.ljust(2001, "x"), within(0, 2000)),
    ("video", "previewImageUrl", ABSENT, EMPTY),
    ("video", "trackingId", "x" * 101, within(0, 100)),
    ("video", "trackingId", "track id", WRONG_FORM),
    ("audio", "duration", ABSENT, EMPTY),
    ("audio", "duration", -1, "must be greater than or equal to 0"),
    ("audio", "originalContentUrl", "", EMPTY),
    ("location", "title", "x" * 101, within(0, 100)),
    ("location", "address", ABSENT, EMPTY),
    ("location", "address", "x" * 101, within(0, 100)),
    ("location", "latitude", ABSENT, EMPTY),
    ("location", "latitude", 90.1, "must be between -90 and 90"),
    ("location", "longitude", -180.5, "must be between -180 and 180"),
    ("coupon", "couponId", ABSENT, EMPTY),
    ("coupon", "deliveryTag", "x" * 31, within(0, 30)),
    ("coupon", "deliveryTag", "winter-2025", WRONG_FORM),
    ("imagemap", "baseUrl", "http://example.com/rm001", "invalid uri scheme"),
    ("imagemap", "altText", "x" * 1501, within(0, 1500)),
    ("imagemap", "baseSize", ABSENT, EMPTY),
    ("imagemap", "baseSize.width", 1024, "Must be one of the following values: [1040]"),
    ("imagemap", "baseSize.height", 0, "must be greater than or equal to 1"),
    ("imagemap", "video.area", ABSENT, EMPTY),
    ("imagemap", "video.externalLink.label", "x" * 31, within(0, 30)),
    ("imagemap", "video.externalLink.linkUri", "ftp://example.com", "invalid uri scheme"),
    ("imagemap", "actions", [], sized(1, 50)),
    ("imagemap", "actions", EXAMPLES["imagemap"]["actions"] * 17, sized(1, 50)),
    ("imagemap", "actions[0].type", "tap", "Must be one of the following values: [uri, message, clipboard]"),
    ("imagemap", "actions[0].linkUri", ABSENT, EMPTY),
    ("imagemap", "actions[1].text", "x" * 401, within(0, 400)),
    ("imagemap", "actions[2].clipboardText", "x" * 1001, within(0, 1000)),
    ("imagemap", "actions[0].label", "x" * 101, within(0, 100)),
    ("imagemap", "actions[0].area", ABSENT, EMPTY),
    ("imagemap", "actions[0].area.x", -1, "must be greater than or equal to 0"),
    ("imagemap", "actions[0].area.width", ABSENT, EMPTY),
    ("imagemap", "actions[0].area.width", 0, "must be greater than or equal to 1"),
    ("imagemap", "video.area.height", 0, "must be greater than or equal to 1"),
    ("buttons", "altText", ABSENT, EMPTY),
    ("buttons", "altText", "x" * 1501, within(0, 1500)),
    ("buttons", "template", ABSENT, EMPTY),
    (
        "buttons",
        "template.type",
        "button",
        "Must be one of the following values: [buttons, confirm, carousel, image_carousel]",
    ),
    ("buttons", "template.thumbnailImageUrl", "http://example.com/x.jpg", "invalid uri scheme"),
    (
        "buttons",
        "template.imageAspectRatio",
        "1:1",
        "Must be one of the following values: [rectangle, square]",
    ),
    ("buttons", "template.imageSize", "fit", "Must be one of the following values: [cover, contain]"),
    ("buttons", "template.imageBackgroundColor", "#FFFFFF80", WRONG_FORM),
    ("buttons", "template.title", "x" * 41, within(0, 40)),
    ("buttons", "template.title", "", EMPTY),
    ("buttons", "template.text", ABSENT, EMPTY),
    ("buttons", "template.text", "x" * 61, within(0, 60)),
    ("buttons", "template.text", "x" * 161, within(0, 160)),
    ("buttons", "template.actions", ABSENT, EMPTY),
    ("buttons", "template.actions", [], sized(1, 4)),
    ("buttons", "template.actions", [POSTBACK] * 5, sized(1, 4)),
    ("buttons", "template.actions[0].label", ABSENT, EMPTY),
    ("buttons", "template.actions[0].label", "x" * 21, within(0, 20)),
    ("buttons", "template.defaultAction.label", "x" * 21, within(0, 20)),
    ("buttons", "template.defaultAction.uri", ABSENT, EMPTY),
    ("confirm", "template.text", "x" * 241, within(0, 240)),
    ("confirm", "template.actions", [SAY], sized(2, 2)),
    ("confirm", "template.actions", [SAY] * 3, sized(2, 2)),
    ("carousel", "template.columns", [], sized(1, 10)),
    ("carousel", "template.columns", [COLUMN] * 11, sized(1, 10)),
    ("carousel", "template.columns[1].text", "x" * 61, within(0, 60)),
    ("carousel", "template.columns[1].text", "x" * 121, within(0, 120)),
    ("carousel", "template.columns[0].imageBackgroundColor", "white", WRONG_FORM),
    ("carousel", "template.columns[0].title", "x" * 41, within(0, 40)),
    ("carousel", "template.columns[1].title", ABSENT, "Must be specified in all columns or in none"),
    (
        "carousel",
        "template.columns[1].thumbnailImageUrl",
        ABSENT,
        "Must be specified in all columns or in none",
    ),
    (
        "carousel",
        "template.columns[1].actions",
        [POSTBACK],
        "The number of actions must be the same in all columns",
    ),
    ("image_carousel", "template.columns", [], sized(1, 10)),
    ("image_carousel", "template.columns[0].imageUrl", ABSENT, EMPTY),
    ("image_carousel", "template.columns[0].action", ABSENT, EMPTY),
    ("image_carousel", "template.columns[0].action.label", "x" * 13, within(0, 12)),
]


@pytest.mark.parametrize(("name", "place", "value", "text"), FAULTS)
def test_each_fault_is_named_in_lines_words_at_its_place(
    name: str, place: str, value: Any, text: str
) -> None:
    assert refusal([spoilt(EXAMPLES[name], place, value)]) == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": text, "property": f"messages[0].{place}"}],
    }


@pytest.mark.parametrize(("length", "title", "fine"), [(160, None, True), (60, "x", True), (61, "x", False)])
def test_a_text_of_buttons_is_shorter_beside_a_title(length: int, title: str | None, fine: bool) -> None:
    faults = faults_of(template(type="buttons", text="x" * length, title=title, actions=[SAY]))
    assert faults == ([] if fine else [(within(0, 60), "template.text")])


def test_lengths_of_messages_count_utf_16_code_units() -> None:
    assert faults_of({"type": "text", "text": ASTRAL * 2500}) == []
    assert faults_of({"type": "text", "text": ASTRAL * 2501}) == [(within(0, 5000), "text")]
    confirm = EXAMPLES["confirm"]
    assert faults_of(spoilt(confirm, "template.actions[0].label", ASTRAL * 10)) == []
    assert faults_of(spoilt(confirm, "template.actions[0].label", ASTRAL * 11)) != []


@pytest.mark.parametrize("name", ["Online Shop", "Airline", "Pipeline 5", "日本"])
def test_a_sender_may_have_any_name_but_lines(name: str) -> None:
    assert faults_of({"type": "text", "text": "x", "sender": {"name": name}}) == []


@pytest.mark.parametrize("key", ["", "with space", "a" * 21, "é"])
def test_substitution_keys_are_1_to_20_letters_digits_and_underscores(key: str) -> None:
    emoji = {"type": "emoji", "productId": "x", "emojiId": "x"}
    faults = faults_of({"type": "textV2", "text": "x", "substitution": {key: emoji}})
    assert [place for _, place in faults] == ["substitution"]


def test_at_most_100_substitutions() -> None:
    emoji = {"type": "emoji", "productId": "x", "emojiId": "x"}
    message = {"type": "textV2", "text": "x", "substitution": {f"k{number}": emoji for number in range(101)}}
    assert faults_of(message) == [(sized(0, 100), "substitution")]
    del message["substitution"]["k0"]  # type: ignore[attr-defined]
    assert faults_of(message) == []


def test_mentions_are_for_pushes_and_replies_only() -> None:
    message = EXAMPLES["textV2"]
    assert faults_of(message, messages.REPLY_TYPES) == []
    for allowed in (messages.FLEXIBLE_TYPES, messages.MULTICAST_TYPES):
        text = "Must be one of the following values: [emoji]"
        places = [place for found, place in faults_of(message, allowed) if found == text]
        assert places == ['substitution["user1"].type', 'substitution["everyone"].type']


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_flexible_notification_takes_every_type_but_pictures_sounds_and_coupons(name: str) -> None:
    kind = EXAMPLES[name]["type"]
    faults = faults_of(EXAMPLES[name], messages.FLEXIBLE_TYPES)
    if kind in ("image", "video", "audio", "imagemap", "coupon"):
        listed = "[text, textV2, sticker, location, template, flex]"
        assert faults == [(f"Must be one of the following values: {listed}", "type")]
    else:
        assert (faults == []) is (name not in ("textV2", "flex video"))


AT_THEIR_LIMIT = [
    (name, place, value[:-1], text)
    for name, place, value, text in FAULTS
    if text.startswith(("Length must", "Size must")) and len(value) > 1
]


@pytest.mark.parametrize(("name", "place", "value", "text"), AT_THEIR_LIMIT)
def test_what_just_fits_is_not_too_long(name: str, place: str, value: Any, text: str) -> None:
    assert text not in [found for found, _ in faults_of(spoilt(EXAMPLES[name], place, value))]


def test_a_column_has_one_to_three_actions() -> None:
    for count in range(5):
        faults = faults_of(template(type="carousel", columns=[{"text": "x", "actions": [SAY] * count}]))
        assert faults == ([] if 1 <= count <= 3 else [(sized(1, 3), "template.columns[0].actions")])


def test_an_emoji_at_the_first_place_needs_its_mark_too() -> None:
    emoji = {"index": 0, "productId": "x", "emojiId": "x"}
    assert faults_of({"type": "text", "text": "$", "emojis": [emoji]}) == []
    assert faults_of({"type": "text", "text": "x$", "emojis": [emoji]}) == [(WRONG_FORM, "emojis[0].index")]
