"""What was answered to which Idempotency-Key."""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from todoke.storage import forgetting
from todoke.storage.bulk import IDS, Bulk, Fetch
from todoke.storage.database import Tx, among
from todoke.storage.forgetting import ALL
from todoke.storage.tables import idempotency as i


class Remembered(msgspec.Struct, kw_only=True):
    """An answer, and the SHA-256 of the request it was given to."""

    account_id: str
    key: str
    digest: str
    status: int
    body: str
    created_at: int


_COLUMNS = tuple(i.c[x] for x in Remembered.__struct_fields__)
_of_keys = Fetch(select(*_COLUMNS).where(i.c.account_id == bindparam("account"), among(i.c.key, IDS)))
_insert = Bulk(insert(i), Remembered.__struct_fields__)


async def recall(tx: Tx, account_id: str, key: str, since: int) -> Remembered | None:
    """What was answered at or after `since`; older ones count as never given and are dropped."""
    return (await recall_many(tx, account_id, [key], since)).get(key)


async def recall_many(tx: Tx, account_id: str, keys: Collection[str], since: int) -> Mapping[str, Remembered]:
    """The same for many keys, by key."""
    found: dict[str, Remembered] = {}
    old: list[str] = []
    for row in await _of_keys(tx, account=account_id, ids=msgspec.json.encode(list(keys)).decode()):
        entry = Remembered(**dict(zip(Remembered.__struct_fields__, row, strict=True)))
        if entry.created_at < since:
            old.append(entry.key)
        else:
            found[entry.key] = entry
    if old:
        await tx.execute(delete(i).where(i.c.account_id == account_id, i.c.key.in_(old)))
    return found


async def remember(tx: Tx, entry: Remembered) -> None:
    """Raises the database's error where the key is kept already."""
    await remember_many(tx, [entry])


async def remember_many(tx: Tx, entries: Sequence[Remembered]) -> None:
    """The same for many."""
    await _insert(tx, [msgspec.structs.astuple(entry) for entry in entries])


async def forget(tx: Tx, before: int, most: int = ALL) -> int:
    """Drops so many answers, at most, of before that time; answers how many it were."""
    return await forgetting.forget(tx, i, i.c.created_at < before, most)
