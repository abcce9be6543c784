"""One durable commit for all who want to write at the same time.

A commit costs as much as changing some hundred rows. So a writer that is done leaves its transaction open for whoever
waits just then, and all of them go on when the last one has committed for all. Each has a savepoint: what one rolls
back is lost to none of the others. (MySQL and PostgreSQL do the same with the writing of their logs.)
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from todoke.storage import sqlite

MOST_MEMBERS = 16
MOST_SECONDS = 0.02
"""From the first member's begin; later ones wait for the next commit."""


class _Group:
    """Writers that share a transaction. `done` ends with its commit, or with why there was none."""

    def __init__(self, kept: sqlite.Kept, now: float) -> None:
        self.kept = kept
        self.connection = kept.connection
        self.direct = kept.direct
        self.begun = now
        self.members = 0
        self.upsets_plans = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody may be left to hear of it.
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())


class Writers:
    """The turns of all who write with one engine, and of those who must be alone."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: sqlite.Kept | None = None
        self._turn = asyncio.Lock()
        self._open: _Group | None = None
        self._waiting = 0
        """Who would join a transaction that is left open."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked = 0.0
        """When somebody last wanted a turn."""
        self._upset = 0
        """How many commits there were that a plan may depend on."""
        self._leaves_plans = False
        self._version = 0

    def moment(self) -> int:
        """Of what is committed now, for `is_as_at`. To be asked before reading what a plan is made of."""
        return self._upset

    def is_as_at(self, moment: int) -> bool:
        """Whether nothing was committed since, by whatever process, that a plan may depend on. To be asked by whoever
        has the turn.
        """
        return self._upset == moment and (self._open is None or not self._open.upsets_plans)

    def leave_plans(self) -> None:
        """What the writer who has the turn writes is nothing that a plan depends on, or plans are held against it row
        by row.
        """
        self._leaves_plans = True

    @property
    def idle_seconds(self) -> float:
        """For how long nobody has wanted to write; 0 while somebody does."""
        if self._turn.locked() or self._waiting:
            return 0.0
        return asyncio.get_running_loop().time() - self._asked

    @asynccontextmanager
    async def joined(self, *, large: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction that may be shared. Ends when all of it is durable; raises what its commit raised.

        `large`: it changes many pages, and so joins nobody: under a savepoint SQLite keeps a copy of each in memory.
        """
        await self._my_turn()
        ends = None
        try:
            # Until the member has done its part, whatever breaks ends it for all: nobody may be left waiting for it.
            if large:
                await self._commit_open()
            group = ends = self._open or await self._begin()
            self._leaves_plans = False
            try:
                if group.members:
                    group.direct.execute("SAVEPOINT member")
                yield group.connection
                _complete(group)
            except BaseException as error:
                if _take_back(group):
                    ends = self._if_nobody_joins(group)
                else:
                    self._tell(group, error)
                raise
            group.members += 1
            group.upsets_plans |= not self._leaves_plans
            ends = self._if_nobody_joins(group)
        finally:
            if ends is None:
                self._turn.release()
            else:
                # In a task of its own: whoever is cancelled now must not take the commit of the others along.
                self._keep(self._end(ends))
        await asyncio.shield(group.done)

    async def close(self) -> None:
        """Waits for what is being committed."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._kept is not None:
            await self._kept.close()
            self._kept = None

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else writes, and no transaction is open."""
        self._asked = asyncio.get_running_loop().time()
        async with self._turn:
            await self._commit_open()
            try:
                yield
            finally:
                self._upset += 1

    async def _my_turn(self) -> None:
        self._waiting += 1
        self._asked = asyncio.get_running_loop().time()
        try:
            await self._turn.acquire()
        except BaseException:
            if self._waiting == 1 and self._open is not None:
                # It was left open for us.
                self._keep(self._commit_left())
            raise
        finally:
            self._waiting -= 1

    async def _begin(self) -> _Group:
        if self._kept is None:
            self._kept = await sqlite.Kept.open(self._engine, sqlite.WRITES)
        await self._kept.begin()
        try:
            version = self._kept.version()
        except BaseException:
            self._kept.end()
            raise
        if version != self._version:
            self._version = version
            self._upset += 1
        self._open = _Group(self._kept, asyncio.get_running_loop().time())
        return self._open

    def _if_nobody_joins(self, group: _Group) -> _Group | None:
        """The group, if it is to be committed now."""
        old = asyncio.get_running_loop().time() - group.begun > MOST_SECONDS
        return group if not self._waiting or old or group.members >= MOST_MEMBERS else None

    async def _end(self, group: _Group) -> None:
        """Commits, or rolls back what failed, and gives the turn on."""
        try:
            await self._commit(group)
        finally:
            self._turn.release()

    async def _commit(self, group: _Group) -> None:
        self._open = None
        try:
            if not group.done.done():
                await group.kept.commit()
        except BaseException as error:
            self._tell(group, error)
        finally:
            try:
                group.kept.end()
            finally:
                # Not before: who asks for the moment just then may still read what was there before.
                self._upset += group.upsets_plans
                if not group.done.done():
                    group.done.set_result(None)

    async def _commit_open(self) -> None:
        """By who has the turn, and keeps it until this is done, whatever happens."""
        if (group := self._open) is None:
            return
        commit = self._keep(self._commit(group))
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            while not commit.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([commit])
            raise

    async def _commit_left(self) -> None:
        async with self._turn:
            await self._commit_open()

    def _tell(self, group: _Group, error: BaseException) -> None:
        if group.done.done():
            return
        if not isinstance(error, Exception):
            # What cancelled one is no reason for the others to end.
            error = sqlite3.OperationalError("the transaction was interrupted")
        group.done.set_exception(error)

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _complete(group: _Group) -> None:
    """A member has done its part. Raises the driver's error where SQLite has taken it back."""
    if group.members:
        group.direct.execute("RELEASE member")
    if not group.direct.in_transaction:
        # As when the disk is full, and the member went on all the same.
        raise sqlite3.OperationalError("the transaction was rolled back")


def _take_back(group: _Group) -> bool:
    """Takes back what one member did. False where that can't be done alone: it has no savepoint, or SQLite has rolled
    back all of it, as when the disk is full.
    """
    if not group.members or not group.direct.in_transaction:
        return False
    try:
        group.direct.execute("ROLLBACK TO member")
        group.direct.execute("RELEASE member")
    except sqlite3.Error:
        return False
    return True
