"""A small world without HTTP: one channel, one user, and short words for what happens in it."""

from __future__ import annotations

import hashlib
from typing import Any

from line_emulator.world import Effects, World, handle
from line_emulator.world.channels import Channel
from line_emulator.world.commands import (
    Act,
    AddChannel,
    PutUser,
    SendFlexible,
    SendPush,
    SendTemplate,
    Tick,
)
from line_emulator.world.ledger import Row
from line_emulator.world.people import Account

PHONE, OTHER_PHONE = "+886912345678", "+886987654321"
HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_786_000_000_000
PIN = "123456"


class Town:
    """A world with one channel and one user, and short words for what happens in it."""

    def __init__(self, reception: str = "agree", verified: bool = True, **channel: Any) -> None:
        self.world = World()
        self.now = START
        self.events: list[str] = []
        self.channel = self.add_channel("2000000001", **channel)
        self.user(reception=reception, verified_at=START if verified else None)

    def add_channel(self, channel_id: str, **values: Any) -> Channel:
        settings: dict[str, Any] = {"region": "TW", "badge": "green", **values}
        channel = Channel(
            channel_id=channel_id,
            name="Shop",
            secret="s",
            bot_user_id="U1",
            basic_id="@shop",
            access_token="t" + channel_id,
            **settings,
        )
        return handle(self.world, AddChannel(channel), self.now).value

    def user(self, **values: Any) -> None:
        created = values.pop("created_at", START - 730 * DAY)
        handle(self.world, PutUser(phone=PHONE, created_at=created, **values), self.now)

    @property
    def account(self) -> Account:
        account = self.world.people.find_phone(PHONE) or self.world.people.find_phone(OTHER_PHONE)
        assert account is not None
        return account

    def note(self, effects: Effects) -> Effects:
        self.events += [event.type for event in effects.events]
        return effects

    def send(
        self, phone: str = PHONE, channel: Channel | None = None, flexible: bool = False, **content: Any
    ) -> Effects:
        digest = hashlib.sha256(phone.encode()).hexdigest()
        channel = channel or self.channel
        if flexible:
            body: dict[str, Any] = {"to": digest, "messages": [{"type": "text", "text": "x"}]}
            return self.note(handle(self.world, SendFlexible(channel, body, b"{}", None, 1), self.now))
        body = {"to": digest, "templateKey": "example_delivery", **content}
        return self.note(handle(self.world, SendTemplate(channel, body, b"{}", None, 1), self.now))

    def push(self, user_id: str) -> Effects:
        """An ordinary push."""
        body = {"to": user_id, "messages": [{"type": "text", "text": "x"}]}
        return self.note(handle(self.world, SendPush(self.channel, body, b"{}", 1, 1), self.now))

    def act(self, action: str, **values: Any) -> Effects:
        values = {"channel_id": self.channel.channel_id, "new_pin": PIN, **values}
        phone = values.pop("phone", None) or self.account.phone
        return self.note(handle(self.world, Act(phone, action, **values), self.now))

    def verify(self) -> None:
        self.act("request_pin")
        assert self.act("enter_pin", pin=PIN).problem is None

    def wait(self, ms: int) -> None:
        self.now += ms
        handle(self.world, Tick(), self.now)

    @property
    def rows(self) -> list[Row]:
        return self.world.ledger.rows

    @property
    def fates(self) -> list[str]:
        return [row.fate for row in self.rows]

    @property
    def shown(self) -> list[str]:
        """The kinds of what the user sees, in order."""
        return [entry.kind for entry in self.account.entries]

    @property
    def counted(self) -> int:
        return sum(self.world.counts.values())
