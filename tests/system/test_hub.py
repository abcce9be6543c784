"""The hub from LINE's side to other systems: they get what LINE posted, and LINE's own SDK verifies it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from linebot.v3.webhook import WebhookParser

from command_support import run
from gateway_support import RunningGateway
from hub_support import System, running_system
from receiver_support import running_receiver
from todoke.cli.doctor.hub import targets
from todoke.settings import load
from todoke.wiring import open_base

USER = "+886912345678"


@pytest.fixture
async def bot() -> AsyncIterator[System]:
    async with running_system() as system:
        yield system


@pytest.fixture
async def crm() -> AsyncIterator[System]:
    async with running_system() as system:
        yield system


def secret(gateway: RunningGateway) -> str:
    (channel,) = gateway.emulator.state.world.channels.values()
    return str(channel.secret)


async def follows(gateway: RunningGateway, number: str = USER) -> None:
    (channel_id,) = gateway.emulator.state.world.channels
    await gateway.emulator.user(number)
    await gateway.emulator.act(number, "add_friend", channel_id=channel_id)


async def test_line_s_sdk_verifies_and_reads_what_targets_get(
    gateway: RunningGateway, bot: System, crm: System
) -> None:
    await gateway.ok("POST", "/v1/hub-targets", {"channel": "Parcels", "name": "bot", "url": bot.url})
    only = {"channel": "Parcels", "name": "crm", "url": crm.url, "types": ["delivery"]}
    await gateway.ok("POST", "/v1/hub-targets", only)
    await gateway.settle()
    await follows(gateway)
    notice_id = await gateway.send("0912-345-678")
    await gateway.settle()
    assert (await gateway.notice(notice_id))["state"] == "delivered"
    kinds = []
    for headers, body in bot.got:
        parser = WebhookParser(secret(gateway))
        kinds += [e.type for e in parser.parse(body.decode(), headers["x-line-signature"])]
    assert kinds == ["follow", "delivery"]
    assert [e["type"] for e in crm.events] == ["delivery"]


async def test_a_target_that_is_down_gets_all_in_order_when_it_is_back_and_alarms_tell(
    gateway: RunningGateway, logged: list[dict[str, object]]
) -> None:
    async with running_system() as bot:
        body = {"channel": "Parcels", "name": "bot", "url": bot.url}
        target = await gateway.ok("POST", "/v1/hub-targets", body)
    async with running_receiver() as business:
        events = ["alarm.raised", "alarm.cleared"]
        made = await gateway.ok("POST", "/v1/webhook-endpoints", {"url": business.url, "events": events})
        business.secret = made["secret"]
        await follows(gateway)
        (channel_id,) = gateway.emulator.state.world.channels
        for action in ("block", "unblock") * 3:
            await gateway.emulator.act(USER, action, channel_id=channel_id)
            await gateway.settle()
        await gateway.advance("30m")
        found = await gateway.ok("GET", f"/v1/hub-targets/{target['id']}")
        assert (found["state"], found["lag"]["requests"]) == ("failing", 7)
        assert business.alarms() == [("raised", "hub_target_failing")]
        (alarm,) = (await gateway.ok("GET", "/v1/alarms", standing="true"))["alarms"]
        assert (alarm["kind"], alarm["about"]) == ("hub_target_failing", target["id"])
        async with running_system(bot.port, bot):
            await gateway.advance("6m")
            kinds = [e["type"] for e in bot.events]
            assert kinds == ["follow", *("unfollow", "follow") * 3]
            times = [e["timestamp"] for e in bot.events]
            assert times == sorted(times)
        assert business.alarms()[-1] == ("cleared", "hub_target_failing")
    logged[:] = [x for x in logged if x["event"] != "alarm.raised"]


async def test_the_doctor_says_who_gets_what_line_posts_and_who_does_not(
    gateway: RunningGateway, bot: System
) -> None:
    names = ("fine", "failing", "paused")
    made = [
        await gateway.ok("POST", "/v1/hub-targets", {"channel": "Parcels", "name": x, "url": bot.url + x})
        for x in names
    ]
    await gateway.ok("POST", f"/v1/hub-targets/{made[2]['id']}/pause", {"why": "moving house"})
    await gateway.settle()
    bot.status_of = {"/line" + "failing": 500}
    await follows(gateway)
    await gateway.settle()
    base = await open_base(load({"TODOKE_DATA_DIR": str(gateway.folder)}))
    try:
        fine, failing, paused = await targets(base)
    finally:
        await base.database.close()
    assert (fine.level, fine.about) == ("ok", "hub target fine")
    assert (failing.level, "has taken nothing since" in failing.text) == ("warning", True)
    assert (paused.level, "moving house); 1 requests" in paused.text) == ("warning", True)


async def test_the_commands_do_what_the_api_does(
    gateway: RunningGateway, bot: System, tmp_path: Path
) -> None:
    assert "There is no target" in await run(gateway, "hub", "list")
    headers = tmp_path / "headers"
    headers.write_text("X-Tenant: shop\nAuthorization: Bearer a:b\n\n")
    add = ("hub", "add", bot.url, "-c", "Parcels", "--name", "bot [x]", "-t", "follow")
    made = json.loads(await run(gateway, *add, "--header-file", str(headers), "--json"))
    assert (made["types"], made["headers"]) == (["follow"], ["Authorization", "X-Tenant"])
    target = made["id"]
    assert "Taken: 200" in await run(gateway, "hub", "test", target)
    assert bot.got[0][0]["authorization"] == "Bearer a:b"
    assert "is paused" in await run(gateway, "hub", "pause", target, "--why", "moving [house]")
    await follows(gateway)
    await gateway.settle()
    listed = await run(gateway, "hub", "list")
    assert "bot [x]" in listed
    assert "moving [house]" in listed
    assert "1 requests wait" in await run(gateway, "hub", "resume", target)
    await gateway.settle()
    assert len(bot.events) == 1
    assert "1 requests go to" in await run(gateway, "hub", "replay", target, made["created_at"])
    await gateway.settle()
    assert len(bot.events) == 2
    bot.answer = lambda _: 500
    await run(gateway, "hub", "test", target, "--json", code=1)
    (found,) = json.loads(await run(gateway, "hub", "list", "--json"))["hub_targets"]
    assert (found["taken"], found["state"]) == (2, "ok")
    await run(gateway, "hub", "remove", target)
    assert "no target" in await run(gateway, "hub", "test", target, code=1)
    headers.write_text("no header")
    assert "line 1 is no header" in await run(gateway, *add, "--header-file", str(headers), code=2)
    assert "can't be read" in await run(gateway, *add, "--header-file", str(tmp_path), code=1)
