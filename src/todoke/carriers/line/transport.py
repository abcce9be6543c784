"""Posts small JSON bodies over kept-alive connections, at a fraction of what a general HTTP client costs.

At thousands of requests a second the client is the largest single cost of a notice (`make bench`), and all that
LINE's send endpoints need of HTTP is this. What matters is known exactly here: whether anything left.
"""

import asyncio
import os
import ssl
from collections import deque
from types import TracebackType
from urllib.parse import urlsplit

import httptools

from todoke.carriers.over_http import MAX_ANSWER

Headers = dict[str, str]
WANTED = frozenset({b"x-line-request-id", b"x-line-accepted-request-id", b"retry-after", b"date"})
"""The headers of an answer that anybody reads; the others are dropped."""


class NotSent(Exception):
    """Surely not a byte of the request left; the text says why."""


class Broken(Exception):
    """The request may have left and no status came back; the text says what happened."""


class Origin:
    """Where connections go: scheme, host and port of a base URL."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.tls else 80)
        # As browsers do: a port only where it is not the scheme's own, an IPv6 address in brackets.
        self.header = parts.netloc.rpartition("@")[2]
        self.prefix = parts.path.rstrip("/")


class Reply:
    """An answer. `body` is None where it was cut off, and holds at most MAX_ANSWER bytes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes | None) -> None:
        self.status = status
        self.headers = headers
        """Those of WANTED, by names in lower case."""
        self.body = body


class _Connection(asyncio.Protocol):
    """One connection: one request at a time, its answer parsed as it comes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: Headers = {}
        self._body: list[bytes] = []
        self._size = 0
        self.asked_at = 0.0
        self.idle_since = 0.0
        self.usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    @property
    def closing(self) -> bool:
        """The other side has closed it, and asyncio has yet to say so."""
        return self._transport is None or self._transport.is_closing()

    def ask(self, request: bytes) -> "asyncio.Future[Reply]":
        """Writes the request. The future fails with Broken where no answer comes."""
        assert self._transport is not None
        self._waiter = self._loop.create_future()
        self._headers = {}
        self._body = []
        self._size = self._status = 0
        self.asked_at = self._loop.time()
        self._transport.write(request)
        return self._waiter

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.close()

    def abandon(self) -> None:
        """Whoever waited is gone: the answer that is still to come belongs to nobody."""
        self._end(None)
        self.close()

    # What asyncio calls

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            # Nothing was asked: whatever this is, the next answer could not be told from it.
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._cut_off("the answer is not HTTP")

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._cut_off("the connection broke before the answer")

    def expire(self) -> None:
        """Its answer took too long."""
        self._cut_off("no answer in time")

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._waiter is None:
            # A second answer to one request: from here on nobody knows which answer is whose.
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if (known := name.lower()) in WANTED:
            self._headers[known.decode()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        self._body.append(data)
        if self._size > MAX_ANSWER:
            self._end(b"".join(self._body)[:MAX_ANSWER])
            self.close()

    def on_message_complete(self) -> None:
        if self._status < 200:
            # 1xx only announces the answer.
            self._status, self._headers = 0, {}
            return
        self.usable = self.usable and self._parser.should_keep_alive()
        self._end(b"".join(self._body))

    def _cut_off(self, why: str) -> None:
        """The answer will not come to its end. A status that has come counts all the same."""
        waiter = self._waiter
        if waiter is not None and self._status < 200:
            self._waiter = None
            if not waiter.done():
                waiter.set_exception(Broken(why))
        else:
            self._end(None if self._size == 0 else b"".join(self._body))
        self.close()

    def _end(self, body: bytes | None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            return
        headers, self._headers = self._headers, {}
        if not waiter.done():
            waiter.set_result(Reply(self._status, headers, body))


class Transport:
    """Connections to one origin. `close` it, or use it in `async with`.

    `limit`: connections at once; more requests wait for one, `connect` seconds at most. `total`: seconds from the
    request to its answer. `keepalive`: seconds for which an idle connection is used again; below the 5 after which
    common servers close theirs, for a request written to a connection that is closing just then is Broken.
    """

    def __init__(
        self,
        base: str,
        *,
        limit: int = 2048,
        total: float = 10.0,
        connect: float = 5.0,
        keepalive: float = 4.0,
    ) -> None:
        self.origin = Origin(base)
        self._total = total
        self._connect = connect
        self._keepalive = keepalive
        self._idle: deque[_Connection] = deque()
        self._all: set[_Connection] = set()
        self._room = limit
        self._queue: deque[asyncio.Future[None]] = deque()
        """Who waits for a connection."""
        self._out: dict[_Connection, None] = {}
        """Those that wait for an answer, the longest first."""
        self._watch: asyncio.TimerHandle | None = None
        self._tls = ssl.create_default_context() if self.origin.tls else None
        self._closed = False

    async def __aenter__(self) -> "Transport":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection. Requests that are out end as Broken, new ones as NotSent."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        for connection in list(self._all):
            connection.close()
        self._all.clear()
        self._idle.clear()
        # Closing takes a turn of the event loop to reach the sockets.
        await asyncio.sleep(0)

    async def post(self, request: bytes) -> Reply:
        """Sends a whole request, head and body. Raises NotSent or Broken."""
        self._refuse_closed()
        if self._room:
            self._room -= 1
        else:
            await self._wait_for_room()
        try:
            self._refuse_closed()
            connection = self._take() or await self._open()
            self._out[connection] = None
            try:
                answer = connection.ask(request)
                if self._watch is None:
                    self._watch_over()
                reply = await answer
            except BaseException:
                connection.abandon()
                self._all.discard(connection)
                raise
            finally:
                del self._out[connection]
            self._give_back(connection)
            return reply
        finally:
            self._leave_room()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise NotSent("not sent: the connections are closed, the program is stopping")

    async def _wait_for_room(self) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._queue.append(mine)
        try:
            async with asyncio.timeout(self._connect):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                # It came free in the very moment in which nobody waits for it any more.
                self._leave_room()
            if isinstance(error, TimeoutError):
                raise NotSent("no connection in time: all of them are busy") from None
            raise

    def _leave_room(self) -> None:
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._room += 1

    def _watch_over(self) -> None:
        """Ends what waits too long. One timer for all: each of its own would cost more than reading an answer."""
        loop = asyncio.get_running_loop()
        self._watch = None
        now = loop.time()
        for connection in list(self._out):
            if connection.asked_at + self._total > now:
                self._watch = loop.call_later(connection.asked_at + self._total - now, self._watch_over)
                return
            connection.expire()

    def _take(self) -> _Connection | None:
        """An idle connection that may be used again: the one used last. Older ones are closed on the way."""
        oldest = asyncio.get_running_loop().time() - self._keepalive
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and not connection.closing and connection.idle_since > oldest:
                return connection
            self._drop(connection)
        return None

    def _give_back(self, connection: _Connection) -> None:
        if connection.usable and not self._closed:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        connection.close()
        self._all.discard(connection)

    async def _open(self) -> _Connection:
        loop, origin = asyncio.get_running_loop(), self.origin
        where = f"{origin.host}:{origin.port}"
        try:
            async with asyncio.timeout(self._connect):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop), origin.host, origin.port, ssl=self._tls
                )
        except TimeoutError:
            raise NotSent("no connection in time: is the host right, is a firewall in between?") from None
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or "no handshake"
            raise NotSent(f"TLS with {where} failed: {reason}") from None
        except OSError as error:
            raise NotSent(_why_not_connected(origin, error)) from None
        if self._closed:
            connection.close()
        self._refuse_closed()
        self._all.add(connection)
        return connection


def _why_not_connected(origin: Origin, error: OSError) -> str:
    if type(error).__name__ == "gaierror":
        return f"the host name {origin.host} can't be resolved: check the base URL and the name server"
    number = error.errno or 0
    why = os.strerror(number) if number > 0 else "no connection"
    return f"could not connect to {origin.host}:{origin.port}: {why}"
