"""`todoke alarms` and `todoke webhooks` against a running gateway."""

from __future__ import annotations

import json
from pathlib import Path

from command_support import run
from gateway_support import RunningGateway
from receiver_support import running_receiver

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


async def test_an_endpoint_is_tried_paused_resumed_and_given_another_secret(
    gateway: RunningGateway,
) -> None:
    async with running_receiver() as receiver:
        made = json.loads(
            await run(gateway, "webhooks", "add", receiver.url, "-e", "*", "--description", "CRM", "--json")
        )
        receiver.secret = made["secret"]
        assert "Taken: 204" in await run(gateway, "webhooks", "test", made["id"])
        receiver.will_answer(404)
        await run(gateway, "webhooks", "test", made["id"], code=1)
        receiver.will_answer(204)
        assert "Paused" in await run(gateway, "webhooks", "pause", made["id"])
        assert "is paused: paused by hand" in await run(gateway, "webhooks", "list")
        notice = await gateway.send("0912345678")
        await gateway.settle()
        resumed = await run(gateway, "webhooks", "resume", made["id"])
        assert "queued webhooks go out now" in resumed
        await gateway.settle()
        await gateway.settle()
        log = await run(gateway, "webhooks", "log", made["id"], "--about", notice, "--event", "notice.queued")
        assert "notice.queued" in log
        assert "taken" in log
        found = json.loads(await run(gateway, "webhooks", "log", made["id"], "--about", notice, "--json"))
        queued = found["postings"][-1]
        shown = json.loads(await run(gateway, "webhooks", "show", made["id"], queued["id"], "--json"))
        assert shown["body"]["data"]["id"] == notice
        count = len(receiver.got)
        assert "1 go out again" in await run(gateway, "webhooks", "replay", made["id"], queued["id"])
        await gateway.settle()
        assert len(receiver.got) == count + 1
        assert receiver.ids[-1] == queued["id"]
        again = await run(gateway, "webhooks", "replay", made["id"], "--from", "2000-01-01T00:00:00Z")
        assert "go out again" in again
        fault = await run(gateway, "webhooks", "replay", made["id"], code=2)
        assert "--from" in fault
        rotated = json.loads(await run(gateway, "webhooks", "rotate-secret", made["id"], "--json"))
        assert rotated["secret"] != made["secret"]
        assert rotated["old_secret_until"] is not None
        ended = await run(gateway, "webhooks", "rotate-secret", made["id"], "--at-once")
        assert "signs no more" in ended
