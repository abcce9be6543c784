"""HTTP/1.1 as uvicorn speaks it, and the short way for the requests that load is made of.

ASGI costs a request a task, an event, a scope, five layers and some twenty calls: more than to check and store what is
in it. A plain POST of known, small length to one of the busy addresses is therefore answered from here. Whatever is
unusual about one, known before anything was done for it, goes the usual way with the body that has come.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

Headers = list[tuple[bytes, bytes]]
"""Names in lower case."""


class Answer(NamedTuple):
    """`head`: the status line and headers, but those that every answer has; each with its line end."""

    head: bytes
    body: bytes


class Entry(Protocol):
    """A request that may go the short way, by its head."""

    def ask(self, body: bytes) -> asyncio.Future[Any] | None:
        """Sets about it. None: it must go the usual way, and nothing was done yet."""
        ...

    def answer(self, done: asyncio.Future[Any]) -> Answer:
        """What to answer when that has ended, whatever it came to. Never raises."""
        ...


Door = Callable[[bytes, Headers], Entry | None]
"""Takes a POST by its URL, as it stands in the request line, and its headers; None: the usual way."""


def head_of(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of an `Answer`."""
    return b"".join([STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in headers)])


def answer_with(response: Response) -> Answer:
    """A framework's answer, whose body is known, as one of these."""
    return Answer(head_of(response.status_code, response.raw_headers), bytes(response.body))


MOST_HEAD_BYTES = 1 << 19
"""Of the URL and headers of a request, about. The parser keeps all that comes, and whoever sends it needs no key. More
than twice what is read at a time, as that may begin with the requests before."""
_UNUSUAL = frozenset({b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"})


def length_of(headers: dict[bytes, bytes]) -> int | None:
    """The announced length of the body; None where that is not told plainly, or the body may be something else.

    The parser refuses several announcements.
    """
    found = headers.get(b"content-length", b"")
    return int(found) if found.isdigit() and len(found) < 10 and _UNUSUAL.isdisjoint(headers) else None


class _Heard:
    """Stands in for the event by which uvicorn's requests learn that something has come: nobody waits for it here."""

    def set(self) -> None:
        pass


class _Short:
    """A request on the short way, in the place of uvicorn's own: with what uvicorn looks at, and tells it."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")
    message_event = _Heard()

    def __init__(self) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False


class Connection(HttpToolsProtocol):
    """One connection to an application that may have a `door` (`openapi.DocumentedApp`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._door: Door | None = getattr(self.config.app, "door", None)
        self._entry: Entry | None = None
        self._body: list[bytes] = []
        self._head: int | None = None
        """Bytes of the head that is coming; None: none is."""

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The URL and headers of this request are too large.")

    def on_message_begin(self) -> None:
        """The first byte of a request is there."""
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        """The head of a request is there."""
        self._head = None
        self._entry = self._entered()
        if self._entry is None:
            super().on_headers_complete()
        else:
            self._body = []
            # From here on uvicorn sees it under way: what follows on this connection waits for its answer, and who
            # stops the server waits too.
            self.cycle = cast(Any, _Short())

    def _entered(self) -> Entry | None:
        """None where there is no door here, something else is under way, or who asks does not read the answers."""
        if self._door is None or self.flow.write_paused or self.parser.get_method() != b"POST":
            return None
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return None
        return self._door(self.url, self.headers)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._entry is None:
            super().on_body(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """All of the request is there."""
        if self._entry is None:
            super().on_message_complete()
            return
        entry, self._entry = self._entry, None
        body, self._body = b"".join(self._body), []
        under_way = cast(_Short, self.cycle)
        try:
            coming = entry.ask(body)
        except Exception as error:
            # The parser would take it for a fault of the request.
            coming = self.loop.create_future()
            coming.set_exception(error)
        if coming is None:
            under_way.response_complete = True
            super().on_headers_complete()
            self.cycle.keep_alive = self.cycle.keep_alive and under_way.keep_alive
            if body:
                super().on_body(body)
            super().on_message_complete()
        else:
            coming.add_done_callback(partial(self._done, entry, under_way))

    def _done(self, entry: Entry, under_way: _Short, done: asyncio.Future[Any]) -> None:
        head, body = entry.answer(done)
        under_way.response_complete = True
        if under_way.disconnected or self.transport.is_closing():
            return
        more = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        if not under_way.keep_alive:
            more.append(b"connection: close\r\n")
        self.transport.write(b"".join([head, *more, b"\r\n", body]))
        if not under_way.keep_alive:
            self.transport.close()
        self.on_response_complete()
