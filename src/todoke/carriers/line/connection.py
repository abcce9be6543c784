"""One kept-alive connection: a request, then its answer, parsed as it comes."""

import asyncio
from collections.abc import Callable

import httptools

from todoke.carriers.cleaning import MAX_ANSWER

Headers = dict[str, str]
WANTED = frozenset({b"x-line-request-id", b"x-line-accepted-request-id", b"retry-after", b"date"})
"""The headers of an answer that anybody reads; the others are dropped."""


class NotSent(Exception):
    """Surely not a byte of the request left; the text says why."""


class Broken(Exception):
    """The request may have left and no status came back; the text says what happened."""


class Reply:
    """An answer. `body` is None where it was cut off, and holds at most MAX_ANSWER bytes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes | None) -> None:
        self.status = status
        self.headers = headers
        """Those of WANTED, by names in lower case."""
        self.body = body


Done = Callable[["Reply | NotSent | Broken"], None]
"""Told once what a request came to; never while it is being asked for."""


class Connection(asyncio.Protocol):
    """One connection: one request at a time, its answer parsed as it comes."""

    def __init__(self, finished: "Callable[[Connection], None]") -> None:
        """`finished`: told when a request has come to its end, before whoever asked it."""
        self._finished = finished
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: Headers = {}
        self._body: list[bytes] = []
        self._size = 0
        self._answer: Reply | None = None
        self.done: Done | None = None
        """Who waits for an answer."""
        self.asked_at = 0.0
        self.idle_since = 0.0
        self.usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    @property
    def closing(self) -> bool:
        """The other side has closed it, and asyncio has yet to say so."""
        return self._transport is None or self._transport.is_closing()

    def ask(self, request: bytes, done: Done, now: float) -> None:
        """Writes the request. `done` gets Broken where no answer comes."""
        assert self._transport is not None
        self.done = done
        self.asked_at = now
        self._transport.write(request)

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.close()

    def abandon(self, done: Done) -> None:
        """`done` waits no longer: an answer that is still to come belongs to nobody."""
        if self.done is done:
            self.done = None
            self.close()
            self._finished(self)

    # What asyncio calls

    def data_received(self, data: bytes) -> None:
        if self.done is None:
            # Nothing was asked: whatever this is, the next answer could not be told from it.
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._cut_off("the answer is not HTTP")
            return
        # Only now: whoever gets the answer may ask the next at once, and what follows is not the answer to that.
        if (answer := self._answer) is not None:
            self._deliver(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._cut_off("the connection broke before the answer")

    def expire(self) -> None:
        """Its answer took too long."""
        self._cut_off("no answer in time")

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._answer is not None:
            # A second answer to one request: from here on nobody knows which answer is whose.
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if (known := name.lower()) in WANTED:
            self._headers[known.decode()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._answer is None:
            self._status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        if self._answer is not None:
            return
        self._size += len(data)
        self._body.append(data)
        if self._size > MAX_ANSWER:
            self._keep_answer(b"".join(self._body)[:MAX_ANSWER])
            self.usable = False

    def on_message_complete(self) -> None:
        if self._answer is not None:
            return
        if self._status < 200:
            # 1xx only announces the answer.
            self._status, self._headers = 0, {}
            return
        self.usable = self.usable and self._parser.should_keep_alive()
        self._keep_answer(b"".join(self._body))

    def _keep_answer(self, body: bytes | None) -> None:
        headers, self._headers = self._headers, {}
        self._answer = Reply(self._status, headers, body)

    def _cut_off(self, why: str) -> None:
        """The answer will not come to its end. A status that has come counts all the same."""
        self.close()
        if self._answer is None and self._status >= 200:
            self._keep_answer(b"".join(self._body) if self._size else None)
        self._deliver(self._answer or Broken(why))

    def _deliver(self, answer: "Reply | Broken") -> None:
        done, self.done = self.done, None
        if done is None:
            return
        self._answer, self._headers, self._body = None, {}, []
        self._size = self._status = 0
        self._finished(self)
        done(answer)
