"""What LINE posts: signatures, the shape of events, batches, failures, redelivery, and trouble on order."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
from typing import Any

import pytest

from emulator_support import RunningEmulator, Sink, line_hash
from line_emulator import times
from line_emulator.posting.wire import sign

PHONE, OTHER = "+819012345678", "+819087654321"
TAG = "order-2026-00000001"


async def ready(emulator: RunningEmulator, sink: Sink, **channel: Any) -> dict[str, Any]:
    await emulator.user(PHONE)
    return await emulator.channel(webhook_url=sink.url, **channel)


async def posts(emulator: RunningEmulator) -> list[dict[str, Any]]:
    found = await emulator.control("GET", "/webhooks")
    rows: list[dict[str, Any]] = found["rows"]
    return rows


def test_the_signature_is_that_of_lines_test_vector() -> None:
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    expected = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="
    assert sign("8c570fa6dd201bb328f1c1eac23a96d8", body) == expected


async def test_a_delivery_is_reported_with_its_tag_and_without_a_source(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await ready(emulator, sink)
    await emulator.send(channel, PHONE, TAG)
    event = (await sink.got(1))[0]
    assert set(event) == {
        "type",
        "delivery",
        "webhookEventId",
        "deliveryContext",
        "timestamp",
        "mode",
    }
    assert event["type"] == "delivery"
    assert event["delivery"] == {"data": TAG}
    assert event["deliveryContext"] == {"isRedelivery": False}
    assert event["mode"] == "active"
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", event["webhookEventId"])


async def test_without_a_tag_the_event_carries_the_hashed_number(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await ready(emulator, sink)
    await emulator.send_flexible(channel, PHONE)
    event = (await sink.got(1))[0]
    assert event["delivery"] == {"data": line_hash(PHONE)}


async def test_the_body_is_signed_and_addressed_to_the_account(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await ready(emulator, sink)
    await emulator.send(channel, PHONE)
    await sink.got(1)
    headers, body = sink.requests[0]
    digest = hmac.new(channel["channel_secret"].encode(), body, hashlib.sha256).digest()
    assert headers["x-line-signature"] == base64.b64encode(digest).decode()
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(body)["destination"] == channel["bot_user_id"]


async def test_no_event_comes_before_the_user_sees_the_message(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE, reception="not_set", verified=False)
    await emulator.clock(mode="paused")
    await emulator.send(channel, PHONE, TAG)
    await emulator.act(PHONE, "agree")
    await emulator.clock(advance="1h")
    assert sink.events == []
    await emulator.act(PHONE, "enter_pin", pin=await emulator.pin(PHONE))
    await sink.got(1)
    await emulator.clock(advance="24h")
    assert [event["delivery"]["data"] for event in sink.events] == [TAG]
    row = (await emulator.ledger())[0]
    assert row["seen_at"] == row["event_at"]


async def test_events_that_wait_travel_together_ten_at_most(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await ready(emulator, sink)
    sink.hold = asyncio.Event()
    await asyncio.gather(*(emulator.send(channel, PHONE) for _ in range(40)))
    sink.hold.set()
    await sink.got(40)
    sizes = [len(json.loads(body)["events"]) for _, body in sink.requests]
    assert max(sizes) == 10
    assert len({event["webhookEventId"] for event in sink.events}) == 40


async def test_following_blocking_and_unblocking_are_reported(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await ready(emulator, sink)
    user = await emulator.user(OTHER)
    for action in ("add_friend", "block", "unblock"):
        await emulator.act(OTHER, action, channel_id=channel["channel_id"])
    events = await sink.got(3)
    assert sorted(event["type"] for event in events) == ["follow", "follow", "unfollow"]
    assert {event["source"]["userId"] for event in events} == {user["user_id"]}
    follows = {event["follow"]["isUnblocked"] for event in events if event["type"] == "follow"}
    assert follows == {False, True}
    assert all(("replyToken" in event) is (event["type"] == "follow") for event in events)


async def test_a_user_who_is_no_friend_can_write_and_tap(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await ready(emulator, sink)
    await emulator.act(PHONE, "send_message", channel_id=channel["channel_id"], text="Where is it?")
    await emulator.act(PHONE, "tap", channel_id=channel["channel_id"], target="action=track")
    await emulator.act(PHONE, "tap", channel_id=channel["channel_id"], target="https://shop.example/")
    events = {event["type"]: event for event in await sink.got(2)}
    assert events["message"]["message"]["text"] == "Where is it?"
    assert events["postback"]["postback"] == {"data": "action=track"}
    assert all("replyToken" in event for event in events.values())


async def test_a_channel_without_a_webhook_url_posts_nothing(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await emulator.channel(redelivery=True)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.send(channel, PHONE)
    await emulator.control("PATCH", f"/channels/{channel['channel_id']}", {"webhook_url": sink.url})
    await emulator.clock(advance="24h")
    assert await posts(emulator) == []
    assert (await emulator.ledger())[0]["event_at"] is None


async def test_making_a_channel_posts_nothing_to_its_webhook(emulator: RunningEmulator, sink: Sink) -> None:
    await emulator.clock(mode="paused")
    await ready(emulator, sink)
    await emulator.clock(advance="1h")
    assert sink.requests == []


@pytest.mark.parametrize("status", [201, 301, 400, 500])
async def test_any_status_but_200_is_logged_as_an_error(
    emulator: RunningEmulator, sink: Sink, status: int
) -> None:
    sink.status = status
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="1s")
    post = (await posts(emulator))[0]
    assert (post["status"], post["reason"]) == (status, "error_status_code")


async def test_a_refused_connection_is_logged_and_the_event_did_not_come(emulator: RunningEmulator) -> None:
    await emulator.clock(mode="paused")
    channel = await emulator.channel(webhook_url="http://127.0.0.1:9/")
    await emulator.user(PHONE)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="1s")
    assert (await posts(emulator))[0]["reason"] == "could_not_connect"
    assert (await emulator.ledger())[0]["event_at"] is None


async def test_no_answer_within_two_seconds_is_a_time_out(emulator: RunningEmulator, sink: Sink) -> None:
    sink.hold = asyncio.Event()
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="1s")
    post = (await posts(emulator))[0]
    assert post["reason"] == "request_timeout"
    assert 1900 <= post["duration_ms"] < 4000


async def test_redelivery_is_off_by_default(emulator: RunningEmulator, sink: Sink) -> None:
    sink.status = 500
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="7d")
    assert len(sink.requests) == 1


async def test_a_failed_webhook_comes_again_with_the_same_id_and_timestamp(
    emulator: RunningEmulator, sink: Sink
) -> None:
    sink.status = 500
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink, redelivery=True)
    await emulator.send(channel, PHONE, TAG)
    await emulator.clock(advance="2m")
    sink.status = 200
    await emulator.clock(advance="24h")
    first, second, third = sink.events
    assert not first["deliveryContext"]["isRedelivery"]
    for again in (second, third):
        assert again == {**first, "deliveryContext": {"isRedelivery": True}}
    log = await posts(emulator)
    assert [post["redelivery"] for post in log] == [False, True, True]
    assert [post["reason"] for post in log] == ["error_status_code", "error_status_code", None]


async def test_redelivery_gives_up_in_the_end(emulator: RunningEmulator, sink: Sink) -> None:
    sink.status = 500
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink, redelivery=True)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="30d")
    assert len(sink.requests) == 7


async def test_redelivery_follows_the_channels_own_schedule(emulator: RunningEmulator, sink: Sink) -> None:
    sink.status = 500
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink, redelivery=True, redelivery_schedule=["90s", "0s", "2d"])
    assert channel["redelivery_schedule"] == ["90s", "0s", "2d"]
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="30d")
    at = [times.parse(post["at"]) for post in await posts(emulator)]
    assert [time - at[0] for time in at] == [0, 90_000, 90_000, 90_000 + 172_800_000]


async def test_an_empty_schedule_means_no_redelivery_and_null_the_emulators_own(
    emulator: RunningEmulator, sink: Sink
) -> None:
    sink.status = 500
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink, redelivery=True, redelivery_schedule=[])
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="30d")
    assert len(sink.requests) == 1
    path = f"/channels/{channel['channel_id']}"
    changed = await emulator.control("PATCH", path, {"redelivery_schedule": None})
    assert changed["redelivery_schedule"] is None
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="30d")
    assert len(sink.requests) == 1 + 7


@pytest.mark.parametrize(
    "values",
    [
        {"webhook_mode": "asleep"},
        {"redelivery_schedule": ["soon"]},
        {"redelivery_schedule": ["1m"] * 101},
        {"redelivery_schedule": "1m"},
        {"switcher_secret": ""},
        {"switcher_secret": "é"},
    ],
)
async def test_webhook_settings_that_make_no_sense_are_400_with_the_remedy(
    emulator: RunningEmulator, values: dict[str, Any]
) -> None:
    body = {"name": "Shop", "region": "JP", **values}
    refused = await emulator.control("POST", "/channels", body, expect=400)
    assert next(iter(values)) in refused["message"]


async def test_a_dropped_webhook_never_comes_though_the_user_saw_the_message(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    await emulator.fault("webhook", "drop", next=1)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="24h")
    assert sink.requests == []
    row = (await emulator.ledger())[0]
    assert (row["fate"], row["event_at"]) == ("delivered", None)


async def test_a_duplicated_webhook_comes_twice_with_one_id(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await ready(emulator, sink)
    await emulator.fault("webhook", "duplicate", next=1)
    await emulator.send(channel, PHONE)
    first, second = await sink.got(2)
    assert first == second


async def test_a_delayed_webhook_comes_after_its_virtual_time(emulator: RunningEmulator, sink: Sink) -> None:
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    await emulator.fault("webhook", "delay", ms=3_600_000, next=1)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="59m")
    assert sink.requests == []
    await emulator.clock(advance="1m")
    assert len(sink.events) == 1


async def test_in_real_mode_a_delayed_webhook_comes_by_itself(emulator: RunningEmulator, sink: Sink) -> None:
    channel = await ready(emulator, sink)
    await emulator.fault("webhook", "delay", ms=30, next=1)
    await emulator.send(channel, PHONE)
    assert len(await sink.got(1)) == 1


async def test_a_reordered_webhook_is_overtaken_by_the_next(emulator: RunningEmulator, sink: Sink) -> None:
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    await emulator.fault("webhook", "reorder", next=1)
    for number in (1, 2):
        await emulator.send(channel, PHONE, f"order-2026-0000000{number}")
    await sink.got(2)
    assert [event["delivery"]["data"][-1] for event in sink.events] == ["2", "1"]


async def test_a_reordered_webhook_that_nobody_overtakes_comes_by_itself(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    await emulator.fault("webhook", "reorder", next=1)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="1m")
    assert len(sink.events) == 1


async def test_the_receivers_answer_can_be_made_to_fail_before_or_after_it_got_the_event(
    emulator: RunningEmulator, sink: Sink
) -> None:
    await emulator.clock(mode="paused")
    channel = await ready(emulator, sink)
    for kind, received in (("disconnect_before", 0), ("status_before", 0), ("disconnect_after", 1)):
        sink.requests.clear()
        await emulator.fault("webhook", kind, next=1, status=503)
        await emulator.send(channel, PHONE)
        await emulator.clock(advance="1s")
        assert len(sink.requests) == received
    reasons = [post["reason"] for post in await posts(emulator)]
    assert reasons == ["could_not_connect", "error_status_code", "request_timeout"]
