"""Waves and rates: never more in any hour than the plan says, and in the end everything has gone."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from todoke.core.durations import DAY, HOUR, MINUTE, SECOND, rfc3339
from todoke.core.errors import InvalidPlan
from todoke.core.progress import Seen, hold_of, left
from todoke.core.release import (
    Hours,
    Pace,
    Plan,
    Sample,
    Standing,
    beat_of,
    parse_hours,
    parse_percent,
    parse_rate,
    parse_starts_at,
    turn,
)
from todoke.core.routing import Policy, PolicyStep, QuietHours, Step

NOON = 20_000 * DAY + 4 * HOUR  # 12:00 in Taiwan
TW = 8 * HOUR


class Channel:
    """What becomes of notices that were let go: they begin as the channel allows; `begun` holds when each did."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.held = total
        self.out = 0
        self.begun: list[int] = []
        self.pace = Pace()

    def standing(self, *, read: bool = True) -> Standing:
        return Standing(
            total=self.total, read=read, held=self.held, begun=len(self.begun), out=self.out, pace=self.pace
        )

    def look(self, plan: Plan, now: int) -> int | None:
        """As the releaser does; when it wants to look again."""
        found = turn(plan, self.standing(), now)
        self.pace = self.pace.noted(len(self.begun), now)
        if found.many:
            assert found.many <= self.held
            self.held -= found.many
            self.out += found.many
            self.pace = Pace(self.pace.samples, found.beat_at)
        return found.next_at

    def send(self, most: int, now: int) -> None:
        count = min(self.out, most)
        self.out -= count
        self.begun += [now] * count


def most_in_an_hour(times: list[int]) -> int:
    return max((i + 1 - bisect_right(times, at - HOUR) for i, at in enumerate(times)), default=0)


plans = st.builds(
    Plan,
    rate=st.none() | st.integers(1, 20_000),
    percent_an_hour=st.none() | st.integers(1, 10_000).map(lambda x: x / 100),
    hours=st.none()
    | st.tuples(st.integers(0, 1439), st.integers(0, 1439))
    .filter(lambda x: x[0] != x[1])
    .map(lambda x: Hours(*x)),
    starts_at=st.none() | st.integers(NOON - DAY, NOON + DAY),
    offset=st.just(TW),
)
# How long the channel stands still before each look, and how many it then sends at most.
hiccups = st.lists(st.tuples(st.integers(0, 3 * HOUR), st.integers(0, 5_000)), max_size=25)


@given(plan=plans, changed=plans, total=st.integers(1, 5_000), course=hiccups)
@example(Plan(percent_an_hour=10.0), Plan(percent_an_hour=10.0), 1000, [(8 * HOUR, 0), (0, 5000)])
@example(Plan(rate=90), Plan(rate=90), 400, [])
@example(Plan(), Plan(rate=100), 3000, [(10 * SECOND, 700), (10 * SECOND, 700)])
@settings(max_examples=120, deadline=None)
def test_no_hour_has_more_than_the_plan_says_whatever_the_channel_does_and_all_goes_in_the_end(
    plan: Plan, changed: Plan, total: int, course: list[tuple[int, int]]
) -> None:
    channel, now, changed_at = Channel(total), NOON, None
    for stands_still, sends in course:
        channel.look(plan, now)
        now += stands_still
        channel.send(sends, now)
    if course and changed != plan:
        # What was let go by the former plan is held again, as a change of the plan does.
        channel.held, channel.out, changed_at = channel.held + channel.out, 0, now
    then, former = plan if changed_at is None else changed, len(channel.begun)
    earliest = max(now, then.starts_at or 0)
    for _ in range(40_000):
        if not channel.held and not channel.out:
            break
        next_at = channel.look(then, now)
        assert next_at is None or next_at > now
        if channel.out and changed_at is not None:
            assert now >= earliest
        channel.send(10**6, now)
        now = now + SECOND if next_at is None else next_at
    assert (channel.held, channel.out, len(channel.begun)) == (0, 0, total)
    if (most := plan.an_hour(total)) is not None:
        assert most_in_an_hour(channel.begun if changed_at is None else channel.begun[:former]) <= most
    if changed_at is not None and (most := changed.an_hour(total)) is not None:
        # What the former plan sent in the hour before counts too.
        for i, at in enumerate(channel.begun[former:], former):
            assert i + 1 - bisect_right(channel.begun, at - HOUR) <= most


def test_waves_keep_up_with_the_plan_and_come_evenly() -> None:
    """A tenth an hour: after five and a half hours of an idle channel, 55 % is out, not much less."""
    plan, channel, now = Plan(percent_an_hour=10), Channel(10_000), NOON
    while now < NOON + 5 * HOUR + HOUR // 2:
        next_at = channel.look(plan, now)
        channel.send(10**6, now)
        now = next_at or now + SECOND
    assert 5_400 <= len(channel.begun) <= 5_517
    assert max(sum(1 for x in channel.begun if at <= x < at + MINUTE) for at in set(channel.begun)) <= 32
    assert beat_of(1000) == (16, 57_600)


def test_what_was_let_go_and_could_not_leave_keeps_the_rest_back() -> None:
    """So that the end of a channel's pause, or of the night, floods no call centre."""
    plan, channel, now = Plan(percent_an_hour=10), Channel(10_000), NOON
    for _ in range(600):
        channel.look(plan, now)
        now += MINUTE
    assert channel.out <= 3 * beat_of(1000)[0]
    assert turn(plan, channel.standing(), now).why == "sending"


@pytest.mark.parametrize(
    ("plan", "read", "now", "expected"),
    [
        (Plan(), True, NOON, (5, None, "")),
        (Plan(starts_at=NOON + 1), True, NOON, (0, NOON + 1, "scheduled")),
        (Plan(starts_at=NOON), True, NOON, (5, None, "")),
        (Plan(hours=Hours(13 * 60, 18 * 60), offset=TW), True, NOON, (0, NOON + HOUR, "hours")),
        (Plan(hours=Hours(9 * 60, 12 * 60), offset=TW), True, NOON, (0, NOON + 21 * HOUR, "hours")),
        (Plan(hours=Hours(9 * 60, 12 * 60), offset=TW), True, NOON - 1, (5, None, "")),
        (Plan(hours=Hours(22 * 60, 12 * 60), offset=TW), True, NOON - 1, (5, None, "")),
        (Plan(hours=Hours(22 * 60, 6 * 60), offset=TW), True, NOON, (0, NOON + 10 * HOUR, "hours")),
        (
            Plan(starts_at=NOON + 12 * HOUR, hours=Hours(9 * 60, 18 * 60), offset=TW),
            True,
            NOON,
            (0, NOON + 21 * HOUR, "scheduled"),
        ),
        (Plan(percent_an_hour=50), False, NOON, (0, None, "reading")),
        (Plan(rate=3600), False, NOON, (5, NOON + MINUTE, "rate")),
        (Plan(percent_an_hour=0.01), True, NOON, (1, NOON + HOUR, "waves")),
        (Plan(percent_an_hour=100, rate=2), True, NOON, (1, NOON + HOUR // 2, "rate")),
    ],
)
def test_how_many_may_go_now_and_when_to_look_again(
    plan: Plan, read: bool, now: int, expected: tuple[int, int | None, str]
) -> None:
    assert turn(plan, Standing(total=5, read=read, held=5), now)[:3] == expected


def test_plans_that_make_no_sense_are_refused_with_their_place() -> None:
    refused = [
        lambda: parse_hours("9:00-18:00"),
        lambda: parse_hours("09:00-24:00"),
        lambda: parse_hours("09:00-09:00"),
        lambda: parse_hours("０9:00-18:00"),
        lambda: parse_hours(["09:00", "18:00"]),
        lambda: parse_rate(0),
        lambda: parse_rate(True),
        lambda: parse_rate(1.5),
        lambda: parse_rate(10**9),
        lambda: parse_percent(0),
        lambda: parse_percent(100.01),
        lambda: parse_percent(float("nan")),
        lambda: parse_percent("10"),
        lambda: parse_starts_at("tomorrow", NOON),
        lambda: parse_starts_at("2026-08-07T09:30:00", NOON),
        lambda: parse_starts_at("9999-12-31T23:59:59Z", NOON),
        lambda: parse_starts_at(rfc3339(NOON - HOUR - 1), NOON),
        lambda: parse_starts_at(5, NOON),
    ]
    for parse in refused:
        with pytest.raises(InvalidPlan) as caught:
            parse()
        assert caught.value.pointer in ("/hours", "/rate", "/percent_an_hour", "/starts_at")
    assert str(parse_hours("22:00-06:30")) == "22:00-06:30"
    long_ago = NOON - 9 * DAY
    assert parse_starts_at(rfc3339(long_ago), NOON, already=long_ago) == long_ago
    assert (parse_rate(60), parse_percent(0.07), parse_percent(10)) == (60, 0.07, 10.0)
    assert Plan(percent_an_hour=parse_percent(0.07)).an_hour(10_000) == 7


def seen(plan: Plan = Plan(), *, held: int = 0, begun: int = 0, out: int = 0, **more: object) -> Seen:
    samples = more.pop("samples", ())
    standing = Standing(
        total=1000,
        read=bool(more.pop("read", True)),
        held=held,
        begun=begun,
        out=out,
        pace=Pace(samples),  # type: ignore[arg-type]
    )
    return Seen(plan=plan, standing=standing, region="TW", **more)  # type: ignore[arg-type]


NIGHT = Policy(
    (PolicyStep(Step.LINE_NOTIFICATION, 4 * HOUR),), quiet_hours=(QuietHours("TW", 21 * 60, 8 * 60),)
)


def test_the_time_left_is_a_range_or_says_why_nobody_knows() -> None:
    waves = Plan(percent_an_hour=10)
    by_plan = left(seen(waves, held=1000), NOON)
    assert (by_plan.least, by_plan.most) == (10 * HOUR, 11 * HOUR)
    # Twelve to nine in the evening are open, nine to eight are quiet: the last hour is tomorrow's.
    quiet = left(seen(waves, held=1000, quiet=NIGHT), NOON)
    assert quiet.least == 9 * HOUR + 11 * HOUR + HOUR
    hours = left(seen(Plan(percent_an_hour=10, hours=Hours(9 * 60, 13 * 60), offset=TW), held=1000), NOON)
    assert hours.least == HOUR + 20 * HOUR + 4 * HOUR + 20 * HOUR + 4 * HOUR + 20 * HOUR + HOUR
    later = left(seen(Plan(starts_at=NOON + DAY, percent_an_hour=10), held=1000), NOON)
    assert later.least == DAY + 10 * HOUR
    # What really leaves counts: 40 a minute lately, and 400 to go.
    steady = tuple(Sample(NOON - m * MINUTE, 600 - 40 * m) for m in (5, 4, 3, 2, 1))
    going = left(seen(out=400, begun=600, samples=steady), NOON)
    assert going.least is not None
    assert going.most is not None
    assert going.least < 10 * MINUTE < going.most < 12 * MINUTE
    # A pause, or the plan before this one, says nothing of a plan that is kept.
    crept = tuple(Sample(NOON - m * MINUTE, 600 - m) for m in (5, 4, 3, 2, 1))
    kept = left(seen(waves, held=400, begun=600, samples=crept), NOON)
    assert (kept.least, kept.most, kept.why) == (4 * HOUR, 4 * HOUR * 11 // 10, "by the plan")
    jammed = left(seen(waves, held=300, out=100, begun=600, samples=crept), NOON)
    assert jammed.most is not None
    assert jammed.most > 6 * HOUR
    stuck = left(seen(out=400, begun=600, samples=(Sample(NOON - 20 * MINUTE, 600),)), NOON)
    assert stuck.most is None
    assert "nothing has left lately" in stuck.why
    for paused in (seen(waves, held=500, paused_at=NOON), seen(held=500, channel_paused_why="401")):
        assert left(paused, NOON).most is None
        assert "paused" in left(paused, NOON).why
    unknown = left(seen(held=0, read=False, fraction=0.001), NOON)
    assert (unknown.least, unknown.most) == (None, None)
    assert left(seen(begun=1000), NOON).most == 0


def test_what_holds_a_batch_up_is_named_the_strongest_first() -> None:
    midnight = NOON + 12 * HOUR
    waves = Plan(percent_an_hour=10)
    causes = [
        (seen(waves, held=5, cancelling=True, paused_at=1), NOON, "cancelling"),
        (seen(waves, held=5, paused_at=1, channel_paused_why="401"), NOON, "paused"),
        (seen(waves, held=5, channel_paused_why="401"), NOON, "channel_paused"),
        (seen(Plan(starts_at=NOON + 1), held=5), NOON, "scheduled"),
        (seen(Plan(hours=Hours(0, 1), offset=TW), held=5), NOON, "hours"),
        (seen(waves, held=5, quiet=NIGHT), midnight, "quiet_hours"),
        (seen(waves, held=5, read=False), NOON, "reading"),
        (seen(waves, held=5), NOON, "waves"),
        (seen(Plan(rate=1), held=5), NOON, "rate"),
        (seen(out=5), NOON, None),
        (seen(begun=1000, paused_at=1), NOON, None),
    ]
    for given_, now, cause in causes:
        found = hold_of(given_, now)
        assert (None if found is None else found.cause) == cause
