"""How many friends leave a channel day by day, and what was sent before more did than usual."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from todoke.core.block_rate import BEFORE, FriendDay, friends_before, rises, usual_rate
from todoke.core.counting import days, line_day, span
from todoke.core.durations import HOUR
from todoke.core.routing import Friendship
from todoke.storage import channel_days
from todoke.storage import friends as friend_store
from todoke.storage.channel_days import Day, Moves
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

SENT_BEFORE = 72 * HOUR
MOST_ROSE = 5
"""Days for which it is looked up what was sent: the newest."""
NOTE = (
    "friends: counted back from the registry as it stands now; null before anything was known of the channel. Rates "
    "and rises are about friends who left; blocked_by_others: users who were not known as friends. What was sent "
    "before a rise came before it; that it was the reason is not said"
)


async def report(
    tx: Tx, channel: Channel, since: date, until: date, now: int, *, by_id: bool
) -> dict[str, Any]:
    """One channel over some of LINE's days, both counted."""
    counts = await friend_store.counts(tx, channel.id)
    first = since - timedelta(days=BEFORE)
    moves = await channel_days.since(tx, [channel.id], first)
    all_days = days(first, max(line_day(now), until))
    told = [moves.get(Day(channel.id, x), Moves()) for x in all_days]
    friends = friends_before(
        counts.get(Friendship.FRIEND, 0), [x.followed for x in told], [x.unfollowed for x in told]
    )
    # Before the first event nothing is known of a day: it is none on which nobody left.
    known_from = await channel_days.first_day(tx, channel.id) or line_day(now)
    rows: list[dict[str, Any]] = []
    rose: list[tuple[date, dict[str, Any]]] = []
    by_day = {d: FriendDay(f, m.unfollowed) for d, f, m in zip(all_days, friends, told, strict=True)}
    for day, moved in zip(all_days, told, strict=True):
        if not since <= day <= until:
            continue
        usual = usual_rate([by_day[x] for x in _before(day) if x >= known_from])
        row = _row(day, by_day[day] if day >= known_from else None, moved, usual)
        rows.append(row)
        if row["rose"]:
            rose.append((day, row))
    return {
        "channel": channel.id,
        "channel_name": channel.name,
        "days": rows,
        "known_blockers": await channel_days.known_blockers(
            tx, channel.account_id, channel.id, Friendship.BLOCKED
        ),
        "rises": [await _rise(tx, channel, day, row, by_id=by_id) for day, row in rose[-MOST_ROSE:]],
        "note": NOTE,
    }


def _before(day: date) -> Sequence[date]:
    return days(day - timedelta(days=BEFORE), day - timedelta(days=1))


def _row(day: date, friends: FriendDay | None, moved: Moves, usual: float | None) -> dict[str, Any]:
    """One day. `friends`: None where nothing was known of the channel yet."""
    return {
        "day": day.isoformat(),
        "friends": None if friends is None else friends.friends,
        "followed": moved.followed,
        "unblocked": moved.unblocked,
        "unfollowed": moved.unfollowed,
        "blocked_by_others": moved.blocked_by_others,
        "rate": round(friends.rate, 6) if friends is not None and friends.friends else None,
        "usual_rate": None if usual is None else round(usual, 6),
        "rose": usual is not None and friends is not None and rises(friends, usual),
    }


async def _rise(tx: Tx, channel: Channel, day: date, row: dict[str, Any], *, by_id: bool) -> dict[str, Any]:
    start, end = span(day)
    sent = await channel_days.left_between(tx, channel.id, start - SENT_BEFORE, end, by_id=by_id)
    return {
        "day": row["day"],
        "unfollowed": row["unfollowed"],
        "blocked_by_others": row["blocked_by_others"],
        "rate": row["rate"],
        "usual_rate": row["usual_rate"],
        "sent_before": [x._asdict() for x in sent],
    }
