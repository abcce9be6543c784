"""/v1/alarms."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from todoke.actions.alarms import view
from todoke.ids import is_id
from todoke.server.api.models import answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import alarms as store

router = APIRouter(prefix="/v1", tags=["Alarms"])

_EXAMPLE = {
    "id": "01K2W7J4E8M2P6R0T3V7X1Z5BD",
    "kind": "channel_paused",
    "about": "01K2W7J0A1B2C3D4E5F6G7H8JK",
    "text": "The channel Parcels is paused: LINE answered 401: …",
    "remedy": "Set a new access token with todoke channels token …",
    "raised_at": "2026-08-07T09:30:00.000Z",
    "cleared_at": None,
}


@router.get(
    "/alarms",
    summary="List alarms, the newest first",
    description="Of the account's channels and of what all accounts share. `about` is a channel's id or a carrier's "
    "name. `next` is the `cursor` of the next page; it is absent on the last one.",
    responses={200: answer({"alarms": [_EXAMPLE]}), **problems(401, 422)},
)
async def list_alarms(
    account: Account,
    parts: Parts,
    standing: Annotated[
        bool | None, Query(description="true: only those that stand; false: the others")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        found = await store.list_alarms(tx, account, standing=standing, before=cursor, limit=limit + 1)
    page = found[:limit]
    shown: dict[str, Any] = {"alarms": [view(x) for x in page]}
    return shown | ({"next": page[-1].id} if len(found) > limit else {})
