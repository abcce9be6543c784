"""A LINE emulator inside the test's event loop, a sink for webhooks, and the few calls that tests make all the time."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web

from line_emulator import wiring

TEMPLATE_PATH = "/v2/bot/message/pnp/templated/push"
FLEXIBLE_PATH = "/bot/pnp/push"
TEMPLATE = "shipment_completed_ja"
CONTROL = "/_emulator/v1"


def line_hash(phone: str) -> str:
    """What LINE takes as `to`."""
    return hashlib.sha256(phone.encode()).hexdigest()


class Reply:
    """An HTTP answer, read to its end."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"Reply({self.status}, {self.body!r})"


class RunningEmulator:
    """`url`: the base URL for SDK and gateway. `wired`: the objects behind it, for tests of the emulator itself."""

    def __init__(self, wired: wiring.Emulator, url: str, session: aiohttp.ClientSession) -> None:
        self.wired = wired
        self.url = url
        self.session = session
        self.channels: dict[str, dict[str, Any]] = {}

    @property
    def state(self) -> Any:
        return self.wired.state

    async def request(
        self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Any request; `data` that is no bytes goes as JSON."""
        headers = dict(headers or {})
        if data is not None and not isinstance(data, bytes):
            data = json.dumps(data).encode()
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        url = self.url + path
        async with self.session.request(method, url, data=data, headers=headers) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def control(self, method: str, path: str, data: Any = None, expect: int = 200) -> Any:
        """A call of the control API that must answer `expect`; returns the JSON."""
        reply = await self.request(method, CONTROL + path, data)
        assert reply.status == expect, reply
        return reply.json

    async def channel(self, **values: Any) -> dict[str, Any]:
        """A channel; by default a Japanese one that may use the published template."""
        values = {"name": "Shop", "region": "JP", "badge": "green", **values}
        made: dict[str, Any] = await self.control("POST", "/channels", values)
        self.channels[made["channel_id"]] = made
        return made

    async def user(self, phone: str, **values: Any) -> dict[str, Any]:
        """A user; by default one who agreed and is verified."""
        values = {"phone": phone, "reception": "agree", "verified": True, **values}
        made: dict[str, Any] = await self.control("POST", "/users", values)
        return made

    async def act(self, number: str, action: str, /, expect: int = 200, **values: Any) -> Any:
        """What the user does with the phone."""
        path = f"/users/{quote(number, safe='')}/actions"
        return await self.control("POST", path, {"action": action, **values}, expect)

    async def screen(self, phone: str) -> dict[str, Any]:
        """What the user sees."""
        found: dict[str, Any] = await self.control("GET", f"/users/{quote(phone, safe='')}/screen")
        return found

    async def pin(self, phone: str) -> str:
        """Asks for a PIN and reads it in the SMS inbox."""
        await self.act(phone, "request_pin")
        return str((await self.screen(phone))["sms"][-1]["pin"])

    async def clock(self, expect: int = 200, **values: Any) -> Any:
        """Moves the clock: advance="24h", set="…", mode="paused"."""
        return await self.control("POST", "/clock", values, expect)

    async def fault(self, target: str, kind: str, **values: Any) -> Any:
        """Orders a fault."""
        return await self.control("POST", "/faults", {"target": target, "kind": kind, **values})

    async def ledger(self) -> list[dict[str, Any]]:
        """All rows of the ledger."""
        rows: list[dict[str, Any]] = []
        path = "/ledger"
        while True:
            page = await self.control("GET", path)
            rows += page["rows"]
            if "next" not in page:
                return rows
            path = f"/ledger?cursor={page['next']}"

    async def send(
        self,
        channel: dict[str, Any],
        phone: str,
        tag: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """A template notification."""
        data = {"to": line_hash(phone), "templateKey": TEMPLATE, **(body or {})}
        return await self.request("POST", TEMPLATE_PATH, data, _headers(channel, tag) | (headers or {}))

    async def send_flexible(
        self, channel: dict[str, Any], phone: str, tag: str | None = None, body: Any = None
    ) -> Reply:
        """A flexible notification."""
        data = {"to": line_hash(phone), "messages": [{"type": "text", "text": "It is here"}], **(body or {})}
        return await self.request("POST", FLEXIBLE_PATH, data, _headers(channel, tag))

    async def get(self, channel: dict[str, Any], path: str) -> Reply:
        """A GET with the channel's token."""
        return await self.request("GET", path, headers=_headers(channel, None))


def _headers(channel: dict[str, Any], tag: str | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    return headers if tag is None else {**headers, "X-Line-Delivery-Tag": tag}


@asynccontextmanager
async def running_emulator(**options: Any) -> AsyncIterator[RunningEmulator]:
    """An emulator on a free loopback port, for as long as the block lasts. `options` go to `wiring.build`."""
    wired = wiring.build(**options)
    url = await wired.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        try:
            yield RunningEmulator(wired, url, session)
        finally:
            await wired.stop()


class Sink:
    """A small server that keeps what is posted to it. `status`: what it answers; `hold`: answers only when set."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.hold: asyncio.Event | None = None
        self.url = ""
        self._news = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        self._news.set()
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=self.status)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All webhook events received, in order."""
        return [event for _, body in self.requests for event in json.loads(body)["events"]]

    async def until(self, true: Callable[[], bool], seconds: float = 10) -> None:
        """Returns as soon as the condition holds; it is looked at whenever something arrives."""
        async with asyncio.timeout(seconds):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def got(self, count: int) -> list[dict[str, Any]]:
        """The events, when there are at least so many."""
        await self.until(lambda: len(self.events) >= count)
        return self.events


@asynccontextmanager
async def running_sink() -> AsyncIterator[Sink]:
    """A sink on a free loopback port."""
    sink = Sink()
    app = web.Application()
    app.router.add_post("/{path:.*}", sink.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield sink
    finally:
        if sink.hold is not None:
            sink.hold.set()
        await runner.cleanup()
