"""Notices that their batch holds back: holding them, letting them go, a portion at a time.

A held notice is queued, has the lane HELD, where no claim looks, and is due when its deadline passes: then its batch
lets it go, so that it ends. Whoever calls these adds what they answer to `storage.batch_states`.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Select, Update, case, func, literal_column, or_, select, update

from todoke.core.standing import Lane
from todoke.core.states import State
from todoke.storage.database import Tx, portions
from todoke.storage.notices import HELD
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n

# To the letter as in the index of held notices, which is not used otherwise.
_IS_HELD = n.c.lane == literal_column(str(HELD))


class Walked(NamedTuple):
    """A portion of a batch's notices: the last one, None if none was left, and those that have not ended."""

    last: str | None
    open: list[str]


async def walk(tx: Tx, batch_id: str, after: str, limit: int) -> Walked:
    """The next of a batch's notices by id, whatever they are: so many are looked at, and no more."""
    query = (
        select(n.c.id, n.c.ended_at)
        .where(n.c.batch_id == batch_id, n.c.id > after)
        .order_by(n.c.id)
        .limit(limit)
    )
    rows = (await tx.execute(query)).all()
    return Walked(rows[-1][0] if rows else None, [r[0] for r in rows if r[1] is None])


async def hold(tx: Tx, notice_ids: Iterable[str], now: int) -> set[str]:
    """Holds those of the notices that have not begun, and whose deadline has not passed; answers them."""
    held: set[str] = set()
    for portion in portions(notice_ids):
        query = select(n.c.id).where(
            n.c.id.in_(portion),
            n.c.state == State.QUEUED,
            n.c.lane != HELD,
            or_(n.c.deadline_at.is_(None), n.c.deadline_at > now),
            ~select(a.c.id).where(a.c.notice_id == n.c.id).exists(),
        )
        found = [row[0] for row in await tx.execute(query)]
        if found:
            held.update(found)
            await tx.execute(update(n).where(n.c.id.in_(found)).values(lane=HELD, due_at=n.c.deadline_at))
    return held


async def release(tx: Tx, batch_id: str, count: int, lane: Lane, now: int, lasts: int | None) -> int:
    """Lets so many of a batch go, in the order of its file; answers how many there were.

    `lasts`: the policy's deadline, which counts from now. One that was set before stays where it is earlier.
    """
    first = select(n.c.id).where(n.c.batch_id == batch_id, _IS_HELD).order_by(n.c.id).limit(count)
    return await _let_go(tx, first, lane, now, None if lasts is None else now + lasts)


async def _let_go(tx: Tx, which: Select[Any], lane: Lane, now: int, deadline_at: int | None) -> int:
    query: Update = update(n).where(n.c.id.in_(which)).values(lane=int(lane), due_at=now)
    if deadline_at is not None:
        is_later = n.c.deadline_at.is_(None) | (n.c.deadline_at > deadline_at)
        query = query.values(deadline_at=case((is_later, deadline_at), else_=n.c.deadline_at))
    return int((await tx.execute(query)).rowcount)


async def expired(tx: Tx, channel_id: str, now: int, limit: int) -> dict[str, list[str]]:
    """Held notices of a channel whose deadline has passed, by batch; so many at most."""
    query = (
        select(n.c.batch_id, n.c.id)
        .where(n.c.channel_id == channel_id, n.c.lane == HELD, n.c.due_at.is_not(None), n.c.due_at <= now)
        .order_by(n.c.due_at)
        .limit(limit)
    )
    found: dict[str, list[str]] = {}
    for batch_id, notice_id in await tx.execute(query):
        found.setdefault(batch_id, []).append(notice_id)
    return found


async def let_expired_go(tx: Tx, notice_ids: Iterable[str], lane: Lane, now: int) -> int:
    """Lets these go, for the claim to end them; answers how many."""
    ids = list(notice_ids)
    query = select(n.c.id).where(n.c.id.in_(ids), n.c.lane == HELD)
    return await _let_go(tx, query, lane, now, None)


async def next_expiry(tx: Tx, channel_id: str) -> int | None:
    """When the deadline of the first held notice of a channel passes; None: none has one."""
    query = (
        select(n.c.due_at)
        .where(n.c.channel_id == channel_id, n.c.lane == HELD, n.c.due_at.is_not(None))
        .order_by(n.c.due_at)
        .limit(1)
    )
    found: int | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def held_by_batch(tx: Tx, notice_ids: Iterable[str]) -> dict[str, int]:
    """How many of these notices each batch holds back."""
    found: dict[str, int] = {}
    for portion in portions(notice_ids):
        query = (
            select(n.c.batch_id, func.count())
            .where(n.c.id.in_(portion), n.c.lane == HELD, n.c.state == State.QUEUED)
            .group_by(n.c.batch_id)
        )
        for batch_id, count in await tx.execute(query):
            found[batch_id] = found.get(batch_id, 0) + count
    return found
