"""Writes down what carriers answered, as many as there are at a time, in one commit."""

import asyncio
from collections import Counter

from todoke.actions.advance import record_answers
from todoke.clock import Clock, monotonic
from todoke.core.outcome import Answer, Outcome
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import ATTEMPTS, LATE_DUPLICATES
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

MOST = 1000
COMPLAIN_SECONDS = 30.0


class Recorder(Loop):
    """Collects answers. Counts what is out, from the claim to the record."""

    name = "recorder"

    def __init__(self, clock: Clock, database: Database, lookup: Lookup) -> None:
        super().__init__(clock)
        self._database = database
        self._lookup = lookup
        self._answers: list[tuple[str, str, Answer]] = []
        self._complained = -COMPLAIN_SECONDS
        self._out: dict[str, int] = {}
        self.moved = asyncio.Event()
        """Set whenever something was recorded."""
        self.listeners: list[asyncio.Event] = []
        """Set likewise: there may be room, or a next step due."""

    def out(self, channel_id: str | None = None) -> int:
        """Attempts claimed and not yet recorded, of one channel or of all."""
        return sum(self._out.values()) if channel_id is None else self._out.get(channel_id, 0)

    def claimed(self, channel_id: str, count: int) -> None:
        self._out[channel_id] = self._out.get(channel_id, 0) + count

    def dropped(self, channel_id: str, count: int) -> None:
        """These will not be recorded by us: the channel went to another process."""
        self._out[channel_id] = self._out.get(channel_id, 0) - count
        self._tell()

    def add(self, channel_id: str, notice_id: str, attempt_id: str, answer: Answer) -> None:
        self._answers.append((notice_id, attempt_id, answer))
        self._out[channel_id] -= 1
        # The count of what is out must not fall to zero before the answer is in the database.
        self._out[""] = self._out.get("", 0) + 1
        self.wake.set()

    async def step(self) -> bool:
        if not self._answers:
            return False
        answers, self._answers = self._answers[:MOST], self._answers[MOST:]
        try:
            async with self._database.write(quick=True) as tx:
                recorded = await record_answers(tx, answers, self.clock.now(), self._lookup)
        except BaseException:
            self._answers = answers + self._answers
            raise
        self._out[""] -= len(answers)
        for outcome, count in Counter(answer.outcome for _, _, answer in answers).items():
            ATTEMPTS.labels(outcome).inc(count)
        self._complain([a for _, _, a in answers])
        LATE_DUPLICATES.inc(recorded.late_duplicates)
        for why in recorded.paused:
            log.error("channel.paused", why=why, remedy="see todoke doctor")
        self._tell()
        return True

    def _complain(self, answers: list[Answer]) -> None:
        """One line while a carrier can't be reached, not one a notice."""
        lost = [a for a in answers if a.status is None and a.outcome in (Outcome.FAILED, Outcome.UNKNOWN)]
        if lost and monotonic() - self._complained > COMPLAIN_SECONDS:
            self._complained = monotonic()
            log.warning(
                "carrier.unreached", attempts=len(lost), outcome=lost[-1].outcome, why=lost[-1].detail
            )

    def _tell(self) -> None:
        self.moved.set()
        for listener in self.listeners:
            listener.set()
