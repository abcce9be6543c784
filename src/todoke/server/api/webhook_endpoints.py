"""/v1/webhook-endpoints."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import APIRouter

from todoke.actions import endpoints as actions
from todoke.actions.endpoints import EVENTS, WILDCARDS, NewEndpoint
from todoke.core.durations import rfc3339
from todoke.server.api.models import EndpointIn, EndpointPatch, RotateIn, answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import endpoints as store
from todoke.storage import postings
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["Webhooks to your systems"])

_EXAMPLE = {
    "id": "01K2W7J4E8M2P6R0T3V7X1Z5BD",
    "url": "https://shop.example.com/todoke",
    "events": ["notice.*", "alarm.raised"],
    "description": "CRM",
    "state": "active",
    "paused_why": None,
    "paused_at": None,
    "failing_since": None,
    "last_taken_at": "2026-08-07T09:31:00.000Z",
    "old_secret_until": None,
    "open": 0,
    "created_at": "2026-08-07T09:30:00.000Z",
}
_KNOWN = "; ".join(f"`{name}`: {words}" for name, words in EVENTS.items())


async def _view(tx: Tx, endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as the API shows it: without its secret, with its health."""
    return _shown(endpoint, await postings.count_open(tx, [endpoint.id]))


def _shown(endpoint: Endpoint, open_ones: Mapping[str, int]) -> dict[str, Any]:
    failing = endpoint.failing_since is not None
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": json.loads(endpoint.events),
        "description": endpoint.description,
        "state": "paused" if endpoint.paused_at is not None else "failing" if failing else "active",
        "paused_why": endpoint.paused_why,
        "paused_at": _at(endpoint.paused_at),
        "failing_since": _at(endpoint.failing_since),
        "last_taken_at": _at(endpoint.last_taken_at),
        "old_secret_until": _at(endpoint.old_secret_until),
        "open": open_ones.get(endpoint.id, 0),
        "created_at": rfc3339(endpoint.created_at),
    }


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


async def found_endpoint(tx: Tx, account: str, endpoint_id: str) -> Endpoint:
    """An endpoint of the account that is in use. Raises Problem."""
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
    description=f"`secret`, with which its webhooks are signed, is shown this once. Events: {_KNOWN}. "
    f"Several at a time: {', '.join(f'`{x}`' for x in WILDCARDS)}; none of these means callback.",
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
    return _shown(endpoint, {}) | {"secret": secret}


@router.get(
    "",
    summary="List endpoints",
    description="Without their secrets, which no later answer holds.",
    responses={200: answer({"webhook_endpoints": [_EXAMPLE]}), **problems(401)},
)
async def list_endpoints(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await store.list_endpoints(tx, account)
        open_ones = await postings.count_open(tx, [x.id for x in found])
        return {"webhook_endpoints": [_shown(x, open_ones) for x in found]}


@router.get(
    "/{endpoint_id}",
    summary="Read an endpoint",
    description="Where it is, which events it gets, and how it fares: `state` is active, failing (`failing_since`: "
    "every try since then failed) or paused (`paused_why`); `open` webhooks wait for it.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def get_endpoint(endpoint_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await _view(tx, await found_endpoint(tx, account, endpoint_id))


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
        found = await found_endpoint(tx, account, endpoint_id)
        await actions.change_endpoint(
            tx, found, body.url, body.events, body.description, allow_private=parts.allow_private
        )
        return await _view(tx, await found_endpoint(tx, account, endpoint_id))


@router.delete(
    "/{endpoint_id}",
    status_code=204,
    summary="Remove an endpoint",
    description="Nothing is posted to it any more, nor what waits for another try.",
    responses=problems(401, 404),
)
async def remove_endpoint(endpoint_id: str, account: Account, parts: Parts) -> None:
    async with parts.database.write() as tx:
        found = await found_endpoint(tx, account, endpoint_id)
        await actions.remove_endpoint(tx, found, parts.clock.now(), parts.ids)


@router.post(
    "/{endpoint_id}/pause",
    summary="Pause an endpoint",
    description="Nothing is posted to it until it is resumed. What happens meanwhile is queued, for 30 days.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def pause_endpoint(endpoint_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await found_endpoint(tx, account, endpoint_id)
        await actions.pause_endpoint(tx, found, parts.clock.now())
        return await _view(tx, await found_endpoint(tx, account, endpoint_id))


@router.post(
    "/{endpoint_id}/resume",
    summary="Resume an endpoint",
    description="All that is queued for it goes out now.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def resume_endpoint(endpoint_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        found = await found_endpoint(tx, account, endpoint_id)
        await actions.resume_endpoint(tx, found, parts.clock.now(), parts.ids)
        view = await _view(tx, await found_endpoint(tx, account, endpoint_id))
    parts.wake()
    return view


@router.post(
    "/{endpoint_id}/rotate-secret",
    summary="Give an endpoint another secret",
    description="`secret` is shown this once. For 24 hours, until `old_secret_until`, the old one signs too: each "
    "request has both signatures, and a receiver may hold either. With `at_once` the old one ends now.",
    responses={200: answer({**_EXAMPLE, "secret": "whsec_…"}), **problems(401, 404, 422)},
)
async def rotate_secret(
    endpoint_id: str, account: Account, parts: Parts, body: RotateIn | None = None
) -> dict[str, Any]:
    wanted = RotateIn.model_validate({}) if body is None else body
    async with parts.database.write() as tx:
        found = await found_endpoint(tx, account, endpoint_id)
        secret, _ = await actions.rotate_secret(
            tx, found, wanted.secret, parts.clock.now(), parts.seal, at_once=wanted.at_once
        )
        return await _view(tx, await found_endpoint(tx, account, endpoint_id)) | {"secret": secret}


@router.post(
    "/{endpoint_id}/test",
    summary="Try an endpoint out",
    description="Posts an event `test` now, once, whether the endpoint is paused or not, and answers what came back: "
    "`taken`, `status`, `took_ms`, `detail`, and as `remedy` what to mend.",
    responses={
        200: answer(
            {
                "webhook_id": "01K2W7M4E8M2P6R0T3V7X1Z5BD",
                "taken": False,
                "status": 404,
                "detail": "the receiver said no",
                "took_ms": 85,
                "remedy": "Nothing is at this path. See that the URL is right and that the route takes POST.",
            }
        ),
        **problems(401, 404),
    },
)
async def test_endpoint(endpoint_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await found_endpoint(tx, account, endpoint_id)
    probed: dict[str, Any] = msgspec.to_builtins(await parts.prober.probe(found))
    return probed
