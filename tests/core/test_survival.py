"""Kaplan-Meier against figures in books, by hand, and against what must hold of any data."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from todoke.core.survival import Observation, kaplan_meier

SIX_MP = "6+ 6 6 6 7 9+ 10+ 10 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
"""Weeks in remission of 21 children with 6-mercaptopurine, + where the study ended first (Freireich et al., Blood 21,
1963; printed in Cox and Oakes 1984, Kalbfleisch and Prentice 1980 and others)."""
PUBLISHED = {
    6: (0.857, 0.0764),
    7: (0.807, 0.0869),
    10: (0.753, 0.0963),
    13: (0.690, 0.1068),
    16: (0.627, 0.1141),
    22: (0.538, 0.1282),
    23: (0.448, 0.1346),
}
"""Estimate and Greenwood's standard error as R's `survival` prints them for these data."""

some = st.lists(st.builds(Observation, st.integers(0, 30), st.booleans()), max_size=60)
all_ended = st.lists(st.integers(0, 30), min_size=1, max_size=60)


def test_the_curve_of_the_6_mp_trial_is_that_of_the_books() -> None:
    curve = kaplan_meier(Observation(int(x.rstrip("+")), not x.endswith("+")) for x in SIX_MP.split())
    assert curve.times == tuple(PUBLISHED)
    for week, (share, error) in PUBLISHED.items():
        assert round(curve.open_after(week), 3) == share
        assert round(curve.error(week), 4) == error
    assert curve.open_after(5) == 1.0
    assert curve.open_after(35) == curve.open_after(23)
    assert curve.at_risk(22) == 6


def test_five_observations_come_out_as_by_hand() -> None:
    # Five open; one ends at 2 (4/5 stay), one is cut off at 3, one of three ends at 4 (2/3 stay), one of two at 6.
    curve = kaplan_meier(
        [
            Observation(2, True),
            Observation(3, False),
            Observation(4, True),
            Observation(6, True),
            Observation(9, False),
        ]
    )
    shares = [round(curve.open_after(t), 6) for t in (1, 2, 3, 4, 6, 9)]
    assert shares == [1.0, 0.8, 0.8, 0.533333, 0.266667, 0.266667]
    greenwood = 1 / (5 * 4) + 1 / (3 * 2)
    assert abs(curve.error(4) - 0.5333333 * greenwood**0.5) < 1e-6
    assert curve.between(2, 4).stays == curve.open_after(4) / curve.open_after(2)
    assert round(curve.between(2, 4).weight, 6) == 3.0
    assert curve.between(6, 9) == (1.0, 1.0)
    # An observation cut off at the moment of an event is still at risk of it.
    tie = kaplan_meier([Observation(4, True), Observation(4, False)])
    assert tie.open_after(4) == 0.5


@given(some)
def test_the_curve_never_rises_and_stays_a_share(observations: list[Observation]) -> None:
    curve = kaplan_meier(observations)
    shares = [curve.open_after(t) for t in range(-1, 32)]
    assert shares[0] == 1.0
    assert all(0 <= b <= a <= 1 for a, b in pairwise(shares))
    assert all(0 <= curve.error(t) <= 1 for t in range(32))


@given(some, st.integers(0, 30), st.integers(0, 30))
def test_stretches_multiply_to_the_whole(observations: list[Observation], first: int, length: int) -> None:
    curve = kaplan_meier(observations)
    end = first + length
    part = curve.between(first, end)
    assert abs(curve.open_after(first) * part.stays - curve.open_after(end)) < 1e-9
    assert 0 <= part.weight <= curve.at_risk(first - 1) + 1e-6


@given(all_ended)
def test_without_cut_offs_it_is_the_share_of_those_that_took_longer(times: list[int]) -> None:
    curve = kaplan_meier(Observation(t, True) for t in times)
    for t in range(32):
        longer = sum(x > t for x in times) / len(times)
        assert abs(curve.open_after(t) - longer) < 1e-9
        # Greenwood's error is then the binomial one.
        assert abs(curve.error(t) - (longer * (1 - longer) / len(times)) ** 0.5) < 1e-9
