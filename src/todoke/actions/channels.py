"""Accounts, keys and channels: made, changed, taken over."""

import json
from hashlib import sha256
from secrets import token_urlsafe

import msgspec

from todoke.actions.advance import resume
from todoke.actions.intake import Invalid
from todoke.carriers.line import parse_private_key
from todoke.core.errors import TodokeError
from todoke.core.phone import parse
from todoke.core.token_care import PausedFor, TokenFrom, TokenKind
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
    key_id: str | None = None
    token_kind: str | None = None
    mode: str = "live"
    test_numbers: list[str] = []
    rate: int = LINE_RATE
    provider: str = "default"


class ChannelChange(msgspec.Struct, kw_only=True):
    """What may change of a channel; None leaves a field as it is."""

    secret: str | None = None
    access_token: str | None = None
    private_key: str | None = None
    key_id: str | None = None
    token_kind: str | None = None
    token_from: str | None = None
    mode: str | None = None
    test_numbers: list[str] | None = None
    rate: int | None = None
    provider: str | None = None


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


async def name_of_key(tx: Tx, key: str) -> str:
    """What people call a key: its name, and how it ends."""
    row = await store.key_by_digest(tx, sha256(key.encode()).hexdigest())
    return "an unknown key" if row is None else f"key {row.name[:70]} ({row.hint})"


def check_key(private_key: str | None, key_id: str | None) -> None:
    """Raises Invalid where a private key can't be used. Takes some 50 ms: in a thread, and before a transaction."""
    if private_key is None:
        if key_id is not None:
            raise Invalid("key_id names a private key. Give private_key with it.", "/key_id")
        return
    try:
        parse_private_key(private_key, key_id)
    except ValueError as error:
        raise Invalid(str(error), "/private_key") from None


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
    token_from = TokenFrom.GIVEN if wanted.access_token else TokenFrom.SECRET
    if wanted.private_key:
        token_from = TokenFrom.KEY
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
        key_id=wanted.key_id,
        token_from=token_from.value,
        token_kind=_token_kind(token_from, wanted.token_kind),
        token_due_at=None if token_from == TokenFrom.GIVEN else now,
        mode=wanted.mode,
        test_numbers=_test_numbers(wanted.test_numbers, wanted.region),
        rate=wanted.rate,
        provider=wanted.provider,
        created_at=now,
    )
    if wanted.access_token is None:
        channel.paused_at = now
        channel.paused_why = "LINE is being asked for its first access token."
        channel.paused_for = PausedFor.TOKEN.value
    await store.insert_channel(tx, channel)
    return channel


async def change_channel(tx: Tx, channel: Channel, change: ChannelChange, now: int, seal: Seal) -> None:
    """Changes a channel. A new access token lets a paused one send again, as does one that is then issued."""
    values = _token_changes(channel, change, now, seal)
    if change.secret is not None:
        values["secret"] = seal.close(change.secret)
    if change.mode is not None:
        values["mode"] = change.mode
    if change.test_numbers is not None:
        values["test_numbers"] = _test_numbers(change.test_numbers, channel.region)
    if change.rate is not None:
        values["rate"] = change.rate
    if change.provider is not None:
        values["provider"] = change.provider
    if values:
        await store.update_channel(tx, channel.id, **values)
    if change.access_token is not None and channel.paused_at is not None:
        await resume(tx, channel.id, now)


async def resume_channel(tx: Tx, channel: Channel, now: int) -> None:
    """Lets a paused channel send again. Where LINE issued no token of late, it is asked again at once."""
    if channel.token_from != TokenFrom.GIVEN and channel.token_trouble is not None:
        await store.update_channel(tx, channel.id, token_due_at=now)
    await resume(tx, channel.id, now)


def _token_changes(channel: Channel, change: ChannelChange, now: int, seal: Seal) -> dict[str, object]:
    """What a change does to the channel's tokens."""
    values: dict[str, object] = {}
    if change.private_key is not None:
        values |= {"private_key": seal.close(change.private_key), "key_id": change.key_id}
    if change.access_token is not None:
        values |= {"access_token": seal.close(change.access_token), "token_at": now, "token_expires_at": None}
    source = _token_from(channel, change)
    before = channel.token_kind if channel.token_from == TokenFrom.KEY else None
    kind = _token_kind(source, change.token_kind, before)
    new_secret = change.secret is not None and source == TokenFrom.SECRET
    if not (values or new_secret or change.token_from or change.token_kind):
        return values
    values |= {
        "token_from": source,
        "token_kind": kind,
        "token_trouble": None,
        "token_due_at": None if source == TokenFrom.GIVEN else now,
    }
    paused = channel.paused_at is not None and channel.paused_for != PausedFor.ACCESS
    if paused and change.access_token is None:
        # What was denied is of no use any more; the new one lets the channel send.
        values |= {"access_token": None, "token_expires_at": None, "paused_for": PausedFor.TOKEN.value}
    return values


def _token_from(channel: Channel, change: ChannelChange) -> str:
    if change.private_key is not None:
        return TokenFrom.KEY.value
    if change.token_from == TokenFrom.KEY and channel.private_key is None:
        raise Invalid("There is no private key to issue tokens with. Give private_key.", "/token_from")
    if change.token_from is not None:
        return change.token_from
    return channel.token_from if change.access_token is None else TokenFrom.GIVEN.value


def _token_kind(source: str, wanted: str | None, before: str | None = None) -> str | None:
    """The kind that is issued. Raises Invalid where the one that is asked for can't be had so."""
    match source:
        case TokenFrom.KEY:
            return wanted or before or TokenKind.V21.value
        case TokenFrom.SECRET if wanted == TokenKind.V21:
            raise Invalid("Tokens of v2.1 are issued with a private key. Give private_key.", "/token_kind")
        case TokenFrom.SECRET:
            return TokenKind.STATELESS.value
    if wanted is not None:
        raise Invalid("A token that is given is of whatever kind it is. Leave token_kind out.", "/token_kind")
    return None


def _test_numbers(numbers: list[str], region: str) -> str:
    if len(numbers) > 1000:
        raise Invalid("A channel has at most 1,000 test numbers.", "/test_numbers")
    return json.dumps([parse(x, region, f"/test_numbers/{i}").e164 for i, x in enumerate(numbers)])
