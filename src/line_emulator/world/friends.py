"""Acts that change friendships, so that they are counted. Source: as `friend_book`."""

from __future__ import annotations

from line_emulator.world import accounts
from line_emulator.world.commands import Act
from line_emulator.world.effects import Effects
from line_emulator.world.people import Account
from line_emulator.world.world import World


def act(world: World, command: Act, now: int) -> Effects:
    """`accounts.act`, with a look at what it does to friendships."""
    before = world.people.find_phone(command.phone)
    if before is None:
        return accounts.act(world, command, now)
    was = {channel_id: _tie(before, channel_id) for channel_id in _concerned(world, command)}
    number = before.number
    effects = accounts.act(world, command, now)
    # A member of a population is another object by now; and the number may be theirs no longer.
    after = world.people.find_phone(command.phone) or world.people.who_left(command.phone)
    if after is None or after.number != number:
        return effects
    for channel_id, tie in was.items():
        now_is = (False, False) if after.deleted else _tie(after, channel_id)
        world.friends.changed(channel_id, number, tie, now_is, now)
    return effects


def _tie(account: Account, channel_id: str) -> tuple[bool, bool]:
    tie = account.tie(channel_id)
    return tie.friend, tie.blocked


def _concerned(world: World, command: Act) -> list[str]:
    """The channels whose numbers the act may change. A deletion of the account changes those of all."""
    if command.action.startswith("delete_account"):
        return list(world.channels)
    return [command.channel_id] if command.channel_id in world.channels else []
