"""/v1/webhook-endpoints."""

import json
from typing import Any

from fastapi import APIRouter

from todoke.actions import endpoints as actions
from todoke.actions.endpoints import EVENTS, NewEndpoint
from todoke.core.durations import rfc3339
from todoke.server.api.models import EndpointIn, EndpointPatch, answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import endpoints as store
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["Webhooks to your systems"])

_EXAMPLE = {
    "id": "01K2W7J4E8M2P6R0T3V7X1Z5BD",
    "url": "https://shop.example.com/todoke",
    "events": list(EVENTS),
    "created_at": "2026-08-07T09:30:00.000Z",
}
_KNOWN = "; ".join(f"`{name}`: {words}" for name, words in EVENTS.items())


def _view(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as the API shows it: without its secret."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": json.loads(endpoint.events),
        "created_at": rfc3339(endpoint.created_at),
    }


async def _found(tx: Tx, account: str, endpoint_id: str) -> Endpoint:
    found = await store.get_endpoint(tx, account, endpoint_id)
    if found is None:
        raise Problem(
            404,
            "not-found",
            "There is no webhook endpoint with this id. GET /v1/webhook-endpoints lists them.",
        )
    return found


@router.post(
    "",
    status_code=201,
    summary="Add an endpoint",
    description=f"`secret`, with which its webhooks are signed, is shown this once. Events: {_KNOWN}.",
    responses={201: answer({**_EXAMPLE, "secret": "whsec_…"}), **problems(401, 409, 422)},
)
async def create_endpoint(body: EndpointIn, account: Account, parts: Parts) -> dict[str, Any]:
    wanted = NewEndpoint(**body.model_dump())
    async with parts.database.write() as tx:
        endpoint, secret = await actions.create_endpoint(
            tx,
            account,
            wanted,
            parts.clock.now(),
            parts.ids,
            parts.seal,
            allow_private=parts.allow_private,
        )
    return _view(endpoint) | {"secret": secret}


@router.get(
    "",
    summary="List endpoints",
    description="Without their secrets, which no later answer holds.",
    responses={200: answer({"webhook_endpoints": [_EXAMPLE]}), **problems(401)},
)
async def list_endpoints(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return {"webhook_endpoints": [_view(x) for x in await store.list_endpoints(tx, account)]}


@router.get(
    "/{endpoint_id}",
    summary="Read an endpoint",
    description="Where it is and which events it gets.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def get_endpoint(endpoint_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return _view(await _found(tx, account, endpoint_id))


@router.patch(
    "/{endpoint_id}",
    summary="Change an endpoint",
    description="What is left out stays. What waits for another try goes to the new URL.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 422)},
)
async def change_endpoint(
    endpoint_id: str, body: EndpointPatch, account: Account, parts: Parts
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await _found(tx, account, endpoint_id)
        await actions.change_endpoint(tx, found, body.url, body.events, allow_private=parts.allow_private)
        return _view(await _found(tx, account, endpoint_id))


@router.delete(
    "/{endpoint_id}",
    status_code=204,
    summary="Remove an endpoint",
    description="Nothing is posted to it any more, nor what waits for another try.",
    responses=problems(401, 404),
)
async def remove_endpoint(endpoint_id: str, account: Account, parts: Parts) -> None:
    async with parts.database.write() as tx:
        found = await _found(tx, account, endpoint_id)
        await actions.remove_endpoint(tx, found, parts.clock.now())
