"""How far a batch is, what holds it up, and how long it may still take: as a range, or why nobody can say.

The time is told until the last first request has left, by what really left lately and by what the plan, the hours of
the day and quiet hours allow. What a recipient's phone does after that nobody can promise: only the latest end is told.
"""

from typing import NamedTuple

import msgspec

from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.core.release import Plan, Sample, Standing, beat_of, turn
from todoke.core.routing import UTC_OFFSET, Policy, quiet_until, window

LATELY = 15 * MINUTE
"""Older samples say nothing of how fast it goes now."""
TOO_SHORT = 5 * SECOND
_A_DAY = DAY // MINUTE


class Hold(NamedTuple):
    """What holds first requests up: a short word, a sentence, and until when, where that is known."""

    cause: str
    words: str
    until: int | None = None


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Times in ms from now until the last first request has left; `most` None: nobody can say. `why` tells then, or
    what the range rests on.
    """

    least: int | None
    most: int | None
    why: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a batch and its channel now.

    `fraction`: how much of the file is read; `quiet`: the policy, if its quiet hours hold this use case; `a_second`:
    requests that the channel may make.
    """

    plan: Plan
    standing: Standing
    region: str
    paused_at: int | None = None
    channel_paused_why: str | None = None
    cancelling: bool = False
    fraction: float = 1.0
    quiet: Policy | None = None
    a_second: float = 2000.0

    @property
    def to_begin(self) -> int:
        return self.standing.held + self.standing.out


def hold_of(seen: Seen, now: int) -> Hold | None:
    """What holds a batch up now, the strongest first; None: nothing, or nothing is left to be sent."""
    if seen.cancelling:
        return Hold("cancelling", "the batch is being cancelled: no further step begins")
    if not seen.to_begin and seen.standing.read:
        return None
    if seen.paused_at is not None:
        return Hold("paused", "the batch is paused; resume it to go on")
    if seen.channel_paused_why is not None:
        return Hold("channel_paused", f"the channel is paused: {seen.channel_paused_why}")
    plan = seen.plan
    found = turn(plan, seen.standing, now)
    if found.why == "scheduled":
        return Hold("scheduled", "its start has not come yet", found.next_at)
    if found.why == "hours":
        return Hold("hours", f"it goes out at {plan.hours} only, local time", found.next_at)
    if seen.quiet is not None and (until := quiet_until(seen.quiet, seen.region, now)) is not None:
        return Hold("quiet_hours", "the policy's quiet hours: no step begins in them", until)
    if found.why == "reading":
        return Hold("reading", "the file is being read: a share of the list is known when its length is")
    if found.why in ("waves", "rate"):
        most = plan.an_hour(seen.standing.total)
        return Hold(found.why, f"the plan lets {most:,} an hour go", found.next_at)
    return None


def left(seen: Seen, now: int) -> Left:
    """How long until the last first request has left."""
    standing = seen.standing
    if seen.cancelling:
        return Left(least=None, most=None, why="the batch is being cancelled")
    waiting = seen.to_begin
    if not standing.read:
        if seen.fraction < 0.02:
            return Left(
                least=None, most=None, why="the file is being read, and how long it is is not known yet"
            )
        waiting = max(round(standing.total / seen.fraction) - (standing.total - waiting), waiting)
    if not waiting:
        return Left(least=0, most=0, why="every first request has left")
    if seen.paused_at is not None or seen.channel_paused_why is not None:
        hold = hold_of(seen, now)
        return Left(least=None, most=None, why="" if hold is None else hold.words)
    slow, fast = _speeds(seen, now)
    begins = seen.plan.opens_at(now)
    least = _when_over(seen, begins, waiting / fast) - now
    if slow is None:
        return Left(least=least, most=None, why=_why_unsure(seen, now))
    most = _when_over(seen, begins, waiting / slow) - now
    why = "by the plan" if _goes_by_plan(seen, now) else "by what left lately"
    return Left(least=least, most=max(most, least), why=why)


def _why_unsure(seen: Seen, now: int) -> str:
    if (hold := hold_of(seen, now)) is not None and hold.cause in ("scheduled", "hours", "quiet_hours"):
        return "nothing leaves just now: the least time is by the channel's own rate"
    return (
        "nothing has left lately, and nothing of ours holds it up: see the channel's alarms and todoke doctor"
    )


def _speeds(seen: Seen, now: int) -> tuple[float | None, float]:
    """Notices a ms, at the slowest and at the fastest; the slowest is None where nothing tells."""
    standing, plan = seen.standing, seen.plan
    channel = max(seen.a_second, 0.001) / SECOND
    planned = plan.an_hour(standing.total)
    samples = [*standing.pace.samples, Sample(now, standing.begun)]
    rates = _rates([x for x in samples if x.at >= now - LATELY])
    if planned is not None:
        fastest = min(planned / HOUR, channel)
        if _goes_by_plan(seen, now):
            # The plan itself is the best guess; a tenth more for what comes between.
            return fastest / 1.1, fastest
        return (min(max(rates), fastest) / 1.1 if rates else None), fastest
    if not rates or _is_closed(seen, now):
        return None, channel
    return min(rates) / 1.1, min(max(rates) * 1.1, channel)


def _goes_by_plan(seen: Seen, now: int) -> bool:
    """Whether the plan says how fast it goes: nothing else holds it up, so what is let go leaves before the next
    portion's turn. What left lately would tell of a pause, or of the plan before this one.
    """
    planned = seen.plan.an_hour(seen.standing.total)
    if planned is None or planned / HOUR >= seen.a_second / SECOND:
        return False
    portion, beat = beat_of(planned)
    last = seen.standing.pace.released_at
    just_released = last is not None and now - last < min(beat, 2 * MINUTE)
    return seen.standing.out < portion or just_released or _is_closed(seen, now)


def _is_closed(seen: Seen, now: int) -> bool:
    """Whether nothing may begin now: then what left lately says nothing of later."""
    quiet = seen.quiet is not None and quiet_until(seen.quiet, seen.region, now) is not None
    return quiet or seen.plan.opens_at(now) > now


def _rates(samples: list[Sample]) -> list[float]:
    """Between the last sample and each earlier one, from a few seconds on; none where nothing began."""
    if len(samples) < 2:
        return []
    last = samples[-1]
    spans = [(last.begun - x.begun, last.at - x.at) for x in samples[:-1] if last.at - x.at >= TOO_SHORT]
    return [count / took for count, took in spans if count > 0]


def _when_over(seen: Seen, begins: int, work: float) -> int:
    """When so much work (ms of open time) is done: the hours of the day and quiet hours are left out."""
    offset = UTC_OFFSET[seen.region]
    day = begins - (begins + offset) % DAY
    is_open = [_open_at(seen, day + minute * MINUTE) for minute in range(_A_DAY)]
    open_minutes = sum(is_open)
    if not open_minutes:
        return begins + round(work)
    if open_minutes == _A_DAY:
        return begins + round(work)
    at, left_over = begins, work
    # The rest of its first minute, then whole minutes; whole days at once.
    while left_over > 0:
        minute = (at + offset) % DAY // MINUTE
        step = MINUTE - (at + offset) % MINUTE
        if is_open[minute]:
            done = min(step, left_over)
            left_over -= done
            at += round(done) if left_over <= 0 else step
        else:
            at += step
        if left_over > open_minutes * MINUTE:
            days = int(left_over // (open_minutes * MINUTE))
            at += days * DAY
            left_over -= days * open_minutes * MINUTE
    return at


def _open_at(seen: Seen, at: int) -> bool:
    hours = seen.plan.hours
    if hours is not None and not hours.has((at + seen.plan.offset) % DAY // MINUTE):
        return False
    return seen.quiet is None or quiet_until(seen.quiet, seen.region, at) is None


def longest_life(policy: Policy) -> int:
    """How long a notice may live from its first request, in ms: every wait is used up, and the last proof may still
    come. Retries and quiet hours come on top.
    """
    waits = sum(s.wait if s.wait is not None else window(s.step) for s in policy.steps[:-1])
    return max(waits + window(policy.steps[-1].step), *(window(s.step) for s in policy.steps))
