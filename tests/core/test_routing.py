"""Policies as people write them, what may run, and the defaults by urgency."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import line_catalogue
from todoke.core.durations import parse_duration, parse_rfc3339
from todoke.core.errors import InvalidPolicy
from todoke.core.policy_text import parse_policy, written
from todoke.core.routing import (
    Facts,
    Frequency,
    Friendship,
    Policy,
    PolicyStep,
    QuietHours,
    SmsRoute,
    Step,
    complete,
    default_policy,
    held_until,
    never_in_time,
    quiet_until,
    refuse_for_use_case,
    why_not,
    window,
)

HOUR = 3_600_000
LINE, SMS = {"step": "line_notification"}, {"step": "sms"}
ALL_GOOD = Facts(
    country="TW",
    use_case="delivery",
    has_push_form=True,
    user_bound=True,
    friendship=Friendship.FRIEND,
    sms=(SmsRoute("carrier"),),
    has_callback=True,
)


def test_a_policy_is_read_as_it_is_documented() -> None:
    spec = {
        "name": "parcels",
        "steps": [{"step": "line_push"}, {"step": "line_notification", "wait": "30m"}, {"step": "sms"}],
        "deadline": "24h",
        "on_unknown": "next",
        "quiet_hours": [{"country": "TH", "from": "21:00", "to": "08:00"}],
    }
    assert parse_policy(spec) == Policy(
        steps=(
            PolicyStep(Step.LINE_PUSH),
            PolicyStep(Step.LINE_NOTIFICATION, 30 * 60_000),
            PolicyStep(Step.SMS),
        ),
        deadline=24 * HOUR,
        on_unknown="next",
        quiet_hours=(QuietHours("TH", 21 * 60, 8 * 60),),
    )


def test_all_but_the_steps_may_be_left_out() -> None:
    assert parse_policy({"steps": [LINE]}) == Policy((PolicyStep(Step.LINE_NOTIFICATION),))


@pytest.mark.parametrize(
    ("spec", "pointer", "words"),
    [
        ({}, "/steps", "at least one step"),
        ({"steps": []}, "/steps", "at least one step"),
        ({"steps": "sms"}, "/steps", "at least one step"),
        ({"steps": ["sms"]}, "/steps/0", 'object with "step"'),
        ({"steps": [{"step": "sms", "after": "1h"}]}, "/steps/0", 'object with "step"'),
        ({"steps": [{"wait": "1h"}]}, "/steps/0/step", "no step 'None'"),
        ({"steps": [LINE, {"step": "fax"}]}, "/steps/1/step", "no step 'fax'.*line_push"),
        ({"steps": [{"step": ["sms"]}]}, "/steps/0/step", "no step"),
        ({"steps": [{"step": {"a": 1}}]}, "/steps/0/step", "no step"),
        ({"steps": [SMS, SMS]}, "/steps/1/step", "stands twice"),
        ({"steps": [{"step": "sms", "wait": "soon"}]}, "/steps/0/wait", "'soon' is no duration"),
        ({"steps": [{"step": "sms", "wait": 30}]}, "/steps/0/wait", "'30' is no duration"),
        ({"steps": [{"step": "sms", "wait": "31d"}]}, "/steps/0/wait", "at most 30 days"),
        ({"steps": [SMS], "deadline": "0h"}, "/deadline", "is no duration"),
        ({"steps": [SMS], "deadline": "721h"}, "/deadline", "at most 30 days"),
        ({"steps": [SMS], "on_unknown": "again"}, "/on_unknown", "'again'; it can be"),
        ({"steps": [SMS], "on_unknown": ["next"]}, "/on_unknown", "it can be"),
        ({"steps": [SMS], "retries": 3}, "/retries", "no field 'retries'"),
        (
            {"steps": [{"step": "line_notification", "wait": "2h"}, SMS], "deadline": "2h"},
            "/steps/0/wait",
            "where this one fails before",
        ),
        ({"steps": [SMS], "quiet_hours": {"country": "TW"}}, "/quiet_hours", "is a list"),
        ({"steps": [SMS], "quiet_hours": ["TW"]}, "/quiet_hours/0", '"country", "from" and "to"'),
        (
            {"steps": [SMS], "quiet_hours": [{"country": "KR", "from": "21:00", "to": "08:00"}]},
            "/quiet_hours/0/country",
            "TW, TH or JP",
        ),
        (
            {"steps": [SMS], "quiet_hours": [{"country": ["TW"], "from": "21:00", "to": "08:00"}]},
            "/quiet_hours/0/country",
            "TW, TH or JP",
        ),
        (
            {"steps": [SMS], "quiet_hours": [{"country": "TW", "from": "08:00", "to": "08:00"}]},
            "/quiet_hours/0",
            "all day or not at all",
        ),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_the_place(
    spec: dict[str, Any], pointer: str, words: str
) -> None:
    with pytest.raises(InvalidPolicy, match=words) as error:
        parse_policy(spec, "/policy")
    assert error.value.pointer == "/policy" + pointer


@pytest.mark.parametrize(
    "time",
    ["", "21", "24:00", "21:60", "21:0", "9:000", "-1:00", "a:00", "２１:00", "021:00", "9" * 5000 + ":00"],
)
def test_a_time_of_day_is_hours_and_two_digits_of_minutes(time: str) -> None:
    spec = {"steps": [SMS], "quiet_hours": [{"country": "TW", "from": time, "to": "08:00"}]}
    with pytest.raises(InvalidPolicy, match="21:00") as error:
        parse_policy(spec)
    assert error.value.pointer == "/quiet_hours/0/from"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    ["name", "steps", "deadline", "on_unknown", "quiet_hours", "step", "wait", "country"]
)


@given(
    st.dictionaries(
        fields,
        json_values
        | st.lists(
            st.dictionaries(
                st.sampled_from(["step", "wait", "country", "from", "to"]),
                json_values | st.sampled_from(["sms", "30m", "TW", "21:00"]),
                max_size=3,
            ),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_whatever_json_is_given_is_a_policy_or_refused(spec: dict[str, Any]) -> None:
    pointer = "/"
    try:
        assert parse_policy(spec).steps
    except InvalidPolicy as error:
        pointer = error.pointer
    assert pointer.startswith("/")


# --- may it run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "facts", "words"),
    [
        (Step.LINE_NOTIFICATION, {}, None),
        (Step.LINE_NOTIFICATION, {"has_line_form": False}, "line_template"),
        (Step.LINE_NOTIFICATION, {"has_sms_form": False, "sms": ()}, None),
        (Step.LINE_NOTIFICATION, {"channel_paused": True}, None),
        (Step.SMS, {}, None),
        (Step.SMS, {"has_sms_form": False}, "no sms text"),
        (Step.SMS, {"sms": ()}, "no SMS carrier"),
        (Step.SMS, {"has_line_form": False}, None),
        (Step.SMS, {"number_allowed": False}, "test mode"),
        (Step.LINE_NOTIFICATION, {"number_allowed": False}, "test mode"),
        (Step.LINE_NOTIFICATION, {"friendship": Friendship.UNKNOWN}, None),
        (Step.LINE_NOTIFICATION, {"friendship": Friendship.BLOCKED}, "blocked the account"),
        (Step.LINE_PUSH, {}, None),
        (Step.LINE_PUSH, {"has_push_form": False}, "neither a push nor a flexible"),
        (Step.LINE_PUSH, {"user_bound": False}, "no LINE user ID"),
        (Step.LINE_PUSH, {"friendship": Friendship.BLOCKED}, "blocked the account"),
        (Step.LINE_PUSH, {"friendship": Friendship.UNKNOWN}, "not known as a friend"),
        (Step.SMS, {"friendship": Friendship.BLOCKED}, None),
        (Step.CALLBACK, {}, None),
        (Step.CALLBACK, {"has_callback": False}, "no endpoint"),
    ],
)
def test_a_step_runs_or_says_why_not(step: Step, facts: dict[str, Any], words: str | None) -> None:
    why = why_not(step, msgspec.structs.replace(ALL_GOOD, **facts))
    assert why is None if words is None else why is not None and words in why


def test_waits_that_only_together_outlast_the_deadline_are_warned_of() -> None:
    steps = (
        PolicyStep(Step.LINE_PUSH, parse_duration("10m")),
        PolicyStep(Step.LINE_NOTIFICATION, parse_duration("13h")),
        PolicyStep(Step.SMS, parse_duration("11h")),
        PolicyStep(Step.CALLBACK),
    )
    (warning,) = never_in_time(Policy(steps), parse_duration("24h"))
    assert "line_notification and sms may take 1d" in warning
    assert "callback would begin only where line_notification or sms fails before" in warning
    assert never_in_time(Policy(steps), parse_duration("1d") + 1) == []
    (warning,) = never_in_time(Policy(steps), parse_duration("10m"))
    assert warning.startswith("line_push may take 10m")


def test_proof_may_come_for_24_hours_and_10_minutes_from_line_and_72_hours_from_an_sms_carrier() -> None:
    assert window(Step.LINE_NOTIFICATION) == parse_duration("1450m")
    assert window(Step.SMS) == parse_duration("72h")


# --- defaults ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urgency", "steps", "line_wait"),
    [
        ("over 1d", ["line_push", "line_notification", "sms"], "24h"),
        ("1d", ["line_push", "line_notification", "sms"], "4h"),
        ("1h", ["sms", "callback", "line_notification"], None),
        ("5m", ["sms", "callback", "line_notification"], None),
    ],
)
def test_the_default_policy_follows_from_how_soon_the_notice_is_wanted(
    urgency: line_catalogue.Urgency, steps: list[str], line_wait: str | None
) -> None:
    choice = default_policy(urgency, "the use case x")
    assert [s.step for s in choice.policy.steps] == steps
    if line_wait is not None:
        waits = {s.step: s.wait for s in choice.policy.steps}
        assert waits[Step.LINE_NOTIFICATION] == parse_duration(line_wait)
    assert "the use case x" in choice.why
    assert "SMS" in choice.why


@pytest.mark.parametrize(("urgency", "wait"), [("over 1d", "72h"), ("1d", "72h"), ("1h", "1h"), ("5m", "5m")])
def test_an_sms_that_nothing_proves_leaves_the_next_step_in_time_where_the_notice_is_pressing(
    urgency: line_catalogue.Urgency, wait: str
) -> None:
    waits = {s.step: s.wait for s in default_policy(urgency, "the use case x").policy.steps}
    assert waits[Step.SMS] == parse_duration(wait)
    alone = complete(Policy((PolicyStep(Step.SMS),)), urgency)
    assert alone.steps[0].wait == parse_duration("72h")


@pytest.mark.parametrize("urgency", ["over 1d", "1d", "1h", "5m"])
def test_completing_a_policy_leaves_no_wait_open_and_changes_none_that_was_given(
    urgency: line_catalogue.Urgency,
) -> None:
    given_one = Policy(
        (PolicyStep(Step.LINE_NOTIFICATION, 60_000), PolicyStep(Step.CALLBACK), PolicyStep(Step.SMS))
    )
    done = complete(given_one, urgency)
    assert done.steps[0].wait == 60_000
    assert all(s.wait is not None and s.wait > 0 for s in done.steps)
    assert complete(done, urgency) == done


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        (["line_notification"], False),
        (["sms"], False),
        (["line_push", "sms"], False),
        (["line_notification", "sms"], True),
        (["sms", "line_notification"], True),
        (["line_push", "line_notification"], True),
    ],
)
def test_where_a_duplicate_is_unlawful_line_notification_stands_alone(
    steps: list[str], refused: bool
) -> None:
    policy = Policy(tuple(PolicyStep(Step(s)) for s in steps))
    unlawful = sorted(line_catalogue.duplicate_unlawful())[0]
    if refused:
        with pytest.raises(InvalidPolicy, match=f"{unlawful} allows no duplicate") as error:
            refuse_for_use_case(policy, unlawful)
        assert error.value.pointer == "/policy/steps"
    else:
        refuse_for_use_case(policy, unlawful)
    refuse_for_use_case(policy, "delivery")


# --- quiet hours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "local", "quiet_till"),
    [
        ("TW", "2026-08-07T20:59:00+08:00", None),
        ("TW", "2026-08-07T21:00:00+08:00", "2026-08-08T08:00:00+08:00"),
        ("TW", "2026-08-08T07:59:59+08:00", "2026-08-08T08:00:00+08:00"),
        ("TW", "2026-08-08T08:00:00+08:00", None),
        ("TH", "2026-08-07T21:00:00+07:00", "2026-08-08T08:00:00+07:00"),
        ("TH", "2026-08-07T20:00:00+07:00", None),
        ("JP", "2026-12-31T23:59:00+09:00", "2027-01-01T08:00:00+09:00"),
        ("JP", "2026-08-08T08:00:00+09:00", None),
    ],
)
def test_quiet_hours_over_midnight_are_local_time(country: str, local: str, quiet_till: str | None) -> None:
    policy = Policy((PolicyStep(Step.SMS),), quiet_hours=(QuietHours(country, 21 * 60, 8 * 60),))
    expected = None if quiet_till is None else parse_rfc3339(quiet_till)
    assert quiet_until(policy, country, parse_rfc3339(local)) == expected


minutes = st.integers(0, 24 * 60 - 1)


@given(
    country=st.sampled_from(["TW", "TH", "JP"]),
    hours=st.tuples(minutes, minutes).filter(lambda h: h[0] != h[1]),
    now=st.integers(1_700_000_000_000, 1_900_000_000_000),
)
def test_quiet_hours_last_till_their_end_and_no_longer(
    country: str, hours: tuple[int, int], now: int
) -> None:
    policy = Policy((PolicyStep(Step.SMS),), quiet_hours=(QuietHours(country, *hours),))
    until = quiet_until(policy, country, now)
    length = (hours[1] - hours[0]) % (24 * 60) * 60_000
    if until is None:
        return
    assert now < until <= now + length
    assert quiet_until(policy, country, until) is None
    assert quiet_until(policy, country, until - 1) == until
    assert quiet_until(policy, country, until - length) == until
    assert quiet_until(policy, country, until - length - 1) is None


# --- quiet hours and their exceptions ---------------------------------------------------------------------


NIGHT = Policy((PolicyStep(Step.SMS),), quiet_hours=(QuietHours("TW", 21 * 60, 8 * 60),))
TEN_AT_NIGHT, EIGHT = parse_rfc3339("2026-08-07T22:00:00+08:00"), parse_rfc3339("2026-08-08T08:00:00+08:00")


@pytest.mark.parametrize(
    ("changes", "deadline", "until"),
    [
        ({}, None, EIGHT),
        ({}, "11h", EIGHT),
        ({}, "10h", None),
        ({"quiet_past_deadline": "hold"}, "9h", EIGHT),
        ({"quiet_exempt": ("delivery",)}, None, None),
        ({"quiet_exempt": ("bill",)}, None, EIGHT),
        ({"quiet_hours": (*NIGHT.quiet_hours, QuietHours("TW", 8 * 60, 9 * 60))}, None, EIGHT + HOUR),
        ({"quiet_hours": (*NIGHT.quiet_hours, QuietHours("TW", 8 * 60, 9 * 60))}, "10h", None),
        ({"quiet_hours": (QuietHours("TH", 21 * 60, 8 * 60),)}, None, None),
    ],
)
def test_quiet_hours_hold_unless_the_use_case_is_exempt_or_the_deadline_would_pass(
    changes: dict[str, Any], deadline: str | None, until: int | None
) -> None:
    policy = msgspec.structs.replace(NIGHT, **changes)
    deadline_at = None if deadline is None else TEN_AT_NIGHT + parse_duration(deadline)
    assert held_until(policy, ALL_GOOD, deadline_at, TEN_AT_NIGHT) == until


def test_quiet_hours_that_fill_the_day_hold_for_a_day_at_most() -> None:
    both = (QuietHours("TW", 0, 12 * 60), QuietHours("TW", 12 * 60, 0))
    policy = msgspec.structs.replace(NIGHT, quiet_hours=both)
    until = held_until(policy, ALL_GOOD, None, TEN_AT_NIGHT)
    assert until is not None
    assert TEN_AT_NIGHT < until < TEN_AT_NIGHT + 24 * HOUR


def test_a_policy_is_written_as_it_was_read() -> None:
    spec = {
        "steps": [{"step": "line_push", "wait": "10m"}, {"step": "sms", "wait": "3d"}],
        "deadline": "20h",
        "on_unknown": "next",
        "quiet_hours": [{"country": "TW", "from": "21:00", "to": "08:05"}],
        "quiet_exempt": ["delivery"],
        "quiet_past_deadline": "hold",
        "frequency": [{"at_most": 2, "per": "7d", "use_case": "bill"}, {"at_most": 9, "per": "30d"}],
    }
    policy = parse_policy(spec)
    assert written(policy) == spec
    assert policy.frequency_for("bill") == list(policy.frequency)
    assert policy.frequency_for("delivery") == [Frequency(9, 30 * 24 * HOUR)]


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"frequency": {"at_most": 1}}, "/frequency", "a list"),
        ({"frequency": [{"at_most": 1}]}, "/frequency/0", "at_most"),
        ({"frequency": [{"at_most": 0, "per": "1d"}]}, "/frequency/0/at_most", "from 1 to 1000"),
        ({"frequency": [{"at_most": True, "per": "1d"}]}, "/frequency/0/at_most", "whole number"),
        ({"frequency": [{"at_most": 1, "per": None}]}, "/frequency/0/per", "duration"),
        ({"frequency": [{"at_most": 1, "per": "31d"}]}, "/frequency/0/per", "30 days"),
        (
            {"frequency": [{"at_most": 1, "per": "1d", "use_case": "a b"}]},
            "/frequency/0/use_case",
            "no use case",
        ),
        ({"quiet_exempt": "delivery"}, "/quiet_exempt", "a list"),
        ({"quiet_exempt": [7]}, "/quiet_exempt/0", "no use case"),
        ({"quiet_past_deadline": "drop"}, "/quiet_past_deadline", "send"),
        ({"quiet_hours": [{}] * 21}, "/quiet_hours", "at most 20"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_place(
    changes: dict[str, Any], pointer: str, words: str
) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy({"steps": [SMS], **changes})
    assert caught.value.pointer == pointer
    assert words in caught.value.message
