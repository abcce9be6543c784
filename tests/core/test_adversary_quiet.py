"""Quiet hours that never end: a notice under such a policy would be held for ever."""

from typing import Any

import pytest

from todoke.core.errors import InvalidPolicy
from todoke.core.policy_text import parse_policy


def spec(*quiet: tuple[str, str, str]) -> dict[str, Any]:
    hours = [{"country": country, "from": start, "to": end} for country, start, end in quiet]
    return {"steps": [{"step": "sms"}], "quiet_hours": hours}


@pytest.mark.parametrize(
    "quiet",
    [
        (("TW", "08:00", "20:00"), ("TW", "20:00", "08:00")),
        (("TW", "00:00", "23:59"), ("TW", "23:59", "00:00")),
        (("TW", "22:00", "12:00"), ("TW", "11:00", "23:00")),
        (
            ("TW", "21:00", "08:00"),
            ("JP", "00:00", "12:00"),
            ("JP", "12:00", "18:00"),
            ("JP", "17:30", "00:30"),
        ),
    ],
)
def test_quiet_hours_that_leave_no_minute_of_the_day_are_refused(
    quiet: tuple[tuple[str, str, str], ...],
) -> None:
    with pytest.raises(InvalidPolicy, match="leave no time of the day") as refused:
        parse_policy(spec(*quiet), "/policy")
    assert refused.value.pointer == "/policy/quiet_hours"


@pytest.mark.parametrize(
    "quiet",
    [
        (("TW", "08:00", "20:00"), ("TW", "20:01", "08:00")),
        (("TW", "08:00", "20:00"), ("JP", "20:00", "08:00")),
        (("TW", "22:00", "07:00"), ("TW", "06:00", "21:00")),
        (("TW", "21:00", "08:00"), ("TW", "21:00", "08:00")),
    ],
)
def test_quiet_hours_that_leave_a_minute_are_taken(quiet: tuple[tuple[str, str, str], ...]) -> None:
    assert len(parse_policy(spec(*quiet)).quiet_hours) == len(quiet)
