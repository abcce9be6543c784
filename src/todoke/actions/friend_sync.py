"""The reading of a channel's followers list, step by step: asked for, begun, page by page, closed, or failed.

Each step is one transaction and leaves all that the next one needs, so that a killed process goes on where it was.
"""

from enum import StrEnum

import msgspec

from todoke.actions import announcements, friends
from todoke.core.durations import DAY, MINUTE, SECOND
from todoke.ids import Ids
from todoke.storage import friend_syncs as store
from todoke.storage.database import Tx
from todoke.storage.friend_syncs import FriendSync

FIRST_AFTER = MINUTE
"""How long after a channel has its first token its list is read by itself."""
EVERY = 7 * DAY
PORTION = 20_000
"""Users that are closed in one transaction: the writer is not held longer than some tenths of a second."""
NEXT_LASTS = DAY
"""How long a `next` may be used (LINE: Messaging API reference, "Get a list of users who added your account")."""
BACKOFF = 30 * SECOND
BACKOFF_CAP = 15 * MINUTE
MOST_PAGES = 200_000


class State(StrEnum):
    """Where a sync stands."""

    QUEUED = "queued"
    """Asked for; it begins at `due_at`."""
    RUNNING = "running"
    CLOSING = "closing"
    """All pages are read; who was not on them is being marked."""
    WAITING = "waiting"
    """Something failed; it goes on at `due_at`."""
    DENIED = "denied"
    """LINE refused the access token; it goes on with a new one, or in a day."""
    UNVERIFIED = "unverified"
    """LINE gives this account no list; asked again in a day."""
    FINISHED = "finished"


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a page did not come, and what that means: `becomes` is WAITING, DENIED or UNVERIFIED."""

    error: str
    becomes: State = State.WAITING
    anew: bool = False
    """LINE will not go on from there: the list must be read from its beginning."""
    retry_after: int | None = None
    """Milliseconds that LINE asks to wait."""


async def ask(tx: Tx, channel_id: str, now: int) -> FriendSync:
    """Lets the list be read now; one that is being read goes on."""
    sync = await store.get(tx, channel_id)
    new = sync is None
    if sync is None:
        sync = FriendSync(channel_id=channel_id, state=State.QUEUED, started_at=now, due_at=now)
    match sync.state:
        case State.RUNNING | State.CLOSING:
            return sync
        case State.FINISHED | State.UNVERIFIED:
            sync.state, sync.error = State.QUEUED, None
        case State.DENIED:
            sync.state = State.WAITING
    sync.due_at = now
    await store.put(tx, sync, new=new)
    return sync


async def plan_first(tx: Tx, channel_id: str, now: int) -> None:
    """Plans the first sync of a channel that never had one."""
    if await store.get(tx, channel_id) is None:
        first = FriendSync(
            channel_id=channel_id, state=State.QUEUED, started_at=now, due_at=now + FIRST_AFTER
        )
        await store.put(tx, first, new=True)


def due_at(
    state: str | None, due: int | None, refused_token_at: int | None, token_at: int | None
) -> int | None:
    """When there is next something to do; 0: at once. Of a channel whose present token is of `token_at`."""
    if state is None or (state == State.DENIED and token_at != refused_token_at):
        return 0
    return due


async def go_on(tx: Tx, channel_id: str, token_at: int | None, now: int) -> FriendSync | None:
    """The sync to work on, begun from the start where it must be. None if there is nothing to do now."""
    sync = await store.get(tx, channel_id)
    if sync is None:
        return None
    due = due_at(sync.state, sync.due_at, sync.refused_token_at, token_at)
    if due is None or due > now:
        return None
    late = sync.next_until is not None and sync.next_until <= now
    if sync.state == State.CLOSING or (sync.state == State.RUNNING and not late):
        return sync
    if late or sync.next is None:
        error = _TOO_LATE if late else sync.error if sync.state == State.WAITING else None
        sync = FriendSync(
            channel_id=channel_id,
            state=State.RUNNING,
            started_at=now,
            tries=sync.tries,
            error=error,
        )
    sync.state, sync.due_at = State.RUNNING, now
    await store.put(tx, sync, new=False)
    return sync


_TOO_LATE = "More than 24 hours passed since the last page, and LINE goes on for no longer: begun anew."


async def take_page(
    tx: Tx, worked_on: FriendSync, user_ids: tuple[str, ...], following: str, now: int, ids: Ids
) -> bool:
    """Stores a page and where the next one begins; an empty `following`: it was the last.

    False, and nothing stored, if the sync has moved meanwhile: another process reads the same list.
    """
    sync = await store.get(tx, worked_on.channel_id)
    if sync is None or sync != worked_on:
        return False
    changes = await friends.record_listed(tx, sync.channel_id, user_ids, sync.started_at, now)
    await announcements.of_friends(tx, changes, now, ids)
    sync.pages += 1
    sync.found += len(user_ids)
    sync.next, sync.next_until = following, now + NEXT_LASTS
    if not following:
        sync.state, sync.next_until = State.CLOSING, None
    await store.put(tx, sync, new=False)
    return True


async def close_some(tx: Tx, worked_on: FriendSync, now: int, ids: Ids) -> FriendSync | None:
    """Marks some of those whom the list did not name. Answers how it stands; None if it has moved meanwhile."""
    sync = await store.get(tx, worked_on.channel_id)
    if sync is None or sync != worked_on:
        return None
    portion = (sync.channel_id, sync.next or "", sync.started_at, PORTION)
    if await announcements.friends_are_wanted(tx, "friend.unlisted"):
        gone = await friends.soon_unlisted(tx, *portion)
        await announcements.of_friends(tx, gone, now, ids)
    until, _ = await friends.record_unlisted(tx, *portion)
    sync.next = until
    if until is None:
        sync.state, sync.finished_at, sync.error = State.FINISHED, now, None
        sync.due_at, sync.tries = now + EVERY, 0
    await store.put(tx, sync, new=False)
    return sync


async def fail(tx: Tx, worked_on: FriendSync, trouble: Trouble, token_at: int | None, now: int) -> bool:
    """Says why it does not go on now, and when it will. False if it has moved meanwhile."""
    sync = await store.get(tx, worked_on.channel_id)
    if sync is None or sync != worked_on:
        return False
    sync.state, sync.error = trouble.becomes, trouble.error
    if trouble.becomes is State.WAITING:
        # The first beginning anew needs no wait; a list that breaks off again and again does.
        wait = 0 if trouble.anew and not sync.tries else min(BACKOFF << min(sync.tries, 20), BACKOFF_CAP)
        sync.due_at = now + max(wait, trouble.retry_after or 0)
        sync.tries += 1
    else:
        sync.due_at = now + DAY
    if trouble.becomes is State.DENIED:
        sync.refused_token_at = token_at
    if trouble.anew or trouble.becomes is State.UNVERIFIED:
        sync.next = sync.next_until = None
    await store.put(tx, sync, new=False)
    return True
