"""A webhook receiver that costs next to nothing, so that the sender is what is measured.

`python -m bench.sink PORT`: answers 200 to everything; `GET /` says how many requests and events came.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

import httptools
import uvloop


class Counts:
    """What has come so far."""

    requests = 0
    events = 0


class Sink(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A sender came."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._body += body

    def on_message_complete(self) -> None:
        """A request is there in whole."""
        body, self._body = self._body, b""
        if self._parser.get_method() == b"GET":
            answer = json.dumps({"requests": Counts.requests, "events": Counts.events}).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
            return
        Counts.requests += 1
        Counts.events += body.count(b'"webhookEventId"')
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


async def serve(port: int) -> None:
    """Serves until it is ended."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    print(f"sink listens on http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
