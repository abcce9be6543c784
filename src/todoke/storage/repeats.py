"""Notices that say again what an earlier one of the last days said to the same number."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from todoke.storage import notice_keys
from todoke.storage.database import Tx, portions
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t

_LOOKED_AT = 5000


async def versions_of(tx: Tx, template_id: str) -> list[str]:
    """All versions of the template that this is one of."""
    same = select(t.c.account_id, t.c.channel_id, t.c.name).where(t.c.id == template_id).subquery()
    query = select(t.c.id).where(
        t.c.account_id == same.c.account_id, t.c.channel_id == same.c.channel_id, t.c.name == same.c.name
    )
    return [row[0] for row in await tx.execute(query)]


async def may_be_any(tx: Tx, templates: Collection[str], before_id: str, since: int) -> bool:
    """False where surely no notice of these templates that is older than an id was made since a time. Looks at a few
    thousand at most, however many are stored.
    """
    newest = (
        select(n.c.template_id, n.c.created_at)
        .where(n.c.id < before_id)
        .order_by(n.c.id.desc())
        .limit(_LOOKED_AT)
    )
    rows = (await tx.execute(newest)).all()
    if any(row.template_id in templates and row.created_at >= since for row in rows):
        return True
    return len(rows) == _LOOKED_AT and rows[-1].created_at >= since


async def said_before(
    tx: Tx, templates: Collection[str], numbers: Sequence[str], batch_id: str, since: int
) -> set[tuple[str, str]]:
    """Number and parameters of notices of these templates, of other batches or none, that were made since a time."""
    found: set[tuple[str, str]] = set()
    for some in portions(numbers):
        query = select(n.c.number, n.c.parameters, n.c.batch_id).where(
            notice_keys.of_numbers(some), n.c.template_id.in_(list(templates)), n.c.created_at >= since
        )
        found |= {(row.number, row.parameters) for row in await tx.execute(query) if row.batch_id != batch_id}
    return found
