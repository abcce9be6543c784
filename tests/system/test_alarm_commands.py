"""`todoke alarms` and `todoke webhooks` against a running gateway."""

from __future__ import annotations

import json
from pathlib import Path

from command_support import run
from gateway_support import RunningGateway

EVENTS = ("-e", "alarm.raised", "-e", "alarm.cleared")


async def test_alarms_are_shown_with_their_remedy_for_people_and_as_json(gateway: RunningGateway) -> None:
    assert "No alarm stands." in await run(gateway, "alarms")
    body = {"name": "A [red]b", "region": "TW", "line_channel_id": "1", "secret": "s", "private_key": None}
    await gateway.ok("POST", "/v1/channels", body)
    await gateway.advance("2m")
    shown = await run(gateway, "alarms")
    assert "channel_paused" in shown
    assert "The channel A [red]b is paused" in " ".join(shown.split())
    found = json.loads(await run(gateway, "alarms", "--json"))["alarms"]
    assert [x["kind"] for x in found] == ["channel_paused"]
    assert len(json.loads(await run(gateway, "alarms", "--all", "--json"))["alarms"]) == 1


async def test_an_endpoint_is_added_listed_changed_and_removed(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    assert "There is no endpoint" in await run(gateway, "webhooks", "list")
    assert "whsec_" in await run(gateway, "webhooks", "add", "https://shop.example.com/[x]", *EVENTS)
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + "QUJD" * 11 + "\n")
    made = json.loads(
        await run(
            gateway,
            *("webhooks", "add", "https://two.example.com/", *EVENTS),
            *("--secret-file", str(secret), "--json"),
        )
    )
    assert made["secret"] == secret.read_text().strip()
    listed = await run(gateway, "webhooks", "list")
    assert "https://shop.example.com/[x]" in listed
    changed = await run(gateway, "webhooks", "change", made["id"], "-e", "callback")
    assert "callback to https://two.example.com/" in changed
    await run(gateway, "webhooks", "remove", made["id"])
    assert len(json.loads(await run(gateway, "webhooks", "list", "--json"))["webhook_endpoints"]) == 1


async def test_what_is_wrong_is_said_in_one_line(gateway: RunningGateway, tmp_path: Path) -> None:
    assert "no event 'colour'" in await run(
        gateway, "webhooks", "add", "https://shop.example.com/", "-e", "colour", code=1
    )
    assert "Say what to change" in await run(gateway, "webhooks", "change", "x", code=2)
    assert "can't be read" in await run(
        gateway,
        *("webhooks", "add", "https://a.example.com/", *EVENTS, "--secret-file", str(tmp_path)),
        code=1,
    )
    assert "no webhook endpoint" in await run(gateway, "webhooks", "remove", "x", code=1)
