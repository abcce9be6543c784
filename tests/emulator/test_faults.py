"""Trouble on order, on the API and on webhooks: before and after LINE took the request, exact or by share."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest

from emulator_support import FLEXIBLE_PATH, RunningEmulator, Sink

PHONE = "+819012345678"


@pytest.mark.parametrize(("kind", "taken"), [("status_before", 0), ("status_after", 1)])
async def test_a_status_comes_before_or_after_line_took_the_request(
    emulator: RunningEmulator, kind: str, taken: int
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", kind, status=500, next=1)
    reply = await emulator.send(channel, PHONE)
    assert (reply.status, reply.json) == (500, {"message": "Internal server error"})
    assert "x-line-request-id" in reply.headers
    assert len(await emulator.ledger()) == taken
    assert (await emulator.send(channel, PHONE)).status == 202


@pytest.mark.parametrize(("kind", "taken"), [("disconnect_before", 0), ("disconnect_after", 1)])
async def test_a_connection_breaks_before_or_after_line_took_the_request(
    emulator: RunningEmulator, kind: str, taken: int, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", kind, next=1)
    with pytest.raises(aiohttp.ClientError):
        await emulator.send(channel, PHONE)
    assert len(await emulator.ledger()) == taken
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_fault_strikes_exactly_the_next_n(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", "status_before", status=429, next=3)
    statuses = [(await emulator.send(channel, PHONE)).status for _ in range(5)]
    assert statuses == [429, 429, 429, 202, 202]
    assert (await emulator.control("GET", "/faults"))["faults"] == []


async def test_a_share_strikes_about_that_share(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", "status_before", status=500, share=0.5)
    statuses = [(await emulator.send(channel, PHONE)).status for _ in range(100)]
    assert 25 <= statuses.count(500) <= 75


async def test_a_fault_with_a_path_strikes_only_there(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", "status_before", status=500, path=FLEXIBLE_PATH)
    assert (await emulator.send(channel, PHONE)).status == 202
    assert (await emulator.send_flexible(channel, PHONE)).status == 500


async def test_a_fault_without_a_path_leaves_the_control_api_alone(emulator: RunningEmulator) -> None:
    await emulator.fault("api", "status_before", status=500)
    await emulator.control("GET", "/clock")
    await emulator.control("POST", "/carrier/messages", {"to": PHONE, "text": "x"}, expect=202)


async def test_a_latency_is_in_real_time_and_the_request_is_taken(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.fault("api", "latency", ms=20, next=1)
    assert (await emulator.send(channel, PHONE)).status == 202


async def test_faults_are_listed_and_withdrawn(emulator: RunningEmulator) -> None:
    first = await emulator.fault("api", "status_before", status=500)
    await emulator.fault("webhook", "drop", share=0.1)
    listed = (await emulator.control("GET", "/faults"))["faults"]
    assert [fault["kind"] for fault in listed] == ["status_before", "drop"]
    await emulator.control("DELETE", f"/faults/{first['id']}")
    assert await emulator.control("DELETE", "/faults") == {"removed": 1}
    await emulator.control("DELETE", "/faults/99", expect=404)


@pytest.mark.parametrize(
    "order",
    [
        {"target": "moon", "kind": "drop"},
        {"target": "api", "kind": "drop"},
        {"target": "api", "kind": "explode"},
        {"target": "api", "kind": "status_before", "status": 99},
        {"target": "api", "kind": "status_before", "share": 1.5},
        {"target": "api", "kind": "status_before", "next": 0},
        {"target": "api", "kind": "status_before", "next": 2**70},
        {"target": "api"},
    ],
)
async def test_an_order_that_makes_no_sense_is_400_with_the_reason(
    emulator: RunningEmulator, order: dict[str, object]
) -> None:
    refused = await emulator.control("POST", "/faults", order, expect=400)
    assert refused["message"]


async def outcomes(emulator: RunningEmulator, channel: dict[str, Any], count: int) -> Counter[int | str]:
    """What so many requests at once get: statuses, or "broken"."""

    async def send() -> int | str:
        try:
            return (await emulator.send(channel, PHONE)).status
        except aiohttp.ClientError:
            return "broken"

    return Counter(await asyncio.gather(*(send() for _ in range(count))))


@pytest.mark.parametrize(
    ("kind", "seen", "taken"),
    [
        ("latency", {202: 150}, 150),
        ("status_before", {202: 113, 503: 37}, 113),
        ("status_after", {202: 113, 503: 37}, 150),
        ("disconnect_before", {202: 113, "broken": 37}, 113),
        ("disconnect_after", {202: 113, "broken": 37}, 150),
    ],
)
async def test_every_kind_strikes_exactly_n_of_many_requests_at_once(
    emulator: RunningEmulator, kind: str, seen: dict[int | str, int], taken: int
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", kind, next=37, status=503, ms=5)
    assert await outcomes(emulator, channel, 150) == seen
    assert len(await emulator.ledger()) == taken
    assert (await emulator.control("GET", "/faults"))["faults"] == []


async def test_kinds_together_strike_each_their_number_and_none_is_spent_for_nothing(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    numbers = {"latency": 90, "status_before": 20, "disconnect_before": 15, "status_after": 25}
    for kind, number in (*numbers.items(), ("disconnect_after", 10)):
        await emulator.fault("api", kind, next=number, status=503, ms=1)
    found = await outcomes(emulator, channel, 100)
    assert found == {202: 30, 503: 45, "broken": 25}
    # 20 and 15 were never taken.
    assert len(await emulator.ledger()) == 65
    assert (await emulator.control("GET", "/faults"))["faults"] == []


async def test_a_share_counts_what_it_struck(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", "disconnect_after", share=0.2)
    await emulator.fault("api", "status_after", share=0.3, status=500)
    found = await outcomes(emulator, channel, 200)
    hits = {fault["kind"]: fault["hits"] for fault in (await emulator.control("GET", "/faults"))["faults"]}
    assert found == {202: found[202], 500: hits["status_after"], "broken": hits["disconnect_after"]}
    assert 15 < hits["disconnect_after"] < 75
    assert len(await emulator.ledger()) == 200


async def test_a_share_with_a_number_strikes_that_share_until_the_number_is_reached(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", "status_before", share=0.5, next=10, status=500)
    assert await outcomes(emulator, channel, 100) == {202: 90, 500: 10}


@pytest.mark.parametrize(
    ("kind", "at_once", "in_the_end"),
    [("drop", 83, 83), ("duplicate", 117, 117), ("delay", 83, 100), ("reorder", None, 100)],
)
async def test_every_kind_strikes_exactly_n_of_many_events(
    emulator: RunningEmulator, sink: Sink, kind: str, at_once: int | None, in_the_end: int
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.fault("webhook", kind, next=17, ms=3_600_000)
    tags = [f"order-2026-{number:08d}" for number in range(100)]
    await asyncio.gather(*(emulator.send(channel, PHONE, tag) for tag in tags))
    await emulator.clock(advance="59m")
    assert at_once is None or len(sink.events) == at_once
    await emulator.clock(advance="2h")
    assert len(sink.events) == in_the_end
    came = {event["delivery"]["data"] for event in sink.events}
    assert len(came) == (83 if kind == "drop" else 100)


async def test_kinds_of_events_together_strike_each_their_number(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    for kind, number in (("drop", 10), ("duplicate", 20), ("delay", 30), ("reorder", 5)):
        await emulator.fault("webhook", kind, next=number, ms=3_600_000)
    await asyncio.gather(*(emulator.send(channel, PHONE) for _ in range(100)))
    await emulator.clock(advance="3h")
    assert len(sink.events) == 100 - 10 + 20
    assert len({event["webhookEventId"] for event in sink.events}) == 90
    assert (await emulator.control("GET", "/faults"))["faults"] == []


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("status_before", True),
        ("disconnect_before", True),
        ("status_after", False),
        ("disconnect_after", False),
    ],
)
async def test_every_kind_strikes_exactly_n_posts_and_redelivery_brings_what_was_lost(
    emulator: RunningEmulator, sink: Sink, kind: str, lost: bool
) -> None:
    channel = await emulator.channel(webhook_url=sink.url, redelivery=True, redelivery_schedule=["10m"])
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.fault("webhook", kind, next=3, status=503)
    for _ in range(5):
        await emulator.send(channel, PHONE)
        await emulator.clock(advance="1s")
    assert len(sink.requests) == (2 if lost else 5)
    await emulator.clock(advance="1h")
    assert len(sink.requests) == (5 if lost else 8)
    assert len({event["webhookEventId"] for event in sink.events}) == 5
    log = (await emulator.control("GET", "/webhooks"))["rows"]
    assert [row["reason"] is None for row in log] == [False] * 3 + [True] * 5
    assert [row["redelivery"] for row in log] == [False] * 5 + [True] * 3


@pytest.mark.parametrize(
    ("target", "kind", "ms", "status"),
    [
        ("api", "latency", 1000, None),
        ("webhook", "delay", 60_000, None),
        ("webhook", "reorder", 60_000, None),
        ("api", "status_before", None, 500),
        ("webhook", "status_after", None, 500),
        ("api", "disconnect_after", None, None),
    ],
)
async def test_an_order_shows_the_ms_and_status_in_force_where_none_were_said(
    emulator: RunningEmulator, target: str, kind: str, ms: int | None, status: int | None
) -> None:
    made = await emulator.fault(target, kind)
    assert (made["ms"], made["status"]) == (ms, status)
    listed = (await emulator.control("GET", "/faults"))["faults"]
    assert (listed[0]["ms"], listed[0]["status"]) == (ms, status)


async def test_ms_and_status_that_were_said_hold(emulator: RunningEmulator) -> None:
    assert (await emulator.fault("api", "latency", ms=0))["ms"] == 0
    assert (await emulator.fault("api", "status_before", status=503))["status"] == 503


async def test_a_delay_without_ms_holds_an_event_back_for_a_minute(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.fault("webhook", "delay", next=1)
    await emulator.send(channel, PHONE, "tag-0000000000000001")
    await emulator.clock(advance="59s")
    assert sink.events == []
    await emulator.clock(advance="2s")
    assert len(await sink.got(1)) == 1
