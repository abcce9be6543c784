"""The life of a notice, held against the states, ends and outcomes that the documentation fixes."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from notice_support import (
    HOUR,
    LINE_4H_THEN_SMS,
    LINE_ALONE,
    MINUTE,
    NO_RECEIPTS,
    SMS_ALONE,
    SMS_THEN_LINE,
    START,
    Story,
)
from todoke.core.durations import parse_duration
from todoke.core.errors import IllegalTransition
from todoke.core.notice import (
    END_STATES,
    OPEN_STATES,
    TRANSITIONS,
    Answered,
    Cancel,
    Due,
    Lapsed,
    NoProof,
    Notice,
    Proof,
    State,
    step,
)
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import QuietHours, Step
from todoke.core.standing import Lane, lane

LINE_WINDOW = 24 * HOUR + 10 * MINUTE
SMS_WINDOW = 72 * HOUR

# A story that has come to a state, with one attempt at least where the state allows it.
IN_STATE: dict[str, Callable[[], Story]] = {
    "queued": lambda: Story(*LINE_4H_THEN_SMS).sends().answer("throttled", status=429),
    "sending": lambda: Story(*LINE_4H_THEN_SMS).sends(),
    "waiting": lambda: Story(*LINE_4H_THEN_SMS).sends().answer("accepted", status=200),
    "delivered": lambda: Story(*LINE_4H_THEN_SMS).sends().answer("accepted", status=200).proof(),
    "handed_over": lambda: Story(*SMS_ALONE, sms=NO_RECEIPTS).sends().answer("accepted", status=200),
    "not_delivered": lambda: Story(*SMS_ALONE).sends().answer("accepted", status=200).no_proof(),
    "cancelled": lambda: Story(*LINE_4H_THEN_SMS).sends().answer("throttled", status=429).cancel(),
    "refused": lambda: Story(*SMS_ALONE, has_sms_form=False).due(),
}
EVENTS: dict[str, Callable[[Story], object]] = {
    "due": lambda s: s.due(),
    "answered": lambda s: s.answer("accepted", status=200),
    "proof": lambda s: s.proof(),
    "no proof": lambda s: s.no_proof(),
    "cancel": lambda s: s.cancel(),
    "lapsed": lambda s: s.lapse(),
}
ILLEGAL = "illegal"
AFTER_EVENT = {
    # state:    due, answered, proof, no proof, cancel, lapsed
    "queued": ("queued", "queued", "delivered", "queued", "cancelled", ILLEGAL),
    "sending": (ILLEGAL, "waiting", "delivered", "queued", "sending", "waiting"),
    "waiting": ("waiting", "waiting", "delivered", "queued", "waiting", ILLEGAL),
    "delivered": ("delivered",) * 6,
    "handed_over": ("handed_over",) * 6,
    "not_delivered": ("not_delivered",) * 6,
    "cancelled": ("cancelled",) * 6,
    # It was never sent: there is nothing that an answer or a proof could be about.
    "refused": ("refused", ILLEGAL, ILLEGAL, ILLEGAL, "refused", "refused"),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", EVENTS)
def test_each_event_leads_from_each_state_to_one_state(state: str, event: str) -> None:
    story = IN_STATE[state]()
    assert story.state == state
    if state == "queued" and event == "due":
        story.facts = msgspec.structs.replace(story.facts, channel_paused=True)
        story.now += HOUR
    expected = AFTER_EVENT[state][list(EVENTS).index(event)]
    if expected == ILLEGAL:
        before = story.notice
        with pytest.raises(IllegalTransition, match="N"):
            EVENTS[event](story)
        assert story.notice is before
    else:
        EVENTS[event](story)
        assert story.state == expected


# One story for each move, so that the table holds no move that never happens.
WITNESSES: dict[str, Callable[[], Story]] = {
    "held while the channel is paused": lambda: Story(*LINE_ALONE, channel_paused=True).due(),
    "nothing can run": lambda: Story(*SMS_ALONE, sms=()).due(),
    "deadline before the first request": lambda: Story(
        *LINE_ALONE, channel_paused=True, deadline="1h"
    ).passes("2h"),
    "cancelled before the first request": lambda: Story(*LINE_ALONE).cancel(),
    "answer told twice": lambda: Story(*LINE_ALONE).sends().answer("throttled").answer("throttled"),
    "answer told twice, the second time after the deadline": lambda: _after(
        Story(*LINE_ALONE, deadline="1h").sends().answer("throttled"), 2 * HOUR
    ).answer("throttled"),
    "proof of what was called throttled": lambda: Story(*LINE_ALONE).sends().answer("throttled").proof(),
    "no proof of what was called throttled": lambda: (
        Story(*LINE_ALONE).sends().answer("throttled").no_proof()
    ),
    "no proof of it after the deadline": lambda: _after(
        Story(*LINE_ALONE, deadline="1h").sends().answer("throttled"), 2 * HOUR
    ).no_proof(),
    "422, next step": lambda: Story(*LINE_4H_THEN_SMS).sends().answer("unreachable"),
    "taken, waiting, told twice": lambda: Story(*LINE_ALONE).sends().answer("accepted").answer("accepted"),
    "handed over": lambda: Story(*SMS_ALONE, sms=NO_RECEIPTS).sends().answer("accepted"),
    "422, no step left": lambda: Story(*LINE_ALONE).sends().answer("unreachable"),
    "cancelled while out, then 422": lambda: Story(*LINE_4H_THEN_SMS).sends().cancel().answer("unreachable"),
    "answer overtaken by the receipt and the next step": lambda: (
        Story(*SMS_THEN_LINE).sends().no_proof().sends().answer("accepted", 1)
    ),
    "lost, next step": lambda: Story(*SMS_THEN_LINE, sms=NO_RECEIPTS).sends().lapse(),
    "lost, waiting": lambda: Story(*LINE_ALONE).sends().lapse(),
    "lost, no step left": lambda: Story(*SMS_ALONE, sms=NO_RECEIPTS).sends().lapse(),
    "lost and cancelled": lambda: Story(*SMS_ALONE, sms=NO_RECEIPTS).sends().cancel().lapse(),
    "proof overtakes the answer": lambda: Story(*LINE_ALONE).sends().proof(),
    "no proof overtakes the answer, next step": lambda: Story(*SMS_THEN_LINE).sends().no_proof(),
    "no proof overtakes the answer, LINE's message still out": lambda: (
        Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").no_proof()
    ),
    "no proof overtakes the answer, no step left": lambda: Story(*SMS_ALONE).sends().no_proof(),
    "no proof overtakes the answer, cancelled": lambda: Story(*SMS_THEN_LINE).sends().cancel().no_proof(),
    "no proof of an earlier step while the next is out": lambda: (
        Story(*SMS_THEN_LINE).sends().answer("accepted").passes("1h").no_proof(1)
    ),
    "looked at early": lambda: Story(*LINE_ALONE).sends().answer("accepted").due(),
    "wait over": lambda: Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h"),
    "silent, next step in the quiet hours": lambda: (
        Story("line_notification 7d", "sms 72h", quiet=(QuietHours("TW", 10 * 60 + 5, 11 * 60),))
        .sends()
        .answer("accepted")
        .passes("23h")
        .passes("70m")
    ),
    "silent after an SMS without receipts": lambda: (
        Story(*LINE_4H_THEN_SMS, sms=NO_RECEIPTS)
        .sends()
        .answer("accepted")
        .passes("4h")
        .answer("accepted")
        .passes("24h")
    ),
    "silent, no step left": lambda: Story(*LINE_ALONE).sends().answer("accepted").passes("25h"),
    "silent and cancelled": lambda: (
        Story(*LINE_4H_THEN_SMS).sends().answer("accepted").cancel().passes("25h")
    ),
    "delivered": lambda: Story(*LINE_ALONE).sends().answer("accepted").proof(),
    "receipt failed, next step": lambda: Story(*SMS_THEN_LINE).sends().answer("accepted").no_proof(),
    "receipt failed, LINE's message still out": lambda: (
        Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").answer("accepted").no_proof()
    ),
    "a carrier's last word on an earlier step, after an SMS without receipts": lambda: (
        Story(*LINE_4H_THEN_SMS, sms=NO_RECEIPTS)
        .sends()
        .answer("accepted")
        .passes("4h")
        .answer("accepted")
        .no_proof(1)
    ),
    "receipt failed, no step left": lambda: Story(*SMS_ALONE).sends().answer("accepted").no_proof(),
    "receipt failed, cancelled": lambda: Story(*SMS_THEN_LINE).sends().answer("accepted").cancel().no_proof(),
}


def _after(story: Story, milliseconds: int) -> Story:
    """Time passes and nobody looks: the engine is busy or down."""
    story.now += milliseconds
    return story


def test_the_table_of_moves_holds_every_move_that_happens_and_no_other() -> None:
    happened = {move for tell in WITNESSES.values() for move in tell().moves}
    allowed = {(before, event, after) for (before, event), all_ in TRANSITIONS.items() for after in all_}
    assert {m for m in happened if m[0] in OPEN_STATES} == allowed
    assert all(before is after for before, _, after in happened if before in END_STATES)


def test_open_states_and_ends_are_those_of_the_documentation() -> None:
    assert {s.value for s in OPEN_STATES} == {"queued", "sending", "waiting"}
    assert {s.value for s in END_STATES} == {
        "delivered",
        "handed_over",
        "not_delivered",
        "cancelled",
        "refused",
    }


def test_an_event_about_a_foreign_attempt_is_our_own_fault() -> None:
    story = Story(*LINE_ALONE).sends()
    with pytest.raises(IllegalTransition, match="no attempt other"):
        step(story.notice, Proof("other", START), START)


# --- each outcome -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "state", "due_in", "next_step"),
    [
        (Answer(outcome=Outcome.ACCEPTED, status=200), "waiting", 4 * HOUR, "sms"),
        (Answer(outcome=Outcome.UNREACHABLE, status=422), "queued", 0, "sms"),
        (Answer(outcome=Outcome.INVALID, status=400), "queued", 0, "sms"),
        (Answer(outcome=Outcome.DENIED, status=401), "queued", 0, "line_notification"),
        (Answer(outcome=Outcome.THROTTLED, status=429), "queued", 1000, "line_notification"),
        (
            Answer(outcome=Outcome.THROTTLED, status=429, retry_after=30_000),
            "queued",
            30_000,
            "line_notification",
        ),
        (Answer(outcome=Outcome.THROTTLED, status=429, quota_used_up=True), "queued", 0, "sms"),
        (Answer(outcome=Outcome.FAILED), "queued", 1000, "line_notification"),
        (Answer(outcome=Outcome.FAILED, status=404), "queued", 0, "sms"),
        (Answer(outcome=Outcome.UNKNOWN), "waiting", 4 * HOUR, "sms"),
        (Answer(outcome=Outcome.UNKNOWN, status=500), "waiting", 4 * HOUR, "sms"),
    ],
)
def test_each_outcome_of_a_line_request_leads_on(
    answer: Answer, state: str, due_in: int, next_step: str
) -> None:
    story = Story(*LINE_4H_THEN_SMS).sends()
    story.happens(Answered("A1", answer))
    assert (story.state, story.due_in, story.outcomes) == (state, due_in, [answer.outcome])
    story.now += due_in
    story.sends()
    assert story.sent == ["line_notification", next_step]


@pytest.mark.parametrize(
    ("outcome", "more", "end", "reason"),
    [
        ("unreachable", {"status": 422}, "not_delivered", "unreachable"),
        ("invalid", {"status": 400}, "not_delivered", "invalid"),
        ("failed", {"status": 400}, "not_delivered", "failed"),
        ("throttled", {"status": 429, "quota_used_up": True}, "not_delivered", "throttled"),
    ],
)
def test_a_sure_no_of_the_last_step_ends_the_notice_at_once(
    outcome: str, more: dict[str, Any], end: str, reason: str
) -> None:
    story = Story(*LINE_ALONE).sends().answer(outcome, **more)
    assert (story.state, story.notice.reason, story.notice.ended_at) == (end, reason, START)
    assert story.notice.due_at is None


def test_line_is_silent_24_hours_and_10_minutes_after_the_request_and_not_before() -> None:
    story = Story(*LINE_ALONE).sends().answer("accepted").passes("24h").passes("599s")
    assert (story.state, story.outcomes) == ("waiting", ["accepted"])
    story.passes("1s")
    assert (story.state, story.outcomes, story.notice.reason) == ("not_delivered", ["silent"], "silent")
    assert story.notice.ended_at == START + LINE_WINDOW


def test_an_sms_is_silent_after_72_hours_without_a_final_receipt() -> None:
    story = Story(*SMS_ALONE).sends().answer("accepted").passes("71h")
    assert story.state == "waiting"
    story.passes("1h")
    assert (story.state, story.outcomes, story.notice.ended_at) == (
        "not_delivered",
        ["silent"],
        START + SMS_WINDOW,
    )


def test_line_going_silent_before_a_longer_wait_is_over_begins_the_next_step() -> None:
    story = Story("line_notification 7d", "sms 72h").sends().answer("accepted").passes("24h").passes("10m")
    assert (story.sent, story.notice.attempts[1].at) == (["line_notification", "sms"], START + LINE_WINDOW)


# --- unknown ----------------------------------------------------------------------------------------------


def test_an_unknown_line_request_waits_like_an_accepted_one_then_the_next_step_goes() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("unknown").passes("239m")
    assert story.sent == ["line_notification"]
    story.passes("1m")
    assert story.sent == ["line_notification", "sms"]


def test_on_unknown_next_begins_the_next_step_at_once_and_leaves_the_unknown_one_open() -> None:
    story = Story(*LINE_4H_THEN_SMS, on_unknown="next").sends().answer("unknown")
    assert (story.state, story.due_in) == ("waiting", 0)
    story.sends()
    assert (story.sent, story.notice.attempts[0].open) == (["line_notification", "sms"], True)


def test_on_unknown_next_has_no_bearing_on_an_accepted_request() -> None:
    story = Story(*LINE_4H_THEN_SMS, on_unknown="next").sends().answer("accepted")
    assert story.due_in == 4 * HOUR


@pytest.mark.parametrize("on_unknown", ["wait", "next"])
@pytest.mark.parametrize("steps", [LINE_ALONE, SMS_ALONE, LINE_4H_THEN_SMS, SMS_THEN_LINE])
def test_what_is_unknown_is_never_sent_again_by_itself(on_unknown: str, steps: tuple[str, ...]) -> None:
    story = Story(*steps, on_unknown=on_unknown)
    while story.state not in END_STATES:
        story.passes("30m")
        if story.state == "sending":
            story.answer("unknown")
    assert len(story.sent) == len(set(story.sent)) == len(steps)
    assert (story.state, story.notice.reason) == ("not_delivered", "unknown")
    assert story.outcomes == ["unknown"] * len(steps), "an unknown one is not silent: nobody knows if it left"


@pytest.mark.parametrize("on_unknown", ["wait", "next"])
def test_an_unknown_sms_without_receipts_is_not_sent_again(on_unknown: str) -> None:
    story = Story(*SMS_ALONE, on_unknown=on_unknown, sms=NO_RECEIPTS).sends().answer("unknown")
    story.passes("100h")
    assert (story.sent, story.state, story.notice.reason) == (["sms"], "not_delivered", "unknown")


def test_proof_of_an_unknown_request_delivers_it() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("unknown").proof()
    assert (story.state, story.outcomes) == ("delivered", ["delivered"])


def test_what_was_out_when_its_process_died_is_unknown_and_never_sent_again() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().lapse()
    assert (story.state, story.outcomes, story.due_in) == ("waiting", ["unknown"], 4 * HOUR)
    story.passes("4h").answer("accepted").passes("100h")
    assert story.sent == ["line_notification", "sms"]


def test_the_answer_of_a_request_that_was_given_up_is_kept_and_moves_nothing() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().lapse().answer("throttled", status=429)
    assert (story.outcomes, story.notice.attempts[0].status) == (["unknown"], 429)
    assert story.due_in == 4 * HOUR


def test_a_request_nobody_recorded_is_given_up_after_an_hour() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends()
    assert story.due_in == HOUR
    story.passes("1h")
    assert (story.state, story.outcomes) == ("waiting", ["unknown"])


def test_a_lost_request_is_given_up_even_where_proof_of_an_earlier_one_ended_the_notice() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h")
    assert story.sent == ["line_notification", "sms"]
    story.proof(1).passes("61m")
    assert (story.state, story.outcomes) == ("delivered", ["late", "unknown"])
    story.passes("72h")
    assert not any(a.open for a in story.notice.attempts)
    assert story.notice.due_at is None


# --- denied, paused ---------------------------------------------------------------------------------------


def test_a_denied_notice_stays_queued_for_as_long_as_the_channel_is_paused() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("denied", status=401).knows(channel_paused=True)
    story.passes("10d")
    assert (story.state, story.sent, story.notice.due_at) == ("queued", ["line_notification"], None)
    story.knows(channel_paused=False).sends()
    assert story.sent == ["line_notification"] * 2


def test_the_wait_begins_anew_after_a_denied_request() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("denied").knows(channel_paused=True).passes("2d")
    story.knows(channel_paused=False).sends().answer("accepted")
    assert (story.state, story.due_in) == ("waiting", 4 * HOUR)


def test_the_wait_begins_anew_after_a_denied_request_however_short_the_pause() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("denied").knows(channel_paused=True).passes("3h")
    story.knows(channel_paused=False).sends().answer("accepted")
    assert story.due_in == 4 * HOUR


def test_a_denied_notice_stays_queued_though_an_earlier_try_was_long_ago() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("throttled").knows(channel_paused=True).passes("2d")
    story.knows(channel_paused=False).sends().answer("denied").knows(channel_paused=True).passes("2d")
    assert (story.state, story.sent) == ("queued", ["line_notification"] * 2)


def test_a_retry_held_until_its_wait_was_over_gets_a_wait_of_its_own_once_taken() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("throttled").knows(channel_paused=True).passes("2d")
    assert story.state == "queued"
    story.knows(channel_paused=False).sends().answer("accepted")
    assert (story.sent, story.due_in) == (["line_notification"] * 2, 4 * HOUR)


def test_a_retry_held_until_its_wait_was_over_and_refused_again_gives_way_to_the_next_step() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("throttled").knows(channel_paused=True).passes("2d")
    story.knows(channel_paused=False).sends().answer("throttled").sends()
    assert story.sent == ["line_notification", "line_notification", "sms"]


def test_a_paused_channel_holds_line_steps_and_not_sms() -> None:
    story = Story(*SMS_THEN_LINE, channel_paused=True).sends().answer("failed", status=400).passes("1h")
    assert (story.state, story.sent) == ("queued", ["sms"])


def test_a_held_notice_ends_at_its_deadline() -> None:
    story = Story(*LINE_ALONE, channel_paused=True, deadline="6h").passes("6h")
    assert (story.state, story.notice.reason, story.notice.ended_at) == (
        "not_delivered",
        "deadline",
        START + 6 * HOUR,
    )


def test_a_held_notice_can_be_cancelled() -> None:
    story = Story(*LINE_ALONE, channel_paused=True).passes("1h").cancel()
    assert (story.state, story.notice.due_at) == ("cancelled", None)


def test_an_open_attempt_closes_in_time_while_the_next_step_is_held() -> None:
    story = Story(*SMS_THEN_LINE, channel_paused=True).sends().answer("accepted").passes("72h")
    assert (story.state, story.outcomes) == ("queued", ["silent"])


# --- steps that can't run ---------------------------------------------------------------------------------


def test_a_notice_none_of_whose_steps_can_run_is_refused_and_says_why() -> None:
    story = Story(*LINE_4H_THEN_SMS, has_line_form=False, sms=()).due()
    assert (story.state, story.sent) == ("refused", [])
    assert [step for step, _ in story.notice.skips] == ["line_notification", "sms"]
    assert all(why for _, why in story.notice.skips)


def test_a_step_that_cant_run_is_left_out_and_the_next_goes_at_once() -> None:
    story = Story("line_push 4h", "callback 4h", "sms 72h").sends()
    assert (story.sent, [s for s, _ in story.notice.skips]) == (["sms"], ["line_push", "callback"])


def test_a_notice_whose_remaining_steps_cant_run_ends_by_what_was_tried() -> None:
    story = Story(*LINE_4H_THEN_SMS, sms=()).sends().answer("unreachable").due()
    assert (story.state, story.notice.reason) == ("not_delivered", "unreachable")


def test_remaining_steps_that_cant_run_leave_the_open_attempt_open() -> None:
    story = Story(*LINE_4H_THEN_SMS, sms=()).sends().answer("accepted").passes("5h")
    assert story.state == "waiting"
    story.proof()
    assert story.state == "delivered"


# --- ends -------------------------------------------------------------------------------------------------


def test_a_deadline_stops_further_steps_and_does_not_close_an_open_attempt() -> None:
    story = Story(*LINE_4H_THEN_SMS, deadline="2h").sends().answer("accepted").passes("23h")
    assert (story.state, story.sent) == ("waiting", ["line_notification"])
    story.passes("2h")
    assert (story.state, story.notice.reason) == ("not_delivered", "deadline")
    assert story.notice.ended_at == START + LINE_WINDOW


def test_proof_after_the_deadline_still_delivers_what_is_open() -> None:
    story = Story(*LINE_4H_THEN_SMS, deadline="2h").sends().answer("accepted").passes("20h").proof()
    assert (story.state, story.outcomes) == ("delivered", ["delivered"])


def test_a_deadline_with_nothing_open_ends_the_notice_when_it_passes() -> None:
    story = Story("line_notification 24h", "sms 72h", deadline="10s").sends().answer("throttled")
    story.passes("1s").answer("throttled").passes("2s").answer("throttled", retry_after=30_000).passes("1h")
    assert (story.state, story.notice.reason, story.notice.ended_at) == (
        "not_delivered",
        "deadline",
        START + 10_000,
    )


def test_a_deadline_while_a_request_is_out_is_heeded_when_the_answer_comes() -> None:
    story = _after(Story(*LINE_4H_THEN_SMS, deadline="5s").sends(), 6000).answer("unreachable")
    assert (story.state, story.sent, story.notice.reason) == (
        "not_delivered",
        ["line_notification"],
        "deadline",
    )


def test_cancel_before_anything_was_sent_ends_the_notice_at_once() -> None:
    story = Story(*LINE_4H_THEN_SMS).cancel()
    assert (story.state, story.notice.reason, story.notice.ended_at) == ("cancelled", "cancelled", START)


def test_cancel_stops_further_steps_and_does_not_close_an_open_attempt() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("1h").cancel()
    assert (story.state, story.notice.cancelled_at) == ("waiting", START + HOUR)
    story.passes("23h").passes("10m")
    assert (story.state, story.sent, story.outcomes) == ("cancelled", ["line_notification"], ["silent"])


def test_proof_after_cancel_still_delivers_what_is_open() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").cancel().passes("10h").proof()
    assert story.state == "delivered"


def test_cancel_while_a_request_is_out_takes_effect_with_its_answer() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().cancel()
    assert story.state == "sending"
    story.answer("throttled")
    assert (story.state, story.sent) == ("cancelled", ["line_notification"])


def test_a_second_cancel_does_not_move_the_time_of_the_first() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").cancel().passes("1h").cancel()
    assert story.notice.cancelled_at == START


def test_cancel_of_a_notice_that_has_ended_changes_nothing() -> None:
    story = Story(*LINE_ALONE).sends().answer("accepted").proof()
    before = story.notice
    assert story.passes("1h").cancel().notice == before


@pytest.mark.parametrize("then", ["nothing", "cancel", "deadline"])
def test_an_sms_without_receipts_hands_the_notice_over(then: str) -> None:
    story = Story(*SMS_ALONE, sms=NO_RECEIPTS, deadline="1s" if then == "deadline" else None).sends()
    if then == "cancel":
        story.cancel()
    _after(story, 2000).answer("accepted", status=200)
    assert (story.state, story.notice.reason, story.outcomes) == ("handed_over", None, ["accepted"])


def test_a_notice_is_handed_over_only_when_lines_message_can_no_longer_arrive() -> None:
    story = Story(*LINE_4H_THEN_SMS, sms=NO_RECEIPTS).sends().answer("accepted").passes("4h")
    story.answer("accepted").passes("20h")
    assert story.state == "waiting"
    story.passes("10m")
    assert (story.state, story.notice.ended_at) == ("handed_over", START + LINE_WINDOW)


def test_lines_proof_after_an_sms_without_receipts_delivers_and_is_a_late_duplicate() -> None:
    story = Story(*LINE_4H_THEN_SMS, sms=NO_RECEIPTS).sends().answer("accepted").passes("4h")
    story.answer("accepted").passes("1h").proof(1)
    assert (story.state, story.outcomes) == ("delivered", ["late", "accepted"])
    assert story.notice.attempts[0].late_duplicate


def test_no_step_follows_one_that_was_handed_over() -> None:
    story = Story(*SMS_THEN_LINE, sms=NO_RECEIPTS).sends().answer("accepted").passes("48h")
    assert (story.state, story.sent) == ("handed_over", ["sms"])


def test_an_sms_whose_receipt_says_failed_makes_room_for_the_next_step() -> None:
    story = Story(*SMS_THEN_LINE).sends().answer("accepted").passes("10m").no_proof(detail="absent")
    assert (story.state, story.due_in, story.outcomes) == ("queued", 0, ["failed"])
    assert story.notice.attempts[0].detail == "absent"
    assert story.sends().sent == ["sms", "line_notification"]


def test_a_failed_receipt_of_the_last_step_waits_for_lines_message() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").answer("accepted")
    story.passes("1h").no_proof(2)
    assert (story.state, story.notice.due_at) == ("waiting", START + LINE_WINDOW)
    story.passes("20h")
    assert (story.state, story.outcomes) == ("not_delivered", ["silent", "failed"])


def test_proof_for_a_notice_that_has_ended_is_added_and_the_end_stays() -> None:
    story = Story(*LINE_ALONE).sends().answer("accepted").passes("30h").proof()
    assert (story.state, story.notice.reason, story.notice.ended_at) == (
        "not_delivered",
        "silent",
        START + LINE_WINDOW,
    )
    assert (story.outcomes, story.notice.attempts[0].proof_at) == (["delivered"], START + 30 * HOUR)


@pytest.mark.parametrize("end", ["handed_over", "not_delivered", "cancelled"])
def test_proof_is_added_to_each_kind_of_end(end: str) -> None:
    story = IN_STATE[end]().proof()
    assert (story.state, story.outcomes) == (end, ["delivered"])


# --- late -------------------------------------------------------------------------------------------------


def late_by_line(sms: str | None, **more: Any) -> Story:
    """LINE's message arrives after the SMS left; `sms` is what its carrier answered, None: nothing yet."""
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h")
    if sms is not None:
        story.answer(sms, **more)
    return _after(story, 500).proof(1)


@pytest.mark.parametrize(
    ("sms", "doubled"),
    [("accepted", True), ("unknown", True), (None, True), ("failed", False), ("throttled", False)],
)
def test_proof_after_the_next_request_left_is_late_and_doubled_unless_that_one_surely_failed(
    sms: str | None, doubled: bool
) -> None:
    story = late_by_line(sms)
    assert (story.state, story.outcomes[0]) == ("delivered", "late")
    assert story.notice.attempts[0].late_duplicate is doubled


def test_proof_before_the_next_request_is_not_late() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("3h").proof()
    assert (story.outcomes, story.notice.attempts[0].late_duplicate) == (["delivered"], False)


def test_a_later_step_that_surely_fails_afterwards_takes_the_late_duplicate_back() -> None:
    refused = late_by_line(None).answer("failed", 2, status=400)
    assert (refused.outcomes, refused.notice.attempts[0].late_duplicate) == (["late", "failed"], False)
    not_delivered = late_by_line("accepted").no_proof(2)
    assert (not_delivered.outcomes, not_delivered.notice.attempts[0].late_duplicate) == (
        ["late", "failed"],
        False,
    )


def test_one_sure_failure_among_two_later_requests_leaves_the_duplicate() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h")
    story.answer("throttled").passes("1s").answer("accepted").proof(1)
    assert (story.outcomes, story.notice.attempts[0].late_duplicate) == (
        ["late", "throttled", "accepted"],
        True,
    )


def test_both_messages_proven_is_one_late_duplicate_whichever_came_first() -> None:
    line_first = late_by_line("accepted").proof(2)
    sms_first = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").answer("accepted")
    sms_first.passes("1s").proof(2).proof(1)
    for story in (line_first, sms_first):
        assert (story.state, story.outcomes) == ("delivered", ["late", "delivered"])
        assert [a.late_duplicate for a in story.notice.attempts] == [True, False]


def test_late_proof_after_the_sms_delivered_is_added_and_the_end_stays() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").answer("accepted")
    story.passes("1m").proof(2)
    ended = story.notice.ended_at
    story.passes("10h").proof(1)
    assert (story.state, story.notice.ended_at, story.outcomes) == ("delivered", ended, ["late", "delivered"])


def test_a_delivered_notice_goes_on_to_close_what_else_is_open() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("4h").answer("accepted").proof(2)
    assert story.notice.due_at == START + LINE_WINDOW
    story.passes("21h")
    assert (story.state, story.outcomes, story.due_in) == ("delivered", ["silent", "delivered"], None)


# --- events in any order, doubled -------------------------------------------------------------------------


def test_the_delivery_event_may_overtake_the_answer() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().proof()
    assert (story.state, story.outcomes) == ("delivered", ["delivered"])
    story.answer("accepted", status=200, request_id="r-1")
    first = story.notice.attempts[0]
    assert (story.state, story.outcomes, first.status, first.request_id) == (
        "delivered",
        ["delivered"],
        200,
        "r-1",
    )
    assert story.notice.due_at is None


def test_a_failed_receipt_may_overtake_the_answer_and_keeps_the_carriers_words() -> None:
    story = Story(*SMS_THEN_LINE).sends().no_proof(detail="absent").sends()
    story.answer("accepted", 1, status=202, request_id="m-1")
    first = story.notice.attempts[0]
    assert (story.state, story.outcomes) == ("sending", ["failed", None])
    assert (first.detail, first.request_id) == ("absent", "m-1")


def test_an_answer_told_twice_counts_once() -> None:
    once = Story(*LINE_4H_THEN_SMS).sends().answer("accepted", status=200)
    before = once.notice
    assert once.answer("accepted", status=200).notice == before
    assert once.answer("unreachable", status=422).notice == before


def test_a_proof_told_twice_counts_once() -> None:
    story = Story(*LINE_ALONE).sends().answer("accepted").proof()
    before = story.notice
    assert story.passes("1h").proof().notice == before


def test_no_proof_after_proof_changes_nothing() -> None:
    story = Story(*SMS_ALONE).sends().answer("accepted").proof()
    before = story.notice
    assert story.no_proof().notice == before


def test_nothing_changes_when_a_notice_is_looked_at_too_early_or_twice() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("accepted").passes("1h")
    before = story.notice
    assert story.due().due().notice == before


# --- lanes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (lambda: Story(*LINE_4H_THEN_SMS), Lane.LINE),
        (lambda: Story(*SMS_THEN_LINE), Lane.OTHER),
        (lambda: Story(*LINE_4H_THEN_SMS).sends().answer("accepted"), Lane.OTHER),
        (lambda: Story(*LINE_4H_THEN_SMS).sends().answer("unreachable"), Lane.OTHER),
        (lambda: Story(*LINE_4H_THEN_SMS).sends().answer("failed"), Lane.LINE),
        (lambda: Story(*SMS_THEN_LINE).sends().answer("accepted"), Lane.LINE),
        (lambda: Story(*LINE_ALONE).sends().answer("accepted"), Lane.LINE),
    ],
)
def test_a_notice_stands_in_the_lane_of_the_carriers_that_it_waits_for(
    story: Callable[[], Story], expected: Lane
) -> None:
    assert lane(story().notice) is expected


# --- what an attempt is -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "gives_proof", "window"),
    [(LINE_ALONE, True, LINE_WINDOW), (SMS_ALONE, True, SMS_WINDOW)],
)
def test_an_attempt_knows_how_long_proof_may_still_come(
    steps: tuple[str, ...], gives_proof: bool, window: int
) -> None:
    attempt = Story(*steps).sends().notice.attempts[0]
    assert (attempt.gives_proof, attempt.closes_at) == (gives_proof, START + window)
    assert attempt.open


def test_a_fresh_notice_with_the_default_values_is_queued_and_has_no_end() -> None:
    notice = Notice(id="N", policy=Story(*LINE_ALONE).notice.policy, created_at=START)
    assert (notice.state, notice.ended_at, notice.attempts, notice.skips) == (State.QUEUED, None, (), ())


@pytest.mark.parametrize("event", [Cancel(), Lapsed(), NoProof("A1", START), Proof("A1", START)])
def test_only_a_due_notice_begins_an_attempt(event: Cancel | Lapsed | NoProof | Proof) -> None:
    story = Story(*SMS_THEN_LINE).sends()
    assert story.happens(event) is None
    assert [a.step for a in story.notice.attempts] == [Step.SMS]


def test_the_attempt_that_begins_has_the_given_id() -> None:
    story = Story(*LINE_ALONE)
    attempt = story.happens(Due(story.facts, "01ABC"))
    assert attempt is not None
    assert (attempt.id, story.notice.attempts) == ("01ABC", (attempt,))


@pytest.mark.parametrize("duration", ["1h", "25h", "80h"])
def test_long_after_its_time_a_notice_still_finds_its_way(duration: str) -> None:
    """The gateway was down; whatever is overdue is done at once, in order."""
    story = _after(Story(*LINE_4H_THEN_SMS).sends().answer("accepted"), parse_duration(duration))
    story.due()
    expected = ["line_notification"] if duration == "1h" else ["line_notification", "sms"]
    assert story.sent == expected
