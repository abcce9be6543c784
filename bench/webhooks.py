"""LINE's webhooks at a steady rate: delivery events of notices that were truly sent, in requests of 1 to 20 events.

The notices are sent first, while the stub posts its events elsewhere; then the events come to the gateway, in random
order. Requests leave at planned moments and are timed from these. Every answered event must be in the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench.emulator_load import Side
from bench.figures import Figure, at_least, at_most, none, say, seen
from bench.gateway import PATIENCE, Gateway, gateway
from bench.http_load import planned, request
from bench.line_side import Opened, Stub
from bench.processes import wait_until
from bench.whole import CHANNELS, make_lists

RATE = 10_000
MOST = 20
"""Events of a request."""
P99_MS = 100.0
SEED = 7
_SENT = """SELECT c.line_channel_id, a.id FROM attempts a JOIN notices n ON n.id = a.notice_id
           JOIN channels c ON c.id = n.channel_id"""


def run(folder: Path, seconds: float) -> list[Figure]:
    """Sends as many notices as there will be events, then posts these."""
    events = round(RATE * seconds)
    events -= events % CHANNELS
    lists = make_lists(folder, events)
    with (
        Side("bench.sink", folder) as sink,
        Stub(folder) as line,
        gateway(folder, line, CHANNELS, webhook_url=sink.url, strict=True) as todoke,
    ):
        begun = time.monotonic()
        todoke.upload(lists)
        answered = "SELECT count(*) FROM attempts WHERE answered_at IS NOT NULL"
        wait_until(lambda: todoke.rows(answered)[0][0] >= events, PATIENCE, 0.5, "all notices sent")
        say(f"{events:,} notices sent in {time.monotonic() - begun:.0f} s; now their events")
        jobs = list(_jobs(todoke))
        cpu = todoke.program.cpu_seconds()
        came = planned(todoke.place.url, jobs)
        delivered = "SELECT count(*) FROM notices WHERE state = 'delivered'"
        applied = time.monotonic()
        wait_until(lambda: todoke.rows(delivered)[0][0] >= events, 60, 0.1, "all events applied")
        applied, cpu = time.monotonic() - applied, todoke.program.cpu_seconds() - cpu
    say(
        f"{len(jobs):,} requests, p50 {came.ms(0.5):.1f} ms, p99 {came.ms(0.99):.1f} ms, longest "
        f"{max(came.took) * 1000:.0f} ms; all applied {applied:.1f} s after the last answer"
    )
    return [
        at_least("events/s answered", events / came.seconds, RATE * 0.98),
        at_most("p99 of the answer", came.ms(0.99), P99_MS, " ms"),
        seen("p50 of the answer", f"{came.ms(0.5):.1f} ms"),
        seen("CPU an event, applied", f"{cpu / events * 1e6:.0f} µs"),
        none("requests refused", came.refused()),
    ]


def _jobs(todoke: Gateway) -> Iterator[tuple[float, bytes]]:
    """When which request leaves."""
    draw, waiting = random.Random(SEED), defaultdict(list)
    for channel_id, tag in todoke.rows(_SENT):
        waiting[channel_id].append(tag)
    for tags in waiting.values():
        draw.shuffle(tags)
    opened = {x.channel_id: x for x in todoke.channels.values()}
    at = 0.0
    while waiting:
        channel_id = draw.choice(list(waiting))
        tags = waiting[channel_id]
        taken = [tags.pop() for _ in range(min(draw.randint(1, MOST), len(tags)))]
        if not tags:
            del waiting[channel_id]
        yield at, _request(todoke.place.url, opened[channel_id], taken)
        at += len(taken) / RATE


def _request(url: str, channel: Opened, tags: list[str]) -> bytes:
    now = int(time.time() * 1000)
    events = [
        {
            "type": "delivery",
            "delivery": {"data": tag},
            "webhookEventId": tag[-26:].rjust(26, "0"),
            "deliveryContext": {"isRedelivery": False},
            "timestamp": now,
            "mode": "active",
        }
        for tag in tags
    ]
    body = json.dumps({"destination": "U" + "b" * 32, "events": events}, separators=(",", ":")).encode()
    signature = base64.b64encode(hmac.new(channel.secret.encode(), body, hashlib.sha256).digest()).decode()
    signed = f"x-line-signature: {signature}"
    return request(f"{url}/line/{channel.channel_id}/webhook", body, signed, "User-Agent: LineBotWebhook/2.0")
