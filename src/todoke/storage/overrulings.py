"""Findings in versions of templates that a named person has overruled, and what the check found in them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import overrulings as o
from todoke.storage.tables import templates as t


class Overruling(msgspec.Struct, kw_only=True):
    """A row of the table. It stands until it is withdrawn."""

    id: str
    account_id: str
    template_id: str
    code: str
    pointer: str
    words: str
    by: str
    why: str
    created_at: int
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None


_COLUMNS = tuple(o.c[x] for x in Overruling.__struct_fields__)


async def insert_overrulings(tx: Tx, rows: Sequence[Overruling]) -> None:
    if rows:
        await tx.execute(insert(o), [msgspec.structs.asdict(row) for row in rows])


async def of_template(tx: Tx, template_id: str) -> list[Overruling]:
    """The oldest first, withdrawn ones too."""
    query = select(*_COLUMNS).where(o.c.template_id == template_id).order_by(o.c.id)
    return [_row(row) for row in await tx.execute(query)]


async def find(tx: Tx, account_id: str, overruling_id: str) -> Overruling | None:
    query = select(*_COLUMNS).where(o.c.account_id == account_id, o.c.id == overruling_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _row(row)


async def withdraw(tx: Tx, overruling_id: str, by: str, now: int) -> None:
    query = update(o).where(o.c.id == overruling_id, o.c.withdrawn_at.is_(None))
    await tx.execute(query.values(withdrawn_at=now, withdrawn_by=by))


async def put_findings(tx: Tx, template_id: str, findings: str, rules_version: str) -> None:
    """What the check found in a version's fixed text (JSON), and by which rules."""
    query = update(t).where(t.c.id == template_id)
    await tx.execute(query.values(findings=findings, rules_version=rules_version))


def _row(row: Any) -> Overruling:
    return Overruling(**row._mapping)
