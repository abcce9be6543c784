"""The lists of keys that LINE granted to channels. A stored list never changes; the newest version holds."""

from typing import Any

import msgspec
from sqlalchemy import func, insert, select

from todoke.core.granted import GrantedKey, ordered
from todoke.storage.database import Tx
from todoke.storage.tables import granted_keys as g
from todoke.storage.tables import key_lists as k
from todoke.storage.tables import templates as t
from todoke.storage.tables import use_cases as u


class KeyList(msgspec.Struct, kw_only=True):
    """A version of a channel's list, without its keys. `digest`: SHA-256 of its content."""

    id: str
    account_id: str
    channel_id: str
    version: int
    digest: str
    file_name: str | None = None
    by: str
    """Whose API key imported it."""
    note: str | None = None
    created_at: int


class UsingTemplate(msgspec.Struct):
    """A version of a template that may be sent from now on. `live`: to everybody, not only to test numbers."""

    id: str
    name: str
    version: int
    spec: str
    live: bool


_COLUMNS = tuple(k.c[x] for x in KeyList.__struct_fields__)


async def insert_list(tx: Tx, row: KeyList, keys: list[GrantedKey]) -> None:
    await tx.execute(insert(k), msgspec.structs.asdict(row))
    await tx.execute(insert(g), [{"list_id": row.id, **msgspec.structs.asdict(x)} for x in keys])


async def find_list(tx: Tx, channel_id: str, version: int | None = None) -> KeyList | None:
    """A version of a channel's list; the newest where none is named."""
    query = select(*_COLUMNS).where(k.c.channel_id == channel_id).order_by(k.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(k.c.version == version)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else KeyList(**row._mapping)


async def versions(tx: Tx, channel_id: str) -> list[tuple[KeyList, dict[str, int]]]:
    """All versions, the newest first, each with how many keys of each kind it has."""
    counted: dict[str, dict[str, int]] = {}
    counting = (
        select(g.c.list_id, g.c.kind, func.count())
        .join(k, k.c.id == g.c.list_id)
        .where(k.c.channel_id == channel_id)
        .group_by(g.c.list_id, g.c.kind)
    )
    for list_id, kind, count in await tx.execute(counting):
        counted.setdefault(list_id, {})[kind] = count
    query = select(*_COLUMNS).where(k.c.channel_id == channel_id).order_by(k.c.version.desc())
    found = [KeyList(**row._mapping) for row in await tx.execute(query)]
    return [(row, counted.get(row.id, {})) for row in found]


async def keys_of(tx: Tx, list_id: str) -> list[GrantedKey]:
    """The keys of a list: templates, items, buttons, each by key."""
    columns = tuple(g.c[x] for x in GrantedKey.__struct_fields__)
    query = select(*columns).where(g.c.list_id == list_id)
    return ordered(GrantedKey(**row._mapping) for row in await tx.execute(query))


async def granted(tx: Tx, channel_id: str) -> frozenset[tuple[str, str]] | None:
    """Kind and key of all that the channel's newest list has; None where no list was imported."""
    newest = await find_list(tx, channel_id)
    if newest is None:
        return None
    query = select(g.c.kind, g.c.key).where(g.c.list_id == newest.id)
    return frozenset((kind, key) for kind, key in await tx.execute(query))


async def using_templates(tx: Tx, channel_id: str) -> list[UsingTemplate]:
    """The channel's templates that may still be sent: the newest version of each name, and all that are approved."""
    newest = select(func.max(t.c.version)).where(
        t.c.account_id == _OUTER.c.account_id,
        t.c.name == _OUTER.c.name,
        t.c.channel_id == _OUTER.c.channel_id,
    )
    query = (
        select(_OUTER.c.id, _OUTER.c.name, _OUTER.c.version, _OUTER.c.spec, _OUTER.c.review, u.c.state)
        .outerjoin(u, (u.c.channel_id == _OUTER.c.channel_id) & (u.c.key == _OUTER.c.use_case))
        .where(
            _OUTER.c.channel_id == channel_id,
            (_OUTER.c.version == newest.scalar_subquery()) | (_OUTER.c.review == "approved"),
        )
        .order_by(_OUTER.c.name, _OUTER.c.version)
    )
    return [_using(row) for row in await tx.execute(query)]


_OUTER = t.alias("one")


def _using(row: Any) -> UsingTemplate:
    live = row.review == "approved" and row.state == "live"
    return UsingTemplate(row.id, row.name, row.version, row.spec, live)
