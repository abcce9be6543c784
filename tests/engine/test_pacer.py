"""The pace of a channel, in a time that the test makes pass."""

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import pytest

from todoke.engine import pacer as module
from todoke.engine.pacer import Pacer


class Time:
    """Seconds that pass only by `run`; sleepers wake in the order of their times."""

    def __init__(self) -> None:
        self.now = 100.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    def get_running_loop(self) -> "Time":
        return self

    def create_future(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.Future[None]:
        due = self.create_future()
        self._sleepers.append((self.now + seconds, len(self._sleepers), due))
        due.add_done_callback(lambda _: call())
        return due

    async def run(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            for _ in range(5):
                await asyncio.sleep(0)
            waiting = sorted(s for s in self._sleepers if not s[2].done())
            if not waiting or waiting[0][0] > until:
                break
            self.now = max(self.now, waiting[0][0])
            waiting[0][2].set_result(None)
        self.now = until


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(module, "monotonic", made.monotonic)
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(get_running_loop=made.get_running_loop))
    return made


class Senders:
    """Tasks that take turns and write down when each had one."""

    def __init__(self, time: Time, pacer: Pacer, count: int, turns: int) -> None:
        self.passed: list[float] = []
        self._tasks = [asyncio.create_task(self._take(time, pacer, turns)) for _ in range(count)]

    async def _take(self, time: Time, pacer: Pacer, turns: int) -> None:
        for _ in range(turns):
            await pacer.turn()
            self.passed.append(time.now)

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()


@pytest.mark.parametrize("rate", [1, 10, 100])
@pytest.mark.parametrize("count", [1, 7])
async def test_requests_leave_evenly_and_never_above_the_rate(time: Time, rate: int, count: int) -> None:
    senders = Senders(time, Pacer(rate), count, 200)
    await time.run(20 * count / rate)
    assert len(senders.passed) >= 18 * count
    for i, begin in enumerate(senders.passed):
        within = [t for t in senders.passed[i:] if t < begin + 1]
        assert len(within) <= rate + 1
    senders.end()


async def test_a_pause_saves_up_next_to_nothing(time: Time) -> None:
    pacer = Pacer(100)
    senders = Senders(time, pacer, 1, 5)
    await time.run(1)
    assert len(senders.passed) == 5
    time.now += 60
    burst = Senders(time, pacer, 50, 1)
    await time.run(0.1)
    assert 8 <= len(burst.passed) <= 14, "a tenth of a second at 100 a second, and two hundredths saved up"
    await time.run(10)
    assert len(burst.passed) == 50


async def test_nothing_leaves_while_line_asked_us_to_wait(time: Time) -> None:
    pacer = Pacer(100)
    pacer.hold(5)
    senders = Senders(time, pacer, 3, 1)
    await time.run(4.99)
    assert senders.passed == []
    await time.run(0.1)
    assert len(senders.passed) == 3


async def test_those_who_had_their_turn_promised_wait_as_well(time: Time) -> None:
    pacer = Pacer(1)
    senders = Senders(time, pacer, 10, 1)
    await time.run(2.5)
    assert len(senders.passed) == 3
    begun = time.now
    pacer.hold(30)
    await time.run(29.9)
    assert len(senders.passed) == 3
    await time.run(60)
    assert len(senders.passed) == 10
    after = senders.passed[3:]
    assert after[0] >= begun + 30
    assert all(later - earlier >= 1 for earlier, later in pairwise(after))


async def test_a_shorter_hold_does_not_shorten_a_longer_one(time: Time) -> None:
    pacer = Pacer(100)
    pacer.hold(10)
    pacer.hold(1)
    senders = Senders(time, pacer, 1, 1)
    await time.run(9.9)
    assert senders.passed == []
    await time.run(0.2)
    assert len(senders.passed) == 1


async def test_a_new_rate_holds_from_the_next_turn(time: Time) -> None:
    pacer = Pacer(1)
    senders = Senders(time, pacer, 1, 1000)
    await time.run(3)
    slow = len(senders.passed)
    assert slow <= 4
    pacer.set_rate(100)
    await time.run(3)
    assert len(senders.passed) - slow >= 150
    senders.end()


async def test_random_holds_and_idle_times_never_break_the_rate(time: Time) -> None:
    chance = random.Random(7)
    pacer = Pacer(20)
    passed: list[float] = []
    held: list[tuple[float, float]] = []
    for _ in range(60):
        senders = Senders(time, pacer, chance.randrange(1, 15), 1)
        await time.run(chance.random())
        if chance.random() < 0.3:
            held.append((time.now, time.now + 1))
            pacer.hold(1)
        time.now += chance.choice([0, 0, 2])
        await time.run(3)
        passed += senders.passed
    passed.sort()
    for i, begin in enumerate(passed):
        assert len([t for t in passed[i:] if t < begin + 1]) <= 21
    assert not [t for t in passed for begin, end in held if begin < t < end]
