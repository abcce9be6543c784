"""Targets of the hub over the API: what is taken, what is refused and why, and that headers are never shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from linebot.v3.webhook import SignatureValidator

from gateway_support import RunningGateway
from hub_support import System, running_system
from todoke.actions.channels import create_key, ensure_account
from todoke.actions.hub import MOST
from todoke.carriers.line.events import SIGNATURE, sign
from todoke.ids import UlidIds
from todoke.storage.database import Database

PATH = "/v1/hub-targets"
GOOD: dict[str, Any] = {"channel": "Parcels", "name": "bot", "url": "https://bot.example.com/line"}


@pytest.fixture
async def bot() -> AsyncIterator[System]:
    async with running_system() as system:
        yield system


def channel(gateway: RunningGateway) -> Any:
    """The channel as LINE has it."""
    (only,) = gateway.emulator.state.world.channels.values()
    return only


async def post(
    gateway: RunningGateway, *events: dict[str, Any], headers: dict[str, str] | None = None
) -> int:
    """LINE posts a webhook for the channel; the status of the answer."""
    at_line = channel(gateway)
    body = json.dumps({"destination": at_line.bot_user_id, "events": events}).encode()
    url = f"{gateway.url}/line/{at_line.channel_id}/webhook"
    signed = {SIGNATURE: sign(body, at_line.secret), **(headers or {})}
    async with gateway.session.post(url, data=body, headers=signed) as answer:
        return answer.status


def event(number: int) -> dict[str, Any]:
    return {
        "type": "message",
        "webhookEventId": f"01HUB{number}",
        "timestamp": 1,
        "source": {"type": "user", "userId": "U" + "1" * 32},
        "number": number,
    }


async def test_a_target_is_made_read_changed_and_removed(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "types": ["message", "message", "follow"]})
    assert (made["name"], made["url"], made["types"]) == ("bot", GOOD["url"], ["message", "follow"])
    assert (made["state"], made["lag"]) == ("ok", {"requests": 0, "seconds": 0.0})
    path = f"{PATH}/{made['id']}"
    assert await gateway.ok("GET", path) == made
    assert await gateway.ok("GET", PATH) == {"hub_targets": [made]}
    change = {"name": "chatbot", "url": "https://two.example.com/", "types": [], "headers": {"X-Key": "k"}}
    changed = await gateway.ok("PATCH", path, change)
    assert changed == {
        **made,
        "name": "chatbot",
        "url": "https://two.example.com/",
        "types": None,
        "headers": ["X-Key"],
    }
    assert (await gateway.ok("PATCH", path, {"headers": {}}))["headers"] == []
    assert (await gateway.call("DELETE", path))[0] == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert (await gateway.call(method, path, {} if method == "PATCH" else None))[0] == 404
    for what in ("pause", "resume", "test", "replay"):
        body = {"from": "2026-01-01T00:00:00Z"} if what == "replay" else None
        assert (await gateway.call("POST", f"{path}/{what}", body))[0] == 404
    assert (await gateway.call("GET", f"{path}/skips"))[0] == 404
    assert (await gateway.call("GET", f"{PATH}/not an id"))[0] == 404


async def test_the_values_of_headers_are_kept_sealed_and_never_shown(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "headers": {"Authorization": "Bearer very-secret"}})
    shown = json.dumps(made) + json.dumps(await gateway.ok("GET", PATH))
    stored = b"".join(p.read_bytes() for p in gateway.folder.glob("todoke.db*"))
    assert "very-secret" not in shown
    assert b"very-secret" not in stored
    assert made["headers"] == ["Authorization"]


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"url": "bot.example.com"}, "/url", "is no"),
    ({"url": "https://user:word@bot.example.com/"}, "/url", "user or password"),
    ({"url": "https://169.254.169.254/latest"}, "/url", "can't be meant"),
    ({"url": "https://bot.example.com/\r\nX: y"}, "/url", "invisible"),
    ({"url": "https://bot.example.com/" + "x" * 2000}, "/url", "at most 2,000"),
    ({"url": ""}, "/url", ""),
    ({"name": ""}, "/name", ""),
    ({"name": "a\nb"}, "/name", ""),
    ({"types": ["message", "no type"]}, "/types/1", "can't be a type"),
    ({"types": ["x" * 51]}, "/types/0", "can't be a type"),
    ({"types": ["t"] * 51}, "/types", "At most 50"),
    ({"headers": {"X Y": "z"}}, "/headers", "can't be the name"),
    ({"headers": {"X\r\nHost": "z"}}, "/headers", "can't be the name"),
    ({"headers": {"X": "a\r\nHost: b"}}, "/headers/X", "can't be sent"),
    ({"headers": {"X": "名"}}, "/headers/X", "can't be sent"),
    ({"headers": {"X": ""}}, "/headers/X", "can't be sent"),
    ({"headers": {"X": "a" * 2001}}, "/headers/X", "can't be sent"),
    ({"headers": {"Host": "a"}}, "/headers/Host", "leave it out"),
    ({"headers": {"content-LENGTH": "1"}}, "/headers/content-LENGTH", "leave it out"),
    ({"headers": {"Transfer-Encoding": "chunked"}}, "/headers/Transfer-Encoding", "leave it out"),
    ({"headers": {"X-Line-Signature": "a"}}, "/headers/X-Line-Signature", "leave it out"),
    ({"headers": {"Todoke-Target": "a"}}, "/headers/Todoke-Target", "leave it out"),
    ({"headers": {"A": "1", "a": "2"}}, "/headers/a", "twice"),
    ({"headers": {f"X-{n}": "1" for n in range(21)}}, "/headers", "At most 20"),
    ({"colour": "red"}, "/colour", "no such field"),
]


@pytest.mark.parametrize(("change", "pointer", "says"), BAD)
async def test_what_can_t_be_used_is_refused_with_its_place_and_the_remedy(
    gateway: RunningGateway, change: dict[str, Any], pointer: str, says: str
) -> None:
    status, problem = await gateway.call("POST", PATH, {**GOOD, **change})
    assert status == 422, problem
    found = problem["errors"][0]
    assert (found["pointer"], says in found["message"]) == (pointer, True), problem
    assert (await gateway.ok("GET", PATH))["hub_targets"] == []
    made = await gateway.ok("POST", PATH, GOOD)
    assert (await gateway.call("PATCH", f"{PATH}/{made['id']}", change))[0] == 422
    assert await gateway.ok("GET", PATH) == {"hub_targets": [made]}


async def test_the_gateway_s_own_address_is_no_target_and_what_went_in_a_circle_is_refused(
    gateway: RunningGateway,
) -> None:
    status, problem = await gateway.call("POST", PATH, {**GOOD, "url": f"{gateway.url}/line/1/webhook"})
    assert (status, "come back" in problem["detail"]) == (422, True)
    made = await gateway.ok("POST", PATH, GOOD)
    await gateway.settle()
    assert await post(gateway, event(1), headers={"Todoke-Target": made["id"]}) == 508
    other_gateway = {"Todoke-Target": "01K2W7J4E8M2P6R0T3V7X1Z5BD"}
    assert await post(gateway, event(1), headers=other_gateway) == 200


async def test_a_private_address_is_refused_where_settings_do_not_allow_it(line: Any, tmp_path: Any) -> None:
    from gateway_support import running_gateway  # noqa: PLC0415

    async with running_gateway(line, tmp_path / "strict", allow_private="no") as strict:
        await strict.channel()
        for url in (
            "http://127.0.0.1:9/",
            "https://10.0.0.1/",
            "https://localhost/",
            "http://bot.example.com/",
        ):
            status, problem = await strict.call("POST", PATH, {**GOOD, "url": url})
            assert (status, problem["errors"][0]["pointer"]) == (422, "/url"), url


async def test_a_name_is_used_once_in_a_channel_and_a_channel_has_so_many_targets(
    gateway: RunningGateway,
) -> None:
    first = await gateway.ok("POST", PATH, GOOD)
    status, problem = await gateway.call("POST", PATH, GOOD)
    assert (status, problem["errors"][0]["pointer"]) == (409, "/name")
    for number in range(1, MOST):
        await gateway.ok("POST", PATH, {**GOOD, "name": f"bot {number}"})
    assert (await gateway.call("POST", PATH, {**GOOD, "name": "one more"}))[0] == 409
    assert (await gateway.call("PATCH", f"{PATH}/{first['id']}", {"name": "bot 1"}))[0] == 409
    assert (await gateway.ok("PATCH", f"{PATH}/{first['id']}", {"name": "bot"}))["name"] == "bot"


async def test_a_target_is_another_accounts_business(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        async with database.write() as tx:
            other = await ensure_account(tx, "other", 0, UlidIds())
            _, key = await create_key(tx, other, "its key", 0, UlidIds())
    finally:
        await database.close()
    gateway.key = key
    assert await gateway.ok("GET", PATH) == {"hub_targets": []}
    status, problem = await gateway.call("POST", PATH, GOOD)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/channel")
    path = f"{PATH}/{made['id']}"
    calls = [("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/test")]
    for method, what in calls:
        assert (await gateway.call(method, path + what))[0] == 404
    gateway.key = "tdk_wrong"
    for method, what in calls:
        assert (await gateway.call(method, path + what))[0] == 401


async def test_a_test_posts_line_s_connection_check_and_says_what_came_of_it(
    gateway: RunningGateway, bot: System
) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "url": bot.url, "headers": {"X-Key": "k"}})
    found = await gateway.ok("POST", f"{PATH}/{made['id']}/test")
    assert (found["taken"], found["status"], found["detail"], found["remedy"]) == (True, 200, None, None)
    assert found["took_ms"] >= 0
    ((headers, body),) = bot.got
    at_line = channel(gateway)
    assert json.loads(body) == {"destination": "U" + "0" * 32, "events": []}
    assert SignatureValidator(at_line.secret).validate(body.decode(), headers["x-line-signature"])
    assert headers["x-key"] == "k"
    bot.answer = lambda _: 403
    await post(gateway, event(1))
    found = await gateway.ok("POST", f"{PATH}/{made['id']}/test")
    assert (found["taken"], found["status"], found["detail"]) == (False, 403, "the target said no")
    assert "secret" in found["remedy"]
    assert json.loads(bot.bodies[-1])["destination"] == at_line.bot_user_id
    endpoint = await gateway.ok("POST", "/v1/webhook-endpoints", {"url": bot.url, "events": ["notice.*"]})
    other = await gateway.ok("POST", f"/v1/webhook-endpoints/{endpoint['id']}/test")
    assert set(other) - set(found) == {"webhook_id"}


async def test_health_pause_resume_skips_and_replay_tell_how_a_target_fares(
    gateway: RunningGateway, bot: System
) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "url": bot.url})
    path = f"{PATH}/{made['id']}"
    assert await post(gateway, event(1)) == 200
    await gateway.settle()
    found = await gateway.ok("GET", path)
    assert (found["state"], found["taken"], found["failing_since"]) == ("ok", 1, None)
    paused = await gateway.ok("POST", f"{path}/pause", {"why": "moving house"})
    assert (paused["state"], paused["paused_why"]) == ("paused", "moving house")
    await post(gateway, event(2))
    await gateway.advance("1m")
    found = await gateway.ok("GET", path)
    assert (found["lag"]["requests"], found["lag"]["seconds"] >= 60) == (1, True)
    bot.answer = lambda _: 400
    assert (await gateway.ok("POST", f"{path}/resume"))["paused_at"] is None
    await gateway.advance("1m")
    assert (await gateway.ok("GET", path))["state"] == "failing"
    (skip,) = (await gateway.ok("GET", f"{path}/skips"))["skips"]
    assert (skip["status"], skip["detail"]) == (400, "the target said no")
    assert (await gateway.ok("GET", path))["skipped"] == 1
    bot.answer = lambda _: 500
    await post(gateway, event(3))
    await gateway.settle()
    found = await gateway.ok("GET", path)
    assert (found["state"], found["last_status"]) == ("failing", 500)
    assert found["next_try_at"] > found["last_failed_at"] >= found["failing_since"]
    bot.answer = lambda _: 200
    await gateway.advance("1m")
    again = await gateway.ok("POST", f"{path}/replay", {"from": made["created_at"]})
    assert again["requests"] == 3
    await gateway.settle()
    assert bot.numbers() == [1, 3, 1, 2, 3]
    assert (await gateway.ok("GET", path))["state"] == "ok"
    assert (await gateway.ok("GET", path))["replay"] is None
    text = await gateway.call("GET", "/metrics")
    assert f'todoke_hub_requests_total{{result="taken",target="{made["id"]}"}} 5.0' in text[1]
    assert bot.url not in text[1]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"from": "yesterday"}, "/from"),
        ({"from": "2026-08-07T09:30:00"}, "/from"),
        ({"from": "2999-08-07T09:30:00Z"}, "/from"),
        ({"from": "2020-01-02T00:00:00Z", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"from": "2020-01-02T00:00:00Z", "until": "soon"}, "/until"),
        ({"from": None}, "/from"),
        ({}, "/from"),
    ],
)
async def test_a_replay_needs_a_time_that_has_been(
    gateway: RunningGateway, body: dict[str, Any], pointer: str
) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    status, problem = await gateway.call("POST", f"{PATH}/{made['id']}/replay", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer), problem


async def test_a_replay_of_nothing_is_over_at_once_and_one_can_be_ended(gateway: RunningGateway) -> None:
    made = await gateway.ok("POST", PATH, GOOD)
    path = f"{PATH}/{made['id']}"
    found = await gateway.ok("POST", f"{path}/replay", {"from": "2020-01-02T00:00:00Z"})
    assert (found["requests"], found["replay"]) == (0, None)
    await gateway.ok("POST", f"{path}/pause")
    await post(gateway, event(1))
    found = await gateway.ok("POST", f"{path}/replay", {"from": made["created_at"]})
    assert (found["requests"], found["replay"]["requests_left"]) == (1, 1)
    assert (await gateway.ok("DELETE", f"{path}/replay"))["replay"] is None


async def test_skips_are_read_page_by_page_and_a_cursor_is_one_that_was_given(
    gateway: RunningGateway, bot: System
) -> None:
    made = await gateway.ok("POST", PATH, {**GOOD, "url": bot.url})
    path = f"{PATH}/{made['id']}/skips"
    bot.answer = lambda _: 400
    for number in range(3):
        await post(gateway, event(number))
    await gateway.advance("5m")
    whole = (await gateway.ok("GET", path))["skips"]
    found, more = [], {}
    while True:
        page = await gateway.ok("GET", path, limit="1", **more)
        found += page["skips"]
        if "next" not in page:
            break
        assert isinstance(page["next"], str)
        more = {"cursor": page["next"]}
    assert (found, len(found)) == (whole, 3)
    for wrong in ("1", "x1", "s", "s-1", "s" + "f" * 16):
        status, problem = await gateway.call("GET", f"{path}?cursor={wrong}")
        assert (status, problem["type"]) == (422, "invalid-cursor"), problem
