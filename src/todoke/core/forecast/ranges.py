"""A whole list: what is expected, and between which bounds it will come out with a chance of LEVEL.

Four things make the outcome uncertain, and their variances add up: how well the rates are known (each moves by its own
standard deviation, and the forecast is made anew), how lists differ beyond chance, chance itself among the notices of
this list, and, where only some of its rows were looked at, who the others are. Chance is counted with the normal
distribution, rounded outwards to whole notices.
"""

from collections.abc import Sequence
from math import ceil, floor, log, sqrt

import msgspec

from todoke.core.durations import SECOND
from todoke.core.forecast.beliefs import SOON, Belief, Delays
from todoke.core.forecast.figures import OUTPUTS, Figures, Kind, Range, Sending
from todoke.core.forecast.play import Course, Stage, play
from todoke.core.routing import Step

LEVEL = 0.80
Z = 1.2816
"""The normal distribution has LEVEL within so many standard deviations."""
_PLACES = 6
"""A list that takes long to send is played at so many places in it,"""
_FEW_PLACES = 2
"""and at so many to see what a rate moves."""
_SHORT = 30 * SECOND


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What a list will come to. Counts of notices by OUTPUTS, amounts, and times in milliseconds from its start."""

    counts: dict[str, Range]
    amounts: dict[str, Range]
    times: dict[float, Range]
    """By share of those who are reached: when so many of them are."""
    last_begin: int
    last_close: int


def outlook(
    kinds: Sequence[Kind], sending: Sending, *, looked_at: int | None, shares: Sequence[float] = (0.5, 0.9)
) -> Outlook:
    """What the list comes to. `looked_at`: from so many rows its kinds are known; None: from all."""
    kinds = [x for x in kinds if x.count > 0]
    figures = Figures(sorted({name for x in kinds for name in x.prices}))
    courses = [_course(x, sending) for x in kinds]
    values = [figures.of(c, k) for c, k in zip(courses, kinds, strict=True)]
    total = sum(k.count for k in kinds)
    sums = [
        sum(k.count * v[i] for k, v in zip(kinds, values, strict=True)) for i in range(len(figures.names))
    ]
    reached = sum(k.count * c.reached for k, c in zip(kinds, courses, strict=True))
    times = [_when(kinds, courses, share * reached) for share in shares]
    variances = [0.0] * (len(sums) + len(times))
    for kind, course, value in zip(kinds, courses, values, strict=True):
        base = _course(kind, sending, _FEW_PLACES)
        before = figures.of(base, kind) + _at(base, times, shares)
        for changed, size in _changes(kind):
            other = _course(changed, sending, _FEW_PLACES)
            after = figures.of(other, kind) + _at(other, times, shares)
            moved = [b - a for a, b in zip(before, after, strict=True)]
            variances = [v + size * (kind.count * d) ** 2 for v, d in zip(variances, moved, strict=True)]
        chance = figures.chance(course, kind, value) + [course.reached * p * (1 - p) for p in shares]
        variances = [v + kind.count * c for v, c in zip(variances, chance, strict=True)]
        if looked_at:
            off = [
                kind.count * (x - s / total) ** 2 * total / looked_at
                for x, s in zip(value, sums, strict=True)
            ]
            variances = [v + o for v, o in zip(variances, off + [0.0] * len(times), strict=True)]
    outputs = len(OUTPUTS)
    return Outlook(
        counts={n: _whole(s, v, total) for n, s, v in zip(OUTPUTS, sums, variances, strict=False)},
        amounts={
            n: Range(s, max(s - Z * sqrt(v), 0.0), s + Z * sqrt(v))
            for n, s, v in zip(figures.names[outputs:], sums[outputs:], variances[outputs:], strict=False)
        },
        times={
            share: _between(kinds, courses, share * reached, Z * sqrt(v), reached)
            for share, v in zip(shares, variances[len(sums) :], strict=True)
        },
        last_begin=max((c.last_begin for c in courses), default=0),
        last_close=max((c.last_close for c in courses), default=0),
    )


def _whole(expected: float, variance: float, most: float) -> Range:
    off = Z * sqrt(variance)
    # What is all but sure shall not be rounded away from it.
    low, high = floor(expected - off + 1e-6), ceil(expected + off - 1e-6)
    return Range(expected, float(min(max(low, 0), most)), float(max(min(high, most), 0)))


def _course(kind: Kind, sending: Sending, many: int = _PLACES) -> Course:
    """The course of a notice somewhere in the list."""
    if sending.takes <= _SHORT:
        places = [sending.takes // 2]
    else:
        places = [sending.takes * (2 * i + 1) // (2 * many) for i in range(many)]
    if sending.opens is not None:
        places = [sending.opens(place) for place in places]
    moves = sending.deadline is None or sending.deadline_moves
    if kind.hold is None and moves:
        # Then the place in the list only shifts the times.
        first = play(kind.stages, places[0], _deadline(sending, places[0]), _at_once)
        shifts = [place - places[0] for place in places]
        each = 1 / len(places)
        end = sending.takes if sending.opens is None else sending.opens(sending.takes)
        last = end - places[0]
        pieces = [(a + s, b + s, m * each) for s in shifts for a, b, m in first.pieces]
        return msgspec.structs.replace(
            first,
            pieces=pieces,
            last_begin=first.last_begin + last,
            last_close=first.last_close + last,
        )
    hold = kind.hold or _at_once
    return _mean([play(kind.stages, place, _deadline(sending, place), hold) for place in places])


def _deadline(sending: Sending, place: int) -> int | None:
    moved = sending.deadline is not None and sending.deadline_moves
    return sending.deadline + place if moved and sending.deadline is not None else sending.deadline


def _at_once(time: int) -> int:
    return time


def _mean(courses: Sequence[Course]) -> Course:
    each = 1 / len(courses)

    def over(name: str) -> dict[Step, float]:
        return {s: sum(getattr(c, name)[s] for c in courses) * each for s in getattr(courses[0], name)}

    return Course(
        sent=over("sent"),
        shown=over("shown"),
        doubled=over("doubled"),
        over_line=sum(c.over_line for c in courses) * each,
        late=sum(c.late for c in courses) * each,
        pieces=[(a, b, m * each) for c in courses for a, b, m in c.pieces],
        last_begin=max(c.last_begin for c in courses),
        last_close=max(c.last_close for c in courses),
    )


def _changes(kind: Kind) -> list[tuple[Kind, float]]:
    """The same with one rate moved by its standard deviation at a time, and by how many such squares it counts."""
    found = []
    for i, stage in enumerate(kind.stages):
        over_line = stage.step is Step.LINE_NOTIFICATION
        if (moved := _moved(stage.taken, kind.spread_taken if over_line else 0.0)) is not None:
            mean, size = moved
            belief = Belief(mean, stage.taken.weight)
            found.append((_with(kind, i, msgspec.structs.replace(stage, taken=belief)), size))
        if stage.delays is None or not over_line:
            continue
        for j, share in enumerate(stage.delays.shares):
            if (moved := _moved(share, 0.0)) is not None:
                mean, size = moved
                delays = stage.delays.changed(j, mean)
                found.append((_with(kind, i, msgspec.structs.replace(stage, delays=delays)), size))
        if (power := _power(stage.delays, kind.spread_shown)) > 0:
            step = min(power, 0.5)
            delays = stage.delays.to_the(1 + step)
            found.append((_with(kind, i, msgspec.structs.replace(stage, delays=delays)), (power / step) ** 2))
    return found


def _power(delays: Delays, spread: float) -> float:
    """How lists differ in all their delays at once: the open share to a power, whose standard deviation is such that
    the share that is shown within SOON varies by `spread`.
    """
    still_open = delays.open_after(SOON)
    if not spread or not 0.001 < still_open < 0.999:
        return 0.0
    return sqrt(spread * still_open * (1 - still_open)) / (still_open * -log(still_open))


def _moved(belief: Belief, spread: float) -> tuple[float, float] | None:
    """The rate moved towards the middle, where there is room; and by which factor the square of what it does counts."""
    p = belief.mean
    deviation = sqrt(belief.variance + spread * p * (1 - p))
    if deviation < 1e-9:
        return None
    step = min(deviation, 0.25)
    return (p - step if p > 0.5 else p + step), (deviation / step) ** 2


def _with(kind: Kind, i: int, stage: Stage) -> Kind:
    return msgspec.structs.replace(kind, stages=(*kind.stages[:i], stage, *kind.stages[i + 1 :]))


def _at(course: Course, times: Sequence[float], shares: Sequence[float]) -> list[float]:
    """By how much more than each share of the reached are reached at its time."""
    reached = course.reached
    return [course.reached_by(t) - share * reached for t, share in zip(times, shares, strict=True)]


def _when(kinds: Sequence[Kind], courses: Sequence[Course], count: float) -> float:
    """When so many are reached."""
    starts = [a for c in courses for a, _, _ in c.pieces]
    if not starts:
        return 0.0
    low, high = float(min(starts)), float(max(b for c in courses for _, b, _ in c.pieces))
    for _ in range(40):
        middle = (low + high) / 2
        if sum(k.count * c.reached_by(middle) for k, c in zip(kinds, courses, strict=True)) < count:
            low = middle
        else:
            high = middle
        if high - low < SECOND / 20:
            break
    return high


def _between(
    kinds: Sequence[Kind], courses: Sequence[Course], count: float, off: float, reached: float
) -> Range:
    """The time and its bounds: where the expected course is by that much lower or higher."""
    low, high = max(count - off, 0.001 * reached), min(count + off, 0.999 * reached)
    return Range(*(_when(kinds, courses, x) for x in (count, low, high)))
