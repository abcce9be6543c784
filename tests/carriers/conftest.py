"""Small real servers on 127.0.0.1 that answer, hang, break and lie, for the carriers' tests."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from carriers.smsc import carrier, smsc  # noqa: F401
from todoke.carriers.over_http import make_session

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


class RawServer:
    """Reads whole requests and lets `behaviour` do what it likes with the connection."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> "RawServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                request = head + await reader.readexactly(length)
                self.requests.append(request)
                await self.behaviour(reader, writer, request)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def answering(status: int, body: bytes = b"{}", *headers: str, length: int | None = None) -> Behaviour:
    """Answers every request so. A `length` above the body's leaves the client waiting for the rest."""
    names = "".join(f"{header}\r\n" for header in headers)
    size = len(body) if length is None else length
    answer = f"HTTP/1.1 {status} X\r\n{names}Content-Length: {size}\r\n\r\n".encode() + body

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(answer)
        if length is not None:
            writer.close()

    return behave


def writing(answer: bytes) -> Behaviour:
    """Writes these bytes, whatever they are, and closes."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(answer)
        writer.close()

    return behave


async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Takes the request and never answers."""
    await asyncio.get_running_loop().create_future()


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Takes the request and closes the connection."""
    writer.close()


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Takes the request and resets the connection (RST)."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


StartServer = Callable[[Behaviour], Awaitable[RawServer]]


@pytest.fixture
async def serve() -> AsyncIterator[StartServer]:
    servers: list[RawServer] = []

    async def start(behaviour: Behaviour) -> RawServer:
        servers.append(await RawServer(behaviour).start())
        return servers[-1]

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session(4) as session:
        yield session


@pytest.fixture
async def hasty_http() -> AsyncIterator[aiohttp.ClientSession]:
    """For servers that never answer: the time-out comes soon, without anybody sleeping."""
    async with make_session(4, total=0.5, connect=0.3, sock_connect=0.2) as session:
        yield session


@pytest.fixture
def refusing_url() -> str:
    """A URL at which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


class NoNames(aiohttp.abc.AbstractResolver):
    """A name server that knows no name."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        raise OSError(None, "DNS lookup failed")

    async def close(self) -> None:
        pass


class Behaviours:
    """For tests: the behaviours by name, as a conftest can't be imported."""

    answering = staticmethod(answering)
    writing = staticmethod(writing)
    hanging = staticmethod(hanging)
    hanging_up = staticmethod(hanging_up)
    resetting = staticmethod(resetting)


@pytest.fixture
def does() -> type[Behaviours]:
    return Behaviours


@pytest.fixture
async def nameless_http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NoNames())) as session:
        yield session
