"""An HTTP session for URLs that a user may choose: it connects to public addresses only (against SSRF).

A name can resolve to a private address, or to another address each time (DNS rebinding), so a check of the
URL is not enough. Here the numeric address of every socket is judged just before it connects: after the name
server, the DNS cache, a list of several addresses, and also after a redirect, should anybody follow one.
"""

import socket
from typing import TYPE_CHECKING, Any, cast

from todoke import __version__
from todoke.carriers.addresses import may_connect
from todoke.carriers.over_http import timeouts

if TYPE_CHECKING:
    # Loaded where it is used, with the first request.
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult


class AddressRefused(OSError):
    """All addresses of a host are ones to which no request may go. Nothing has left."""


class GuardedResolver:
    """An AbstractResolver of aiohttp's: another resolver's answers without the addresses to which no request may go."""

    def __init__(self, inner: "AbstractResolver", allow_private: bool) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> "list[ResolveResult]":
        """Raises AddressRefused if no address is left, OSError if the name is not known."""
        found = await self._inner.resolve(host, port, family)
        kept = [one for one in found if may_connect(one["host"], self._allow_private)]
        if found and not kept:
            raise AddressRefused(None, "it resolves to an address of this machine or network")
        return kept

    async def close(self) -> None:
        await self._inner.close()


def guarded_session(
    allow_private: bool,
    limit: int = 64,
    *,
    total: float = 10.0,
    resolver: "AbstractResolver | None" = None,
) -> "aiohttp.ClientSession":
    """A session that connects to public addresses only; the caller closes it. Needs a running event loop.

    `allow_private`: loopback and private addresses too; link-local ones never. `limit`: connections at once.
    `total`: seconds for a whole request. `resolver`: who is asked for names, the system's by default.

    Hand `allow_redirects=False` to its requests: where a receiver redirects to is not what the user chose.
    No cookies, no proxy from the environment (it would do the connecting), answers are not decompressed.
    """
    import aiohttp  # noqa: PLC0415

    def checked_socket(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        if family not in (socket.AF_INET, socket.AF_INET6) or not may_connect(address[0], allow_private):
            raise AddressRefused(None, "it is an address of this machine or network")
        return socket.socket(family, kind, protocol)

    guarded = GuardedResolver(resolver or aiohttp.DefaultResolver(), allow_private)
    connector = aiohttp.TCPConnector(
        limit=limit,
        keepalive_timeout=4.0,  # below the 5 seconds after which common servers close theirs
        resolver=cast("AbstractResolver", guarded),
        socket_factory=checked_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeouts(total),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        headers={"User-Agent": f"todoke/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"},
    )


def why_refused(exc: BaseException) -> str | None:
    """One line if a request ended because its address is not one to connect to; None for any other end."""
    import aiohttp  # noqa: PLC0415

    os_error = getattr(exc, "os_error", None)
    if not isinstance(exc, aiohttp.ClientConnectorError) or not isinstance(os_error, AddressRefused):
        return None
    return f"not sent: {exc.host} can't be used, {os_error.strerror}. Use a host with a public address"
