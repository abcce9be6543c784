"""/v1/messages: ordinary messages to friends."""

import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from todoke.actions import messages as actions
from todoke.actions.messages import Wanted
from todoke.core.durations import rfc3339
from todoke.core.message import MessageState
from todoke.ids import is_id
from todoke.server.api.models import MessageIn, answer, problems
from todoke.server.auth import Account
from todoke.server.idempotent import IdempotencyKey, digest_of, recall, remember
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import messages as store
from todoke.storage.messages import Stored

router = APIRouter(prefix="/v1/messages", tags=["Messages"])

_EXAMPLE = {
    "id": "01K2W7K8Q4N1V5T9X3R6M0B2CD",
    "state": "handed_over",
    "channel": "01K2W7J8Q4N1V5T9X3R6M0B2CD",
    "user_id": "U4af4980629e7b1c2d3e4f5a6b7c8d9e0",
    "reference": "chat-17",
    "outcome": "accepted",
    "status": 200,
    "tries": 1,
    "created_at": "2026-08-07T09:30:00.000Z",
    "answered_at": "2026-08-07T09:30:00.120Z",
    "ended_at": "2026-08-07T09:30:00.120Z",
}


_USER_ID = re.compile(r"U[0-9a-f]{32}")


def _recipient(body: MessageIn) -> dict[str, str | None]:
    """LINE itself says `to` where a user ID is meant, and no number looks like one."""
    to = None if body.to is None else str(body.to)
    if to is not None and body.user_id is None and _USER_ID.fullmatch(to):
        return {"to": None, "user_id": to}
    return {"to": to, "user_id": body.user_id}


def message_view(stored: Stored) -> dict[str, Any]:
    """A message as the API shows it, without its content."""
    x = stored.message
    shown = {
        "id": x.id,
        "state": str(x.state),
        "channel": stored.channel_id,
        "user_id": stored.user_id,
        "reference": stored.reference,
        "outcome": None if x.outcome is None else str(x.outcome),
        "tries": x.tries,
        "created_at": rfc3339(x.created_at),
    }
    told = {"status": x.status, "detail": x.detail, "request_id": x.request_id}
    times = {"answered_at": x.answered_at, "ended_at": x.ended_at}
    if x.state is MessageState.QUEUED and x.tries:
        times["next_try_at"] = x.due_at
    shown |= {k: v for k, v in told.items() if v is not None}
    return shown | {k: rfc3339(v) for k, v in times.items() if v is not None}


@router.post(
    "",
    status_code=202,
    summary="Send an ordinary message to a friend",
    description=(
        "To a friend of the channel's account only, by user ID or by a number bound to one; anybody else is 409 with "
        "the type `not-a-friend`, and LINE is asked nothing. A number whose binding is in "
        "doubt is 409 with the type `binding-in-doubt`. 202 means: taken, durably. What became of it: GET "
        "/v1/messages/{id}. `handed_over` is the best end: LINE does not tell whether a push was shown."
    ),
    responses={202: answer(_EXAMPLE, "Taken."), **problems(401, 409, 413, 422)},
)
async def create_message(
    body: MessageIn, request: Request, account: Account, parts: Parts, key: IdempotencyKey = None
) -> Response:
    now, digest = parts.clock.now(), digest_of(request, parts, await request.body())
    wanted = Wanted(
        channel=body.channel,
        **_recipient(body),
        messages=body.messages,
        reference=body.reference,
    )
    everyone = parts.setup.every_number_is_a_test_number
    async with parts.database.write() as tx:
        if (before := await recall(tx, account, key, digest, now)) is not None:
            return before
        stored = await actions.take_in(tx, account, wanted, now, parts.ids, everyone)
        response = await remember(tx, account, key, digest, message_view(stored), now)
    parts.wake()
    return response


@router.get(
    "",
    summary="List ordinary messages, the newest first",
    description="Without their content. `next` is the `cursor` of the next page; it is absent on the last one.",
    responses=problems(401, 422),
)
async def list_messages(
    account: Account,
    parts: Parts,
    state: MessageState | None = None,
    reference: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        rows = await store.list_messages(
            tx, account, state=state, reference=reference, before=cursor, limit=limit + 1
        )
    page = rows[:limit]
    shown: dict[str, Any] = {"messages": [message_view(x) for x in page]}
    return shown | ({"next": page[-1].message.id} if len(rows) > limit else {})


@router.get(
    "/{message_id}",
    summary="Read an ordinary message",
    description="Where it stands, what LINE answered, and its content.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def get_message(message_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        stored = await store.get_message(tx, account, message_id)
    if stored is None:
        raise Problem(404, "not-found", "There is no message with this id in this account.")
    return message_view(stored) | {"messages": json.loads(stored.body)}
