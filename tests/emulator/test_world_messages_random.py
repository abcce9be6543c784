"""Whatever comes as a message gets an answer of bounded size, for bounded work."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from line_emulator.world import messages
from line_emulator.world.messages import (
    MESSAGES,
    MOST_FAULTS,
    actions,
    flex_boxes,
    flex_components,
    templates,
)
from message_examples import ABSENT, EXAMPLES, body_of, box, faults_of, flex, refusal, spoilt, template

ALLOWED = [messages.FLEXIBLE_TYPES, messages.PUSH_TYPES, messages.MULTICAST_TYPES]
SHAPES = [*MESSAGES.values(), *templates.TEMPLATES.values(), *actions.ALL.values(), flex_boxes.BOX]
TYPES = [
    *MESSAGES,
    *templates.TEMPLATES,
    *actions.ALL,
    "bubble",
    "carousel",
    "box",
    "icon",
    "span",
    "mention",
    "linearGradient",
]
PROPERTIES = sorted(
    {"type", "contents", "body", "hero", "size", "label", "uri", "mentionee", "index", "min", "max"}
    | set().union(*(shape.names() for shape in SHAPES), flex_components.TEXT.names())
)
WORDS = [
    "https://example.com",
    "{a}",
    "$",
    "10px",
    "-1%",
    "#000000",
    "1:1",
    "absolute",
    "baseline",
    "datetime",
    "2026-01-01",
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
STRINGS = st.sampled_from([*TYPES, *WORDS])


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from(PROPERTIES) | st.text(max_size=5), inner, max_size=5)
    return st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(TYPES), named) | named


JSON = st.recursive(
    SCALARS | STRINGS, lambda inner: st.lists(inner, max_size=4) | objects(inner), max_leaves=40
)


def places(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every place in a value, with what is there."""
    if path:
        yield path, value
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from places(entry, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, entry in value.items():
            inside = f'{path}["{name}"]' if path.endswith("substitution") else f"{path}.{name}"
            yield from places(entry, inside.removeprefix("."))


ANY_INDEX = re.compile(r"\[\d+\]")
PLACES = [(name, path) for name, message in EXAMPLES.items() for path, _ in places(message)]


def assert_answer(answer: Any) -> None:
    if answer is not None:
        assert set(answer) <= {"message", "details"}
        assert 0 <= len(answer.get("details", ())) <= MOST_FAULTS
        assert len(json.dumps(answer)) < 200_000


@settings(max_examples=400, deadline=None)
@given(JSON | st.lists(objects(JSON), min_size=1, max_size=6), st.sampled_from(ALLOWED))
def test_any_json_as_messages_gets_an_answer(value: Any, allowed: messages.Allowed) -> None:
    assert_answer(refusal(value, allowed))


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(PLACES), JSON | st.just(ABSENT), st.sampled_from(ALLOWED))
def test_a_valid_message_with_anything_in_one_place_gets_an_answer(
    where: tuple[str, str], value: Any, allowed: messages.Allowed
) -> None:
    name, path = where
    assert_answer(refusal([spoilt(EXAMPLES[name], path, value)], allowed))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_value_of_the_wrong_json_type_anywhere_is_named(name: str) -> None:
    for path, value in places(EXAMPLES[name]):
        wrong: Any = 5 if isinstance(value, str | list | dict) else "5"
        text = f"The property, messages[0].{path}, in the request body is invalid (line: -, column: -)"
        assert refusal([spoilt(EXAMPLES[name], path, wrong)]) == {"message": text}
        if isinstance(value, str | dict):
            assert refusal([spoilt(EXAMPLES[name], path, [])]) == {"message": text}
        if isinstance(value, bool | int):
            assert refusal([spoilt(EXAMPLES[name], path, None if value is None else {})]) == {"message": text}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_missing_property_is_fine_or_named(name: str) -> None:
    """Absence and null are the same; a property that is missed is named itself, or one beside it, or its like
    in a neighbouring column.
    """
    for path, _ in places(EXAMPLES[name]):
        if path.endswith("]"):
            continue
        faults = faults_of(spoilt(EXAMPLES[name], path, ABSENT))
        assert faults == faults_of(spoilt(EXAMPLES[name], path, None))
        around = ANY_INDEX.sub("[]", path.rpartition(".")[0])
        assert all(ANY_INDEX.sub("[]", place).startswith(around) for _, place in faults), (path, faults)


@pytest.mark.parametrize(("number", "fine"), [(2**31 - 1, True), (2**31, False), (1.0, False), (True, False)])
def test_whole_numbers_have_32_bits_and_no_fraction(number: Any, fine: bool) -> None:
    answer = refusal([body_of(box(flex=number))])
    path = "messages[0].contents.body.contents[0].flex"
    text = f"The property, {path}, in the request body is invalid (line: -, column: -)"
    assert answer == (None if fine else {"message": text})


def calls_of(work: Callable[[], Any]) -> int:
    """How many Python functions are entered: a measure of work that no other load disturbs."""
    count = 0

    def entered(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(entered)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def nested(depth: int) -> dict[str, Any]:
    """Box in box in box, as far as the stack of the JSON decoder goes and further."""
    inner: dict[str, Any] = {"type": "box", "layout": "vertical", "contents": []}
    for _ in range(depth):
        inner = {"type": "box", "layout": "vertical", "contents": [inner]}
    return inner


HUGE: dict[str, Any] = {
    "messages": [{"type": "text"}] * 400_000,
    "emojis": [{"type": "text", "text": "$", "emojis": [{}] * 300_000}],
    "braces": [{"type": "textV2", "text": "{}" * 2500}],
    "long braces": [{"type": "textV2", "text": "{" * 1_000_000}],
    "substitutions": [{"type": "textV2", "text": "x", "substitution": {f"k{n}": {} for n in range(100_000)}}],
    "a long key": [{"type": "textV2", "text": "{x}", "substitution": {"k" * 1_000_000: {}}}],
    "columns": [template(type="carousel", columns=[{"actions": [{}] * 1000}] * 1000)],
    "quick replies": [{"type": "text", "text": "x", "quickReply": {"items": [{}] * 400_000}}],
    "components": [body_of(*[{"type": "text"}] * 100_000)],
    "as many components as fit": [body_of(*[{"type": "icon"}] * 1500)],
    "spans": [body_of({"type": "text", "contents": [{}] * 100_000})],
    "bubbles": [flex(type="carousel", contents=[{"type": "bubble"}] * 100_000)],
    "a deep box": [flex(type="bubble", body=nested(300))],
    "a box beyond the stack": [flex(type="bubble", body=nested(100_000))],
    "deep unknown parts": [flex(type="bubble", body=box(), other=nested(100_000))],
    "an endless link": [{"type": "image", "originalContentUrl": "https:" * 300_000, "previewImageUrl": "x"}],
    "an endless number": [flex(type="bubble", body=box(flex=10**4000))],
}


@pytest.mark.parametrize("name", HUGE)
def test_hostile_sizes_and_depths_cost_little(name: str) -> None:
    answers: list[Any] = []
    calls = calls_of(lambda: answers.append(refusal(HUGE[name])))
    assert_answer(answers[0])
    assert answers[0] is not None
    assert calls < 8_000


def test_an_answer_names_at_most_100_faults() -> None:
    answer = refusal([body_of(*[{"type": "icon"}] * 1000), body_of(*[{"type": "icon"}] * 1000)])
    assert answer["message"] == f"The request body has {MOST_FAULTS} error(s)"
    assert len(answer["details"]) == MOST_FAULTS
