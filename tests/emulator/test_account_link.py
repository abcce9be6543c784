"""Account link: a token for one friend, a page that the user's app opens once, an event for the business."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from linebot.v3 import WebhookParser
from linebot.v3.messaging import ApiClient, Configuration, MessagingApi
from linebot.v3.webhooks import AccountLinkEvent

from emulator_support import Reply, RunningEmulator, Sink, running_emulator

PHONE, OTHER = "+818000001234", "+886912345678"
NONCE = "bm9uY2Ugb2YgMTYgYnl0ZXM="
DIALOG = "/dialog/bot/accountLink"


async def friends(
    emulator: RunningEmulator, sink: Sink, **values: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A channel, and a friend of it; the event of that friendship is taken from the sink."""
    channel = await emulator.channel(webhook_url=sink.url, **values)
    user = await emulator.user(PHONE)
    await emulator.user(OTHER)
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    await sink.got(1)
    sink.requests.clear()
    return channel, user


async def ask(emulator: RunningEmulator, channel: dict[str, Any], user_id: str) -> Reply:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    return await emulator.request(
        "POST", f"/v2/bot/user/{quote(user_id, safe='')}/linkToken", headers=headers
    )


async def link_token(emulator: RunningEmulator, channel: dict[str, Any], user: dict[str, Any]) -> str:
    reply = await ask(emulator, channel, user["user_id"])
    assert reply.status == 200, reply
    return str(reply.json["linkToken"])


async def visit(
    emulator: RunningEmulator,
    token: str,
    phone: str | None = PHONE,
    nonce: str = NONCE,
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> Reply:
    query = {"linkToken": token, "nonce": nonce} | ({"_phone": phone} if phone is not None else {})
    return await emulator.request(method, f"{DIALOG}?{urlencode(query)}", headers=headers)


async def nothing_more(emulator: RunningEmulator, sink: Sink, count: int) -> None:
    """Lets everything due happen, and finds no further event."""
    await emulator.clock(mode="paused")
    await emulator.clock(advance="1s")
    assert len(sink.events) == count


async def test_a_friend_who_opens_the_link_is_reported_with_the_nonce(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    assert len(token) == 32
    shown = await visit(emulator, token)
    assert shown.status == 200
    assert shown.headers["Content-Type"].startswith("text/html")
    (event,) = await sink.got(1)
    assert event["type"] == "accountLink"
    assert event["link"] == {"result": "ok", "nonce": NONCE}
    assert event["source"] == {"type": "user", "userId": user["user_id"]}
    assert event["mode"] == "active"
    assert event["replyToken"]


async def test_somebody_else_who_opens_the_link_fails_and_is_not_named(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    assert (await visit(emulator, token, OTHER)).status == 200
    (event,) = await sink.got(1)
    assert event["link"] == {"result": "failed", "nonce": NONCE}
    assert "source" not in event
    assert "replyToken" not in event
    assert (await visit(emulator, token)).status == 400
    await nothing_more(emulator, sink, 1)


async def test_a_link_is_good_for_one_use(emulator: RunningEmulator, sink: Sink) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    assert (await visit(emulator, token)).status == 200
    again = await visit(emulator, token)
    assert again.status == 400
    assert "使用済み" in again.body.decode()
    await nothing_more(emulator, sink, 1)


async def test_a_link_is_good_for_ten_minutes_of_virtual_time(emulator: RunningEmulator, sink: Sink) -> None:
    channel, user = await friends(emulator, sink)
    await emulator.clock(mode="paused")
    in_time, late = [await link_token(emulator, channel, user) for _ in range(2)]
    await emulator.clock(advance="599s")
    assert (await visit(emulator, in_time)).status == 200
    await emulator.clock(advance="1s")
    assert (await visit(emulator, late)).status == 400
    await nothing_more(emulator, sink, 1)
    await link_token(emulator, channel, user)
    assert len(emulator.state.world.links) == 1


@pytest.mark.parametrize("nonce", ["", "x" * 9, "x" * 256, "🎁" * 128])
async def test_a_nonce_of_another_length_shows_an_error_and_leaves_the_link_good(
    emulator: RunningEmulator, sink: Sink, nonce: str
) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    assert (await visit(emulator, token, nonce=nonce)).status == 400
    for length in (10, 255):
        assert (await visit(emulator, token, nonce="x" * length)).status == 200
        token = await link_token(emulator, channel, user)
    await nothing_more(emulator, sink, 2)


async def test_a_link_token_is_given_for_friends_only(emulator: RunningEmulator, sink: Sink) -> None:
    channel, user = await friends(emulator, sink)
    stranger = await emulator.control("GET", f"/users/{quote(OTHER, safe='')}")
    elsewhere = await emulator.channel(provider="another")
    assert (await ask(emulator, channel, stranger["user_id"])).status == 404
    assert (await ask(emulator, elsewhere, user["user_id"])).status == 404
    assert (await ask(emulator, channel, "U" + "0" * 32)).status == 404
    for malformed in ("x", "U123", "🎁", user["user_id"].upper()):
        reply = await ask(emulator, channel, malformed)
        assert reply.status == 400
        assert reply.json == {"message": "The value for the 'userId' parameter is invalid"}
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    assert (await ask(emulator, channel, user["user_id"])).status == 404
    assert (await ask(emulator, {"access_token": "wrong"}, user["user_id"])).status == 401


async def test_who_is_no_friend_taps_the_default_menu_is_answered_and_links_after_adding(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    user = await emulator.user(PHONE)
    await emulator.send(channel, PHONE)
    await emulator.act(
        PHONE, "postback", channel_id=channel["channel_id"], target="bind", display_text="Bind"
    )
    tapped = (await sink.got(2))[1]
    assert (tapped["type"], tapped["postback"]) == ("postback", {"data": "bind"})
    assert tapped["source"] == {"type": "user", "userId": user["user_id"]}
    bearer = {"Authorization": f"Bearer {channel['access_token']}"}
    answer = {"replyToken": tapped["replyToken"], "messages": [{"type": "text", "text": "Add us first"}]}
    replied = await emulator.request("POST", "/v2/bot/message/reply", answer, bearer)
    assert replied.status == 200
    chats = {chat["from"]: chat["messages"] for chat in (await emulator.screen(PHONE))["chats"]}
    assert [entry.get("text") for entry in chats[channel["channel_id"]]][1:] == ["Bind", "Add us first"]
    again = await emulator.request("POST", "/v2/bot/message/reply", answer, bearer)
    assert (again.status, again.json) == (400, {"message": "Invalid reply token"})
    assert (await ask(emulator, channel, user["user_id"])).status == 404
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    follow = (await sink.got(3))[2]
    assert (follow["type"], follow["follow"]) == ("follow", {"isUnblocked": False})
    assert follow["replyToken"]
    assert (await visit(emulator, await link_token(emulator, channel, user))).status == 200
    assert (await sink.got(4))[3]["link"] == {"result": "ok", "nonce": NONCE}


async def test_the_page_asks_whose_phone_it_is_unless_it_is_said(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    asked = await visit(emulator, token, None)
    assert asked.status == 200
    text = asked.body.decode()
    assert "On whose phone" in text
    assert PHONE in text
    assert OTHER in text
    await nothing_more(emulator, sink, 0)
    cookie = {"Cookie": f"emulator_phone={quote(OTHER, safe='')}"}
    header = {"emulator_phone": PHONE}
    assert (await visit(emulator, token, None, headers=cookie | header)).status == 200
    assert (await sink.got(1))[0]["link"]["result"] == "ok"
    by_cookie = await link_token(emulator, channel, user)
    await visit(emulator, by_cookie, None, headers=cookie)
    by_address = await link_token(emulator, channel, user)
    await visit(emulator, by_address, PHONE, headers=cookie)
    results = [event["link"]["result"] for event in await sink.got(3)]
    assert results == ["ok", "failed", "ok"]


async def test_the_page_lists_twenty_users_at_most(emulator: RunningEmulator, sink: Sink) -> None:
    channel, user = await friends(emulator, sink)
    await emulator.control("POST", "/population", {"count": 100, "seed": 1, "prefix": "+88691", "digits": 7})
    asked = await visit(emulator, await link_token(emulator, channel, user), None)
    assert asked.body.count(b"<li>") == 20


async def test_a_number_without_a_line_user_opens_nothing(emulator: RunningEmulator, sink: Sink) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    for phone in ("+819099999999", "nonsense", "\x00", "🎁", "+" * 5000):
        assert (await visit(emulator, token, phone)).status == 404
    assert (await visit(emulator, token, PHONE)).status == 200
    await nothing_more(emulator, sink, 1)


async def test_looking_ahead_without_opening_leaves_the_link_good(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    assert (await visit(emulator, token, method="HEAD")).status == 200
    assert (await visit(emulator, token, method="POST")).status == 405
    await nothing_more(emulator, sink, 0)
    assert (await visit(emulator, token)).status == 200


async def test_the_page_is_in_the_users_language_and_names_the_account(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel, user = await friends(emulator, sink, name="Flowers & <b>Co</b>")
    path = f"/users/{quote(PHONE, safe='')}"
    for language, title in (
        ("ja", "連携しました"),
        ("th", "เชื่อมต่อบัญชีแล้ว"),
        ("zh-Hant", "已完成連結"),
        ("en", "Accounts linked"),
    ):
        await emulator.control("PATCH", path, {"language": language})
        text = (await visit(emulator, await link_token(emulator, channel, user))).body.decode()
        assert f'<html lang="{language}">' in text
        assert f"<h1>{title}</h1>" in text
        assert "Flowers &amp; &lt;b&gt;Co&lt;/b&gt;" in text


async def test_hostile_values_of_the_address_are_shown_as_text_or_not_at_all(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel, user = await friends(emulator, sink)
    hostile = '"><script>alert(1)</script>'
    await emulator.user("+819000000001", name=hostile)
    token = await link_token(emulator, channel, user)
    asked = await visit(emulator, token, None, nonce=hostile)
    assert asked.status == 200
    assert "script-src 'self'" in asked.headers["Content-Security-Policy"]
    for reply in (asked, await visit(emulator, hostile), await visit(emulator, token, hostile, hostile)):
        assert b"<script>" not in reply.body
    await visit(emulator, token, nonce=hostile)
    assert (await sink.got(1))[0]["link"]["nonce"] == hostile


@pytest.mark.parametrize(
    "query", ["", "?", "?linkToken=&nonce=", "?linkToken=%FF%00&nonce=%D8%00", "?nonce=" + "x" * 60]
)
async def test_an_address_without_a_good_token_is_an_error_page(
    emulator: RunningEmulator, query: str
) -> None:
    reply = await emulator.request("GET", DIALOG + query)
    assert reply.status == 400
    assert b"<h1>This link can" in reply.body


async def test_link_tokens_outlast_a_restart_with_a_state_file(tmp_path: Path, sink: Sink) -> None:
    file = tmp_path / "state"
    async with running_emulator(state_file=file) as emulator:
        channel, user = await friends(emulator, sink)
        used, good = [await link_token(emulator, channel, user) for _ in range(2)]
        assert (await visit(emulator, used)).status == 200
        await sink.got(1)
    async with running_emulator(state_file=file) as emulator:
        assert (await visit(emulator, used)).status == 400
        assert (await visit(emulator, good)).status == 200
        assert [event["link"]["result"] for event in await sink.got(2)] == ["ok", "ok"]


async def test_a_reset_forgets_link_tokens(emulator: RunningEmulator, sink: Sink) -> None:
    channel, user = await friends(emulator, sink)
    token = await link_token(emulator, channel, user)
    await emulator.control("POST", "/reset")
    await emulator.user(PHONE)
    assert (await visit(emulator, token)).status == 400


async def test_the_sdk_issues_link_tokens_and_parses_the_event(emulator: RunningEmulator, sink: Sink) -> None:
    channel, user = await friends(emulator, sink)
    line = MessagingApi(ApiClient(Configuration(host=emulator.url, access_token=channel["access_token"])))
    issued = await asyncio.to_thread(line.issue_link_token, user["user_id"])
    await visit(emulator, issued.link_token)
    await visit(emulator, await link_token(emulator, channel, user), OTHER)
    await sink.got(2)
    parser = WebhookParser(channel["channel_secret"])
    events = []
    for headers, body in sink.requests:
        events += parser.parse(body.decode(), headers["x-line-signature"])
    assert all(isinstance(event, AccountLinkEvent) for event in events)
    results = {event.link.result: event for event in events}
    assert results["ok"].source.user_id == user["user_id"]
    assert results["ok"].link.nonce == NONCE
    assert results["failed"].source is None
    assert results["failed"].reply_token is None
