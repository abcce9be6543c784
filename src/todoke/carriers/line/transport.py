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

from todoke.carriers.line.connection import Broken, Connection, Done, NotSent, Reply


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


class Transport:
    """Connections to one origin, in the running event loop. `close` it, or use it in `async with`.

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
        self._loop = asyncio.get_running_loop()
        self._total = total
        self._connect = connect
        self._keepalive = keepalive
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._room = limit
        self._queue: deque[asyncio.Future[None]] = deque()
        """Who waits for a connection."""
        self._out: dict[Connection, None] = {}
        """Those that wait for an answer, the longest first."""
        self._watch: asyncio.TimerHandle | None = None
        self._tls = ssl.create_default_context() if self.origin.tls else None
        self._closed = False
        self._beginning: set[asyncio.Task[None]] = set()

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

    def begin(self, request: bytes, done: Done) -> None:
        """Sends a whole request, head and body; `done` is told what came of it. At once where a connection is idle."""
        connection = self._take() if self._room and not self._closed else None
        if connection is None:
            task = asyncio.create_task(self._begin_later(request, done))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)
            return
        self._room -= 1
        self._ask(connection, request, done)

    async def post(self, request: bytes) -> Reply:
        """The same for one who waits for the answer. Raises NotSent or Broken."""
        waiter: asyncio.Future[Reply | NotSent | Broken] = self._loop.create_future()

        def done(answer: Reply | NotSent | Broken) -> None:
            if not waiter.done():
                waiter.set_result(answer)

        connection = await self._free()
        self._ask(connection, request, done)
        try:
            answer = await waiter
        except BaseException:
            connection.abandon(done)
            raise
        if isinstance(answer, Reply):
            return answer
        raise answer

    async def _begin_later(self, request: bytes, done: Done) -> None:
        try:
            connection = await self._free()
        except NotSent as error:
            done(error)
        except Exception as error:
            # As for a host name that is none. Whoever waits must hear of it.
            done(NotSent(f"could not connect to {self.origin.host}: {type(error).__name__}"))
        else:
            self._ask(connection, request, done)

    async def _free(self) -> Connection:
        """A connection, and room to use it. Raises NotSent."""
        self._refuse_closed()
        if self._room:
            self._room -= 1
        else:
            await self._wait_for_room()
        try:
            self._refuse_closed()
            return self._take() or await self._open()
        except BaseException:
            self._leave_room()
            raise

    def _ask(self, connection: Connection, request: bytes, done: Done) -> None:
        self._out[connection] = None
        connection.ask(request, done, self._loop.time())
        if self._watch is None:
            self._watch_over()

    def _finished(self, connection: Connection) -> None:
        del self._out[connection]
        self._give_back(connection)
        self._leave_room()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise NotSent("not sent: the connections are closed, the program is stopping")

    async def _wait_for_room(self) -> None:
        mine = self._loop.create_future()
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
        self._watch = None
        now = self._loop.time()
        for connection in list(self._out):
            if connection.asked_at + self._total > now:
                self._watch = self._loop.call_later(connection.asked_at + self._total - now, self._watch_over)
                return
            connection.expire()

    def _take(self) -> Connection | None:
        """An idle connection that may be used again: the one used last. Older ones are closed on the way."""
        oldest = self._loop.time() - self._keepalive
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and not connection.closing and connection.idle_since > oldest:
                return connection
            self._drop(connection)
        return None

    def _give_back(self, connection: Connection) -> None:
        if connection.usable and not self._closed:
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._all.discard(connection)

    async def _open(self) -> Connection:
        origin = self.origin
        where = f"{origin.host}:{origin.port}"
        try:
            async with asyncio.timeout(self._connect):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._finished), origin.host, origin.port, ssl=self._tls
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
