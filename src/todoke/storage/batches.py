"""Batches: where reading a file stands, and the rows that were refused."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, text, update

from todoke.storage.database import Tx
from todoke.storage.tables import batch_rejects, notices
from todoke.storage.tables import batches as b


class Batch(msgspec.Struct, kw_only=True):
    """A row of the batches table. `state`: reading, done, failed or cancelled; it tells of the reading only."""

    id: str
    account_id: str
    channel_id: str
    template_id: str
    policy_id: str
    file_name: str
    encoding: str
    columns: str
    header: str | None = None
    state: str = "reading"
    error: str | None = None
    size: int
    position: int = 0
    line: int = 1
    rows: int = 0
    accepted: int = 0
    refused: int = 0
    duplicates: int = 0
    source_id: str | None = None
    language: str | None = None
    """Which of the template's languages; None: its first."""
    created_at: int
    read_at: int | None = None
    cancelled_at: int | None = None
    ended_at: int | None = None


class Reject(msgspec.Struct):
    """A refused row: its line in the file, why, and the row as it was (JSON list of cells)."""

    line: int
    reason: str
    original: str


def _batch(row: Any) -> Batch:
    return Batch(**row._mapping)


async def insert_batch(tx: Tx, batch: Batch) -> None:
    await tx.execute(insert(b), msgspec.structs.asdict(batch))


async def update_batch(tx: Tx, batch_id: str, **values: Any) -> None:
    await tx.execute(update(b).where(b.c.id == batch_id).values(values))


async def get_batch(tx: Tx, batch_id: str) -> Batch | None:
    row = (await tx.execute(select(b).where(b.c.id == batch_id))).one_or_none()
    return None if row is None else _batch(row)


async def list_batches(tx: Tx, account_id: str, limit: int = 100) -> list[Batch]:
    """The newest first."""
    query = select(b).where(b.c.account_id == account_id).order_by(b.c.id.desc()).limit(limit)
    return [_batch(row) for row in await tx.execute(query)]


async def reading(tx: Tx) -> list[Batch]:
    """Those whose file is not read to the end, oldest first."""
    return [_batch(row) for row in await tx.execute(select(b).where(b.c.state == "reading").order_by(b.c.id))]


async def not_ended(tx: Tx) -> list[str]:
    """Those whose file is read no more and whose last notice had not ended when somebody last looked."""
    query = select(b.c.id).where(b.c.ended_at.is_(None), b.c.state != "reading")
    return [row[0] for row in await tx.execute(query.order_by(b.c.id))]


async def insert_rejects(tx: Tx, batch_id: str, rejects: Sequence[Reject]) -> None:
    if rejects:
        rows = [msgspec.structs.asdict(r) | {"batch_id": batch_id} for r in rejects]
        await tx.execute(insert(batch_rejects), rows)


async def rejects_after(tx: Tx, batch_id: str, line: int, limit: int) -> list[Reject]:
    r = batch_rejects
    query = (
        select(r.c.line, r.c.reason, r.c.original)
        .where(r.c.batch_id == batch_id, r.c.line > line)
        .order_by(r.c.line)
        .limit(limit)
    )
    return [Reject(*row) for row in await tx.execute(query)]


async def count_duplicates(tx: Tx, batch_id: str) -> int:
    """How many notices of a batch repeat the number and parameters of another one."""
    same = (
        select(func.count().label("n"))
        .where(notices.c.batch_id == batch_id)
        .group_by(notices.c.number, notices.c.parameters)
        .having(text("count(*) > 1"))
        .subquery()
    )
    return int((await tx.execute(select(func.coalesce(func.sum(same.c.n - 1), 0)))).scalar_one())


async def states_of(tx: Tx, batch_id: str) -> dict[str, int]:
    """How many notices of a batch are in each state."""
    query = (
        select(notices.c.state, func.count()).where(notices.c.batch_id == batch_id).group_by(notices.c.state)
    )
    return {row[0]: row[1] for row in await tx.execute(query)}


async def open_ids(tx: Tx, batch_id: str, after: str, limit: int) -> list[str]:
    """Ids of a batch's notices that have not ended, in order."""
    query = (
        select(notices.c.id)
        .where(notices.c.batch_id == batch_id, notices.c.id > after, notices.c.ended_at.is_(None))
        .order_by(notices.c.id)
        .limit(limit)
    )
    return [row[0] for row in await tx.execute(query)]
