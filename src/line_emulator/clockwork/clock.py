"""The emulator's clock: real, at another speed, or paused, with a heap of everything that happens later and
is seen from outside.

This is the only use of the system's time, but for rate limits and time-outs, which run in real time by
intent.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable

REAL, PAUSED = "real", "paused"
SLOWEST, FASTEST = 0.01, 100_000.0


def wall() -> int:
    """The machine's own time in ms since the epoch."""
    return time.time_ns() // 1_000_000


def _nobody() -> None:
    """Told of a change where nobody listens."""


class Clock:
    """Virtual time in ms since the epoch. `mode` and `speed` are what was asked for.

    Only in real mode at speed 1 does it run by itself, from wherever it was set. At any other speed it stands,
    and `travel.Traveller` moves it in small steps. While `held`, it stands in any case: a journey is under way.
    `changed` is called when time, mode or speed were set, `rang` when something due was done by itself.
    """

    def __init__(self) -> None:
        self.mode = REAL
        self.speed = 1.0
        self.held = False
        self.changed: Callable[[], None] = _nobody
        self.rang: Callable[[], None] = _nobody
        self._base = wall()
        self._since = time.monotonic()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timer_no = 0
        self._wake: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        """Whether the time passes by itself."""
        return self.mode == REAL and self.speed == 1 and not self.held

    @property
    def driven(self) -> bool:
        """Whether somebody must move it in steps."""
        return self.mode == REAL and self.speed != 1

    def now(self) -> int:
        """The virtual time."""
        if self.mode == PAUSED or self.held or self.speed != 1:
            return self._base
        return self._base + int((time.monotonic() - self._since) * 1000)

    def set(self, now: int) -> None:
        """Jumps to `now` without firing anything; the caller keeps the order of what is due."""
        self._base, self._since = now, time.monotonic()
        self._arm()
        self.changed()

    def set_mode(self, mode: str, speed: float | None = None) -> None:
        """Freezes the time, or lets it run on, at this speed from now on (None: at the speed it had)."""
        self._base = self.now()
        self.mode = mode
        if speed is not None:
            self.speed = speed
        self._since = time.monotonic()
        self._arm()
        self.changed()

    def restore(self, mode: str, speed: float, now: int) -> None:
        """Takes up an earlier clock, before anything waits; tells nobody."""
        self.mode, self.speed = mode, speed
        self._base, self._since = now, time.monotonic()

    def hold(self, held: bool) -> None:
        """Stops the time for a journey, or lets it go on as `mode` and `speed` say."""
        self._base = self.now()
        self.held = held
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
        if self.held or not self._timers:
            return
        wait = max(0, self._timers[0][0] - self.now()) / 1000
        # What is due now happens at once even while the time stands.
        if self.runs or not wait:
            self._wake = asyncio.get_running_loop().call_later(wait + 0.001, self._ring)

    def _ring(self) -> None:
        self._wake = None
        if self.fire_due():
            self.rang()
        self._arm()
