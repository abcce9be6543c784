"""What was done to applications and to versions of templates, by whom and why. Rows are never changed."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select

from todoke.storage.database import Tx
from todoke.storage.tables import review_events as e


class ReviewEvent(msgspec.Struct, kw_only=True):
    """A row of the review_events table, of an application or of a template's version."""

    id: str
    account_id: str
    application_id: str | None = None
    template_id: str | None = None
    at: int
    kind: str
    """transition, comment, attachment, checklist, overruling."""
    by: str
    from_state: str | None = None
    to_state: str | None = None
    why: str | None = None
    evidence: str | None = None
    """JSON."""


async def insert_events(tx: Tx, rows: Sequence[ReviewEvent]) -> None:
    if rows:
        await tx.execute(insert(e), [msgspec.structs.asdict(row) for row in rows])


async def of_application(tx: Tx, application_id: str) -> list[ReviewEvent]:
    """The oldest first."""
    query = select(e).where(e.c.application_id == application_id).order_by(e.c.at, e.c.id)
    return [ReviewEvent(**row._mapping) for row in await tx.execute(query)]


async def of_template(tx: Tx, template_id: str) -> list[ReviewEvent]:
    """The oldest first."""
    query = select(e).where(e.c.template_id == template_id).order_by(e.c.at, e.c.id)
    return [ReviewEvent(**row._mapping) for row in await tx.execute(query)]
