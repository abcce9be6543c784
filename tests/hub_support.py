"""Systems that the hub passes on to, on loopback, and LINE's requests for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from engine_house import SEAL, House
from storage_support import ids
from todoke.actions import hub as actions
from todoke.actions.hub import NewTarget
from todoke.actions.hub_checks import Place
from todoke.carriers.guarded import guarded_session
from todoke.carriers.line.events import SIGNATURE, sign
from todoke.carriers.line.glance import glance
from todoke.carriers.passing import Passing
from todoke.engine.hub import Hub
from todoke.storage import channels, inbox
from todoke.storage import hub as store
from todoke.storage.hub import HubTarget
from todoke.storage.inbox import Posted

SECRET = "channel secret"
PLACE = Place(allow_private=True, base_url="http://127.0.0.1:1")


def event(number: int, *users: str, type: str = "message") -> dict[str, Any]:
    """One event; of nobody, of a user, or of a user in a group."""
    made: dict[str, Any] = {"type": type, "webhookEventId": f"E{number}", "timestamp": 1, "number": number}
    if users:
        made["source"] = dict(zip(("userId", "groupId"), users, strict=False))
    return made


def webhook(*events: dict[str, Any]) -> bytes:
    return json.dumps({"destination": "Ubot", "events": list(events)}, ensure_ascii=False).encode()


class System:
    """Takes requests. `answer` says what it answers to each; those that came stand in `got`."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.open = 0
        self.most_open = 0
        self.answer: Callable[[bytes], int | web.Response] = lambda _: 200
        self.status_of: dict[str, int] = {}
        """By path; before `answer` is asked."""
        self.taken: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.delay: Callable[[], float] = lambda: 0.0

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.got]

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events that were answered with 200, in order."""
        return [e for body in self.taken for e in json.loads(body)["events"]]

    def numbers(self) -> list[int]:
        return [e["number"] for e in self.events]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.got.append(({k.lower(): v for k, v in request.headers.items()}, body))
        try:
            await self.gate.wait()
            if wait := self.delay():
                await asyncio.sleep(wait)
            said = self.status_of.get(request.path) or self.answer(body)
        finally:
            self.open -= 1
        answer = web.Response(status=said) if isinstance(said, int) else said
        if answer.status == 200:
            self.taken.append(body)
        return answer


@asynccontextmanager
async def running_system(port: int = 0, before: System | None = None) -> AsyncIterator[System]:
    """On a free loopback port, or on this one; `before`: the same system, started anew."""
    system = before or System()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", system.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    system.port = runner.addresses[0][1]
    system.url = f"http://127.0.0.1:{system.port}/line"
    try:
        yield system
    finally:
        system.gate.set()
        await runner.cleanup()


class Owns:
    """Owns all channels, as first made, unless told otherwise."""

    def __init__(self) -> None:
        self.all = True
        self.number = 0

    def owns(self, channel_id: str) -> bool:
        return self.all

    def fence(self, channel_id: str) -> int | None:
        return self.number if self.all else None

    def lease_holds(self) -> bool:
        return True

    def lost(self, channel_id: str, fence: int) -> None:
        raise AssertionError("the hub loses no channels")


class HubHouse:
    """A house with a hub. `hub()` is a new process's, so to say."""

    def __init__(self, house: House, http: aiohttp.ClientSession, allow_private: bool) -> None:
        self.house = house
        self.database = house.database
        self.clock = house.clock
        self.owns = Owns()
        self._passing = Passing(http, allow_private)
        self.told = 0

    def hub(self) -> Hub:
        def tell() -> None:
            self.told += 1

        return Hub(self.clock, self.database, self._passing, glance, SEAL, ids, self.owns, tell)

    async def target(self, url: str, name: str = "bot", **more: Any) -> HubTarget:
        async with self.database.write() as tx:
            channel = await channels.get_channel(tx, self.house.shop.channel_id)
            assert channel is not None
            wanted = NewTarget(name=name, url=url, **more)
            return await actions.create_target(tx, channel, wanted, self.clock.now(), ids, SEAL, PLACE)

    async def post(self, *bodies: bytes, channel_id: str | None = None) -> None:
        """LINE posts these."""
        now = self.clock.now()
        rows = [
            Posted(
                carrier="line",
                channel_id=channel_id or self.house.shop.channel_id,
                headers=json.dumps({SIGNATURE: sign(body, SECRET)}),
                body=body,
                received_at=now,
            )
            for body in bodies
        ]
        async with self.database.write() as tx:
            await inbox.put(tx, rows)

    async def events(self, numbers: Sequence[int], *users: str) -> None:
        """Requests of one event each."""
        await self.post(*(webhook(event(n, *users)) for n in numbers))

    async def state(self, target: HubTarget) -> HubTarget:
        async with self.database.read() as tx:
            found = await store.get_target(tx, target.account_id, target.id)
        assert found is not None
        return found

    async def skips(self, target: HubTarget) -> list[tuple[int, int | None]]:
        async with self.database.read() as tx:
            return [(s.inbox_id, s.status) for s, _ in await store.list_skips(tx, target.id, None, 100)]


async def settle(hub: Hub) -> None:
    """All that is due now is passed on and written down."""
    hub.arrived()
    hub.changed()
    async with asyncio.timeout(30):
        while await hub.step():
            pass


async def pass_time(house: HubHouse, hub: Hub, until: int) -> None:
    """Does all that is due up to that time, each at its moment."""
    while hub.due_at is not None and hub.due_at <= until:
        house.clock.put(hub.due_at)
        await settle(hub)
    house.clock.put(until)
    await settle(hub)


@asynccontextmanager
async def hub_house(house: House, allow_private: bool = True) -> AsyncIterator[HubHouse]:
    """With a shop, whose channel has the secret SECRET."""
    await house.open(secret=SEAL.close(SECRET))
    async with guarded_session(allow_private, 0) as http:
        yield HubHouse(house, http, allow_private)
