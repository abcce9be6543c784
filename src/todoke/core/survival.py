"""How long something takes, from observations of which some were cut off: Kaplan-Meier with Greenwood's error.

Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958); Greenwood, "The errors of
sampling of the expectation of life" (1926). An observation that is cut off at a time had not ended by then, and is
counted as still open at that very time: events go before cut-offs.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

import msgspec


class Observation(NamedTuple):
    """Something that ended after `time`, or, where `ended` is false, was last seen open then."""

    time: int
    ended: bool


class Part(NamedTuple):
    """What a curve says of a stretch of time: the share of those open at its start who are open at its end, and how
    many observations without any cut-off would say it as surely.
    """

    stays: float
    weight: float


class Curve(msgspec.Struct, frozen=True):
    """The share that is open after each time at which something ended."""

    times: tuple[int, ...]
    shares: tuple[float, ...]
    sums: tuple[float, ...]
    """Greenwood's sum of d / (n (n - d)) up to each time. Infinite where all that were open ended."""
    observed: tuple[int, ...]
    """All times of observations, in order."""

    def open_after(self, time: int) -> float:
        """The share that has not ended by `time`, which itself counts as past."""
        place = bisect_right(self.times, time)
        return self.shares[place - 1] if place else 1.0

    def error(self, time: int) -> float:
        """The standard error of that share. 0 where nothing ended yet or all did: then the data can't tell it."""
        place = bisect_right(self.times, time)
        if not place or not self.shares[place - 1]:
            return 0.0
        return self.shares[place - 1] * sqrt(self.sums[place - 1])

    def at_risk(self, time: int) -> int:
        """How many were seen open just after `time`."""
        return len(self.observed) - bisect_right(self.observed, time)

    def between(self, start: int, end: int) -> Part:
        """The stretch after `start` up to and with `end`. Its weight is 0 where nobody was seen in it."""
        before, after = self.open_after(start), self.open_after(end)
        if not before:
            return Part(1.0, 0.0)
        if before == after:
            # Whoever was cut off in it says little of it: only those count that were seen to its end.
            place = bisect_right(self.observed, end - 1)
            return Part(1.0, float(len(self.observed) - place))
        if not after:
            return Part(0.0, float(self.at_risk(start)))
        stays = after / before
        first, last = bisect_right(self.times, start), bisect_right(self.times, end)
        grown = self.sums[last - 1] - (self.sums[first - 1] if first else 0.0)
        return Part(stays, (1 - stays) / (stays * grown))


def kaplan_meier(observations: Iterable[Observation]) -> Curve:
    """The curve of these observations; without any it says that nothing ever ends."""
    ended: Counter[int] = Counter()
    cut: Counter[int] = Counter()
    for time, has_ended in observations:
        (ended if has_ended else cut)[time] += 1
    at_risk = ended.total() + cut.total()
    share, grown = 1.0, 0.0
    times, shares, sums = [], [], []
    for time in sorted(ended.keys() | cut.keys()):
        if hits := ended[time]:
            share *= (at_risk - hits) / at_risk
            grown += hits / (at_risk * (at_risk - hits)) if hits < at_risk else float("inf")
            times.append(time)
            shares.append(share)
            sums.append(grown)
        at_risk -= hits + cut[time]
    observed = sorted((ended + cut).elements())
    return Curve(tuple(times), tuple(shares), tuple(sums), tuple(observed))
