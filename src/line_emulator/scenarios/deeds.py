"""What the steps of scenarios do, and how it is put back."""

from __future__ import annotations

import asyncio
import hashlib
import typing
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from line_emulator import times
from line_emulator.control import channels
from line_emulator.control.acts import perform
from line_emulator.control.http import Refused, check
from line_emulator.faults import order_of
from line_emulator.scenarios.script import VERIFY, ActDeed, ChannelDeed, Step, UserDeed, Who
from line_emulator.state import State
from line_emulator.world.accounts import NEED_CHANNEL
from line_emulator.world.channels import Channel
from line_emulator.world.commands import ChangeUser
from line_emulator.world.people import Account

CHUNK = 200
"""So many users are looked at before others get their turn."""
WAITING, DOING, IN_FORCE, DONE, FAILED, DROPPED = "waiting", "doing", "in force", "done", "failed", "dropped"


class Undo(msgspec.Struct):
    """How to put back what a step did: a fault, values of channels, or the clock's mode and speed.

    It is done at virtual time `due`; None: only when the scenario is ended. `clock`: (what the step set, what was
    before) of mode and speed.
    """

    due: int | None
    fault_id: int | None = None
    clock: dict[str, tuple[Any, Any]] = {}
    channels: dict[str, dict[str, Any]] = {}


class Played(msgspec.Struct):
    """How far a step has come. `requests`: those counted so far; `users`: how many it touched."""

    step: Step
    state: str = WAITING
    at: int | None = None
    requests: int = 0
    users: int | None = None
    error: str | None = None
    undo: Undo | None = None


class Deeds:
    """Does what a step says. A method for each deed; what takes its time comes back to be awaited.

    They raise Refused.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def do(self, played: Played) -> Awaitable[None] | None:
        """Does a step's deed; says in `played` how to put it back. Raises Refused, also when awaited."""
        deed: Callable[[Played], Awaitable[None] | None] = getattr(self, played.step.deed())
        return deed(played)

    def put_back(self, undo: Undo) -> None:
        """Withdraws the fault, gives channels and the clock their former values. Raises Refused."""
        if undo.fault_id is not None:
            self._state.faults.remove(undo.fault_id)
        for channel_id, values in undo.channels.items():
            channel = self._state.world.channels.get(channel_id)
            if channel is not None:
                channels.apply(self._state, channel, _restored(values))
        # Whatever was set by others since then stays.
        clock = self._state.clock
        former = {name: was for name, (own, was) in undo.clock.items() if getattr(clock, name) == own}
        if former:
            self._state.traveller.change_at_once(former.get("mode"), former.get("speed"))

    def _due(self, step: Step) -> int | None:
        return None if step.lasts is None else self._state.clock.now() + times.parse_duration(step.lasts)

    def fault(self, played: Played) -> None:
        """Orders a fault."""
        order = played.step.fault
        assert order is not None
        fault = self._state.faults.add(order_of(**msgspec.structs.asdict(order)))
        due = self._due(played.step)
        if due is not None:
            played.undo = Undo(due, fault_id=fault.id)

    def clear_faults(self, played: Played) -> None:
        """Withdraws all faults."""
        self._state.faults.remove()

    def clock(self, played: Played) -> None:
        """Sets speed and mode of the clock, until the scenario is ended."""
        body = played.step.clock
        assert body is not None
        clock = self._state.clock
        given = {"mode": body.mode, "speed": body.speed}
        changed = {
            name: (own, getattr(clock, name))
            for name, own in given.items()
            if own is not None and own != getattr(clock, name)
        }
        if changed:
            played.undo = Undo(None, clock=changed)
        self._state.traveller.change_at_once(body.mode, body.speed)

    def channel(self, played: Played) -> None:
        """Changes one channel or all."""
        deed = played.step.channel
        assert isinstance(deed, ChannelDeed)
        given = deed.given()
        wanted = given.pop("channel_id", None)
        known = self._state.world.channels
        if wanted is not None and wanted not in known:
            raise Refused(404, f"There is no channel {wanted}")
        due = self._due(played.step)
        undo = Undo(due) if due is not None else None
        for channel in [known[wanted]] if wanted is not None else list(known.values()):
            if undo is not None:
                undo.channels[channel.channel_id] = _kept(channel, given)
            channels.apply(self._state, channel, dict(given))
        played.undo = undo

    def user(self, played: Played) -> Awaitable[None] | None:
        """Changes one user or a share."""
        deed = played.step.user
        assert isinstance(deed, UserDeed)
        changes = deed.given(self._state.clock.now())
        changes.pop("who", None)
        changes.pop("phone", None)

        def change(phone: str) -> None:
            check(self._state.do(ChangeUser(phone, dict(changes))).problem)

        return self._each(played, deed.who, change)

    def act(self, played: Played) -> Awaitable[None] | None:
        """One user acts, or a share."""
        deed = played.step.act
        assert isinstance(deed, ActDeed)
        return self._each(played, deed.who, partial(self._perform, deed))

    def _perform(self, deed: ActDeed, phone: str) -> None:
        if deed.action == VERIFY:
            pin = self._state.ids.pin()
            for action in ("request_pin", "enter_pin"):
                tap = msgspec.structs.replace(deed, action=action, pin=pin)
                check(perform(self._state, phone, tap, pin).problem)
            return
        places = [deed.channel_id]
        if deed.channel_id is None and deed.action in NEED_CHANNEL:
            places = list(self._state.world.channels)
        for channel_id in places:
            tap = msgspec.structs.replace(deed, channel_id=channel_id)
            check(perform(self._state, phone, tap).problem)

    def _each(self, played: Played, who: Who, deed: Callable[[str], None]) -> Awaitable[None] | None:
        if who.phone is not None:
            deed(who.phone)
            played.users = 1
            return None
        return self._each_of_many(played, who, deed)

    async def _each_of_many(self, played: Played, who: Who, deed: Callable[[str], None]) -> None:
        world, played.users = self._state.world, 0
        for looked, (_, account) in enumerate(world.people.everybody()):
            if chosen(who, account):
                deed(account.phone)
                played.users += 1
            if looked % CHUNK == 0:
                await asyncio.sleep(0)
                if self._state.world is not world:
                    return


def chosen(who: Who, account: Account) -> bool:
    """Whether this user belongs to the share."""
    phone = account.phone
    if who.reception not in (None, account.reception) or not phone.startswith(who.prefix):
        return False
    raw = hashlib.blake2b(phone.encode(), key=who.seed.to_bytes(8), digest_size=4).digest()
    return int.from_bytes(raw) / 2**32 < (who.share or 0)


def _kept(channel: Channel, given: dict[str, Any]) -> dict[str, Any]:
    """The values that a change will replace, as plain data; with the imported list, which may go with them."""
    return {name: msgspec.to_builtins(getattr(channel, name)) for name in (*given, "grants")}


def _restored(values: dict[str, Any]) -> dict[str, Any]:
    types = typing.get_type_hints(Channel)
    return {name: msgspec.convert(value, types[name]) for name, value in values.items()}
