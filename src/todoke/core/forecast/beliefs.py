"""Shares as they are believed: a supposition, shrunk towards what was seen, as a beta distribution each.

Of a supposition `p` that weighs `w` notices and of `k` hits among `n` seen notices comes (w p + k) / (w + n), which
weighs w + n. Delays are cut into stretches of time; for each the share of those still open at its start who are shown
in it is such a belief, with the number of observations that Kaplan-Meier's curve there is worth (`Part.weight`).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log

import msgspec

from todoke.core.durations import HOUR, MINUTE, SECOND
from todoke.core.forecast.priors import (
    NEAR_WEIGHT,
    SMS_SHOWN,
    SPREAD,
    SPREAD_WEIGHT,
    SUPPOSED,
    WEIGHT,
    Last,
)
from todoke.core.routing import LINE_WINDOW, SMS_WINDOW
from todoke.core.survival import Observation, kaplan_meier

WAITS = (
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    12 * HOUR,
    24 * HOUR,
)
"""The waits that are compared."""
_CUTS = (SECOND // 2, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, *WAITS)
SOON = HOUR
"""How lists differ in their delays is seen from the share that is shown within this."""
_FEW = 5
"""A day or list with fewer notices says nothing of how they differ."""


class Belief(msgspec.Struct, frozen=True):
    """A share, and how many notices would tell it as surely."""

    mean: float
    weight: float

    @property
    def variance(self) -> float:
        return self.mean * (1 - self.mean) / (self.weight + 1)

    def seen(self, share: float, of: float) -> "Belief":
        """The same after `of` more notices of which this share had it."""
        if not of:
            return self
        weight = self.weight + of
        return Belief((self.mean * self.weight + share * of) / weight, weight)

    def at_most(self, weight: float) -> "Belief":
        return Belief(self.mean, min(self.weight, weight))


class Delays(msgspec.Struct, frozen=True):
    """How long proof takes: in each stretch, which ends at its `cuts`, the share of the open ones whose proof comes.
    What is open after the last cut never comes.
    """

    cuts: tuple[int, ...]
    shares: tuple[Belief, ...]

    def changed(self, at: int, mean: float) -> "Delays":
        """The same with another share in one stretch."""
        shares = list(self.shares)
        shares[at] = Belief(mean, shares[at].weight)
        return Delays(self.cuts, tuple(shares))

    def to_the(self, power: float) -> "Delays":
        """The same with every open share to this power: above 1 all comes sooner, below it later."""
        shares = tuple(Belief(1 - (1 - x.mean) ** power, x.weight) for x in self.shares)
        return Delays(self.cuts, shares)

    def logs(self) -> tuple[float, ...]:
        """The logarithm of the open share at each cut."""
        found, so_far = [], 0.0
        for x in self.shares:
            so_far += log(max(1 - x.mean, 1e-12))
            found.append(so_far)
        return tuple(found)

    def open_after(self, time: float) -> float:
        """The share that is still open."""
        kept = 1.0
        for i, (cut, x) in enumerate(zip(self.cuts, self.shares, strict=True)):
            if time >= cut:
                kept *= 1 - x.mean
                continue
            start = self.cuts[i - 1] if i else 0
            if time > start:
                kept *= (1 - x.mean) ** ((time - start) / (cut - start))
            break
        return kept


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One LINE notification of the history whose answer is known."""

    last: Last
    """Of its number, before it."""
    own: bool
    """Of the same channel, use case and country as what is forecast."""
    group: str
    """The list that it was in, or the day: within one such, notices are alike."""
    matched: bool
    took: int | None = None
    """Milliseconds from the request to its proof."""
    seen_for: int = 0
    """Without proof: how long it could have come, by now."""

    def observation(self) -> Observation:
        if self.took is not None and self.took <= LINE_WINDOW:
            return Observation(max(self.took, 1), True)
        return Observation(min(self.seen_for, LINE_WINDOW), False)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed of the numbers of one kind."""

    match: Belief
    delays: Delays
    spread_match: float = SPREAD
    """How much lists differ beyond chance, as an intraclass correlation."""
    spread_shown: float = SPREAD


def cuts_for(waits: Iterable[int], window: int) -> tuple[int, ...]:
    """Where stretches end, so that each of these waits ends one."""
    return tuple(sorted({x for x in (*_CUTS, *waits, window) if 0 < x <= window}))


def supposed(shown: Mapping[int, float], cuts: Sequence[int], weight: float) -> Delays:
    """Delays from shares by time; between two times the share rises evenly with the time's logarithm."""
    points = sorted(shown.items())
    shares, before = [], 0.0
    for cut in cuts:
        at = bisect_left(points, (cut, 0.0))
        if at == len(points):
            by_now = points[-1][1]
        else:
            (t0, p0), (t1, p1) = points[at - 1] if at else (SECOND // 4, 0.0), points[at]
            by_now = p0 + (p1 - p0) * max(log(cut / t0) / log(t1 / t0), 0.0)
        shares.append(Belief((by_now - before) / (1 - before), weight))
        before = by_now
    return Delays(tuple(cuts), tuple(shares))


def rates(last: Last, tries: Sequence[Try], cuts: Sequence[int]) -> Rates:
    """What is believed of numbers with this last result: the supposition, then the account's other notices, then its
    own ones, each taking weight from what stood before.
    """
    of_kind = [x for x in tries if x.last is last]
    prior = SUPPOSED[last]
    match, delays = Belief(prior.matched, WEIGHT), supposed(prior.shown, cuts, WEIGHT)
    spreads = spreads_of([x for x in of_kind if x.own] or of_kind)
    for own in (False, True):
        part = [x for x in of_kind if x.own is own]
        match, delays = _learned(match, delays, part, spreads)
        if not own:
            match = match.at_most(NEAR_WEIGHT)
            delays = Delays(delays.cuts, tuple(x.at_most(NEAR_WEIGHT) for x in delays.shares))
    return Rates(match=match, delays=delays, spread_match=spreads[0], spread_shown=spreads[1])


def _learned(
    match: Belief, delays: Delays, tries: Sequence[Try], spreads: tuple[float, float]
) -> tuple[Belief, Delays]:
    taken = [x for x in tries if x.matched]
    if tries:
        alike = _alike(tries, spreads[0])
        match = match.seen(len(taken) / len(tries), len(tries) / alike)
    return match, _with_observed(delays, [x.observation() for x in taken], _alike(taken, spreads[1]))


def _with_observed(delays: Delays, observed: Sequence[Observation], alike: float = 1.0) -> Delays:
    if not observed:
        return delays
    curve = kaplan_meier(observed)
    shares, start = [], 0
    for cut, belief in zip(delays.cuts, delays.shares, strict=True):
        part = curve.between(start, cut)
        shares.append(belief.seen(1 - part.stays, part.weight / alike))
        start = cut
    return Delays(delays.cuts, tuple(shares))


def sms_delays(observed: Sequence[Observation]) -> Delays:
    """How long receipts of SMS take."""
    return _with_observed(supposed(SMS_SHOWN, cuts_for((), SMS_WINDOW), WEIGHT), observed)


def _alike(tries: Sequence[Try], spread: float) -> float:
    """By how much notices of the same day or list say less than independent ones: Kish's design effect."""
    if not tries:
        return 1.0
    sizes: dict[str, int] = defaultdict(int)
    for x in tries:
        sizes[x.group] += 1
    return 1 + (sum(n * n for n in sizes.values()) / len(tries) - 1) * spread


def spreads_of(tries: Sequence[Try]) -> tuple[float, float]:
    """How much days and lists differ beyond chance: in what LINE takes, and in what is shown within SOON."""
    matched: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    shown: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for x in tries:
        matched[x.group][0] += x.matched
        matched[x.group][1] += 1
        if x.matched and (x.took is not None or x.seen_for >= SOON):
            shown[x.group][0] += x.took is not None and x.took <= SOON
            shown[x.group][1] += 1
    return spread(matched.values()), spread(shown.values())


def spread(groups: Iterable[Sequence[int]]) -> float:
    """The intraclass correlation of hits in groups, given as (hits, of): the analysis of variance's estimate, mixed
    with the supposed one.
    """
    used = [(k, n) for k, n in groups if n >= _FEW]
    if len(used) < 2:
        return SPREAD
    total = sum(n for _, n in used)
    mean = sum(k for k, _ in used) / total
    between = sum(n * (k / n - mean) ** 2 for k, n in used) / (len(used) - 1)
    within = sum(k * (n - k) / n for k, n in used) / (total - len(used))
    usual = (total - sum(n * n for _, n in used) / total) / (len(used) - 1)
    whole = between + (usual - 1) * within
    found = min(max((between - within) / whole, 0.0), 0.5) if whole > 0 else 0.0
    return (found * len(used) + SPREAD * SPREAD_WEIGHT) / (len(used) + SPREAD_WEIGHT)
