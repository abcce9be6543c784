"""Idempotency-Key: the same key and body get the same answer for 24 hours of the gateway's time, and send once."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from gateway_support import RunningGateway

NOTICE = {"channel": "Parcels", "template": "parcel", "to": "0912345678", "parameters": {"name": "小明"}}
SINGLE, MANY = ("/v1/notices", NOTICE), ("/v1/notices/batch", {"notices": [NOTICE]})


async def post(gateway: RunningGateway, path: str, body: Any, key: str) -> tuple[int, Any]:
    return await gateway.call("POST", path, body, headers={"Idempotency-Key": key})


async def requests_of_line(gateway: RunningGateway) -> int:
    """How many requests reached LINE; each must stem from another notice."""
    return len(await gateway.emulator.ledger())


@pytest.mark.parametrize(("path", "body"), [SINGLE, MANY], ids=["one", "many"])
async def test_the_same_key_and_body_get_the_same_answer_for_24_hours_and_nothing_is_sent_twice(
    gateway: RunningGateway, path: str, body: Any
) -> None:
    first = await post(gateway, path, body, "order-1")
    assert first[0] == 202
    assert await post(gateway, path, body, "order-1") == first
    await gateway.advance("12h")
    assert await post(gateway, path, body, "order-1") == first
    await gateway.advance("11h")
    assert await post(gateway, path, body, "order-1") == first
    await gateway.settle()
    assert await requests_of_line(gateway) == 1


@pytest.mark.parametrize(("path", "body"), [SINGLE, MANY], ids=["one", "many"])
async def test_after_24_hours_the_key_is_new(gateway: RunningGateway, path: str, body: Any) -> None:
    first = await post(gateway, path, body, "order-1")
    await gateway.advance("24h")
    await gateway.advance("1s")
    second = await post(gateway, path, body, "order-1")
    assert second[0] == 202
    assert second != first
    await gateway.settle()
    assert await requests_of_line(gateway) == 2


async def test_the_same_key_with_another_body_is_422_and_says_what_to_do(gateway: RunningGateway) -> None:
    await post(gateway, *SINGLE, "order-1")
    status, problem = await post(gateway, "/v1/notices", {**NOTICE, "to": "0987654321"}, "order-1")
    assert (status, problem["type"]) == (422, "idempotency-key-reused")
    assert "another body" in problem["detail"]
    assert "new key" in problem["detail"]
    status, problem = await post(gateway, *MANY, "order-1")
    assert (status, problem["type"]) == (422, "idempotency-key-reused")
    await gateway.settle()
    assert await requests_of_line(gateway) == 1


async def test_order_and_white_space_of_the_json_make_no_other_body(gateway: RunningGateway) -> None:
    _, first = await post(gateway, *SINGLE, "order-1")
    headers = {
        "Authorization": f"Bearer {gateway.key}",
        "Content-Type": "application/json",
        "Idempotency-Key": "order-1",
    }
    spaced = json.dumps(dict(reversed(NOTICE.items())), indent=3, ensure_ascii=True).encode()
    async with gateway.session.post(f"{gateway.url}/v1/notices", data=spaced, headers=headers) as answer:
        assert answer.status == 202
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert await answer.json() == first


async def test_a_refused_request_does_not_use_up_its_key(gateway: RunningGateway) -> None:
    status, _ = await post(gateway, "/v1/notices", {**NOTICE, "to": "0223456789"}, "order-1")
    assert status == 422
    status, _ = await post(gateway, *SINGLE, "order-1")
    assert status == 202


async def test_the_same_key_many_times_at_once_sends_once(gateway: RunningGateway) -> None:
    answers = await asyncio.gather(*(post(gateway, *SINGLE, "order-1") for _ in range(20)))
    assert {status for status, _ in answers} == {202}
    assert len({answer["id"] for _, answer in answers}) == 1
    await gateway.settle()
    assert await requests_of_line(gateway) == 1


async def test_keys_of_two_accounts_do_not_know_each_other(gateway: RunningGateway) -> None:
    _, mine = await post(gateway, *SINGLE, "order-1")
    gateway.key = await other_account(gateway)
    status, problem = await post(gateway, *SINGLE, "order-1")
    # The other account has no such channel: the answer is its own, not the stored one.
    assert (status, problem["errors"][0]["pointer"]) == (422, "/channel")
    assert mine["id"] not in str(problem)


async def other_account(gateway: RunningGateway) -> str:
    """A key of another account on the same data folder, as `todoke keys create --account` makes it."""
    process = await asyncio.create_subprocess_exec(
        *todoke("keys", "create", "--account", "other"),
        env={"TODOKE_DATA_DIR": str(gateway.folder)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


def todoke(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from todoke.cli import main; main()", *arguments]


async def test_without_a_key_each_request_is_a_notice_of_its_own(gateway: RunningGateway) -> None:
    ids = {(await gateway.ok("POST", *SINGLE))["id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_1_to_255_characters(gateway: RunningGateway, key: str) -> None:
    status, problem = await post(gateway, *SINGLE, key)
    assert (status, problem["errors"][0]["pointer"]) == (422, "header: Idempotency-Key")
