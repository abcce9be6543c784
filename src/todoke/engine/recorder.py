"""Writes down what carriers answered and what they posted since, as much as there is at a time, in one commit."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from todoke.actions.alike import AnswerTo
from todoke.actions.reactions import Reactions
from todoke.actions.record import Prepared, Read, Recorded, prepare, record
from todoke.carriers import BadEvent, EventReader
from todoke.clock import Clock, monotonic, worked
from todoke.core.outcome import Answer, Outcome
from todoke.engine.loop import IDLE_SECONDS, Loop, log
from todoke.engine.metrics import ATTEMPTS, LATE_DUPLICATES, UNKNOWN_TAGS
from todoke.engine.stretch import Stretch
from todoke.storage import inbox
from todoke.storage.database import Database
from todoke.storage.inbox import Stored
from todoke.storage.lookup import Lookup
from todoke.storage.notice_changes import Stale

BUSY = 50
BUSY_SECONDS = 0.1
"""More answers and events than that in this time is load."""
LINGER_SECONDS = 0.05
MEET_SECONDS, MOST_SECONDS = 0.08, 0.5
"""Under load an answer that the message was taken waits for its delivery event, to be written down with it: until then
nothing hangs on it, and a notice is changed once for both. It waits for what came up to MEET_SECONDS after it to be
read, MOST_SECONDS at most. All other answers lead to something, and wait for nothing."""
COMPLAIN_SECONDS = 30.0


class _Answer(NamedTuple):
    """An answer that waits to be written down. `place`: where it was out; `at`: when it came, by `monotonic`."""

    told: AnswerTo
    place: Hashable
    at: float


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
        self._lag = 0.0
        """For how many seconds, lately, a request from outside has waited in the inbox until it was read."""
        self._lately = 0.0
        """Answers and events of the last BUSY_SECONDS, about."""
        self._recorded_at = 0.0
        self._stretch = Stretch()
        self._database = database
        self._lookup = lookup
        self._answers: dict[str, _Answer] = {}
        self._accepted: dict[str, _Answer] = {}
        """Those that may wait for their event, in the order in which they came; both by their attempts' ids."""
        self._unrecorded: Counter[Hashable] = Counter()
        self._complained = -COMPLAIN_SECONDS
        self._out: dict[Hashable, int] = {}
        self.moved = asyncio.Event()
        """Set whenever something was recorded."""
        self.listeners: dict[str, Callable[[bool], None]] = {}
        """By channel. Told likewise, for there may be room now; and whether a next step of the channel may be due."""

    def out(self, place: Hashable = None) -> int:
        """Attempts claimed and not yet recorded, of one place (a channel's lane) or of all."""
        return sum(self._out.values()) if place is None else self._out.get(place, 0)

    def unrecorded(self, place: Hashable) -> int:
        """Answers of one place that wait to be recorded."""
        return self._unrecorded[place]

    def claimed(self, place: Hashable, count: int) -> None:
        self._out[place] = self._out.get(place, 0) + count

    def dropped(self, place: Hashable, count: int) -> None:
        """These will not be recorded by us: the channel went to another process."""
        self._out[place] = self._out.get(place, 0) - count
        self._tell(self.listeners.keys())

    def add(self, place: Hashable, *answers: AnswerTo) -> None:
        at = monotonic()
        for told in answers:
            waiting = self._accepted if told.answer.outcome is Outcome.ACCEPTED else self._answers
            waiting[told.attempt_id] = _Answer(told, place, at)
        self._unrecorded[place] += len(answers)
        self._out[place] -= len(answers)
        # The count of what is out must not fall to zero before the answer is in the database.
        self._out[""] = self._out.get("", 0) + len(answers)
        self.wake.set()

    async def step(self) -> bool:
        if self._busy:
            # Under load what is a little later is one commit with the rest, and an answer meets its event.
            await asyncio.sleep(LINGER_SECONDS)
        begun, stretch = worked(), self._stretch
        most = stretch.requests
        now, working = self.clock.now(), self._lookup.working
        moment = self._database.moment()
        async with self._database.read(quick=True) as tx:
            stored = await inbox.pending(tx, most)
            ripe = self._ripe()
            if not ripe and not stored:
                self._busy = bool(self._accepted)
                return self._busy
            requests, events = self._read_some(stored, stretch.events(len(ripe)))
            room = stretch.answers(events)
            taken = self._met(requests, ripe[:room])
            answers = [x.told for x in taken]
            prepared: Prepared | None = await prepare(tx, answers, requests, now, working)
        seconds = worked() - begun
        try:
            async with self._database.write(quick=True) as tx:
                begun = worked()
                if not self._database.is_as_at(moment):
                    prepared = None
                recorded = await record(
                    tx, answers, requests, now, self._lookup, self._reactions, working, prepared
                )
                if recorded.only_notices:
                    self._database.leave_plans()
                seconds += worked() - begun
        except Stale:
            # Somebody else moved one of them, as by a cancel: read them all and decide again.
            working.clear()
            return True
        for x in answers:
            if self._accepted.pop(x.attempt_id, None) is None:
                self._answers.pop(x.attempt_id, None)
        stretch.took(len(answers), len(requests), events, seconds, sending=self.out() > 0)
        is_behind = not len(requests) == len(stored) < most
        waited = now - requests[-1].stored.received_at if requests else 0
        # It falls slowly: that the inbox was empty once does not mean that all have come.
        self._lag = max(waited / 1000, 0.9 * self._lag)
        is_loaded = self._load(len(answers) + events) > BUSY
        self._busy = is_loaded and not is_behind and len(ripe) <= room
        working.keep(recorded.moved, recorded.alike)
        self._out[""] = self._out.get("", 0) - len(answers)
        self._unrecorded.subtract([x.place for x in taken])
        self._count(answers, recorded)
        self._tell(_may_be_due(recorded, now))
        if recorded.announced:
            self._posted()
        return True

    def _load(self, more: int) -> float:
        now = monotonic()
        left = max(1 - (now - self._recorded_at) / BUSY_SECONDS, 0)
        self._lately = self._lately * left + more
        self._recorded_at = now
        return self._lately

    def _ripe(self) -> list[_Answer]:
        """Answers to be written down now, whether or not their events have come."""
        wait = 0.0
        if self._load(0) > BUSY:
            wait = min(MEET_SECONDS + self._lag, MOST_SECONDS)
        since = monotonic() - wait
        return [*self._answers.values(), *takewhile(lambda x: x.at <= since, self._accepted.values())]

    def _met(self, requests: Sequence[Read], ripe: Sequence[_Answer]) -> Sequence[_Answer]:
        """These answers, and those whose events are in the requests."""
        taken = {x.told.attempt_id: x for x in ripe}
        for request in requests:
            for event in request.events:
                if event.tag is not None and (answer := self._accepted.get(event.tag)) is not None:
                    taken[event.tag] = answer
        return list(taken.values())

    def _read_some(self, stored: Sequence[Stored], most: int) -> tuple[list[Read], int]:
        """The first of them, one at least, until they hold so many events; and how many these are."""
        requests: list[Read] = []
        events = 0
        for each in stored:
            requests.append(self._read(each))
            events += len(requests[-1].events)
            if events >= most:
                break
        return requests, events

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

    def _tell(self, may_be_due: Collection[str]) -> None:
        self.moved.set()
        for channel_id, listener in self.listeners.items():
            listener(channel_id in may_be_due)


def _may_be_due(recorded: Recorded, now: int) -> set[str]:
    """The channels with notices that moved, and may need something before their channel looks again by itself."""
    soon = now + int(IDLE_SECONDS * 1000)
    found = {x.channel_id for x in recorded.moved}
    for _, after, _ in recorded.alike:
        due_at = after.notice.due_at
        if due_at is not None and due_at <= soon:
            found.add(after.channel_id)
    return found
