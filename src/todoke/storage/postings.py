"""The outbox of webhooks: what is to be posted to which endpoint, how often it was tried, how it ended."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import postings as p
from todoke.storage.tables import webhook_endpoints as e


class PostingRow(msgspec.Struct, kw_only=True):
    """A webhook for one endpoint. `outcome` is the last try's; with `ended_at` it is the final one."""

    id: str
    account_id: str
    endpoint_id: str
    event: str
    body: str
    tries: int = 0
    outcome: str | None = None
    status: int | None = None
    detail: str | None = None
    created_at: int
    ended_at: int | None = None
    due_at: int | None = None


class DuePosting(PostingRow, kw_only=True):
    """With the address it goes to; `secret` is sealed."""

    url: str
    secret: bytes


_FIELDS = PostingRow.__struct_fields__
_COLUMNS = tuple(p.c[x] for x in _FIELDS)
_TRY = update(p).where(p.c.id == bindparam("of")).values(tries=p.c.tries + 1, due_at=bindparam("until"))
_RESULT = (
    update(p)
    # A try whose lease ran out was made again; its late result says nothing about the newer one.
    .where(p.c.id == bindparam("of"), p.c.tries == bindparam("of_try"), p.c.ended_at.is_(None))
    .values({x: bindparam(x) for x in ("outcome", "status", "detail", "ended_at", "due_at")})
)


async def insert_postings(tx: Tx, rows: Sequence[PostingRow]) -> None:
    if rows:
        await tx.execute(insert(p), [msgspec.structs.asdict(x) for x in rows])


async def due(tx: Tx, now: int, most_of_each: int) -> list[DuePosting]:
    """What is due, the longest due first, at most so many of each endpoint: one that is slow holds up no other."""
    of_one = (
        select(p.c.id)
        .where(p.c.endpoint_id == e.c.id, p.c.due_at <= now)
        .order_by(p.c.due_at)
        .limit(most_of_each)
        .correlate(e)
    )
    query = select(*_COLUMNS, e.c.url, e.c.secret).join_from(e, p, p.c.id.in_(of_one)).order_by(p.c.due_at)
    return [DuePosting(**row._mapping) for row in await tx.execute(query)]


async def next_due(tx: Tx) -> int | None:
    """When the next try of any is due."""
    of_one = select(func.min(p.c.due_at)).where(p.c.endpoint_id == e.c.id, p.c.due_at.is_not(None))
    query = select(func.min(of_one.correlate(e).scalar_subquery())).select_from(e)
    found: int | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def begin_tries(tx: Tx, ids: Sequence[str], until: int) -> None:
    """One more try of each; nobody else makes one before `until`."""
    if ids:
        await tx.execute(_TRY, [{"of": x, "until": until} for x in ids])


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a try came to. Either `ended_at` or `due_at`, the time of the next try, is set."""

    posting_id: str
    tries: int
    outcome: str
    status: int | None
    detail: str | None
    ended_at: int | None = None
    due_at: int | None = None


async def record_results(tx: Tx, results: Sequence[Result]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "of": x.posting_id,
            "of_try": x.tries,
            "outcome": x.outcome,
            "status": x.status,
            "detail": x.detail,
            "ended_at": x.ended_at,
            "due_at": x.due_at,
        }
        for x in results
    ]
    if rows:
        await tx.execute(_RESULT, rows)


async def drop_open(tx: Tx, endpoint_id: str, now: int) -> None:
    """What is still to be posted to an endpoint that was removed."""
    query = update(p).where(p.c.endpoint_id == endpoint_id, p.c.due_at.is_not(None))
    await tx.execute(query.values(outcome="dropped", ended_at=now, due_at=None))


async def of_endpoint(tx: Tx, endpoint_id: str) -> list[PostingRow]:
    """All that is kept of an endpoint, the oldest first."""
    query = select(*_COLUMNS).where(p.c.endpoint_id == endpoint_id).order_by(p.c.id)
    return [PostingRow(**row._mapping) for row in await tx.execute(query)]


async def forget(tx: Tx, before: int) -> None:
    """Drops what ended before that time."""
    await tx.execute(delete(p).where(p.c.ended_at < before))
