"""Followers, profiles and the numbers of a day: from the emulator, and from servers that answer nonsense."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import aiohttp
import pytest
from linebot.v3.messaging import ApiClient, Configuration, MessagingApi

from emulator_support import RunningEmulator, running_emulator
from todoke.carriers.line import CountState, LineFriends

DAY = date(2026, 9, 1)
USER = "U4af4980629" + "0" * 22


async def at_noon(emulator: RunningEmulator) -> None:
    """Noon of DAY in UTC+9. Only after a reset may the clock go back."""
    await emulator.control("POST", "/reset")
    await emulator.clock(set="2026-09-01T03:00:00Z", mode="paused")


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        await at_noon(running)
        yield running


async def friends_of(emulator: RunningEmulator, channel: dict[str, Any], count: int) -> list[str]:
    """The user IDs of new friends."""
    found = []
    for number in range(count):
        phone = f"+8180{number:08}"
        found.append((await emulator.user(phone))["user_id"])
        await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
    return found


async def test_all_followers_are_read_page_by_page(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel()
    expected = await friends_of(emulator, channel, 5)
    await emulator.act("+818000000003", "block", channel_id=channel["channel_id"])
    asker, found, start, pages = LineFriends(http, emulator.url), [], None, 0
    while True:
        page = await asker.follower_ids(channel["access_token"], start, limit=2)
        assert (page.ok, page.status) == (True, 200)
        assert len(page.user_ids) <= 2
        found += page.user_ids
        pages += 1
        if page.next is None:
            break
        start = page.next
    assert sorted(found) == sorted(set(expected) - {expected[3]})
    assert pages > 1
    whole = await asker.follower_ids(channel["access_token"])
    assert (sorted(whole.user_ids), whole.next) == (sorted(found), None)


async def test_a_start_that_is_a_day_old_is_told_apart_from_other_refusals(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel()
    await friends_of(emulator, channel, 3)
    asker, token = LineFriends(http, emulator.url), channel["access_token"]
    start = (await asker.follower_ids(token, limit=1)).next
    await emulator.clock(advance="24h")
    for old in (start, "nonsense", "&limit=1#ü"):
        page = await asker.follower_ids(token, old)
        assert (page.ok, page.expired_start, page.retryable, page.user_ids) == (False, True, False, ())
        assert "begin anew" in (page.error or "")
    assert not (await asker.follower_ids("x", start)).expired_start


async def test_an_unverified_account_has_no_list_and_the_line_says_why(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel(badge="grey")
    page = await LineFriends(http, emulator.url).follower_ids(channel["access_token"])
    assert (page.ok, page.unverified, page.retryable) == (False, True, False)
    assert "verified and premium accounts only" in (page.error or "")


@pytest.mark.parametrize(("limit", "asked"), [(-5, "1"), (0, "1"), (300, "300"), (5_000, "1000")])
async def test_a_page_is_never_asked_larger_than_line_allows(
    serve: Any, does: Any, http: Any, limit: int, asked: str
) -> None:
    server = await serve(does.answering(200, b'{"userIds":[]}'))
    assert (await LineFriends(http, server.url).follower_ids("t", "a&b=c", limit)).ok
    assert server.requests[0].startswith(
        f"GET /v2/bot/followers/ids?limit={asked}&start=a%26b%3Dc HTTP".encode()
    )


async def test_a_full_page_with_white_space_is_read_whole(serve: Any, does: Any, http: Any) -> None:
    ids = [f"U{number:032x}" for number in range(1000)]
    server = await serve(does.answering(200, json.dumps({"userIds": ids, "next": "n"}, indent=40).encode()))
    page = await LineFriends(http, server.url).follower_ids("t")
    assert (page.user_ids, page.next) == (tuple(ids), "n")


STRANGE = [
    b"",
    b"{}",
    b"[]",
    b"<html>",
    b"\xff",
    b"[" * 50_000,
    b'{"userIds":null}',
    b'{"userIds":{}}',
    b'{"userIds":"U1"}',
    b'{"userIds":[7]}',
    b'{"userIds":[""]}',
    b'{"userIds":["U1\\u0000"]}',
    b'{"userIds":["U1\\n"]}',
    b'{"userIds":["' + b"U" * 101 + b'"]}',
    b'{"userIds":[' + b",".join([b'"U1"'] * 1001) + b"]}",
    b'{"userIds":[],"next":7}',
    b'{"userIds":[],"next":"' + b"n" * 2001 + b'"}',
    b'{"userIds":[],"pad":"' + b"x" * 300_000 + b'"}',
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
async def test_an_answer_that_is_none_is_not_taken_for_an_account_without_friends(
    serve: Any, does: Any, http: Any, body: bytes
) -> None:
    server = await serve(does.answering(200, body))
    page = await LineFriends(http, server.url).follower_ids("t")
    assert (page.ok, page.user_ids, page.next) == (False, (), None)
    assert "not LINE's" in (page.error or "")
    assert "U1" not in (page.error or "")


async def test_the_same_page_again_is_an_error_not_an_endless_list(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(200, b'{"userIds":["U1"],"next":"same"}'))
    asker = LineFriends(http, server.url)
    assert (await asker.follower_ids("t", "other")).next == "same"
    again = await asker.follower_ids("t", "same")
    assert (again.ok, again.user_ids) == (False, ())


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (429, True), (500, True)])
async def test_trouble_with_a_page_says_whether_to_ask_again(
    serve: Any, does: Any, http: Any, status: int, retryable: bool
) -> None:
    server = await serve(does.answering(status, b"<html>", "Retry-After: 3"))
    page = await LineFriends(http, server.url).follower_ids("t", "s")
    assert (page.ok, page.expired_start, page.retryable) == (False, False, retryable)
    assert page.retry_after == (3_000 if retryable else None)


async def test_a_garbled_token_leaves_nothing(serve: Any, does: Any, http: Any) -> None:
    server = await serve(does.answering(200, b"{}"))
    page = await LineFriends(http, server.url).follower_ids("two\r\nwords")
    assert (page.ok, page.retryable) == (False, False)
    assert not server.requests


# Profiles


async def test_a_friends_profile_is_shown_and_a_strangers_is_unknown(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel()
    (friend,) = await friends_of(emulator, channel, 1)
    asker, token = LineFriends(http, emulator.url), channel["access_token"]
    profile = await asker.profile(token, friend)
    assert (profile.ok, profile.user_id, profile.unknown) == (True, friend, False)
    assert profile.display_name
    await emulator.act("+818000000000", "block", channel_id=channel["channel_id"])
    for user_id in (friend, USER):
        stranger = await asker.profile(token, user_id)
        assert (stranger.ok, stranger.unknown, stranger.retryable) == (False, True, False)
        assert user_id not in (stranger.error or "")


@pytest.mark.parametrize(
    "user_id",
    ["", "U1", USER + "/../../info", USER.replace("a", "A"), f"{USER}\n", "../../" + USER, "٠" * 33],
)
async def test_what_is_no_user_id_never_stands_in_a_path(
    serve: Any, does: Any, http: Any, user_id: str
) -> None:
    server = await serve(does.answering(200, b"{}"))
    profile = await LineFriends(http, server.url).profile("t", user_id)
    assert (profile.ok, profile.unknown) == (False, False)
    assert not server.requests


# Numbers


async def test_the_numbers_of_a_day_are_ready_when_it_is_over(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel()
    await friends_of(emulator, channel, 3)
    await emulator.act("+818000000001", "block", channel_id=channel["channel_id"])
    asker, token = LineFriends(http, emulator.url), channel["access_token"]
    assert (await asker.followers_statistics(token, DAY)).state is CountState.UNREADY
    await emulator.clock(advance="24h")
    numbers = await asker.followers_statistics(token, DAY)
    assert (numbers.state, numbers.followers, numbers.blocks) == (CountState.READY, 3, 1)
    early = await asker.followers_statistics(token, date(2001, 1, 1))
    assert early.state is CountState.OUT_OF_SERVICE


async def test_numbers_that_line_withholds_are_none(serve: Any, does: Any, http: Any) -> None:
    body = b'{"status":"ready","followers":7,"targetedReaches":null,"blocks":null}'
    numbers = await LineFriends(http, (await serve(does.answering(200, body))).url).followers_statistics(
        "t", DAY
    )
    assert (numbers.followers, numbers.targeted_reaches, numbers.blocks) == (7, None, None)


async def test_the_requests_are_those_of_lines_own_sdk(serve: Any, does: Any, http: Any) -> None:
    body = json.dumps({"userIds": [USER], "userId": USER, "displayName": "A"}).encode()
    server = await serve(does.answering(200, body, "Content-Type: application/json"))
    asker = LineFriends(http, server.url)
    await asker.follower_ids("a.token", "next/+=", 200)
    await asker.profile("a.token", USER)
    sdk = MessagingApi(ApiClient(Configuration(host=server.url, access_token="a.token")))
    await asyncio.to_thread(sdk.get_followers, start="next/+=", limit=200)
    await asyncio.to_thread(sdk.get_profile, USER)
    for ours, sdks in zip(server.requests[:2], server.requests[2:], strict=True):
        assert _asked(ours) == _asked(sdks)


def _asked(request: bytes) -> tuple[str, list[str]]:
    path, _, query = request.decode().split(" ")[1].partition("?")
    # Both ways of writing these in a query mean the same.
    return path, sorted(query.replace("/", "%2F").replace("+", "%2B").split("&"))
