"""Channels, who owns them, and the accounts and keys above them."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, or_, select, update

from todoke.storage.bulk import Fetch
from todoke.storage.database import Tx
from todoke.storage.tables import accounts, api_keys
from todoke.storage.tables import channels as c


class Channel(msgspec.Struct, kw_only=True):
    """A row of the channels table; secret, access_token and private_key are sealed."""

    id: str
    account_id: str
    name: str
    region: str
    line_channel_id: str
    secret: bytes
    access_token: bytes | None
    token_at: int | None = None
    """Since when this access token is the channel's."""
    private_key: bytes | None
    provider: str = "default"
    """Channels of one LINE provider see the same user IDs."""
    token_from: str = "given"  # noqa: S105
    """Where access tokens come from: `given`, `key` (made with the private key), `secret` (stateless)."""
    key_id: str | None = None
    """LINE's name of the private key, where that does not say so itself."""
    token_kind: str | None = None
    """Of what we issue: `v2.1` or `stateless`; None where we issue nothing."""
    token_expires_at: int | None = None
    token_trouble: str | None = None
    token_due_at: int | None = None
    """When the token is to be renewed; None: never by us."""
    token_before: bytes | None = None
    """Sealed: its predecessor, which is to be revoked now that this one is in use."""
    mode: str
    test_numbers: str
    rate: int
    paused_at: int | None = None
    paused_why: str | None = None
    paused_for: str | None = None
    """`token`: a new access token cures it; `access`: it does not (403)."""
    created_at: int
    owner: str | None = None
    fence: int = 0
    owned_until: int | None = None


_COLUMNS = tuple(c.c[f] for f in Channel.__struct_fields__)
_of_id = Fetch(select(*_COLUMNS).where(c.c.id == bindparam("channel_id")))


def _channel(row: Any) -> Channel:
    return Channel(**row._mapping)


async def insert_channel(tx: Tx, channel: Channel) -> None:
    await tx.execute(insert(c), msgspec.structs.asdict(channel))


async def update_channel(tx: Tx, channel_id: str, **values: Any) -> None:
    await tx.execute(update(c).where(c.c.id == channel_id).values(values))


async def get_channel(tx: Tx, channel_id: str) -> Channel | None:
    rows = await _of_id(tx, channel_id=channel_id)
    return Channel(**dict(zip(Channel.__struct_fields__, rows[0], strict=True))) if rows else None


async def find_channel(tx: Tx, account_id: str, id_or_name: str) -> Channel | None:
    """By its id, its name, or LINE's channel id."""
    wanted = or_(c.c.id == id_or_name, c.c.name == id_or_name, c.c.line_channel_id == id_or_name)
    query = select(*_COLUMNS).where(c.c.account_id == account_id, wanted).order_by(c.c.id == id_or_name)
    row = (await tx.execute(query)).all()
    return _channel(row[-1]) if row else None


async def channel_of_line_id(tx: Tx, line_channel_id: str) -> Channel | None:
    query = select(*_COLUMNS).where(c.c.line_channel_id == line_channel_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _channel(row)


async def list_channels(tx: Tx, account_id: str | None = None) -> list[Channel]:
    query = select(*_COLUMNS).order_by(c.c.id)
    if account_id is not None:
        query = query.where(c.c.account_id == account_id)
    return [_channel(row) for row in await tx.execute(query)]


async def paused(tx: Tx) -> dict[str, int]:
    """Since when each paused channel is paused, by its id."""
    query = select(c.c.id, c.c.paused_at).where(c.c.paused_at.is_not(None))
    return {row.id: row.paused_at for row in await tx.execute(query)}


async def take_over(tx: Tx, channel_id: str, owner: str, fence: int, until: int) -> None:
    """Makes `owner` the one who paces this channel; `fence` is one more than its predecessor's."""
    await tx.execute(
        update(c).where(c.c.id == channel_id).values(owner=owner, fence=fence, owned_until=until)
    )


async def renew(tx: Tx, owner: str, until: int) -> None:
    """Prolongs every lease of `owner`."""
    await tx.execute(update(c).where(c.c.owner == owner).values(owned_until=until))


async def give_up(tx: Tx, owner: str) -> None:
    """Ends every lease of `owner`, so that another need not wait for it to run out."""
    await tx.execute(update(c).where(c.c.owner == owner).values(owner=None, owned_until=None))


class ApiKey(msgspec.Struct, kw_only=True):
    """An API key as it is kept: a digest, never the key."""

    id: str
    account_id: str
    name: str
    digest: str
    hint: str
    created_at: int
    revoked_at: int | None = None


async def insert_account(tx: Tx, account_id: str, name: str, now: int) -> None:
    await tx.execute(insert(accounts).values(id=account_id, name=name, created_at=now))


async def account_by_name(tx: Tx, name: str) -> str | None:
    return (await tx.execute(select(accounts.c.id).where(accounts.c.name == name))).scalar_one_or_none()


async def insert_key(tx: Tx, key: ApiKey) -> None:
    await tx.execute(insert(api_keys), msgspec.structs.asdict(key))


async def key_by_digest(tx: Tx, digest: str) -> ApiKey | None:
    query = select(api_keys).where(api_keys.c.digest == digest, api_keys.c.revoked_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else ApiKey(**row._mapping)


async def list_keys(tx: Tx, account_id: str) -> list[ApiKey]:
    query = select(api_keys).where(api_keys.c.account_id == account_id).order_by(api_keys.c.id)
    return [ApiKey(**row._mapping) for row in await tx.execute(query)]


async def revoke_key(tx: Tx, account_id: str, key_id: str, now: int) -> bool:
    """Whether there was such a key in use."""
    query = (
        update(api_keys)
        .where(api_keys.c.account_id == account_id, api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return (await tx.execute(query)).rowcount > 0
