"""Everybody outside but LINE: two SMS centres, the business's own system, and the way that posts take to the gateway.

What each was asked and what it answered is written down here, with the virtual time, whatever the gateway thinks of it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from aiohttp import web

CARRIER = "/_emulator/v1/carrier/messages"


@dataclass(frozen=True)
class Asked:
    """A request to a party. `name`: the delivery tag, or the id of the post; `answer` 0: the connection was broken."""

    party: str
    name: str
    at: int
    answer: int
    taken: bool
    text: str


@dataclass(frozen=True)
class Arrived:
    """What the gateway was told and answered with success. `name`: delivery tag; `good`: it was proof."""

    name: str
    at: int
    good: bool


@dataclass
class Outside:
    """`modes`: how each party behaves, see `model_program`. `gateway`: where posts are handed on to; None: it is
    down.
    """

    emulator: str
    now: Callable[[], int]
    session: aiohttp.ClientSession
    modes: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PARTIES, "well"))
    asked: list[Asked] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    friendships: list[tuple[int, int, str, str]] = field(default_factory=list)
    """Arrived at, happened at, user ID, follow or unfollow."""
    gateway: str | None = None
    ports: dict[str, int] = field(default_factory=dict)
    _runners: dict[str, web.AppRunner] = field(default_factory=dict)
    _sites: dict[str, web.TCPSite] = field(default_factory=dict)
    _receipts: dict[str, tuple[str, int]] = field(default_factory=dict)

    async def start(self) -> None:
        for party in ("alpha", "beta", "shop", "way"):
            app = web.Application()
            app.router.add_post("/{path:.*}", getattr(self, f"_{party}"))
            runner = self._runners[party] = web.AppRunner(app, access_log=None)
            await runner.setup()
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.ports[party] = probe.getsockname()[1]
            await self._open(party)

    async def _open(self, party: str) -> None:
        self._sites[party] = web.TCPSite(
            self._runners[party], "127.0.0.1", self.ports[party], reuse_address=True
        )
        await self._sites[party].start()

    async def stop(self) -> None:
        for runner in self._runners.values():
            await runner.cleanup()

    async def set(self, party: str, mode: str) -> None:
        """Changes how a party behaves. `closed`: nobody listens, so connections are refused."""
        if mode == "closed" and party in self._sites:
            await self._sites.pop(party).stop()
        elif mode != "closed" and party in self.ports and party not in self._sites:
            await self._open(party)
        self.modes[party] = mode

    async def _alpha(self, request: web.Request) -> web.StreamResponse:
        return await self._sms("alpha", request)

    async def _beta(self, request: web.Request) -> web.StreamResponse:
        return await self._sms("beta", request)

    async def _sms(self, party: Literal["alpha", "beta"], request: web.Request) -> web.StreamResponse:
        order = await request.json()
        if "receipt_url" in order:
            self._receipts.setdefault(order["reference"], (order["receipt_url"], 0))
            order["receipt_url"] = f"http://127.0.0.1:{self.ports['way']}/receipts"

        async def take() -> None:
            async with self.session.post(self.emulator + CARRIER, json=order) as answer:
                assert answer.status == 202, await answer.text()

        return await self._behave(party, request, order["reference"], order["text"], take)

    async def _shop(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        assert body["type"] == "callback"
        text = body["data"]["parameters"]["name"]

        async def take() -> None:
            return None

        return await self._behave("shop", request, request.headers["webhook-id"], text, take)

    async def _behave(
        self, party: str, request: web.Request, name: str, text: str, take: Callable[[], Awaitable[None]]
    ) -> web.StreamResponse:
        mode = self.modes[party]
        taken = mode in ("well", "broken_after", "error_after")
        status = {"well": 202, "no": 400, "busy": 429, "error_before": 500, "error_after": 500}.get(mode, 0)
        # Written down before it is taken: its receipt may be quicker than the answer.
        self.asked.append(Asked(party, name, self.now(), status, taken, text))
        if taken:
            await take()
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        answer = web.json_response({"message_id": name, "message": mode}, status=status or 500)
        answer.force_close()
        return answer

    async def _way(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/receipts":
            return web.Response(status=await self._receipt(request))
        body = await request.read()
        headers = {
            k: v for k, v in request.headers.items() if k.lower() in ("x-line-signature", "content-type")
        }
        status = await self._hand_on(request.path, body, headers)
        if status == 200:
            for event in json.loads(body)["events"]:
                at = self.now()
                if event["type"] == "delivery":
                    self.arrived.append(Arrived(event["delivery"]["data"], at, True))
                elif event["type"] in ("follow", "unfollow"):
                    told = (at, event["timestamp"], event["source"]["userId"], event["type"])
                    self.friendships.append(told)
        return web.Response(status=status)

    async def _receipt(self, request: web.Request) -> int:
        body = await request.read()
        told = json.loads(body)
        tag = told["reference"]
        url, tries = self._receipts[tag]
        self._receipts[tag] = url, tries + 1
        mode = self.modes["receipts"]
        if mode == "lost":
            return 200
        if mode == "late" and tries < 3:
            return 503
        headers = {"Authorization": request.headers["Authorization"], "Content-Type": "application/json"}
        status = 503
        for _ in range(2 if mode == "doubled" else 1):
            status = await self._hand_on(url[url.index("/", 8) :], body, headers)
        if 200 <= status < 300:
            self.arrived.append(Arrived(tag, self.now(), told["status"] == "delivered"))
        return status

    async def _hand_on(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        if self.gateway is None:
            return 503
        async with self.session.post(self.gateway + path, data=body, headers=headers) as answer:
            return answer.status


PARTIES = ("alpha", "beta", "receipts", "shop")


def declaration(name: str, port: int, receipts: bool) -> dict[str, Any]:
    """How the gateway is told of an SMS centre."""
    fields = {"to": "{to}", "text": "{text}", "reference": "{tag}"}
    spec: dict[str, Any] = {
        "name": name,
        "url": f"http://127.0.0.1:{port}/send",
        "encoding": "json",
        "fields": fields,
        "success": {"statuses": [202]},
        "error": {"json": "message"},
        "receipts": receipts,
    }
    if receipts:
        fields |= {"receipt_url": "{receipt_url}", "receipt_token": "{receipt_token}"}
        spec["receipt"] = {
            "body": "json",
            "auth": {"by": "bearer"},
            "tag": "reference",
            "status": "status",
            "delivered": ["delivered"],
            "failed": ["failed"],
            "time": "at",
        }
    return spec
