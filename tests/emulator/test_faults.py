"""Trouble on order, on the API: before and after LINE took the request, exact or by share."""

from __future__ import annotations

import aiohttp
import pytest

from emulator_support import FLEXIBLE_PATH, RunningEmulator

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
        {"target": "api", "kind": "latency"},
        {"target": "api", "kind": "status_before", "status": 99},
        {"target": "api", "kind": "status_before", "share": 1.5},
        {"target": "api", "kind": "status_before", "next": 0},
        {"target": "api"},
    ],
)
async def test_an_order_that_makes_no_sense_is_400_with_the_reason(
    emulator: RunningEmulator, order: dict[str, object]
) -> None:
    refused = await emulator.control("POST", "/faults", order, expect=400)
    assert refused["message"]
