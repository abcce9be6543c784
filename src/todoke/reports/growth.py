"""Friends won and bindings made after notices, and how many of them stayed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from todoke.core.counting import line_day
from todoke.core.durations import DAY
from todoke.core.routing import Friendship
from todoke.storage import channel_days, growth
from todoke.storage.database import Tx
from todoke.storage.growth import Follower, Made, Reached

AFTER = 7 * DAY
"""A friend who came so soon after a notice counts as won by it."""
SPANS = (7 * DAY, 30 * DAY)
MOST_FOLLOWERS = 5000
"""New friends that are looked at: the newest."""
NOTE = (
    "won: followed within 7 days after something of that template reached a number that is bound to them now. Who "
    "bound no number can't be known to have had a notice: unattributed. unfollowed: friends who left; "
    "blocked_by_others: users who were not known as friends"
)


async def report(
    tx: Tx, account_id: str, channel_ids: Sequence[str], one: bool, since: int, until: int, now: int
) -> dict[str, Any]:
    """Of some channels and a time. `one`: only bindings that one channel's links made."""
    moves = await channel_days.since(tx, channel_ids, line_day(since))
    counted = [m for day, m in moves.items() if day.day <= line_day(max(until - 1, since))]
    followers = await growth.followers(tx, channel_ids, since, until, MOST_FOLLOWERS)
    users = sorted({x.user_id for x in followers})
    reached = await growth.reached(tx, account_id, users, since - AFTER, until)
    made = await growth.bindings_made(
        tx, account_id, channel_ids[0] if one else None, since, until, now, SPANS
    )
    return {
        "friends": {
            "followed": sum(m.followed for m in counted),
            "unblocked": sum(m.unblocked for m in counted),
            "unfollowed": sum(m.unfollowed for m in counted),
            "blocked_by_others": sum(m.blocked_by_others for m in counted),
            **_won(followers, reached),
        },
        "bindings": [_made(x) for x in made],
        "note": NOTE,
    }


def _won(followers: Sequence[Follower], reached: Sequence[Reached]) -> dict[str, Any]:
    by_user: dict[tuple[str, str], list[Reached]] = defaultdict(list)
    for x in reached:
        by_user[x.channel_id, x.user_id].append(x)
    won: Counter[tuple[str, str]] = Counter()
    stayed: Counter[tuple[str, str]] = Counter()
    for who in followers:
        before = [x for x in by_user[who.channel_id, who.user_id] if 0 <= who.followed_at - x.at < AFTER]
        if not before:
            continue
        last = max(before, key=lambda x: x.at)
        won[last.template, last.step] += 1
        stayed[last.template, last.step] += who.state == Friendship.FRIEND
    return {
        "new": len(followers),
        "new_stayed": sum(x.state == Friendship.FRIEND for x in followers),
        "won": won.total(),
        "won_stayed": stayed.total(),
        "unattributed": len(followers) - won.total(),
        "by_template": [
            {"template": template, "step": step, "won": count, "stayed": stayed[template, step]}
            for (template, step), count in won.most_common()
        ],
    }


def _made(x: Made) -> dict[str, Any]:
    return {
        "template": x.template,
        "way": x.way,
        "made": x.made,
        "standing": x.standing,
        **{
            f"after_{length // DAY}d": {"of": x.old[i], "standing": x.stood[i]}
            for i, length in enumerate(SPANS)
        },
    }
