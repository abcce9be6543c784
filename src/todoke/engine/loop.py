"""What every loop of the engine is made of."""

import asyncio
from abc import ABC, abstractmethod

import structlog

from todoke.clock import Clock, wait_for

log = structlog.get_logger()

IDLE_SECONDS = 0.5
"""How long a loop that found nothing waits before it looks again, unless it is woken before."""
ERROR_SECONDS = 1.0


class Loop(ABC):
    """Calls `step` for as long as there is work, then waits to be woken or for the next due time."""

    name = "loop"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wake = asyncio.Event()
        self.worked = 0
        """How many steps found work."""
        self.due_at: int | None = None
        """When this loop next has something to do, as far as the last step knew."""
        self._asked = 0
        self._idle_at = 0
        self._idle = asyncio.Event()
        self._stopping = False

    @abstractmethod
    async def step(self) -> bool:
        """Does one portion of work. Answers whether there was any."""

    async def run(self) -> None:
        """Runs until `stop`. An error is logged, and the loop goes on."""
        while not self._stopping:
            self.wake.clear()
            asked = self._asked
            try:
                worked = await self.step()
            except Exception as error:
                log.exception("engine.error", loop=self.name, error=type(error).__name__)
                await wait_for(self.wake, ERROR_SECONDS)
                continue
            if worked:
                self.worked += 1
                continue
            self._idle_at = asked
            self._idle.set()
            await self.clock.wait(self.wake, self.due_at, IDLE_SECONDS)

    def ask(self) -> int:
        """Demands a look; `until_idle` with the answer returns once a step that began later found nothing."""
        self._asked += 1
        self.wake.set()
        return self._asked

    async def until_idle(self, asked: int) -> None:
        while self._idle_at < asked and not self._stopping:
            self._idle.clear()
            await self._idle.wait()

    def stop(self) -> None:
        """Lets `run` return after the step it is in."""
        self._stopping = True
        self.wake.set()
        self._idle.set()
