"""Connections that can't be held open for nothing, nor filled without end: uvicorn sets no limit to either.
And the short way for the requests that load is made of.

A request must be there in whole within `READ_SECONDS` of its first byte, its head within `HEAD_LIMIT` bytes;
a connection that never sends a request is closed after the same time. Real seconds, as with every time-out.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from line_emulator.bot_api.http import wire
from line_emulator.front import AT_ONCE

READ_SECONDS = 30.0
HEAD_LIMIT = 64 * 1024
_TLS_HELLO = b"\x16\x03"

_TOO_SLOW = 408, "Request Timeout", "The request did not arrive in time"
_HEAD_TOO_LARGE = 431, "Request Header Fields Too Large", "The request line and headers are too long"


class Connection(HttpToolsProtocol):
    """One connection. `reading_since`: when the request under way began (loop time); None between requests.
    `idle_since`: when it was last answered the short way; uvicorn's own timer for idle connections is for the others.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading_since: float | None = self.loop.time()
        self.idle_since: float | None = None
        self._read = 0
        self._head: int | None = 0
        self._ended = False
        self._short: list[bytes] | None = None
        self._keep_alive = True
        self._under_way: Any = None

    def data_received(self, data: bytes) -> None:
        """Bytes of a request. Those of its head are counted, at first roughly: a read may hold a body too."""
        if data[:2] == _TLS_HELLO and self.cycle is None:
            self.logger.warning("Somebody speaks https to this port. Write http:// in front of its address.")
            self.transport.close()
            return
        self._read, self._ended, self.idle_since = len(data), False, None
        if self._head is not None:
            self._head += self._read
        super().data_received(data)
        if self._head is not None and self._head > HEAD_LIMIT:
            self._refuse(*_HEAD_TOO_LARGE)

    def _should_upgrade(self) -> bool:
        # A WebSocket begins with GET (RFC 6455). Anything else goes on as the request that it is.
        return self.parser.get_method() == b"GET" and super()._should_upgrade()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._under_way = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has gone. uvicorn tells only the latest of several pipelined requests."""
        self.pipeline.clear()
        if self._under_way is not None:
            self._under_way.disconnected = True
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        # Of a read that ended another request, nobody knows how much belongs to this one: not to be held against it.
        self._head = 0 if self._ended else self._read
        self.reading_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        if max(self._head or 0, self._read) > HEAD_LIMIT and self._true_head() > HEAD_LIMIT:
            self._refuse(*_HEAD_TOO_LARGE)
            raise ValueError("the head is too long")  # Ends the parser's work on these bytes.
        self._head = None
        if self._may_be_short():
            self._short = []
            self._keep_alive = self.parser.should_keep_alive()
        else:
            super().on_headers_complete()

    def _may_be_short(self) -> bool:
        """A plain `POST` of known and small length to one of the busy paths, with nothing before it under way."""
        if self.url not in AT_ONCE or self.parser.get_method() != b"POST" or self.expect_100_continue:
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if self.flow.write_paused:
            return False  # Who does not read the answers gets no more of them: the usual way waits.
        length = [value for name, value in self.headers if name == b"content-length"]
        small = len(length) == 1 and length[0].isdigit() and len(length[0]) < 6
        return small and self.parser.get_http_version() == "1.1"

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._short is None:
            super().on_body(body)
        else:
            self._short.append(body)

    def _true_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def send_400_response(self, msg: str) -> None:
        """What can't be read as HTTP is refused as JSON, like everything else."""
        self._refuse(400, "Bad Request", msg)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._ended, self.reading_since = True, None
        if self._short is None:
            super().on_message_complete()
            return
        body, self._short = b"".join(self._short), None
        done = self.app.serve_at_once(self.url, self.headers, body)
        if done is None:
            self._go_the_usual_way(body)
            return
        answer, request_id = done
        more = self.server_state.default_headers
        if not self._keep_alive:
            more = [*more, (b"connection", b"close")]
        self.transport.write(wire(answer, request_id, more))
        if not self._keep_alive:
            self.transport.close()
        # One timer for each answer would cost more than the sweep over all connections once a second.
        self.server_state.total_requests += 1
        self.idle_since = self.loop.time()

    def _go_the_usual_way(self, body: bytes) -> None:
        super().on_headers_complete()
        self.cycle.keep_alive = self._keep_alive
        if body:
            super().on_body(body)
        super().on_message_complete()

    def too_slow(self, now: float) -> bool:
        """Whether the request under way should long have arrived."""
        return self.reading_since is not None and now - self.reading_since > READ_SECONDS

    def idle(self, now: float) -> bool:
        """Whether nobody has asked for anything since the last answer, for as long as uvicorn would wait."""
        return self.idle_since is not None and now - self.idle_since > self.timeout_keep_alive

    def give_up(self) -> None:
        """Says that the request took too long, and closes."""
        self._refuse(*_TOO_SLOW)

    def _refuse(self, status: int, phrase: str, text: str) -> None:
        self.reading_since = self._head = None
        if not self.transport.is_closing():
            body = f'{{"message":"{text}"}}'
            self.transport.write(
                f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
                f"connection: close\r\n\r\n{body}".encode()
            )
            self.transport.close()


def sweep(connections: set[Any], now: float | None = None) -> int:
    """Closes connections that are idle, and those whose request does not arrive; says how many of these there were.
    To be called about once a second.
    """
    if now is None:
        now = asyncio.get_running_loop().time()
    slow = 0
    for each in [each for each in connections if isinstance(each, Connection)]:
        if each.too_slow(now):
            each.give_up()
            slow += 1
        elif each.idle(now):
            each.transport.close()
    return slow
