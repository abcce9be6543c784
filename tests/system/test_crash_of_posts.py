"""`kill -9` under concurrent single POSTs, with a real process: what was answered 202 is there, and nothing twice."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from bench.processes import GatewayPlace, free_port
from bench.stage import TEMPLATE, number

CLIENTS = 24
ANSWERED = 400
"""Answers 202 after which it is killed, in the middle of the others."""


class Shop:
    """A business's system: each order is asked for until it is answered, always with the same Idempotency-Key."""

    def __init__(self, place: GatewayPlace) -> None:
        self.place = place
        self.told: dict[int, str] = {}
        self.asked = 0
        self.unanswered: set[int] = set()
        self.enough = asyncio.Event()

    async def ask(self, session: aiohttp.ClientSession, order: int) -> None:
        body = {
            "channel": "posts",
            "template": "parcel-posts",
            "to": number(order),
            "parameters": {"name": "王小明", "parcel": f"P{order}"},
            "reference": f"order-{order}",
        }
        # Every other one gives no key: it can't ask again, but what it was told must be true.
        keyed = {"Idempotency-Key": f"order-{order}"} if order % 2 else {}
        self.unanswered.add(order)
        headers = {"Authorization": f"Bearer {self.place.key}", **keyed}
        async with session.post(f"{self.place.url}/v1/notices", json=body, headers=headers) as answer:
            assert answer.status == 202
            self.told[order] = (await answer.json())["id"]
        self.unanswered.discard(order)
        if len(self.told) >= ANSWERED:
            self.enough.set()

    async def client(self, session: aiohttp.ClientSession) -> None:
        while True:
            self.asked += 1
            try:
                await self.ask(session, self.asked)
            except aiohttp.ClientError:
                return


async def make_channel(place: GatewayPlace, session: aiohttp.ClientSession) -> None:
    """One that has no access token: nothing leaves."""
    channel = {
        "name": "posts",
        "region": "TW",
        "line_channel_id": "1650000001",
        "secret": "0123456789abcdef" * 2,
    }
    template = {**TEMPLATE, "name": "parcel-posts", "channel": "posts"}
    for path, body in (("channels", channel), ("templates", template)):
        headers = {"Authorization": f"Bearer {place.key}"}
        async with session.post(f"{place.url}/v1/{path}", json=body, headers=headers) as answer:
            assert answer.status < 300


@pytest.mark.crash
async def test_after_a_kill_every_notice_that_was_answered_202_is_there_and_none_twice(
    tmp_path: Path,
) -> None:
    nobody: Any = SimpleNamespace(url=f"http://127.0.0.1:{free_port()}")
    place = GatewayPlace(tmp_path, nobody, virtual_time=False)
    shop = Shop(place)
    first = place.start()
    try:
        async with aiohttp.ClientSession() as session:
            await make_channel(place, session)
            clients = [asyncio.create_task(shop.client(session)) for _ in range(CLIENTS)]
            await asyncio.wait_for(shop.enough.wait(), 20)
            first.kill()
            await asyncio.gather(*clients)
    finally:
        first.kill()
    assert shop.unanswered
    with place.start() as _:
        async with aiohttp.ClientSession() as session:
            again = [order for order in shop.unanswered | set(shop.told) if order % 2]
            told = dict(shop.told)
            await asyncio.gather(*(shop.ask(session, order) for order in again))
    # Asked again with its key, an order has the answer that it had before.
    assert {k: shop.told[k] for k in told} == told
    with closing(sqlite3.connect(tmp_path / "data" / "todoke.db")) as connection:
        rows = connection.execute("SELECT reference, id FROM notices").fetchall()
    stored = {int(reference.removeprefix("order-")): notice_id for reference, notice_id in rows}
    assert {k: stored.get(k) for k in shop.told} == shop.told
    assert [x for x, count in Counter(reference for reference, _ in rows).items() if count > 1] == []
