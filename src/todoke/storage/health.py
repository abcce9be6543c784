"""What the doctor reads: how late the work is, and what LINE posted of late."""

from typing import NamedTuple

from sqlalchemy import func, select

from todoke.storage.database import Tx
from todoke.storage.tables import inbox as i
from todoke.storage.tables import notices as n

MOST_COUNTED = 100_000


class Backlog(NamedTuple):
    """How many notices should have been looked at long ago, MOST_COUNTED at most, and since when the first."""

    late: int
    oldest: int


async def backlog(tx: Tx, channel_id: str, before: int) -> Backlog | None:
    """What was due in a channel before that time; None: nothing."""
    late = (
        select(n.c.due_at)
        .where(n.c.channel_id == channel_id, n.c.due_at.is_not(None), n.c.due_at < before)
        .order_by(n.c.due_at)
        .limit(MOST_COUNTED)
        .subquery()
    )
    count, oldest = (await tx.execute(select(func.count(), func.min(late.c.due_at)))).one()
    return Backlog(count, oldest) if count else None


async def latest_bodies(tx: Tx, carrier: str, limit: int) -> list[tuple[str | None, bytes]]:
    """The newest requests of a carrier, by channel id and body; of those that are still kept."""
    query = (
        select(i.c.channel_id, i.c.body).where(i.c.carrier == carrier).order_by(i.c.id.desc()).limit(limit)
    )
    return [(row[0], row[1]) for row in await tx.execute(query)]
