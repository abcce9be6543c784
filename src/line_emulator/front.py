"""The one ASGI application: LINE's paths and the carrier go the short way, everything else through
Starlette.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp

from line_emulator.bot_api.http import Answer, Receive, Scope, Send, refusal, respond
from line_emulator.bot_api.service import LineApi
from line_emulator.carrier import PATH as CARRIER_PATH
from line_emulator.carrier import Carrier
from line_emulator.origin import foreign
from line_emulator.world.ledger import FLEXIBLE_PATH, TEMPLATE_PATH
from line_emulator.world.problems import Problem

_OWN = re.compile(
    r"/(?:|favicon\.ico|dialog/bot/accountLink|R/.*|(?:_emulator|static|phones|wall|console)(?:/.*)?)",
    re.DOTALL,
)
"""The emulator's own paths: the control API and its pages, and LINE's pages. All others are LINE's API."""

_FOREIGN = Problem(403, "The emulator takes no orders from pages of other addresses")

AT_ONCE = {path.encode(): path for path in (TEMPLATE_PATH, FLEXIBLE_PATH)}
"""What load is made of: these are answered where they are read, without a task for each (`connections`)."""


class Front:
    """Tells LINE's side from the emulator's own, before any router."""

    def __init__(self, line: LineApi, carrier: Carrier, own: ASGIApp) -> None:
        self._line = line
        self._carrier = carrier
        self._own = own

    def serve_at_once(
        self, url: bytes, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[Answer, str] | None:
        """The answer to a whole `POST` if it can be had without waiting; None: it must go the usual way."""
        return self._line.serve_at_once(AT_ONCE[url], headers, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or connection."""
        if scope["type"] == "http":
            path = scope["path"]
            if _OWN.fullmatch(path) is None:
                await self._line.serve(scope, receive, send)
                return
            if foreign(scope):
                await respond(send, refusal(_FOREIGN), None)
                return
            if path == CARRIER_PATH and scope["method"] == "POST":
                await self._carrier.serve(scope, receive, send)
                return
        elif foreign(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._own(scope, receive, send)
