"""Who became a friend of a channel and who left it, by LINE's days (UTC+9): counted as the events come."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, func, insert, select, update

from todoke.ids import floor_id
from todoke.storage.database import Tx, portions
from todoke.storage.tables import attempts as a
from todoke.storage.tables import bindings as b
from todoke.storage.tables import channel_days as d
from todoke.storage.tables import friends as f
from todoke.storage.tables import messages as m
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t


class Day(NamedTuple):
    """A channel and one of LINE's days."""

    channel_id: str
    day: date


class Moves(msgspec.Struct, kw_only=True):
    """How many events of each kind."""

    followed: int = 0
    unblocked: int = 0
    """Of those that followed, as far as LINE said so."""
    unfollowed: int = 0
    """Friends who left."""
    blocked_by_others: int = 0
    """Users who were not known to be friends, and block the account."""


_SUMS = Moves.__struct_fields__
_ADD = (
    update(d)
    .where(d.c.channel_id == bindparam("of_channel"), d.c.day == bindparam("of_day"))
    .values({x: d.c[x] + bindparam(f"more_{x}") for x in _SUMS})
)
_TIMES = ("followed_at", "friend_from", "stranger_blocked_at")
_SET_TIMES = (
    update(f)
    .where(f.c.channel_id == bindparam("of_channel"), f.c.user_id == bindparam("of_user"))
    .values({x: bindparam(x) for x in _TIMES})
)


def _text(day: date) -> str:
    return day.isoformat().replace("-", "")


async def add(tx: Tx, more: Mapping[Day, Moves]) -> None:
    """Adds to what is counted."""
    for (channel_id, day), moves in sorted(more.items()):
        sums = {f"more_{x}": getattr(moves, x) for x in _SUMS}
        of = {"of_channel": channel_id, "of_day": _text(day)}
        if not (await tx.execute(_ADD, of | sums)).rowcount:
            row = {"channel_id": channel_id, "day": _text(day), **msgspec.structs.asdict(moves)}
            await tx.execute(insert(d), row)


class Past(msgspec.Struct, kw_only=True):
    """What is known of a user's friendship with a channel before now.

    `followed_at`: they last became a friend anew. `friend_from`: the earliest time at which they were one.
    `stranger_blocked_at`: the newest block that was counted as that of no friend.
    """

    followed_at: int | None = None
    friend_from: int | None = None
    stranger_blocked_at: int | None = None


async def pasts(tx: Tx, channel_id: str, user_ids: Iterable[str]) -> dict[str, Past]:
    """Of these users, as far as the registry has them."""
    found: dict[str, Past] = {}
    for portion in portions(user_ids):
        query = select(f.c.user_id, *(f.c[x] for x in _TIMES)).where(
            f.c.channel_id == channel_id, f.c.user_id.in_(portion)
        )
        for user_id, *times in await tx.execute(query):
            found[user_id] = Past(**dict(zip(_TIMES, times, strict=True)))
    return found


async def put_pasts(tx: Tx, channel_id: str, changed: Mapping[str, Past]) -> None:
    """Writes them by user ID; whom the registry does not have is left out."""
    values = [
        {"of_channel": channel_id, "of_user": user_id, **msgspec.structs.asdict(past)}
        for user_id, past in sorted(changed.items())
    ]
    if values:
        await tx.execute(_SET_TIMES, values)


async def first_day(tx: Tx, channel_id: str) -> date | None:
    """The first day of which anything is counted; None: nothing yet."""
    query = select(func.min(d.c.day)).where(d.c.channel_id == channel_id)
    text = (await tx.execute(query)).scalar_one()
    return None if text is None else date.fromisoformat(text)


async def since(tx: Tx, channel_ids: Iterable[str], first: date) -> dict[Day, Moves]:
    """All that is counted of these channels from this day on."""
    query = select(d).where(d.c.channel_id.in_(list(channel_ids)), d.c.day >= _text(first))
    found = {}
    for row in await tx.execute(query):
        moves = Moves(**{x: getattr(row, x) for x in _SUMS})
        found[Day(row.channel_id, date.fromisoformat(row.day))] = moves
    return found


async def known_blockers(tx: Tx, account_id: str, channel_id: str, blocked: str) -> int:
    """Users in this state whom a number of the account is bound to."""
    query = (
        select(func.count(func.distinct(f.c.user_id)))
        .join(b, (b.c.user_id == f.c.user_id) & (b.c.account_id == account_id) & b.c.unbound_at.is_(None))
        .where(f.c.channel_id == channel_id, f.c.state == blocked)
    )
    return int((await tx.execute(query)).scalar_one())


class Left(NamedTuple):
    """What left in a time: of one template, by one step. `template` None: ordinary messages."""

    template: str | None
    step: str
    sent: int


async def left_between(tx: Tx, channel_id: str, start: int, end: int, *, by_id: bool) -> list[Left]:
    """What a channel's notices and messages requested in a time, most first. `by_id`: see `storage.line_counts`."""
    ids: list[Any] = [a.c.id >= floor_id(start), a.c.id < floor_id(end)] if by_id else []
    query = (
        select(t.c.name, a.c.step, func.count())
        .join(n, n.c.id == a.c.notice_id)
        .join(t, t.c.id == n.c.template_id)
        .where(n.c.channel_id == channel_id, a.c.at >= start, a.c.at < end, *ids)
        .group_by(t.c.name, a.c.step)
    )
    found = [Left(r[0], r[1], r[2]) for r in await tx.execute(query)]
    messages = select(func.count()).where(
        m.c.channel_id == channel_id, m.c.created_at >= start, m.c.created_at < end
    )
    if by_id:
        messages = messages.where(m.c.id >= floor_id(start), m.c.id < floor_id(end))
    if count := int((await tx.execute(messages)).scalar_one()):
        found.append(Left(None, "message", count))
    return sorted(found, key=lambda x: (-x.sent, x.template or "", x.step))
