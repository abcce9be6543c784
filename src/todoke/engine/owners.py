"""Who paces which channel: one process each, by a lease with a fencing number."""

import fcntl
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from todoke.actions.advance import recover
from todoke.clock import Clock, monotonic, wall
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import CHANNELS_PAUSED
from todoke.ids import Ids
from todoke.storage import channels as store
from todoke.storage.channels import Channel
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

LEASE_MS = 15_000
RENEW_SECONDS = 3.0


class Presence:
    """A file that this process holds locked for as long as it lives.

    The kernel lets go of the lock however the process ends, so that a successor on the same machine
    need not wait for the lease of a killed one to run out.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._file = os.open(folder / name, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def is_dead(self, other: str) -> bool:
        """Whether another process surely ended. False too where nothing is known of it."""
        try:
            file = os.open(self._folder / other, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(file)
        (self._folder / other).unlink(missing_ok=True)
        return True

    def leave(self) -> None:
        (self._folder / self.name).unlink(missing_ok=True)
        os.close(self._file)


class Owners(Loop):
    """Renews the leases of this process, and takes channels that nobody paces."""

    name = "owners"

    def __init__(
        self,
        clock: Clock,
        database: Database,
        presence: Presence,
        lookup: Lookup,
        took: Callable[[Channel, int], Awaitable[None]],
        ids: Ids,
    ) -> None:
        super().__init__(clock)
        self._database = database
        self._presence = presence
        self._lookup = lookup
        self._took = took
        self._ids = ids
        self._mine: dict[str, int] = {}
        self._renewed = 0.0
        self._dead: set[str] = set()
        self.changes = 0
        """Grows when a channel comes to us or leaves; what is stored about that may be seen before we act on it."""

    def owns(self, channel_id: str) -> bool:
        """Whether this process paces the channel, as far as it knows."""
        return channel_id in self._mine

    def fence(self, channel_id: str) -> int | None:
        """The fencing number that we hold the channel with; None: it is not ours."""
        return self._mine.get(channel_id)

    def lease_holds(self) -> bool:
        """Whether the leases are surely ours for long enough to send a request."""
        return monotonic() < self.lease_until()

    def lease_until(self) -> float:
        """Up to when that holds, by `monotonic`, if they are not renewed."""
        return self._renewed + LEASE_MS / 1000 / 2

    def lost(self, channel_id: str, fence: int) -> None:
        """Another process paces the channel now; nothing changes if we took it back meanwhile."""
        if self._mine.get(channel_id) == fence:
            del self._mine[channel_id]
            self.changes += 1

    async def step(self) -> bool:
        if self._mine and monotonic() - self._renewed > RENEW_SECONDS:
            async with self._database.write(quick=True) as tx:
                begun = monotonic()
                await store.renew(tx, self._presence.name, wall() + LEASE_MS)
            self._renewed = begun
        async with self._database.read(quick=True) as tx:
            channels = await store.list_channels(tx)
        CHANNELS_PAUSED.set(sum(c.paused_at is not None for c in channels))
        for channel in channels:
            fence = self._mine.get(channel.id)
            if fence is not None and fence != channel.fence:
                log.warning("channel.lost", channel=channel.id)
                self.lost(channel.id, fence)
        free = [c for c in channels if c.id not in self._mine and self._is_free(c)]
        for channel in free:
            await self._take(channel.id)
        return bool(free)

    def _is_free(self, channel: Channel) -> bool:
        if channel.owner is None or (channel.owned_until or 0) < wall() or channel.owner in self._dead:
            return True
        if channel.owner != self._presence.name and self._presence.is_dead(channel.owner):
            self._dead.add(channel.owner)
            return True
        return channel.owner == self._presence.name

    async def _take(self, channel_id: str) -> None:
        async with self._database.write(quick=True) as tx:
            channel = await store.get_channel(tx, channel_id)
            if channel is None or not self._is_free(channel):
                return
            fence, begun = channel.fence + 1, monotonic()
            await store.take_over(tx, channel.id, self._presence.name, fence, wall() + LEASE_MS)
            unknown = await recover(tx, channel.id, self.clock.now(), self._lookup, self._ids)
        self._renewed = begun if not self._mine else min(self._renewed, begun)
        self._mine[channel.id] = fence
        self.changes += 1
        if unknown:
            log.warning("channel.recovered", channel=channel.id, unknown_outcomes=unknown)
        await self._took(channel, fence)

    async def release(self) -> None:
        """Gives up every channel, for the next process to take at once."""
        async with self._database.write(quick=True) as tx:
            await store.give_up(tx, self._presence.name)
        self._mine.clear()
        self._presence.leave()
