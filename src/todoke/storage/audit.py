"""What was done that somebody may have to answer for."""

import msgspec
from sqlalchemy import func, insert, select

from todoke.storage.database import Tx
from todoke.storage.tables import audit as a


class Entry(msgspec.Struct, kw_only=True):
    """An entry. `data`: JSON of counts, ids and reasons; never a number, a hash of one, or a message's text."""

    id: str
    account_id: str
    at: int
    by: str
    what: str
    data: str


_COLUMNS = tuple(a.c[x] for x in Entry.__struct_fields__)


async def insert_entry(tx: Tx, entry: Entry) -> None:
    await tx.execute(insert(a), msgspec.structs.asdict(entry))


async def newest(tx: Tx) -> str | None:
    """The id of the newest entry, of whatever account."""
    found: str | None = (await tx.execute(select(func.max(a.c.id)))).scalar_one()
    return found


async def page(tx: Tx, account_id: str, what: str | None, before: str | None, limit: int) -> list[Entry]:
    """The newest first; of one kind, or of all."""
    query = select(*_COLUMNS).where(a.c.account_id == account_id)
    if what is not None:
        query = query.where(a.c.what == what)
    if before is not None:
        query = query.where(a.c.id < before)
    return [Entry(**row._mapping) for row in await tx.execute(query.order_by(a.c.id.desc()).limit(limit))]
