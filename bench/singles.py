"""Notices one by one over the API: how many a second, how long an answer takes, and how soon LINE has the request."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, at_least, at_most, none, say, seen
from bench.gateway import PATIENCE, Gateway, gateway
from bench.http_load import Answers, closed, percentile, planned, request
from bench.line_side import Stub
from bench.processes import wait_until
from bench.stage import number
from bench.whole import CHANNELS

CLIENTS = 64
RATE = 4000.0
P99_MS = 100.0
STEADY = 1000.0
"""Posts a second of the second run."""


def requests(todoke: Gateway) -> Iterator[bytes]:
    """`POST /v1/notices`, over all channels in turn, each to another number."""
    url, names = f"{todoke.place.url}/v1/notices", list(todoke.channels)
    key = f"Authorization: Bearer {todoke.place.key}"
    for i in itertools.count():
        name = names[i % len(names)]
        body = {
            "channel": name,
            "template": f"parcel-{name}",
            "to": number(i),
            "parameters": {"name": f"王小明{i % 97}", "parcel": f"TW2026{i:07d}"},
            "reference": str(i),
        }
        yield request(url, json.dumps(body, ensure_ascii=False).encode(), key)


def run(folder: Path, seconds: float) -> list[Figure]:
    """Intake alone, then with all notices going out meanwhile."""
    figures = []
    for what, tokens in (("intake alone", False), ("sent meanwhile", True)):
        place = folder / what.replace(" ", "-")
        place.mkdir()
        with Stub(place) as line, gateway(place, line, CHANNELS, tokens=tokens) as todoke:
            cpu = todoke.program.cpu_seconds()
            came = closed(todoke.place.url, requests(todoke), CLIENTS, seconds)
            cpu = todoke.program.cpu_seconds() - cpu
            stored = todoke.rows("SELECT count(*) FROM notices")[0][0]
        lost = came.statuses[202] - stored
        say(
            f"{what}: {came.per_second:,.0f}/s, p50 {came.ms(0.5):.1f} ms, p99 {came.ms(0.99):.1f} ms, gateway CPU "
            f"{cpu / came.statuses.total() * 1e6:.0f} µs a POST"
        )
        figures += [
            at_least(f"POSTs/s, {CLIENTS} clients, {what}", came.per_second, RATE),
            at_most(f"p99 of the answer, {what}", came.ms(0.99), P99_MS, " ms"),
            none(f"refused, or answered but not stored ({what})", came.refused() + max(lost, 0)),
        ]
    return figures


def latency(folder: Path, seconds: float) -> list[Figure]:
    """From the answer to the POST until the request has arrived at LINE, at a steady rate."""
    with Stub(folder) as line, gateway(folder, line, CHANNELS) as todoke:
        line.stamps()
        count = round(seconds * STEADY)
        jobs = [(i / STEADY, wire) for i, wire in zip(range(count), requests(todoke), strict=False)]
        began, cpu = time.time(), todoke.program.cpu_seconds()
        came = planned(todoke.place.url, jobs, CLIENTS, bodies=True)
        wait_until(
            lambda: sum(x["taken"] for x in line.counts()) >= came.statuses[202], PATIENCE, 0.2, "all at LINE"
        )
        cpu, took = todoke.program.cpu_seconds() - cpu, time.time() - began
        stamps = line.stamps()
        tags = dict(todoke.rows("SELECT notice_id, id FROM attempts"))
    return _latency_figures(came, stamps, tags, cpu / took)


def _latency_figures(
    came: Answers, stamps: dict[str, float], tags: dict[str, str], core: float
) -> list[Figure]:
    """A request that was at LINE before its answer was read here took no time."""
    waits = [max(0.0, stamps[tags[json.loads(body)["id"]]] - at) for body, at in came.bodies]
    p50, p99 = percentile(waits, 0.5) * 1000, percentile(waits, 0.99) * 1000
    say(f"answer of the POST: p50 {came.ms(0.5):.1f} ms, p99 {came.ms(0.99):.1f} ms, from its planned moment")
    return [
        at_least("single POSTs/s, answered as planned", came.per_second, STEADY * 0.98),
        seen("accept to LINE, p50", f"{p50:.1f} ms"),
        seen("accept to LINE, p99", f"{p99:.1f} ms"),
        seen("longest", f"{max(waits) * 1000:.0f} ms"),
        seen("answer of the POST, p99", f"{came.ms(0.99):.1f} ms"),
        seen("gateway, share of a core", f"{core:.2f}"),
        none("refused", came.refused()),
    ]
