"""/v1/channels and /v1/keys."""

import asyncio
import json
from typing import Any

from fastapi import APIRouter

from todoke.actions import channels as actions
from todoke.actions.channels import ChannelChange, NewChannel
from todoke.core.durations import rfc3339
from todoke.server.api.models import ChannelIn, ChannelPatch, KeyIn, answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import channels as store
from todoke.storage.channels import ApiKey, Channel
from todoke.storage.database import Tx

router = APIRouter(prefix="/v1", tags=["Channels and keys"])


def channel_view(channel: Channel, parts: Services) -> dict[str, Any]:
    """A channel as the API shows it: without its secrets and without its test numbers."""
    return {
        "id": channel.id,
        "name": channel.name,
        "region": channel.region,
        "line_channel_id": channel.line_channel_id,
        "mode": channel.mode,
        "test_numbers": len(json.loads(channel.test_numbers)),
        "rate": channel.rate,
        "provider": channel.provider,
        "state": "active" if channel.paused_at is None else "paused",
        "paused_at": None if channel.paused_at is None else rfc3339(channel.paused_at),
        "paused_why": channel.paused_why,
        "has_access_token": channel.access_token is not None,
        "token_from": channel.token_from,
        "token_kind": channel.token_kind,
        "token_expires_at": None if channel.token_expires_at is None else rfc3339(channel.token_expires_at),
        "token_trouble": channel.token_trouble,
        "webhook_url": f"{parts.base_url}/line/{channel.line_channel_id}/webhook",
        "created_at": rfc3339(channel.created_at),
    }


async def found_channel(tx: Tx, account: str, channel: str) -> Channel:
    """A channel of the account by name or id. Raises a 404 problem."""
    found = await store.find_channel(tx, account, channel)
    if found is None:
        raise Problem(404, "not-found", f"There is no channel {channel[:60]!r}. GET /v1/channels lists them.")
    return found


async def named_channel(tx: Tx, account: str, channel: str) -> Channel:
    """A channel that a body names, as its field `channel`. Raises a 422 problem: the address is right, the body not."""
    try:
        return await found_channel(tx, account, channel)
    except Problem as problem:
        raise Problem(422, problem.kind, problem.detail, [("/channel", problem.detail)]) from None


_EXAMPLE = {
    "id": "01K2W7J…",
    "name": "Parcels",
    "region": "TW",
    "state": "active",
    "webhook_url": "https://…",
}


@router.post(
    "/channels",
    status_code=201,
    summary="Register a channel",
    description="The answer's `webhook_url` is what to enter at LINE. Switch webhook redelivery on there. "
    "`access_token` is a token that you renew; with `private_key` Todoke issues and renews them; with neither it does "
    "so with the secret. Until the first has come the channel is paused, for a moment.",
    responses={201: answer(_EXAMPLE), **problems(401, 409, 422)},
)
async def create_channel(body: ChannelIn, account: Account, parts: Parts) -> dict[str, Any]:
    wanted = NewChannel(**body.model_dump())
    await asyncio.to_thread(actions.check_key, body.private_key, body.key_id)
    async with parts.database.write() as tx:
        channel = await actions.create_channel(tx, account, wanted, parts.clock.now(), parts.ids, parts.seal)
    parts.wake()
    return channel_view(channel, parts)


@router.get(
    "/channels",
    summary="List channels",
    description="Without their secrets, tokens and test numbers, which no answer ever holds.",
    responses=problems(401),
)
async def list_channels(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return {"channels": [channel_view(c, parts) for c in await store.list_channels(tx, account)]}


@router.get(
    "/channels/{channel}",
    summary="Read a channel",
    description="By name or id. `paused_why` says why it does not send.",
    responses=problems(401, 404),
)
async def get_channel(channel: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return channel_view(await found_channel(tx, account, channel), parts)


@router.patch(
    "/channels/{channel}",
    summary="Change a channel",
    description="What is left out stays. A new access token ends the issuing of tokens by Todoke; `private_key` or "
    "`token_from` begins it. With its new token a paused channel sends again, also what it held.",
    responses=problems(401, 404, 422),
)
async def change_channel(channel: str, body: ChannelPatch, account: Account, parts: Parts) -> dict[str, Any]:
    await asyncio.to_thread(actions.check_key, body.private_key, body.key_id)
    async with parts.database.write() as tx:
        found = await found_channel(tx, account, channel)
        change = ChannelChange(**body.model_dump())
        await actions.change_channel(tx, found, change, parts.clock.now(), parts.seal)
        after = await found_channel(tx, account, found.id)
    parts.wake()
    return channel_view(after, parts)


@router.post(
    "/channels/{channel}/resume",
    summary="Let a paused channel send again",
    description="What was held back is due at once.",
    responses=problems(401, 404, 409),
)
async def resume_channel(channel: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await found_channel(tx, account, channel)
        if found.access_token is None:
            detail = f"The channel has no access token. {found.paused_why or 'Set one with PATCH.'}"
            raise Problem(409, "no-access-token", detail)
        await actions.resume_channel(tx, found, parts.clock.now())
        after = await found_channel(tx, account, found.id)
    parts.wake()
    return channel_view(after, parts)


def _key_view(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "created_at": rfc3339(key.created_at),
        "revoked_at": None if key.revoked_at is None else rfc3339(key.revoked_at),
    }


@router.post(
    "/keys",
    status_code=201,
    summary="Make an API key",
    description="`key` is shown this once; only a digest of it is kept.",
    responses=problems(401, 422),
)
async def create_key(body: KeyIn, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row, key = await actions.create_key(tx, account, body.name, parts.clock.now(), parts.ids)
    return _key_view(row) | {"key": key}


@router.get(
    "/keys",
    summary="List API keys",
    description="By name and their first characters; the keys themselves are not kept.",
    responses=problems(401),
)
async def list_keys(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return {"keys": [_key_view(k) for k in await store.list_keys(tx, account)]}


@router.delete(
    "/keys/{key_id}",
    status_code=204,
    summary="Revoke an API key",
    description="It opens nothing from now on. A key may revoke itself.",
    responses=problems(401, 404),
)
async def revoke_key(key_id: str, account: Account, parts: Parts) -> None:
    async with parts.database.write() as tx:
        if not await store.revoke_key(tx, account, key_id, parts.clock.now()):
            raise Problem(404, "not-found", "There is no such key in use.")
