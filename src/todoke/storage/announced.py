"""What webhooks about notices say beside what changed."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, select

from todoke.storage.database import Tx, portions
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t


class NoticeFacts(NamedTuple):
    """What a notice is, in words of the business. `number` is plain: whoever shows it masks it."""

    id: str
    account_id: str
    channel_id: str
    batch_id: str | None
    reference: str | None
    number: str
    country: str
    created_at: int
    template: str
    template_version: int


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_FACTS = (
    select(
        n.c.id,
        n.c.account_id,
        n.c.channel_id,
        n.c.batch_id,
        n.c.reference,
        n.c.number,
        n.c.country,
        n.c.created_at,
        t.c.name,
        t.c.version,
    )
    .join(t, t.c.id == n.c.template_id)
    .where(n.c.id.in_(_IDS))
)


async def notices_by_id(tx: Tx, ids: Iterable[str]) -> dict[str, NoticeFacts]:
    """Those of the notices that exist."""
    found: dict[str, NoticeFacts] = {}
    for portion in portions(ids):
        found.update((row[0], NoticeFacts._make(row)) for row in await tx.execute(_FACTS, {"ids": portion}))
    return found
