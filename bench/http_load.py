"""A lean load generator: kept-alive HTTP/1.1 connections, requests as ready bytes, answers taken at their length.

`closed`: so many clients, each sends the next request when it has its answer. `planned`: requests leave at given
moments whatever the answers do, and are timed from those moments, so that a slow server can't hide behind a generator
that waits for it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

WARM_SECONDS = 1.0
_LENGTH = b"content-length:"


@dataclass
class Answers:
    """`took`: seconds, in order of the answers. `bodies`: of those that were taken, each with when it came by
    the system's clock, if wanted.
    """

    took: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bodies: list[tuple[bytes, float]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers."""
        return len(self.took) / self.seconds

    def ms(self, share: float) -> float:
        """The percentile, in ms."""
        return percentile(self.took, share) * 1000

    def refused(self) -> int:
        """Answers that were not 2xx."""
        return sum(n for status, n in self.statuses.items() if not 200 <= status < 300)


def percentile(values: Sequence[float], share: float) -> float:
    """Of unsorted values, by the nearest rank."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def request(url: str, body: bytes, *headers: str) -> bytes:
    """The bytes of a POST of JSON."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Wire(asyncio.Protocol):
    """One connection with one request out at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._got = b""
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """It broke: what is out is answered by status 0."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((0, b""))

    def data_received(self, data: bytes) -> None:
        """A part of an answer, mostly all of it."""
        self._got = self._got + data if self._got else data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._got[:end].lower()
        at = head.find(_LENGTH) + len(_LENGTH)
        length = int(head[at:].partition(b"\r")[0]) if at >= len(_LENGTH) else 0
        if len(self._got) < end + 4 + length:
            return
        body, self._got = self._got[end + 4 :], b""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((int(head[9:12]), body))

    async def ask(self, wire: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if self._transport.is_closing():
            return 0, b""
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(wire)
        return await self._waiter

    def close(self) -> None:
        """Ends it."""
        self._transport.close()


async def _wires(url: str, count: int) -> list[Wire]:
    parts, loop = urlsplit(url), asyncio.get_running_loop()
    host, port = parts.hostname or "", parts.port or 80
    return [(await loop.create_connection(Wire, host, port))[1] for _ in range(count)]


async def _closed(url: str, wires: Iterator[bytes], clients: int, seconds: float) -> Answers:
    answers = Answers()
    connections = await _wires(url, clients)
    begun = time.perf_counter() + WARM_SECONDS

    async def client(wire: Wire) -> None:
        while (left := time.perf_counter()) - begun < seconds and (asked := next(wires, None)) is not None:
            status, _ = await wire.ask(asked)
            answers.statuses[status] += 1
            if left >= begun:
                answers.took.append(time.perf_counter() - left)
            if not status:
                return

    await asyncio.gather(*map(client, connections))
    answers.seconds = time.perf_counter() - begun
    for wire in connections:
        wire.close()
    return answers


async def _planned(url: str, jobs: Iterator[tuple[float, bytes]], connections: int, bodies: bool) -> Answers:
    answers = Answers()
    wires = await _wires(url, connections)
    begun = time.perf_counter() + 0.2

    async def client(wire: Wire) -> None:
        for at, asked in jobs:
            due = begun + at
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            status, body = await wire.ask(asked)
            answers.took.append(time.perf_counter() - due)
            answers.statuses[status] += 1
            if bodies and 200 <= status < 300:
                answers.bodies.append((body, time.time()))
            if not status:
                return

    await asyncio.gather(*map(client, wires))
    answers.seconds = time.perf_counter() - begun
    for wire in wires:
        wire.close()
    return answers


def _run(job: Coroutine[Any, Any, Answers]) -> Answers:
    gc.collect()
    gc.disable()
    try:
        return uvloop.run(job)
    finally:
        gc.enable()


def closed(url: str, wires: Iterable[bytes], clients: int, seconds: float) -> Answers:
    """`clients` at a time for so many seconds, after a time in which answers are counted but not timed."""
    return _run(_closed(url, iter(wires), clients, seconds))


def planned(
    url: str, jobs: Iterable[tuple[float, bytes]], connections: int = 128, *, bodies: bool = False
) -> Answers:
    """Each request at its moment, in seconds from the start and rising."""
    return _run(_planned(url, iter(jobs), connections, bodies))
