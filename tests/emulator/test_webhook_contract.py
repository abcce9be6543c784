"""Every body that is posted, against LINE's own webhook.yml: first and redelivered, active and standby."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest
import yaml

from contract_overlay import FAST
from emulator_support import RunningEmulator, Sink
from line_emulator.posting.wire import sign

PHONE, OTHER = "+819012345678", "+819087654321"
TAG = "order-2026-00000001"
CONTRACT = yaml.load((Path(__file__).parent / "contracts" / "webhook.yml").read_text(), FAST)
SCHEMAS = CONTRACT["components"]["schemas"]
POSTED = {"delivery", "follow", "unfollow", "message", "postback", "accountLink"}
REPLYABLE = {"follow", "message", "postback", "accountLink"}


def named(ref: str) -> str:
    return ref.rpartition("/")[2]


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    """All properties of a schema, with those that it takes over from others."""
    if "$ref" in schema:
        return properties(SCHEMAS[named(schema["$ref"])])
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        found |= properties(part)
    return found


def faults(value: Any, schema: dict[str, Any], place: str) -> list[str]:
    """What LINE's schema says against a value: as JSON Schema, and properties that it does not know at all.

    JSON Schema knows no discriminator, so the schema of the value's own `type` is looked up here.
    """
    if "$ref" in schema:
        schema = SCHEMAS[named(schema["$ref"])]
    if "discriminator" in schema and isinstance(value, dict):
        kind = schema["discriminator"]["mapping"].get(value.get("type"))
        if kind is None:
            return [f"{place}: the type {value.get('type')} is unknown"]
        schema = SCHEMAS[named(kind)]
    validator = jsonschema_rs.Draft4Validator({**schema, "components": CONTRACT["components"]})
    found = [f"{place}: {error.message}" for error in validator.iter_errors(value)]
    known = properties(schema)
    if isinstance(value, dict) and known:
        found += [f"{place}.{name} is not in the schema" for name in value if name not in known]
        for name, part in value.items():
            found += faults(part, known.get(name, {}), f"{place}.{name}")
    if isinstance(value, list):
        for number, part in enumerate(value):
            found += faults(part, schema.get("items", {}), f"{place}[{number}]")
    return found


async def cause_everything(emulator: RunningEmulator, channel: dict[str, Any]) -> None:
    """One event of each kind that the emulator posts, and both ends of an account link."""
    here = {"channel_id": channel["channel_id"]}
    await emulator.send(channel, PHONE, TAG)
    await emulator.send_flexible(channel, PHONE)
    await emulator.act(PHONE, "add_friend", **here)
    await emulator.act(PHONE, "block", **here)
    await emulator.act(PHONE, "unblock", **here)
    await emulator.act(PHONE, "send_message", text='Where is "it"? \U0001f600', **here)
    await emulator.act(PHONE, "tap", target="action=again&order=1", **here)
    user_id = (await emulator.control("GET", "/users/%2B819012345678"))["user_id"]
    await emulator.user(OTHER)
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    for opener in (PHONE, OTHER):
        path = f"/v2/bot/user/{user_id}/linkToken"
        token = (await emulator.request("POST", path, headers=headers)).json["linkToken"]
        query = urlencode({"linkToken": token, "nonce": "n0nce-of-the-business", "_phone": opener})
        assert (await emulator.request("GET", f"/dialog/bot/accountLink?{query}")).status == 200


@pytest.mark.parametrize("mode", ["active", "standby"])
async def test_every_event_is_as_lines_contract_has_it_first_and_redelivered(
    emulator: RunningEmulator, sink: Sink, mode: str
) -> None:
    await emulator.user(PHONE)
    channel = await emulator.channel(
        webhook_url=sink.url, webhook_mode=mode, redelivery=True, redelivery_schedule=["1m"]
    )
    await emulator.clock(mode="paused")
    sink.status = 500
    await cause_everything(emulator, channel)
    await emulator.clock(advance="1m")
    bodies = [json.loads(body) for _, body in sink.requests]
    schema = CONTRACT["paths"]["/callback"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    found = [fault for body in bodies for fault in faults(body, schema, "body")]
    if mode == "standby":
        # The contract asks for a reply token in every follow; the reference says that standby mode has none.
        follows = sum(event["type"] == "follow" for event in sink.events)
        missing = [fault for fault in found if fault.endswith('"replyToken" is a required property')]
        assert len(missing) == follows > 0
        found = [fault for fault in found if fault not in missing]
    assert found == []
    first, again = [
        [event for event in sink.events if event["deliveryContext"]["isRedelivery"] is redelivered]
        for redelivered in (False, True)
    ]
    assert {event["type"] for event in first} == POSTED
    assert {event["mode"] for event in first} == {mode}
    ids = [event["webhookEventId"] for event in first]
    assert sorted(ids) == sorted(set(event["webhookEventId"] for event in again))
    same = {event["webhookEventId"]: event for event in again}
    for event in first:
        assert same[event["webhookEventId"]] == event | {"deliveryContext": {"isRedelivery": True}}


@pytest.mark.parametrize("mode", ["active", "standby"])
async def test_only_an_active_channel_gets_reply_tokens_and_never_with_a_failed_link(
    emulator: RunningEmulator, sink: Sink, mode: str
) -> None:
    await emulator.user(PHONE)
    channel = await emulator.channel(webhook_url=sink.url, webhook_mode=mode)
    await cause_everything(emulator, channel)
    for event in await sink.got(9):
        failed = event["type"] == "accountLink" and event["link"]["result"] == "failed"
        wanted = mode == "active" and event["type"] in REPLYABLE and not failed
        assert ("replyToken" in event) is wanted
        assert ("source" in event) is (event["type"] != "delivery" and not failed)


async def test_with_a_switcher_secret_that_signs_webhooks_in_place_of_the_channel_secret(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await emulator.user(PHONE)
    channel = await emulator.channel(webhook_url=sink.url, switcher_secret="of-chat-plus")
    await emulator.send(channel, PHONE)
    await sink.got(1)
    path = f"/channels/{channel['channel_id']}"
    await emulator.request(
        "POST", "/v2/bot/channel/webhook/test", b"", {"Authorization": f"Bearer {channel['access_token']}"}
    )
    changed = await emulator.control("PATCH", path, {"switcher_secret": None})
    assert changed["switcher_secret"] is None
    await emulator.send(channel, PHONE)
    await sink.until(lambda: len(sink.requests) == 3)
    signatures = [headers["x-line-signature"] for headers, _ in sink.requests]
    secrets = ["of-chat-plus", "of-chat-plus", channel["channel_secret"]]
    pairs = zip(secrets, sink.requests, strict=True)
    assert signatures == [sign(secret, body) for secret, (_, body) in pairs]


async def test_a_contract_finds_what_is_wrong_with_a_body() -> None:
    """The check above would be worth nothing if it found nothing."""
    schema = SCHEMAS["CallbackRequest"]
    event = {
        "type": "follow",
        "timestamp": 1,
        "mode": "active",
        "webhookEventId": "x",
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "x",
        "follow": {"isUnblocked": False},
    }
    body = {"destination": "U" + "0" * 32, "events": [event]}
    assert faults(body, schema, "body") == []
    for wrong in (
        {"mode": "asleep"},
        {"follow": {}},
        {"timestamp": "now"},
        {"type": "stroll"},
        {"extra": 1},
        {"source": {"type": "user", "userId": 5}},
    ):
        assert faults({**body, "events": [event | wrong]}, schema, "body") != [], wrong
    assert faults({**body, "destination": "me"}, schema, "body") != []
