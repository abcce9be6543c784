"""The state diagram in the documentation is the table of moves, drawn."""

import re
from pathlib import Path

import pytest

from todoke.core.diagram import WORDS, fenced, state_diagram
from todoke.core.notice import END_STATES, TRANSITIONS, Event, State

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_documented_diagram_is_the_one_of_the_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(r"<!-- states:begin -->\n(.*?)<!-- states:end -->", text, re.DOTALL)
    assert found, f"{DOCUMENT} has no block between states:begin and states:end"
    assert found[1].strip() == fenced(), (
        "Put what `python -m todoke.core.diagram` prints between the markers."
    )


def test_every_move_is_one_word_on_one_arrow() -> None:
    arrows: set[tuple[str, str, str]] = set()
    for line in state_diagram().splitlines():
        if match := re.fullmatch(r"    (\w+) --> (\w+): (.+)", line):
            assert (match[1], match[2]) not in {(a, b) for a, b, _ in arrows}
            arrows |= {(match[1], match[2], word) for word in match[3].split(", ")}
    assert arrows == {
        (before.value, after.value, WORDS[event])
        for (before, event), all_ in TRANSITIONS.items()
        for after in all_
    }


def test_every_event_has_a_word_of_its_own() -> None:
    assert set(WORDS) == set(Event.__args__)
    assert len(set(WORDS.values())) == len(WORDS)


@pytest.mark.parametrize("state", State)
def test_a_notice_begins_queued_and_only_ends_have_no_way_out(state: State) -> None:
    lines = state_diagram().splitlines()
    assert (f"    [*] --> {state}" in lines) == (state is State.QUEUED)
    assert (f"    {state} --> [*]" in lines) == (state in END_STATES)
