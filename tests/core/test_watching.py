"""When numbers say that something is wrong: by tables, and whatever the numbers are."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from todoke.core.durations import DAY, HOUR, parse_rfc3339
from todoke.core.watching import ENOUGH, RISE, Share, month_began, rising, surely_missing

RISES = [
    # now, earlier, whether it rises
    ((60, 60), (2, 500), True),
    ((30, 100), (100, 1000), True),
    ((20, 100), (100, 1000), False),
    ((1600, 10_000), (7000, 70_000), True),
    ((1400, 10_000), (7000, 70_000), False),
    ((10, 60), (5, 60), False),
    ((49, 49), (0, 10_000), False),
    ((60, 60), (0, 49), False),
    ((60, 60), (0, 0), False),
    ((0, 60), (60, 60), False),
    ((60, 60), (60, 60), False),
    ((0, 0), (0, 0), False),
    ((60, 60), (0, 60), True),
]


@pytest.mark.parametrize(("now", "earlier", "expected"), RISES)
def test_a_rate_rises_where_the_difference_is_large_and_no_chance(
    now: tuple[int, int], earlier: tuple[int, int], expected: bool
) -> None:
    assert rising(Share(*now), Share(*earlier)) is expected


def test_a_standing_alarm_is_kept_at_a_smaller_difference() -> None:
    recent, earlier = Share(1400, 10_000), Share(7000, 70_000)
    assert not rising(recent, earlier)
    assert rising(recent, earlier, standing=True)
    assert not rising(Share(1100, 10_000), earlier, standing=True)


@st.composite
def shares(draw: st.DrawFn, most: int = 5000) -> Share:
    of = draw(st.integers(0, most))
    return Share(draw(st.integers(0, of)), of)


@given(shares(ENOUGH - 1), shares(), st.booleans())
def test_few_messages_never_raise_an_alarm(few: Share, others: Share, standing: bool) -> None:
    assert not rising(few, others, standing)
    assert not rising(others, few, standing)


@given(shares(), shares())
def test_a_rate_that_rises_is_higher_by_enough(recent: Share, earlier: Share) -> None:
    if rising(recent, earlier):
        assert recent.rate - earlier.rate >= RISE
        assert not rising(earlier, recent)


@given(shares(), shares(), st.integers(0, 5000))
def test_more_hits_never_take_an_alarm_away(recent: Share, earlier: Share, more: int) -> None:
    worse = Share(min(recent.hits + more, recent.of), recent.of)
    if rising(recent, earlier):
        assert rising(worse, earlier)


@given(shares(), shares(), st.integers(2, 20))
def test_the_same_shares_of_more_messages_are_at_least_as_sure(
    recent: Share, earlier: Share, times: int
) -> None:
    if rising(recent, earlier):
        assert rising(
            Share(recent.hits * times, recent.of * times), Share(earlier.hits * times, earlier.of * times)
        )


@given(shares(), shares())
def test_what_raises_an_alarm_also_keeps_it(recent: Share, earlier: Share) -> None:
    if rising(recent, earlier):
        assert rising(recent, earlier, standing=True)


MISSING = [
    # accepted since, seen earlier of earlier, whether that is no chance
    (5, (90, 100), True),
    (4, (100, 100), False),
    (5, (100, 100), True),
    (13, (50, 100), False),
    (14, (50, 100), True),
    (1000, (0, 100), False),
    (1000, (40, 49), False),
    (10, (10, 100), False),
    (100, (10, 100), True),
]


@pytest.mark.parametrize(("accepted", "seen", "expected"), MISSING)
def test_events_are_missing_where_so_many_would_have_come(
    accepted: int, seen: tuple[int, int], expected: bool
) -> None:
    assert surely_missing(accepted, Share(*seen)) is expected


@given(st.integers(0, 10_000), shares(), st.integers(0, 1000))
def test_more_messages_without_an_event_are_never_less_suspicious(
    accepted: int, seen: Share, more: int
) -> None:
    assume(surely_missing(accepted, seen))
    assert surely_missing(accepted + more, seen)


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-08-07T02:00:00Z", "2026-07-31T15:00:00Z"),
        ("2026-07-31T15:00:00Z", "2026-07-31T15:00:00Z"),
        ("2026-07-31T14:59:59Z", "2026-06-30T15:00:00Z"),
        ("2026-12-31T16:00:00Z", "2026-12-31T15:00:00Z"),
        ("2026-12-31T14:00:00Z", "2026-11-30T15:00:00Z"),
    ],
)
def test_lines_months_begin_at_midnight_in_japan(now: str, began: str) -> None:
    assert month_began(parse_rfc3339(now)) == parse_rfc3339(began)


@given(st.integers(0, 4_000_000_000_000))
def test_a_month_began_at_most_31_days_ago_and_on_the_hour(now: int) -> None:
    assert 0 <= now - month_began(now) < 31 * DAY
    assert month_began(now) % HOUR == 0
