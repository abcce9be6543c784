"""What a change of a notice tells, and which events a choice with wildcards means."""

from __future__ import annotations

import pytest

from notice_support import LINE_4H_THEN_SMS, SMS_ALONE, Story
from todoke.core.announcing import CALLBACK, EVENTS, TEST, WILDCARDS, of_change, wanted_by
from todoke.core.notice import Notice, State


def told(before: Notice, story: Story) -> list[str]:
    return [x.event.removeprefix("notice.") for x in of_change(before, story.notice)]


def test_each_step_of_a_notice_tells_what_it_came_to_and_then_how_the_notice_stands() -> None:
    story = Story(*LINE_4H_THEN_SMS)
    before = story.notice
    assert told(before, story.sends()) == ["sending"]
    before = story.notice
    assert told(before, story.answer("accepted")) == ["attempt", "waiting"]
    before = story.notice
    assert told(before, story.passes("4h")) == ["sending"]
    before = story.notice
    assert told(before, story.answer("accepted")) == ["attempt", "waiting"]
    before = story.notice
    assert told(before, story.proof()) == ["attempt", "delivered"]


def test_a_step_that_fails_at_once_tells_its_outcome_alone_for_the_next_one_follows() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends()
    before = story.notice
    assert told(before, story.answer("unreachable", status=422)) == ["attempt"]


def test_an_answer_and_its_proof_in_one_change_tell_the_last_of_both() -> None:
    story = Story(*SMS_ALONE).sends()
    before = story.notice
    story.answer("accepted").proof()
    (attempt, state) = of_change(before, story.notice)
    assert (attempt.event, attempt.attempt and str(attempt.attempt.outcome)) == (
        "notice.attempt",
        "delivered",
    )
    assert (state.event, state.attempt) == ("notice.delivered", attempt.attempt)


def test_a_proof_after_a_later_step_tells_of_a_late_duplicate() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").answer("accepted")
    before = story.notice
    assert told(before, story.proof(1)) == ["attempt", "late_duplicate", "delivered"]


def test_a_proof_after_the_end_tells_that_it_was_late() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").answer("accepted").proof()
    assert story.notice.state is State.DELIVERED
    before = story.notice
    assert told(before, story.proof(1)) == ["attempt", "late_proof", "late_duplicate"]


def test_a_cancelled_notice_tells_it_when_it_ends_and_not_when_it_was_asked() -> None:
    story = Story(*LINE_4H_THEN_SMS)
    before = story.notice
    assert told(before, story.cancel()) == ["cancelled"]
    sending = Story(*LINE_4H_THEN_SMS).sends()
    before = sending.notice
    assert told(before, sending.cancel()) == []
    before = sending.notice
    assert told(before, sending.answer("unreachable", status=422)) == ["attempt", "cancelled"]


def test_what_did_not_change_tells_nothing() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted")
    assert told(story.notice, story) == []
    before = story.notice
    assert told(before, story.due()) == []


@pytest.mark.parametrize("state", [s for s in State if s not in (State.QUEUED, State.SENDING)])
def test_every_state_that_is_told_is_an_event(state: State) -> None:
    assert f"notice.{state}" in EVENTS


def test_wildcards_mean_all_of_their_kind_and_never_the_callback_step() -> None:
    assert wanted_by(["*"]) == set(EVENTS) - {CALLBACK}
    assert wanted_by(["friend.*", CALLBACK]) == {
        "friend.added",
        "friend.blocked",
        "friend.unlisted",
        CALLBACK,
    }
    assert wanted_by(WILDCARDS) == wanted_by(["*"])
    assert TEST not in EVENTS
    assert not wanted_by(["notice"]) & set(EVENTS)
