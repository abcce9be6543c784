"""The one ASGI application: LINE's paths and the carrier go the short way, everything else through
Starlette.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp

from line_emulator.bot_api.http import Receive, Scope, Send
from line_emulator.bot_api.service import LineApi
from line_emulator.carrier import PATH as CARRIER_PATH
from line_emulator.carrier import Carrier

_OWN = re.compile(r"/(?:|favicon\.ico|(?:_emulator|static|phones|wall|console)(?:/.*)?)", re.DOTALL)
"""The emulator's own paths: the control API and its pages. All others are LINE's."""


class Front:
    """Tells LINE's side from the emulator's own, before any router."""

    def __init__(self, line: LineApi, carrier: Carrier, own: ASGIApp) -> None:
        self._line = line
        self._carrier = carrier
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or connection."""
        if scope["type"] == "http":
            path = scope["path"]
            if _OWN.fullmatch(path) is None:
                await self._line.serve(scope, receive, send)
                return
            if path == CARRIER_PATH and scope["method"] == "POST":
                await self._carrier.serve(scope, receive, send)
                return
        await self._own(scope, receive, send)
