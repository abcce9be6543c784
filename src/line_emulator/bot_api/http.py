"""Requests and answers as thin as the load asks for: plain ASGI, one pass over the headers, bodies with
a limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any

import msgspec

from line_emulator.world.channels import Channel
from line_emulator.world.problems import Problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 2 * 1024 * 1024
HELD_LIMIT = 256 * 1024 * 1024
"""Bodies still on their way may fill so much memory together: enough for a thousand large ones at once."""
EMPTY_OBJECT = b"{}"

_JSON = (b"content-type", b"application/json")
_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}
_WANTED = {
    b"authorization": 0,
    b"content-type": 1,
    b"content-length": 2,
    b"x-line-delivery-tag": 3,
    b"x-line-retry-key": 4,
}


class Request(msgspec.Struct, gc=False):
    """One request to LINE's paths, with its whole body (empty if `too_large`).

    `headers`: the values that LINE looks at, by position; the first of several wins. `values`: those of the
    path, in order.
    """

    method: str
    path: str
    query: bytes
    headers: list[bytes | None]
    number: int
    at: int
    body: bytes
    too_large: bool
    json: Any = None
    channel: Channel | None = None
    values: tuple[str, ...] = ()

    @property
    def authorization(self) -> bytes | None:
        """The raw header."""
        return self.headers[0]

    @property
    def content_type(self) -> str:
        """The raw header, empty if there is none."""
        return text_of(self.headers[1]) or ""

    @property
    def tag(self) -> str | None:
        """X-Line-Delivery-Tag."""
        return text_of(self.headers[3])

    @property
    def retry_key(self) -> str | None:
        """X-Line-Retry-Key."""
        return text_of(self.headers[4])

    def sender(self) -> Channel:
        """The authenticated channel."""
        assert self.channel is not None
        return self.channel


class Answer(msgspec.Struct, gc=False):
    """A status, a body (JSON, if `content_type` is None), and further headers."""

    status: int
    body: bytes = EMPTY_OBJECT
    headers: list[tuple[bytes, bytes]] = []
    content_type: str | None = None


def text_of(raw: bytes | None) -> str | None:
    """A header as text: UTF-8 where it is that, else Latin-1, which never fails."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def refusal(problem: Problem) -> Answer:
    """A problem as an answer."""
    return Answer(problem.status, problem.body())


def success(value: Any) -> Answer:
    """200 with this as JSON."""
    return Answer(200, msgspec.json.encode(value))


def pick_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes | None]:
    """The headers that LINE looks at."""
    found: list[bytes | None] = [None, None, None, None, None]
    for name, value in headers:
        place = _WANTED.get(name)
        if place is not None and found[place] is None:
            found[place] = value
    return found


class _Held:
    """Bytes of bodies that are still coming in, over all connections."""

    total = 0


async def read_body(receive: Receive, announced: bytes | None, limit: int = BODY_LIMIT) -> bytes | None:
    """The whole body; None as soon as it is known to exceed the limit, or when half-read bodies fill
    `HELD_LIMIT`. Raises ConnectionError if the client leaves.
    """
    if announced is not None and announced.isdigit() and int(announced[:20]) > limit:
        return None
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body"):
        return body if len(body) <= limit else None
    parts, size = [body], len(body)
    _Held.total += size
    try:
        while message["type"] == "http.request" and message.get("more_body"):
            message = await receive()
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            _Held.total += len(part)
            if size > limit or _Held.total > HELD_LIMIT:
                return None
    finally:
        _Held.total -= size
    if message["type"] != "http.request":
        raise ConnectionError("the client went away")
    return b"".join(parts)


def wire(answer: Answer, request_id: str, more: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The whole answer as HTTP/1.1, with the same headers as `respond` and `more`."""
    kind = _JSON[1] if answer.content_type is None else answer.content_type.encode()
    head = [_STATUS_LINES.get(answer.status) or b"HTTP/1.1 %d \r\n" % answer.status]
    for name, value in (*more, *answer.headers):
        head.append(b"%b: %b\r\n" % (name, value))
    return b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-line-request-id: %b\r\n\r\n%b" % (
        b"".join(head),
        kind,
        len(answer.body),
        request_id.encode(),
        answer.body,
    )


async def respond(send: Send, answer: Answer, request_id: str | None) -> None:
    """Sends the answer, with `x-line-request-id`."""
    kind = _JSON if answer.content_type is None else (b"content-type", answer.content_type.encode())
    headers = [kind, (b"content-length", b"%d" % len(answer.body))]
    if request_id is not None:
        headers.append((b"x-line-request-id", request_id.encode()))
    if answer.headers:
        headers.extend(answer.headers)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def hang_up(send: Send) -> None:
    """Breaks the connection without an answer. ASGI has no word for it, so this reaches for uvicorn's
    transport.
    """
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if cycle is None or transport is None:
        raise RuntimeError("this server gives no way to break a connection")
    # Else uvicorn would complain in its log that there was no answer.
    cycle.disconnected = True
    transport.abort()
