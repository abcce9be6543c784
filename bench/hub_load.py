"""LINE's side of the hub's bench: posts signed webhooks at a steady rate, and notes how long each answer took.

`python -m bench.hub_load URL SECONDS RATE SEED`, the channel secret on its input: prints JSON. A request that could not
leave in time because all connections were busy counts from when it should have left.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop

USERS = 20_000
CONNECTIONS = 128
LEAST, MOST = 1, 20
"""Events of a request."""
_MARK = b'"webhookEventId":"R'
_TEXT = "請問我的包裹什麼時候會送達門市?謝謝 🙏"


class Planned(NamedTuple):
    """When a request leaves, in seconds from the start, and whose its events are."""

    at: float
    users: list[int]


def plan(seconds: float, rate: float, seed: int) -> Iterator[Planned]:
    """All requests of a run; `rate`: events a second. The same seed makes the same run."""
    rnd, at = random.Random(seed), 0.0
    while at < seconds:
        users = [rnd.randrange(USERS) for _ in range(rnd.randint(LEAST, MOST))]
        yield Planned(at, users)
        at += len(users) / rate


def body_of(number: int, users: list[int]) -> bytes:
    """A webhook as LINE posts it."""
    events = [
        {
            "type": "message",
            "message": {"type": "text", "id": f"{number}{i:02}", "quoteToken": "q" * 40, "text": _TEXT},
            "webhookEventId": f"R{number:08}E{i:02}{'0' * 14}",
            "deliveryContext": {"isRedelivery": False},
            "timestamp": 1_786_000_000_000 + number,
            "source": {"type": "user", "userId": f"U{user:032x}"},
            "replyToken": "t" * 32,
            "mode": "active",
        }
        for i, user in enumerate(users)
    ]
    whole = {"destination": "U" + "b" * 32, "events": events}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def number_of(body: bytes) -> int:
    """Which request of the run it is."""
    at = body.index(_MARK) + len(_MARK)
    return int(body[at : at + 8])


def request_of(path: str, host: str, secret: bytes, body: bytes) -> bytes:
    """The bytes on the wire."""
    signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"User-Agent: LineBotWebhook/2.0\r\nx-line-signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(url: str, planned: list[Planned], secret: bytes) -> dict[str, object]:
    """Sends everything; seconds of each answer, in order of the requests."""
    parts = urlsplit(url)
    wires = [request_of(parts.path, parts.netloc, secret, body_of(n, p.users)) for n, p in enumerate(planned)]
    took = [0.0] * len(planned)
    statuses: dict[int, int] = {}
    jobs = iter(range(len(planned)))
    begin = time.monotonic() + 0.5

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for number in jobs:
            due = begin + planned[number].at
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            writer.write(wires[number])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            await reader.readexactly(length)
            took[number] = time.monotonic() - due
            status = int(head[9:12])
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    seconds = time.monotonic() - begin
    return {"took": took, "statuses": statuses, "seconds": seconds}


if __name__ == "__main__":
    address, length, events, number = sys.argv[1:]
    run = list(plan(float(length), float(events), int(number)))
    print(json.dumps(uvloop.run(load(address, run, sys.stdin.read().strip().encode()))))
