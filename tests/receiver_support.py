"""The business's own system: takes webhooks, and believes only what the public library verifies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook


class Receiver:
    """`statuses`: what it answers, the last one for ever; `headers`: with each answer. `got`: what was verified."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self.statuses: Iterator[int] = iter(())
        self.status = 204
        self.headers: dict[str, str] = {}
        self.on_request: Callable[[web.Request], Awaitable[None]] | None = None
        """Told of each request before it is verified."""
        self.got: list[tuple[str, dict[str, Any]]] = []
        """The webhook-id and the body of each request."""

    @property
    def ids(self) -> list[str]:
        return [webhook_id for webhook_id, _ in self.got]

    def types(self) -> list[str]:
        """What kind of events came, in order."""
        return [body["type"] for _, body in self.got]

    def alarms(self) -> list[tuple[str, str]]:
        """The alarms told, as (raised or cleared, kind)."""
        return [(b["type"].removeprefix("alarm."), b["data"]["kind"]) for _, b in self.got]

    def will_answer(self, *statuses: int) -> None:
        self.statuses, self.status = iter(statuses[:-1]), statuses[-1]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.on_request is not None:
            await self.on_request(request)
        Webhook(self.secret).verify(body, {k.lower(): v for k, v in request.headers.items()})
        self.got.append((request.headers["webhook-id"], json.loads(body)))
        return web.Response(status=next(self.statuses, self.status), headers=self.headers)


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """On a free loopback port. A request that the library does not verify is answered 500."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
