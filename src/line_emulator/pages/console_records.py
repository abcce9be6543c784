"""`/console/…`: what happened. The ledger, the webhooks posted, the requests answered, the counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from line_emulator.control import logs
from line_emulator.control.billing import bill, kind_of, present_month, well_formed
from line_emulator.control.http import Refused, state_of
from line_emulator.control.logs import Wanted
from line_emulator.control.records import row_view
from line_emulator.pages.frame import bad, choices, console, turning
from line_emulator.state import State
from line_emulator.world.ledger import FATES
from line_emulator.world.people import Account

A_PAGE = 50


def _asked(request: Request) -> Wanted | HTMLResponse:
    try:
        return logs.wanted(request, A_PAGE, 200)
    except Refused as refused:
        return bad(request, refused.message)


def _listed(
    request: Request, name: str, look: Callable[[State, Wanted], tuple[list[Any], int | None]], **values: Any
) -> HTMLResponse:
    asked = _asked(request)
    if isinstance(asked, HTMLResponse):
        return asked
    state = state_of(request)
    state.tick()
    rows, following = look(state, asked)
    return console(
        request,
        f"views/{name}.html",
        f"/console/{name}",
        rows=rows,
        asked=asked,
        filtered=bool(asked.channel_id or asked.status or asked.fate or asked.text),
        channels=choices(state),
        names=dict(choices(state)),
        pages=turning(request, following),
        **values,
    )


async def webhooks(request: Request) -> HTMLResponse:
    """`GET /console/webhooks`."""
    posted = state_of(request).webhooks.log.posted
    return _listed(request, "webhooks", logs.newest_posts, reasons=logs.REASONS, posted=posted)


async def requests(request: Request) -> HTMLResponse:
    """`GET /console/requests`."""

    def look(state: State, asked: Wanted) -> tuple[list[dict[str, Any]], int | None]:
        entries, following = logs.newest_requests(state, asked)
        return [logs.request_view(state, entry) for entry in entries], following

    return _listed(request, "requests", look)


async def ledger(request: Request) -> HTMLResponse:
    """`GET /console/ledger`."""

    def look(state: State, asked: Wanted) -> tuple[list[dict[str, Any]], int | None]:
        rows, following = logs.newest_rows(state, asked)
        found = []
        for row in rows:
            account = _account(state, row.to)
            found.append(
                {
                    **row_view(state, row),
                    "phone": account.phone if account is not None else None,
                    "kind": kind_of(row.path),
                    "seen_after": None if row.seen_at is None else row.seen_at - row.at,
                    "event_after": None if row.event_at is None else row.event_at - row.at,
                }
            )
        return found, following

    return _listed(request, "ledger", look, fates=FATES)


def _account(state: State, to: bytes | str) -> Account | None:
    people = state.world.people
    return people.find_user_id(to, "default") if isinstance(to, str) else people.find(to)


async def billing(request: Request) -> HTMLResponse:
    """`GET /console/billing?month=&channel_id=`."""
    state = state_of(request)
    state.tick()
    month = request.query_params.get("month") or present_month(state)
    channel_id = request.query_params.get("channel_id") or None
    if not well_formed(month):
        return bad(request, f"{month[:50]!r} is no month; write it like 2026-08.")
    found = bill(state, month, channel_id)
    months = sorted({*found["months"], month, present_month(state)}, reverse=True)
    return console(
        request,
        "views/billing.html",
        "/console/billing",
        bill=found,
        months=months,
        channels=choices(state),
        channel_id=channel_id or "",
        kinds=[kind for kind in found["total"] if kind not in ("notifications", "all")],
    )
