"""A dry run says step by step what would happen; the same send for real then does just that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import PHONE, bound, ended, later, line_then_sms, opened, skipped, sms_of, tried

ALL_STEPS = {"steps": [{"step": "line_push"}, {"step": "line_notification", "wait": "4h"}, {"step": "sms"}]}
NIGHT = [{"country": "TW", "from": "21:00", "to": "08:00"}]
MORNING = "10:30:00"
"""From the start, at half past nine in the evening, to eight in Taiwan."""


@pytest.fixture
async def gateway(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with opened(line, tmp_path / "data") as running:
        yield running


def body(policy: Any, **more: Any) -> dict[str, Any]:
    return {
        "channel": "Parcels",
        "template": "parcel",
        "to": "0912345678",
        "parameters": {"name": "小明"},
        "policy": policy,
        **more,
    }


async def said_and_done(gateway: RunningGateway, policy: Any, **more: Any) -> tuple[Any, Any]:
    """What a dry run says, and the same notice for real four days later.

    Whatever the case: a step that is said not to run is skipped for the reason said; a step that began did so when
    the dry run said, with the text it showed; and nothing was stored by asking.
    """
    said = await gateway.ok("POST", "/v1/notices", body(policy, **more), dry_run="true")
    assert (await gateway.ok("GET", "/v1/notices"))["notices"] == []
    assert await gateway.emulator.ledger() == []
    notice_id = (await gateway.ok("POST", "/v1/notices", body(policy, **more)))["id"]
    await gateway.advance("4d")
    done = await gateway.notice(notice_id)
    announced = {s["step"]: s.get("begins_at") for s in said["steps"]}
    assert {a["step"]: a["at"] for a in done["attempts"]}.items() <= announced.items()
    assert {s["step"]: s["why_not"] for s in said["steps"] if not s["would_run"]}.items() >= {
        k: v for k, v in skipped(done).items() if done["state"] != "refused"
    }.items()
    for message in await sms_of(gateway):
        assert message["text"] == next(s["text"] for s in said["steps"] if s["step"] == "sms")
    return said, done


def plan_of(said: Any) -> list[tuple[str, str | None]]:
    """Each step that would run, and how long after the start."""
    return [(s["step"], later(s.get("begins_at"))) for s in said["steps"] if s["would_run"]]


def why_not(said: Any) -> dict[str, str]:
    return {s["step"]: s["why_not"] for s in said["steps"] if not s["would_run"]}


async def test_a_stranger_who_never_agrees(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE, reception="not_set")
    said, done = await said_and_done(gateway, ALL_STEPS)
    assert plan_of(said) == [("line_notification", "0:00:00"), ("sms", "4:00:00")]
    assert why_not(said) == {"line_push": "no LINE user ID is bound to the number"}
    assert [s.get("begins_after") for s in said["steps"]] == [None, "0s", "4h"]
    assert said["recipient"]["text"] == "No LINE user is bound to the number."
    assert (said["to"], said["would_be_refused"]) == ("0912•••678", False)
    assert tried(done) == [("line_notification", "silent", "0:00:00"), ("sms", "delivered", "4:00:00")]


async def test_the_end_that_is_told_is_the_one_reached_when_nothing_proves_delivery(
    gateway: RunningGateway,
) -> None:
    await gateway.emulator.user(PHONE, reception="not_set")
    said, done = await said_and_done(gateway, {"steps": [{"step": "line_notification", "wait": "4h"}]})
    end = said["if_nothing_proves_delivery"]
    assert (end["state"], end["reason"], end["at"]) == (done["state"], done["reason"], done["ended_at"])
    assert ended(done) == ("not_delivered", "silent", "1 day, 0:10:00")


async def test_a_friend(line: RunningEmulator, gateway: RunningGateway) -> None:
    (channel,) = line.state.world.channels
    await bound(gateway, {"channel_id": channel}, "add_friend")
    said, done = await said_and_done(gateway, ALL_STEPS)
    assert said["recipient"] == {
        "user_bound": True,
        "friendship": "friend",
        "text": "A LINE user is bound to the number, a friend of the account.",
    }
    assert [s["would_run"] for s in said["steps"]] == [True, True, True]
    push = said["steps"][0]
    assert push["why"] == "Begins at once. Once it is taken nothing further is sent: no proof comes of it."
    assert push["content"]["messages"][0]["text"] == "小明 您好,您的包裹已於 8 月 7 日送達門市。"
    assert said["steps"][1]["why"].startswith("Begins only if line_push can't hand it over.")
    end = said["if_nothing_proves_delivery"]
    assert (end["state"], end["reason"], end["at"]) == ("handed_over", None, done["ended_at"])
    assert tried(done) == [("line_push", "accepted", "0:00:01")]


async def test_a_friend_who_blocked(line: RunningEmulator, gateway: RunningGateway) -> None:
    (channel,) = line.state.world.channels
    await bound(gateway, {"channel_id": channel}, "add_friend", "block")
    said, done = await said_and_done(gateway, ALL_STEPS)
    assert said["recipient"]["text"] == "A LINE user is bound to the number, has blocked the account."
    assert why_not(said) == {
        "line_push": "the user has blocked the account",
        "line_notification": "the user has blocked the account: LINE would take it and never show it",
    }
    assert why_not(said) == skipped(done)
    assert plan_of(said) == [("sms", "0:00:01")]
    assert said["steps"][2]["why"] == "Begins at once. Proof of delivery ends the notice."
    assert tried(done) == [("sms", "delivered", "0:00:01")]


async def test_quiet_hours(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE, reception="not_set")
    said, done = await said_and_done(gateway, line_then_sms("4h", quiet_hours=NIGHT))
    assert plan_of(said) == [("line_notification", MORNING), ("sms", "14:30:00")]
    assert said["steps"][0]["held"] == (
        "Quiet hours hold it from 2030-03-01T13:30:00.000Z until 2030-03-02T00:00:00.000Z."
    )
    assert "held" not in said["steps"][1]
    assert [at for _, _, at in tried(done)] == [MORNING, "14:30:00"]


async def test_a_step_whose_turn_comes_at_night(line: RunningEmulator, gateway: RunningGateway) -> None:
    await line.user(PHONE, reception="not_set")
    # The first step at once, by day; the second would come at half past eleven in the evening.
    await gateway.advance("20h")
    said, done = await said_and_done(gateway, line_then_sms("6h", quiet_hours=NIGHT))
    assert plan_of(said) == [("line_notification", "20:00:00"), ("sms", "1 day, 10:30:00")]
    assert said["steps"][1]["held"] == (
        "Quiet hours hold it from 2030-03-02T15:30:00.000Z until 2030-03-03T00:00:00.000Z."
    )
    assert [at for _, _, at in tried(done)] == ["20:00:00", "1 day, 10:30:00"]


async def test_a_deadline_before_the_second_step(gateway: RunningGateway) -> None:
    await gateway.emulator.user(PHONE, reception="not_set")
    said, done = await said_and_done(gateway, line_then_sms("4h"), deadline="1h")
    assert plan_of(said) == [("line_notification", "0:00:00"), ("sms", None)]
    assert said["steps"][1]["why"].startswith("The deadline of 1h passes before its turn comes")
    assert "the deadline is 1h" in said["policy"]["warnings"][0]
    end = said["if_nothing_proves_delivery"]
    assert (end["state"], end["reason"], later(end["at"])) == ended(done)
    assert ended(done) == ("not_delivered", "deadline", "1 day, 0:10:00")


async def test_a_deadline_within_the_night_that_holds(gateway: RunningGateway) -> None:
    policy = line_then_sms("30m", quiet_hours=NIGHT, quiet_past_deadline="hold")
    said, done = await said_and_done(gateway, policy, deadline="4h")
    assert plan_of(said) == [("line_notification", None), ("sms", None)]
    end = said["if_nothing_proves_delivery"]
    assert (end["state"], end["reason"], later(end["at"])) == ended(done)
    assert ended(done) == ("not_delivered", "deadline", "4:00:00")


async def test_a_frequency_rule(gateway: RunningGateway) -> None:
    policy = {"steps": [{"step": "sms"}], "frequency": [{"at_most": 1, "per": "7d"}]}
    assert (await gateway.ok("POST", "/v1/notices", body(policy), dry_run="true"))[
        "would_be_refused"
    ] is False
    await gateway.ok("POST", "/v1/notices", body(policy))
    await gateway.settle()
    said = await gateway.ok("POST", "/v1/notices", body(policy), dry_run="true")
    assert said["would_be_refused"] is True
    assert said["refused_why"] == "the recipient has had 1 of delivery in 7d, and the policy allows 1"
    assert said["if_nothing_proves_delivery"]["reason"] == "frequency"
    assert plan_of(said) == []
    notice_id = (await gateway.ok("POST", "/v1/notices", body(policy)))["id"]
    await gateway.settle()
    done = await gateway.notice(notice_id)
    assert (done["state"], skipped(done)) == ("refused", {"sms": said["refused_why"]})


async def test_no_step_can_run(gateway: RunningGateway) -> None:
    said, done = await said_and_done(gateway, {"steps": [{"step": "line_push"}, {"step": "callback"}]})
    assert said["would_be_refused"] is True
    assert why_not(said) == skipped(done)
    assert why_not(said)["callback"] == "the account has no endpoint for callbacks that is not paused"
    assert ended(done) == ("refused", "no_step", "0:00:00")


async def test_a_paused_channel(
    line: RunningEmulator, gateway: RunningGateway, logged: list[structlog.typing.EventDict]
) -> None:
    (channel,) = line.state.world.channels.values()
    await line.user(PHONE)
    token = channel.access_token
    await line.control("PATCH", f"/channels/{channel.channel_id}", {"access_token": None})
    first = (await gateway.ok("POST", "/v1/notices", body(line_then_sms("4h"))))["id"]
    await gateway.settle()
    said = await gateway.ok("POST", "/v1/notices", body(line_then_sms("4h")), dry_run="true")
    held = said["steps"][0]["held"]
    assert held.startswith("The channel is paused: LINE answered 401"), held
    assert "held" not in said["steps"][1]
    assert said["would_be_refused"] is False
    second = (await gateway.ok("POST", "/v1/notices", body(line_then_sms("4h"))))["id"]
    await gateway.advance("1d")
    for notice_id in (first, second):
        assert (await gateway.notice(notice_id))["state"] == "queued", "held, and no SMS goes for it"
    await line.control("PATCH", f"/channels/{channel.channel_id}", {"access_token": token})
    await gateway.ok("POST", "/v1/channels/Parcels/resume")
    await gateway.settle()
    for notice_id in (first, second):
        assert (await gateway.notice(notice_id))["state"] == "delivered"
    logged[:] = [x for x in logged if x["event"] != "channel.paused"]


async def test_by_default_the_policy_and_its_reason_stand_in_the_dry_run(gateway: RunningGateway) -> None:
    asked = {k: v for k, v in body(None).items() if k != "policy"}
    said = await gateway.ok("POST", "/v1/notices", asked, dry_run="true")
    assert said["policy"]["why"] == "the use case delivery is wanted within a day: LINE has 4h before the SMS"
    assert [s["step"] for s in said["steps"]] == ["line_push", "line_notification", "sms"]
    assert [(s.get("segments"), s.get("cost", {}).get("amount")) for s in said["steps"]] == [
        (None, None),
        (None, "0.20"),
        (1, "0.80"),
    ]
