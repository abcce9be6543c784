"""A session that is made, and aiohttp loaded, with its first request.

aiohttp holds 8 MB. Notices over LINE go another way (`line.transport`), so a gateway may do without it for long.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from todoke.carriers.over_http import loaded

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession, ClientWebSocketResponse


class Session:
    """What the carriers use of an aiohttp session. `make`: makes that session, in a running event loop."""

    def __init__(self, make: "Callable[[], ClientSession]") -> None:
        self._make = make
        self._session: ClientSession | None = None
        self._closed = False

    async def _made(self) -> "ClientSession":
        await loaded()
        if self._closed:
            # As aiohttp says it; `over_http.no_answer` knows it.
            raise RuntimeError("Session is closed")
        if self._session is None:
            self._session = self._make()
        return self._session

    async def request(self, method: str, url: Any, **options: Any) -> "ClientResponse":
        return await (await self._made()).request(method, url, **options)

    async def post(self, url: Any, **options: Any) -> "ClientResponse":
        return await (await self._made()).post(url, **options)

    async def ws_connect(self, url: str, **options: Any) -> "ClientWebSocketResponse":
        socket: ClientWebSocketResponse = await (await self._made()).ws_connect(url, **options)
        return socket

    async def close(self) -> None:
        """Closes its connections. No request leaves afterwards."""
        self._closed = True
        if self._session is not None:
            await self._session.close()


Http: TypeAlias = "ClientSession | Session"
"""What a carrier makes its requests with."""
