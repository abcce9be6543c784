"""Where the business's own systems get webhooks."""

import json
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import webhook_endpoints as e


class Endpoint(msgspec.Struct, kw_only=True):
    """An endpoint; `secret` is sealed, `events` is JSON: the kinds of events it gets."""

    id: str
    account_id: str
    url: str
    secret: bytes
    events: str
    created_at: int
    removed_at: int | None = None


_COLUMNS = tuple(e.c[x] for x in Endpoint.__struct_fields__)


async def insert_endpoint(tx: Tx, endpoint: Endpoint) -> None:
    await tx.execute(insert(e), msgspec.structs.asdict(endpoint))


async def update_endpoint(tx: Tx, endpoint_id: str, **values: Any) -> None:
    await tx.execute(update(e).where(e.c.id == endpoint_id).values(values))


async def get_endpoint(tx: Tx, account_id: str, endpoint_id: str) -> Endpoint | None:
    """One that is in use."""
    query = select(*_COLUMNS).where(
        e.c.id == endpoint_id, e.c.account_id == account_id, e.c.removed_at.is_(None)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Endpoint(**row._mapping)


async def list_endpoints(tx: Tx, account_id: str | None) -> list[Endpoint]:
    """Those in use, the oldest first; None: of all accounts."""
    query = select(*_COLUMNS).where(e.c.removed_at.is_(None)).order_by(e.c.id)
    if account_id is not None:
        query = query.where(e.c.account_id == account_id)
    return [Endpoint(**row._mapping) for row in await tx.execute(query)]


async def endpoints_for(tx: Tx, account_id: str | None, event: str) -> list[Endpoint]:
    """The account's endpoints that want this kind of event, the oldest first; None: those of all accounts."""
    return [x for x in await list_endpoints(tx, account_id) if event in json.loads(x.events)]


async def count_endpoints(tx: Tx, account_id: str) -> int:
    query = select(func.count()).select_from(e).where(e.c.account_id == account_id, e.c.removed_at.is_(None))
    return int((await tx.execute(query)).scalar_one())
