"""The webhook hub: passes on what LINE posts, to each target at its own pace.

One loop reads, begins and writes down; each request is a task of its own, so that no target waits for another.
What is taken is written down for many requests at a time: after a crash a target gets the last few again.
"""

import asyncio
from collections.abc import Callable

from todoke.actions.hub import FAILING, Report, record
from todoke.carriers.echoes import without_words
from todoke.carriers.line.glance import Glance
from todoke.clock import Clock, monotonic, wait_for
from todoke.engine.deliver import Ownership
from todoke.engine.hub_feed import Feed
from todoke.engine.hub_target import Passage, PassesOn
from todoke.engine.loop import IDLE_SECONDS, Loop, log
from todoke.engine.metrics import HUB_LAG, HUB_LAG_SECONDS
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import alarms, audit, channels
from todoke.storage import hub as store
from todoke.storage.database import Database
from todoke.storage.hub import HubTarget

LOOK_SECONDS = 2.0
"""So often are the targets read anew, for another process may have changed them."""
WRITE_SECONDS = 0.5
"""So often is written down how far each target is, while there is work."""
MEASURE_SECONDS = 5.0
LINGER_SECONDS = 0.01
"""What comes a little later is read and begun together."""


class Hub(Loop):
    """Passes on for the channels that this process owns."""

    name = "hub"

    def __init__(
        self,
        clock: Clock,
        database: Database,
        carrier: PassesOn,
        glance: Callable[[bytes], Glance],
        seal: Seal,
        ids: Ids,
        ownership: Ownership,
        posted: Callable[[], None] = lambda: None,
    ) -> None:
        """`posted`: told when there may be webhooks of ours to post, about alarms."""
        super().__init__(clock)
        self._database = database
        self._carrier = carrier
        self._glance = glance
        self._seal = seal
        self._ids = ids
        self._ownership = ownership
        self._posted = posted
        self._passages: dict[str, Passage] = {}
        self._leaving: list[Passage] = []
        self._feeds: dict[str, Feed] = {}
        self._names: dict[str, str] = {}
        self._known: frozenset[str] = frozenset()
        self._changed = True
        self._news = True
        self._erased = False
        self._audited: str | None = None
        self._looked = self._wrote = self._measured = -LOOK_SECONDS - MEASURE_SECONDS

    def arrived(self) -> None:
        """LINE posted something, and it is stored."""
        if self._passages:
            self._news = True
            self.wake.set()

    def changed(self) -> None:
        """A target was made or changed."""
        self._changed = True
        self.wake.set()

    def erased(self) -> None:
        """Something in the inbox was erased: nothing of it may leave from memory."""
        self._erased = True
        self.wake.set()

    def is_ours(self, target_id: str) -> bool:
        """Whether that is a target of this gateway: then what bears its name went in a circle."""
        return target_id in self._known

    async def step(self) -> bool:
        if self._changed or monotonic() - self._looked > LOOK_SECONDS:
            await self._look()
        if self._erased:
            await self._read_anew()
        if not self._passages and not self._leaving:
            self.due_at = None
            return False
        read = await self._read()
        begun = 0
        if not self._stopping:
            for passage in list(self._passages.values()):
                begun += await passage.start()
        at_rest = not (read or begun or self._out())
        await self._write_down(at_once=at_rest)
        await self._measure()
        if at_rest and not self._news and not self._changed:
            now = self.clock.now()
            due = [p.due_at(now) for p in self._passages.values()]
            self.due_at = min((x for x in due if x is not None), default=None)
            return False
        await self._until_something_happens(begun, read)
        return True

    def _out(self) -> int:
        return sum(len(p.tasks) for p in (*self._passages.values(), *self._leaving))

    async def _until_something_happens(self, begun: int, read: bool) -> None:
        await asyncio.sleep(0)
        if self._stopping or read or not self._out():
            return
        await wait_for(self.wake, IDLE_SECONDS)
        # The next step looks at everything that it may have been set for.
        self.wake.clear()
        if begun:
            await asyncio.sleep(LINGER_SECONDS)

    # Which targets there are

    async def _look(self) -> None:
        """Targets that are new, changed, paused, resumed or removed; channels that came to us or left."""
        self._changed = False
        await self._write_down(at_once=True)
        async with self._database.read(quick=True) as tx:
            targets = await store.list_targets(tx)
            audited = await audit.newest(tx)
            if targets:
                self._names = {c.id: c.name for c in await channels.list_channels(tx)}
                standing = {a.about for a in await alarms.standing(tx) if a.kind == FAILING}
        # Another process may have erased somebody: then that stands there.
        self._erased = self._erased or audited != self._audited
        self._audited = audited
        self._looked = monotonic()
        self._known = frozenset(t.id for t in targets)
        self._leaving = [p for p in self._leaving if p.tasks]
        mine = {t.id: t for t in targets if t.paused_at is None and self._ownership.owns(t.channel_id)}
        for target_id, passage in list(self._passages.items()):
            if target_id not in mine or _differs(passage.target, mine[target_id]):
                self._let_go(passage, removed=target_id not in self._known)
        for target in mine.values():
            if target.id not in self._passages and not self._is_leaving(target.id):
                passage = Passage(target, self._seal, self._carrier, self.clock, self.wake.set)
                passage.alarmed = target.id in standing
                await self._open(passage)
        self._feeds = {k: f for k, f in self._feeds.items() if k in {t.channel_id for t in mine.values()}}

    def _is_leaving(self, target_id: str) -> bool:
        """Its last requests are out still: what comes of them is written down before it is loaded anew."""
        found = any(p.target.id == target_id for p in self._leaving)
        self._changed = self._changed or found
        return found

    def _let_go(self, passage: Passage, removed: bool) -> None:
        del self._passages[passage.target.id]
        passage.closed = True
        if removed:
            passage.cancel()
            _forget_metrics(passage.target.id)
        else:
            self._leaving.append(passage)

    async def _open(self, passage: Passage) -> None:
        feed = self._feed_of(passage.target)
        if passage.open_ids:
            async with self._database.read(quick=True) as tx:
                passage.take_up(await feed.again(tx, passage.open_ids))
        self._passages[passage.target.id] = passage
        self._news = True

    def _feed_of(self, target: HubTarget) -> Feed:
        feed = self._feeds.get(target.channel_id)
        if feed is None:
            feed = self._feeds[target.channel_id] = Feed(target.channel_id, self._glance)
        return feed

    # What comes in

    async def _read(self) -> bool:
        """One portion for each that wants more. Whether there was anything."""
        if self._news:
            self._news = False
            for feed in self._feeds.values():
                feed.news()
            for passage in self._passages.values():
                passage.behind = True
        hungry = [p for p in self._passages.values() if p.hungry or p.replay_hungry]
        if not hungry or self._stopping:
            return False
        found = False
        async with self._database.read(quick=True) as tx:
            for passage in hungry:
                feed = self._feed_of(passage.target)
                if passage.hungry:
                    rows, more = await feed.after(tx, passage.position)
                    passage.take_in(rows, more)
                    found = found or bool(rows)
                if passage.replay_hungry and passage.replay_position is not None:
                    passage.take_in_again(await feed.read(tx, passage.replay_position))
                    found = True
                await asyncio.sleep(0)
        return found

    async def _read_anew(self) -> None:
        self._erased = False
        for feed in self._feeds.values():
            feed.forget()
        for passage in self._passages.values():
            passage.forget_words()
            if ids := passage.at_hand:
                async with self._database.read() as tx:
                    rows = await self._feed_of(passage.target).again(tx, sorted(ids))
                passage.renew(rows, ids)

    # What is written down

    async def _write_down(self, at_once: bool = False) -> None:
        if not at_once and monotonic() - self._wrote < WRITE_SECONDS:
            return
        self._wrote = monotonic()
        now = self.clock.now()
        mine = [*self._passages.values(), *self._leaving]
        dirty = [p for p in mine if p.dirty or (p.owes_alarm(now) and p.target.id in self._passages)]
        if not dirty:
            return
        reports = [p.report(self._ownership.fence(p.target.channel_id), now) for p in dirty]
        try:
            async with self._database.write(quick=True) as tx:
                told = await record(tx, reports, self._names, now, self._ids)
        except BaseException:
            for passage in dirty:
                passage.dirty = True
            raise
        for passage, report in zip(dirty, reports, strict=True):
            self._after_writing(passage, report)
        if told:
            self._posted()

    def _after_writing(self, passage: Passage, report: Report) -> None:
        if report.alarm:
            why = without_words(report.progress.last_status, report.progress.last_detail)
            log.error("alarm.raised", kind=FAILING, about=passage.target.id, text=why)
        elif report.alarm is False:
            log.info("alarm.cleared", kind=FAILING, about=passage.target.id)
        passage.written(report)
        if report.gone:
            self._changed = True

    async def _measure(self) -> None:
        if monotonic() - self._measured < MEASURE_SECONDS:
            return
        self._measured = monotonic()
        now = self.clock.now()
        async with self._database.read() as tx:
            for target in await store.list_targets(tx):
                if target.id in self._passages:
                    lag = await store.lag(tx, target)
                    HUB_LAG.labels(target.id).set(lag.requests)
                    HUB_LAG_SECONDS.labels(target.id).set(waited(lag.oldest, now))

    async def run(self) -> None:
        """As every loop; at the end it waits for what is out and writes it down."""
        await super().run()
        tasks = [t for p in (*self._passages.values(), *self._leaving) for t in p.tasks]
        if tasks:
            await asyncio.wait(tasks)
        await self._write_down(at_once=True)


def waited(oldest: int | None, now: int) -> float:
    """Seconds for which the oldest request that a target has still to get has been waiting."""
    return 0.0 if oldest is None else max(now - oldest, 0) / 1000


def _differs(now: HubTarget, then: HubTarget) -> bool:
    """Whether something changed that a passage goes by."""
    names = ("url", "types", "headers", "name", "replay_asked_at")
    return any(getattr(now, x) != getattr(then, x) for x in names)


def _forget_metrics(target_id: str) -> None:
    for gauge in (HUB_LAG, HUB_LAG_SECONDS):
        try:
            gauge.remove(target_id)
        except KeyError:
            continue
