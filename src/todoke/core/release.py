"""How a batch's notices are let go: the plan, and how many may go now.

A notice that is not let go waits, *held*. What counts is what really begins: notices that were let go and have not
begun yet (the channel is paused, LINE is slow, it is night) keep others back, so that they never leave all at once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from todoke.core.durations import DAY, HOUR, MINUTE, SECOND, parse_rfc3339
from todoke.core.errors import InvalidPlan

MAX_RATE = 10_000_000
AT_MOST_AHEAD = 366 * DAY
LATE = HOUR
"""A start that has passed by more is a slip, such as last year's date: a list must not leave at once for that."""
BEATS = 60
"""A batch with a rate lets at least about so many portions an hour go,"""
AT_ONCE = 2000
"""of so many notices at most."""
CATCH_UP = 3
"""So many portions may go at once after a look that came late."""
_CLOSE = 10 * SECOND
_FAR = 30 * SECOND
_FRESH = 2 * MINUTE


class Hours(msgspec.Struct, frozen=True):
    """Between which minutes of the day notices may begin; `start` may be after `end`, over midnight."""

    start: int
    end: int

    def has(self, minute: int) -> bool:
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def __str__(self) -> str:
        return "-".join(f"{x // 60:02}:{x % 60:02}" for x in (self.start, self.end))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """When a batch goes out, and how fast. Empty: at once, as fast as the channel allows.

    `starts_at` in ms; `rate`: notices an hour; `percent_an_hour`: of the list; `hours`: of the day, `offset` ms from
    UTC.
    """

    starts_at: int | None = None
    rate: int | None = None
    percent_an_hour: float | None = None
    hours: Hours | None = None
    offset: int = 0

    @property
    def is_paced(self) -> bool:
        """Whether it says how fast."""
        return self.rate is not None or self.percent_an_hour is not None

    def an_hour(self, total: int) -> int | None:
        """The most that may begin within any hour, of a list of so many; None: no limit. At least one."""
        limits = [] if self.rate is None else [self.rate]
        if self.percent_an_hour is not None:
            # In hundredths of a percent, as whole numbers: 0.07 * 100 is a little more than 7.
            limits.append(max(total * round(self.percent_an_hour * 100) // 10_000, 1))
        return min(limits, default=None)

    def holds(self, now: int) -> bool:
        """Whether notices that come in now have to wait for their turn."""
        return self.is_paced or self.opens_at(now) > now

    def opens_at(self, now: int) -> int:
        """`now`, or when it starts or its hours of the day begin."""
        at = max(now, self.starts_at or 0)
        if self.hours is None:
            return at
        midnight = (at + self.offset) // DAY * DAY - self.offset
        if self.hours.has((at - midnight) // MINUTE):
            return at
        begins = midnight + self.hours.start * MINUTE
        return begins if begins > at else begins + DAY


class Sample(NamedTuple):
    """How many notices of a batch had begun by a time."""

    at: int
    begun: int


class Pace(msgspec.Struct, frozen=True):
    """What really left: samples of the last hour and one before, in order; when something was let go last."""

    samples: tuple[Sample, ...] = ()
    released_at: int | None = None

    def noted(self, begun: int, now: int) -> "Pace":
        """With a sample of now. Older ones are thinned out: one in 10 seconds, after two minutes one in 30."""
        last = self.samples[-1] if self.samples else None
        if last is not None and (now <= last.at or (begun == last.begun and now - last.at < _FAR)):
            return self
        kept: list[Sample] = []
        for sample in self.samples:
            apart = _CLOSE if now - sample.at <= _FRESH else _FAR
            if not kept or sample.at - kept[-1].at >= apart or sample.at > now - _CLOSE:
                kept.append(sample)
        while len(kept) > 1 and kept[1].at <= now - HOUR:
            kept.pop(0)
        return Pace((*kept, Sample(now, begun)), self.released_at)

    def is_due(self, begun: int, now: int) -> bool:
        """Whether a sample of now would tell something new."""
        if not self.samples:
            return True
        last = self.samples[-1]
        apart = _CLOSE if now - self.samples[0].at <= _FRESH else _FAR
        return begun != last.begun and now - last.at >= apart

    def begun_within(self, begun: int, since: int) -> int:
        """How many began after `since`: never too few, perhaps too many. `begun`: up to now."""
        before = [x for x in self.samples if x.at <= since]
        return begun - (before[-1].begun if before else 0)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a batch stands. `total`: accepted rows; `read`: there will be no more; `held`; `begun`; `out`: let go and
    not begun.
    """

    total: int
    read: bool
    held: int
    begun: int = 0
    out: int = 0
    pace: Pace = Pace()


class Turn(NamedTuple):
    """How many may be let go now, when to look again (None: when something changes), and why not more.

    `why`: scheduled, hours, reading, rate, waves, sending; empty: nothing is held back. `beat_at`: which of its beats
    this is, for the pace to keep as `released_at`.
    """

    many: int
    next_at: int | None
    why: str
    beat_at: int | None = None


def turn(plan: Plan, standing: Standing, now: int) -> Turn:
    """What may be let go now. Over any hour no more begin than `plan.an_hour`."""
    if standing.held <= 0:
        return Turn(0, None, "")
    if (opens := plan.opens_at(now)) > now:
        return Turn(0, opens, "scheduled" if plan.starts_at is not None and plan.starts_at > now else "hours")
    if plan.percent_an_hour is not None and not standing.read:
        # So much of a list can't be told before it is known how long it is.
        return Turn(0, None, "reading")
    most = plan.an_hour(standing.total)
    if most is None:
        return Turn(min(standing.held, AT_ONCE), None, "")
    why = "waves" if most != plan.rate else "rate"
    portion, beat = beat_of(most)
    beats, beat_at = 1, now
    if (last := standing.pace.released_at) is not None and last <= now:
        if now < last + beat:
            return Turn(0, last + beat, why)
        # A look that comes late makes up for it, up to a few beats.
        beats = min((now - last) // beat, CATCH_UP)
        beat_at = now - (now - last) % beat
    if standing.out >= portion * beats:
        return Turn(0, None, "sending")
    room = most - standing.pace.begun_within(standing.begun, now - HOUR) - standing.out
    if room <= 0:
        return Turn(0, _free_at(standing, most, now), why)
    count = min(standing.held, portion * beats - standing.out, room)
    return Turn(count, beat_at + beat, why, beat_at)


def beat_of(an_hour: int) -> tuple[int, int]:
    """So many at a time, and the time from one portion to the next."""
    portion = min(max(an_hour // BEATS, 1), AT_ONCE)
    return portion, -(-HOUR * portion // an_hour)


def _free_at(standing: Standing, most: int, now: int) -> int:
    """When so many have left the last hour that another one may go."""
    for sample in standing.pace.samples:
        if standing.begun - sample.begun + standing.out < most and sample.at + HOUR > now:
            return sample.at + HOUR
    return now + MINUTE


def parse_hours(text: object, pointer: str = "/hours") -> Hours:
    """`09:00-18:00`. Raises InvalidPlan."""
    if isinstance(text, str) and len(text) == 11 and text.isascii() and text[5] == "-":
        found = [_minute(x) for x in (text[:5], text[6:])]
        if None not in found and found[0] != found[1]:
            return Hours(*[x for x in found if x is not None])
    raise InvalidPlan(
        f"{str(text)[:40]!r} are no hours of the day. Write two different times, 00:00 to 23:59, such as "
        "09:00-18:00.",
        pointer,
    )


def _minute(text: str) -> int | None:
    hour, colon, minute = text.partition(":")
    if colon and len(hour) == len(minute) == 2 and hour.isdigit() and minute.isdigit():
        at = int(hour) * 60 + int(minute)
        return at if int(hour) < 24 and int(minute) < 60 else None
    return None


def parse_starts_at(
    text: object, now: int, pointer: str = "/starts_at", *, already: int | None = None
) -> int:
    """An RFC 3339 time, at most a year ahead. One that has passed within the last hour means at once, as does
    `already`, the start that a batch has. Raises InvalidPlan.
    """
    try:
        at = parse_rfc3339(text if isinstance(text, str) else str(text)[:40])
    except (ValueError, OverflowError) as error:
        raise InvalidPlan(f"{error}", pointer) from None
    if at > now + AT_MOST_AHEAD:
        raise InvalidPlan(f"{str(text)[:40]!r} is too far ahead: a batch starts within 366 days.", pointer)
    if at < now - LATE and at != already:
        raise InvalidPlan(f"{str(text)[:40]!r} has passed. To begin at once, leave starts_at out.", pointer)
    return max(at, 0)


def parse_rate(value: Any, pointer: str = "/rate") -> int:
    """Notices an hour. Raises InvalidPlan."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_RATE:
        return value
    raise InvalidPlan(
        f"rate is a whole number of notices an hour, 1 to {MAX_RATE:,}, not {str(value)[:40]!r}.", pointer
    )


def parse_percent(value: Any, pointer: str = "/percent_an_hour") -> float:
    """Percent of the list an hour, in hundredths at the finest. Raises InvalidPlan."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.01 <= value <= 100:
        return round(float(value), 2)
    raise InvalidPlan(
        f"percent_an_hour is a number from 0.01 to 100, not {str(value)[:40]!r}.",
        pointer,
    )


def samples_of(pairs: Sequence[Sequence[int]]) -> tuple[Sample, ...]:
    """Samples as they are stored."""
    return tuple(Sample(x[0], x[1]) for x in pairs)
