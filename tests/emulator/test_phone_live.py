"""The live channel of a phone: the screen at once, and again whenever it looks different."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from emulator_support import CONTROL, RunningEmulator

PHONE, OTHER = "+886912345678", "+886987654321"


class Channel:
    """An open live channel."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def next(self) -> dict[str, Any]:
        """The next screen that comes."""
        found: dict[str, Any] = await self._socket.receive_json(timeout=10)
        return found

    async def silent(self, seconds: float = 0.4) -> bool:
        """Whether nothing comes for so long, in real time: the wait before news is shown is a tenth of it."""
        try:
            await self._socket.receive(timeout=seconds)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def live(emulator: RunningEmulator, phone: str, **headers: str) -> AsyncIterator[Channel]:
    url = f"{emulator.url}{CONTROL}/users/{quote(phone, safe='')}/live"
    async with emulator.session.ws_connect(url, headers=headers) as socket:
        yield Channel(socket)


async def test_the_live_channel_sends_the_screen_at_once_and_when_it_changes_and_not_otherwise(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE, name="Mei", language="zh-Hant")
    await emulator.user(OTHER)
    async with live(emulator, PHONE) as seen:
        first = await seen.next()
        assert (first["phone"], first["user"]["name"], first["chats"]) == (PHONE, "Mei", [])
        await emulator.send(channel, OTHER)
        assert await seen.silent()
        await emulator.send(channel, PHONE)
        assert [chat["from"] for chat in (await seen.next())["chats"]] == ["line", channel["channel_id"]]


async def test_many_changes_in_a_row_come_as_few_screens(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    await emulator.user(PHONE)
    async with live(emulator, PHONE) as seen:
        await seen.next()
        await asyncio.gather(*(emulator.send(channel, PHONE) for _ in range(40)))
        count, shown = 0, 0
        while shown < 40:
            count += 1
            shown = len((await seen.next())["chats"][-1]["messages"])
        assert count < 20


async def test_the_live_channel_tells_when_the_clock_jumps(emulator: RunningEmulator) -> None:
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    async with live(emulator, PHONE) as seen:
        assert (await seen.next())["clock"] == {"mode": "paused", "rate": 0.0}
        moved = await emulator.clock(advance="2h")
        assert (await seen.next())["now"] == moved["now"]


async def test_what_expires_is_told_when_the_clock_moves(emulator: RunningEmulator) -> None:
    await emulator.user(PHONE, reception="not_set")
    await emulator.clock(mode="paused")
    await emulator.send(await emulator.channel(), PHONE)
    async with live(emulator, PHONE) as seen:
        shown = await seen.next()
        assert (shown["prompts"], shown["chats"][0]["messages"][-1]["state"]) == (["consent"], "open")
        await emulator.clock(advance="25h")
        while shown["prompts"]:
            shown = await seen.next()
        assert shown["chats"][0]["messages"][-1]["state"] == "expired"


async def test_the_live_channel_follows_its_user_to_another_number(emulator: RunningEmulator) -> None:
    await emulator.user(PHONE)
    async with live(emulator, PHONE) as seen:
        await seen.next()
        await emulator.act(PHONE, "change_number", phone=OTHER)
        shown = await seen.next()
        assert (shown["phone"], shown["line_user"]) == (OTHER, True)


async def test_the_live_channel_follows_a_member_of_a_population_too(emulator: RunningEmulator) -> None:
    rates = {"registered": 1, "agree": 1, "not_set": 0, "verified": 1, "blocked": 0, "friend": 0}
    population = {"count": 10, "seed": 7, "prefix": "+88691", "digits": 7, "rates": rates}
    await emulator.control("POST", "/population", population)
    async with live(emulator, "+886910000003") as seen:
        assert (await seen.next())["user"]["name"] == "User 3"
        await emulator.act("+886910000003", "change_number", phone=OTHER)
        shown = await seen.next()
        assert (shown["phone"], shown["user"]["name"]) == (OTHER, "User 3")


async def test_a_deleted_account_and_a_reset_leave_a_number_without_line(emulator: RunningEmulator) -> None:
    await emulator.user(PHONE)
    async with live(emulator, PHONE) as seen:
        assert (await seen.next())["line_user"] is True
        await emulator.act(PHONE, "delete_account")
        assert (await seen.next())["line_user"] is False
        await emulator.user(PHONE)
        assert (await seen.next())["line_user"] is True
        await emulator.control("POST", "/reset")
        assert (await seen.next())["line_user"] is False


async def test_a_number_without_line_has_a_live_sms_inbox(emulator: RunningEmulator) -> None:
    async with live(emulator, PHONE) as seen:
        assert (await seen.next())["sms"] == []
        await emulator.control("POST", "/carrier/messages", {"to": PHONE, "text": "Hi", "from": "Post"}, 202)
        shown = await seen.next()
        assert (shown["line_user"], shown["sms"][0]["text"]) == (False, "Hi")


@pytest.mark.parametrize("origin", ["https://example.com", "http://127.0.0.1:1", "null"])
async def test_a_page_from_elsewhere_may_not_listen(emulator: RunningEmulator, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with live(emulator, PHONE, Origin=origin):
            pass
    assert refused.value.status == 403


async def test_the_pages_own_origin_may_listen_and_what_it_says_is_ignored(emulator: RunningEmulator) -> None:
    await emulator.user(PHONE)
    url = f"{emulator.url}{CONTROL}/users/{quote(PHONE, safe='')}/live"
    async with emulator.session.ws_connect(url, origin=emulator.url) as socket:
        await socket.receive_json(timeout=10)
        await socket.send_str("\0" * 1000)
        await socket.send_bytes(b"\xff" * 1000)
        await emulator.act(PHONE, "agree")
        await emulator.control("PATCH", f"/users/{quote(PHONE, safe='')}", {"name": "Other"})
        assert (await socket.receive_json(timeout=10))["user"]["name"] == "Other"


@pytest.mark.parametrize("path", ["hello", "%2B%00", "%2B88%0A7"])
async def test_a_live_channel_to_what_is_no_number_is_refused(emulator: RunningEmulator, path: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with emulator.session.ws_connect(f"{emulator.url}{CONTROL}/users/{path}/live"):
            pass
