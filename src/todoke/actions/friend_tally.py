"""Counts who became a friend of a channel and who left it, in the transaction that takes the events over."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from todoke.carriers import EventKind, InboundEvent
from todoke.core.counting import line_day
from todoke.core.routing import Friendship
from todoke.storage import channel_days
from todoke.storage.channel_days import Day, Moves, Past
from todoke.storage.database import Tx
from todoke.storage.friends import Friend

_ALWAYS = 0
"""Of somebody who was a friend nobody knows since when."""


async def count(
    tx: Tx, events: Iterable[tuple[str, InboundEvent]], known_before: Sequence[Friend] = ()
) -> None:
    """Counts follow and unfollow events that were not applied before, each with the channel that signed it.

    Each counts for LINE's day of its own time. Who was not known to be a friend before an unfollow event did not leave:
    LINE posts it of users too who never followed ("Unfollow event"). A follow event that comes late puts that right,
    so their order does not matter. The registry knows their users already; `known_before`: as it stood before.
    """
    by_channel: dict[str, list[InboundEvent]] = defaultdict(list)
    for channel_id, event in events:
        if event.user_id is not None:
            by_channel[channel_id].append(event)
    stood = {(x.channel_id, x.user_id): x for x in known_before}
    more: dict[Day, Moves] = defaultdict(Moves)
    for channel_id, heard in by_channel.items():
        users = sorted({e.user_id for e in heard if e.user_id is not None})
        pasts = await channel_days.pasts(tx, channel_id, users)
        for event in sorted(heard, key=lambda e: (e.at, e.id)):
            assert event.user_id is not None
            past = pasts.setdefault(event.user_id, Past())
            if past.friend_from is None:
                past.friend_from = _friend_from(stood.get((channel_id, event.user_id)))
            _count(event, past, channel_id, more)
        await channel_days.put_pasts(tx, channel_id, pasts)
    await channel_days.add(tx, more)


def _friend_from(known: Friend | None) -> int | None:
    """Since when somebody is a friend whom the followers list named, or of whom no follow event was counted."""
    if known is None or known.state == Friendship.BLOCKED:
        return None
    return known.since if known.state == Friendship.FRIEND else _ALWAYS


def _count(event: InboundEvent, past: Past, channel_id: str, more: dict[Day, Moves]) -> None:
    moves = more[Day(channel_id, line_day(event.at))]
    if event.kind is EventKind.UNFOLLOW:
        if past.friend_from is not None and past.friend_from <= event.at:
            moves.unfollowed += 1
        else:
            moves.blocked_by_others += 1
            past.stranger_blocked_at = max(past.stranger_blocked_at or 0, event.at)
    elif event.kind is EventKind.FOLLOW:
        moves.followed += 1
        moves.unblocked += event.unblocked is True
        if event.unblocked is not True:
            past.followed_at = max(past.followed_at or 0, event.at)
        past.friend_from = event.at if past.friend_from is None else min(past.friend_from, event.at)
        if past.stranger_blocked_at is not None and event.at <= past.stranger_blocked_at:
            then = more[Day(channel_id, line_day(past.stranger_blocked_at))]
            then.blocked_by_others -= 1
            then.unfollowed += 1
            past.stranger_blocked_at = None
