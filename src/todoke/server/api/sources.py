"""/v1/sources: where numbers came from, and on what ground they may be used."""

from typing import Any

from fastapi import APIRouter, Response

from todoke.actions import sources as actions
from todoke.actions.sources import NewSource
from todoke.core.durations import rfc3339
from todoke.server.api.models import SourceIn, SourcePatch, answer, problems
from todoke.server.auth import Account
from todoke.server.services import Parts
from todoke.storage import sources as store
from todoke.storage.sources import Source

router = APIRouter(prefix="/v1/sources", tags=["Friends and recipients"])

_EXAMPLE: dict[str, Any] = {
    "id": "01K2W7J…",
    "name": "shop orders",
    "ground": "contract",
    "origin": "order form of the shop, box 3: text me when the parcel is there",
    "collected_from": "2026-01-01T00:00:00.000Z",
    "collected_until": None,
    "created_at": "2026-08-07T09:30:00.000Z",
    "ended_at": None,
}


def source_view(x: Source) -> dict[str, Any]:
    """A source as the API shows it."""
    return {
        "id": x.id,
        "name": x.name,
        "ground": x.ground,
        "origin": x.origin,
        "collected_from": None if x.collected_from is None else rfc3339(x.collected_from),
        "collected_until": None if x.collected_until is None else rfc3339(x.collected_until),
        "created_at": rfc3339(x.created_at),
        "ended_at": None if x.ended_at is None else rfc3339(x.ended_at),
    }


@router.post(
    "",
    status_code=201,
    summary="Describe where numbers come from",
    description="A notice, or a list, then names it in `source`. The business must have got the numbers lawfully; "
    "Todoke keeps what it says about that, per list, and shows it per recipient. The same again answers 200.",
    responses={
        200: answer(_EXAMPLE, "It stood already."),
        201: answer(_EXAMPLE, "Made."),
        **problems(401, 409, 422),
    },
)
async def create_source(body: SourceIn, response: Response, account: Account, parts: Parts) -> dict[str, Any]:
    wanted = NewSource(**body.model_dump())
    async with parts.database.write() as tx:
        made, new = await actions.create(tx, account, wanted, parts.clock.now(), parts.ids)
    if not new:
        response.status_code = 200
    return source_view(made)


@router.get(
    "",
    summary="List sources, by name",
    description="Those that new notices may name; with `ended=true` the others too.",
    responses=problems(401, 422),
)
async def list_sources(account: Account, parts: Parts, ended: bool = False) -> dict[str, Any]:
    async with parts.database.read() as tx:
        rows = await store.list_sources(tx, account, ended=ended)
    return {"sources": [source_view(x) for x in rows]}


@router.get(
    "/{source}",
    summary="Read a source",
    description="By its id, or its name.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def get_source(source: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return source_view(await actions.found_source(tx, account, source))


@router.patch(
    "/{source}",
    summary="Change a source",
    description="What is left out stays; its name always does. `ended` true: no new notice may name it; false: they "
    "may again.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 422)},
)
async def change_source(source: str, body: SourcePatch, account: Account, parts: Parts) -> dict[str, Any]:
    changes = body.model_dump(exclude_unset=True)
    async with parts.database.write() as tx:
        return source_view(await actions.change(tx, account, source, changes, parts.clock.now()))


@router.delete(
    "/{source}",
    summary="End a source",
    description="No new notice may name it. It is kept, as the notices that were sent name it.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def end_source(source: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        return source_view(await actions.end(tx, account, source, parts.clock.now()))
