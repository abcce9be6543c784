"""A recipient answers an SMS with a word: from then on no SMS goes to them, until they take it back."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from gateway_support import RunningGateway

NUMBER = "+886912345678"
BY_SMS = {"steps": [{"step": "sms"}]}


async def says(gateway: RunningGateway, text: str, number: str = NUMBER) -> None:
    path = f"/users/%2B{number.removeprefix('+')}/actions"
    await gateway.emulator.control("POST", path, {"action": "send_sms", "text": text})
    await gateway.settle()


async def standing(gateway: RunningGateway) -> list[tuple[str, str, str, str]]:
    rows = (await gateway.ok("GET", "/v1/suppressions"))["suppressions"]
    return [(x["scope"], x["reason"], x["note"], x["by"]) for x in rows]


async def texts(gateway: RunningGateway) -> int:
    """How many SMS the gateway has sent."""
    rows = (await gateway.emulator.control("GET", "/sms"))["rows"]
    return sum(1 for x in rows if x["to"] == NUMBER)


async def post(
    gateway: RunningGateway, body: Any, carrier: str = "emulator", token: str | None = None
) -> int:
    """A reply as a carrier posts it; without `token` with the right one."""
    key = (gateway.folder / "receipt.key").read_text().strip() if token is None else token
    url = f"{gateway.url}/sms/{carrier}/replies"
    headers = {"Authorization": f"Bearer {key}"}
    async with gateway.session.post(url, json=body, headers=headers) as answer:
        await answer.read()
        return answer.status


def reply(text: str, **more: str) -> dict[str, str]:
    return {"type": "reply", "id": "r1", "from": NUMBER, "to": "SMS", "text": text, **more}


def kept(gateway: RunningGateway) -> str:
    """All that the inbox holds."""
    with sqlite3.connect(f"file:{gateway.folder / 'todoke.db'}?mode=ro", uri=True) as db:
        rows = db.execute("select carrier, headers, body from inbox").fetchall()
    return "\n".join(f"{carrier} {headers} {bytes(body).decode()}" for carrier, headers, body in rows)


async def test_stop_ends_sms_and_start_brings_them_back(gateway: RunningGateway) -> None:
    sent = await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    assert (await gateway.notice(sent))["state"] == "delivered"
    await says(gateway, "ｓｔｏｐ！")
    assert await standing(gateway) == [("sms", "opt_out", "STOP, by SMS to emulator", "sms:emulator")]
    refused = await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    ended = await gateway.notice(refused)
    assert (ended["state"], ended["reason"]) == ("refused", "suppressed")
    assert await texts(gateway) == 1, "no SMS confirms it either"
    await says(gateway, "START")
    assert await standing(gateway) == []
    last = (await gateway.ok("GET", "/v1/suppressions", ended="true"))["suppressions"]
    assert [x["removed_why"] for x in last] == ["START, by SMS to emulator"]
    again = await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    assert (await gateway.notice(again))["state"] == "delivered"


@pytest.mark.parametrize("text", ["退訂", "取消訂閱，謝謝", "ยกเลิกครับ", "配信停止してください"])
async def test_every_countrys_word_counts(gateway: RunningGateway, text: str) -> None:
    await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    await says(gateway, text)
    assert [x[:2] for x in await standing(gateway)] == [("sms", "opt_out")]
    assert text not in kept(gateway) or text == "退訂", "the word as the table has it, never the text"


async def test_a_sentence_changes_nothing_and_is_kept_nowhere(gateway: RunningGateway) -> None:
    await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    before = kept(gateway)
    assert "emulator" in before, "its receipt"
    await says(gateway, "請問可以停止配送嗎 PIN 4711")
    assert await standing(gateway) == []
    assert kept(gateway) == before


async def test_other_steps_go_on_after_a_stop(gateway: RunningGateway) -> None:
    await gateway.emulator.control(
        "POST", "/users", {"phone": NUMBER, "reception": "agree", "verified": True}
    )
    await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    await says(gateway, "STOP")
    sent = await gateway.send(NUMBER)
    await gateway.settle()
    assert (await gateway.notice(sent))["state"] == "delivered"


async def test_a_reply_that_is_posted_twice_counts_once(gateway: RunningGateway) -> None:
    await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    assert await post(gateway, reply("STOP", at="2026-08-07T02:00:00Z")) == 200
    await gateway.settle()
    await says(gateway, "START")
    assert await standing(gateway) == []
    assert await post(gateway, reply("STOP", at="2026-08-07T02:00:00Z")) == 200
    await gateway.settle()
    assert await standing(gateway) == [], "the same event a second time"


async def test_a_start_that_was_written_before_the_stop_takes_nothing_back(gateway: RunningGateway) -> None:
    await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    await says(gateway, "STOP")
    assert await post(gateway, reply("START", id="r2", at="2020-01-01T00:00:00Z")) == 200
    await gateway.settle()
    assert len(await standing(gateway)) == 1


async def test_start_does_not_end_what_others_said(gateway: RunningGateway) -> None:
    await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    for scope, reason in (("all", "manual"), ("sms", "complaint")):
        await gateway.ok("POST", "/v1/suppressions", {"number": NUMBER, "scope": scope, "reason": reason})
    await says(gateway, "START")
    assert sorted(x[1] for x in await standing(gateway)) == ["complaint", "manual"]


async def test_nobody_but_the_carrier_is_believed(
    gateway: RunningGateway, logged: list[dict[str, Any]]
) -> None:
    await gateway.send(NUMBER, BY_SMS)
    await gateway.settle()
    assert await post(gateway, reply("STOP"), token="wrong") == 401
    assert await post(gateway, reply("STOP"), carrier="foreign") == 404
    assert await post(gateway, "{") == 400
    async with gateway.session.post(f"{gateway.url}/sms/emulator/replies", json=reply("STOP")) as answer:
        assert answer.status == 401
    await gateway.settle()
    assert await standing(gateway) == []
    assert "912345678" not in str(logged)


async def test_a_word_from_a_number_that_nobody_wrote_to_changes_nothing(gateway: RunningGateway) -> None:
    assert await post(gateway, reply("STOP", **{"from": "+886987654321"})) == 200
    await gateway.settle()
    assert await standing(gateway) == []
    metrics = await gateway.ok("GET", "/metrics")
    assert 'todoke_opt_outs_total{came_of="nothing"}' in metrics


async def test_line_s_block_is_no_suppression(gateway: RunningGateway) -> None:
    made = (await gateway.emulator.control("GET", "/channels"))["channels"][0]["channel_id"]
    await gateway.emulator.control(
        "POST", "/users", {"phone": NUMBER, "reception": "agree", "verified": True}
    )
    for action in ("add_friend", "block"):
        path = f"/users/%2B{NUMBER[1:]}/actions"
        await gateway.emulator.control("POST", path, {"action": action, "channel_id": made})
    await gateway.settle()
    assert await standing(gateway) == []
