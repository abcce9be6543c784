"""LINE's side over HTTP: tokens, rate limits, bodies, headers, counts, and which refusal comes first."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emulator_support import FLEXIBLE_PATH, TEMPLATE_PATH, RunningEmulator, line_hash

PHONE = "+819012345678"
TAG = "order-2026-00000001"
BODY = {"to": line_hash(PHONE), "templateKey": "shipment_completed_ja"}
TEXT = {"to": line_hash(PHONE), "messages": [{"type": "text", "text": "x"}]}


def auth(channel: dict[str, Any], **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {channel['access_token']}", **more}


async def test_a_template_notification_is_answered_202_and_a_flexible_one_200(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    template = await emulator.send(channel, PHONE)
    flexible = await emulator.send_flexible(channel, PHONE)
    assert (template.status, template.body) == (202, b"{}")
    assert (flexible.status, flexible.body) == (200, b"{}")


async def test_a_number_that_cannot_be_reached_is_422_in_lines_words(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    for reply in (await emulator.send(channel, PHONE), await emulator.send_flexible(channel, PHONE)):
        assert (reply.status, reply.json) == (422, {"message": "Failed to send messages"})


async def test_every_answer_of_lines_side_carries_a_request_id_of_its_own(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    replies = [
        await emulator.send(channel, PHONE),
        await emulator.request("POST", TEMPLATE_PATH, BODY),
        await emulator.request("GET", "/v2/nonsense"),
        await emulator.get(channel, "/v2/bot/info"),
    ]
    found = {reply.headers["x-line-request-id"] for reply in replies}
    assert len(found) == 4
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in found)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing authorization header"),
        ("Basic abc", "invalid authorization header"),
        ("Bearer wrong", "invalid token"),
        ("Bearer ", "invalid token"),
    ],
)
async def test_a_missing_or_wrong_token_is_401_with_its_reason(
    emulator: RunningEmulator, header: str | None, reason: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    reply = await emulator.request("POST", TEMPLATE_PATH, BODY, headers)
    assert reply.status == 401
    assert reply.json["message"].startswith(f"Authentication failed due to the following reason: {reason}")


async def test_a_revoked_token_is_refused_and_a_new_one_works(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    path = f"/channels/{channel['channel_id']}"
    await emulator.control("PATCH", path, {"access_token": None})
    assert (await emulator.send(channel, PHONE)).status == 401
    await emulator.control("PATCH", path, {"access_token": "a-new-token"})
    reply = await emulator.get({"access_token": "a-new-token"}, "/v2/bot/info")
    assert reply.status == 200


async def test_the_scheme_of_the_token_may_be_written_in_any_case(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    headers = {"Authorization": f"bearer {channel['access_token']}"}
    assert (await emulator.request("GET", "/v2/bot/info", headers=headers)).status == 200


async def test_an_account_without_access_to_the_api_is_403(emulator: RunningEmulator) -> None:
    expected = {"message": "Access to this API is not available for your account"}
    grey = await emulator.channel(badge="grey")
    none = await emulator.channel(templates=[], flexible=False)
    for channel in (grey, none):
        for reply in (await emulator.send(channel, PHONE), await emulator.send_flexible(channel, PHONE)):
            assert (reply.status, reply.json) == (403, expected)


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [(b'{"to": x}', 1, 8), (b'{\n "to": "a",\n}', 3, 1), (b"", 1, 1), (b"[]", 1, 1), (b"\xff", 1, 1)],
)
async def test_a_body_that_is_no_json_object_is_400_with_line_and_column(
    emulator: RunningEmulator, body: bytes, line: int, column: int
) -> None:
    channel = await emulator.channel()
    reply = await emulator.request("POST", TEMPLATE_PATH, body, auth(channel))
    message = f"The request body could not be parsed as JSON (line: {line}, column: {column})"
    assert (reply.status, reply.json) == (400, {"message": message})


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "application/jsonp"],
)
async def test_another_content_type_is_415(emulator: RunningEmulator, kind: str) -> None:
    channel = await emulator.channel()
    headers = auth(channel, **{"Content-Type": kind})
    reply = await emulator.request("POST", TEMPLATE_PATH, b"{}", headers)
    assert (reply.status, reply.json) == (415, {"message": f"The content type, {kind}, is not supported"})


async def test_json_with_a_charset_is_accepted(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    assert (await emulator.send(channel, PHONE, headers=headers)).status == 202


async def test_a_body_over_2_mb_is_413_by_its_announced_length(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    reply = await emulator.request("POST", FLEXIBLE_PATH, b" " * (3 * 1024 * 1024), auth(channel))
    assert reply.status == 413
    assert "message" in reply.json


async def test_a_body_over_2_mb_is_413_while_it_streams(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    headers = auth(channel, **{"Content-Type": "application/json"})
    url = emulator.url + FLEXIBLE_PATH
    async with emulator.session.post(url, data=endless(), headers=headers) as answer:
        assert answer.status == 413


async def test_a_body_of_just_2_mb_is_read(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    body = b'{"to": 5}'.ljust(2 * 1024 * 1024)
    reply = await emulator.request("POST", FLEXIBLE_PATH, body, auth(channel))
    assert reply.status == 400


async def test_a_deeply_nested_body_is_400(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    body = b"[" * 100_000 + b"]" * 100_000
    assert (await emulator.request("POST", TEMPLATE_PATH, body, auth(channel))).status == 400


@pytest.mark.parametrize("path", [TEMPLATE_PATH, FLEXIBLE_PATH])
async def test_a_retry_key_is_refused_on_notifications(emulator: RunningEmulator, path: str) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    headers = auth(channel, **{"X-Line-Retry-Key": "123e4567-e89b-12d3-a456-426614174000"})
    body = BODY if path == TEMPLATE_PATH else TEXT
    reply = await emulator.request("POST", path, body, headers)
    assert reply.status == 400
    assert "X-Line-Retry-Key" in reply.json["message"]
    assert await emulator.ledger() == []


@pytest.mark.parametrize(("length", "fine"), [(15, False), (16, True), (100, True), (101, False)])
async def test_a_delivery_tag_has_16_to_100_characters(
    emulator: RunningEmulator, length: int, fine: bool
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    for reply in (
        await emulator.send(channel, PHONE, "t" * length),
        await emulator.send_flexible(channel, PHONE, "t" * length),
    ):
        assert (reply.status < 300) is fine
        if not fine:
            assert reply.status == 400
            assert "X-Line-Delivery-Tag" in reply.json["message"]


async def test_over_the_rate_limit_it_is_429_per_channel_and_endpoint(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(rate_limit=3)
    other = await emulator.channel(rate_limit=3)
    replies = await asyncio.gather(*(emulator.send(channel, PHONE) for _ in range(20)))
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) >= 12
    assert refused[0].json == {"message": "The API rate limit has been exceeded. Try again later."}
    assert (await emulator.send_flexible(channel, PHONE)).status == 422
    assert (await emulator.send(other, PHONE)).status == 422


async def test_a_rate_counts_by_method_and_path_pattern_whatever_stands_in_the_path(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(rate_limit=1)
    first, second = [f"/v2/bot/profile/U{digit * 32}" for digit in "01"]
    assert (await emulator.get(channel, first)).status == 404
    assert (await emulator.get(channel, second)).status == 429
    default = await emulator.control("POST", "/channels", {"name": "Other", "region": "TW"})
    assert default["rate_limit"] == 2000


async def test_the_webhook_url_is_read_1000_times_a_minute_and_set_as_often(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel(webhook_url="https://shop.example/")
    path, started = "/v2/bot/channel/webhook/endpoint", time.monotonic()
    statuses = [(await emulator.get(channel, path)).status for _ in range(1000)]
    assert set(statuses) == {200}
    while (await emulator.get(channel, path)).status == 200:
        statuses.append(200)
    refilled = (time.monotonic() - started) * 1000 / 60
    assert len(statuses) <= 1000 + refilled + 1
    body = {"endpoint": "https://shop.example/"}
    assert (await emulator.request("PUT", path, body, auth(channel))).status == 200


async def test_rate_limits_refill_in_real_time_not_in_virtual_time(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(webhook_url="http://127.0.0.1:9/")
    path = "/v2/bot/channel/webhook/test"
    await emulator.clock(mode="paused")
    for _ in range(60):
        assert (await emulator.request("POST", path, headers=auth(channel))).status == 200
    assert (await emulator.request("POST", path, headers=auth(channel))).status == 429
    await emulator.clock(advance="2h")
    assert (await emulator.request("POST", path, headers=auth(channel))).status == 429


async def test_an_unknown_path_is_404_and_a_wrong_method_405(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    assert (await emulator.get(channel, "/v2/bot/nothing")).json == {"message": "Not found"}
    assert (await emulator.get(channel, TEMPLATE_PATH)).status == 405


async def test_refusals_come_in_a_fixed_order(emulator: RunningEmulator) -> None:
    """Path, method, token, rate, content type, size, JSON, access, header, types, limits, template, keys, user."""
    channel = await emulator.channel()
    busy = await emulator.channel(rate_limit=1)
    await emulator.send(busy, PHONE)
    grey = await emulator.channel(badge="grey")
    plain = {"Content-Type": "text/plain"}
    bad_tag = {"X-Line-Delivery-Tag": "short"}
    faulty = {"to": "x", "templateKey": "none", "body": {"items": [{"itemKey": "none", "content": "x"}]}}
    steps: list[tuple[dict[str, str], Any, int, str]] = [
        ({**plain, **bad_tag}, b"{", 401, "Authentication failed"),
        ({**auth(busy), **plain, **bad_tag}, b"{", 429, "The API rate limit"),
        ({**auth(grey), **plain, **bad_tag}, b"{".ljust(3 * 1024 * 1024), 415, "The content type"),
        ({**auth(grey), **bad_tag}, b"{".ljust(3 * 1024 * 1024), 413, "Request entity too large"),
        ({**auth(grey), **bad_tag}, b"{", 400, "The request body could not be parsed"),
        ({**auth(grey), **bad_tag}, faulty, 403, "Access to this API"),
        ({**auth(channel), **bad_tag}, faulty, 400, "The value for the 'X-Line-Delivery-Tag'"),
        (auth(channel), {**faulty, "body": 5}, 400, "The property, body,"),
        (auth(channel), faulty, 400, "The request body has 1 error(s)"),
        (auth(channel), {**faulty, "to": BODY["to"]}, 400, "Invalid templateKey"),
        (auth(channel), {**faulty, **BODY}, 400, "The request body has 1 invalid key(s)."),
        (auth(channel), BODY, 422, "Failed to send messages"),
    ]
    assert (await emulator.request("POST", "/v2/nothing", b"{", plain)).status == 404
    assert (await emulator.request("PUT", TEMPLATE_PATH, b"{", plain)).status == 405
    for headers, body, status, message in steps:
        reply = await emulator.request("POST", TEMPLATE_PATH, body, headers)
        assert (reply.status, reply.json["message"][: len(message)]) == (status, message)


async def test_only_requests_that_passed_validation_stand_in_the_ledger(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.send(channel, PHONE, TAG)
    await emulator.send(channel, "+819000000000", TAG)
    await emulator.send(channel, PHONE, TAG, {"templateKey": "nonsense"})
    rows = await emulator.ledger()
    assert [(row["status"], row["fate"]) for row in rows] == [(202, "delivered"), (422, "rejected")]
    assert rows[0]["to"] == line_hash(PHONE)
    assert rows[0]["delivery_tag"] == TAG
    assert rows[0]["times_seen"] == 1


COUNTS = {
    "template": "/v2/bot/message/delivery/pnp/templated",
    "flexible": "/v2/bot/message/delivery/pnp",
}


async def test_both_counts_give_what_was_shown_on_a_day_in_japan(emulator: RunningEmulator) -> None:
    await emulator.control("POST", "/reset")
    await emulator.clock(mode="paused", set="2020-03-01T14:00:00Z")
    channel = await emulator.channel()
    await emulator.user(PHONE)
    await emulator.user("+819000000001", reception="not_set")
    await emulator.send(channel, PHONE)
    await emulator.send(channel, PHONE)
    await emulator.send(channel, "+819000000001")
    await emulator.send(channel, "+819099999999")
    await emulator.send_flexible(channel, PHONE)
    day = "?date=20200301"
    assert (await emulator.get(channel, COUNTS["template"] + day)).json == {"status": "unready"}
    await emulator.clock(advance="2h")
    assert (await emulator.get(channel, COUNTS["template"] + day)).json == {"status": "ready", "success": 2}
    assert (await emulator.get(channel, COUNTS["flexible"] + day)).json == {"status": "ready", "success": 1}
    await emulator.act("+819000000001", "agree")
    await emulator.clock(advance="24h")
    following = await emulator.get(channel, COUNTS["template"] + "?date=20200302")
    assert following.json == {"status": "ready", "success": 1}


@pytest.mark.parametrize("path", COUNTS.values())
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?date=",
        "?date=2024-01-01",
        "?date=20240230",
        "?date=202401",
        "?date=abcdefgh",
        "?date=２０２４０１０１",
    ],
)
async def test_a_missing_or_invalid_date_is_400(emulator: RunningEmulator, path: str, query: str) -> None:
    channel = await emulator.channel()
    reply = await emulator.get(channel, path + query)
    assert reply.status == 400
    assert reply.json == {"message": "The value for the 'date' parameter is invalid"}


async def test_counts_are_out_of_service_before_31_march_2018_and_unready_for_days_to_come(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    path = COUNTS["template"]
    assert (await emulator.get(channel, path + "?date=20180330")).json == {"status": "out_of_service"}
    assert (await emulator.get(channel, path + "?date=20180331")).json == {"status": "ready", "success": 0}
    assert (await emulator.get(channel, path + "?date=29991231")).json == {"status": "unready"}


async def test_a_count_under_the_privacy_floor_is_withheld(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(privacy_floor=20)
    reply = await emulator.get(channel, COUNTS["template"] + "?date=20200101")
    assert reply.json == {"status": "unavailable_for_privacy"}


async def test_requests_are_logged_with_body_and_answer(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.send(channel, PHONE)
    rows = (await emulator.control("GET", "/requests"))["rows"]
    assert rows[0]["status"] == 422
    assert "shipment_completed_ja" in rows[0]["body"]
    assert rows[0]["answer"] == '{"message":"Failed to send messages"}'
