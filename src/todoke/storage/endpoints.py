"""Where the business's own systems get webhooks."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, func, insert, select, update

from todoke.core.announcing import wanted_by
from todoke.storage.bulk import Bulk, Fetch
from todoke.storage.database import Tx
from todoke.storage.tables import webhook_endpoints as e


class Endpoint(msgspec.Struct, kw_only=True):
    """An endpoint; the secrets are sealed, `events` is JSON: what it asked for, with wildcards."""

    id: str
    account_id: str
    url: str
    secret: bytes
    old_secret: bytes | None = None
    """Signs too until `old_secret_until`."""
    old_secret_until: int | None = None
    events: str
    description: str | None = None
    created_at: int
    removed_at: int | None = None
    paused_at: int | None = None
    paused_why: str | None = None
    failing_since: int | None = None
    """Since when every try failed; None: the last one did not."""
    last_taken_at: int | None = None


_COLUMNS = tuple(e.c[x] for x in Endpoint.__struct_fields__)
_in_use = Fetch(select(e.c.id, e.c.account_id, e.c.events).where(e.c.removed_at.is_(None)).order_by(e.c.id))
_health = Bulk(
    update(e).where(e.c.id == bindparam("of")),
    ("of", "failing_since", "last_taken_at", "paused_at", "paused_why"),
)


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


async def by_ids(tx: Tx, ids: Sequence[str]) -> list[Endpoint]:
    """These endpoints, also removed ones; a few."""
    query = select(*_COLUMNS).where(e.c.id.in_(ids))
    return [Endpoint(**row._mapping) for row in await tx.execute(query)]


async def endpoints_for(tx: Tx, account_id: str | None, event: str) -> list[Endpoint]:
    """The account's endpoints that want this kind of event, the oldest first; None: those of all accounts."""
    return [x for x in await list_endpoints(tx, account_id) if event in _wanted(x.events)]


class Wish(NamedTuple):
    """What an endpoint wants, wildcards resolved."""

    endpoint_id: str
    account_id: str
    events: frozenset[str]


async def wishes(tx: Tx) -> list[Wish]:
    """What each endpoint in use wants, the oldest first. One small query, for every transaction that changes much."""
    return [Wish(row[0], row[1], _wanted(row[2])) for row in await _in_use(tx)]


@lru_cache(maxsize=1024)
def _wanted(events: str) -> frozenset[str]:
    return wanted_by(json.loads(events))


async def count_endpoints(tx: Tx, account_id: str) -> int:
    query = select(func.count()).select_from(e).where(e.c.account_id == account_id, e.c.removed_at.is_(None))
    return int((await tx.execute(query)).scalar_one())


async def save_health(tx: Tx, endpoints: Sequence[Endpoint]) -> None:
    """Writes since when these fail, when they last took one, and whether they are paused."""
    await _health(
        tx, [(x.id, x.failing_since, x.last_taken_at, x.paused_at, x.paused_why) for x in endpoints]
    )
