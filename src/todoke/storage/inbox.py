"""What carriers posted to us, stored before it is answered, and which events were applied."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Integer, bindparam, delete, func, insert, select, update

from todoke.storage.bulk import IDS, Bulk, Fetch, InsertAlike
from todoke.storage.database import Tx, among
from todoke.storage.forgetting import ALL, forget
from todoke.storage.tables import events_seen
from todoke.storage.tables import inbox as i


class Posted(msgspec.Struct, kw_only=True):
    """A request from outside whose signature held. `headers` is JSON of those that reading it needs."""

    carrier: str
    channel_id: str | None
    headers: str
    body: bytes
    received_at: int


class Stored(Posted, kw_only=True):
    """The same with its number."""

    id: int


_insert = Bulk(insert(i), Posted.__struct_fields__)
_seen = Fetch(select(events_seen.c.id).where(among(events_seen.c.id, IDS)))
_mark_seen = InsertAlike(events_seen, ("at",), ("id",))
_applied = Bulk(update(i).where(i.c.id == bindparam("of")), ("of", "applied_at", "error"))
_FIELDS = ("carrier", "channel_id", "headers", "body", "received_at", "id")
_pending = Fetch(
    select(*(i.c[f] for f in _FIELDS))
    .where(i.c.applied_at.is_(None))
    .order_by(i.c.id)
    .limit(bindparam("most", type_=Integer))
)


async def put(tx: Tx, posted: Sequence[Posted]) -> None:
    await _insert(tx, [msgspec.structs.astuple(p) for p in posted])


async def pending(tx: Tx, limit: int) -> list[Stored]:
    """What is not applied yet, oldest first."""
    return [
        Stored(carrier=r[0], channel_id=r[1], headers=r[2], body=r[3], received_at=r[4], id=r[5])
        for r in await _pending(tx, most=limit)
    ]


async def mark_applied(tx: Tx, errors: dict[int, str | None], now: int) -> None:
    """`errors`: number → why it could not be read, or None."""
    await _applied(tx, [(number, now, error) for number, error in errors.items()])


async def unseen(tx: Tx, ids: Iterable[str]) -> set[str]:
    """Those of the event ids that were not applied before."""
    wanted = set(ids)
    return wanted - {row[0] for row in await _seen.among(tx, wanted)}


async def mark_seen(tx: Tx, ids: Iterable[str], now: int) -> None:
    await _mark_seen(tx, (now,), sorted(ids))


async def last_of_portion(tx: Tx, before: int, most: int) -> int | None:
    """Up to which number about so many requests were applied before that time; None: none were."""
    some = select(i.c.id).where(i.c.applied_at < before).order_by(i.c.applied_at).limit(most).subquery()
    found: int | None = (await tx.execute(select(func.max(some.c.id)))).scalar_one_or_none()
    return found


async def forget_up_to(tx: Tx, last: int, before: int) -> None:
    """Drops what was applied before that time, up to this number."""
    await tx.execute(delete(i).where(i.c.id <= last, i.c.applied_at < before))


async def forget_seen(tx: Tx, before: int, most: int = ALL) -> int:
    """Drops so many event ids, at most, of before that time; answers how many it were."""
    return await forget(tx, events_seen, events_seen.c.at < before, most)
