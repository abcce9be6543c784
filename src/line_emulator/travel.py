"""Moving the clock from due time to due time, over the emulator and all its followers."""

from __future__ import annotations

import asyncio

from line_emulator.activity import Activity
from line_emulator.clock import PAUSED, REAL, Clock
from line_emulator.followers import Followers


class Traveller:
    """Advances the virtual time; one journey at a time."""

    def __init__(self, clock: Clock, activity: Activity, followers: Followers) -> None:
        self._clock = clock
        self._activity = activity
        self._followers = followers
        self._lock = asyncio.Lock()

    async def change_mode(self, mode: str) -> None:
        """Real or paused, told to all followers."""
        async with self._lock:
            self._clock.set_mode(mode)
            await self._followers.tell_all()

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
            was_real = self._clock.mode == REAL
            self._clock.set_mode(PAUSED)
            try:
                if target is None:
                    target = self._clock.now() + by
                await self._journey(target)
            finally:
                if was_real:
                    self._clock.set_mode(REAL)
                    await self._followers.tell_all()
            return self._clock.now()

    async def _journey(self, target: int) -> None:
        while True:
            await self._settle()
            now = self._clock.now()
            due = [self._clock.next_due(), self._followers.next_due(now)]
            following = min((time for time in due if time is not None), default=None)
            if following is None or following > target:
                break
            self._clock.set(following)
        if target > self._clock.now():
            self._clock.set(target)
            await self._settle()

    async def _settle(self) -> None:
        """Repeats until a whole round did nothing new: an answer may cause a webhook, and that another
        request.
        """
        while True:
            before = self._activity.begun
            fired = self._clock.fire_due()
            await self._activity.quiet()
            worked = await self._followers.settle(self._clock.now())
            if not (fired or worked or self._activity.running or self._activity.begun != before):
                return
