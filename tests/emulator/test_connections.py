"""Connections that send nothing, too slowly or too much: the emulator stays up, answers others, and keeps nothing."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from emulator_support import TEMPLATE, TEMPLATE_PATH, RunningEmulator, line_hash
from line_emulator import connections
from line_emulator.bot_api import http

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(emulator: RunningEmulator, first: bytes = b"") -> Stream:
    parts = urlsplit(emulator.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    if first:
        writer.write(first)
        await writer.drain()
    return reader, writer


@asynccontextmanager
async def crowd(emulator: RunningEmulator, count: int, first: bytes) -> AsyncIterator[list[Stream]]:
    """So many connections, each with the beginning of a request."""
    found: list[Stream] = []
    try:
        for _ in range(0, count, 500):
            found += await asyncio.gather(
                *(connect(emulator, first) for _ in range(min(500, count - len(found))))
            )
        yield found
    finally:
        for _, writer in found:
            writer.transport.abort()


def open_connections(emulator: RunningEmulator) -> set[Any]:
    return emulator.wired.connections


async def until(condition: Callable[[], bool]) -> None:
    """The other end of a connection is served by this same event loop: giving it turns is enough."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0)


async def until_seen(emulator: RunningEmulator, count: int) -> None:
    await until(lambda: len(open_connections(emulator)) >= count)


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def test_ten_thousand_slow_connections_hold_up_nobody_and_are_closed_in_the_end(
    emulator: RunningEmulator,
) -> None:
    count = 10_000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 2 * count + 500:
        count = (hard - 500) // 2
    await emulator.channel()
    before = resident_mb()
    head = b"POST /v2/bot/message/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Slow: "
    async with crowd(emulator, count, head):
        await until_seen(emulator, count)
        # Both ends of every connection live in this process.
        assert resident_mb() - before < 600
        assert (await emulator.request("GET", "/_emulator/v1/channels")).status == 200
        now = asyncio.get_running_loop().time()
        assert connections.sweep(open_connections(emulator), now) == 0
        assert connections.sweep(open_connections(emulator), now + connections.READ_SECONDS + 1) >= count
        await until(lambda: len(open_connections(emulator)) <= 10)


async def test_a_request_that_takes_too_long_is_answered_408(emulator: RunningEmulator) -> None:
    reader, writer = await connect(
        emulator, b"POST /v2/bot/message/push HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
    )
    await until(lambda: any(each.cycle is not None for each in open_connections(emulator)))
    late = asyncio.get_running_loop().time() + connections.READ_SECONDS + 1
    assert connections.sweep(open_connections(emulator), late) == 1
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive in time" in answer
    writer.close()


async def test_a_connection_that_says_nothing_is_closed(emulator: RunningEmulator) -> None:
    reader, writer = await connect(emulator)
    await until_seen(emulator, 1)
    late = asyncio.get_running_loop().time() + connections.READ_SECONDS + 1
    connections.sweep(open_connections(emulator), late)
    assert b" 408 " in await reader.read()
    writer.close()


async def test_a_connection_that_waits_between_requests_is_not_called_slow(emulator: RunningEmulator) -> None:
    reader, writer = await connect(emulator, b"GET /_emulator/v1/clock HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    late = asyncio.get_running_loop().time() + connections.READ_SECONDS + 1
    assert connections.sweep(open_connections(emulator), late) == 0
    writer.close()


async def test_a_connection_that_was_answered_the_short_way_is_closed_when_idle(
    emulator: RunningEmulator,
) -> None:
    request = f"POST {TEMPLATE_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    reader, writer = await connect(emulator, request)
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 401")
    now = asyncio.get_running_loop().time()
    connections.sweep(open_connections(emulator), now + 4)
    writer.write(request)
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 401")
    connections.sweep(open_connections(emulator), asyncio.get_running_loop().time() + 6)
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("size", [10, 1_000, 60_000, 70_000, 200_000, 1_000_000])
async def test_headers_of_every_length_get_an_answer(emulator: RunningEmulator, size: int) -> None:
    channel = await emulator.channel()
    request = (
        f"GET /v2/bot/info HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {channel['access_token']}\r\n"
        f"X-Line-Delivery-Tag: {'a' * size}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await connect(emulator)
    writer.write(request.encode())
    answer = await reader.readline()
    assert answer.split(b" ")[1] == (b"200" if size <= 60_000 else b"431")
    writer.transport.abort()


async def test_a_head_without_end_is_refused(emulator: RunningEmulator) -> None:
    reader, writer = await connect(emulator, b"GET / HTTP/1.1\r\n")
    for number in range(100):
        writer.write(b"X-%d: %s\r\n" % (number, b"a" * 4000))
    assert (await reader.readline()).startswith(b"HTTP/1.1 431")
    writer.transport.abort()


@pytest.mark.parametrize("value", [b"\xff\xfe", b"\x80" * 40, b"a\tb", "配送".encode(), b""])
async def test_headers_of_any_bytes_get_an_answer_that_is_no_500(
    emulator: RunningEmulator, value: bytes
) -> None:
    channel = await emulator.channel()
    for name in (
        b"X-Line-Delivery-Tag",
        b"X-Line-Retry-Key",
        b"Content-Type",
        b"Authorization",
        b"Content-Length",
    ):
        head = b"POST /bot/pnp/push HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        if name != b"Authorization":
            head += b"Authorization: Bearer %s\r\n" % channel["access_token"].encode()
        if name != b"Content-Type":
            head += b"Content-Type: application/json\r\n"
        if name != b"Content-Length":
            head += b"Content-Length: 2\r\n"
        reader, writer = await connect(emulator, head + name + b": " + value + b"\r\n\r\n{}")
        status = int((await reader.readline()).split(b" ")[1])
        assert 400 <= status < 500, name
        writer.transport.abort()


async def test_what_is_no_http_is_refused_in_json(emulator: RunningEmulator) -> None:
    reader, writer = await connect(emulator, b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'{"message":' in answer
    writer.close()


async def test_half_read_bodies_fill_only_so_much_memory_together(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HELD_LIMIT", 1_000_000)
    channel = await emulator.channel()
    head = (
        f"POST /bot/pnp/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {channel['access_token']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1500000\r\n\r\n"
    ).encode()
    async with crowd(emulator, 2, head + b" " * 900_000) as slow:
        reading = [asyncio.create_task(reader.readline()) for reader, _ in slow]
        done, waiting = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert [(await task).split(b" ")[1] for task in done] == [b"413"]
        for task in waiting:
            task.cancel()
    assert (await emulator.send(channel, "+818000001234", "tag-0000000000001")).status == 422


async def test_the_short_way_of_busy_paths_answers_as_the_usual_way(emulator: RunningEmulator) -> None:
    """A body of announced length is answered where it is read, one in chunks by way of a task: nobody can tell."""
    channel = await emulator.channel()
    await emulator.user("+818000001234")
    good = json.dumps({"to": line_hash("+818000001234"), "templateKey": TEMPLATE}).encode()
    for token in (channel["access_token"], "wrong"):
        for body in (good, b"{", b"", b"[]", b"\xff"):
            answers = []
            for framing in (
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
                b"Transfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n"
                % (b"%x\r\n%b\r\n" % (len(body), body) if body else b""),
            ):
                head = (
                    f"POST {TEMPLATE_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                    "Content-Type: application/json\r\nConnection: close\r\n"
                ).encode()
                reader, writer = await connect(emulator, head + framing)
                answers.append(plain(await reader.read()))
                writer.close()
            assert answers[0] == answers[1]


def plain(answer: bytes) -> tuple[bytes, set[bytes], bytes]:
    """Status, headers and body, without what differs from request to request."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    return status, {line for line in headers if not line.startswith((b"date:", b"x-line-request-id:"))}, body


async def test_requests_in_a_row_on_one_connection_are_answered_in_their_order(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    short = (
        f"POST {TEMPLATE_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {channel['access_token']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n{"
    )
    usual = f"GET /v2/bot/info HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {channel['access_token']}\r\n\r\n"
    last = usual.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    reader, writer = await connect(emulator, (short + usual + short + short + last).encode())
    answers = await reader.read()
    statuses = [part.split(b" ", 1)[0] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"400", b"200", b"400", b"400", b"200"]
    writer.close()


async def test_a_fault_on_order_reaches_the_busy_paths_too(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user("+818000001234")
    await emulator.fault("api", "status_before", status=503, next=1)
    assert [(await emulator.send(channel, "+818000001234")).status for _ in range(2)] == [503, 202]


async def test_who_speaks_https_is_told_of_in_the_log_and_hung_up_on(
    emulator: RunningEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await connect(emulator, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert await reader.read() == b""
    assert "speaks https to this port" in caplog.text
    writer.close()
