"""What is wrong just now and what was wrong before, each once for as long as it stands."""

import msgspec
from sqlalchemy import func, insert, or_, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import alarms as a


class Alarm(msgspec.Struct, kw_only=True):
    """It stands until `cleared_at` is set. `account_id` None: it concerns the gateway itself."""

    id: str
    account_id: str | None
    kind: str
    about: str
    text: str
    remedy: str
    raised_at: int
    cleared_at: int | None = None


_COLUMNS = tuple(a.c[x] for x in Alarm.__struct_fields__)


async def insert_alarm(tx: Tx, alarm: Alarm) -> None:
    await tx.execute(insert(a), msgspec.structs.asdict(alarm))


async def change_text(tx: Tx, alarm_id: str, text: str, remedy: str) -> None:
    await tx.execute(update(a).where(a.c.id == alarm_id).values(text=text, remedy=remedy))


async def end_alarm(tx: Tx, alarm_id: str, now: int) -> None:
    await tx.execute(update(a).where(a.c.id == alarm_id).values(cleared_at=now))


async def find_standing(tx: Tx, kind: str, about: str) -> Alarm | None:
    query = select(*_COLUMNS).where(a.c.kind == kind, a.c.about == about, a.c.cleared_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Alarm(**row._mapping)


async def standing(tx: Tx) -> list[Alarm]:
    """All that stand, of all accounts, the oldest first."""
    query = select(*_COLUMNS).where(a.c.cleared_at.is_(None)).order_by(a.c.id)
    return [Alarm(**row._mapping) for row in await tx.execute(query)]


async def count_standing(tx: Tx) -> dict[str, int]:
    """How many stand, by kind."""
    query = select(a.c.kind, func.count()).where(a.c.cleared_at.is_(None)).group_by(a.c.kind)
    return {kind: count for kind, count in await tx.execute(query)}


async def list_alarms(
    tx: Tx, account_id: str, *, standing: bool | None, before: str | None, limit: int
) -> list[Alarm]:
    """The account's and the gateway's own, the newest first. `standing`: only those that do, or do not."""
    query = select(*_COLUMNS).where(or_(a.c.account_id == account_id, a.c.account_id.is_(None)))
    if standing is not None:
        query = query.where(a.c.cleared_at.is_(None) if standing else a.c.cleared_at.is_not(None))
    if before is not None:
        query = query.where(a.c.id < before)
    rows = await tx.execute(query.order_by(a.c.id.desc()).limit(limit))
    return [Alarm(**row._mapping) for row in rows]
