"""The world: all state in one place, and `handle`, the one way to change it."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from typing import Any

from line_emulator.world import accounts, notifications, push
from line_emulator.world.channels import Channel
from line_emulator.world.commands import (
    Act,
    AddChannel,
    AddPopulation,
    ChangeUser,
    Command,
    IssueToken,
    PutUser,
    SendFlexible,
    SendPush,
    SendTemplate,
    SetWebhook,
    TakeSms,
    Tick,
)
from line_emulator.world.effects import Effects
from line_emulator.world.ledger import Ledger, Row
from line_emulator.world.people import Account, Register
from line_emulator.world.problems import Problem
from line_emulator.world.sms import Sms, SmsBook


class World:
    """Channels, people, the ledger, SMS and the timers of LINE's side. Times in ms since the epoch.

    `counts`: messages shown, by (channel id, path, day in UTC+9 as days since the epoch).
    `issued`: access tokens that end, with their channel and their end, oldest first.
    `retry_keys`: (channel id, key) → the moment, request number and answer of an accepted push.
    """

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.people = Register()
        self.ledger = Ledger()
        self.sms = SmsBook()
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.retry_keys: dict[tuple[str, str], tuple[int, int, Any]] = {}
        self.issued: dict[str, tuple[Channel, int]] = {}
        self._timers: list[tuple[int, int, Account, Row]] = []
        self._timer_no = 0

    def expire_later(self, account: Account, row: Row, due: int) -> None:
        """Ends the wait of a pending notification at `due`."""
        self._timer_no += 1
        heapq.heappush(self._timers, (due, self._timer_no, account, row))

    def fire_due(self, now: int) -> None:
        """Fires all timers up to and including `now`, in order. Nothing of it is seen from outside."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            _, _, account, row = heapq.heappop(timers)
            notifications.expire(self, account, row)


def handle(world: World, command: Command, now: int) -> Effects:
    """Does one command at `now` (ms) and says what comes of it. Never raises on what users may send."""
    world.fire_due(now)
    return _HANDLERS[type(command)](world, command, now)


def _add_channel(world: World, command: AddChannel, now: int) -> Effects:
    world.channels[command.channel.channel_id] = command.channel
    return Effects(command.channel)


def _set_webhook(world: World, command: SetWebhook, now: int) -> Effects:
    command.channel.webhook_url = command.url
    return Effects()


def _issue_token(world: World, command: IssueToken, now: int) -> Effects:
    for token, (_, expires_at) in list(world.issued.items()):
        if expires_at > now:
            break
        del world.issued[token]
    world.issued[command.token] = command.channel, command.expires_at
    return Effects()


def _add_population(world: World, command: AddPopulation, now: int) -> Effects:
    new = command.population
    for known in world.people.populations:
        if known.same_as(new):
            return Effects(known)
        ends = (known.phone(0), known.phone(known.count - 1), new.phone(0), new.phone(new.count - 1))
        if len(ends[0]) == len(ends[2]) and ends[0] <= ends[3] and ends[2] <= ends[1]:
            text = f"The numbers {ends[2]} to {ends[3]} overlap with a population from {ends[0]} to {ends[1]}"
            return Effects(problem=Problem(400, text))
    world.people.populations.append(new)
    return Effects(new)


def _take_sms(world: World, command: TakeSms, now: int) -> Effects:
    account = world.people.find_phone(command.to)
    sms = Sms(
        message_id=command.message_id,
        to=command.to,
        sender=command.sender,
        text=command.text,
        at=now,
        reference=command.reference,
        delivered=account is None or account.sms_reachable,
    )
    world.sms.take(sms)
    return Effects(sms)


_HANDLERS: dict[type, Callable[[World, Any, int], Effects]] = {
    SendTemplate: notifications.send_template,
    SendFlexible: notifications.send_flexible,
    SendPush: push.send,
    AddChannel: _add_channel,
    SetWebhook: _set_webhook,
    IssueToken: _issue_token,
    AddPopulation: _add_population,
    PutUser: accounts.put,
    ChangeUser: accounts.change,
    Act: accounts.act,
    TakeSms: _take_sms,
    Tick: lambda world, command, now: Effects(),
}
