"""What carriers posted to us, stored before it is answered, and which events were applied."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from todoke.storage.database import Tx, portions
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


_INSERT = insert(i)
_SEEN = select(events_seen.c.id).where(events_seen.c.id.in_(bindparam("ids", expanding=True)))
_APPLIED = (
    update(i)
    .where(i.c.id == bindparam("of"))
    .values(applied_at=bindparam("applied_at"), error=bindparam("error"))
)


async def put(tx: Tx, posted: Sequence[Posted]) -> None:
    await tx.execute(_INSERT, [msgspec.structs.asdict(p) for p in posted])


async def pending(tx: Tx, limit: int) -> list[Stored]:
    """What is not applied yet, oldest first."""
    fields = ("carrier", "channel_id", "headers", "body", "received_at", "id")
    query = select(*(i.c[f] for f in fields)).where(i.c.applied_at.is_(None)).order_by(i.c.id).limit(limit)
    return [
        Stored(carrier=r[0], channel_id=r[1], headers=r[2], body=r[3], received_at=r[4], id=r[5])
        for r in await tx.execute(query)
    ]


async def mark_applied(tx: Tx, errors: dict[int, str | None], now: int) -> None:
    """`errors`: number → why it could not be read, or None."""
    await tx.execute(_APPLIED, [{"of": k, "applied_at": now, "error": v} for k, v in errors.items()])


async def unseen(tx: Tx, ids: Iterable[str]) -> set[str]:
    """Those of the event ids that were not applied before."""
    wanted = set(ids)
    seen: set[str] = set()
    for portion in portions(wanted):
        seen.update(row[0] for row in await tx.execute(_SEEN, {"ids": portion}))
    return wanted - seen


async def mark_seen(tx: Tx, ids: Iterable[str], now: int) -> None:
    rows: list[dict[str, Any]] = [{"id": x, "at": now} for x in sorted(ids)]
    if rows:
        await tx.execute(insert(events_seen), rows)


async def forget(tx: Tx, before: int) -> None:
    """Drops what was applied, and seen, before that time."""
    await tx.execute(delete(i).where(i.c.applied_at < before))
    await tx.execute(delete(events_seen).where(events_seen.c.at < before))
