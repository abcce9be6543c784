"""Files that were added to applications."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import func, insert, select

from todoke.storage.database import Tx
from todoke.storage.tables import attachments as a

_SHOWN = (a.c.id, a.c.name, a.c.media_type, a.c.size, a.c.digest, a.c.by, a.c.created_at)


class Attachment(NamedTuple):
    """A file without its content."""

    id: str
    name: str
    media_type: str
    size: int
    digest: str
    """SHA-256, hexadecimal."""
    by: str
    created_at: int


class NewAttachment(msgspec.Struct, kw_only=True):
    """A row of the attachments table."""

    id: str
    account_id: str
    application_id: str
    name: str
    media_type: str
    size: int
    digest: str
    content: bytes
    by: str
    created_at: int


async def insert_attachment(tx: Tx, row: NewAttachment) -> None:
    await tx.execute(insert(a), msgspec.structs.asdict(row))


async def of_application(tx: Tx, application_id: str) -> list[Attachment]:
    """The oldest first."""
    query = select(*_SHOWN).where(a.c.application_id == application_id).order_by(a.c.id)
    return [Attachment(*row) for row in await tx.execute(query)]


async def total_size(tx: Tx, application_id: str) -> int:
    """Bytes of all files of an application."""
    query = select(func.coalesce(func.sum(a.c.size), 0)).where(a.c.application_id == application_id)
    return int((await tx.execute(query)).scalar_one())


async def content_of(tx: Tx, application_id: str, attachment_id: str) -> tuple[Attachment, bytes] | None:
    query = select(*_SHOWN, a.c.content).where(a.c.application_id == application_id, a.c.id == attachment_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else (Attachment(*row[:-1]), bytes(row[-1]))


def summary(file: Attachment) -> Mapping[str, str | int]:
    """What the history says of a file."""
    return {"attachment": file.id, "name": file.name, "size": file.size, "digest": file.digest}
