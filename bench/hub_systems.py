"""The business's systems in the hub's bench: one that is fine, one that is slow, one that is dead at first.

`python -m bench.hub_systems PORT`: `GET /ports` says where they are, `GET /up` brings the dead one up, `GET /counts`
and `GET /got/NAME` say what came: the numbers of the requests in their order, and when each came last.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import partial
from typing import cast

import httptools
import uvloop

from bench.hub_load import number_of
from bench.processes import free_port

SLOW_SECONDS = 0.3
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class System:
    """`wait`: seconds until it answers."""

    def __init__(self, port: int, wait: float = 0.0) -> None:
        self.port = port
        self.wait = wait
        self.got: list[int] = []
        self.first = self.last = 0.0

    def take(self, body: bytes) -> None:
        """A webhook came."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.got.append(number_of(body))


class Connection(asyncio.Protocol):
    """Of a system, or of whoever asks what came."""

    def __init__(self, systems: dict[str, System], mine: System | None) -> None:
        self._systems = systems
        self._mine = mine

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._url = b""

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """The path."""
        self._url = url

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """A request is there in whole."""
        body, self._body = b"".join(self._body), []
        if self._mine is None:
            self._tell(self._url.decode())
            return
        self._mine.take(body)
        if self._mine.wait:
            asyncio.get_running_loop().call_later(self._mine.wait, self._transport.write, _OK)
        else:
            self._transport.write(_OK)

    def _tell(self, path: str) -> None:
        said: object
        if path == "/up":
            asyncio.get_running_loop().create_task(listen(self._systems, self._systems["dead"]))
            said = {}
        elif path == "/ports":
            said = {k: x.port for k, x in self._systems.items()}
        elif path == "/counts":
            said = {k: len(x.got) for k, x in self._systems.items()}
        else:
            found = self._systems[path.rpartition("/")[2]]
            said = {"got": found.got, "seconds": found.last - found.first}
        answer = json.dumps(said).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))


async def listen(systems: dict[str, System], system: System) -> None:
    """Brings one up."""
    await asyncio.get_running_loop().create_server(
        partial(Connection, systems, system), "127.0.0.1", system.port, backlog=1024
    )


async def serve(port: int) -> None:
    """Serves until it is ended."""
    systems = {
        "fine": System(free_port()),
        "slow": System(free_port(), SLOW_SECONDS),
        "dead": System(free_port()),
    }
    await listen(systems, systems["fine"])
    await listen(systems, systems["slow"])
    server = await asyncio.get_running_loop().create_server(
        partial(Connection, systems, None), "127.0.0.1", port
    )
    print(f"systems listens on http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
