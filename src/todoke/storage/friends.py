"""The friend registry: how LINE users stand to a channel's account, since when, and where that is known from."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, func, insert, or_, select, update

from todoke.storage.database import Tx, portions
from todoke.storage.tables import friends as f


class Friend(msgspec.Struct, kw_only=True):
    """A user of a channel. `state`: friend, blocked, or unlisted (was a friend, no longer in the followers list)."""

    channel_id: str
    user_id: str
    state: str
    since: int
    source: str
    event_id: str = ""
    listed_at: int | None = None


_COLUMNS = tuple(f.c[x] for x in Friend.__struct_fields__)
_CHANGED = ("state", "since", "source", "event_id", "listed_at")
_UPDATE = (
    update(f)
    .where(f.c.channel_id == bindparam("of_channel"), f.c.user_id == bindparam("of_user"))
    .values({x: bindparam(x) for x in _CHANGED})
)


async def find(tx: Tx, channel_id: str, user_ids: Iterable[str]) -> dict[str, Friend]:
    """Those of the users that are known in this channel."""
    found: dict[str, Friend] = {}
    for portion in portions(user_ids):
        query = select(*_COLUMNS).where(f.c.channel_id == channel_id, f.c.user_id.in_(portion))
        found.update((row.user_id, Friend(**row._mapping)) for row in await tx.execute(query))
    return found


async def put(tx: Tx, rows: Sequence[Friend], known: Iterable[tuple[str, str]]) -> None:
    """Stores them; `known`: (channel, user) of those that stand there already."""
    before = set(known)
    new = [msgspec.structs.asdict(x) for x in rows if (x.channel_id, x.user_id) not in before]
    changed = [
        {"of_channel": x.channel_id, "of_user": x.user_id, **{k: getattr(x, k) for k in _CHANGED}}
        for x in rows
        if (x.channel_id, x.user_id) in before
    ]
    if new:
        await tx.execute(insert(f), new)
    if changed:
        await tx.execute(_UPDATE, changed)


async def counts(tx: Tx, channel_id: str) -> dict[str, int]:
    """How many users of a channel are in each state."""
    query = select(f.c.state, func.count()).where(f.c.channel_id == channel_id).group_by(f.c.state)
    return {state: count for state, count in await tx.execute(query)}


async def page(tx: Tx, channel_id: str, state: str | None, after: str, limit: int) -> list[Friend]:
    """Users by user ID, those after `after`; of one state, or of all."""
    query = select(*_COLUMNS).where(f.c.channel_id == channel_id, f.c.user_id > after)
    if state is not None:
        query = query.where(f.c.state == state)
    rows = await tx.execute(query.order_by(f.c.user_id).limit(limit))
    return [Friend(**row._mapping) for row in rows]


async def in_channels(tx: Tx, channel_ids: Iterable[str], user_ids: Iterable[str]) -> list[Friend]:
    """All that is known of a few users in a few channels."""
    query = select(*_COLUMNS).where(f.c.channel_id.in_(list(channel_ids)), f.c.user_id.in_(list(user_ids)))
    return [Friend(**row._mapping) for row in await tx.execute(query)]


async def nth_after(tx: Tx, channel_id: str, after: str, count: int) -> str | None:
    """The user ID that stands `count` places after `after`; None if there are not so many."""
    query = (
        select(f.c.user_id)
        .where(f.c.channel_id == channel_id, f.c.user_id > after)
        .order_by(f.c.user_id)
        .offset(count - 1)
        .limit(1)
    )
    return (await tx.execute(query)).scalar_one_or_none()


class Missing(NamedTuple):
    """Users in state `was` since before `listed_since` whom no list named since then.

    Of the user IDs after `after` up to `until`; None: up to the last.
    """

    channel_id: str
    after: str
    until: str | None
    was: str
    listed_since: int

    def where(self) -> ColumnElement[bool]:
        found = [
            f.c.channel_id == self.channel_id,
            f.c.user_id > self.after,
            f.c.state == self.was,
            f.c.since < self.listed_since,
            or_(f.c.listed_at.is_(None), f.c.listed_at < self.listed_since),
        ]
        return and_(*found, *([] if self.until is None else [f.c.user_id <= self.until]))


async def missing(tx: Tx, whom: Missing) -> list[str]:
    """Their user IDs."""
    return [row[0] for row in await tx.execute(select(f.c.user_id).where(whom.where()).order_by(f.c.user_id))]


async def unlist(tx: Tx, whom: Missing, *, becomes: str, source: str) -> int:
    """Changes their state. Answers how many they are."""
    values = {"state": becomes, "since": whom.listed_since, "source": source, "event_id": ""}
    return (await tx.execute(update(f).where(whom.where()).values(values))).rowcount
