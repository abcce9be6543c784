"""Time. Nothing else in the gateway asks the machine what time it is.

`now()` is the time that notices live in: milliseconds since the epoch, which an emulator may hold still
or move. `wall()` is the machine's own time, for leases between processes; `monotonic()` is for pacing.
"""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """The time that notices live in."""

    def now(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    async def wait(self, wake: asyncio.Event, until: int | None, at_most: float) -> None:
        """Returns when `wake` is set, when `now()` has reached `until`, or after `at_most` real seconds."""
        ...


def wall() -> int:
    """The machine's time in milliseconds since the epoch: for leases, never for a notice."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Real seconds that only ever go up: for pacing and time-outs."""
    return time.monotonic()


def worked() -> float:
    """Seconds of processor time that this thread has used: what its own work takes, whoever else wants the machine."""
    return time.thread_time()


async def wait_for(wake: asyncio.Event, seconds: float) -> None:
    """Waits for the event, or so many real seconds."""
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await wake.wait()
    except TimeoutError:
        pass


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return wall()

    async def wait(self, wake: asyncio.Event, until: int | None, at_most: float) -> None:
        seconds = at_most if until is None else min((until - wall()) / 1000, at_most)
        await wait_for(wake, seconds)


class SteppedClock:
    """A clock that stands where it was put, or runs on from there; the follower of an emulator sets it."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._runs_since: float | None = None

    def now(self) -> int:
        if self._runs_since is None:
            return self._now
        return self._now + int((monotonic() - self._runs_since) * 1000)

    def put(self, now: int, *, running: bool = False) -> None:
        """Sets the time; `running` lets it go on at real speed from there."""
        self._now = now
        self._runs_since = monotonic() if running else None

    async def wait(self, wake: asyncio.Event, until: int | None, at_most: float) -> None:
        if until is not None and self._runs_since is not None:
            at_most = min((until - self.now()) / 1000, at_most)
        await wait_for(wake, at_most)
