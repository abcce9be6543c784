"""One target of the webhook hub, as the process that owns its channel keeps it in mind."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Protocol

from todoke.actions.hub import TOO_OLD, Report
from todoke.carriers.passing import PassedOn
from todoke.clock import Clock
from todoke.core.durations import DAY
from todoke.core.hub import FAILING_IS_ALARM, MOST_OPEN, Course, Fate
from todoke.core.hub_queue import Request
from todoke.core.outcome import Answer, Outcome
from todoke.engine.hub_feed import PORTION, Seen, decode_headers
from todoke.engine.loop import log
from todoke.engine.metrics import HUB_REQUESTS
from todoke.sealing import CannotUnseal, Seal
from todoke.storage.hub import HubTarget, Progress, Skip

KEPT_FOR = 30 * DAY
"""What is older is not passed on any more; so long the inbox keeps it, too."""
MOST_BYTES = 8_000_000
"""Bytes of bodies that wait for one target, after which no more are read."""
AT_ONCE = 16
"""Requests that are begun before others have their turn."""


class PassesOn(Protocol):
    """Sends one request; `todoke.carriers.passing.Passing` does."""

    async def send(self, message: PassedOn) -> Answer:
        """What it came to, whatever the network does."""
        ...


class Held(Request, kw_only=True, eq=False):
    """A request with what is sent."""

    seen: Seen


class Passage:
    """Reads, sends, and remembers how far it is, until that is written down.

    `woken` is told whenever a request was answered.
    """

    def __init__(
        self, target: HubTarget, seal: Seal, carrier: PassesOn, clock: Clock, woken: Callable[[], None]
    ) -> None:
        self.target = target
        self._carrier = carrier
        self._clock = clock
        self._woken = woken
        self._types = None if target.types is None else frozenset(json.loads(target.types))
        self._headers: dict[str, str] = {}
        self._cannot: str | None = None
        try:
            if target.headers is not None:
                self._headers = decode_headers(seal.open(target.headers))
        except CannotUnseal as error:
            self._cannot = str(error)
        self._course: Course[Held] = Course(fails=target.tries, failing_since=target.failing_since)
        self._live: dict[int, Held] = {}
        self._again: dict[int, Held] = {}
        self.position = target.position
        self.replay_position = target.replay_position
        self._replaying = target.replay_asked_at
        self.behind = True
        """There may be more in the inbox."""
        self.gone = False
        """It answered that it wants no more."""
        self.closed = False
        """It sends nothing more: it was changed, paused or removed."""
        self.alarmed: bool | None = None
        """Whether its alarm stands, where that is known."""
        self.dirty = False
        self.tasks: set[asyncio.Task[None]] = set()
        self._last_taken_at = target.last_taken_at
        self._last_failed_at = target.last_failed_at
        self._last_status = target.last_status
        self._last_detail = target.last_detail
        self._taken = 0
        self._skips: list[Skip] = []

    @property
    def out(self) -> int:
        return self._course.out

    @property
    def open_ids(self) -> list[int]:
        """Those that stood as not done with when the target was loaded."""
        found: list[int] = json.loads(self.target.unfinished)
        return found

    def has_room(self) -> bool:
        """Whether more may be read."""
        queue = self._course.queue
        return not self._ended and len(queue) <= MOST_OPEN - PORTION and queue.size < MOST_BYTES

    @property
    def _ended(self) -> bool:
        return self.gone or self.closed

    @property
    def hungry(self) -> bool:
        """Whether it wants new requests."""
        return self.behind and self.has_room()

    @property
    def replay_hungry(self) -> bool:
        """Whether it wants old ones: half of the room is theirs at most."""
        return (
            self._replaying is not None
            and self.replay_position is not None
            and self.replay_position < (self.target.replay_until or 0)
            and len(self._again) <= MOST_OPEN // 2 - PORTION
            and self.has_room()
        )

    def take_up(self, found: Iterable[Seen]) -> None:
        """What a former process had not done with."""
        missing = set(self.open_ids)
        for seen in found:
            missing.discard(seen.row.id)
            self._add(seen, self._live)
        for inbox_id in sorted(missing):
            self._skip(inbox_id, None, "the inbox does not keep it any more")

    def take_in(self, found: list[Seen], more: bool) -> None:
        """What came after `position`; `more`: there may be yet more of it."""
        self.behind = more
        if found:
            self.position = found[-1].row.id
            self.dirty = True
        for seen in found:
            if self._wants(seen):
                self._add(seen, self._live)

    def take_in_again(self, found: list[Seen]) -> None:
        """What came after `replay_position`."""
        until = self.target.replay_until or 0
        wanted = [x for x in found if x.row.id <= until]
        over = len(wanted) < PORTION
        self.replay_position = until if over else wanted[-1].row.id
        self.dirty = True
        for seen in wanted:
            if self._wants(seen):
                self._add(seen, self._again, replay=True)

    def _wants(self, seen: Seen) -> bool:
        """What can't be read is for everybody."""
        types = seen.glance.types
        return self._types is None or types is None or not types.isdisjoint(self._types)

    def _add(self, seen: Seen, where: dict[int, Held], replay: bool = False) -> None:
        held = Held(
            id=seen.row.id,
            received_at=seen.row.received_at,
            size=len(seen.row.body),
            users=seen.glance.sources,
            replay=replay,
            seen=seen,
        )
        where[held.id] = held
        self._course.queue.add(held)

    def renew(self, found: Iterable[Seen], ids: set[int]) -> None:
        """What is at hand of these ids is as the inbox has it now; what that has no more is not sent."""
        now = {x.row.id: x for x in found}
        for held in (*self._live.values(), *self._again.values()):
            if held.id in ids:
                held.seen = now.get(held.id, _nothing(held.seen))

    def forget_words(self) -> None:
        """What the target said may be about somebody who was erased."""
        if self._last_status is not None:
            self._last_detail = None
        for skip in self._skips:
            if skip.status is not None:
                skip.detail = None

    @property
    def at_hand(self) -> set[int]:
        """Ids of all requests that it holds."""
        return {*self._live, *self._again}

    async def start(self) -> int:
        """Sends what may leave now; answers how many that are."""
        begun = 0
        while not self._ended and (chosen := self._course.next(self._clock.now())) is not None:
            held, number = chosen
            if not held.seen.row.body or held.received_at < self._clock.now() - KEPT_FOR:
                self._course.drop(held)
                self._done(held)
                if held.seen.row.body:
                    self._skip(held.id, None, TOO_OLD)
                continue
            task = asyncio.create_task(self._send(held, number))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            begun += 1
            if begun % AT_ONCE == 0:
                await asyncio.sleep(0)
        return begun

    async def _send(self, held: Held, number: int) -> None:
        answer = await self._answer(held)
        now = self._clock.now()
        fate = self._course.answered(held, number, answer, now)
        HUB_REQUESTS.labels(self.target.id, fate).inc()
        self.dirty = True
        if fate is Fate.TAKEN:
            self._last_taken_at = now
            self._taken += 1
            self._done(held)
        else:
            self._last_failed_at, self._last_status, self._last_detail = now, answer.status, answer.detail
        if fate is Fate.SKIPPED:
            self._done(held)
            self._skip(held.id, answer.status, answer.detail)
            log.warning("hub.skipped", target=self.target.id, inbox=held.id, status=answer.status)
        elif fate is Fate.GONE:
            self.gone = True
            log.warning("hub.gone", target=self.target.id)
        self._woken()

    async def _answer(self, held: Held) -> Answer:
        if self._cannot is not None:
            return Answer(outcome=Outcome.FAILED, detail=self._cannot)
        try:
            message = PassedOn(
                url=self.target.url,
                target_id=self.target.id,
                body=held.seen.row.body,
                signed=decode_headers(held.seen.row.headers),
                headers=self._headers,
                number=held.tries + 1,
                replay=held.replay,
            )
            return await self._carrier.send(message)
        except Exception as error:
            log.exception("hub.error", target=self.target.id, error=type(error).__name__)
            return Answer(outcome=Outcome.FAILED, detail=f"internal error: {type(error).__name__}")

    def _done(self, held: Held) -> None:
        (self._again if held.replay else self._live).pop(held.id, None)
        self.dirty = True

    def _skip(self, inbox_id: int, status: int | None, detail: str | None) -> None:
        now = self._clock.now()
        self._skips.append(
            Skip(target_id=self.target.id, inbox_id=inbox_id, at=now, status=status, detail=detail)
        )
        self.dirty = True

    def due_at(self, now: int) -> int | None:
        """When there is next something to do that can't be done now."""
        if self._ended:
            return None
        due = self._course.due_at(now)
        since = self._course.failing_since
        if since is None or self.alarmed:
            return due
        return min(since + FAILING_IS_ALARM, due or since + FAILING_IS_ALARM)

    def _should_alarm(self, now: int) -> bool:
        since = self._course.failing_since
        return since is not None and now - since >= FAILING_IS_ALARM

    def owes_alarm(self, now: int) -> bool:
        """Whether its alarm is to be raised or cleared."""
        return self._should_alarm(now) != bool(self.alarmed)

    def report(self, fence: int | None, now: int) -> Report:
        """All that is to be written down; `written` afterwards, if it was."""
        self.dirty = False
        failing = self._course.failing_since
        return Report(
            target=self.target,
            fence=fence,
            progress=Progress(
                position=self.position,
                unfinished=json.dumps(sorted(self._live)),
                tries=self._course.pace.fails,
                due_at=self._course.due_at(now),
                failing_since=failing,
                last_taken_at=self._last_taken_at,
                last_failed_at=self._last_failed_at,
                last_status=self._last_status,
                last_detail=self._last_detail,
                taken=self._taken,
                skipped=len(self._skips),
            ),
            replay=self._replay_progress(),
            skips=list(self._skips),
            gone=self.gone,
            alarm=self._should_alarm(now) if self.owes_alarm(now) else None,
        )

    def _replay_progress(self) -> tuple[int, int | None] | None:
        if self._replaying is None or self.replay_position is None:
            return None
        if self._again:
            return self._replaying, min(self._again) - 1
        over = self.replay_position >= (self.target.replay_until or 0)
        return self._replaying, None if over else self.replay_position

    def written(self, report: Report) -> None:
        """It stands in the database."""
        self._taken -= report.progress.taken
        del self._skips[: len(report.skips)]
        if report.alarm is not None:
            self.alarmed = report.alarm
        if report.replay is not None and report.replay[1] is None:
            self._replaying = self.target.replay_asked_at = None

    def cancel(self) -> None:
        """Breaks off what is out."""
        for task in self.tasks:
            task.cancel()


def _nothing(seen: Seen) -> Seen:
    """The same without a body: it was erased."""
    return seen._replace(row=seen.row._replace(body=b""))
