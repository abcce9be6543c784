"""What LINE checks in a notification request before it looks for the user, and in which order.

Order [choice]: JSON types, then limits and duplicates together, then the template key, then item and
button keys, then what the no-phone-verification mode forbids. Source: LINE notification messages reference;
`customAggregationUnits` and unique buttons from LINE's SDK.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from line_emulator.world import limits, messages, problems
from line_emulator.world.channels import Channel
from line_emulator.world.keys import Form
from line_emulator.world.limits import Faults, WrongType
from line_emulator.world.numbers import parse_digest
from line_emulator.world.problems import Problem

EMPHASIZED_LIMIT = 15
CONTENT_LIMIT = 300
URL_LIMIT = 1000
MOST_ITEMS = 15
MOST_BUTTONS = 2
TAG_SHORTEST, TAG_LONGEST = 16, 100
MASKS = frozenset("*＊○●〇xX•")
"""A text with one of them counts as masked."""


def tag_problem(tag: str | None) -> Problem | None:
    """The delivery tag must have 16 to 100 characters."""
    if tag is None or TAG_SHORTEST <= len(tag) <= TAG_LONGEST:
        return None
    return problems.invalid_header("X-Line-Delivery-Tag")


def template_problem(body: dict[str, Any], channel: Channel) -> Problem | None:
    """What is wrong with the body of a template notification; None if nothing is."""
    faults: Faults = []
    wrong_keys: Faults = []
    try:
        _recipient(body, faults)
        key = limits.text(body, "templateKey", "templateKey", faults)
        content = body.get("body")
        if content is not None:
            _content(limits.mapping(content, "body"), channel.form_of(key), faults, wrong_keys)
        limits.aggregation_units(body, faults)
    except WrongType as wrong:
        return wrong.problem()
    if faults:
        return problems.body_errors(faults)
    if not channel.has_template(key):
        return problems.invalid_template(key)
    if wrong_keys:
        return problems.invalid_keys(wrong_keys)
    return _unverified_problem(content, channel) if key in channel.no_verification_templates else None


def _unverified_problem(content: dict[str, Any] | None, channel: Channel) -> Problem | None:
    """In no-phone-verification mode some items must be absent and others masked. Source: LINE's Taiwan deck; which
    characters mask, and the answer, are this emulator's choice.
    """
    faults: Faults = []
    for path, item in _items_of(content or {}):
        key, text = item["itemKey"], item["content"]
        if key in channel.absent_items:
            fault = f"Must be absent in a template without phone verification: {key}"
            faults.append((fault, f"{path}.itemKey"))
        elif key in channel.masked_items and MASKS.isdisjoint(text):
            fault = f"Must be masked in a template without phone verification: {key}"
            faults.append((fault, f"{path}.content"))
    return problems.body_errors(faults) if faults else None


def _items_of(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All items of a content that has been checked, with their paths."""
    if content.get("emphasizedItem") is not None:
        yield "body.emphasizedItem", content["emphasizedItem"]
    for place, item in enumerate(content.get("items") or ()):
        yield f"body.items[{place}]", item


def flexible_problem(body: dict[str, Any]) -> Problem | None:
    """What is wrong with the body of a flexible notification; None if nothing is."""
    faults: Faults = []
    try:
        _recipient(body, faults)
        messages.check(body, messages.FLEXIBLE_TYPES, faults)
        limits.flag(body, "notificationDisabled")
        limits.aggregation_units(body, faults)
    except WrongType as wrong:
        return wrong.problem()
    return problems.body_errors(faults) if faults else None


def _recipient(body: dict[str, Any], faults: Faults) -> None:
    value = body.get("to")
    if value is None or value == "":
        faults.append(("May not be empty", "to"))
    elif type(value) is not str:
        raise WrongType("to")
    elif parse_digest(value) is None:
        faults.append(("The value must be a valid SHA-256 digest.", "to"))


def _content(content: dict[str, Any], form: Form, faults: Faults, wrong_keys: Faults) -> None:
    emphasized = content.get("emphasizedItem")
    emphasized_key = None
    if emphasized is not None:
        path = "body.emphasizedItem"
        item = limits.mapping(emphasized, path)
        emphasized_key = _item(item, path, EMPHASIZED_LIMIT, form, faults, wrong_keys)
    seen: set[str] = set()
    items = content.get("items")
    if items is not None:
        for place, item in enumerate(limits.sequence(items, "body.items", 0, MOST_ITEMS, faults)):
            path = f"body.items[{place}]"
            key = _item(limits.mapping(item, path), path, CONTENT_LIMIT, form, faults, wrong_keys)
            if key and key in seen:
                faults.append(_twice(key, f"{path}.itemKey"))
            seen.add(key)
    # LINE's own example names the emphasised item, not its double, as the culprit.
    if emphasized_key and emphasized_key in seen:
        faults.append(_twice(emphasized_key, "body.emphasizedItem.itemKey"))
    if content.get("buttons") is not None:
        _buttons(content["buttons"], form, faults, wrong_keys)


def _twice(key: str, path: str) -> tuple[str, str]:
    text = f"Duplicate itemKey in items or between emphasizedItem and items are not allowed: {key}"
    return text, path


def _item(
    item: dict[str, Any], path: str, longest: int, form: Form, faults: Faults, wrong_keys: Faults
) -> str:
    key = limits.text(item, "itemKey", f"{path}.itemKey", faults)
    limits.text(item, "content", f"{path}.content", faults, longest)
    if key and not form.has_item(key):
        wrong_keys.append((f"The specified item key does not exist: {key}", f"{path}.itemKey"))
    return key


def _buttons(value: Any, form: Form, faults: Faults, wrong_keys: Faults) -> None:
    seen: set[str] = set()
    for place, entry in enumerate(limits.sequence(value, "body.buttons", 0, MOST_BUTTONS, faults)):
        path = f"body.buttons[{place}]"
        button = limits.mapping(entry, path)
        key = limits.text(button, "buttonKey", f"{path}.buttonKey", faults)
        limits.text(button, "url", f"{path}.url", faults, URL_LIMIT)
        if key and key in seen:
            faults.append((f"Duplicate buttonKey in buttons is not allowed: {key}", f"{path}.buttonKey"))
        seen.add(key)
        if key and not form.has_button(key):
            wrong_keys.append((f"The specified button key does not exist: {key}", f"{path}.buttonKey"))
