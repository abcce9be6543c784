"""What happened: the ledger, the webhooks posted, the requests answered, the SMS taken."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from line_emulator import times
from line_emulator.control.http import answer, cursor, state_of, whole
from line_emulator.state import State
from line_emulator.weblog import Post
from line_emulator.world.ledger import Row
from line_emulator.world.sms import Sms

PAGE = 1000


async def ledger(request: Request) -> Response:
    """`GET /ledger?channel_id=&cursor=&limit=`: the requests in their order, up to 1,000 a page."""
    state = state_of(request)
    state.tick()
    limit = whole(request, "limit", PAGE, 1, PAGE)
    rows, following = state.world.ledger.page(cursor(request), limit, request.query_params.get("channel_id"))
    found: dict[str, Any] = {"rows": [_row(state, row) for row in rows]}
    if following is not None:
        found["next"] = str(following)
    return answer(found)


def _row(state: State, row: Row) -> dict[str, Any]:
    return {
        "request_id": state.ids.request_id(row.request_no),
        "channel_id": row.channel_id,
        "path": row.path,
        "status": row.status,
        "delivery_tag": row.tag,
        "to": row.to if isinstance(row.to, str) else row.to.hex(),
        "at": times.render(row.at),
        "fate": row.fate,
        "seen_at": times.render_or_none(row.seen_at),
        "times_seen": 0 if row.seen_at is None else 1,
        "event_at": times.render_or_none(row.event_at),
        "template_key": row.template_key,
    }


async def summary(request: Request) -> Response:
    """`GET /ledger/summary?channel_id=`: counts by path, status and fate, each alone and all together."""
    state = state_of(request)
    state.tick()
    return answer(summary_of(state, request.query_params.get("channel_id")))


def summary_of(state: State, channel_id: str | None = None) -> dict[str, Any]:
    """The sums of the ledger."""
    paths: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    fates: Counter[str] = Counter()
    groups = []
    for path, status, fate, count in state.world.ledger.groups(channel_id):
        paths[path] += count
        statuses[str(status)] += count
        fates[fate] += count
        groups.append({"path": path, "status": status, "fate": fate, "count": count})
    total = sum(paths.values())
    return {"total": total, "path": paths, "status": statuses, "fate": fates, "groups": groups}


async def webhooks(request: Request) -> Response:
    """`GET /webhooks?channel_id=&cursor=&limit=`: what was posted, oldest first; the log keeps the
    newest 20,000.
    """
    state = state_of(request)
    limit = whole(request, "limit", 10**9, 1, 10**9)
    rows: list[dict[str, Any]] = []
    found: dict[str, Any] = {"rows": rows, "posted": state.webhooks.log.posted}
    for post in state.webhooks.log.after(cursor(request), request.query_params.get("channel_id")):
        if len(rows) == limit:
            found["next"] = str(rows[-1]["id"])
            break
        rows.append(post_view(post))
    return answer(found)


def post_view(post: Post) -> dict[str, Any]:
    """One attempt as JSON."""
    return {
        "id": post.number,
        "channel_id": post.channel_id,
        "at": times.render(post.at),
        "url": post.url,
        "body": post.body.decode(),
        "signature": post.signature,
        "status": post.status,
        "reason": post.reason,
        "detail": post.detail,
        "redelivery": post.redelivery,
        "events": post.events,
    }


async def requests(request: Request) -> Response:
    """`GET /requests`: the newest 5,000 requests to LINE's paths, with the beginning of their bodies."""
    state = state_of(request)
    channel_id = request.query_params.get("channel_id")
    rows = [
        {
            "request_id": state.ids.request_id(entry.number),
            "at": times.render(entry.at),
            "method": entry.method,
            "path": entry.path,
            "channel_id": entry.channel_id,
            "status": entry.status,
            "body": entry.body.decode("utf-8", "replace"),
            "answer": entry.answer.decode("utf-8", "replace"),
        }
        for entry in state.requests
        if channel_id in (None, entry.channel_id)
    ]
    return answer({"rows": rows})


async def sms(request: Request) -> Response:
    """`GET /sms?reference=&to=&cursor=&limit=`: what the carrier took, oldest first, up to 1,000 a page."""
    state = state_of(request)
    limit = whole(request, "limit", PAGE, 1, PAGE)
    reference, to = request.query_params.get("reference"), request.query_params.get("to")
    book = state.world.sms
    source = book.taken if reference is None else book.by_reference.get(reference, [])
    start = cursor(request)
    rows: list[dict[str, Any]] = []
    found: dict[str, Any] = {"rows": rows, "count": len(book.taken)}
    for position in range(start, len(source)):
        if to in (None, source[position].to):
            if len(rows) == limit:
                found["next"] = str(position)
                break
            rows.append(_sms(source[position]))
    return answer(found)


def _sms(sms: Sms) -> dict[str, Any]:
    return {
        "message_id": sms.message_id,
        "to": sms.to,
        "from": sms.sender,
        "text": sms.text,
        "at": times.render(sms.at),
        "reference": sms.reference,
        "status": "delivered" if sms.delivered else "failed",
    }
