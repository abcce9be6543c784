"""Reads LINE's followers lists into the friend registry: when asked, once for a new channel, then every week."""

from typing import Protocol

from todoke.actions import friend_sync as actions
from todoke.actions.friend_sync import MOST_PAGES, State, Trouble
from todoke.carriers.line import FollowersPage
from todoke.clock import Clock, wait_for
from todoke.core.durations import DAY
from todoke.engine.deliver import DOUBT_SECONDS, Ownership
from todoke.engine.loop import Loop, log
from todoke.ids import Ids
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import channels as channel_store
from todoke.storage import friend_syncs as store
from todoke.storage.channels import Channel
from todoke.storage.database import Database
from todoke.storage.friend_syncs import FriendSync


class Followers(Protocol):
    """Whom to ask; `todoke.carriers.line.LineFriends`."""

    async def follower_ids(self, token: str, start: str | None = None) -> FollowersPage:
        """A page of the user IDs of friends, from `start` on."""
        ...


class FriendSyncs(Loop):
    """Reads the lists of the channels that this process owns, a page a turn, so that memory holds one page.

    One request at a time over all channels: far below what LINE allows, and nobody waits for it.
    """

    name = "friend_sync"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        followers: Followers,
        seal: Seal,
        ownership: Ownership,
        ids: Ids,
    ) -> None:
        super().__init__(clock)
        self._ids = ids
        self._database = database
        self._followers = followers
        self._seal = seal
        self._ownership = ownership

    async def step(self) -> bool:
        now = self.clock.now()
        async with self._database.read(quick=True) as tx:
            found = await store.outlook(tx)
        due: list[str] = []
        later: list[int] = []
        for x in found:
            if not self._ownership.owns(x.channel_id):
                continue
            at = actions.due_at(x.state, x.due_at, x.refused_token_at, x.token_at)
            if at is not None and at <= now:
                due.append(x.channel_id)
            elif at is not None:
                later.append(at)
        self.due_at = min([*later, *([now] if due else [])], default=None)
        if not due:
            return False
        if not self._ownership.lease_holds():
            await wait_for(self.wake, DOUBT_SECONDS)
            return True
        for channel_id in due:
            await self._turn(channel_id)
        return True

    async def _turn(self, channel_id: str) -> None:
        """One page, or one portion of the closing."""
        now = self.clock.now()
        async with self._database.write() as tx:
            channel = await channel_store.get_channel(tx, channel_id)
            if channel is None or channel.access_token is None or channel.paused_at is not None:
                return
            await actions.plan_first(tx, channel_id, now)
            sync = await actions.go_on(tx, channel_id, channel.token_at, now)
        if sync is None:
            return
        if sync.state == State.CLOSING:
            await self._close(sync)
        else:
            await self._read(channel, sync)

    async def _close(self, sync: FriendSync) -> None:
        async with self._database.write() as tx:
            after = await actions.close_some(tx, sync, self.clock.now(), self._ids)
        if after is not None and after.state == State.FINISHED:
            log.info("friends.synced", channel=sync.channel_id, found=sync.found, pages=sync.pages)

    async def _read(self, channel: Channel, sync: FriendSync) -> None:
        trouble: Trouble | None
        try:
            token = self._seal.open(channel.access_token or b"")
        except CannotUnseal as error:
            trouble = Trouble(error=str(error), becomes=State.DENIED)
        else:
            page = await self._followers.follower_ids(token, sync.next)
            trouble = _trouble(page, sync)
        now = self.clock.now()
        async with self._database.write() as tx:
            if trouble is not None:
                await actions.fail(tx, sync, trouble, channel.token_at, now)
            else:
                await actions.take_page(tx, sync, page.user_ids, page.next or "", now, self._ids)
        if trouble is not None:
            log.warning("friends.sync", channel=channel.id, state=trouble.becomes, why=trouble.error)


def _trouble(page: FollowersPage, sync: FriendSync) -> Trouble | None:
    """What is wrong with an answer; None if it is a page."""
    if page.ok:
        if sync.pages + 1 < MOST_PAGES or not page.next:
            return None
        error = f"LINE's list has no end after {MOST_PAGES:,} pages: begun anew tomorrow."
        return Trouble(error=error, anew=True, retry_after=DAY)
    error = page.error or ""
    if page.unverified:
        return Trouble(error=error, becomes=State.UNVERIFIED)
    if page.status == 401:
        return Trouble(error=error, becomes=State.DENIED)
    if page.retryable:
        return Trouble(error=error, retry_after=page.retry_after)
    # A start that LINE does not take any more, or an answer that leads nowhere.
    return Trouble(error=f"{error}; begun anew", anew=sync.next is not None)
