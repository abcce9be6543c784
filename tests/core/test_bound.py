"""Which bindings are relied on, what speaks against one, and how the reason reads."""

from __future__ import annotations

from typing import Any

import pytest

from notice_support import HOUR, START
from todoke.core.bound import (
    Holder,
    Sign,
    Standing,
    relied_on,
    shown_elsewhere,
    sign_of,
    why_not_relied_on,
)
from todoke.core.notice import Answered, Attempt, Cancel, Event, NoProof, Proof
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Facts, Step, why_not

DAY = 24 * HOUR
LASTS = 180 * DAY


def holder(**changes: Any) -> Holder:
    values = {"binding_id": "b", "provider": "default", "user_id": "U1", "shown_at": START, "told": False}
    return Holder(**{**values, **changes})


def attempt(step: Step) -> Attempt:
    return Attempt(id="a", step_index=0, step=step, at=START, gives_proof=True, closes_at=START + DAY)


def test_a_binding_counts_until_its_last_confirmation_is_too_old() -> None:
    assert relied_on(holder(), LASTS, START + LASTS - 1)
    assert not relied_on(holder(), LASTS, START + LASTS)


def test_the_age_of_what_the_business_told_says_nothing() -> None:
    assert relied_on(holder(told=True), LASTS, START + 10 * LASTS)


@pytest.mark.parametrize("told", [False, True])
def test_a_doubted_binding_never_counts(told: bool) -> None:
    assert not relied_on(holder(told=told, doubted_at=START, doubted_why="unmatched"), LASTS, START)


@pytest.mark.parametrize(
    ("why", "says"),
    [
        (Sign.UNMATCHED, "422"),
        (Sign.SMS_FAILED, "an SMS to it failed for good"),
        (Sign.BUSINESS, "the business said so"),
        ("of a later version", "something says so"),
        (None, "something says so"),
    ],
)
def test_a_doubt_is_told_with_its_ground_and_since_when(why: str | None, says: str) -> None:
    said = why_not_relied_on(holder(doubted_at=START, doubted_why=why), LASTS)
    assert says in said
    assert "may be another person's since 20" in said
    assert "confirm the number again" in said


def test_an_old_binding_is_told_with_its_limit() -> None:
    assert "more than 180d ago" in why_not_relied_on(holder(), LASTS)


def test_a_skipped_push_says_why_the_binding_does_not_count() -> None:
    facts = Facts(country="TW", has_push_form=True, binding_doubt="a doubt in words")
    assert why_not(Step.LINE_PUSH, facts) == "a doubt in words"
    assert why_not(Step.LINE_NOTIFICATION, facts) is None
    assert "no LINE user ID" in (why_not(Step.LINE_PUSH, Facts(country="TW", has_push_form=True)) or "")


UNREACHABLE = Answer(outcome=Outcome.UNREACHABLE, status=422)
TAKEN = Answer(outcome=Outcome.ACCEPTED, status=200)


@pytest.mark.parametrize(
    ("step", "event", "sign"),
    [
        (Step.LINE_NOTIFICATION, Answered("a", UNREACHABLE), Sign.UNMATCHED),
        (Step.LINE_NOTIFICATION, Answered("a", TAKEN), None),
        (Step.LINE_PUSH, Answered("a", UNREACHABLE), None),
        (Step.SMS, NoProof("a", START), Sign.SMS_FAILED),
        (Step.SMS, Proof("a", START), None),
        (Step.LINE_NOTIFICATION, Proof("a", START), Sign.DELIVERED_ELSEWHERE),
        (Step.LINE_NOTIFICATION, NoProof("a", START), None),
        (Step.SMS, Answered("a", Answer(outcome=Outcome.FAILED)), None),
        (Step.SMS, Cancel(), None),
    ],
)
def test_what_an_event_says_of_the_number(step: Step, event: Event, sign: Sign | None) -> None:
    assert sign_of(attempt(step), event) is sign


def test_a_notification_was_shown_elsewhere_only_if_all_had_blocked_the_account_before() -> None:
    blocked, later = Standing("blocked", START - 1), Standing("blocked", START)
    assert shown_elsewhere([blocked, blocked], START)
    assert not shown_elsewhere([blocked, later], START)
    assert not shown_elsewhere([blocked, Standing("friend", START - 1)], START)
    assert not shown_elsewhere([blocked, Standing("unlisted", START - 1)], START)
    assert not shown_elsewhere([blocked, None], START)
    assert not shown_elsewhere([], START)
