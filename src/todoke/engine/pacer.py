"""The rate at which one channel's requests leave."""

import asyncio

from todoke.clock import monotonic

SHARE = 0.99
"""LINE's own clock and ours are never quite the same; a hundredth of room keeps us under its bucket."""

SAVED_SECONDS = 0.02
"""What a pause may save up, so that late wake-ups are made good again: at LINE's rate a burst of forty."""


class Pacer:
    """Lets at most `rate` requests a second pass, evenly, and none while LINE has asked us to wait."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / (rate * SHARE)
        self._next = 0.0
        self._held_until = 0.0

    def set_rate(self, rate: float) -> None:
        self._gap = 1 / (rate * SHARE)

    def hold(self, seconds: float) -> None:
        """LINE said 429: nothing leaves for so long."""
        self._held_until = max(self._held_until, monotonic() + seconds)
        self._next = max(self._next, self._held_until)

    async def turn(self) -> None:
        """Returns when the next request may leave."""
        while True:
            now = monotonic()
            begin = max(self._next, now - SAVED_SECONDS)
            self._next = begin + self._gap
            if begin > now:
                await asyncio.sleep(begin - now)
            # LINE may have asked us to wait while this one slept: then it queues up again.
            if begin >= self._held_until:
                return
