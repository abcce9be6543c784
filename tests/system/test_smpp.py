"""Notices over SMPP, from the API to the receipt, with npm's `smpp` as the SMS centre."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from carriers.smsc import DECLARATION, PASSWORD, Smsc, needs_node, running_smsc
from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway

needs_node()

BY_SMS = {"steps": [{"step": "sms"}]}
LONG = "您的包裹已於八月七日送達門市,請於七日內憑身分證件領取。" * 6


@pytest.fixture
async def centre() -> AsyncIterator[Smsc]:
    async with running_smsc() as running:
        yield running


@pytest.fixture
async def gateway(line: RunningEmulator, centre: Smsc, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    folder = tmp_path / "data"
    (folder / "carriers").mkdir(parents=True)
    (folder / "carriers" / "relay.yaml").write_text(DECLARATION.format(host="127.0.0.1", port=centre.port))
    async with running_gateway(line, folder, sms_carrier="relay", sms_secrets=f"RELAY={PASSWORD}") as running:
        await running.channel()
        await running.template()
        await running.template(name="long", sms="{{name}} 您好," + LONG)
        yield running


async def until_notice(gateway: RunningGateway, notice_id: str, **wanted: Any) -> Any:
    """The notice once it is so. Receipts come over a real link, in real time."""
    async with asyncio.timeout(20):
        while True:
            notice = await gateway.notice(notice_id)
            attempts = [a["outcome"] for a in notice["attempts"]]
            if all({**notice, "outcomes": attempts}[k] == v for k, v in wanted.items()):
                return notice
            await gateway.settle()


async def test_a_long_text_is_delivered_when_every_part_has_its_receipt(
    gateway: RunningGateway, centre: Smsc
) -> None:
    notice_id = await gateway.send("0912345678", BY_SMS, template="long")
    notice = await until_notice(gateway, notice_id, outcomes=["accepted"])
    (attempt,) = notice["attempts"]
    parts = await centre.submits()
    assert attempt["segments"] == len(parts) > 1
    assert (attempt["carrier"], attempt["request_id"]) == ("relay", parts[0]["id"])
    assert await centre.texts() == ["小明 您好," + LONG]
    for part in parts[:-1]:
        assert await centre.receipt(part["id"]) == 0
    await gateway.settle()
    assert (await gateway.notice(notice_id))["state"] == "waiting"
    assert await centre.receipt(parts[-1]["id"]) == 0
    assert (await until_notice(gateway, notice_id, state="delivered"))["cost"][0]["step"] == "sms"


async def test_a_part_that_expires_is_the_end_of_the_message(gateway: RunningGateway, centre: Smsc) -> None:
    notice_id = await gateway.send("0912345678", BY_SMS, template="long")
    await until_notice(gateway, notice_id, outcomes=["accepted"])
    for stat, part in zip(("DELIVRD", "EXPIRED"), await centre.submits(), strict=False):
        await centre.receipt(part["id"], stat)
    notice = await until_notice(gateway, notice_id, state="not_delivered")
    assert notice["reason"] == "failed"
    assert "EXPIRED" in notice["attempts"][0]["detail"]


async def test_receipts_that_come_twice_early_or_for_nobody_disturb_nothing(
    gateway: RunningGateway, centre: Smsc
) -> None:
    assert await centre.receipt("nobody") == 0
    notice_id = await gateway.send("0912345678", BY_SMS)
    await until_notice(gateway, notice_id, outcomes=["accepted"])
    (part,) = await centre.submits()
    for _ in range(2):
        assert await centre.receipt(part["id"]) == 0
    await until_notice(gateway, notice_id, state="delivered")
    assert len(await centre.submits()) == 1


async def test_a_list_goes_out_once_each_though_the_centre_throttles(
    gateway: RunningGateway, centre: Smsc
) -> None:
    await centre.faults(throttle=30)
    people = [f"+8869123{i:05}" for i in range(200)]
    base = {"channel": "Parcels", "template": "parcel", "parameters": {"name": "x"}, "policy": BY_SMS}
    answer = await gateway.ok("POST", "/v1/notices/batch", {"notices": [base | {"to": p} for p in people]})
    for one in answer["results"]:
        await until_notice(gateway, one["id"], state="waiting")
    taken = [s["to"] for s in await centre.submits() if s.get("status", 0) == 0]
    assert sorted(set(taken)) == sorted(p.lstrip("+") for p in people)
    funnel = await gateway.ok("GET", "/v1/reports/funnel")
    assert funnel["steps"]["sms"]["accepted"] == len(people)


async def test_while_the_link_is_down_another_carrier_takes_it(
    line: RunningEmulator, centre: Smsc, tmp_path: Path, logged: list[Any]
) -> None:
    folder = tmp_path / "data"
    (folder / "carriers").mkdir(parents=True)
    text = DECLARATION.format(host="127.0.0.1", port=1)
    (folder / "carriers" / "relay.yaml").write_text(text)
    async with running_gateway(
        line, folder, sms_carrier="relay,emulator", sms_secrets=f"RELAY={PASSWORD}"
    ) as gateway:
        await gateway.channel()
        await gateway.template()
        await line.user("+886912345678")
        notice_id = await gateway.send("0912345678", BY_SMS)
        await gateway.settle()
        notice = await gateway.notice(notice_id)
        assert (notice["state"], notice["attempts"][-1]["carrier"]) == ("delivered", "emulator")
    assert await centre.submits() == []
    alarms = [x for x in logged if x["event"] == "alarm.raised"]
    assert {(x["kind"], x["about"]) for x in alarms} == {("carrier_down", "relay")}
    logged[:] = [x for x in logged if x not in alarms]


async def test_a_recipient_who_answers_stop_gets_no_more_sms(gateway: RunningGateway, centre: Smsc) -> None:
    notice_id = await gateway.send("0912345678", BY_SMS)
    await until_notice(gateway, notice_id, outcomes=["accepted"])
    for text in ("please don't stop", "Stop!"):
        assert (await centre.order("deliver", text=text, pdu={"source_addr_ton": 1}))["status"] == 0
    async with asyncio.timeout(20):
        while not (found := (await gateway.ok("GET", "/v1/suppressions"))["suppressions"]):
            await gateway.settle()
    assert [(x["scope"], x["reason"], x["by"]) for x in found] == [("sms", "opt_out", "sms:relay")]
    refused = await gateway.send("0912345678", BY_SMS)
    await until_notice(gateway, refused, state="refused", reason="suppressed")
    assert len(await centre.submits()) == 1
