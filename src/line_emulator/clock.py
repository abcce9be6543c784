"""The emulator's clock: real or paused, with a heap of everything that happens later and is seen from
outside.

This is the only use of the system's time, but for rate limits and time-outs, which run in real time by
intent.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable

REAL, PAUSED = "real", "paused"


class Clock:
    """Virtual time in ms since the epoch. In real mode it runs at real speed from wherever it was set."""

    def __init__(self) -> None:
        self.mode = REAL
        self._base = time.time_ns() // 1_000_000
        self._since = time.monotonic()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timer_no = 0
        self._wake: asyncio.TimerHandle | None = None

    def now(self) -> int:
        """The virtual time."""
        if self.mode == PAUSED:
            return self._base
        return self._base + int((time.monotonic() - self._since) * 1000)

    def set(self, now: int) -> None:
        """Jumps to `now` without firing anything; the caller keeps the order of what is due."""
        self._base, self._since = now, time.monotonic()
        self._arm()

    def set_mode(self, mode: str) -> None:
        """Freezes the time, or lets it run on."""
        self.set(self.now())
        self.mode = mode
        self._since = time.monotonic()
        self._arm()

    def call_at(self, due: int, action: Callable[[], None]) -> None:
        """Does `action` at virtual time `due`."""
        self._timer_no += 1
        heapq.heappush(self._timers, (due, self._timer_no, action))
        self._arm()

    def next_due(self) -> int | None:
        """When the next action is due; None if nothing waits."""
        return self._timers[0][0] if self._timers else None

    def fire_due(self) -> int:
        """Does everything due at or before now, in order; says how many that were."""
        fired, now = 0, self.now()
        while self._timers and self._timers[0][0] <= now:
            _, _, action = heapq.heappop(self._timers)
            fired += 1
            action()
        return fired

    def clear(self) -> None:
        """Forgets everything that was to come; the time stays."""
        self._timers.clear()
        self._arm()

    def _arm(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if self.mode == REAL and self._timers:
            wait = max(0, self._timers[0][0] - self.now()) / 1000
            self._wake = asyncio.get_running_loop().call_later(wait + 0.001, self._ring)

    def _ring(self) -> None:
        self._wake = None
        self.fire_due()
        self._arm()
