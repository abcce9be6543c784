"""`todoke report` and its reports against a running gateway."""

from __future__ import annotations

import json

import pytest

from command_support import run
from emulator_support import RunningEmulator
from gateway_support import RunningGateway

ALONE = {"steps": [{"step": "line_notification", "wait": "24h"}]}


async def test_each_report_is_told_to_people_and_to_programs(
    line: RunningEmulator, gateway: RunningGateway
) -> None:
    user = await line.user("+886912345678", reception="not_set")
    channel_id = (await gateway.ok("GET", "/v1/channels"))["channels"][0]["line_channel_id"]
    await line.act("+886912345678", "add_friend", channel_id=channel_id)
    bound = {"channel": "Parcels", "number": "0912345678", "user_id": user["user_id"], "way": "desk"}
    await gateway.ok("POST", "/v1/bindings", bound)
    for _ in range(2):
        await gateway.send("0912345678", ALONE)
        await gateway.advance("48h")
    silence = json.loads(await run(gateway, "report", "silence", "--json"))
    assert (silence["silent"], silence["by_first_cause"]["no_consent"]) == (2, 2)
    told = await run(gateway, "report", "silence", "--channel", "Parcels")
    assert "2 silent" in told
    assert "has not agreed to notifications" in told
    assert "likelihoods, not facts" in told
    assert "Parcels" in (rate := await run(gateway, "report", "block-rate"))
    assert "0.000 %" in rate
    (channel,) = json.loads(await run(gateway, "report", "block-rate", "--json"))["channels"]
    assert sum(x["followed"] for x in channel["days"]) == 1
    grown = await run(gateway, "report", "growth")
    assert "1 new friends, 1 of them still are" in grown
    assert "desk" in grown
    assert "No number is known" in await run(gateway, "report", "number-health")
    assert json.loads(await run(gateway, "report", "number-health", "--json")) == {"numbers": []}


async def test_the_plain_report_is_as_it_was(gateway: RunningGateway) -> None:
    assert "0 notices asked for" in await run(gateway, "report")
    assert set(json.loads(await run(gateway, "report", "--json"))) == {"funnel", "cost", "latency"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("silence", "--from", "yesterday"), "is no time"),
        (("block-rate", "--from", "2026-13-01"), "is no day"),
        (("growth", "--channel", "Nope"), "no channel 'Nope'"),
    ],
)
async def test_what_cannot_be_asked_ends_the_command_with_the_reason(
    gateway: RunningGateway, arguments: tuple[str, ...], says: str
) -> None:
    assert says in await run(gateway, "report", *arguments, code=1)
