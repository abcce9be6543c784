"""A bare LINE: takes every notification at once and posts signed delivery events, ten a request.

`python -m bench.line_stub PORT`. What a sender can reach against it is the sender's own: no users, no rules, no
storage. `POST /_stub/channels` with `[{"token", "secret", "destination", "webhook_url"}]` makes channels;
`GET /_stub/counts` tells what came. Every channel's requests are held against LINE's rate: a token bucket of RATE a
second that holds BURST. One that is over it is counted, and answered 429 where the channel says `"strict": true`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import sys
import time
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop

PATHS = (b"/bot/pnp/push", b"/v2/bot/message/pnp/templated/push")
RATE = 2000.0
BURST = 2000.0
EVENTS = 10
"""Of one webhook request."""
LINGER_SECONDS = 0.02
"""How long an event waits for others to share its request."""
CONNECTIONS = 8
"""To one webhook: posts that are out at the same time."""
ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
    b"X-Line-Request-Id: %b\r\nContent-Length: 2\r\n\r\n{}"
)
THROTTLED = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n"
    b'{"message":"The API rate limit is exceeded"}'
)
NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n"
    b'{"message":"Not found"}'
)


class Channel(msgspec.Struct):
    """One channel: what makes its webhooks, and what came of it."""

    token: str
    secret: str
    destination: str
    webhook_url: str
    strict: bool = False
    taken: int = 0
    over: int = 0
    """Requests beyond LINE's rate."""
    posted: int = 0
    """Delivery events that the webhook answered 2xx."""
    refused: int = 0
    """Webhook requests that it answered otherwise, or not at all."""
    first_at: float = 0.0
    last_at: float = 0.0
    tokens: float = BURST
    filled_at: float = 0.0

    def room(self, now: float) -> bool:
        """Whether LINE's bucket has room for one more request."""
        self.tokens = min(BURST, self.tokens + (now - self.filled_at) * RATE)
        self.filled_at = now
        if self.tokens < 1:
            self.over += 1
            return False
        self.tokens -= 1
        return True


class Stub:
    """All channels, by token, and the posting of their events."""

    def __init__(self) -> None:
        self.channels: dict[bytes, Channel] = {}
        self.waiting: dict[bytes, asyncio.Queue[bytes]] = {}
        self.arrivals: dict[str, float] = {}
        """Delivery tag → when its request came, by the system's clock, where `stamps` is set."""
        self.stamps = False
        self.count = 0
        self._posters: list[asyncio.Task[None]] = []

    def add(self, found: list[dict[str, Any]]) -> None:
        """Makes channels."""
        for values in found:
            channel = msgspec.convert(values, Channel)
            key = channel.token.encode()
            self.channels[key] = channel
            self.waiting[key] = asyncio.Queue()
            self._posters += [
                asyncio.create_task(self._post_all(channel, self.waiting[key])) for _ in range(CONNECTIONS)
            ]

    def answer(self, token: bytes, tag: bytes) -> bytes:
        """The answer to one request."""
        channel = self.channels.get(token)
        if channel is None:
            return NOT_FOUND
        now = time.monotonic()
        if not channel.room(now) and channel.strict:
            return THROTTLED
        channel.first_at = channel.first_at or now
        channel.last_at = now
        channel.taken += 1
        self.count += 1
        if self.stamps:
            self.arrivals[tag.decode()] = time.time()
        self.waiting[token].put_nowait(tag)
        return ACCEPTED % b"stub-%d" % self.count

    async def _post_all(self, channel: Channel, queue: asyncio.Queue[bytes]) -> None:
        poster = Poster(channel.webhook_url)
        while True:
            tags = [await queue.get()]
            if queue.qsize() < EVENTS - 1:
                await asyncio.sleep(LINGER_SECONDS)
            while len(tags) < EVENTS and not queue.empty():
                tags.append(queue.get_nowait())
            body = self._body(channel, tags)
            digest = hmac.new(channel.secret.encode(), body, hashlib.sha256).digest()
            if await poster.post(body, base64.b64encode(digest)):
                channel.posted += len(tags)
            else:
                channel.refused += 1
                for tag in tags:
                    queue.put_nowait(tag)
                await asyncio.sleep(0.5)

    def _body(self, channel: Channel, tags: list[bytes]) -> bytes:
        now = int(time.time() * 1000)
        events = b",".join(
            b'{"type":"delivery","webhookEventId":"STUB%b","timestamp":%d,"mode":"active",'
            b'"deliveryContext":{"isRedelivery":false},"source":{"type":"user","userId":"U0123456789abcdef0123456789abcdef"},'
            b'"delivery":{"data":"%b"}}' % (tag, now, tag)
            for tag in tags
        )
        return b'{"destination":"%b","events":[%b]}' % (channel.destination.encode(), events)

    def counts(self) -> list[dict[str, Any]]:
        """What came, by channel."""
        return [
            {k: v for k, v in msgspec.structs.asdict(x).items() if k not in ("token", "secret", "tokens")}
            for x in self.channels.values()
        ]


class Poster(asyncio.Protocol):
    """One kept-alive connection to a webhook."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path.encode()
        self._netloc = parts.netloc.encode()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It broke, or was closed."""
        self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(0)

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """The answer is there in whole."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._parser.get_status_code())
        self._parser = httptools.HttpResponseParser(self)

    async def post(self, body: bytes, signature: bytes) -> bool:
        """Whether it was answered 2xx."""
        try:
            if self._transport is None:
                await asyncio.get_running_loop().create_connection(lambda: self, self._host, self._port)
        except OSError:
            return False
        self._waiter = asyncio.get_running_loop().create_future()
        cast(asyncio.Transport, self._transport).write(
            b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nx-line-signature: %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (self._path, self._netloc, signature, len(body), body)
        )
        return 200 <= await self._waiter < 300


class Connection(asyncio.Protocol):
    """One connection of a sender."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A sender came."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._begin()

    def _begin(self) -> None:
        self._url = self._token = self._tag = b""
        self._body: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """The path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Only two headers count."""
        if len(name) == 13 and name.lower() == b"authorization":
            self._token = value[7:]
        elif len(name) == 19 and name.lower() == b"x-line-delivery-tag":
            self._tag = value

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """A request is there in whole."""
        if self._url in PATHS:
            self._transport.write(self._stub.answer(self._token, self._tag))
        else:
            self._transport.write(self._control(b"".join(self._body)))
        self._begin()

    def _control(self, body: bytes) -> bytes:
        answer: Any
        if self._url == b"/_stub/channels":
            self._stub.add(msgspec.json.decode(body))
            answer = {}
        elif self._url == b"/_stub/stamps":
            self._stub.stamps = True
            answer = self._stub.arrivals
        elif self._url == b"/_stub/counts":
            answer = self._stub.counts()
        else:
            return NOT_FOUND
        text = msgspec.json.encode(answer)
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(text),
            text,
        )


async def serve(port: int) -> None:
    """Serves until it is ended."""
    stub = Stub()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(stub), "127.0.0.1", port)
    print(f"stub listens on http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
