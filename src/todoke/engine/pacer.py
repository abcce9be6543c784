"""The rate at which one channel's requests leave."""

import asyncio
from collections import deque

from todoke.clock import monotonic

SHARE = 0.99
"""LINE's own clock and ours are never quite the same; a hundredth of room keeps us under its bucket."""

SAVED_SECONDS = 0.02
"""What a pause may save up, so that late wake-ups are made good again: at LINE's rate a burst of forty."""

TICK_SECONDS = 0.005
"""Those who wait are let pass a few at a time: at LINE's rate ten, for a timer each would cost more than they do."""


class Pacer:
    """Lets at most `rate` requests a second pass, evenly, and none while LINE has asked us to wait."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / (rate * SHARE)
        self._next = 0.0
        self._held_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def set_rate(self, rate: float) -> None:
        self._gap = 1 / (rate * SHARE)

    def hold(self, seconds: float) -> None:
        """Nothing leaves for so long, as LINE asks by a 429, and nothing is saved up until then."""
        self._held_until = max(self._held_until, monotonic() + seconds)
        self._next = max(self._next, self._held_until)

    async def turn(self) -> None:
        """Returns when the next request may leave."""
        if not self._waiting and self.passes(monotonic()):
            return
        while True:
            mine = asyncio.get_running_loop().create_future()
            self._waiting.append(mine)
            if self._timer is None:
                self._wait_on(monotonic())
            await mine
            # LINE may have asked us to wait just after this one was let pass: then it queues up again.
            if self._held_until <= monotonic():
                return

    def passes(self, now: float) -> bool:
        """Whether a request may leave now; that takes its place. For those who wait by `delay` instead of `turn`."""
        begin = max(self._next, now - SAVED_SECONDS)
        if begin > now:
            return False
        self._next = begin + self._gap
        return True

    def _tick(self) -> None:
        self._timer = None
        now = monotonic()
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()  # It was given up.
            elif self.passes(now):
                self._waiting.popleft().set_result(None)
            else:
                self._wait_on(now)
                return

    def _wait_on(self, now: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.delay(now), self._tick)

    def delay(self, now: float) -> float:
        """Seconds until it is worth looking again."""
        return max(self._next - now, min(TICK_SECONDS, self._gap))
