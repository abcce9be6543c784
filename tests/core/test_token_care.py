"""When tokens are issued, renewed, revoked and given up."""

from __future__ import annotations

from typing import Any

import pytest

from notice_support import START
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.core.token_care import (
    LAST_RETRY,
    REVOKE_AFTER,
    Act,
    Care,
    act_at,
    next_at,
    renewal_at,
    retry_at,
    stop_text,
)

LIVING = {
    "has_token": True,
    "token_at": START,
    "expires_at": START + DAY,
    "due_at": START + 16 * HOUR,
    "in_trouble": False,
    "has_before": False,
    "paused_at": None,
    "paused_for": None,
}


def care(**changes: Any) -> Care:
    return Care(**{**LIVING, **changes})


DENIED = {"paused_at": START + HOUR, "paused_for": "token"}


@pytest.mark.parametrize(
    ("changes", "after", "cured_at", "act"),
    [
        ({}, HOUR, None, None),
        ({}, 16 * HOUR, None, Act.ISSUE),
        ({"in_trouble": True, "due_at": START + 25 * HOUR}, 24 * HOUR - 1, None, None),
        ({"in_trouble": True, "due_at": START + 25 * HOUR}, 24 * HOUR, None, Act.STOP),
        ({"has_token": False, "expires_at": None, **DENIED}, HOUR, None, Act.ISSUE),
        (DENIED, HOUR, None, Act.ISSUE),
        (DENIED, HOUR, START + HOUR - MINUTE, Act.ISSUE),
        (DENIED, HOUR, START + HOUR - MINUTE + 1, Act.GIVE_UP),
        ({**DENIED, "in_trouble": True}, HOUR, None, None),
        ({**DENIED, "in_trouble": True, "due_at": START + HOUR}, HOUR, None, Act.ISSUE),
        ({**DENIED, "paused_for": "access"}, HOUR, None, None),
        ({**DENIED, "paused_for": "access"}, 16 * HOUR, None, Act.ISSUE),
        ({**DENIED, "paused_for": "person"}, HOUR, START + HOUR, None),
        ({**DENIED, "paused_for": "person", "due_at": None}, 2 * DAY, None, None),
        ({"has_before": True}, REVOKE_AFTER - 1, None, None),
        ({"has_before": True}, REVOKE_AFTER, None, Act.REVOKE),
        ({"has_before": True}, 16 * HOUR, None, Act.ISSUE),
    ],
)
def test_what_is_due_follows_from_what_is_known(
    changes: dict[str, Any], after: int, cured_at: int | None, act: Act | None
) -> None:
    assert act_at(care(**changes), START + after, cured_at) == act


def test_the_next_moment_is_the_first_of_renewal_end_and_revocation() -> None:
    assert next_at(care()) == START + 16 * HOUR
    assert next_at(care(in_trouble=True, due_at=START + 25 * HOUR)) == START + DAY
    assert next_at(care(has_before=True)) == START + REVOKE_AFTER
    assert next_at(care(due_at=None, expires_at=None)) is None
    assert next_at(care(due_at=None, **DENIED)) is None, (
        "a paused channel has nothing to lose at its token's end"
    )


@pytest.mark.parametrize("lasts", [15 * MINUTE, DAY, 30 * DAY])
def test_channels_renew_at_two_thirds_of_the_life_and_not_all_in_the_same_second(lasts: int) -> None:
    moments = {renewal_at(START, lasts, f"channel {i}") - START for i in range(200)}
    assert max(moments) <= lasts * 2 // 3
    assert min(moments) >= lasts * 2 // 3 - lasts // 20 - 1
    assert len(moments) > 150
    assert renewal_at(START, lasts, "one") == renewal_at(START, lasts, "one")


def test_failures_are_repeated_ever_more_rarely_and_a_no_every_ten_minutes() -> None:
    waits = [retry_at(START, n, final=False) - START for n in range(1, 10)]
    assert [w // SECOND for w in waits] == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert retry_at(START, 10_000, final=False) == START + LAST_RETRY
    assert retry_at(START, 1, final=True) == START + LAST_RETRY
    assert retry_at(START, 1, final=False, retry_after=30 * SECOND) == START + 30 * SECOND
    assert retry_at(START, 1, final=False, retry_after=10 * DAY) == START + HOUR, (
        "nobody holds us off for days"
    )


def test_a_paused_channel_says_whether_the_token_is_missing_over_or_denied() -> None:
    assert "no access token yet" in stop_text(care(has_token=False), START, "x")
    assert "run out" in stop_text(care(), START + DAY, "x")
    assert "denied" in stop_text(care(), START, "x")
