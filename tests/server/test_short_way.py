"""Past ASGI: whatever is on the wire, the answers of the usual way, in order, and none before it is durable."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest

from gateway_support import RunningGateway
from todoke.carriers.line.events import sign
from todoke.clock import monotonic
from todoke.server.connections import MOST_HEAD_BYTES
from todoke.server.inbox_writer import InboxWriter
from todoke.storage import sqlite
from todoke.storage.inbox import Posted

HOST = b"Host: gateway.example\r\n"


class Wire:
    """A connection whose bytes the test writes itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer; status 0 where the connection ends before it."""
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, {}, b""
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        status = int(head[0].split()[1])
        if status == 100:
            return await self.answer()
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        assert headers.pop("date", None) or status == 400
        return status, headers, body


@asynccontextmanager
async def connected(gateway: RunningGateway) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def line(gateway: RunningGateway) -> Any:
    (channel,) = gateway.emulator.state.world.channels.values()
    return channel


def event(name: str) -> bytes:
    found = {"type": "message", "webhookEventId": name, "timestamp": 1, "source": {"userId": "U" + "1" * 32}}
    return json.dumps({"destination": "U1", "events": [found]}).encode()


def request(path: str, body: bytes, *headers: str, method: str = "POST", version: str = "1.1") -> bytes:
    """One with its length, unless a header says otherwise."""
    lines = [f"{method} {path} HTTP/{version}", *headers]
    if not any(x.lower().startswith(("content-length", "transfer-encoding")) for x in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n" + HOST + b"\r\n" + body


def stored(gateway: RunningGateway) -> list[tuple[str, bytes]]:
    """Headers and bodies in the inbox, in order."""
    path = f"file:{gateway.folder}/todoke.db?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as db:
        return db.execute("SELECT headers, body FROM inbox ORDER BY id").fetchall()


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(x), x) for x in [*parts, b""])


def cases(gateway: RunningGateway, target: str) -> dict[str, tuple[int, bytes]]:
    """By what is special about it: the status of the answer, and the request."""
    channel, body = line(gateway), event("E1")
    path, good = f"/line/{channel.channel_id}/webhook", f"x-line-signature: {sign(body, channel.secret)}"
    bad = f"x-line-signature: {sign(body, 'another')}"
    large = b'{"events": [' + b" " * 150_000 + b"]}"
    sent = "Transfer-Encoding: chunked"
    return {
        "usual": (200, request(path, body, good)),
        "header in capitals": (
            200,
            request(path, body, good.replace("x-line-signature", "X-LINE-SIGNATURE")),
        ),
        "spaces around the signature": (200, request(path, body, good.replace(": ", ":   ") + "  ")),
        "further headers": (200, request(path, body, good, "X-Forwarded-For: 1.2.3.4", "Cookie: \xe9=1")),
        "closed after it": (200, request(path, body, good, "Connection: close")),
        "HTTP 1.0": (200, request(path, body, good, version="1.0")),
        "two signatures, the first right": (200, request(path, body, good, bad)),
        "two signatures, the first wrong": (401, request(path, body, bad, good)),
        "no signature": (401, request(path, body)),
        "another body": (401, request(path, body[:-1] + b" ", good)),
        "not text": (401, request(path, body, "x-line-signature: \xff\xfe")),
        "empty body": (401, request(path, b"", good)),
        "expected to go on": (200, request(path, body, good, "Expect: 100-continue")),
        "in chunks": (200, request(path, chunked(body[:9], body[9:]), good, sent)),
        "large": (200, request(path, large, f"x-line-signature: {sign(large, channel.secret)}")),
        "announced too large": (
            413,
            request(path, b"", good, "Content-Length: 2000001", "Connection: close"),
        ),
        "length of letters": (400, request(path, body, good, "Content-Length: ten")),
        "two lengths": (400, request(path, body, good, "Content-Length: 10", f"Content-Length: {len(body)}")),
        "length and chunks": (400, request(path, chunked(body), good, "Content-Length: 5", sent)),
        "a header in the header": (400, request(path, body, good + "\rInjected: 1")),
        "our own target": (508, request(path, body, good, f"Todoke-Target: {target}")),
        "another's target": (200, request(path, body, good, "todoke-target: x\t")),
        "unknown channel": (404, request("/line/1/webhook", body, good)),
        "channel with an escape": (404, request("/line/%31%00/webhook", body, good)),
        "an escaped path": (200, request(path.replace("webhook", "%77ebhook"), body, good)),
        "with a query": (200, request(path + "?a=1", body, good)),
        "with a slash": (307, request(path + "/", body, good)),
        "by GET": (405, request(path, b"", good, method="GET")),
        "by PUT": (405, request(path, body, good, method="PUT")),
    }


async def answers(gateway: RunningGateway, asked: dict[str, tuple[int, bytes]]) -> dict[str, Any]:
    got = {}
    for name, (_, sent) in asked.items():
        async with connected(gateway) as wire:
            wire.writer.write(sent)
            got[name] = await wire.answer()
    return got


async def test_the_short_way_answers_and_stores_as_the_usual_way_does_whatever_is_on_the_wire(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = {"channel": "Parcels", "name": "bot", "url": "https://bot.example.com/line"}
    ours = (await gateway.ok("POST", "/v1/hub-targets", target))["id"]
    asked = cases(gateway, ours)
    await answers(gateway, {"first": asked["usual"]})  # From now on the channel is known.
    before = len(stored(gateway))
    taken: list[bytes] = []
    put = InboxWriter.put

    def noted(self: InboxWriter, posted: Posted) -> asyncio.Future[None]:
        taken.append(posted.body)
        return put(self, posted)

    monkeypatch.setattr(InboxWriter, "put", noted)
    door = gateway.app.door
    quickly: list[bytes] = []

    def counted(url: bytes, headers: Any) -> Any:
        entry = door(url, headers)
        if entry is not None:
            quickly.append(url)
        return entry

    gateway.app.door = counted
    short = await answers(gateway, asked)
    between = len(stored(gateway))
    assert len(quickly) >= 10  # Else this compares the usual way with itself.
    gateway.app.door = None
    usual = await answers(gateway, asked)
    assert len(quickly) < len(asked)
    assert {name: x[0] for name, x in short.items()} == {name: x[0] for name, x in asked.items()}
    assert short == usual
    rows = stored(gateway)
    assert rows[before:between] == rows[between:]
    assert len(rows[between:]) == sum(status == 200 for status, _ in asked.values()) == len(taken) / 2


async def test_requests_in_one_stream_are_answered_in_their_order_however_the_bytes_come(
    gateway: RunningGateway,
) -> None:
    channel = line(gateway)
    path = f"/line/{channel.channel_id}/webhook"
    sent = []
    for i in range(6):
        body = event(f"E{i}")
        secret = "another" if i == 2 else channel.secret
        sent.append(request(path, body, f"x-line-signature: {sign(body, secret)}"))
    sent.insert(4, request("/healthz", b"", method="GET"))
    expected = [200, 200, 401, 200, 200, 200, 200]
    for size in (10_000_000, 7):
        async with connected(gateway) as wire:
            stream = b"".join(sent)
            for at in range(0, len(stream), size):
                wire.writer.write(stream[at : at + size])
                await wire.writer.drain()
                await asyncio.sleep(0)
            got = [await wire.answer() for _ in sent]
            assert [status for status, _, _ in got] == expected
            assert (json.loads(got[2][2])["type"], got[4][2]) == ("bad-signature", b'{"status":"ok"}')
    assert [body for _, body in stored(gateway)] == [event(f"E{i}") for i in (0, 1, 3, 4, 5)] * 2


async def test_nothing_is_answered_before_it_is_durable_and_who_has_gone_meanwhile_disturbs_nobody(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    channel = line(gateway)
    path = f"/line/{channel.channel_id}/webhook"
    may_commit, waiting = asyncio.Event(), asyncio.Event()
    commit = sqlite.Kept.commit

    async def slow(self: sqlite.Kept) -> None:
        waiting.set()
        await may_commit.wait()
        await commit(self)

    async def failing(self: sqlite.Kept) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    def signed(name: str) -> bytes:
        return request(path, event(name), f"x-line-signature: {sign(event(name), channel.secret)}")

    async with connected(gateway) as stays, connected(gateway) as goes:
        stays.writer.write(signed("E0"))
        assert (await stays.answer())[0] == 200
        monkeypatch.setattr(sqlite.Kept, "commit", slow)
        stays.writer.write(signed("E1"))
        goes.writer.write(signed("E2"))
        answer = asyncio.create_task(stays.answer())
        await waiting.wait()
        goes.writer.transport.abort()
        await asyncio.sleep(0.05)
        assert not answer.done()
        assert [body for _, body in stored(gateway)] == [event("E0")]
        may_commit.set()
        assert (await answer)[0] == 200
        assert event("E1") in [body for _, body in stored(gateway)]
        # One whose body never comes in whole leaves nothing.
        async with connected(gateway) as half:
            half.writer.write(signed("E3")[:-5])
            await half.writer.drain()
        monkeypatch.setattr(sqlite.Kept, "commit", failing)
        stays.writer.write(signed("E4"))
        status, _, body = await stays.answer()
        assert (status, json.loads(body)["type"]) == (503, "storage")
        monkeypatch.setattr(sqlite.Kept, "commit", commit)
        stays.writer.write(signed("E5"))
        assert (await stays.answer())[0] == 200
    bodies = [body for _, body in stored(gateway)]
    assert (bodies[0], bodies[-1]) == (event("E0"), event("E5"))
    assert set(bodies) - {event("E2")} == {event(x) for x in ("E0", "E1", "E5")}
    assert {x["event"] for x in logged if x["log_level"] == "error"} <= {"server.error", "engine.error"}
    logged[:] = [x for x in logged if x["log_level"] != "error"]


async def test_who_stops_the_server_waits_for_what_is_on_the_short_way(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = line(gateway)
    body = event("E1")
    sent = request(
        f"/line/{channel.channel_id}/webhook", body, f"x-line-signature: {sign(body, channel.secret)}"
    )
    may_commit, waiting = asyncio.Event(), asyncio.Event()
    commit = sqlite.Kept.commit

    async def slow(self: sqlite.Kept) -> None:
        waiting.set()
        await may_commit.wait()
        await commit(self)

    async with connected(gateway) as wire:
        wire.writer.write(sent)
        assert (await wire.answer())[0] == 200
        monkeypatch.setattr(sqlite.Kept, "commit", slow)
        wire.writer.write(sent)
        await waiting.wait()
        gateway.server.should_exit = True
        await asyncio.sleep(0.2)  # It looks ten times a second.
        may_commit.set()
        status, headers, _ = await wire.answer()
        assert (status, headers.get("connection")) == (200, "close")
        assert (await wire.answer())[0] == 0
    assert len(stored(gateway)) == 2


async def test_a_body_that_comes_late_is_not_taken_by_a_secret_that_may_have_been_replaced_meanwhile(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, body = line(gateway), event("E1")
    path, signature = f"/line/{channel.channel_id}/webhook", sign(body, channel.secret)
    async with connected(gateway) as wire:
        wire.writer.write(request(path, body, f"x-line-signature: {signature}"))
        assert (await wire.answer())[0] == 200
    door = gateway.app.door
    assert door is not None
    length = b"%d" % len(body)
    entry = door(path.encode(), [(b"content-length", length), (b"x-line-signature", signature.encode())])
    assert entry is not None
    monkeypatch.setattr("todoke.server.inbound.quick.monotonic", lambda: monotonic() + 60)
    assert entry.ask(body) is None
    assert len(stored(gateway)) == 1


async def test_headers_without_end_are_refused_and_large_streams_of_requests_are_not(
    gateway: RunningGateway,
) -> None:
    endless = [b"X-A: ", *[b"a" * 100_000] * 6], [b"X-A: aaaa\r\n" * 10_000] * 6
    for pieces in endless:
        async with connected(gateway) as wire:
            wire.writer.write(b"POST /v1/notices HTTP/1.1\r\n" + HOST)
            for piece in pieces:
                wire.writer.write(piece)
            assert (await wire.answer())[0] == 400
    async with connected(gateway) as wire:
        large = request("/v1/nothing", b" " * (MOST_HEAD_BYTES + 7))
        wire.writer.write(large * 2 + request("/healthz", b"", method="GET"))
        assert [(await wire.answer())[0] for _ in range(3)] == [404, 404, 200]
