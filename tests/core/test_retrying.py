"""When a step is tried again, by which SMS carrier, and when no more."""

from itertools import pairwise

import msgspec
import pytest

from notice_support import (
    HOUR,
    LINE_4H_THEN_SMS,
    MINUTE,
    NO_RECEIPTS,
    SMS_ALONE,
    SMS_THEN_LINE,
    START,
    Story,
)
from todoke.core.durations import parse_rfc3339
from todoke.core.notice import (
    END_STATES,
)
from todoke.core.routing import Friendship, QuietHours, SmsRoute

# --- retries ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["throttled", "failed"])
def test_backoff_doubles_from_a_second_to_a_quarter_of_an_hour(outcome: str) -> None:
    story = Story("line_notification 24h", "sms 72h")
    waits = []
    for _ in range(13):
        story.sends().answer(outcome)
        assert story.due_in is not None
        waits.append(story.due_in // 1000)
        story.now += story.due_in
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert set(story.sent) == {"line_notification"}


@pytest.mark.parametrize("outcome", ["throttled", "failed"])
def test_retries_give_way_to_the_next_step_when_the_wait_is_over(outcome: str) -> None:
    story = Story("line_notification 5m", "sms 72h")
    while story.next().sent[-1] == "line_notification":
        if story.state == "sending":
            story.answer(outcome)
    assert [(a.at - START) // 1000 for a in story.notice.attempts] == [0, 1, 3, 7, 15, 31, 63, 127, 255, 300]
    assert story.sent == ["line_notification"] * 9 + ["sms"]


def test_the_last_steps_retries_end_with_its_wait() -> None:
    story = Story("sms 1h")
    while story.next().state not in END_STATES:
        story.answer("failed")
    assert (story.state, story.notice.reason, story.notice.ended_at) == (
        "not_delivered",
        "failed",
        START + HOUR,
    )


def test_looking_at_a_notice_early_does_not_shorten_its_backoff() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("throttled", retry_after=60_000)
    due = story.notice.due_at
    story.now += 59_999
    story.due()
    assert (story.sent, story.notice.due_at) == (["line_notification"], due)


def test_a_carriers_wish_to_wait_beyond_the_steps_wait_means_the_next_step() -> None:
    story = Story("line_notification 30m", "sms 72h").sends().answer("throttled", retry_after=2 * HOUR)
    story.passes("30m")
    assert story.sent == ["line_notification", "sms"]


def test_a_carriers_shorter_wish_does_not_shorten_the_backoff() -> None:
    story = Story(*LINE_4H_THEN_SMS)
    for _ in range(5):
        story.sends().answer("throttled", retry_after=1000)
        assert story.due_in is not None
        story.now += story.due_in
    assert story.now - START == (1 + 2 + 4 + 8 + 16) * 1000


def test_the_wait_counts_from_the_steps_first_request() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("failed").passes("1s").answer("accepted")
    assert (story.sent, story.notice.due_at) == (["line_notification"] * 2, START + 4 * HOUR)


def test_a_step_that_may_have_been_taken_is_not_sent_again_however_its_attempts_are_sorted() -> None:
    """Ids of two processes need not sort by time where a machine's clock was set back."""
    story = Story(*LINE_4H_THEN_SMS).sends().answer("throttled").passes("1s").answer("accepted")
    attempts = tuple(reversed(story.notice.attempts))
    story.notice = msgspec.structs.replace(story.notice, attempts=attempts)
    story.passes("3h").due()
    assert story.sent == ["line_notification"] * 2


# --- push and callback: repeated safely -----------------------------------------------------------------------

PUSH_THEN_LINE = ("line_push 10m", "line_notification 4h", "sms 72h")
FRIEND = {"has_push_form": True, "user_bound": True, "friendship": Friendship.FRIEND}


def test_a_push_that_line_took_hands_the_notice_over_and_nothing_follows() -> None:
    story = Story(*PUSH_THEN_LINE, **FRIEND).sends().answer("accepted", status=200)
    assert (story.state, story.sent, story.due_in) == ("handed_over", ["line_push"], None)


@pytest.mark.parametrize("outcome", ["invalid", "unreachable"])
def test_a_push_that_line_refuses_makes_room_for_the_notification_at_once(outcome: str) -> None:
    story = Story(*PUSH_THEN_LINE, **FRIEND).sends().answer(outcome, status=400).due()
    assert story.sent == ["line_push", "line_notification"]


def test_a_push_over_the_monthly_quota_makes_room_for_the_notification_at_once() -> None:
    story = Story(*PUSH_THEN_LINE, **FRIEND).sends().answer("throttled", status=429, quota_used_up=True).due()
    assert story.sent == ["line_push", "line_notification"]


@pytest.mark.parametrize("steps", [PUSH_THEN_LINE, ("callback 10m", "line_notification 4h")])
@pytest.mark.parametrize("on_unknown", ["wait", "next"])
def test_an_unknown_push_or_callback_is_repeated_until_its_wait_is_over(
    steps: tuple[str, ...], on_unknown: str
) -> None:
    story = Story(*steps, on_unknown=on_unknown, has_callback=True, **FRIEND).sends().answer("unknown")
    assert (story.state, story.due_in) == ("queued", 1000)
    story.next().answer("unknown")
    assert story.due_in == 2000
    while story.sent[-1] != "line_notification":
        story.next()
        if story.sent[-1] != "line_notification":
            story.answer("unknown")
    assert story.now == START + 10 * MINUTE
    assert set(story.sent[:-1]) == {steps[0].split()[0]}


def test_a_push_that_is_taken_at_the_second_try_hands_over() -> None:
    story = Story(*PUSH_THEN_LINE, **FRIEND).sends().answer("unknown").next().answer("accepted", status=409)
    assert (story.state, story.sent) == ("handed_over", ["line_push", "line_push"])


def test_a_push_that_was_out_when_its_process_died_is_repeated() -> None:
    story = Story(*PUSH_THEN_LINE, **FRIEND).sends().lapse().due()
    assert (story.sent, story.state) == (["line_push", "line_push"], "sending")


def test_a_push_of_unknown_outcome_is_not_repeated_once_its_retry_key_is_used_up() -> None:
    story = Story("line_push 72h", "sms 72h", **FRIEND).sends().answer("unknown")
    story.knows(channel_paused=True).passes("24h").knows(channel_paused=False).due()
    assert story.sent == ["line_push", "sms"]
    assert "retry key" in story.notice.skips[0][1]


# --- several SMS carriers -------------------------------------------------------------------------------------

TWO = {"sms": (SmsRoute("a"), SmsRoute("b", gives_proof=False))}


def carriers(story: Story) -> list[str | None]:
    return [a.carrier for a in story.notice.attempts]


@pytest.mark.parametrize("status", [None, 400])
def test_what_one_carrier_surely_did_not_take_goes_to_the_next_at_once(status: int | None) -> None:
    story = Story(*SMS_ALONE, **TWO).sends().answer("failed", status=status).due()
    assert carriers(story) == ["a", "b"]
    assert [a.gives_proof for a in story.notice.attempts] == [True, False]


def test_what_a_carrier_may_have_taken_goes_to_no_other() -> None:
    story = Story(*SMS_THEN_LINE, **TWO).sends().answer("unknown").passes("80h")
    assert carriers(story) == ["a", None]


def test_when_no_carrier_can_be_reached_they_are_tried_again_in_turn_with_backoff() -> None:
    story = Story(*SMS_ALONE, **TWO)
    begun = []
    for _ in range(6):
        story.sends().answer("failed")
        begun.append(story.now)
        story.now += story.due_in or 0
    assert carriers(story) == ["a", "b"] * 3
    assert [b - a for a, b in pairwise(begun)] == [0, 1000, 0, 2000, 0]


def test_a_carrier_that_said_no_is_not_asked_again_and_one_that_was_not_reached_is() -> None:
    story = Story(*SMS_ALONE, **TWO).sends().answer("failed", status=400).sends().answer("failed")
    assert story.state == "queued"
    story.next().answer("accepted", status=200)
    assert (carriers(story), story.state) == (["a", "b", "b"], "handed_over")


def test_when_every_carrier_has_said_no_the_step_has_failed() -> None:
    story = Story(*SMS_ALONE, **TWO).sends().answer("failed", status=400).sends().answer("failed", status=400)
    assert (story.state, story.notice.reason) == ("not_delivered", "failed")


def test_a_failed_receipt_is_not_taken_to_another_carrier() -> None:
    story = Story(*SMS_ALONE, **TWO).sends().answer("accepted", status=200).no_proof()
    assert (story.state, carriers(story)) == ("not_delivered", ["a"])


def test_an_unknown_sms_without_receipts_is_given_its_wait_before_the_next_step() -> None:
    story = Story(*SMS_THEN_LINE, sms=NO_RECEIPTS).sends().answer("unknown")
    assert (story.state, story.due_in) == ("queued", HOUR)
    assert story.next().sent == ["sms", "line_notification"]
    hasty = Story(*SMS_THEN_LINE, sms=NO_RECEIPTS, on_unknown="next").sends().answer("unknown").due()
    assert hasty.sent == ["sms", "line_notification"]


def test_a_retry_falls_behind_the_quiet_hours() -> None:
    quiet = (QuietHours("TW", 10 * 60, 11 * 60),)
    before_ten = parse_rfc3339("2026-08-07T09:59:59.500+08:00")
    story = Story(*LINE_4H_THEN_SMS, quiet=quiet, now=before_ten).sends().answer("failed").passes("2h")
    assert story.notice.attempts[1].at == parse_rfc3339("2026-08-07T11:00:00+08:00")


def test_two_quiet_times_on_end_are_one() -> None:
    quiet = (QuietHours("TW", 10 * 60, 11 * 60), QuietHours("TW", 11 * 60, 12 * 60))
    story = Story(*SMS_ALONE, quiet=quiet).passes("3h")
    assert [a.at for a in story.notice.attempts] == [START + 2 * HOUR]
