"""LINE's other paths that the emulator has: webhook settings, account, profile, followers, ordinary push."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest

from emulator_support import Reply, RunningEmulator, Sink

PHONE, OTHER = "+819012345678", "+819087654321"
ENDPOINT, TEST = "/v2/bot/channel/webhook/endpoint", "/v2/bot/channel/webhook/test"
RETRY = "123e4567-e89b-12d3-a456-426614174000"


def auth(channel: dict[str, Any], **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {channel['access_token']}", **more}


async def push(
    emulator: RunningEmulator, channel: dict[str, Any], to: str, retry_key: str | None = None
) -> Reply:
    body = {"to": to, "messages": [{"type": "text", "text": "Hello"}]}
    headers = auth(channel) if retry_key is None else auth(channel, **{"X-Line-Retry-Key": retry_key})
    return await emulator.request("POST", "/v2/bot/message/push", body, headers)


async def test_the_webhook_url_is_set_and_read(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    unset = await emulator.get(channel, ENDPOINT)
    assert (unset.status, unset.json) == (404, {"message": "Webhook endpoint not found"})
    url = "https://shop.example/hook"
    put = await emulator.request("PUT", ENDPOINT, {"endpoint": url}, auth(channel))
    assert (put.status, put.body) == (200, b"{}")
    assert (await emulator.get(channel, ENDPOINT)).json == {"endpoint": url, "active": True}


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://shop.example/hook", True),
        ("http://127.0.0.1:8700/hook", True),
        ("http://localhost/hook", True),
        ("http://[::1]:8700/hook", True),
        ("http://shop.example/hook", False),
        ("http://127.0.0.1.shop.example/", False),
        ("https://", False),
        ("ftp://shop.example/", False),
        ("nonsense", False),
        ("https://shop.example/a b", False),
        ("https://shop.example:port/", False),
        ("https://shop.example/".ljust(500, "x"), True),
        ("https://shop.example/".ljust(501, "x"), False),
    ],
)
async def test_a_webhook_url_is_https_or_loopback_http(
    emulator: RunningEmulator, url: str, fine: bool
) -> None:
    channel = await emulator.channel()
    reply = await emulator.request("PUT", ENDPOINT, {"endpoint": url}, auth(channel))
    assert (reply.status == 200) is fine
    if not fine:
        assert reply.json == {"message": "Invalid webhook endpoint URL"}


async def test_a_webhook_test_posts_no_events_and_says_how_it_went(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    fine = (await emulator.request("POST", TEST, headers=auth(channel))).json
    assert (fine["success"], fine["statusCode"], fine["reason"]) == (True, 200, "OK")
    assert sink.events == []
    assert len(sink.requests) == 1
    sink.status = 500
    error = (await emulator.request("POST", TEST, {"endpoint": sink.url}, auth(channel))).json
    assert (error["success"], error["statusCode"], error["reason"]) == (False, 500, "ERROR_STATUS_CODE")
    closed = {"endpoint": "http://127.0.0.1:9/"}
    gone = (await emulator.request("POST", TEST, closed, auth(channel))).json
    assert (gone["success"], gone["reason"]) == (False, "COULD_NOT_CONNECT")
    assert gone["statusCode"] <= 0
    for answer in (fine, error, gone):
        assert set(answer) == {"success", "timestamp", "statusCode", "reason", "detail"}


async def test_a_webhook_test_tells_a_slow_receiver_from_one_that_speaks_no_http(
    emulator: RunningEmulator, sink: Sink
) -> None:
    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"what?\r\n\r\n")
        writer.close()

    channel = await emulator.channel(webhook_url=sink.url)
    sink.hold = asyncio.Event()
    slow = (await emulator.request("POST", TEST, headers=auth(channel))).json
    assert (slow["success"], slow["statusCode"], slow["reason"]) == (False, 0, "REQUEST_TIMEOUT")
    async with await asyncio.start_server(mumble, "127.0.0.1", 0) as server:
        there = {"endpoint": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"}
        odd = (await emulator.request("POST", TEST, there, auth(channel))).json
    assert (odd["success"], odd["statusCode"], odd["reason"]) == (False, 0, "UNCLASSIFIED")


async def test_a_webhook_test_without_any_url_is_404(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    reply = await emulator.request("POST", TEST, headers=auth(channel))
    assert (reply.status, reply.json) == (404, {"message": "Webhook endpoint not found"})


async def test_the_account_is_described(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(name="Shop")
    info = (await emulator.get(channel, "/v2/bot/info")).json
    assert info["userId"] == channel["bot_user_id"]
    assert info["basicId"].startswith("@")
    assert info["displayName"] == "Shop"


async def test_a_profile_is_given_of_friends_and_of_others_who_wrote(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user = await emulator.user(PHONE, name="Hana")
    path = f"/v2/bot/profile/{user['user_id']}"
    unknown = await emulator.get(channel, path)
    assert (unknown.status, unknown.json) == (404, {"message": "Not found"})
    await emulator.act(PHONE, "send_message", channel_id=channel["channel_id"], text="hi")
    assert (await emulator.get(channel, path)).json["displayName"] == "Hana"
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    assert (await emulator.get(channel, path)).status == 404
    await emulator.act(PHONE, "unblock", channel_id=channel["channel_id"])
    assert (await emulator.get(channel, path)).json["userId"] == user["user_id"]
    assert (await emulator.get(channel, "/v2/bot/profile/U123")).status == 400
    assert (await emulator.get(channel, f"/v2/bot/profile/U{'0' * 32}")).status == 404


async def test_followers_come_in_pages_for_verified_accounts_only(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    expected = set()
    for number in range(5):
        phone = f"+81901234567{number}"
        user = await emulator.user(phone)
        if number != 2:
            await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
            expected.add(user["user_id"])
    first = (await emulator.get(channel, "/v2/bot/followers/ids?limit=3")).json
    assert len(first["userIds"]) == 3
    second = (await emulator.get(channel, f"/v2/bot/followers/ids?start={first['next']}")).json
    assert "next" not in second
    assert {*first["userIds"], *second["userIds"]} == expected
    bad = await emulator.get(channel, "/v2/bot/followers/ids?start=nonsense")
    assert (bad.status, bad.json) == (400, {"message": "Invalid start param"})
    for limit in ("0", "1001", "x"):
        assert (await emulator.get(channel, f"/v2/bot/followers/ids?limit={limit}")).status == 400
    await emulator.clock(advance="24h")
    assert (await emulator.get(channel, f"/v2/bot/followers/ids?start={first['next']}")).status == 400
    grey = await emulator.channel(badge="grey")
    assert (await emulator.get(grey, "/v2/bot/followers/ids")).status == 403


async def test_followers_of_a_population_are_those_that_its_rates_make(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    rates = {"friend": 0.5}
    population = {"count": 200, "seed": 1, "prefix": "+8190", "digits": 8, "rates": rates}
    await emulator.control("POST", "/population", population)
    found = (await emulator.get(channel, "/v2/bot/followers/ids?limit=1000")).json["userIds"]
    assert 60 <= len(found) <= 140
    profile = await emulator.get(channel, f"/v2/bot/profile/{found[0]}")
    assert profile.status == 200


async def test_a_push_reaches_friends_and_those_who_wrote_within_seven_days(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    user = await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    first = await push(emulator, channel, user["user_id"])
    assert first.status == 200
    assert first.json["sentMessages"][0]["id"].isdigit()
    assert (await emulator.screen(PHONE))["chats"] == []
    await emulator.act(PHONE, "send_message", channel_id=channel["channel_id"], text="hi")
    await push(emulator, channel, user["user_id"])
    await emulator.clock(advance="7d")
    await push(emulator, channel, user["user_id"])
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await push(emulator, channel, user["user_id"])
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    assert (await push(emulator, channel, user["user_id"])).status == 200
    fates = [row["fate"] for row in await emulator.ledger()]
    assert fates == ["refused", "delivered", "refused", "delivered", "blocked"]


async def test_a_push_to_an_id_of_nobody_or_of_another_provider_is_400(emulator: RunningEmulator) -> None:
    channel = await emulator.channel(provider="second")
    user = await emulator.user(PHONE)
    for user_id in (f"U{'0' * 32}", user["user_ids"]["default"]):
        reply = await push(emulator, channel, user_id)
        assert (reply.status, reply.json) == (400, {"message": "Failed to send messages"})
    malformed = await push(emulator, channel, "nobody")
    assert malformed.json["message"].startswith("The property, to,")


async def test_a_retry_key_is_accepted_once_in_24_hours(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user = await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    first = await push(emulator, channel, user["user_id"], RETRY)
    again = await push(emulator, channel, user["user_id"], RETRY)
    assert again.status == 409
    assert again.json["message"] == "The retry key is already accepted"
    assert again.json["sentMessages"] == first.json["sentMessages"]
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert len(await emulator.ledger()) == 1
    await emulator.clock(advance="24h")
    assert (await push(emulator, channel, user["user_id"], RETRY)).status == 200
    assert (await push(emulator, channel, user["user_id"], "no-uuid")).status == 400


async def token(emulator: RunningEmulator, **form: str) -> Reply:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await emulator.request("POST", "/oauth2/v3/token", urlencode(form).encode(), kind)


async def test_a_stateless_token_is_good_for_15_minutes(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.clock(mode="paused")
    form = {
        "grant_type": "client_credentials",
        "client_id": channel["channel_id"],
        "client_secret": channel["channel_secret"],
    }
    first, second = (await token(emulator, **form)).json, (await token(emulator, **form)).json
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 900)
    assert first["access_token"] != second["access_token"]
    for issued in (first, second):
        assert (await emulator.get(issued, "/v2/bot/info")).status == 200
    await emulator.clock(advance="15m")
    assert (await emulator.get(first, "/v2/bot/info")).status == 401
    third = (await token(emulator, **form)).json
    assert (await emulator.get(third, "/v2/bot/info")).status == 200


async def test_a_token_is_refused_in_the_form_of_oauth(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    form = {"grant_type": "client_credentials", "client_id": channel["channel_id"], "client_secret": "wrong"}
    wrong = await token(emulator, **form)
    assert (wrong.status, wrong.json["error"]) == (400, "invalid_request")
    assert "error_description" in wrong.json
    assert (await token(emulator, grant_type="password", client_id="1", client_secret="x")).status == 400
    assert (await token(emulator)).json["error"] == "invalid_request"
    assert (await emulator.request("POST", "/oauth2/v3/token", {"grant_type": "x"})).status == 400


async def test_a_page_of_followers_is_short_rather_than_late_where_hardly_anybody_is_a_friend(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    people = {"count": 50_000, "seed": 1, "prefix": "+88691", "digits": 7, "rates": {"friend": 0.0001}}
    await emulator.control("POST", "/population", people)
    found: list[str] = []
    pages, query = 0, ""
    while True:
        page = (await emulator.get(channel, f"/v2/bot/followers/ids{query}")).json
        found += page["userIds"]
        pages += 1
        if "next" not in page:
            break
        query = f"?start={page['next']}"
    assert pages > 1
    assert 0 < len(found) == len(set(found)) < 50
