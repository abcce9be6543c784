"""/v1/templates/{template}/transitions and its history: the review of one version."""

from typing import Any

from fastapi import APIRouter

from todoke.actions import reviewing
from todoke.server.api.models import answer, problems
from todoke.server.api.models.reviews import TransitionIn
from todoke.server.api.review_view import history_view, version_view
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import content, review_events
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx

router = APIRouter(prefix="/v1/templates", tags=["Templates and policies"])

_EXAMPLE = {
    "id": "01K2W7J…",
    "template": "parcel",
    "version": 2,
    "review": "in_review",
    "may_go_to": ["approved", "changes_wanted", "rejected", "draft"],
}


async def _found(tx: Tx, account: str, template: str) -> TemplateRow:
    row = await content.find_template(tx, account, template)
    if row is None:
        raise Problem(
            404, "not-found", f"There is no template {template[:60]!r}. GET /v1/templates lists them."
        )
    if row.id != template and len(alike := await content.channels_of_template(tx, account, row.name)) > 1:
        named = ", ".join(f"{x.id} (version {x.version}, {x.review})" for x in alike[:10])
        raise Problem(
            409,
            "conflict",
            f"{len(alike)} channels have a template {row.name}. Name the version by its id: {named}.",
        )
    return row


@router.post(
    "/{template}/transitions",
    summary="Move a template's version in its review",
    description=(
        "By id that version, by name the newest, where one channel only has it. draft → in_review → approved, "
        "changes_wanted or rejected. The "
        "versions that are submitted with an application move with it; this is for what comes later. An older version "
        "that is live keeps sending until the new one is approved."
    ),
    responses={200: answer(_EXAMPLE), **problems(401, 404, 409, 422)},
)
async def move_version(template: str, body: TransitionIn, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row = await _found(tx, account, template)
        wanted = reviewing.Wanted(**body.model_dump())
        row, _ = await reviewing.move_version(
            tx, row, wanted, parts.clock.now(), parts.ids, parts.lookup.desks
        )
        events = await review_events.of_template(tx, row.id)
    parts.wake()
    return version_view(row) | {"history": history_view(events)}


@router.get(
    "/{template}/history",
    summary="The review of a template's version",
    description="By id that version, by name the newest, where one channel only has it: where it stands, and who did "
    "what when and why.",
    responses={200: answer({**_EXAMPLE, "history": []}), **problems(401, 404, 409)},
)
async def history(template: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        row = await _found(tx, account, template)
        events = await review_events.of_template(tx, row.id)
    return version_view(row) | {"history": history_view(events)}
