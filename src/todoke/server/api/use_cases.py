"""/v1/use-cases: LINE's lists, and the account's applications with their checklist, history and files."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from todoke.actions import applications as actions
from todoke.actions import reviewing
from todoke.core import attached
from todoke.server.api.catalogue_view import catalogue_view, known_country
from todoke.server.api.models import answer, problems
from todoke.server.api.models.reviews import (
    ApplicationIn,
    ApplicationPatch,
    ApplicationTransitionIn,
    CommentIn,
)
from todoke.server.api.review_view import attachment_view, full, own_view, short, summary
from todoke.server.auth import Account, Caller
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import applications as store
from todoke.storage import attachments
from todoke.storage.applications import Application

router = APIRouter(prefix="/v1/use-cases", tags=["Use cases"])

_CLOSED = {
    # Whatever somebody uploaded, it must not run or be shown as if it were ours.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}

_EXAMPLE = {
    "id": "01K2W7M…",
    "use_case": "delivery",
    "channel": "01K2W7J0…",
    "state": "in_review",
    "answer_from": "2026-08-21",
    "answer_until": "2026-09-04",
    "overdue": False,
    "may_go_to": ["approved", "changes_wanted", "rejected", "draft"],
}


@router.get(
    "",
    summary="The use cases that LINE allows, by country, and your applications",
    description=(
        "`use_cases`: LINE's published lists, each with the account's `application` for it, the one that moved last, "
        "or null; and the account's own, which are not `published`. `applications`: all of the account's. LINE "
        "reviews every use case of every account before it may be used. `country`: only those of TW, TH or JP."
    ),
    responses={
        200: answer(
            {
                "use_cases": [{"country": "TW", "key": "delivery", "published": True}],
                "applications": [_EXAMPLE],
            }
        ),
        **problems(401, 422),
    },
)
async def list_use_cases(
    account: Account, parts: Parts, country: Annotated[str | None, Query(max_length=20)] = None
) -> dict[str, Any]:
    catalogue, countries = catalogue_view(country), known_country(country)
    async with parts.database.read() as tx:
        rows = await store.applications(tx, account)
        regions = {x.id: await actions.region_of(tx, x) for x in rows}
    rows = [x for x in rows if regions[x.id] in countries]
    newest: dict[tuple[str, str], Application] = {}
    for row in sorted(rows, key=lambda x: x.state_at):
        newest[regions[row.id], row.key] = row
    listed = [x | {"application": short(newest.pop((x["country"], x["key"]), None))} for x in catalogue]
    own = [own_view(country, row) | {"application": short(row)} for (country, _), row in newest.items()]
    now = parts.clock.now()
    return {"use_cases": listed + own, "applications": [summary(x, regions[x.id], now) for x in rows]}


@router.post(
    "",
    status_code=201,
    summary="Apply to use a use case",
    description=(
        "A draft, for one channel. One that is not on LINE's list for the channel's country is your own: it needs a "
        "`description`. Fill in its checklist, then submit it with a transition to `in_review`."
    ),
    responses={201: answer(_EXAMPLE), **problems(401, 404, 409, 422)},
)
async def create_application(
    body: ApplicationIn, account: Account, caller: Caller, parts: Parts
) -> dict[str, Any]:
    fields = body.model_dump() | {"by": body.by or caller}
    async with parts.database.write() as tx:
        wanted = msgspec.convert(fields, actions.NewApplication)
        row = await actions.create_application(tx, account, wanted, parts.clock.now(), parts.ids)
        return await full(tx, row, parts)


@router.get(
    "/{application}",
    summary="Read an application",
    description=(
        "By its id, or by its use case where one channel only has applied for it. With its checklist in four "
        "languages, its templates, attachments and history, and where it `may_go_to`."
    ),
    responses={200: answer(_EXAMPLE), **problems(401, 404, 409)},
)
async def get_application(application: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await full(tx, await actions.find_application(tx, account, application), parts)


@router.patch(
    "/{application}",
    summary="Fill in the checklist",
    description="Possible at draft and changes_wanted. Items that are not named stay as they are.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 409, 422)},
)
async def change_application(
    application: str, body: ApplicationPatch, account: Account, caller: Caller, parts: Parts
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row = await actions.find_application(tx, account, application)
        row = await actions.change_application(
            tx, row, body.by or caller, body.checklist, body.description, parts.clock.now(), parts.ids
        )
        return await full(tx, row, parts)


@router.post(
    "/{application}/transitions",
    summary="Move an application",
    description=(
        "draft → in_review → approved → contract_signed → acceptance_passed → live → suspended; docs/review.md draws "
        "all moves. 409 `illegal-transition` names the legal ones, 409 `not-ready` says what is missing. Its "
        "templates move with it."
    ),
    responses={200: answer(_EXAMPLE), **problems(401, 404, 409, 422)},
)
async def move_application(
    application: str, body: ApplicationTransitionIn, account: Account, parts: Parts
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row = await actions.find_application(tx, account, application)
        wanted = reviewing.Wanted(**body.model_dump())
        row, _ = await reviewing.move_application(
            tx, row, wanted, parts.clock.now(), parts.ids, parts.lookup.desks
        )
        view = await full(tx, row, parts)
    parts.wake()
    return view


@router.post(
    "/{application}/comments",
    status_code=201,
    summary="Comment on an application",
    description="At any state; it stands in the history and is never changed.",
    responses={201: answer(_EXAMPLE), **problems(401, 404, 409, 422)},
)
async def comment(
    application: str, body: CommentIn, account: Account, caller: Caller, parts: Parts
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row = await actions.find_application(tx, account, application)
        await actions.comment(tx, row, body.by or caller, body.text, parts.clock.now(), parts.ids)
        return await full(tx, row, parts)


@router.post(
    "/{application}/attachments",
    status_code=201,
    summary="Add a file to an application",
    description=(
        f"{attached.TAKEN}, by content and not by name; at most 10 MB, and 50 MB in all of an application. Files are "
        "never changed and never deleted: they are evidence."
    ),
    responses={201: answer({"id": "01K2W8A…", "name": "report.pdf"}), **problems(401, 404, 409, 413, 422)},
)
async def attach(
    application: str,
    account: Account,
    caller: Caller,
    parts: Parts,
    file: Annotated[UploadFile, File(description="The file.")],
    by: Annotated[str | None, Form(max_length=200, description="Who adds it. Left out: the API key.")] = None,
) -> dict[str, Any]:
    content = await file.read(attached.MOST_BYTES + 1)
    looked_at = await run_in_threadpool(actions.looked_at, file.filename or "", content)
    async with parts.database.write() as tx:
        row = await actions.find_application(tx, account, application)
        added = await actions.attach(tx, row, by or caller, looked_at, parts.clock.now(), parts.ids)
    return attachment_view(added)


@router.get(
    "/{application}/attachments/{attachment}",
    summary="Download a file of an application",
    description="Always as a download: no browser shows it inside this address.",
    responses={
        200: {"description": "The file.", "content": {"application/octet-stream": {}}},
        **problems(401, 404, 409),
    },
    response_class=Response,
)
async def download(application: str, attachment: str, account: Account, parts: Parts) -> Response:
    async with parts.database.read() as tx:
        row = await actions.find_application(tx, account, application)
        found = await attachments.content_of(tx, row.id, attachment)
    if found is None:
        raise Problem(404, "not-found", "There is no attachment with this id on this application.")
    file, content = found
    named = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    return Response(
        content, headers=_CLOSED | {"Content-Disposition": named}, media_type="application/octet-stream"
    )
