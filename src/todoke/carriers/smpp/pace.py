"""How many messages may leave: so many waiting for their answer at once, so many a second."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from todoke.clock import monotonic


class Pace:
    """`window`: open at once. `rate`: a second, evenly spaced, as providers count in windows of their own."""

    def __init__(self, window: int, rate: float) -> None:
        self._window = asyncio.Semaphore(window)
        self._gap = 1 / rate
        self._next = 0.0

    @asynccontextmanager
    async def slot(self, deadline: float) -> AsyncIterator[bool]:
        """A slot for as long as the block runs. False if none comes free before `deadline` (monotonic seconds)."""
        try:
            async with asyncio.timeout(max(deadline - monotonic(), 0)):
                await self._window.acquire()
        except TimeoutError:
            yield False
            return
        try:
            now = monotonic()
            at = max(now, self._next)
            if at >= deadline:
                yield False
                return
            self._next = at + self._gap
            if at > now:
                await asyncio.sleep(at - now)
            yield True
        finally:
            self._window.release()
