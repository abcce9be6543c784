"""What all pages of the console have in common: the menu, the clock, filters and turning of pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from line_emulator.control.http import state_of
from line_emulator.pages.rendering import page
from line_emulator.state import State

MENU = (
    ("/", "Start"),
    ("/console/users", "Users"),
    ("/wall", "Wall"),
    ("/console/ledger", "Ledger"),
    ("/console/webhooks", "Webhooks"),
    ("/console/requests", "Requests"),
    ("/console/billing", "Billing"),
    ("/console/faults", "Faults"),
    ("/console/gallery", "Gallery"),
)
MOST_CHOICES = 500
CONTROL = "/_emulator/v1"


def console(request: Request, template: str, active: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of the console. `active`: the path of its entry in the menu."""
    state = state_of(request)
    shown = page(template, menu=MENU, active=active, control=CONTROL, clock=clock(state), **values)
    shown.status_code = status
    return shown


def clock(state: State) -> dict[str, Any]:
    """The clock as the pages show it."""
    return {
        "now": state.clock.now(),
        "mode": state.clock.mode,
        "speed": state.clock.speed,
        "stopped": state.traveller.stopped,
        "followers": state.followers.names(),
    }


def missing(request: Request, what: str) -> HTMLResponse:
    """A page that says that this is not there (any more)."""
    return console(request, "views/missing.html", "", 404, cause="Not found", what=what)


def bad(request: Request, what: str, cause: str = "No such filter") -> HTMLResponse:
    """A page that says what is wrong with its address. `cause`: the same in a few words, for its head."""
    return console(request, "views/missing.html", "", 400, cause=cause, what=what)


def choices(state: State) -> list[tuple[str, str]]:
    """The channels to choose from in a filter: id and name."""
    channels = list(state.world.channels.values())[:MOST_CHOICES]
    return [(channel.channel_id, channel.name) for channel in channels]


def link(request: Request, changes: Mapping[str, str | None]) -> str:
    """The address of this page with these values of its query changed."""
    query = {name: value for name, value in request.query_params.items() if value}
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"?{urlencode(query)}"


def turning(request: Request, following: int | None) -> dict[str, Any]:
    """The links to the first and to the next page."""
    return {
        "first": link(request, {"cursor": None}) if request.query_params.get("cursor") else None,
        "next": link(request, {"cursor": str(following)}) if following is not None else None,
    }
