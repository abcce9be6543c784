"""LINE's counts by day and its monthly quota: from the emulator, and from servers that answer nonsense."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from emulator_support import RunningEmulator, running_emulator
from todoke.carriers import LineNotification, LinePush
from todoke.carriers.line import (
    CountKind,
    CountState,
    LineCarrier,
    LineCounts,
    LinePushCarrier,
    Transport,
)

PHONE = "+818000001234"
DAY = date(2026, 9, 1)
TEXT = [{"type": "text", "text": "It is here"}]


async def at_noon(emulator: RunningEmulator) -> None:
    """Noon of DAY in UTC+9. Only after a reset may the clock go back."""
    await emulator.control("POST", "/reset")
    await emulator.clock(set="2026-09-01T03:00:00Z", mode="paused")


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        await at_noon(running)
        yield running


async def send_some(emulator: RunningEmulator, channel: dict[str, Any]) -> None:
    """Three of the template kind, two of the flexible kind, one push, to a friend."""
    user = await emulator.user(PHONE)
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    token = channel["access_token"]
    async with Transport(emulator.url) as transport:
        for number in range(5):
            flexible = number >= 3
            payload = {"messages": TEXT} if flexible else {"templateKey": "shipment_completed_ja"}
            message = LineNotification(to=PHONE, flexible=flexible, payload=payload, access_token=token)
            await LineCarrier(transport).send(message, f"tag-of-sixteen-characters-{number}")
        push = LinePush(user_id=user["user_id"], messages=TEXT, retry_key=str(uuid4()), access_token=token)
        await LinePushCarrier(transport).send(push, "unused")


async def test_each_kind_is_counted_by_itself_once_the_day_is_over(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel()
    await send_some(emulator, channel)
    counts, token = LineCounts(http, emulator.url), channel["access_token"]
    for kind in CountKind:
        today = await counts.delivered(token, kind, DAY)
        assert (today.ok, today.state, today.success) == (True, CountState.UNREADY, None)
    await emulator.clock(advance="12h")
    found = {kind: await counts.delivered(token, kind, DAY) for kind in CountKind}
    assert {kind: count.success for kind, count in found.items()} == {
        CountKind.TEMPLATE: 3,
        CountKind.FLEXIBLE: 2,
        CountKind.PUSH: 1,
    }
    assert {count.state for count in found.values()} == {CountState.READY}


async def test_a_count_that_line_does_not_tell_has_its_own_state(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel(privacy_floor=20)
    await send_some(emulator, channel)
    await emulator.clock(advance="12h")
    counts, token = LineCounts(http, emulator.url), channel["access_token"]
    few = await counts.delivered(token, CountKind.PUSH, DAY)
    early = await counts.delivered(token, CountKind.PUSH, date(2018, 3, 30))
    assert (few.ok, few.state, few.success) == (True, CountState.UNAVAILABLE_FOR_PRIVACY, None)
    assert (early.ok, early.state, early.success) == (True, CountState.OUT_OF_SERVICE, None)


async def test_the_quota_and_its_use_are_told(emulator: RunningEmulator, http: aiohttp.ClientSession) -> None:
    limited, free = await emulator.channel(monthly_quota=500), await emulator.channel()
    await send_some(emulator, limited)
    counts = LineCounts(http, emulator.url)
    assert (await counts.quota(limited["access_token"])).limit == 500
    quota = await counts.quota(free["access_token"])
    assert (quota.ok, quota.limit) == (True, None)
    used = await counts.quota_consumption(limited["access_token"])
    assert (used.ok, used.total_usage) == (True, 1)


async def test_a_token_that_is_not_valid_is_told_with_what_to_do(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    counts = LineCounts(http, emulator.url)
    for result in (
        await counts.delivered("x", CountKind.TEMPLATE, DAY),
        await counts.quota("x"),
        await counts.quota_consumption("x"),
    ):
        assert (result.ok, result.status, result.retryable) == (False, 401, False)
        assert "issue a new channel access token" in (result.error or "")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (CountKind.TEMPLATE, "/v2/bot/message/delivery/pnp/templated"),
        (CountKind.FLEXIBLE, "/v2/bot/message/delivery/pnp"),
        (CountKind.PUSH, "/v2/bot/message/delivery/push"),
    ],
)
async def test_the_day_is_asked_as_line_writes_it(
    serve: Any, does: Any, http: Any, kind: CountKind, path: str
) -> None:
    server = await serve(does.answering(200, b'{"status":"ready","success":0}'))
    found = await LineCounts(http, server.url).delivered("t", kind, date(2026, 1, 2))
    assert (found.state, found.success) == (CountState.READY, 0)
    assert server.requests[0].startswith(f"GET {path}?date=20260102 HTTP".encode())


STRANGE = [
    b"",
    b"[]",
    b"<html>",
    b"\xff",
    b"[" * 50_000,
    b'{"status":"ready"}',
    b'{"status":"ready","success":null}',
    b'{"status":"ready","success":-1}',
    b'{"status":"ready","success":"5"}',
    b'{"status":"ready","success":5.5}',
    b'{"status":"nearly","success":5}',
    b'{"status":200,"success":5}',
    b'{"success":5}',
    b'{"status":"ready","success":5,"pad":"' + b"x" * 100_000 + b'"}',
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
async def test_an_answer_that_is_no_count_is_an_error_never_a_number(
    serve: Any, does: Any, http: Any, body: bytes
) -> None:
    server = await serve(does.answering(200, body))
    found = await LineCounts(http, server.url).delivered("t", CountKind.PUSH, DAY)
    assert (found.ok, found.success) == (False, None)
    assert "not LINE's" in (found.error or "")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"type":"limited"}',
        b'{"type":"limited","value":-1}',
        b'{"type":"limited","value":"9"}',
        b'{"type":"some","value":9}',
        b'{"totalUsage":-1}',
        b'{"totalUsage":null}',
    ],
)
async def test_an_answer_that_is_no_quota_is_not_taken_for_no_limit(
    serve: Any, does: Any, http: Any, body: bytes
) -> None:
    counts = LineCounts(http, (await serve(does.answering(200, body))).url)
    quota, used = await counts.quota("t"), await counts.quota_consumption("t")
    assert (quota.ok, used.ok, used.total_usage) == (False, False, None)
