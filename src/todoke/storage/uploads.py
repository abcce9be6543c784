"""Files that come in parts, until a batch is made of them."""

import msgspec
from sqlalchemy import delete, insert, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import uploads as u


class Upload(msgspec.Struct, kw_only=True):
    """A row of the uploads table. `size`: bytes that the whole file has."""

    id: str
    account_id: str
    file_name: str
    size: int
    batch_id: str | None = None
    """Made of it."""
    digest: str | None = None
    """Of what that batch was asked for with."""
    created_at: int
    expires_at: int


async def insert_upload(tx: Tx, upload: Upload) -> None:
    await tx.execute(insert(u), msgspec.structs.asdict(upload))


async def get_upload(tx: Tx, upload_id: str) -> Upload | None:
    row = (await tx.execute(select(u).where(u.c.id == upload_id))).one_or_none()
    return None if row is None else Upload(**row._mapping)


async def use_upload(tx: Tx, upload_id: str, batch_id: str, digest: str) -> None:
    """A batch is made of it."""
    await tx.execute(update(u).where(u.c.id == upload_id).values(batch_id=batch_id, digest=digest))


async def remove_upload(tx: Tx, upload_id: str) -> None:
    await tx.execute(delete(u).where(u.c.id == upload_id))


async def uploads_of(tx: Tx, account_id: str) -> list[Upload]:
    """Those that no batch was made of."""
    query = select(u).where(u.c.account_id == account_id, u.c.batch_id.is_(None)).order_by(u.c.id)
    return [Upload(**row._mapping) for row in await tx.execute(query)]


async def known(tx: Tx) -> set[str]:
    """Of all accounts."""
    return {row[0] for row in await tx.execute(select(u.c.id))}


async def expired(tx: Tx, now: int) -> list[str]:
    """Those that are not kept any longer."""
    query = select(u.c.id).where(u.c.expires_at <= now).order_by(u.c.expires_at)
    return [row[0] for row in await tx.execute(query)]
