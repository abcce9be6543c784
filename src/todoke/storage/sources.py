"""Where numbers came from, and on what ground they may be used."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from todoke.core.suppression import Ground
from todoke.storage import notice_keys
from todoke.storage.database import Tx, portions
from todoke.storage.tables import notices as n
from todoke.storage.tables import sources as s


class Source(msgspec.Struct, kw_only=True):
    """Where numbers came from. It ended at `ended_at`; None: new notices may name it."""

    id: str
    account_id: str
    name: str
    ground: Ground
    origin: str
    """In words: how the numbers were got, and what the people were told."""
    collected_from: int | None = None
    collected_until: int | None = None
    created_at: int
    ended_at: int | None = None


class Used(msgspec.Struct, frozen=True):
    """A source as one recipient's notices name it: how many of them, the first and the last."""

    source: Source
    notices: int
    first: int
    last: int


_COLUMNS = tuple(s.c[x] for x in Source.__struct_fields__)


def _row(row: Any) -> Source:
    found = Source(**row._mapping)
    found.ground = Ground(found.ground)
    return found


async def insert_source(tx: Tx, source: Source) -> None:
    await tx.execute(insert(s), msgspec.structs.asdict(source) | {"ground": str(source.ground)})


async def update_source(tx: Tx, source: Source) -> None:
    """Writes all that may change of it."""
    values = msgspec.structs.asdict(source) | {"ground": str(source.ground)}
    await tx.execute(update(s).where(s.c.id == source.id).values(values))


async def find(tx: Tx, account_id: str, name_or_id: str) -> Source | None:
    """By its name, else by its id."""
    for column in (s.c.name, s.c.id):
        query = select(*_COLUMNS).where(s.c.account_id == account_id, column == name_or_id)
        if (row := (await tx.execute(query)).one_or_none()) is not None:
            return _row(row)
    return None


async def by_ids(tx: Tx, ids: Iterable[str]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for portion in portions(ids):
        for row in await tx.execute(select(*_COLUMNS).where(s.c.id.in_(portion))):
            found[row.id] = _row(row)
    return found


async def list_sources(tx: Tx, account_id: str, *, ended: bool) -> list[Source]:
    """By name. `ended`: those that have ended too."""
    query = select(*_COLUMNS).where(s.c.account_id == account_id)
    if not ended:
        query = query.where(s.c.ended_at.is_(None))
    return [_row(row) for row in await tx.execute(query.order_by(s.c.name))]


async def count(tx: Tx, account_id: str) -> int:
    query = select(func.count()).select_from(s).where(s.c.account_id == account_id)
    return int((await tx.execute(query)).scalar_one())


async def of_number(tx: Tx, account_id: str, number: str) -> list[Used]:
    """The sources that a recipient's notices name, the one that was used last first."""
    last = func.max(n.c.created_at)
    query = (
        select(n.c.source_id, func.count(), func.min(n.c.created_at), last)
        .where(notice_keys.of_number(number), n.c.account_id == account_id, n.c.source_id.is_not(None))
        .group_by(n.c.source_id)
        .order_by(last.desc())
    )
    rows = (await tx.execute(query)).all()
    known = await by_ids(tx, [row[0] for row in rows])
    return [Used(known[r[0]], r[1], r[2], r[3]) for r in rows if r[0] in known]
