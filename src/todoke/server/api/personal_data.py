"""/v1/recipients/export and /erase, and /v1/audit: one person's data, and what was done with it."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from todoke.actions import erasure
from todoke.actions.intake import Invalid
from todoke.core.durations import rfc3339
from todoke.core.person import Person, mentions
from todoke.ids import is_id
from todoke.reports.person import everything_of
from todoke.server.api.models import EraseIn, PersonIn, answer, problems
from todoke.server.api.numbers import read_number
from todoke.server.auth import Account, Caller
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import audit, channels
from todoke.storage.audit import Entry
from todoke.storage.database import Tx

router = APIRouter(prefix="/v1", tags=["Personal data"])

_NAMES = ("numbers", "user_ids")
_COUNTS = {"notices": 12, "bindings": 1, "friends": 1, "messages": 2, "events": 3, "refused_rows": 0}
_ENTRY = {
    "id": "01K2W7J…",
    "at": "2026-08-07T09:30:00.000Z",
    "by": "key first key (tdk_x7Qd…)",
    "what": "erasure",
    "data": {"counts": _COUNTS, "why": "ticket 4711"},
}


def _view(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": rfc3339(entry.at),
        "by": entry.by,
        "what": entry.what,
        "data": json.loads(entry.data),
    }


async def _person(tx: Tx, account: str, body: PersonIn) -> Person:
    if body.number is None and body.user_id is None:
        raise Invalid("Name the person: number, user_id, or both.", "/number")
    users = frozenset() if body.user_id is None else frozenset({body.user_id})
    if body.number is None:
        return Person(user_ids=users)
    regions = {c.region for c in await channels.list_channels(tx, account)}
    number = read_number(str(body.number), regions).e164
    return Person(numbers=frozenset({number}), user_ids=users)


@router.post(
    "/recipients/export",
    summary="All that is kept of one person",
    description="With the LINE users to whom the number is bound now, or the user's numbers. Numbers and texts are in "
    "full: it is for the person and nobody else. That it was made is kept in the audit.",
    responses={
        200: answer({"exported_at": "2026-08-07T09:30:00.000Z", "notices": []}),
        **problems(401, 422),
    },
)
async def export(
    body: PersonIn, response: Response, account: Account, caller: Caller, parts: Parts
) -> dict[str, Any]:
    response.headers["Cache-Control"] = "no-store"
    now = parts.clock.now()
    async with parts.database.read() as tx:
        named = await _person(tx, account, body)
    person, events = await parts.eraser.look(account, named)
    async with parts.database.read() as tx:
        found = await everything_of(tx, account, person, events, parts.archive, now)
    counts = {name: len(x) for name, x in found.items() if isinstance(x, list) and name not in _NAMES}
    async with parts.database.write() as tx:
        await erasure.note(tx, account, erasure.EXPORT, {"counts": counts}, caller, now, parts.ids)
    return found


@router.post(
    "/recipients/erase",
    summary="Erase one person's data",
    description="Over all tables: notices keep their times, states and costs, without number, parameters and "
    "reference; bindings, bind links, suppressions, friends and what LINE and carriers posted of the person go. What "
    "has not begun never will. The fact stays in the audit, with counts. `files_clean` says whether nothing is left in "
    "the database's files either; where it is false, the database is large: run `todoke recipients compact` in a quiet "
    "hour.",
    responses={
        200: answer({"erasure": _ENTRY, "files_clean": True}),
        **problems(401, 409, 422),
    },
)
async def erase(body: EraseIn, account: Account, caller: Caller, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        person = await _person(tx, account, body)
    if body.why is not None and mentions(body.why, person):
        raise Invalid("why names the person, and the audit is kept. Write a ticket's number instead.", "/why")
    erased = await parts.eraser.erase(account, person, by=caller, why=body.why)
    return {"erasure": _view(erased.entry), "files_clean": erased.files_clean}


@router.get(
    "/audit",
    summary="What was done, the newest first",
    description="Erasures and exports: when, with which key, how much. `what` picks one kind; `next` is the `cursor` "
    "of the next page.",
    responses={200: answer({"audit": [_ENTRY]}), **problems(401, 422)},
)
async def list_audit(
    account: Account,
    parts: Parts,
    what: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        rows = await audit.page(tx, account, what, cursor, limit + 1)
    page = rows[:limit]
    shown: dict[str, Any] = {"audit": [_view(x) for x in page]}
    return shown | ({"next": page[-1].id} if len(rows) > limit else {})
