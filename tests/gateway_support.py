"""A gateway inside the test's event loop, joined to an emulator and its clock, and the calls that tests make."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from emulator_support import RunningEmulator
from migrated import put_database
from todoke.server.connections import Connection
from todoke.settings import load
from todoke.wiring import Gateway, first_key, open_base

PARCEL: dict[str, Any] = {
    "name": "parcel",
    "use_case": "delivery",
    "parameters": {"name": {"type": "text", "example": "王小明", "max": 20}},
    "flexible": [{"type": "text", "text": "{{name}} 您好,您的包裹已於 8 月 7 日送達門市。"}],
    "sms": "{{name}} 您好,您的包裹已於 8 月 7 日送達門市。若已取件請忽略。",
}


class RunningGateway:
    """`url`: where it listens. `call` answers status and JSON."""

    def __init__(
        self, url: str, key: str, session: aiohttp.ClientSession, emulator: RunningEmulator, folder: Path
    ) -> None:
        self.url = url
        self.key = key
        self.session = session
        self.emulator = emulator
        self.folder = folder
        self.app: Any = None
        """The web half, for tests of what stands behind its pages."""
        self.server: Any = None
        """What serves it."""

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> tuple[int, Any]:
        """One request with the API key; the answer's JSON, or its text where it is none."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        async with self.session.request(
            method, self.url + path, json=body, headers=sent, params=query
        ) as answer:
            if "json" in answer.content_type:
                return answer.status, await answer.json()
            return answer.status, await answer.text()

    async def ok(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The same where anything but success is a failed test."""
        status, answer = await self.call(method, path, body, **query)
        assert status < 400, (status, answer)
        return answer

    async def channel(self, name: str = "Parcels", region: str = "TW", **emulated: Any) -> dict[str, Any]:
        """A channel on both sides, its webhook pointing here. The emulator's answer."""
        values = {
            "name": name,
            "region": region,
            "badge": "green",
            "certified": True,
            "webhook_url": f"{self.url}/line/{{channel_id}}/webhook",
            **emulated,
        }
        made: dict[str, Any] = await self.emulator.control("POST", "/channels", values)
        body = {
            "name": name,
            "region": region,
            "line_channel_id": made["channel_id"],
            "secret": made["channel_secret"],
            "access_token": made["access_token"],
        }
        await self.ok("POST", "/v1/channels", body)
        await self.greets(False, name)
        return made

    async def greets(self, greets: bool = True, channel: str = "Parcels") -> None:
        """Whether a channel greets who adds it. Those of tests do not, unless greeting is what they are about."""
        await self.ok("PUT", f"/v1/channels/{channel}/binding", {"greets": greets})

    async def template(self, channel: str = "Parcels", **changes: Any) -> Any:
        """The parcel template, or one that differs from it; a value of None leaves a field out."""
        spec = {**PARCEL, "channel": channel, **changes}
        return await self.ok("POST", "/v1/templates", {k: v for k, v in spec.items() if v is not None})

    async def send(self, to: str, policy: Any = None, **more: Any) -> str:
        """A notice about a parcel; its id."""
        body = {"channel": "Parcels", "template": "parcel", "to": to, "parameters": {"name": "小明"}, **more}
        if policy is not None:
            body["policy"] = policy
        answer = await self.ok("POST", "/v1/notices", body)
        return str(answer["id"])

    async def notice(self, notice_id: str) -> Any:
        return await self.ok("GET", f"/v1/notices/{notice_id}")

    async def settle(self) -> None:
        """Everything that is due now is done when this returns."""
        await self.advance("1s")

    async def advance(self, duration: str) -> None:
        """Lets virtual time pass, on both sides."""
        await self.emulator.control("POST", "/clock", {"advance": duration})

    async def upload(self, content: bytes, **fields: str) -> tuple[int, Any]:
        """POST /v1/batches with a file."""
        form = aiohttp.FormData({"channel": "Parcels", "template": "parcel", **fields})
        form.add_field("file", content, filename="list.csv", content_type="text/csv")
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.session.post(f"{self.url}/v1/batches", data=form, headers=headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def running_gateway(
    emulator: RunningEmulator, folder: Path, *, paused: bool = True, port: int = 0, **settings: str
) -> AsyncIterator[RunningGateway]:
    """A gateway with its data in `folder`, on the emulator's clock, which stands still unless told otherwise.

    `port`: 0 for a free one; the same again for one that is started anew.
    """
    if paused:
        await emulator.control("POST", "/clock", {"mode": "paused"})
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    port = sock.getsockname()[1]
    environment = {
        "TODOKE_DATA_DIR": str(folder),
        "TODOKE_LINE_API_BASE": emulator.url,
        "TODOKE_CLOCK": emulator.url,
        "TODOKE_PORT": str(port),
        **{f"TODOKE_{k.upper()}": v for k, v in settings.items()},
    }
    await put_database(folder / "todoke.db")
    base = await open_base(load(environment))
    await first_key(base)
    gateway = Gateway(base)
    await gateway.start()
    config = uvicorn.Config(
        gateway.app,
        log_level="critical",
        access_log=False,
        lifespan="off",
        http=Connection,
        timeout_keep_alive=75,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        async with aiohttp.ClientSession() as session:
            key = (folder / "api.key").read_text().strip()
            running = RunningGateway(f"http://127.0.0.1:{port}", key, session, emulator, folder)
            running.app, running.server = gateway.app, server
            yield running
    finally:
        server.should_exit = True
        await serving
        await gateway.stop()
