"""Compares our counts with LINE's: every day by itself, and whenever somebody asks."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from todoke.actions import reconcile as actions
from todoke.carriers.line import CountKind, DeliveredCount, LineCounts
from todoke.clock import Clock
from todoke.core.counting import FIRST, LAST, Comparison, Kind, Status, days, line_day, span
from todoke.core.durations import DAY
from todoke.engine.deliver import Ownership
from todoke.engine.loop import Loop, log
from todoke.ids import Ids
from todoke.reports import reconciliation
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import channels as channel_store
from todoke.storage import line_counts as store
from todoke.storage.channels import Channel
from todoke.storage.database import Database
from todoke.storage.line_counts import LINE_WINDOW, Span
from todoke.storage.lookup import Lookup

AT_ONCE = 8
"""Channels that LINE is asked about at the same time."""
_DAYS = LAST // DAY


class Question(NamedTuple):
    """What LINE is to be asked: the kinds of one channel on one day."""

    channel: Channel
    day: date
    kinds: Sequence[Kind] = tuple(Kind)


class Said(NamedTuple):
    """What LINE said of one count, or why it said nothing. `final`: of other counts it would say the same."""

    status: Status
    number: int | None = None
    detail: str | None = None
    final: bool = False


class Comparer:
    """Asks LINE for its counts, counts ours, and keeps both side by side."""

    def __init__(
        self,
        clock: Clock,
        database: Database,
        line: LineCounts,
        seal: Seal,
        lookup: Lookup,
        ids: Ids,
        *,
        by_id: bool,
    ) -> None:
        """`by_id`: ids tell the time, as they do unless a virtual clock is followed."""
        self.by_id = by_id
        self._clock = clock
        self._database = database
        self._line = line
        self._seal = seal
        self._lookup = lookup
        self._ids = ids
        self._room = asyncio.Semaphore(AT_ONCE)

    async def compare(self, questions: Sequence[Question]) -> list[Comparison]:
        """Asks, counts and stores. Days and channels may be mixed; the answer is in the order of the questions."""
        if not questions:
            return []
        channels = {q.channel.id: q.channel for q in questions}
        said = await self._ask_all(questions)
        since, until = min(q.day for q in questions), max(q.day for q in questions)
        async with self._database.read() as tx:
            ours = await reconciliation.ours(tx, list(channels), since, until, self._lookup, by_id=self.by_id)
        now = self._clock.now()
        found = [
            Comparison(
                channel_id=q.channel.id,
                day=q.day,
                kind=kind,
                ours=ours.get((q.channel.id, q.day, kind), 0),
                theirs=told.number,
                status=told.status,
                detail=told.detail,
                checked_at=now,
            )
            for q in questions
            for kind in q.kinds
            if (told := said[q.channel.id, q.day, kind])
        ]
        async with self._database.write() as tx:
            raised = await actions.keep(tx, found, channels, now, self._ids)
        for text in raised:
            log.warning("alarm.raised", kind=actions.ALARM, text=text, remedy="see docs/reconciliation.md")
        return found

    async def review(self, channels: Mapping[str, Channel]) -> None:
        """Clears the alarms of channels whose differences are older than an alarm stands."""
        async with self._database.write() as tx:
            await actions.review(tx, channels, self._clock.now(), self._ids)

    async def _ask_all(self, questions: Sequence[Question]) -> dict[tuple[str, date, Kind], Said]:
        by_channel: dict[str, list[Question]] = {}
        for q in questions:
            by_channel.setdefault(q.channel.id, []).append(q)
        found: dict[tuple[str, date, Kind], Said] = {}
        for answers in await asyncio.gather(*(self._ask_channel(x) for x in by_channel.values())):
            found.update(answers)
        return found

    async def _ask_channel(self, questions: Sequence[Question]) -> dict[tuple[str, date, Kind], Said]:
        channel = questions[0].channel
        token, last = self._token(channel)
        found = {}
        async with self._room:
            for q in questions:
                for kind in q.kinds:
                    if last is None or not last.final:
                        last = said(await self._line.delivered(token, CountKind(kind.value), q.day))
                        if last.status in (Status.REFUSED, Status.NO_ANSWER):
                            log.warning("counts.not_told", channel=channel.id, why=last.detail)
                    found[channel.id, q.day, kind] = last
        return found

    def _token(self, channel: Channel) -> tuple[str, Said | None]:
        if channel.access_token is None:
            return "", Said(Status.NO_TOKEN, final=True)
        try:
            return self._seal.open(channel.access_token), None
        except CannotUnseal as error:
            return "", Said(Status.NO_TOKEN, detail=str(error), final=True)


def said(told: DeliveredCount) -> Said:
    """LINE's answer in our words. Where it refuses a token or does not answer, it is not asked for the rest."""
    if told.ok:
        return Said(Status(told.state.value), told.success if told.state.value == Status.READY else None)
    if told.status == 403:
        return Said(Status.NOT_ALLOWED, detail=told.error)
    if told.retryable:
        return Said(Status.NO_ANSWER, detail=told.error, final=True)
    return Said(Status.REFUSED, detail=told.error, final=told.status == 401)


class Reconciler(Loop):
    """Once a day for each channel that this process owns: the day before, and the one before that once more.

    LINE is asked of days only on which it may have shown something of ours.
    """

    name = "reconciler"
    heeds_stored_only = True

    def __init__(self, clock: Clock, database: Database, comparer: Comparer, ownership: Ownership) -> None:
        super().__init__(clock)
        self._database = database
        self._comparer = comparer
        self._ownership = ownership
        self._planned: set[str] = set()
        self._planned_at = 0
        self._coming: int | None = None
        self._active: dict[date, set[str]] = {}
        self._reviewed: set[tuple[str, date]] = set()

    async def step(self) -> bool:
        now = self.clock.now()
        async with self._database.read(quick=True) as tx:
            channels = await channel_store.list_channels(tx)
            last = await store.last_sent_at(tx)
        mine = {c.id: c for c in channels if self._ownership.owns(c.id)}
        if now < self._planned_at:
            # Only a virtual clock goes back, after everything at LINE's side was forgotten.
            self._active.clear()
            self._planned.clear()
        due = self.due_at is not None and self.due_at <= now
        if due or self._planned != mine.keys():
            if await self._work(mine, now):
                self._planned.clear()
                return True
            self._planned, self._planned_at = set(mine), now
        self.due_at = min(_times(self._coming, self._daily(mine, last, now)), default=None)
        return False

    def _daily(self, mine: Mapping[str, Channel], last: int | None, now: int) -> int | None:
        """When the next day can be compared of which LINE may have something of ours to count."""
        if last is None or not mine:
            return None
        today = line_day(now)
        for day in (today - timedelta(days=1), today):
            start, end = span(day)
            if end + FIRST > now and last >= start - LINE_WINDOW:
                return end + FIRST
        return None

    async def _work(self, mine: Mapping[str, Channel], now: int) -> bool:
        today = line_day(now)
        since = today - timedelta(days=_DAYS + 1)
        async with self._database.read() as tx:
            known = await store.compared(tx, mine, since, today)
        old = {(x.channel_id, x.day) for x in known if x.surplus and _forgets_at(x) <= now}
        if new := old - self._reviewed:
            await self._comparer.review({channel_id: mine[channel_id] for channel_id, _ in new})
        self._reviewed = old
        times = [x.next_at for x in known] + [_forgets_at(x) if x.surplus else None for x in known]
        self._coming = min((t for t in _times(*times) if t > now), default=None)
        questions = [*self._repeats(known, mine, now), *await self._first(known, mine, now)]
        return bool(await self._comparer.compare(questions)) or bool(new)

    def _repeats(self, known: Iterable[Comparison], mine: Mapping[str, Channel], now: int) -> list[Question]:
        kinds: dict[tuple[str, date], list[Kind]] = {}
        for x in known:
            if x.next_at is not None and x.next_at <= now:
                kinds.setdefault((x.channel_id, x.day), []).append(x.kind)
        return [Question(mine[channel_id], day, found) for (channel_id, day), found in kinds.items()]

    async def _first(
        self, known: Iterable[Comparison], mine: Mapping[str, Channel], now: int
    ) -> list[Question]:
        before = {(x.channel_id, x.day) for x in known}
        today, found = line_day(now), []
        over = [d for d in days(today - timedelta(days=_DAYS), today) if span(d)[1] + FIRST <= now]
        self._active = {d: x for d, x in self._active.items() if d in over}
        for day in over:
            missing = [c for c in mine.values() if (c.id, day) not in before and c.created_at < span(day)[1]]
            if missing and day not in self._active:
                async with self._database.read() as tx:
                    self._active[day] = await store.active(tx, Span(*span(day), by_id=self._comparer.by_id))
            found += [Question(c, day) for c in missing if c.id in self._active[day]]
        return found


def _times(*times: int | None) -> list[int]:
    return [t for t in times if t is not None]


def _forgets_at(x: Comparison) -> int:
    """When a difference is too old for an alarm."""
    return span(x.day)[1] + LAST
