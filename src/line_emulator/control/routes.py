"""The table of the control API's endpoints."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from line_emulator.control import (
    acts,
    billing,
    channels,
    grants,
    keys,
    live,
    logs,
    messages,
    records,
    rich_menus,
    scenarios,
    trouble,
    users,
)
from line_emulator.control.http import answer
from line_emulator.state import State

BASE = "/_emulator/v1"

_ENDPOINTS = [
    ("POST", "/channels", channels.create),
    ("GET", "/channels", channels.listing),
    ("GET", "/channels/{channel_id}", channels.show),
    ("PATCH", "/channels/{channel_id}", channels.change),
    ("POST", "/channels/{channel_id}/grants", grants.put),
    ("GET", "/channels/{channel_id}/grants", grants.show),
    ("GET", "/channels/{channel_id}/grants.csv", grants.export),
    ("DELETE", "/channels/{channel_id}/grants", grants.remove),
    ("GET", "/channels/{channel_id}/rich_menus/{rich_menu_id}/image", rich_menus.image),
    ("POST", "/channels/{channel_id}/keys", keys.create),
    ("GET", "/channels/{channel_id}/keys", keys.listing),
    ("DELETE", "/channels/{channel_id}/keys/{kid}", keys.remove),
    ("POST", "/users", users.create),
    ("GET", "/users", users.listing),
    ("GET", "/users/{phone}", users.show),
    ("PATCH", "/users/{phone}", users.change),
    ("POST", "/users/{phone}/actions", acts.act),
    ("GET", "/users/{phone}/screen", users.look),
    ("POST", "/population", trouble.populate),
    ("GET", "/clock", trouble.show_clock),
    ("POST", "/clock", trouble.move_clock),
    ("GET", "/faults", trouble.list_faults),
    ("POST", "/faults", trouble.add_fault),
    ("DELETE", "/faults", trouble.clear_faults),
    ("DELETE", "/faults/{fault_id}", trouble.clear_faults),
    ("GET", "/ledger", records.ledger),
    ("GET", "/ledger/summary", records.summary),
    ("GET", "/webhooks", logs.webhooks),
    ("POST", "/webhooks/{number}/redeliver", logs.redeliver),
    ("GET", "/requests", logs.requests),
    ("GET", "/billing", billing.billing),
    ("GET", "/sms", records.sms),
    ("POST", "/messages/check", messages.check),
    ("GET", "/scenarios", scenarios.listing),
    ("POST", "/scenarios", scenarios.create),
    ("DELETE", "/scenarios", scenarios.remove),
    ("GET", "/scenarios/{number}", scenarios.show),
    ("DELETE", "/scenarios/{number}", scenarios.remove),
    ("GET", "/state", trouble.show_state),
    ("POST", "/reset", trouble.reset),
]
CARRIER = ("POST", "/carrier/messages")
FOLLOW = "/clock/follow"
LIVE = "/live"
PHONE_LIVE = "/users/{phone}/live"
"""Served with the phone's page, for which it is made."""


async def contents(request: Request) -> Response:
    """`GET /_emulator/v1`: the list of endpoints."""
    listed = [f"{method} {BASE}{path}" for method, path, _ in _ENDPOINTS]
    others = [
        f"{CARRIER[0]} {BASE}{CARRIER[1]}",
        f"WS {BASE}{FOLLOW}",
        f"WS {BASE}{LIVE}",
        f"WS {BASE}{PHONE_LIVE}",
    ]
    return answer({"endpoints": [*listed, *others]})


async def follow(socket: WebSocket) -> None:
    """`ws …/clock/follow?name=`: a program follows the virtual clock for as long as it stays connected."""
    state: State = socket.app.state.emulator
    await state.followers.serve(socket)


def routes() -> list[Route | WebSocketRoute]:
    """All routes of the control API."""
    found: list[Route | WebSocketRoute] = [Route(BASE, contents, methods=["GET"])]
    for method, path, endpoint in _ENDPOINTS:
        found.append(Route(BASE + path, endpoint, methods=[method]))
    found.append(WebSocketRoute(BASE + FOLLOW, follow))
    found.append(WebSocketRoute(BASE + LIVE, live.live))
    return found
