"""The outbox of webhooks: what is to be posted to which endpoint, how often it was tried, how it ended."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, delete, exists, func, insert, select, update

from todoke.storage.bulk import Bulk
from todoke.storage.database import Tx, portions
from todoke.storage.forgetting import ALL
from todoke.storage.tables import posting_tries as t
from todoke.storage.tables import postings as p
from todoke.storage.tables import webhook_endpoints as e

TAKEN, FAILED, DROPPED = "accepted", "failed", "dropped"
"""Outcomes: of a try, the first two; what was never posted, because its endpoint was removed, was dropped."""


class PostingRow(msgspec.Struct, kw_only=True):
    """A webhook for one endpoint. `outcome` is the last try's; with `ended_at` it is the final one."""

    id: str
    account_id: str
    endpoint_id: str
    event: str
    about: str | None = None
    """What it tells of: the id of a notice, a binding, a batch …, a LINE user ID."""
    body: str
    tries: int = 0
    outcome: str | None = None
    status: int | None = None
    detail: str | None = None
    created_at: int
    replayed_at: int | None = None
    tries_before: int = 0
    """Those of before it was replayed: pauses and patience count from there."""
    ended_at: int | None = None
    due_at: int | None = None


class DuePosting(PostingRow, kw_only=True):
    """With the address it goes to; the secrets are sealed."""

    url: str
    secret: bytes
    old_secret: bytes | None
    old_secret_until: int | None


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `took_ms` is by the machine's clock."""

    number: int
    at: int
    outcome: str
    status: int | None
    detail: str | None
    took_ms: int


_FIELDS = PostingRow.__struct_fields__
_COLUMNS = tuple(p.c[x] for x in _FIELDS)
_BODILESS = tuple(p.c[x] for x in _FIELDS if x != "body")
_insert = Bulk(insert(p), _FIELDS)
_BEGIN = update(p).where(p.c.id == bindparam("of")).values(tries=p.c.tries + 1, due_at=bindparam("until"))
_TOLD = ("outcome", "status", "detail", "ended_at", "due_at")
_result = Bulk(
    # A try whose lease ran out was made again; its late result says nothing about the newer one.
    update(p).where(p.c.id == bindparam("of"), p.c.tries == bindparam("of_try"), p.c.ended_at.is_(None)),
    ("of", "of_try", *_TOLD),
)
_TRY = ("posting_id", "try", "at", "outcome", "status", "detail", "took_ms")
# Of a commit that came through although it said that it failed, the tries stand there already. What was erased while
# it was out leaves none.
_INSERT_TRIES = insert(t).from_select(
    _TRY,
    select(*(bindparam(f"of_{x}", type_=t.c[x].type) for x in _TRY)).where(
        exists().where(p.c.id == bindparam("of_posting_id")),
        ~exists().where(t.c.posting_id == bindparam("of_posting_id"), t.c["try"] == bindparam("of_try")),
    ),
)


async def insert_postings(tx: Tx, rows: Sequence[PostingRow]) -> None:
    await _insert(tx, [msgspec.structs.astuple(x) for x in rows])


async def due(tx: Tx, now: int, most_of_each: int) -> list[DuePosting]:
    """What is due and whose endpoint is not paused, the longest due first, at most so many of each endpoint: one
    that is slow holds up no other.
    """
    of_one = (
        select(p.c.id)
        .where(p.c.endpoint_id == e.c.id, p.c.due_at <= now)
        .order_by(p.c.due_at, p.c.id)
        .limit(most_of_each)
        .correlate(e)
    )
    query = (
        select(*_COLUMNS, e.c.url, e.c.secret, e.c.old_secret, e.c.old_secret_until)
        .join_from(e, p, p.c.id.in_(of_one))
        .where(e.c.paused_at.is_(None))
        .order_by(p.c.due_at, p.c.id)
    )
    return [DuePosting(**row._mapping) for row in await tx.execute(query)]


async def next_due(tx: Tx) -> int | None:
    """When the next try of any is due."""
    of_one = select(func.min(p.c.due_at)).where(p.c.endpoint_id == e.c.id, p.c.due_at.is_not(None))
    query = select(func.min(of_one.correlate(e).scalar_subquery())).where(e.c.paused_at.is_(None))
    found: int | None = (await tx.execute(query.select_from(e))).scalar_one_or_none()
    return found


async def begin_tries(tx: Tx, ids: Sequence[str], until: int) -> None:
    """One more try of each; nobody else makes one before `until`."""
    if ids:
        await tx.execute(_BEGIN, [{"of": x, "until": until} for x in ids])


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a try came to. Either `ended_at` or `due_at`, the time of the next try, is set."""

    posting_id: str
    endpoint_id: str
    tries: int
    patient: bool = False
    """It was tried often enough that the failure is no matter of seconds."""
    at: int
    outcome: str
    status: int | None
    detail: str | None
    took_ms: int
    ended_at: int | None = None
    due_at: int | None = None


async def record_results(tx: Tx, results: Sequence[Result]) -> None:
    await _result(
        tx,
        [(x.posting_id, x.tries, x.outcome, x.status, x.detail, x.ended_at, x.due_at) for x in results],
    )
    await insert_tries(tx, results)


async def insert_tries(tx: Tx, results: Sequence[Result]) -> None:
    """Writes tries into the log."""
    rows = [(x.posting_id, x.tries, x.at, x.outcome, x.status, x.detail, x.took_ms) for x in results]
    if rows:
        await tx.execute(_INSERT_TRIES, [{f"of_{k}": v for k, v in zip(_TRY, x, strict=True)} for x in rows])


async def drop_open(tx: Tx, endpoint_id: str, now: int) -> None:
    """What is still to be posted to an endpoint that was removed."""
    query = update(p).where(p.c.endpoint_id == endpoint_id, p.c.due_at.is_not(None))
    await tx.execute(query.values(outcome=DROPPED, ended_at=now, due_at=None))


async def release(tx: Tx, endpoint_id: str, now: int) -> int:
    """Makes all due that waits for an endpoint, with all its tries before it. Answers how many."""
    query = update(p).where(p.c.endpoint_id == endpoint_id, p.c.due_at.is_not(None))
    values = {"due_at": now, "replayed_at": now, "tries_before": p.c.tries}
    return (await tx.execute(query.values(values))).rowcount


async def replay(tx: Tx, ids: Iterable[str], now: int) -> None:
    """Makes these due once more, whether they ended or not."""
    values = {"due_at": now, "replayed_at": now, "tries_before": p.c.tries, "ended_at": None}
    for portion in portions(ids):
        await tx.execute(update(p).where(p.c.id.in_(portion)).values(values))


async def ended_between(
    tx: Tx, endpoint_id: str, since: int, until: int | None, *, only_failed: bool, after: str, limit: int
) -> list[str]:
    """Ids of an endpoint's webhooks that ended, of events from `since` on and before `until`; in order."""
    query = select(p.c.id).where(
        p.c.endpoint_id == endpoint_id, p.c.id > after, p.c.created_at >= since, p.c.ended_at.is_not(None)
    )
    if until is not None:
        query = query.where(p.c.created_at < until)
    if only_failed:
        query = query.where(p.c.outcome == FAILED)
    return [row[0] for row in await tx.execute(query.order_by(p.c.id).limit(limit))]


async def count_open(tx: Tx, endpoint_ids: Iterable[str]) -> dict[str, int]:
    """How many webhooks still wait for each of these endpoints, those without any left out."""
    query = select(p.c.endpoint_id, func.count()).where(
        p.c.endpoint_id.in_(list(endpoint_ids)), p.c.due_at.is_not(None)
    )
    return {row[0]: row[1] for row in await tx.execute(query.group_by(p.c.endpoint_id))}


async def of_endpoint(tx: Tx, endpoint_id: str) -> list[PostingRow]:
    """All that is kept of an endpoint, the oldest first."""
    query = select(*_COLUMNS).where(p.c.endpoint_id == endpoint_id).order_by(p.c.id)
    return [PostingRow(**row._mapping) for row in await tx.execute(query)]


async def get_posting(tx: Tx, endpoint_id: str, posting_id: str) -> PostingRow | None:
    query = select(*_COLUMNS).where(p.c.endpoint_id == endpoint_id, p.c.id == posting_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else PostingRow(**row._mapping)


async def page(
    tx: Tx,
    endpoint_id: str,
    *,
    state: str | None = None,
    event: str | None = None,
    about: str | None = None,
    before: str | None = None,
    limit: int,
) -> list[PostingRow]:
    """An endpoint's webhooks without their bodies, the newest first; `state`: open, or an outcome."""
    query: Select[Any] = select(*_BODILESS).where(p.c.endpoint_id == endpoint_id)
    if state is not None:
        is_open = p.c.ended_at.is_(None)
        query = query.where(is_open if state == "open" else ~is_open & (p.c.outcome == state))
    for column, value in ((p.c.event, event), (p.c.about, about)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(p.c.id < before)
    rows = await tx.execute(query.order_by(p.c.id.desc()).limit(limit))
    return [PostingRow(**row._mapping, body="") for row in rows]


async def tries_of(tx: Tx, posting_ids: Iterable[str]) -> dict[str, list[Try]]:
    """The tries of a few webhooks, the first one first."""
    found: dict[str, list[Try]] = defaultdict(list)
    query = select(*(t.c[x] for x in _TRY)).where(t.c.posting_id.in_(list(posting_ids)))
    for row in await tx.execute(query.order_by(t.c.posting_id, t.c["try"])):
        found[row[0]].append(
            Try(number=row[1], at=row[2], outcome=row[3], status=row[4], detail=row[5], took_ms=row[6])
        )
    return found


async def forget(tx: Tx, before: int, most: int = ALL) -> int:
    """Drops so many, at most, that ended before that time, or have waited for a paused endpoint since then; answers
    how many it were.
    """
    paused = select(e.c.id).where(e.c.paused_at.is_not(None))
    ended = select(p.c.id).where(p.c.ended_at < before)
    waits = select(p.c.id).where(
        p.c.endpoint_id.in_(paused), p.c.due_at.is_not(None), p.c.created_at < before
    )
    count = 0
    for query in (ended, waits):
        ids = [row[0] for row in await tx.execute(query.limit(most - count))]
        for portion in portions(ids):
            await tx.execute(delete(t).where(t.c.posting_id.in_(portion)))
            await tx.execute(delete(p).where(p.c.id.in_(portion)))
        count += len(ids)
    # Whatever deletes a posting, the log of its tries does not outlive those that came after it.
    oldest = select(func.min(p.c.id)).scalar_subquery()
    await tx.execute(delete(t).where(t.c.posting_id < func.coalesce(oldest, "~")))
    return count
