"""`todoke friends` against a running gateway."""

from __future__ import annotations

import json

from command_support import run
from gateway_support import RunningGateway


async def test_without_a_name_every_channel_is_read_and_one_that_is_refused_holds_up_no_other(
    gateway: RunningGateway,
) -> None:
    (first,) = json.loads(await run(gateway, "friends", "sync", "--wait", "--json"))["channels"]
    assert (first["channel_name"], first["sync"]["state"]) == ("Parcels", "finished")
    assert "LINE's list was read" in await run(gateway, "friends", "sync", "Parcels", "--wait")
    await gateway.channel("Bills")
    body = {"name": "A mute one", "region": "TW", "line_channel_id": "1", "secret": "s", "private_key": None}
    await gateway.ok("POST", "/v1/channels", body)
    refused = await run(gateway, "friends", "sync", "--wait", code=1)
    assert "A mute one: " in refused
    assert "access token" in refused
    shown = json.loads(await run(gateway, "friends", "show", "--json"))["channels"]
    states = {x["channel_name"]: x["sync"]["state"] for x in shown}
    assert states.pop("A mute one") != "finished"
    assert states == {"Parcels": "finished", "Bills": "finished"}


async def test_with_a_name_it_is_that_channel_alone(gateway: RunningGateway) -> None:
    shown = json.loads(await run(gateway, "friends", "show", "Parcels", "--json"))
    assert shown["counts"] == {"friend": 0, "blocked": 0, "unlisted": 0}
    assert "There is no channel 'Nope'" in await run(gateway, "friends", "show", "Nope", code=1)
