"""What every carrier over HTTP shares: the session, what each failure means, reading a body.

One question decides all of this file: may the provider have taken the message? Where that can't be ruled out
the outcome is `unknown`, and nobody sends the message again by himself.
"""

import asyncio
import os
import sys
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from todoke import __version__
from todoke.carriers.cleaning import MAX_ANSWER
from todoke.core.outcome import Answer, Outcome

if TYPE_CHECKING:
    # Loaded where it is used.
    import aiohttp


async def loaded() -> None:
    """Returns when aiohttp is there. To load it takes a fifth of a second, in which others go on."""
    if "aiohttp" not in sys.modules:
        await asyncio.to_thread(import_module, "aiohttp")


def nothing_left(exc: BaseException) -> bool:
    """Whether it is one of aiohttp's exceptions that come only before the first byte of a request is written.

    ClientConnectorError and its subclasses: name not resolved, connection refused, TLS handshake or certificate
    failed. ConnectionTimeoutError: no free connection, or none made in time. InvalidURL: it never got to
    connecting (redirects are never followed). Not among them: ClientOSError and ServerDisconnectedError, which
    aiohttp also raises while it waits for the answer, and ClientConnectionResetError, where a part of the request
    may have left.
    """
    import aiohttp  # noqa: PLC0415

    return isinstance(exc, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL)


@lru_cache
def timeouts(total: float, connect: float = 5.0, sock_connect: float = 3.0) -> "aiohttp.ClientTimeout":
    """Time limits in seconds: the whole request, getting a connection (name, TLS, pool), one address's
    connect.

    `connect` is kept below `total`: when the limit of the whole request strikes while still connecting,
    aiohttp can't tell it from one after the request left, and the outcome would be `unknown` for nothing.
    """
    import aiohttp  # noqa: PLC0415

    connect = min(connect, total * 0.6)
    return aiohttp.ClientTimeout(total=total, connect=connect, sock_connect=min(sock_connect, connect))


def make_session(
    limit: int = 256,
    *,
    total: float = 10.0,
    connect: float = 5.0,
    sock_connect: float = 3.0,
    keepalive: float = 4.0,
) -> "aiohttp.ClientSession":
    """The one session of a program's carriers; the caller closes it. Needs a running event loop.

    `limit`: connections at once, at least the requests in flight at once (else they queue for `connect`
    seconds and end as `failed`). `total`, `connect`, `sock_connect`: see `timeouts`. `keepalive`: seconds for
    which an idle connection is used again. It is below the 5 seconds after which common servers (uvicorn,
    Node) close theirs: a request written to a connection that the server is closing just then ends as
    `unknown`, and so as an SMS that costs money. A new connection costs a handshake.

    No cookies (channels share the session), no proxy from the environment, no compressed answers.
    """
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=keepalive),
        timeout=timeouts(total, connect, sock_connect),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": f"todoke/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"},
    )


def no_answer(exc: Exception) -> Answer:
    """What a request came to that ended in this exception: `failed` if surely nothing left, else
    `unknown`.
    """
    import aiohttp  # noqa: PLC0415

    if nothing_left(exc):
        return Answer(outcome=Outcome.FAILED, detail=why_not_connected(exc))
    if isinstance(exc, RuntimeError) and str(exc) == "Session is closed":
        return Answer(
            outcome=Outcome.FAILED, detail="not sent: the HTTP session is closed, the program is stopping"
        )
    if isinstance(exc, TimeoutError):
        why = "no answer in time"
    elif isinstance(exc, aiohttp.ServerDisconnectedError | OSError):
        why = "the connection broke before the answer"
    elif isinstance(exc, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
        why = "the answer is not HTTP"
    else:
        why = f"the request broke off ({type(exc).__name__})"
    return Answer(outcome=Outcome.UNKNOWN, detail=f"{why}; the message may have been taken")


def why_not_connected(exc: Exception) -> str:
    """One line on why there was no connection. It names our own configured host, never what the request
    held.
    """
    import aiohttp  # noqa: PLC0415

    if isinstance(exc, aiohttp.ConnectionTimeoutError):
        return "no connection in time: is the host right, is a firewall in between?"
    if not isinstance(exc, aiohttp.ClientConnectorError):
        return "the URL can't be used: check the base URL"
    where = f"{exc.host}:{exc.port}"
    if isinstance(exc, aiohttp.ClientConnectorDNSError):
        return f"the host name {exc.host} can't be resolved: check the base URL and the name server"
    if isinstance(exc, aiohttp.ClientSSLError):
        reason = getattr(exc.os_error, "verify_message", "") or getattr(exc.os_error, "reason", "") or ""
        return f"TLS with {where} failed: {str(reason) or 'no handshake'}"
    number = exc.os_error.errno if isinstance(exc.os_error, OSError) else None
    return (
        f"could not connect to {where}: {os.strerror(number) if number and number > 0 else 'no connection'}"
    )


async def read_body(response: "aiohttp.ClientResponse", limit: int = MAX_ANSWER) -> bytes | None:
    """At most `limit` bytes of the body, the rest is dropped; None if the connection broke or time was over
    first.

    Releases the connection: for reuse if the body was read to its end, else closed.
    """
    import aiohttp  # noqa: PLC0415

    content = response.content
    chunks: list[bytes] = []
    try:
        while limit > 0 and (chunk := await content.read(limit)):
            chunks.append(chunk)
            limit -= len(chunk)
    except (aiohttp.ClientError, TimeoutError, OSError):
        response.close()
        return None
    if content.at_eof():
        response.release()
    else:
        response.close()
    return b"".join(chunks)
