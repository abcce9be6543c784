"""What is going on right now: requests being answered, webhooks and receipts on their way. Tells when
all is quiet.
"""

from __future__ import annotations

import asyncio
import time


class Activity:
    """`begun` counts all work ever begun, `running` what has not ended. Only a waiting clock asks for
    more.
    """

    def __init__(self) -> None:
        self.begun = 0
        self.running = 0
        self.last_change = time.monotonic()
        self._waiters: list[asyncio.Event] = []

    def begin(self, count: int = 1) -> None:
        """Work has begun."""
        self.begun += count
        self.running += count

    def end(self, count: int = 1) -> None:
        """Work has ended, well or not."""
        self.running -= count
        if self._waiters:
            self.last_change = time.monotonic()
            if self.running == 0:
                for waiter in self._waiters:
                    waiter.set()

    async def quiet(self, patience: float) -> None:
        """Returns when nothing is running; or after `patience` seconds in which new work kept coming."""
        since, begun = time.monotonic(), self.begun
        while self.running:
            waiter = asyncio.Event()
            self._waiters.append(waiter)
            try:
                async with asyncio.timeout(patience):
                    await waiter.wait()
            except TimeoutError:
                pass
            finally:
                self._waiters.remove(waiter)
            if time.monotonic() - since >= patience:
                if self.begun != begun:
                    return
                since = time.monotonic()
