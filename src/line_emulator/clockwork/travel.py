"""Moving the clock from due time to due time, over the emulator and all its followers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from line_emulator import times
from line_emulator.clockwork.activity import Activity
from line_emulator.clockwork.clock import PAUSED, Clock
from line_emulator.clockwork.followers import Followers, FollowerSilent

STEP = 0.1
"""Real seconds from one step to the next where the clock is driven."""
LONGEST_STEP = 1.0
"""Real seconds that one step makes up for at most: what took longer is not caught up, the time was held up."""
STRANGERS = 5.0
"""Real seconds for which an advance waits at one moment for programs that go on sending and follow nothing."""
STRANGERS_DRIVEN = 0.3
"""The same for a step of a driven clock, whose speed would suffer."""


class Traveller:
    """Advances the virtual time; one journey at a time. `stopped`: why a driven clock had to be paused."""

    def __init__(self, clock: Clock, activity: Activity, followers: Followers) -> None:
        self.stopped: str | None = None
        self._clock = clock
        self._activity = activity
        self._followers = followers
        self._lock = asyncio.Lock()
        self._driver: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    async def change_mode(self, mode: str | None = None, speed: float | None = None) -> None:
        """Real or paused, and at which speed, told to all followers; None changes nothing."""
        async with self._lock:
            self._clock.set_mode(mode or self._clock.mode, speed)
            self.stopped = None
            self.drive()
            await self._followers.tell_all()

    def change_at_once(self, mode: str | None, speed: float | None) -> None:
        """The same from within a journey, which goes on at the new speed; followers learn of it after it."""
        self._clock.set_mode(mode or self._clock.mode, speed)
        self.stopped = None
        self.drive()
        task = asyncio.create_task(self.change_mode())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def set_back(self, target: int) -> None:
        """Sets an earlier time; only sensible where nothing has happened yet."""
        async with self._lock:
            self._clock.set(target)
            await self._followers.tell_all()

    async def to(self, target: int | None = None, by: int = 0) -> int:
        """Moves to `target`, or forward `by` ms, and returns the new time when all is idle there.

        Raises FollowerSilent; the clock then stands where the follower stopped.
        """
        async with self._lock:
            ran = self._clock.runs
            self._clock.hold(True)
            try:
                if target is None:
                    target = self._clock.now() + by
                await self._journey(target, STRANGERS, lambda: False)
            finally:
                self._clock.hold(False)
                if ran:
                    await self._followers.tell_all()
            return self._clock.now()

    def drive(self) -> None:
        """Begins to move a clock that has a speed of its own; one that has none is left alone."""
        if self._clock.driven and (self._driver is None or self._driver.done()):
            self._driver = asyncio.create_task(self._drive())

    async def stop(self) -> None:
        """Ends the driving, for good."""
        for task in [*self._telling, *([self._driver] if self._driver is not None else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _drive(self) -> None:
        owed, last = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(STEP)
            async with self._lock:
                if not self._clock.driven:
                    return
                passed = time.monotonic() - last
                last += passed
                owed += min(passed, LONGEST_STEP) * 1000 * self._clock.speed
                step, owed = int(owed), owed % 1
                if step:
                    await self._step(min(self._clock.now() + step, times.END_OF_TIME))

    async def _step(self, target: int) -> None:
        self._clock.hold(True)
        try:
            await self._journey(target, STRANGERS_DRIVEN, lambda: not self._clock.driven)
        except FollowerSilent as error:
            logging.getLogger(__name__).error("The clock is paused. %s", error)
            self.stopped = str(error)
            self._clock.set_mode(PAUSED)
        except Exception:
            logging.getLogger(__name__).exception("something due at %s failed", self._clock.now())
        finally:
            self._clock.hold(False)

    async def _journey(self, target: int, patience: float, over: Callable[[], bool]) -> None:
        """To `target`, unless it is `over` before: something due on the way may have changed the clock's mode."""
        while True:
            await self._settle(patience)
            if over():
                return
            now = self._clock.now()
            due = [self._clock.next_due(), self._followers.next_due(now)]
            following = min((time for time in due if time is not None), default=None)
            if following is None or following > target:
                break
            await self._move(following)
        if target > self._clock.now():
            await self._move(target)
            await self._settle(patience)

    async def _move(self, to: int) -> None:
        """Sets the time. Followers hear of it before anything due then is posted to them."""
        self._clock.set(to)
        await self._followers.tell_all()

    async def _settle(self, patience: float) -> None:
        """Repeats until a whole round did nothing new: an answer may cause a webhook, and that another
        request.

        Where only requests of programs that follow nothing keep it going, it ends after `patience` seconds.
        """
        since = time.monotonic()
        while True:
            before = self._activity.begun
            fired = self._clock.fire_due()
            await self._activity.quiet(patience)
            worked = await self._followers.settle(self._clock.now())
            if not (fired or worked or self._activity.running or self._activity.begun != before):
                return
            if fired or worked:
                since = time.monotonic()
            elif time.monotonic() - since >= patience:
                return
