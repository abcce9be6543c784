"""A request that aiohttp does not repeat. Imported with the first request that needs it, for it loads aiohttp."""

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from todoke.carriers.over_http import nothing_left


class _Broken(aiohttp.ClientError):
    """A connection that broke after it was made; a class that aiohttp does not repeat a request for."""


async def only_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """A client middleware: what may have left is not sent again."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        if nothing_left(exc):
            raise
        raise _Broken("the connection broke before the answer") from exc
