"""/v1/webhook-endpoints/{id}/postings: what was posted to an endpoint, try by try, and posting it again."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from todoke.actions.intake import Invalid
from todoke.core.durations import parse_rfc3339, rfc3339
from todoke.ids import is_id
from todoke.server.api.models import ReplayIn, answer, problems
from todoke.server.api.webhook_endpoints import found_endpoint
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import postings as store
from todoke.storage.database import Tx
from todoke.storage.postings import PostingRow, Try

router = APIRouter(prefix="/v1/webhook-endpoints/{endpoint_id}", tags=["Webhooks to your systems"])

PORTION = 5000
"""Webhooks that are replayed in one transaction."""
_STATES = {"open": "open", "taken": store.TAKEN, "failed": store.FAILED, "dropped": store.DROPPED}
_NAMES = {v: k for k, v in _STATES.items()}
_EXAMPLE = {
    "id": "01K2W7M4E8M2P6R0T3V7X1Z5BD",
    "event": "notice.delivered",
    "about": "01K2W7K8Q4N1V5T9X3R6M0B2CD",
    "state": "taken",
    "status": 204,
    "detail": None,
    "created_at": "2026-08-07T09:30:00.000Z",
    "replayed_at": None,
    "next_try_at": None,
    "ended_at": "2026-08-07T09:30:00.120Z",
    "tries": [
        {"at": "2026-08-07T09:30:00.010Z", "outcome": "taken", "status": 204, "detail": None, "took_ms": 85}
    ],
}


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


def _view(row: PostingRow, tries: list[Try]) -> dict[str, Any]:
    return {
        "id": row.id,
        "event": row.event,
        "about": row.about,
        "state": "open" if row.ended_at is None else _NAMES.get(row.outcome or "", "open"),
        "status": row.status,
        "detail": row.detail,
        "created_at": rfc3339(row.created_at),
        "replayed_at": _at(row.replayed_at),
        "next_try_at": _at(row.due_at),
        "ended_at": _at(row.ended_at),
        "tries": [
            {
                "at": rfc3339(x.at),
                "outcome": _NAMES[x.outcome],
                "status": x.status,
                "detail": x.detail,
                "took_ms": x.took_ms,
            }
            for x in tries
        ],
    }


async def _found(tx: Tx, account: str, endpoint_id: str, posting_id: str) -> PostingRow:
    endpoint = await found_endpoint(tx, account, endpoint_id)
    row = await store.get_posting(tx, endpoint.id, posting_id)
    if row is None:
        raise Problem(
            404,
            "not-found",
            "There is no webhook with this id of this endpoint. They are kept for 30 days after they end.",
        )
    return row


@router.get(
    "/postings",
    summary="What was posted to an endpoint",
    description="The newest first, each with its tries. `id` is the `webhook-id`. `next` is the `cursor` of the next "
    "page; it is absent on the last one. `about`: only what tells of this notice, binding, batch, message, user ID.",
    responses={200: answer({"postings": [_EXAMPLE]}), **problems(401, 404, 422)},
)
async def list_postings(
    endpoint_id: str,
    account: Account,
    parts: Parts,
    state: Literal["open", "taken", "failed", "dropped"] | None = None,
    event: Annotated[str | None, Query(max_length=40)] = None,
    about: Annotated[str | None, Query(max_length=40)] = None,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        endpoint = await found_endpoint(tx, account, endpoint_id)
        rows = await store.page(
            tx,
            endpoint.id,
            state=None if state is None else _STATES[state],
            event=event,
            about=about,
            before=cursor,
            limit=limit + 1,
        )
        page = rows[:limit]
        tries = await store.tries_of(tx, [x.id for x in page])
    shown: dict[str, Any] = {"postings": [_view(x, tries.get(x.id, [])) for x in page]}
    return shown | ({"next": page[-1].id} if len(rows) > limit else {})


@router.get(
    "/postings/{posting_id}",
    summary="One webhook, with its body",
    description="`body` is what was posted, as JSON.",
    responses={200: answer({**_EXAMPLE, "body": {"type": "notice.delivered"}}), **problems(401, 404)},
)
async def get_posting(endpoint_id: str, posting_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        row = await _found(tx, account, endpoint_id, posting_id)
        tries = await store.tries_of(tx, [row.id])
    return _view(row, tries.get(row.id, [])) | {"body": json.loads(row.body)}


@router.post(
    "/postings/{posting_id}/replay",
    summary="Post a webhook again",
    description="With the same `webhook-id`, so that a receiver that has it drops it. While the endpoint is paused it "
    "waits.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def replay_posting(endpoint_id: str, posting_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row = await _found(tx, account, endpoint_id, posting_id)
        await store.replay(tx, [row.id], parts.clock.now())
        row = await _found(tx, account, endpoint_id, posting_id)
        tries = await store.tries_of(tx, [row.id])
    parts.wake()
    return _view(row, tries.get(row.id, []))


def _moment(text: str, pointer: str) -> int:
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(str(error), pointer) from None


@router.post(
    "/replay",
    summary="Post again what happened in a time",
    description="What has ended, of events from `from` on and before `until`, with the same `webhook-id` each; "
    "`only_failed`: only what was given up. What still waits is posted anyway.",
    responses={200: answer({"replayed": 12}), **problems(401, 404, 422)},
)
async def replay(endpoint_id: str, body: ReplayIn, account: Account, parts: Parts) -> dict[str, Any]:
    since = _moment(body.since, "/from")
    until = None if body.until is None else _moment(body.until, "/until")
    if until is not None and until <= since:
        raise Invalid("until is not after from. Give a later time, or leave it out for now.", "/until")
    now, after, count = parts.clock.now(), "", 0
    while True:
        async with parts.database.write() as tx:
            endpoint = await found_endpoint(tx, account, endpoint_id)
            found = await store.ended_between(
                tx, endpoint.id, since, until, only_failed=body.only_failed, after=after, limit=PORTION
            )
            await store.replay(tx, found, now)
        count += len(found)
        if len(found) < PORTION:
            break
        after = found[-1]
    parts.wake()
    return {"replayed": count}
