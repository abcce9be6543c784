"""Writes down what carriers answered and what they posted since, as much as there is at a time, in one commit."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping

from todoke.actions.reactions import Reactions
from todoke.actions.record import AnswerTo, Read, Recorded, record
from todoke.carriers import BadEvent, EventReader
from todoke.clock import Clock, monotonic
from todoke.core.outcome import Answer, Outcome
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import ATTEMPTS, LATE_DUPLICATES, UNKNOWN_TAGS
from todoke.storage import inbox
from todoke.storage.database import Database
from todoke.storage.inbox import Stored
from todoke.storage.lookup import Lookup
from todoke.storage.notice_changes import Stale

MOST_ANSWERS = 1000
MOST_REQUESTS = 50
"""As many as take some tens of milliseconds where each holds twenty events: meanwhile nobody is answered."""
BUSY = 50
"""More answers and requests than that in one commit is load."""
LINGER_SECONDS = 0.05
COMPLAIN_SECONDS = 30.0


class Recorder(Loop):
    """Collects answers, and reads the inbox in the order it came. Counts what is out, from claim to record."""

    name = "recorder"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        lookup: Lookup,
        readers: Mapping[str, EventReader],
        reactions: Reactions,
        posted: Callable[[], None] = lambda: None,
    ) -> None:
        """`posted`: told when there are webhooks to post."""
        super().__init__(clock)
        self._posted = posted
        self._readers = readers
        self._reactions = reactions
        self._busy = False
        self._database = database
        self._lookup = lookup
        self._answers: list[AnswerTo] = []
        self._complained = -COMPLAIN_SECONDS
        self._out: dict[Hashable, int] = {}
        self.moved = asyncio.Event()
        """Set whenever something was recorded."""
        self.listeners: list[asyncio.Event] = []
        """Set likewise: there may be room, or a next step due."""

    def out(self, place: Hashable = None) -> int:
        """Attempts claimed and not yet recorded, of one place (a channel's lane) or of all."""
        return sum(self._out.values()) if place is None else self._out.get(place, 0)

    def claimed(self, place: Hashable, count: int) -> None:
        self._out[place] = self._out.get(place, 0) + count

    def dropped(self, place: Hashable, count: int) -> None:
        """These will not be recorded by us: the channel went to another process."""
        self._out[place] = self._out.get(place, 0) - count
        self._tell()

    def add(self, place: Hashable, told: AnswerTo) -> None:
        self._answers.append(told)
        self._out[place] -= 1
        # The count of what is out must not fall to zero before the answer is in the database.
        self._out[""] = self._out.get("", 0) + 1
        self.wake.set()

    async def step(self) -> bool:
        if self._busy:
            # Under load what is a little later is one commit with the rest, and an answer meets its event.
            await asyncio.sleep(LINGER_SECONDS)
        async with self._database.read(quick=True) as tx:
            stored = await inbox.pending(tx, MOST_REQUESTS)
        if not self._answers and not stored:
            self._busy = False
            return False
        answers, self._answers = self._answers[:MOST_ANSWERS], self._answers[MOST_ANSWERS:]
        requests = [self._read(s) for s in stored]
        self._busy = len(answers) + len(requests) > BUSY
        try:
            async with self._database.write(quick=True) as tx:
                recorded = await record(
                    tx,
                    answers,
                    requests,
                    self.clock.now(),
                    self._lookup,
                    self._reactions,
                    self._lookup.working,
                )
        except Stale:
            # Somebody else moved one of them, as by a cancel: read them all and decide again.
            self._lookup.working.clear()
            self._answers = answers + self._answers
            return True
        except BaseException:
            self._answers = answers + self._answers
            raise
        self._lookup.working.keep(recorded.moved)
        self._out[""] = self._out.get("", 0) - len(answers)
        self._count(answers, recorded)
        self.moved.set()
        if answers:
            self._tell()
        if recorded.announced:
            self._posted()
        return True

    def _read(self, stored: Stored) -> Read:
        reader = self._readers.get(stored.carrier)
        if reader is None:
            return Read(stored, (), f"no carrier {stored.carrier} is set up")
        try:
            events = reader.read_events(json.loads(stored.headers), stored.body, stored.received_at)
        except BadEvent as error:
            log.warning("inbox.unreadable", inbox=stored.id, carrier=stored.carrier, why=str(error))
            return Read(stored, (), str(error))
        return Read(stored, events)

    def _count(self, answers: list[AnswerTo], recorded: Recorded) -> None:
        for outcome, count in Counter(x.answer.outcome for x in answers).items():
            ATTEMPTS.labels(outcome).inc(count)
        LATE_DUPLICATES.inc(recorded.late_duplicates)
        UNKNOWN_TAGS.inc(recorded.unknown_tags)
        for why in recorded.paused:
            log.error("channel.paused", why=why, remedy="see todoke doctor")
        for move in recorded.illegal:
            log.error("notice.illegal_move", why=move, remedy="this is a defect of Todoke; please report it")
        self._complain([x.answer for x in answers])

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
