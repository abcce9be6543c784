"""What a channel's traffic came to, hour by hour: counted as it happens, so that watching it reads a few rows."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import and_, bindparam, case, delete, func, insert, or_, select, update

from todoke.core.durations import HOUR
from todoke.storage.bulk import Bulk
from todoke.storage.database import Tx
from todoke.storage.tables import channel_hours as h


class Place(NamedTuple):
    """A channel and the time at which an hour begins."""

    channel_id: str
    hour: int


def hour_of(at: int) -> int:
    """When the hour of this time began."""
    return at - at % HOUR


class Counts(msgspec.Struct, kw_only=True):
    """`accepted` to `unmatched`: of the notifications requested in the hour. The others: of what happened in it."""

    accepted: int = 0
    delivered: int = 0
    unmatched: int = 0
    over_quota: int = 0
    bad_signatures: int = 0
    last_event_at: int | None = None


_SUMS = ("accepted", "delivered", "unmatched", "over_quota", "bad_signatures")


# Made once: a new statement costs SQLAlchemy more than the rows cost the database.
_AT = bindparam("at", type_=h.c.last_event_at.type)
_LATER = and_(_AT.is_not(None), or_(h.c.last_event_at.is_(None), h.c.last_event_at < _AT))
_add = Bulk(
    update(h)
    .where(h.c.channel_id == bindparam("of_channel"), h.c.hour == bindparam("of_hour"))
    .values({x: h.c[x] + bindparam(f"more_{x}") for x in _SUMS})
    .values(last_event_at=case((_LATER, _AT), else_=h.c.last_event_at)),
    ("of_channel", "of_hour", "at", *(f"more_{x}" for x in _SUMS)),
)
_insert = Bulk(insert(h), ("channel_id", "hour", *Counts.__struct_fields__))


async def add(tx: Tx, more: Mapping[Place, Counts]) -> None:
    """Adds to what is counted."""
    for (channel_id, hour), counts in sorted(more.items()):
        sums = [getattr(counts, x) for x in _SUMS]
        if counts.last_event_at is None and not any(sums):
            continue
        if not await _add(tx, [(channel_id, hour, counts.last_event_at, *sums)]):
            await _insert(tx, [(channel_id, hour, *msgspec.structs.astuple(counts))])


async def between(tx: Tx, channel_id: str, since: int, until: int) -> Counts:
    """The sums of the hours that begin at `since` or later and before `until`."""
    columns = [*(func.coalesce(func.sum(h.c[x]), 0).label(x) for x in _SUMS), func.max(h.c.last_event_at)]
    query = select(*columns).where(h.c.channel_id == channel_id, h.c.hour >= since, h.c.hour < until)
    row = (await tx.execute(query)).one()
    sums = {x: int(n) for x, n in zip(_SUMS, row, strict=False)}
    return Counts(**sums, last_event_at=row[-1])


async def forget(tx: Tx, before: int) -> None:
    """Drops the hours before that time."""
    await tx.execute(delete(h).where(h.c.hour < before))
