"""Accounts, keys and channels: made, changed, taken over."""

import json
from hashlib import sha256
from secrets import token_urlsafe

import msgspec

from todoke.actions.advance import resume
from todoke.actions.intake import Invalid
from todoke.core.errors import TodokeError
from todoke.core.phone import parse
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import channels as store
from todoke.storage.channels import ApiKey, Channel
from todoke.storage.database import Tx

DEFAULT_ACCOUNT = "default"
LINE_RATE = 2000
"""Requests a second that LINE allows a channel on one endpoint (LINE: Messaging API reference, rate limits)."""


class Conflict(TodokeError):
    """It exists already."""

    code = "conflict"


class NewChannel(msgspec.Struct, kw_only=True):
    """A channel as it is asked for."""

    name: str
    region: str
    line_channel_id: str
    secret: str
    access_token: str | None = None
    private_key: str | None = None
    mode: str = "live"
    test_numbers: list[str] = []
    rate: int = LINE_RATE


class ChannelChange(msgspec.Struct, kw_only=True):
    """What may change of a channel; None leaves a field as it is."""

    secret: str | None = None
    access_token: str | None = None
    mode: str | None = None
    test_numbers: list[str] | None = None
    rate: int | None = None


async def ensure_account(tx: Tx, name: str, now: int, ids: Ids) -> str:
    """The id of the account of this name, made if need be."""
    found = await store.account_by_name(tx, name)
    if found is None:
        found = ids.new()
        await store.insert_account(tx, found, name, now)
    return found


async def create_key(tx: Tx, account_id: str, name: str, now: int, ids: Ids) -> tuple[ApiKey, str]:
    """A new API key. The second part is the key itself, which is not kept: it is shown once."""
    key = "tdk_" + token_urlsafe(32)
    row = ApiKey(
        id=ids.new(),
        account_id=account_id,
        name=name,
        digest=sha256(key.encode()).hexdigest(),
        hint=key[:8] + "…",
        created_at=now,
    )
    await store.insert_key(tx, row)
    return row, key


async def account_of_key(tx: Tx, key: str) -> str | None:
    """The account that a key opens; None for an unknown or revoked one."""
    row = await store.key_by_digest(tx, sha256(key.encode()).hexdigest())
    return None if row is None else row.account_id


async def create_channel(
    tx: Tx, account_id: str, wanted: NewChannel, now: int, ids: Ids, seal: Seal
) -> Channel:
    """Registers a channel. Raises Conflict where the name or LINE's channel id is taken."""
    if await store.channel_of_line_id(tx, wanted.line_channel_id):
        raise Conflict(
            f"The LINE channel {wanted.line_channel_id} is registered already. Change it with "
            "PATCH /v1/channels/{id}.",
            "/line_channel_id",
        )
    if await store.find_channel(tx, account_id, wanted.name):
        raise Conflict(f"There is a channel {wanted.name!r} already. Choose another name.", "/name")
    channel = Channel(
        id=ids.new(),
        account_id=account_id,
        name=wanted.name,
        region=wanted.region,
        line_channel_id=wanted.line_channel_id,
        secret=seal.close(wanted.secret),
        access_token=seal.close(wanted.access_token) if wanted.access_token else None,
        token_at=now if wanted.access_token else None,
        private_key=seal.close(wanted.private_key) if wanted.private_key else None,
        mode=wanted.mode,
        test_numbers=_test_numbers(wanted.test_numbers, wanted.region),
        rate=wanted.rate,
        created_at=now,
    )
    if wanted.access_token is None:
        channel.paused_at = now
        channel.paused_why = "The channel has no access token. Set one with PATCH /v1/channels/{id}."
    await store.insert_channel(tx, channel)
    return channel


async def change_channel(tx: Tx, channel: Channel, change: ChannelChange, now: int, seal: Seal) -> None:
    """Changes a channel. A new access token lets a paused one send again."""
    values: dict[str, object] = {}
    if change.secret is not None:
        values["secret"] = seal.close(change.secret)
    if change.access_token is not None:
        values |= {"access_token": seal.close(change.access_token), "token_at": now}
    if change.mode is not None:
        values["mode"] = change.mode
    if change.test_numbers is not None:
        values["test_numbers"] = _test_numbers(change.test_numbers, channel.region)
    if change.rate is not None:
        values["rate"] = change.rate
    if values:
        await store.update_channel(tx, channel.id, **values)
    if change.access_token is not None and channel.paused_at is not None:
        await resume(tx, channel.id, now)


def _test_numbers(numbers: list[str], region: str) -> str:
    if len(numbers) > 1000:
        raise Invalid("A channel has at most 1,000 test numbers.", "/test_numbers")
    return json.dumps([parse(x, region, f"/test_numbers/{i}").e164 for i, x in enumerate(numbers)])
