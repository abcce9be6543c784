"""What stories about routing share: one start, times as people say them, an SMS carrier that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway

START = datetime(2030, 3, 1, 13, 30, tzinfo=UTC)
"""Half past nine in the evening in Taiwan, half past eight in Thailand, half past ten in Japan."""
PHONE = "+886912345678"
OFFSET = {"TW": 8, "TH": 7, "JP": 9}
LINE_PATH = "/bot/pnp/push"


@asynccontextmanager
async def opened(
    line: RunningEmulator, folder: Path, start: datetime = START, **settings: str
) -> AsyncIterator[RunningGateway]:
    """A gateway with a channel and a template, its clock standing at `start`."""
    await line.clock(mode="paused", set=start.isoformat())
    async with running_gateway(line, folder, **settings) as running:
        await running.channel()
        await running.template()
        yield running


def line_then_sms(wait: str = "4h", **more: Any) -> dict[str, Any]:
    return {"steps": [{"step": "line_notification", "wait": wait}, {"step": "sms"}], **more}


def later(text: str | None, start: datetime = START) -> str | None:
    """A time of JSON as how long after `start` it is: `4:00:00`, `1 day, 0:10:00`."""
    return None if text is None else str(datetime.fromisoformat(text) - start)


def clock_in(country: str, text: str) -> str:
    """A time of JSON as the clocks of a country show it: `03-02 08:00:00`."""
    local = datetime.fromisoformat(text) + timedelta(hours=OFFSET[country])
    return local.strftime("%m-%d %H:%M:%S")


def told(notice: Any) -> list[tuple[str, str]]:
    """Each attempt as step and outcome."""
    return [(a["step"], a["outcome"]) for a in notice["attempts"]]


def tried(notice: Any, start: datetime = START) -> list[tuple[str, str, str | None]]:
    """Each attempt as step, outcome, and how long after `start` it began."""
    return [(a["step"], a["outcome"], later(a["at"], start)) for a in notice["attempts"]]


def ended(notice: Any, start: datetime = START) -> tuple[str, str | None, str | None]:
    """Where and why it ended, and how long after `start`."""
    return notice["state"], notice["reason"], later(notice["ended_at"], start)


def skipped(notice: Any) -> dict[str, str]:
    return {s["step"]: s["why"] for s in notice["skipped"]}


async def sms_of(gateway: RunningGateway) -> list[dict[str, Any]]:
    return list((await gateway.emulator.control("GET", "/sms"))["rows"])


async def notifications(gateway: RunningGateway) -> list[tuple[int, str]]:
    """The rows of LINE's ledger that are notifications, as status and fate."""
    rows = await gateway.emulator.ledger()
    return [(r["status"], r["fate"]) for r in rows if r["path"] == LINE_PATH]


async def bound(gateway: RunningGateway, channel: dict[str, Any], *acts: str, phone: str = PHONE) -> str:
    """A LINE user whose number is bound, who then does these acts with the channel; the user ID."""
    user = await gateway.emulator.user(phone)
    body = {"channel": "Parcels", "number": phone, "user_id": user["user_id"], "way": "login"}
    await gateway.ok("POST", "/v1/bindings", body)
    for act in acts:
        await gateway.emulator.act(phone, act, channel_id=channel["channel_id"])
    await gateway.settle()
    return str(user["user_id"])


async def send_each(gateway: RunningGateway, phones: list[str], policy: Any = None, **more: Any) -> list[str]:
    """A notice to each number in one call, so that one claim takes them all; the ids."""
    base = {"channel": "Parcels", "template": "parcel", "parameters": {"name": "小明"}, **more}
    if policy is not None:
        base["policy"] = policy
    answer = await gateway.ok("POST", "/v1/notices/batch", {"notices": [base | {"to": p} for p in phones]})
    assert answer["refused"] == 0, answer
    return [r["id"] for r in answer["results"]]


DECLARATION = """
name: {name}
url: "{url}"
encoding: json
fields: {{to: "{{to}}", text: "{{text}}", ref: "{{tag}}", receipts: "{{receipt_url}}", token: "{{receipt_token}}"}}
success: {{statuses: [200], json: {{path: code, one_of: [0]}}}}
surely_failed: {{json: {{path: code, one_of: [-1]}}}}
message_id: {{json: id}}
error: {{json: why}}
receipts: true
receipt:
  body: json
  auth: {{by: bearer}}
  tag: ref
  message_id: id
  status: status
  delivered: [DELIVRD]
  failed: [UNDELIV]
  intermediate: [ENROUTE]
"""


class SmsProvider:
    """An SMS provider over HTTP. `behave`: ok, no (400), refuse (200 with its no), broken, silent, early (the receipt
    goes out before the answer). `got`: the orders, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.behave = "ok"
        self.got: list[dict[str, Any]] = []
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._gateway: RunningGateway | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/send", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def declare(self, folder: Path, *more: str) -> None:
        """Writes its declaration into the data folder, with these lines added."""
        (folder / "carriers").mkdir(parents=True, exist_ok=True)
        text = DECLARATION.format(name=self.name, url=f"http://127.0.0.1:{self.port}/send")
        (folder / "carriers" / f"{self.name}.yaml").write_text(text + "".join(f"{m}\n" for m in more))

    def serves(self, gateway: RunningGateway) -> None:
        """Its receipts go to this gateway."""
        self._gateway = gateway

    async def receipt(self, order: dict[str, Any], status: str = "DELIVRD", **more: Any) -> int:
        """Posts a receipt about an order; the gateway's answer."""
        assert self._gateway is not None
        body = {"ref": order["ref"], "id": f"id-{order['ref']}", "status": status, **more}
        url = f"{self._gateway.url}/sms/{self.name}/receipts"
        headers = {"Authorization": f"Bearer {order['token']}"}
        async with self._gateway.session.post(url, json=body, headers=headers) as answer:
            return answer.status

    async def _take(self, request: web.Request) -> web.StreamResponse:
        order = await request.json()
        self.got.append(order)
        match self.behave:
            case "no":
                return web.json_response({"why": "no such sender"}, status=400)
            case "refuse":
                return web.json_response({"code": -1, "why": "no credit"})
            case "broken":
                assert request.transport is not None
                request.transport.close()
            case "silent":
                # The gateway hangs up when its patience ends; then this handler is cancelled.
                await asyncio.Event().wait()
            case "early":
                assert await self.receipt(order) == 200
        return web.json_response({"code": 0, "id": f"id-{order['ref']}"})


@asynccontextmanager
async def sms_providers(*names: str) -> AsyncIterator[list[SmsProvider]]:
    """Providers that listen on ports of their own."""
    made = [SmsProvider(name) for name in names]
    try:
        for one in made:
            await one.start()
        yield made
    finally:
        for one in made:
            await one.stop()
