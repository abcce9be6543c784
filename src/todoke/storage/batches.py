"""Batches: where reading a file stands, and the rows that were refused."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, select, update

from todoke.core.list_rows import Reject as Reject
from todoke.ids import from_bytes, to_bytes
from todoke.storage import batch_states
from todoke.storage.bulk import Fetch
from todoke.storage.database import Tx
from todoke.storage.tables import batch_rejects, notices
from todoke.storage.tables import batch_states as s
from todoke.storage.tables import batches as b

UNREAD = ("preparing", "reading")


class Batch(msgspec.Struct, kw_only=True):
    """A row of the batches table. `state`: preparing, reading, done, failed or cancelled; it tells of the reading
    only.
    """

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
    starts_at: int | None = None
    rate: int | None = None
    """Notices an hour."""
    percent_an_hour: float | None = None
    """Of the list."""
    hours: str | None = None
    """Between which times of the day it goes out: 09:00-18:00."""
    started_at: int | None = None
    """When the first of its notices was let go."""
    paused_at: int | None = None
    sweep: str | None = None
    """Its notices are being held or cancelled, done up to this id; None: no such work is going on."""
    pace: str | None = None
    """JSON of `core.release.Sample`s."""
    asked: str | None = None
    """JSON of `engine.lists.Choices`: what the upload set."""
    detected: str | None = None
    """JSON: what was found of its file, as the API shows it."""
    total: int | None = None
    """Rows of the file, once known."""
    repeats: int = 0
    """Rows that repeat a notice of the last days."""


def _batch(row: Any) -> Batch:
    return Batch(**row._mapping)


async def insert_batch(tx: Tx, batch: Batch) -> None:
    await tx.execute(insert(b), msgspec.structs.asdict(batch))
    await batch_states.begin(tx, batch.id)


async def update_batch(tx: Tx, batch_id: str, **values: Any) -> None:
    await tx.execute(update(b).where(b.c.id == batch_id).values(values))


async def update_preparing(tx: Tx, batch_id: str, position: int) -> None:
    """How far its upload is read, while it is prepared."""
    where = (b.c.id == batch_id) & (b.c.state == "preparing")
    await tx.execute(update(b).where(where).values(position=position))


async def get_batch(tx: Tx, batch_id: str) -> Batch | None:
    row = (await tx.execute(select(b).where(b.c.id == batch_id))).one_or_none()
    return None if row is None else _batch(row)


async def list_batches(tx: Tx, account_id: str, limit: int = 100) -> list[Batch]:
    """The newest first."""
    query = select(b).where(b.c.account_id == account_id).order_by(b.c.id.desc()).limit(limit)
    return [_batch(row) for row in await tx.execute(query)]


async def preparing(tx: Tx) -> list[Batch]:
    """Those whose upload is still to be made a normalised file, oldest first."""
    query = select(b).where(b.c.state == "preparing").order_by(b.c.id)
    return [_batch(row) for row in await tx.execute(query)]


async def reading(tx: Tx) -> list[Batch]:
    """Those whose file is not read to the end, oldest first."""
    return [_batch(row) for row in await tx.execute(select(b).where(b.c.state == "reading").order_by(b.c.id))]


_OPEN = select(s.c.batch_id).where(
    s.c.batch_id == b.c.id, s.c.state.in_(("queued", "sending", "waiting")), s.c.count > 0
)
_OVER = (
    select(b.c.id).where(b.c.ended_at.is_(None), b.c.state.not_in(UNREAD), ~_OPEN.exists()).order_by(b.c.id)
)
_WAITING = select(s.c.batch_id).where(s.c.batch_id == b.c.id, s.c.state == "queued", s.c.count > 0)
_GOING = select(b).where(b.c.ended_at.is_(None), b.c.sweep.is_not(None) | _WAITING.exists()).order_by(b.c.id)
_swept = Fetch(
    select(b.c.id, b.c.cancelled_at).where(
        b.c.channel_id == bindparam("channel"), b.c.sweep.is_not(None), b.c.ended_at.is_(None)
    )
)


async def over(tx: Tx) -> list[str]:
    """Those whose file is read no more and whose notices have all ended, and that are not yet marked as ended."""
    return [row[0] for row in await tx.execute(_OVER)]


async def going(tx: Tx) -> list[Batch]:
    """Those with notices that have not begun, or that are being held or cancelled; the oldest first."""
    return [_batch(row) for row in await tx.execute(_GOING)]


async def swept(tx: Tx, channel_id: str) -> dict[str, bool]:
    """The batches of a channel that are being held or cancelled just now: whether cancelled, by id."""
    return {row[0]: row[1] is not None for row in await _swept(tx, channel=channel_id)}


_STRETCHES = 50


async def some_numbers(tx: Tx, batch_id: str, most: int) -> list[str]:
    """Numbers of a batch, so many at most, in stretches that are spread over all of it: ids tell the order."""
    mine = (notices.c.batch_id == batch_id, notices.c.number != "")
    query = select(notices.c.id, notices.c.number).where(*mine).order_by(notices.c.id)
    rows = (await tx.execute(query.limit(most + 1))).all()
    if len(rows) <= most:
        return [r[1] for r in rows]
    last = (
        await tx.execute(select(notices.c.id).where(*mine).order_by(notices.c.id.desc()).limit(1))
    ).scalar_one()
    first_at, last_at = (int.from_bytes(to_bytes(x)) for x in (rows[0][0], last))
    found: dict[str, str] = {}
    for i in range(_STRETCHES):
        at = first_at + (last_at - first_at) * i // _STRETCHES
        begins = from_bytes(at.to_bytes(16))
        found.update(
            (r[0], r[1])
            for r in await tx.execute(query.where(notices.c.id >= begins).limit(most // _STRETCHES))
        )
    return list(found.values())


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
