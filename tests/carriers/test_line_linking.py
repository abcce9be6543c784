"""Link tokens, the account's own LINE ID and a user's name; the addresses that a phone opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from linebot.v3.messaging import ApiClient, Configuration, MessagingApi

from emulator_support import RunningEmulator, running_emulator, running_sink
from todoke.carriers.line import LineLinking

PHONE, OTHER = "+818000001234", "+886912345678"
USER = "U4af4980629" + "0" * 22
NONCE = "bm9uY2Ugb2YgMTYgYnl0ZXM"
LINE = "https://api.line.me"


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


async def friend_of(emulator: RunningEmulator, channel: dict[str, Any]) -> str:
    user_id = str((await emulator.user(PHONE))["user_id"])
    await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
    return user_id


async def test_a_friend_is_linked_by_a_token_and_the_dialog_that_it_opens(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    async with running_sink() as sink:
        channel = await emulator.channel(webhook_url=sink.url)
        user_id = await friend_of(emulator, channel)
        await sink.got(1)
        linking = LineLinking(http, emulator.url)
        found = await linking.link_token(user_id, channel["access_token"])
        assert (found.ok, found.status, len(found.link_token)) == (True, 200, 32)
        dialog = linking.dialog_url(found.link_token, NONCE)
        assert dialog.startswith(emulator.url.rstrip("/")), "the emulator is all of LINE"
        async with http.get(dialog + "&_phone=" + PHONE.replace("+", "%2B")) as opened:
            assert opened.status == 200
        event = (await sink.got(2))[1]
        assert event["link"] == {"result": "ok", "nonce": NONCE}


async def test_a_stranger_has_no_link_token_and_the_answer_says_so(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel()
    user_id = str((await emulator.user(PHONE))["user_id"])
    found = await LineLinking(http, emulator.url).link_token(user_id, channel["access_token"])
    assert (found.ok, found.not_a_friend, found.denied, found.link_token) == (False, True, False, "")
    assert "no friend of this account" in (found.error or "")


async def test_a_token_that_line_does_not_take_is_told_apart(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    found = await LineLinking(http, emulator.url).link_token(USER, "nonsense")
    assert (found.ok, found.not_a_friend, found.denied, found.retryable) == (False, False, True, False)


async def test_where_nobody_answers_it_may_be_asked_again(http: aiohttp.ClientSession) -> None:
    linking = LineLinking(http, "http://127.0.0.1:9")
    token = await linking.link_token(USER, "t")
    name = await linking.display_name(USER, "t")
    basic = await linking.basic_id("t")
    for found in (token, name, basic):
        assert (found.ok, found.retryable, found.status) == (False, True, None)
        assert "could not connect" in (found.error or "")


@pytest.mark.parametrize("user_id", ["", "U1", "../info", USER + "/x", USER.upper(), USER + "\n"])
async def test_what_is_no_user_id_never_gets_into_a_path(user_id: str, http: aiohttp.ClientSession) -> None:
    linking = LineLinking(http, "http://127.0.0.1:9")
    assert "not asked" in ((await linking.link_token(user_id, "t")).error or "")
    assert "not asked" in ((await linking.display_name(user_id, "t")).error or "")


@pytest.mark.parametrize("body", [b"{}", b'{"linkToken":7}', b'{"linkToken":"a b"}', b"[]", b"<html>", b""])
async def test_an_answer_without_a_token_is_an_error(
    body: bytes, serve: Any, does: Any, http: aiohttp.ClientSession
) -> None:
    server = await serve(does.answering(200, body))
    found = await LineLinking(http, server.url).link_token(USER, "t")
    assert (found.ok, found.link_token) == (False, "")
    assert found.error


async def test_the_token_is_never_in_what_is_printed(
    serve: Any, does: Any, http: aiohttp.ClientSession
) -> None:
    server = await serve(does.answering(200, b'{"linkToken":"verysecret"}'))
    found = await LineLinking(http, server.url).link_token(USER, "t")
    assert found.link_token == "verysecret"
    assert "verysecret" not in f"{found!r} {found!s}"


async def test_what_leaves_is_what_lines_own_sdk_sends(
    serve: Any, does: Any, http: aiohttp.ClientSession
) -> None:
    server = await serve(does.answering(200, b'{"linkToken":"abc"}'))
    await LineLinking(http, server.url).link_token(USER, "a.token")
    sdk = MessagingApi(ApiClient(Configuration(host=server.url, access_token="a.token")))
    await asyncio.to_thread(sdk.issue_link_token, USER)
    ours, sdks = (x.split(b"\r\n")[0] for x in server.requests)
    assert ours == sdks == f"POST /v2/bot/user/{USER}/linkToken HTTP/1.1".encode()


async def test_the_accounts_own_id_and_a_users_name(
    emulator: RunningEmulator, http: aiohttp.ClientSession
) -> None:
    channel = await emulator.channel()
    user_id = await friend_of(emulator, channel)
    linking, token = LineLinking(http, emulator.url), channel["access_token"]
    basic = await linking.basic_id(token)
    assert (basic.ok, basic.basic_id[:1]) == (True, "@")
    name = await linking.display_name(user_id, token)
    assert name.ok
    assert name.name
    stranger = str((await emulator.user(OTHER))["user_id"])
    unknown = await linking.display_name(stranger, token)
    assert (unknown.ok, unknown.name, unknown.status) == (True, None, 404)


@pytest.mark.parametrize("body", [b"{}", b'{"basicId":""}', b'{"basicId":"@a/../b"}', b'{"basicId":"x"}'])
async def test_an_id_that_can_not_be_one_is_an_error(
    body: bytes, serve: Any, does: Any, http: aiohttp.ClientSession
) -> None:
    server = await serve(does.answering(200, body))
    found = await LineLinking(http, server.url).basic_id("t")
    assert (found.ok, found.basic_id) == (False, "")


async def test_addresses_at_line_are_percent_encoded(http: aiohttp.ClientSession) -> None:
    linking = LineLinking(http, LINE)
    assert linking.chat_url("@linedevelopers", "LINK 7F3K9QXW") == (
        "https://line.me/R/oaMessage/%40linedevelopers/?LINK%207F3K9QXW"
    )
    assert linking.friend_url("@linedevelopers") == "https://line.me/R/ti/p/%40linedevelopers"
    assert linking.dialog_url("a/b&c", NONCE) == (
        f"https://access.line.me/dialog/bot/accountLink?linkToken=a%2Fb%26c&nonce={NONCE}"
    )
    hostile = urlsplit(linking.chat_url("@x/?a#b", "連結 & #?"))
    assert (hostile.netloc, hostile.fragment) == ("line.me", "")
    assert hostile.path == "/R/oaMessage/%40x%2F%3Fa%23b/"
    assert "&" not in hostile.query


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8700", "http://localhost:8700/", "http://[::1]:8700", "http://127.9.9.9:1"]
)
async def test_on_loopback_the_base_is_all_of_line(base: str, http: aiohttp.ClientSession) -> None:
    linking = LineLinking(http, base)
    whole = base.rstrip("/")
    assert linking.chat_url("@x", "hi") == f"{whole}/R/oaMessage/%40x/?hi"
    assert linking.friend_url("@x") == f"{whole}/R/ti/p/%40x"
    assert linking.dialog_url("t", NONCE) == f"{whole}/dialog/bot/accountLink?linkToken=t&nonce={NONCE}"


@pytest.mark.parametrize("base", ["https://localhost.example.com", "https://line.example", "http://10.0.0.1"])
async def test_elsewhere_it_is_not(base: str, http: aiohttp.ClientSession) -> None:
    assert LineLinking(http, base).friend_url("@x").startswith("https://line.me/")
