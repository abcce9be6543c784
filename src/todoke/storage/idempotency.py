"""What was answered to which Idempotency-Key."""

import msgspec
from sqlalchemy import delete, insert, select

from todoke.storage.database import Tx
from todoke.storage.tables import idempotency as i


class Remembered(msgspec.Struct, kw_only=True):
    """An answer, and the SHA-256 of the request it was given to."""

    account_id: str
    key: str
    digest: str
    status: int
    body: str
    created_at: int


async def recall(tx: Tx, account_id: str, key: str, since: int) -> Remembered | None:
    """What was answered at or after `since`; older ones count as never given and are dropped."""
    await tx.execute(delete(i).where(i.c.account_id == account_id, i.c.key == key, i.c.created_at < since))
    row = (await tx.execute(select(i).where(i.c.account_id == account_id, i.c.key == key))).one_or_none()
    return None if row is None else Remembered(**row._mapping)


async def remember(tx: Tx, entry: Remembered) -> None:
    await tx.execute(insert(i), msgspec.structs.asdict(entry))


async def forget(tx: Tx, before: int) -> None:
    await tx.execute(delete(i).where(i.c.created_at < before))
