"""A notice whose step is callback goes to the business's own system, and on where that does not take it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from receiver_support import Receiver, running_receiver

NUMBER = "0912-345-678"
CALLBACK_ONLY = {"name": "own", "steps": [{"step": "callback", "wait": "1h"}]}
THEN_SMS = {"name": "own first", "steps": [{"step": "callback", "wait": "10m"}, {"step": "sms"}]}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running


async def connect(gateway: RunningGateway, receiver: Receiver, *events: str) -> Any:
    made = await gateway.ok(
        "POST", "/v1/webhook-endpoints", {"url": receiver.url, "events": list(events or ("callback",))}
    )
    receiver.secret = made["secret"]
    return made


async def nobody_at(receiver: Receiver) -> str:
    """An address of this machine where nobody listens."""
    async with running_receiver() as gone:
        return gone.url


def steps(notice: Any) -> list[tuple[str, str]]:
    return [(a["step"], a["outcome"]) for a in notice["attempts"]]


async def test_what_the_business_takes_is_handed_over(gateway: RunningGateway, receiver: Receiver) -> None:
    await connect(gateway, receiver)
    notice = await gateway.send(NUMBER, CALLBACK_ONLY, reference="A-1001")
    await gateway.settle()
    found = await gateway.notice(notice)
    assert (found["state"], steps(found)) == ("handed_over", [("callback", "accepted")])
    ((webhook_id, body),) = receiver.got
    assert body["type"] == "callback"
    data = body["data"]
    assert (data["notice"], data["to"], data["reference"]) == (notice, "+886912345678", "A-1001")
    assert (data["parameters"], data["template"]) == ({"name": "小明"}, "parcel")
    assert "小明" in data["text"]
    assert webhook_id.startswith(notice)


async def test_the_signature_is_of_real_time_however_far_virtual_time_has_come(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver)
    await gateway.advance("30d")
    notice = await gateway.send(NUMBER, CALLBACK_ONLY)
    await gateway.settle()
    # The library refuses what is five minutes old, or new: only a verified request is among these.
    assert len(receiver.got) == 1
    assert (await gateway.notice(notice))["state"] == "handed_over"


async def test_a_receiver_that_fails_twice_gets_the_same_webhook_three_times(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver)
    receiver.will_answer(500, 500, 200)
    notice = await gateway.send(NUMBER, CALLBACK_ONLY)
    await gateway.advance("1m")
    found = await gateway.notice(notice)
    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 1
    assert found["state"] == "handed_over"
    assert steps(found) == [("callback", "unknown"), ("callback", "unknown"), ("callback", "accepted")]


async def test_a_receiver_that_says_no_leaves_it_to_the_next_step(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver)
    receiver.will_answer(404)
    notice = await gateway.send(NUMBER, THEN_SMS)
    await gateway.settle()
    assert steps(await gateway.notice(notice))[:2] == [("callback", "failed"), ("sms", "delivered")]
    assert len(receiver.got) == 1


async def test_a_receiver_that_is_down_is_tried_until_the_wait_is_over_and_then_the_next_step_comes(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver)
    made = (await gateway.ok("GET", "/v1/webhook-endpoints"))["webhook_endpoints"][0]
    await gateway.ok("PATCH", f"/v1/webhook-endpoints/{made['id']}", {"url": await nobody_at(receiver)})
    notice = await gateway.send(NUMBER, THEN_SMS)
    await gateway.advance("9m")
    tried = steps(await gateway.notice(notice))
    assert len(tried) > 5
    assert set(tried) == {("callback", "failed")}
    await gateway.advance("2m")
    assert steps(await gateway.notice(notice))[-1] == ("sms", "delivered")


async def test_a_receiver_that_comes_back_gets_it_within_the_wait(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver)
    made = (await gateway.ok("GET", "/v1/webhook-endpoints"))["webhook_endpoints"][0]
    path = f"/v1/webhook-endpoints/{made['id']}"
    await gateway.ok("PATCH", path, {"url": await nobody_at(receiver)})
    notice = await gateway.send(NUMBER, THEN_SMS)
    await gateway.advance("2m")
    await gateway.ok("PATCH", path, {"url": receiver.url})
    await gateway.advance("3m")
    found = await gateway.notice(notice)
    assert (found["state"], len(receiver.got)) == ("handed_over", 1)


async def test_without_an_endpoint_the_step_is_skipped_and_the_reason_shown(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver, "alarm.raised")
    notice = await gateway.send(NUMBER, THEN_SMS)
    await gateway.settle()
    found = await gateway.notice(notice)
    assert steps(found) == [("sms", "delivered")]
    assert "the account has no endpoint for callbacks" in str(found)
    assert receiver.got == []


async def test_a_removed_endpoint_gets_no_notice(gateway: RunningGateway, receiver: Receiver) -> None:
    made = await connect(gateway, receiver)
    await gateway.ok("DELETE", f"/v1/webhook-endpoints/{made['id']}")
    notice = await gateway.send(NUMBER, THEN_SMS)
    await gateway.settle()
    assert steps(await gateway.notice(notice)) == [("sms", "delivered")]


async def test_a_private_address_is_refused_where_the_settings_say_so(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with running_gateway(line, tmp_path / "data", allow_private="no") as gateway:
        await gateway.channel()
        for url in (
            "https://127.0.0.1/hook",
            "https://10.0.0.8/",
            "https://localhost/",
            "http://shop.example.com/",
        ):
            status, problem = await gateway.call(
                "POST", "/v1/webhook-endpoints", {"url": url, "events": ["callback"]}
            )
            assert (status, problem["errors"][0]["pointer"]) == (422, "/url")
        good = {"url": "https://shop.example.com/hook", "events": ["callback"]}
        made = await gateway.ok("POST", "/v1/webhook-endpoints", good)
        status, _ = await gateway.call(
            "PATCH", f"/v1/webhook-endpoints/{made['id']}", {"url": "https://127.0.0.1/hook"}
        )
        assert status == 422


async def test_a_paused_endpoint_carries_no_notice_and_another_one_may(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    made = await connect(gateway, receiver)
    await gateway.ok("POST", f"/v1/webhook-endpoints/{made['id']}/pause")
    alone = await gateway.send(NUMBER, THEN_SMS)
    await gateway.settle()
    assert steps(await gateway.notice(alone)) == [("sms", "delivered")]
    body = {"url": receiver.url, "events": ["callback"], "secret": receiver.secret}
    await gateway.ok("POST", "/v1/webhook-endpoints", body)
    notice = await gateway.send(NUMBER, CALLBACK_ONLY)
    await gateway.settle()
    assert (await gateway.notice(notice))["state"] == "handed_over"
