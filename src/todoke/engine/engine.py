"""All loops together: started, stopped, woken, and brought to rest for the virtual clock."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from todoke.actions.reactions import Reactions
from todoke.carriers import EventReader
from todoke.clock import Clock
from todoke.engine.batch_ends import BatchEnds
from todoke.engine.deliver import Deliver, Ownership
from todoke.engine.housekeeping import Housekeeping
from todoke.engine.intake import Intake
from todoke.engine.key_levels import KeyLevels
from todoke.engine.list_readers import Beside, Here, ListSource
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import OUT
from todoke.engine.owners import Owners, Presence
from todoke.engine.preparer import Preparer
from todoke.engine.recorder import Recorder
from todoke.engine.releaser import Releaser
from todoke.engine.sending import Outlets, PacerBook
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage.channels import Channel
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

STOP_SECONDS = 20.0
"""How long a graceful stop waits for answers that are outstanding."""


class Engine:
    """The half of Todoke that works: sending, applying, reading, timing."""

    def __init__(
        self,
        *,
        clock: Clock,
        database: Database,
        data_dir: Path,
        outlets: Outlets,
        readers: dict[str, EventReader],
        lookup: Lookup,
        ids: Ids,
        seal: Seal,
        reactions: Reactions,
        chores: Callable[["Engine"], Sequence[Loop]] = lambda _: (),
        posted: Callable[[], None] = lambda: None,
        reads_beside: bool = False,
    ) -> None:
        """`chores`: makes the loops that work beside the notices, such as those that renew tokens. `posted`: told
        when there are webhooks to post. `reads_beside`: long lists are read in a process of its own.
        """
        self._clock = clock
        self._database = database
        self._outlets = outlets
        self._lookup = lookup
        self._ids = ids
        self._seal = seal
        self._pacers = PacerBook()
        self._posted = posted
        self._recorder = Recorder(clock, database, lookup, readers, reactions, posted)
        self._owners = Owners(
            clock, database, Presence(data_dir / "running", ids.new()), lookup, self._took, ids
        )
        uploads = data_dir / "uploads"
        here = Here(uploads, ids, lambda: self._recorder.out() > 0)
        self._lists: ListSource = Beside(here, uploads, lookup.desks) if reads_beside else here
        self._intake = Intake(
            clock,
            database,
            uploads,
            lookup,
            ids,
            outlets.setup,
            self._wake_deliver,
            posted,
            source=self._lists,
        )
        self._preparer = Preparer(clock, database, data_dir / "uploads", ids, self._intake.wake.set, posted)
        self._fixed: list[Loop] = [
            self._owners,
            self._intake,
            self._preparer,
            self._recorder,
            Releaser(clock, database, lookup, ids, self._owners, self._wake_deliver, posted),
            BatchEnds(clock, database, ids, posted),
            Housekeeping(clock, database, data_dir / "uploads"),
            KeyLevels(clock, database),
        ]
        self._delivers: dict[str, Deliver] = {}
        self._tasks: dict[Loop, asyncio.Task[None]] = {}
        self._fixed += chores(self)
        OUT.set_function(self._recorder.out)

    @property
    def ownership(self) -> Ownership:
        """Which channels this process paces."""
        return self._owners

    @property
    def pacers(self) -> PacerBook:
        """The pace of each channel."""
        return self._pacers

    def use(self, channel: Channel) -> None:
        """A channel's access token has changed: what is claimed and has not left goes with this one."""
        if (deliver := self._delivers.get(channel.id)) is not None:
            deliver.use(channel)

    @property
    def _loops(self) -> list[Loop]:
        return [*self._fixed, *self._delivers.values()]

    async def start(self) -> None:
        """Begins to work. What a killed predecessor left out is taken over at once."""
        for loop in self._fixed:
            self._start(loop)

    def _start(self, loop: Loop) -> None:
        loop.stored = self._stored
        task = asyncio.create_task(loop.run(), name=loop.name)
        self._tasks[loop] = task

    def _stored(self) -> tuple[int, int] | None:
        version = self._database.version()
        return None if version is None else (version, self._owners.changes)

    async def _took(self, channel: Channel, fence: int) -> None:
        if (before := self._delivers.pop(channel.id, None)) is not None:
            before.stop()
            # A claim that it is in the middle of must be counted before its senders end.
            await self._tasks.pop(before)
            await before.close()
            del self._recorder.listeners[channel.id]
        deliver = Deliver(
            self._clock,
            self._database,
            channel,
            fence,
            self._outlets,
            self._recorder,
            self._lookup,
            self._ids,
            self._seal,
            self._owners,
            self._pacers,
            self._posted,
        )
        self._delivers[channel.id] = deliver
        self._recorder.listeners[channel.id] = deliver.recorded
        self._start(deliver)

    def wake(self) -> None:
        """Something was stored: look now rather than at the next turn."""
        for loop in self._loops:
            loop.wake.set()

    def wake_channels(self, channel_ids: Iterable[str]) -> None:
        """Notices of these channels were stored."""
        for channel_id in channel_ids:
            self._wake_deliver(channel_id)

    def _wake_deliver(self, channel_id: str) -> None:
        """Notices of this channel were stored."""
        if (deliver := self._delivers.get(channel_id)) is not None:
            deliver.wake.set()

    def wake_inbox(self) -> None:
        """A carrier's request was stored."""
        self._recorder.wake.set()

    async def settle(self) -> tuple[int | None, bool]:
        """Does everything that is due now. Answers the next due time, and whether there was any work."""
        before = self._work()
        while True:
            round_before = self._work()
            asked = [(loop, loop.ask()) for loop in self._loops]
            for loop, ticket in asked:
                await loop.until_idle(ticket)
            while self._recorder.out():
                self._recorder.moved.clear()
                await self._recorder.moved.wait()
            if self._work() == round_before:
                break
        due = [loop.due_at for loop in self._loops if loop.due_at is not None]
        return min(due, default=None), self._work() != before

    def _work(self) -> int:
        return sum(loop.worked for loop in self._loops)

    async def stop(self) -> None:
        """Claims nothing more, waits for what is out, records it, gives the channels up."""
        for deliver in self._delivers.values():
            deliver.stop()
        self._intake.stop()
        self._preparer.stop()
        self._owners.stop()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while self._recorder.out():
                    self._recorder.moved.clear()
                    await self._recorder.moved.wait()
        except TimeoutError:
            log.warning("engine.stop", unanswered=self._recorder.out())
        for loop in self._loops:
            loop.stop()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._lists.close()
        for deliver in self._delivers.values():
            await deliver.close()
        await self._owners.release()
