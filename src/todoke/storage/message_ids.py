"""What SMS carriers call our messages and their parts, for receipts that name those instead of our tag.

A receipt may come before the answer that says whose it is: then it is kept until that answer comes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, and_, insert, select, update

from todoke.storage import forgetting
from todoke.storage.database import Tx, portions
from todoke.storage.forgetting import ALL
from todoke.storage.tables import message_ids as m

Name = tuple[str, str]
"""Carrier, and its id of a message or part."""


class Part(msgspec.Struct, kw_only=True):
    """A message or a part of one, as its carrier knows it."""

    carrier: str
    message_id: str
    attempt_id: str | None = None
    reached: int | None = None
    """1: it reached its recipient; 0: surely not; None: nothing said yet."""
    told_at: int | None = None
    detail: str | None = None
    stored_at: int


_COLUMNS = tuple(m.c[f] for f in Part.__struct_fields__)


def _is(name: Name) -> ColumnElement[bool]:
    return and_(m.c.carrier == name[0], m.c.message_id == name[1])


async def find(tx: Tx, names: Iterable[Name]) -> dict[Name, Part]:
    """Those of the names that are known."""
    by_carrier: dict[str, list[str]] = defaultdict(list)
    for carrier, message_id in names:
        by_carrier[carrier].append(message_id)
    found: dict[Name, Part] = {}
    for carrier, ids in by_carrier.items():
        for portion in portions(ids):
            query = select(*_COLUMNS).where(m.c.carrier == carrier, m.c.message_id.in_(portion))
            for row in await tx.execute(query):
                part = Part(**row._mapping)
                found[part.carrier, part.message_id] = part
    return found


async def put(tx: Tx, parts: Sequence[Part], known: Iterable[Name]) -> None:
    """Stores parts; those in `known` stand there already."""
    before = set(known)
    new = [p for p in parts if (p.carrier, p.message_id) not in before]
    if new:
        await tx.execute(insert(m), [msgspec.structs.asdict(p) for p in new])
    for part in parts:
        if (name := (part.carrier, part.message_id)) in before:
            await tx.execute(update(m).where(_is(name)).values(msgspec.structs.asdict(part)))


async def parts_of(tx: Tx, attempt_ids: Iterable[str]) -> dict[str, list[Part]]:
    """All parts of these attempts that have a name, by attempt."""
    found: dict[str, list[Part]] = defaultdict(list)
    for portion in portions(attempt_ids):
        for row in await tx.execute(select(*_COLUMNS).where(m.c.attempt_id.in_(portion))):
            found[row.attempt_id].append(Part(**row._mapping))
    return found


async def forget(tx: Tx, before: int, most: int = ALL) -> int:
    """Drops so many, at most, that were stored before that time: no receipt comes any more. Answers how many."""
    return await forgetting.forget(tx, m, m.c.stored_at < before, most)
