"""What becomes known of friends, into the registry: events as they come, and LINE's followers list."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from todoke.actions import friend_tally
from todoke.actions.announcements import FriendChange
from todoke.carriers import EventKind, InboundEvent
from todoke.core.routing import Friendship
from todoke.storage import friends as store
from todoke.storage.database import Tx
from todoke.storage.friends import Friend, Missing

FRIEND_EVENTS = frozenset({EventKind.FOLLOW, EventKind.UNFOLLOW})
UNLISTED = "unlisted"
"""Was a friend, and the followers list has them no more: a block whose event was lost, an account that is gone, or a
profile that its user does not share. To routing this is not known to be a friend."""
STATES = (str(Friendship.FRIEND), str(Friendship.BLOCKED), UNLISTED)
FOLLOW_EVENT, UNFOLLOW_EVENT, FOLLOWERS_LIST = "follow event", "unfollow event", "followers list"
"""Where a state is known from."""


async def record_events(tx: Tx, events: Sequence[tuple[str, InboundEvent]]) -> list[FriendChange]:
    """Takes over follow and unfollow events, each with the channel that signed it, in whatever order they come.

    Of two events the one that happened later counts; of the same millisecond, the one whose id sorts later. An
    unfollow may come from a user who never followed: it blocks all the same (LINE: "Unfollow event").

    Answers what changed, in the order of the registry's users.
    """
    changes: list[FriendChange] = []
    by_channel: dict[str, dict[str, Friend]] = defaultdict(dict)
    known_before: list[Friend] = []
    for channel_id, event in events:
        if event.user_id is None:
            continue
        came = _friend(channel_id, event.user_id, event)
        known = by_channel[channel_id].get(came.user_id)
        if known is None or _order(known) < _order(came):
            by_channel[channel_id][came.user_id] = came
    for channel_id, users in by_channel.items():
        stored = await store.find(tx, channel_id, users)
        known_before += stored.values()
        rows = []
        for user_id, came in users.items():
            before = stored.get(user_id)
            if before is not None:
                if _order(came) <= _order(before):
                    continue
                came.listed_at = before.listed_at
            rows.append(came)
            changes.append(FriendChange(before, came))
        await store.put(tx, rows, ((channel_id, x) for x in stored))
    await friend_tally.count(tx, events, known_before)
    return changes


def _friend(channel_id: str, user_id: str, event: InboundEvent) -> Friend:
    follows = event.kind is EventKind.FOLLOW
    return Friend(
        channel_id=channel_id,
        user_id=user_id,
        state=Friendship.FRIEND if follows else Friendship.BLOCKED,
        since=event.at,
        source=FOLLOW_EVENT if follows else UNFOLLOW_EVENT,
        event_id=event.id,
    )


def _order(friend: Friend) -> tuple[int, str]:
    return friend.since, friend.event_id


async def record_listed(
    tx: Tx, channel_id: str, user_ids: Iterable[str], started_at: int, now: int
) -> list[FriendChange]:
    """Takes over a page of the followers list; its reading began at `started_at`.

    An event that happened since then counts for more than the list, of which nobody knows to the second when LINE
    made it. So what the list says is as of `started_at`: an event that comes later is then judged rightly too.

    Answers what changed.
    """
    listed = dict.fromkeys(user_ids)
    stored = await store.find(tx, channel_id, listed)
    rows: list[Friend] = []
    changes: list[FriendChange] = []
    for user_id in listed:
        known = stored.get(user_id)
        row = Friend(
            channel_id=channel_id,
            user_id=user_id,
            state=Friendship.FRIEND,
            since=started_at,
            source=FOLLOWERS_LIST,
            listed_at=now,
        )
        if known is not None and (known.state == Friendship.FRIEND or _outlasts(known, started_at)):
            row = known
            row.listed_at = now
        else:
            changes.append(FriendChange(known, row))
        rows.append(row)
    await store.put(tx, rows, ((channel_id, x) for x in stored))
    return changes


def _outlasts(known: Friend, started_at: int) -> bool:
    return known.source != FOLLOWERS_LIST and known.since >= started_at


async def record_unlisted(
    tx: Tx, channel_id: str, after: str, started_at: int, count: int
) -> tuple[str | None, int]:
    """Those of the next `count` users whom the list that was read from `started_at` on did not name are unlisted.

    Answers the last user ID of this portion, None when there are no more, and how many became unlisted.
    """
    until = await store.nth_after(tx, channel_id, after, count)
    missing = Missing(channel_id, after, until, str(Friendship.FRIEND), started_at)
    return until, await store.unlist(tx, missing, becomes=UNLISTED, source=FOLLOWERS_LIST)


async def soon_unlisted(
    tx: Tx, channel_id: str, after: str, started_at: int, count: int
) -> list[FriendChange]:
    """Whom `record_unlisted` with the same arguments changes, as they will stand then."""
    until = await store.nth_after(tx, channel_id, after, count)
    missing = Missing(channel_id, after, until, str(Friendship.FRIEND), started_at)
    return [
        FriendChange(
            None,
            Friend(
                channel_id=channel_id,
                user_id=user_id,
                state=UNLISTED,
                since=started_at,
                source=FOLLOWERS_LIST,
            ),
        )
        for user_id in await store.missing(tx, missing)
    ]
