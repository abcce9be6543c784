"""What a suppressed recipient does to a notice."""

from __future__ import annotations

import pytest

from notice_support import LINE_4H_THEN_SMS, NO_RECEIPTS, SMS_ALONE, START, Story, policy
from todoke.core.plan import plan
from todoke.core.routing import Facts, Step, why_not
from todoke.core.suppression import NO_SMS, NOTHING_AT_ALL, Cause, Scope, outweighs

ALL, SMS = frozenset({Scope.ALL}), frozenset({Scope.SMS})


@pytest.mark.parametrize("step", Step)
def test_who_wants_nothing_gets_no_step(step: Step) -> None:
    assert why_not(step, Facts(country="TW", suppressed=ALL | SMS)) == NOTHING_AT_ALL


@pytest.mark.parametrize("step", Step)
def test_who_wants_no_sms_gets_the_others(step: Step) -> None:
    facts = Facts(country="TW", sms=NO_RECEIPTS, has_callback=True, suppressed=SMS)
    assert (why_not(step, facts) == NO_SMS) == (step is Step.SMS)


def test_before_anything_was_sent_the_notice_is_refused_with_the_reason() -> None:
    story = Story(*LINE_4H_THEN_SMS, suppressed=ALL).due()
    assert (story.state, story.notice.reason, story.sent) == ("refused", "suppressed", [])
    assert [why for _, why in story.notice.skips] == [NOTHING_AT_ALL] * 2


def test_a_paused_channel_holds_no_refusal_up() -> None:
    assert Story(*LINE_4H_THEN_SMS, suppressed=ALL, channel_paused=True).due().state == "refused"


def test_where_sms_is_all_there_is_the_notice_is_refused_with_the_reason() -> None:
    story = Story(*SMS_ALONE, suppressed=SMS).due()
    assert (story.state, story.notice.reason) == ("refused", "suppressed")


def test_after_something_was_sent_no_further_step_begins_and_the_open_attempt_goes_on() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").knows(suppressed=ALL).passes("5h")
    assert (story.state, story.sent) == ("waiting", ["line_notification"])
    assert story.notice.skips == (("sms", NOTHING_AT_ALL),)
    story.proof()
    assert (story.state, story.notice.reason) == ("delivered", None)


def test_without_proof_it_ends_not_delivered_and_the_reason_is_the_suppression() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").knows(suppressed=ALL).passes("25h")
    assert (story.state, story.notice.reason, story.outcomes) == ("not_delivered", "suppressed", ["silent"])


def test_what_could_not_be_taken_is_not_tried_again() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("throttled").knows(suppressed=ALL).passes("10m")
    assert (story.state, story.notice.reason, len(story.sent)) == ("not_delivered", "suppressed", 1)


def test_sms_that_was_left_out_before_another_step_is_not_why_that_one_failed() -> None:
    story = Story("sms 1h", "line_notification 24h", suppressed=SMS).sends().answer("unreachable")
    assert (story.state, story.notice.reason) == ("not_delivered", "unreachable")


def test_when_it_ends_the_next_step_begins_as_usual() -> None:
    story = Story(*LINE_4H_THEN_SMS, suppressed=SMS).sends().answer("accepted")
    story.knows(suppressed=frozenset()).passes("5h")
    assert story.sent == ["line_notification", "sms"]


def test_the_plan_says_why_it_would_be_refused() -> None:
    steps = policy("sms 1h", "callback 1h")
    planned = plan(steps, Facts(country="TW", sms=NO_RECEIPTS, suppressed=SMS), None, START)
    assert (planned.state, planned.reason, planned.refused_why) == ("refused", "suppressed", NO_SMS)
    planned = plan(policy(*LINE_4H_THEN_SMS), Facts(country="TW", suppressed=SMS), None, START)
    assert (planned.reason, planned.refused_why) == ("suppressed", None), "LINE is tried"


def test_ones_own_word_weighs_most() -> None:
    order = [Cause.MANUAL, Cause.COMPLAINT, Cause.OPT_OUT]
    assert [[outweighs(a, b) for b in order] for a in order] == [
        [False, False, False],
        [True, False, False],
        [True, True, False],
    ]
