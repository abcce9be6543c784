"""Notices on their way to the archive: which are old enough, and taking them out once they are there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from todoke.storage import notice_keys
from todoke.storage.archive_files import Kept
from todoke.storage.database import Tx, portions
from todoke.storage.tables import attempts as a
from todoke.storage.tables import batch_rejects as r
from todoke.storage.tables import batches as b
from todoke.storage.tables import notices as n

LOOKED_AT = 1000
LOOKED_THROUGH = 20


class Portion(NamedTuple):
    """`old`: what may go. `last`: the last notice that was looked at; None: those after it are all too young."""

    old: list[Kept]
    last: str | None


async def old_ones(tx: Tx, ended_before: int, after: str, limit: int) -> Portion:
    """Looks at the next notices in the order of their ids, so many at most.

    Those may go that ended before that time, whose attempts were closed and whose batch was over by then: nothing
    can change them any more.
    """
    query = select(n).where(n.c.id > after).order_by(n.c.id).limit(limit)
    rows = [_row(x) for x in await tx.execute(query)]
    if not any(x["created_at"] < ended_before for x in rows):
        return Portion([], None)
    ended = [x for x in rows if x.get("ended_at", ended_before) < ended_before and "due_at" not in x]
    tried = await _attempts_of(tx, [x["id"] for x in ended])
    running = await _running(tx, {x["batch_id"] for x in ended if "batch_id" in x}, ended_before)
    old = [
        Kept(x, tried[x["id"]])
        for x in ended
        if x.get("batch_id") not in running
        and not any(t["open"] or t["closes_at"] >= ended_before for t in tried[x["id"]])
    ]
    return Portion(old, rows[-1]["id"])


def _row(row: Any) -> dict[str, Any]:
    return {k: v for k, v in row._mapping.items() if v is not None}


async def _attempts_of(tx: Tx, notice_ids: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for portion in portions(notice_ids, 500):
        query = select(a).where(a.c.notice_id.in_(portion)).order_by(a.c.id)
        for row in await tx.execute(query):
            found[row.notice_id].append(_row(row))
    return found


class Waiting(NamedTuple):
    """How many notices could have gone, of the oldest ones at least, and when the first was taken in."""

    number: int
    first: int


async def waiting(tx: Tx, ended_before: int) -> Waiting | None:
    """What ended before that time and is still here, looked for among the oldest; None: nothing."""
    after, found = "", list[Kept]()
    for _ in range(LOOKED_THROUGH):
        portion = await old_ones(tx, ended_before, after, LOOKED_AT)
        found += portion.old
        if portion.last is None:
            break
        after = portion.last
    return Waiting(len(found), found[0].notice["created_at"]) if found else None


async def _running(tx: Tx, batch_ids: set[str], ended_before: int) -> set[str]:
    """Those of the batches that were not over by that time."""
    if not batch_ids:
        return set()
    over = select(b.c.id).where(b.c.id.in_(sorted(batch_ids)), b.c.ended_at < ended_before)
    return batch_ids - {row[0] for row in await tx.execute(over)}


async def take_out(tx: Tx, kept: Sequence[Kept]) -> list[Kept]:
    """Deletes those that are still as they were copied; answers them."""
    same: list[Kept] = []
    for portion in portions((x.id for x in kept), 500):
        query = select(n).where(n.c.id.in_(portion)).with_for_update()
        rows = {row.id: _row(row) for row in await tx.execute(query)}
        tried = await _attempts_of(tx, list(rows))
        for x in kept:
            if rows.get(x.id) == x.notice and tried[x.id] == x.attempts:
                same.append(x)
    for portion in portions((x.id for x in same), 500):
        await notice_keys.remove(tx, portion)
        await tx.execute(delete(a).where(a.c.notice_id.in_(portion)))
        await tx.execute(delete(n).where(n.c.id.in_(portion)))
    return same


async def forget_rejects(tx: Tx, ended_before: int, most: int) -> int:
    """Drops so many refused rows, at most, of batches that were over before that time; answers how many it were."""
    over = select(r.c.batch_id, r.c.line).join(b, b.c.id == r.c.batch_id).where(b.c.ended_at < ended_before)
    rows = (await tx.execute(over.order_by(r.c.batch_id, r.c.line).limit(most))).all()
    for batch_id in {row.batch_id for row in rows}:
        last = max(row.line for row in rows if row.batch_id == batch_id)
        await tx.execute(delete(r).where(r.c.batch_id == batch_id, r.c.line <= last))
    return len(rows)
