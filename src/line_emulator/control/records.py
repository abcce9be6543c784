"""What happened: the ledger, its sums, the SMS taken. The logs of webhooks and requests are in `logs`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from line_emulator import times
from line_emulator.control.http import answer, cursor, known_parameters, state_of, whole
from line_emulator.control.logs import LOG_PARAMETERS, newest_rows, oldest_rows, order_of, wanted
from line_emulator.control.reasons import Reasons
from line_emulator.state import State
from line_emulator.world.ledger import Row
from line_emulator.world.sms import Sms

PAGE = 1000


async def ledger(request: Request) -> Response:
    """`GET /ledger?channel_id=&cursor=&limit=`: the requests in their order, up to 1,000 a page.

    `fate`, `status` and `q` (in the request id or the delivery tag) choose among them; with `order=newest` the newest
    come first. A page may be short although `next` says that more follow.
    """
    state = state_of(request)
    known_parameters(request, *LOG_PARAMETERS)
    state.tick()
    rows_of = newest_rows if order_of(request) == "newest" else oldest_rows
    rows, following = rows_of(state, wanted(request, PAGE, PAGE))
    reasons = Reasons(state)
    found: dict[str, Any] = {"rows": [row_view(state, row, reasons) for row in rows]}
    if following is not None:
        found["next"] = str(following)
    return answer(found)


def row_view(state: State, row: Row, reasons: Reasons | None = None) -> dict[str, Any]:
    """A row as JSON. `template_source`: where its template key comes from, see `grants`. `reason`: why it was
    rejected; with `reasons`, also whether its number was only written in another form.
    """
    channel = state.world.channels.get(row.channel_id)
    known = row.template_key is not None and channel is not None
    return {
        "request_id": state.ids.request_id(row.request_no),
        "channel_id": row.channel_id,
        "path": row.path,
        "status": row.status,
        "delivery_tag": row.tag,
        "to": row.to if isinstance(row.to, str) else row.to.hex(),
        "at": times.render(row.at),
        "fate": row.fate,
        "reason": row.reason if reasons is None else reasons.of(row),
        "seen_at": times.render_or_none(row.seen_at),
        "times_seen": 0 if row.seen_at is None else 1,
        "event_at": times.render_or_none(row.event_at),
        "template_key": row.template_key,
        "template_source": channel.source_of(row.template_key) if known else None,  # type: ignore[union-attr,arg-type]
    }


async def summary(request: Request) -> Response:
    """`GET /ledger/summary?channel_id=`: counts by path, status and fate, each alone and all together."""
    state = state_of(request)
    known_parameters(request, "channel_id")
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


async def sms(request: Request) -> Response:
    """`GET /sms?reference=&to=&cursor=&limit=`: what the carrier took, oldest first, up to 1,000 a page."""
    state = state_of(request)
    known_parameters(request, "reference", "to", "cursor", "limit")
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
