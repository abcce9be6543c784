"""How far the friend registry of each channel is in step with LINE's followers list."""

from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import channels as c
from todoke.storage.tables import friend_syncs as s


class FriendSync(msgspec.Struct, kw_only=True):
    """The last or present reading of a channel's followers list; `todoke.actions.friend_sync` says what states mean."""

    channel_id: str
    state: str
    started_at: int
    next: str | None = None
    """Where the next page begins at LINE, or while closing: the last user ID that is done."""
    next_until: int | None = None
    pages: int = 0
    found: int = 0
    tries: int = 0
    """Failures since it began."""
    refused_token_at: int | None = None
    """While denied: since when the channel had the access token that LINE refused."""
    finished_at: int | None = None
    error: str | None = None
    due_at: int | None = None


class Outlook(msgspec.Struct, frozen=True):
    """A channel that LINE can be asked for, and where its sync stands; `state` None: it never had one."""

    channel_id: str
    token_at: int | None
    state: str | None
    refused_token_at: int | None
    due_at: int | None


_COLUMNS = tuple(s.c[x] for x in FriendSync.__struct_fields__)


async def get(tx: Tx, channel_id: str) -> FriendSync | None:
    row = (await tx.execute(select(*_COLUMNS).where(s.c.channel_id == channel_id))).one_or_none()
    return None if row is None else FriendSync(**row._mapping)


async def put(tx: Tx, sync: FriendSync, *, new: bool) -> None:
    """Stores it; `new`: the channel has none yet."""
    values: dict[str, Any] = msgspec.structs.asdict(sync)
    if new:
        await tx.execute(insert(s), values)
    else:
        await tx.execute(update(s).where(s.c.channel_id == sync.channel_id).values(values))


async def outlook(tx: Tx) -> list[Outlook]:
    """Every channel that has an access token and is not paused."""
    query = (
        select(c.c.id, c.c.token_at, s.c.state, s.c.refused_token_at, s.c.due_at)
        .select_from(c.outerjoin(s, s.c.channel_id == c.c.id))
        .where(c.c.access_token.is_not(None), c.c.paused_at.is_(None))
        .order_by(c.c.id)
    )
    return [Outlook(*row) for row in await tx.execute(query)]
