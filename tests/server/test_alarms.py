"""Alarms from the trouble itself to the business's own system: against the emulator, in virtual time."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from receiver_support import Receiver, running_receiver

LINE_ONLY = {"name": "line", "steps": [{"step": "line_notification", "wait": "24h"}]}
SMS_ONLY = {"name": "sms", "steps": [{"step": "sms"}]}
CARRIER = """\
name: shop_sms
url: http://127.0.0.1:{port}/send
method: POST
encoding: json
fields: {{to: "{{to}}", text: "{{text}}", id: "{{tag}}"}}
success: {{statuses: ["200-299"]}}
receipts: false
"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running


async def connect(gateway: RunningGateway, receiver: Receiver) -> None:
    events = ["alarm.raised", "alarm.cleared"]
    made = await gateway.ok("POST", "/v1/webhook-endpoints", {"url": receiver.url, "events": events})
    receiver.secret = made["secret"]


def told(logged: list[Any]) -> list[tuple[str, str]]:
    """The alarms in the log, taken out of it, as (raised or cleared, kind)."""
    found = [x for x in logged if x["event"] in ("alarm.raised", "alarm.cleared")]
    logged[:] = [x for x in logged if x not in found and x["event"] != "channel.paused"]
    return [(x["event"].removeprefix("alarm."), x["kind"]) for x in found]


async def stands(gateway: RunningGateway, kind: str) -> bool:
    """Whether an alarm of this kind stands: by the API, the metric and the front page alike."""
    found = (await gateway.ok("GET", "/v1/alarms", standing="true"))["alarms"]
    of_kind = [x for x in found if x["kind"] == kind]
    _, metrics = await gateway.call("GET", "/metrics")
    assert f'todoke_alarms{{kind="{kind}"}} {len(of_kind)}.0' in metrics
    _, page = await gateway.call("GET", "/")
    count = len(found)
    assert (f"{count} alarm" in page) is bool(found)
    assert ("No alarm stands" in page) is not bool(found)
    return bool(of_kind)


async def send_all(gateway: RunningGateway, numbers: list[str], policy: Any = LINE_ONLY) -> None:
    notices = [
        {
            "channel": "Parcels",
            "template": "parcel",
            "to": number,
            "parameters": {"name": "小明"},
            "policy": policy,
        }
        for number in numbers
    ]
    answer = await gateway.ok("POST", "/v1/notices/batch", {"notices": notices})
    assert all("problem" not in x for x in answer["results"])


async def people(line: RunningEmulator, count: int) -> list[str]:
    numbers = [f"+88691200{i:04}" for i in range(count)]
    for number in numbers:
        await line.user(number)
    return numbers


async def test_a_revoked_token_pauses_the_channel_and_a_new_one_clears_the_alarm(
    line: RunningEmulator, tmp_path: Path, receiver: Receiver, logged: list[Any]
) -> None:
    async with running_gateway(line, tmp_path / "data") as gateway:
        made = await gateway.channel()
        await gateway.template()
        await connect(gateway, receiver)
        (number,) = await people(line, 1)
        fault = {"target": "api", "kind": "status_before", "status": 401, "next": 1}
        await line.control("POST", "/faults", fault)
        await gateway.send(number, LINE_ONLY)
        await gateway.advance("2m")
        assert await stands(gateway, "channel_paused")
        await gateway.advance("30m")
        await gateway.ok("PATCH", "/v1/channels/Parcels", {"access_token": made["access_token"]})
        await gateway.advance("2m")
        assert not await stands(gateway, "channel_paused")
        assert (
            receiver.alarms() == told(logged) == [("raised", "channel_paused"), ("cleared", "channel_paused")]
        )
        assert len(set(receiver.ids)) == 2
        every = (await gateway.ok("GET", "/v1/alarms"))["alarms"]
        assert [x["cleared_at"] is None for x in every] == [False]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@asynccontextmanager
async def sms_carrier(port: int) -> AsyncIterator[list[Any]]:
    """An SMS carrier that takes everything; what it took."""
    taken: list[Any] = []

    async def send(request: web.Request) -> web.Response:
        taken.append(await request.json())
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/send", send)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    try:
        yield taken
    finally:
        await runner.cleanup()


async def test_a_carrier_that_nobody_reaches_is_an_alarm_until_it_takes_a_message(
    line: RunningEmulator, tmp_path: Path, receiver: Receiver, logged: list[Any]
) -> None:
    port = free_port()
    folder = tmp_path / "data" / "carriers"
    folder.mkdir(parents=True)
    (folder / "shop_sms.yaml").write_text(CARRIER.format(port=port))
    async with running_gateway(line, tmp_path / "data", sms_carrier="shop_sms") as gateway:
        await gateway.channel()
        await gateway.template()
        await connect(gateway, receiver)
        await send_all(gateway, [f"+88691200{i:04}" for i in range(6)], SMS_ONLY)
        await gateway.advance("2m")
        assert await stands(gateway, "carrier_down")
        (alarm,) = (await gateway.ok("GET", "/v1/alarms"))["alarms"]
        assert alarm["about"] == "shop_sms"
        async with sms_carrier(port) as taken:
            await gateway.advance("30m")
            assert len(taken) == 6
        assert not await stands(gateway, "carrier_down")
        assert receiver.alarms() == told(logged) == [("raised", "carrier_down"), ("cleared", "carrier_down")]


async def test_users_who_block_make_silence_rise(
    gateway: RunningGateway, line: RunningEmulator, receiver: Receiver, logged: list[Any]
) -> None:
    await connect(gateway, receiver)
    numbers = await people(line, 60)
    await send_all(gateway, numbers)
    await gateway.advance("26h")
    (channel,) = (await line.control("GET", "/channels"))["channels"]
    for number in numbers[:40]:
        await line.act(number, "block", channel_id=channel["channel_id"])
    await send_all(gateway, numbers)
    await gateway.advance("24h")
    assert receiver.alarms() == []
    await gateway.advance("3h")
    assert await stands(gateway, "silence_rising")
    (alarm,) = (await gateway.ok("GET", "/v1/alarms"))["alarms"]
    assert "67% (40 of 60) of a day, 0% (0 of 60) in the week before" in alarm["text"]
    await gateway.advance("2d")
    assert not await stands(gateway, "silence_rising")
    assert receiver.alarms() == told(logged) == [("raised", "silence_rising"), ("cleared", "silence_rising")]


async def test_a_list_of_numbers_that_line_does_not_know_makes_unmatched_rise(
    gateway: RunningGateway, line: RunningEmulator, receiver: Receiver, logged: list[Any]
) -> None:
    await connect(gateway, receiver)
    await send_all(gateway, await people(line, 60))
    await gateway.advance("26h")
    await send_all(gateway, [f"+88697700{i:04}" for i in range(60)])
    await gateway.advance("2m")
    assert await stands(gateway, "unmatched_rising")
    await gateway.advance("26h")
    assert not await stands(gateway, "unmatched_rising")
    assert (
        receiver.alarms() == told(logged) == [("raised", "unmatched_rising"), ("cleared", "unmatched_rising")]
    )


async def test_a_webhook_that_is_down_is_an_alarm_until_line_reaches_it_again(
    gateway: RunningGateway, line: RunningEmulator, receiver: Receiver, logged: list[Any]
) -> None:
    await connect(gateway, receiver)
    numbers = await people(line, 3)
    (channel,) = (await line.control("GET", "/channels"))["channels"]
    path = f"/channels/{channel['channel_id']}"
    right = f"{gateway.url}/line/{channel['channel_id']}/webhook"
    await line.control("PATCH", path, {"webhook_url": f"http://127.0.0.1:{free_port()}/"})
    await send_all(gateway, numbers)
    await gateway.advance("2h")
    assert await stands(gateway, "webhook_trouble")
    await line.control("PATCH", path, {"webhook_url": right})
    await gateway.advance("2h")
    assert not await stands(gateway, "webhook_trouble")
    assert (
        receiver.alarms() == told(logged) == [("raised", "webhook_trouble"), ("cleared", "webhook_trouble")]
    )


async def test_alarms_are_read_by_pages_and_by_whether_they_stand(
    gateway: RunningGateway, logged: list[Any], receiver: Receiver
) -> None:
    await connect(gateway, receiver)
    await gateway.ok("POST", "/v1/channels", {**CHANNEL, "name": "A", "line_channel_id": "1"})
    await gateway.ok("POST", "/v1/channels", {**CHANNEL, "name": "B", "line_channel_id": "2"})
    await gateway.advance("2m")
    everything = (await gateway.ok("GET", "/v1/alarms"))["alarms"]
    page, found = await gateway.ok("GET", "/v1/alarms", limit="1"), []
    while "next" in page:
        found += page["alarms"]
        page = await gateway.ok("GET", "/v1/alarms", limit="1", cursor=page["next"])
    assert found + page["alarms"] == everything
    assert len({x["about"] for x in everything}) == 2
    assert (await gateway.ok("GET", "/v1/alarms", standing="false"))["alarms"] == []
    for bad in ({"cursor": "x"}, {"limit": "0"}, {"standing": "perhaps"}):
        assert (await gateway.call("GET", "/v1/alarms", **bad))[0] == 422
    kinds = sorted(x["kind"] for x in everything)
    assert kinds == ["channel_paused"] * 2
    assert sorted(told(logged)) == [("raised", kind) for kind in kinds]


CHANNEL = {"region": "TW", "secret": "a secret"}
