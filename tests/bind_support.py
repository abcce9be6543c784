"""Users who bind their numbers, as tests play them: what they do on the page, in LINE, and with their SMS."""

from __future__ import annotations

import re
from typing import Any

from gateway_support import RunningGateway
from todoke.core.binding import Next
from todoke.engine.binder import Binder, View

ANNA, ANNAS_NUMBER = "+886912345678", "0912345678"
BERT, BERTS_NUMBER = "+886987654321", "0987654321"


class Person:
    """Somebody with a phone. `user_id`: as the channel's provider sees them."""

    def __init__(self, gateway: RunningGateway, phone: str, user_id: str, line_channel_id: str) -> None:
        self.gateway = gateway
        self.phone = phone
        self.user_id = user_id
        self.channel = line_channel_id

    async def adds_friend(self) -> None:
        await self.gateway.emulator.act(self.phone, "add_friend", channel_id=self.channel)
        await self.gateway.settle()

    async def writes(self, text: str) -> None:
        await self.gateway.emulator.act(self.phone, "send_message", channel_id=self.channel, text=text)
        await self.gateway.settle()

    async def opens_dialog(self, url: str) -> None:
        """LINE's account link dialog, on this phone."""
        path = url.removeprefix(self.gateway.emulator.url)
        assert path != url
        reply = await self.gateway.emulator.request("GET", f"{path}&_phone={self.phone.replace('+', '%2B')}")
        assert reply.status == 200, reply
        await self.gateway.settle()

    async def code(self) -> str:
        """The newest code in the SMS inbox."""
        return self.code_in((await self.sms())[-1])

    @staticmethod
    def code_in(text: str) -> str:
        found = re.search(r"(?<!\d)\d{6}(?!\d)", text)
        assert found is not None
        return found[0]

    async def sms(self) -> list[str]:
        screen = await self.gateway.emulator.screen(self.phone)
        return [str(x["text"]) for x in screen["sms"]]

    async def chat(self) -> list[str]:
        """What the account wrote, the newest last: of a Flex message its alternative text."""
        chats = (await self.gateway.emulator.screen(self.phone))["chats"]
        return [
            str(bubble.get("altText") or bubble.get("text"))
            for chat in chats
            if chat["from"] == self.channel
            for shown in chat["messages"]
            for bubble in shown.get("messages", [])
        ]

    async def button(self) -> str:
        """What the button of the newest message with one opens."""
        chats = (await self.gateway.emulator.screen(self.phone))["chats"]
        found = [
            found
            for chat in chats
            if chat["from"] == self.channel
            for shown in chat["messages"]
            for found in re.findall(r"'uri': '([^']+)'", str(shown.get("messages", [])))
        ]
        return found[-1]


class OneBrowser:
    """The pages as one browser has them."""

    def __init__(self, binder: Binder, browser: str) -> None:
        self.binder = self._binder = binder
        self._browser = browser

    async def open(self, token: str) -> View:
        return await self._binder.open(token, self._browser)

    async def look(self, token: str) -> View:
        return await self._binder.look(token, self._browser)

    async def agree(self, token: str, number: str | None, language: str, consent_version: int) -> View:
        return await self._binder.agree(token, number, language, consent_version, self._browser)

    async def line_url(self, token: str) -> str | View:
        return await self._binder.line_url(token, self._browser)

    async def send_code(self, token: str, **sending: Any) -> View:
        return await self._binder.send_code(token, self._browser, **sending)

    async def enter_code(self, token: str, code: str) -> View:
        return await self._binder.enter_code(token, code, self._browser)

    async def unbind_view(self, token: str) -> View:
        return await self._binder.unbind_view(token)

    async def unbind(self, token: str) -> View:
        return await self._binder.unbind(token)


def binder_of(gateway: RunningGateway, browser: str = "the one browser") -> OneBrowser:
    return OneBrowser(gateway.app.state.services.binder, browser)


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


async def person(
    gateway: RunningGateway, phone: str = ANNA, channel: str = "Parcels", **values: Any
) -> Person:
    made = await gateway.emulator.user(phone, **values)
    line_channel_id = (await gateway.ok("GET", f"/v1/channels/{channel}"))["line_channel_id"]
    return Person(gateway, phone, str(made["user_id"]), str(line_channel_id))


async def link_for(gateway: RunningGateway, **asked: str) -> str:
    """The token of a link that the business made."""
    made = await gateway.ok("POST", "/v1/bind-links", {"channel": "Parcels", **asked})
    return token_of(made["url"])


async def agreed(
    gateway: RunningGateway, token: str, number: str | None = None, language: str = "en"
) -> View:
    shown = await binder_of(gateway).open(token)
    assert shown.next is Next.AGREE, shown
    return await binder_of(gateway).agree(token, number, language, shown.consent_version)


async def linked(gateway: RunningGateway, token: str, by: Person) -> None:
    url = await binder_of(gateway).line_url(token)
    assert isinstance(url, str), url
    await by.opens_dialog(url)


async def up_to_code(gateway: RunningGateway, token: str, by: Person, number: str | None = None) -> View:
    """All until the page asks for the code; `by` is a friend."""
    view = await agreed(gateway, token, number)
    if view.next is Next.CHAT:
        assert view.word is not None
        await by.writes(view.word)
    await linked(gateway, token, by)
    view = await binder_of(gateway).look(token)
    assert view.next is Next.CODE, view
    return view


async def bound(
    gateway: RunningGateway, token: str, by: Person, number: str | None = None, **sending: Any
) -> View:
    """The whole way."""
    await up_to_code(gateway, token, by, number)
    sent = await binder_of(gateway).send_code(token, **sending)
    assert sent.why is None, sent
    await gateway.settle()
    view = await binder_of(gateway).enter_code(token, await by.code())
    await gateway.settle()
    return view


async def bindings(gateway: RunningGateway, ended: bool = False) -> list[dict[str, Any]]:
    found = await gateway.ok("GET", "/v1/bindings", ended=str(ended).lower())
    rows: list[dict[str, Any]] = found["bindings"]
    return rows
