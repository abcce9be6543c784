"""Every change reaches the business's own system as a webhook that the public library verifies."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from receiver_support import Receiver, running_receiver
from review_support import apply, move
from todoke.core.announcing import CALLBACK, EVENTS
from todoke.engine.poster import Poster

PHONE, LATE, BLOCKER, UNKNOWN, GONE, SHY = (f"+88691234567{n}" for n in range(6))
SECRET = "whsec_" + "QUJD" * 11
LINE_ONLY = {"name": "line", "steps": [{"step": "line_notification", "wait": "24h"}]}
LINE_THEN_SMS = {"name": "both", "steps": [{"step": "line_notification", "wait": "4h"}, {"step": "sms"}]}
SMS_ONLY = {"name": "sms", "steps": [{"step": "sms"}]}
OWN = {"name": "own", "steps": [{"step": "callback", "wait": "1h"}]}
RARELY = {
    "name": "rarely",
    "steps": [{"step": "sms"}],
    "frequency": [{"at_most": 1, "per": "7d", "use_case": "delivery"}],
}
PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
ENDPOINTS = "/v1/webhook-endpoints"
ELSEWHERE = {"binding.confirmed"}
"""Needs the pages on which a user binds; tests/engine/test_announcements.py shows it."""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        running.secret = SECRET
        yield running


async def connect(gateway: RunningGateway, receiver: Receiver, *events: str, path: str = "") -> Any:
    body = {"url": receiver.url + path, "events": list(events or ("*",)), "secret": SECRET}
    return await gateway.ok("POST", ENDPOINTS, body)


def of(receiver: Receiver, subject: str) -> list[str]:
    """The events that tell of a notice, in the order in which they came."""
    return [b["type"].partition(".")[2] for _, b in receiver.got if b["data"].get("id") == subject]


async def settle(gateway: RunningGateway) -> None:
    """What is due is done; the second look is at what ended in the first one's moment."""
    await gateway.settle()
    await gateway.settle()


async def notices_of_every_kind(gateway: RunningGateway) -> dict[str, str]:
    """A notice for every end; their ids."""
    found = {
        "delivered": await gateway.send(PHONE, LINE_ONLY, reference="A-1001"),
        "late": await gateway.send(LATE, LINE_THEN_SMS),
        "not_delivered": await gateway.send(UNKNOWN, LINE_ONLY),
        "handed_over": await gateway.send(PHONE, OWN),
        "first": await gateway.send(BLOCKER, RARELY),
        "cancelled": await gateway.send(SHY, LINE_ONLY),
    }
    await settle(gateway)
    found["refused"] = await gateway.send(BLOCKER, RARELY)
    await gateway.ok("POST", f"/v1/notices/{found['cancelled']}/cancel")
    await gateway.advance("23h")
    await gateway.emulator.act(LATE, "agree")
    await gateway.advance("4d")
    return found


async def friends_of_every_kind(gateway: RunningGateway) -> None:
    """Somebody who adds the account, one who blocks it, and one whose block is known from LINE's list only."""
    line = gateway.emulator
    (channel,) = line.state.world.channels
    await line.user(GONE)
    for phone in (PHONE, BLOCKER, GONE):
        await line.act(phone, "add_friend", channel_id=channel)
    await settle(gateway)
    await line.act(BLOCKER, "block", channel_id=channel)
    await settle(gateway)
    await line.fault("webhook", "drop", next=1)
    await line.act(GONE, "block", channel_id=channel)
    await settle(gateway)
    await gateway.ok("POST", "/v1/channels/Parcels/friends/sync")
    await settle(gateway)


async def batches_of_every_kind(gateway: RunningGateway) -> dict[str, str]:
    rows = b"phone,name\n" + b"0912345678,x\n" * 3
    found = {}
    for name, content in {"read": rows, "failed": rows + b"x" * 9_000_000, "cancelled": rows}.items():
        status, batch = await gateway.upload(content, policy=json.dumps(SMS_ONLY))
        assert status == 202, batch
        found[name] = batch["id"]
        if name == "cancelled":
            await gateway.ok("POST", f"/v1/batches/{batch['id']}/cancel")
        await settle(gateway)
    # One an hour; paused and resumed between them.
    _, batch = await gateway.upload(rows, policy=json.dumps(SMS_ONLY), rate="1")
    await settle(gateway)
    found["planned"] = batch["id"]
    for what in ("pause", "resume", "cancel"):
        await gateway.ok("POST", f"/v1/batches/{batch['id']}/{what}")
    await settle(gateway)
    return found


async def people_of_every_kind(gateway: RunningGateway, user_id: str) -> None:
    """A message, a binding, a suppression, an alarm: each to its end."""
    hello = [{"type": "text", "text": "明天送達"}]
    await gateway.ok("POST", "/v1/messages", {"channel": "Parcels", "user_id": user_id, "messages": hello})
    body = {"channel": "Parcels", "number": PHONE, "user_id": user_id, "way": "account_link"}
    bound = await gateway.ok("POST", "/v1/bindings", body)
    await gateway.ok("POST", f"/v1/bindings/{bound['id']}/doubt")
    await gateway.ok("DELETE", f"/v1/bindings/{bound['id']}", {"why": "asked for it"})
    made = await gateway.ok("POST", "/v1/suppressions", {"number": UNKNOWN, "reason": "complaint"})
    await gateway.ok("DELETE", f"/v1/suppressions/{made['id']}", {"why": "asked again by phone"})
    await settle(gateway)
    await gateway.emulator.fault("api", "status_before", status=401, next=1, path="/bot/pnp/push")
    await gateway.send(PHONE, LINE_ONLY)
    await gateway.advance("2m")
    await gateway.ok("POST", "/v1/channels/Parcels/resume")
    await gateway.advance("2m")


async def whole_story(gateway: RunningGateway, receiver: Receiver) -> dict[str, str]:
    """Something of every kind happens; the notices' and batches' ids."""
    await connect(gateway, receiver)
    await connect(gateway, receiver, CALLBACK, path="/own")
    line = gateway.emulator
    user_id = str((await line.user(PHONE))["user_id"])
    await line.user(LATE, reception="not_set")
    await line.user(SHY, reception="not_set")
    await line.user(BLOCKER)
    await friends_of_every_kind(gateway)
    await people_of_every_kind(gateway, user_id)
    await move(gateway, await apply(gateway), "in_review", by="林怡君")
    found = await notices_of_every_kind(gateway)
    return found | {f"batch {k}": v for k, v in (await batches_of_every_kind(gateway)).items()}


async def test_every_kind_of_change_comes_as_a_webhook_that_the_library_verifies(
    gateway: RunningGateway, receiver: Receiver, logged: list[Any]
) -> None:
    found = await whole_story(gateway, receiver)
    logged[:] = [x for x in logged if x["event"] != "channel.paused"]
    came = {body["type"] for _, body in receiver.got}
    assert came == set(EVENTS) - ELSEWHERE
    assert of(receiver, found["delivered"]) == [
        "queued",
        "sending",
        "attempt",
        "waiting",
        "attempt",
        "delivered",
    ]
    assert of(receiver, found["late"])[-3:] == ["attempt", "late_proof", "late_duplicate"]
    assert "delivered" in of(receiver, found["late"])[:-3]
    for end in ("not_delivered", "handed_over", "refused", "cancelled"):
        assert of(receiver, found[end])[-1] == end
        assert of(receiver, found[end]).count(end) == 1
    assert of(receiver, found["batch read"]) == ["created", "read", "ended"]
    assert of(receiver, found["batch failed"])[:2] == ["created", "failed"]
    # Three rows are often read before anybody can cancel.
    told = [x for x in of(receiver, found["batch cancelled"]) if x != "read"]
    assert told == ["created", "cancelled", "ended"]
    told = [x for x in of(receiver, found["batch planned"]) if x != "ended"]
    assert told == ["created", "read", "started", "paused", "resumed", "cancelled"]
    assert len(set(receiver.ids)) == len(receiver.ids)
    _holds_nothing_of_a_recipient(receiver)
    _examples_are_as_it_is(receiver)


def _holds_nothing_of_a_recipient(receiver: Receiver) -> None:
    for _, body in receiver.got:
        if body["type"] != CALLBACK:
            text = json.dumps(body, ensure_ascii=False)
            assert not re.search(r"\+?886\d{9}|09\d{8}|小明|明天", text), text


def _shape(value: Any) -> Any:
    """The names in a body, at every level; what may be null counts for either."""
    if isinstance(value, dict):
        # The names of `states` are what they count.
        return {k: None if k == "states" else _shape(v) for k, v in value.items()}
    return [_shape(value[0])] if isinstance(value, list) and value else None


def _alike(example: Any, real: Any) -> bool:
    if isinstance(example, dict) and isinstance(real, dict):
        return example.keys() == real.keys() and all(_alike(example[k], real[k]) for k in example)
    return not (isinstance(example, dict) and real is not None)


def _examples_are_as_it_is(receiver: Receiver) -> None:
    """Each family of events has an example in the page, with the names that truly come."""
    examples = [json.loads(x) for x in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    shown = {x["type"]: x for x in examples if "type" in x}
    families = {x.partition(".")[0] for x in EVENTS} - {CALLBACK}
    assert {x.partition(".")[0] for x in shown} >= families
    for name, example in shown.items():
        real = [body for _, body in receiver.got if body["type"] == name]
        assert any(_alike(_shape(example), _shape(x)) for x in real), (name, example, real[:1])


def test_the_page_names_every_event() -> None:
    for event, words in EVENTS.items():
        assert f"| `{event}` |" in PAGE, event
        assert words in PAGE, words


async def test_each_event_has_a_later_sequence_than_the_one_before_it(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver, "notice.*")
    await gateway.emulator.user(PHONE)
    notice = await gateway.send(PHONE, LINE_ONLY)
    await settle(gateway)
    told = [body for _, body in receiver.got if body["data"]["id"] == notice]
    sequence = [x["sequence"] for x in told]
    assert sequence == sorted(set(sequence))
    assert [x["data"]["state"] for x in told] == ["queued", "sending", *["waiting"] * 2, *["delivered"] * 2]
    assert receiver.ids == sorted(receiver.ids)


async def test_an_endpoint_gets_what_it_chose_and_nothing_else(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    await connect(gateway, receiver, "notice.delivered", "notice.not_delivered")
    await gateway.emulator.user(PHONE)
    for phone in (PHONE, UNKNOWN):
        await gateway.send(phone, LINE_ONLY)
    await gateway.advance("25h")
    assert Counter(receiver.types()) == {"notice.delivered": 1, "notice.not_delivered": 1}


async def test_a_process_that_dies_between_the_commit_and_the_post_leaves_the_post_to_the_next_one(
    line: RunningEmulator, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def does_nothing(self: Poster) -> bool:
        return False

    await line.user(PHONE)
    with monkeypatch.context() as patch:
        patch.setattr(Poster, "step", does_nothing)
        async with running_gateway(line, tmp_path / "data") as first:
            await first.channel()
            await first.template()
            await connect(first, receiver, "notice.*")
            notice = await first.send(PHONE, LINE_ONLY)
            await first.settle()
            assert (await first.notice(notice))["state"] == "delivered"
            assert receiver.got == []
            port = int(first.url.rpartition(":")[2])
    async with running_gateway(line, tmp_path / "data", port=port) as second:
        await settle(second)
        assert of(receiver, notice)[-1] == "delivered"
        assert len(of(receiver, notice)) == 6


async def test_a_replay_keeps_the_ids_and_the_log_says_what_came_back(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    made = await connect(gateway, receiver, "notice.*")
    path = f"{ENDPOINTS}/{made['id']}"
    await gateway.emulator.user(PHONE)
    receiver.will_answer(500, 204)
    before = (await gateway.emulator.control("GET", "/clock"))["now"]
    notice = await gateway.send(PHONE, LINE_ONLY)
    await gateway.advance("1m")
    came = list(receiver.got)
    log = (await gateway.ok("GET", f"{path}/postings", about=notice))["postings"]
    assert {x["id"] for x in log} == set(receiver.ids)
    assert {x["state"] for x in log} == {"taken"}
    (queued,) = [x for x in log if x["event"] == "notice.queued"]
    assert [(x["outcome"], x["status"]) for x in queued["tries"]] == [("failed", 500), ("taken", 204)]
    assert all(x["took_ms"] >= 0 for x in queued["tries"])
    one = await gateway.ok("GET", f"{path}/postings/{queued['id']}")
    assert one["body"] == next(b for i, b in came if i == queued["id"])
    assert (await gateway.ok("POST", f"{path}/replay", {"from": str(before)}))["replayed"] == 6
    await settle(gateway)
    assert Counter(receiver.ids[len(came) :]) == Counter(set(receiver.ids))
    assert (await gateway.ok("POST", f"{path}/replay", {"from": str(before), "only_failed": True}))[
        "replayed"
    ] == 0
    await gateway.ok("POST", f"{path}/postings/{queued['id']}/replay")
    await settle(gateway)
    assert receiver.ids[-1] == queued["id"]


async def test_what_happens_while_an_endpoint_is_paused_comes_when_it_is_resumed(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    made = await connect(gateway, receiver, "notice.*")
    path = f"{ENDPOINTS}/{made['id']}"
    await gateway.emulator.user(PHONE)
    assert (await gateway.ok("POST", f"{path}/pause"))["state"] == "paused"
    notice = await gateway.send(PHONE, LINE_ONLY)
    await gateway.advance("1h")
    assert receiver.got == []
    shown = await gateway.ok("GET", path)
    assert (shown["state"], shown["paused_why"], shown["open"]) == ("paused", "paused by hand", 6)
    assert (await gateway.ok("POST", f"{path}/resume"))["state"] == "active"
    await settle(gateway)
    assert of(receiver, notice) == ["queued", "sending", "attempt", "waiting", "attempt", "delivered"]
    shown = await gateway.ok("GET", path)
    assert (shown["open"], shown["last_taken_at"] is not None) == (0, True)


async def test_a_test_says_what_came_back_and_what_to_mend(
    gateway: RunningGateway, receiver: Receiver
) -> None:
    made = await connect(gateway, receiver, "notice.*")
    path = f"{ENDPOINTS}/{made['id']}"
    told = await gateway.ok("POST", f"{path}/test")
    assert (told["taken"], told["status"], told["remedy"]) == (True, 204, None)
    assert receiver.types() == ["test"]
    receiver.will_answer(404)
    await gateway.ok("POST", f"{path}/pause")
    told = await gateway.ok("POST", f"{path}/test")
    assert (told["taken"], told["status"]) == (False, 404)
    assert "URL" in told["remedy"]
    receiver.will_answer(401)
    assert "secret" in (await gateway.ok("POST", f"{path}/test"))["remedy"]
    log = (await gateway.ok("GET", f"{path}/postings", event="test"))["postings"]
    assert [x["state"] for x in log] == ["failed", "failed", "taken"]
    assert told["webhook_id"] == log[1]["id"]


async def test_a_gateway_without_endpoints_writes_no_webhooks(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE)
    await gateway.send(PHONE, LINE_ONLY)
    await gateway.advance("25h")
    made = await gateway.ok("POST", ENDPOINTS, {"url": "https://shop.example.com/", "events": ["*"]})
    log = await gateway.ok("GET", f"{ENDPOINTS}/{made['id']}/postings")
    assert log == {"postings": []}
