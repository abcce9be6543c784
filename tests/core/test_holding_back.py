"""What keeps a notice from beginning now: quiet hours, and how often a recipient may be written to."""

import pytest

from notice_support import (
    HOUR,
    LINE_4H_THEN_SMS,
    SMS_ALONE,
    START,
    Story,
)
from todoke.core.durations import parse_rfc3339
from todoke.core.routing import QuietHours

# --- quiet hours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "offset"), [("TW", "+08:00"), ("TH", "+07:00"), ("JP", "+09:00")], ids=["TW", "TH", "JP"]
)
@pytest.mark.parametrize(
    ("start", "end", "asked", "leaves"),
    [
        ("21:00", "08:00", "2026-08-07T20:59:59", "2026-08-07T20:59:59"),
        ("21:00", "08:00", "2026-08-07T21:00:00", "2026-08-08T08:00:00"),
        ("21:00", "08:00", "2026-08-07T23:59:59", "2026-08-08T08:00:00"),
        ("21:00", "08:00", "2026-08-08T00:00:00", "2026-08-08T08:00:00"),
        ("21:00", "08:00", "2026-08-08T07:59:59", "2026-08-08T08:00:00"),
        ("21:00", "08:00", "2026-08-08T08:00:00", "2026-08-08T08:00:00"),
        ("12:30", "13:15", "2026-08-07T12:29:59", "2026-08-07T12:29:59"),
        ("12:30", "13:15", "2026-08-07T12:30:00", "2026-08-07T13:15:00"),
        ("12:30", "13:15", "2026-08-07T13:15:00", "2026-08-07T13:15:00"),
        ("21:00", "00:00", "2026-08-31T22:00:00", "2026-09-01T00:00:00"),
        ("00:00", "06:00", "2026-12-31T00:00:00", "2026-12-31T06:00:00"),
    ],
)
def test_no_step_begins_in_the_quiet_hours_of_the_recipients_country(
    country: str, offset: str, start: str, end: str, asked: str, leaves: str
) -> None:
    quiet = QuietHours(country, *(int(t[:2]) * 60 + int(t[3:]) for t in (start, end)))
    story = Story(*SMS_ALONE, quiet=(quiet,), country=country, now=parse_rfc3339(asked + offset))
    story.passes("1d")
    assert [a.at for a in story.notice.attempts] == [parse_rfc3339(leaves + offset)]


def test_quiet_hours_of_another_country_hold_nothing() -> None:
    quiet = (QuietHours("JP", 0, 23 * 60 + 59),)
    assert Story(*SMS_ALONE, quiet=quiet, country="TW").sends().sent == ["sms"]


def test_the_next_step_is_held_in_the_quiet_hours_and_the_open_attempt_is_not() -> None:
    """Asked at 10:00 in Taiwan, the wait is over at 14:00, quiet till 16:00."""
    quiet = (QuietHours("TW", 14 * 60, 16 * 60),)
    story = Story(*LINE_4H_THEN_SMS, quiet=quiet).sends().answer("accepted").passes("5h")
    assert (story.state, story.sent) == ("waiting", ["line_notification"])
    by_proof = Story(*LINE_4H_THEN_SMS, quiet=quiet).sends().answer("accepted").passes("5h").proof()
    assert by_proof.state == "delivered"
    story.passes("1h")
    assert (story.sent, story.notice.attempts[1].at) == (["line_notification", "sms"], START + 6 * HOUR)


def test_a_deadline_within_the_quiet_hours_ends_a_notice_whose_policy_holds_it_even_so() -> None:
    quiet = (QuietHours("TW", 9 * 60, 12 * 60),)
    story = Story(*SMS_ALONE, quiet=quiet, deadline="1h", past_deadline="hold").passes("3h")
    assert (story.state, story.sent, story.notice.ended_at) == ("not_delivered", [], START + HOUR)


def test_quiet_hours_do_not_hold_a_notice_whose_deadline_would_pass_in_them() -> None:
    quiet = (QuietHours("TW", 9 * 60, 12 * 60),)
    story = Story(*SMS_ALONE, quiet=quiet, deadline="1h").due()
    assert (story.sent, story.notice.attempts[0].at) == (["sms"], START)
    assert Story(*SMS_ALONE, quiet=quiet, deadline="3h").due().sent == []


def test_quiet_hours_do_not_hold_an_exempt_use_case() -> None:
    quiet = (QuietHours("TW", 9 * 60, 12 * 60),)
    assert Story(*SMS_ALONE, quiet=quiet, exempt=("bill",), use_case="bill").due().sent == ["sms"]
    assert Story(*SMS_ALONE, quiet=quiet, exempt=("bill",), use_case="delivery").due().sent == []


# --- frequency ----------------------------------------------------------------------------------------------


def test_a_notice_over_its_frequency_rule_is_refused_when_it_would_begin() -> None:
    story = Story(*LINE_4H_THEN_SMS, too_often="the recipient has had 2").due()
    assert (story.state, story.notice.reason, story.sent) == ("refused", "frequency", [])
    assert story.notice.skips == (("line_notification", "the recipient has had 2"),)
    assert story.notice.due_at is None


def test_frequency_is_looked_at_when_the_quiet_hours_are_over_and_not_before() -> None:
    quiet = (QuietHours("TW", 9 * 60, 12 * 60),)
    story = Story(*SMS_ALONE, quiet=quiet, too_often="too many").due()
    assert story.state == "queued"
    assert story.knows(too_often=None).next().sent == ["sms"]


def test_a_frequency_rule_does_not_stop_a_notice_that_has_begun() -> None:
    story = Story(*LINE_4H_THEN_SMS).sends().answer("unreachable").knows(too_often="too many").due()
    assert story.sent == ["line_notification", "sms"]
