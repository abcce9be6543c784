"""What is usual, what rises clearly above it, and how many friends there were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.block_rate import FriendDay, at_least, friends_before, rises, usual_rate


def test_friends_are_counted_back_from_how_many_they_are_now() -> None:
    assert friends_before(100, followed=[10, 0, 5], unfollowed=[1, 4, 2]) == [92, 101, 97]
    assert friends_before(0, followed=[5], unfollowed=[0]) == [0]


def test_a_day_on_which_many_left_does_not_make_itself_usual() -> None:
    quiet = [FriendDay(10_000, 6) for _ in range(27)]
    usual = usual_rate([*quiet, FriendDay(10_000, 900)])
    assert usual == pytest.approx(0.0006)


def test_too_few_days_or_friends_have_no_usual_rate() -> None:
    assert usual_rate([FriendDay(10_000, 6)] * 6) is None
    assert usual_rate([FriendDay(19, 1)] * 28) is None


@pytest.mark.parametrize(
    ("unfollowed", "rose"),
    [(6, False), (9, False), (14, False), (30, True), (64, True)],
)
def test_a_rise_is_neither_chance_nor_little(unfollowed: int, rose: bool) -> None:
    assert rises(FriendDay(10_000, unfollowed), 0.0006) is rose


def test_two_of_a_small_account_are_no_rise_however_rare() -> None:
    usual = usual_rate([FriendDay(500, 0)] * 28)
    assert usual is not None
    assert not rises(FriendDay(500, 2), usual)
    assert rises(FriendDay(500, 4), usual)


@given(st.integers(0, 300), st.floats(0, 200))
def test_the_chance_of_at_least_so_many_is_a_chance_and_falls(count: int, expected: float) -> None:
    assert 0 <= at_least(count + 1, expected) <= at_least(count, expected) + 1e-9 <= 1 + 1e-6
