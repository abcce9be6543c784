"""What every loop of the engine is made of."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable

import structlog

from todoke.clock import Clock, wait_for

log = structlog.get_logger()

IDLE_SECONDS = 0.5
"""How long a loop that found nothing waits before it looks again, unless it is woken before."""
ERROR_SECONDS = 1.0


class Loop(ABC):
    """Calls `step` for as long as there is work, then waits to be woken or for the next due time."""

    name = "loop"
    heeds_stored_only = False
    """Whether a look that found nothing finds nothing again until something is stored, the loop is woken or `until`
    has come. Not so where it goes by real time, or by what others keep in memory and don't wake it for.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wake = asyncio.Event()
        self.worked = 0
        """How many steps found work."""
        self.due_at: int | None = None
        """When this loop next has something to do, as far as the last step knew."""
        self.stored: Callable[[], Hashable | None] = lambda: None
        """Differs from an earlier answer if something was stored since; None where nobody can tell."""
        self._found_nothing: tuple[Hashable | None, int] | None = None
        """What was stored and what time it was before the last look, if that found nothing."""
        self._asked = 0
        self._idle_at = 0
        self._idle = asyncio.Event()
        self._stopping = False

    @abstractmethod
    async def step(self) -> bool:
        """Does one portion of work. Answers whether there was any."""

    @property
    def until(self) -> int | None:
        """The time from which another look may find something, though nothing was stored; None: never."""
        return self.due_at

    async def run(self) -> None:
        """Runs until `stop`. An error is logged, and the loop goes on."""
        while not self._stopping:
            self.wake.clear()
            self._found_nothing = None
            asked, before = self._asked, (self.stored(), self.clock.now())
            try:
                worked = await self.step()
            except Exception as error:
                log.exception("engine.error", loop=self.name, error=type(error).__name__)
                await wait_for(self.wake, ERROR_SECONDS)
                continue
            if worked:
                self.worked += 1
                continue
            self._idle_at, self._found_nothing = asked, before
            self._idle.set()
            await self.clock.wait(self.wake, self.due_at, IDLE_SECONDS)

    def ask(self) -> int:
        """Demands a look; `until_idle` with the answer returns once a step that began later found nothing, at once
        where it is known that it would.
        """
        if self._is_known_to_find_nothing():
            return self._idle_at
        self._asked += 1
        self.wake.set()
        return self._asked

    def _is_known_to_find_nothing(self) -> bool:
        if not self.heeds_stored_only or self._found_nothing is None or self.wake.is_set():
            return False
        stored, at = self._found_nothing
        now, until = self.clock.now(), self.until
        return stored is not None and at <= now and (until is None or now < until) and stored == self.stored()

    async def until_idle(self, asked: int) -> None:
        while self._idle_at < asked and not self._stopping:
            self._idle.clear()
            await self._idle.wait()

    def stop(self) -> None:
        """Lets `run` return after the step it is in."""
        self._stopping = True
        self.wake.set()
        self._idle.set()
