"""What users do with one official account: block, hide, delete, add, and the ways back.

Source: LINE's Taiwan deck, "what counts as blocked" (a block, also when deleted from the block list or from the
chat list; hidden and deleted from the hidden list); Messaging API reference, follow and unfollow events.
"""

from __future__ import annotations

from line_emulator.world import ledger as fates
from line_emulator.world import notifications, numbers
from line_emulator.world.commands import Act
from line_emulator.world.effects import Effects, Event
from line_emulator.world.people import Account
from line_emulator.world.world import World


def event_of(account: Account, world: World, channel_id: str, kind: str, now: int) -> Event:
    """A webhook event about this user. Who gave no consent to profile information is not named in it (Messaging
    API, "Consent on getting user profile information").
    """
    user_id = numbers.user_id(account.number, world.channels[channel_id].provider)
    event = Event(channel_id, kind, now, user_id, replyable=kind != "unfollow")
    event.anonymous = not account.profile_consent
    return event


def block(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """A plain block: it stands in the block list, and the account is told."""
    channel_id = command.channel_id or ""
    if not account.tie(channel_id).blocked:
        effects.events.append(event_of(account, world, channel_id, "unfollow", now))
    _shut_out(world, account, channel_id)


def hide(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """Hidden from the friends list, and deleted from the hidden list: counts as a block, and nobody is told."""
    _shut_out(world, account, command.channel_id or "")


def hide_only(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """Hidden from the friends list: a friend still, and everything arrives."""
    channel_id = command.channel_id or ""
    if account.tie(channel_id).friend:
        account.own_tie(channel_id).hidden = True


def unhide(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """Back from the hidden list into the friends list."""
    channel_id = command.channel_id or ""
    if account.tie(channel_id).hidden:
        account.own_tie(channel_id).hidden = False


def delete_from_hidden_list(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """Deletes a hidden account; from then on it counts as blocked."""
    channel_id = command.channel_id or ""
    if account.tie(channel_id).hidden:
        _shut_out(world, account, channel_id)


def delete_from_block_list(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """Deletes a blocked account from the block list: blocked for good, unless it is added anew."""
    channel_id = command.channel_id or ""
    if account.tie(channel_id).blocked:
        account.own_tie(channel_id).unlisted = True


def delete_chat(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """The chat leaves the list with all that was in it. A block stays a block, and a friend a friend."""
    account.clear_chat(command.channel_id or "")


def unblock(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """Ends a block from the block list, which it must not have been deleted from."""
    tie = account.tie(command.channel_id or "")
    if tie.blocked and not tie.unlisted:
        add_friend(world, account, command, now, effects)


def add_friend(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """Adds the account as a friend, whatever was before."""
    channel_id = command.channel_id or ""
    tie = account.own_tie(channel_id)
    was_blocked, was_friend = tie.blocked, tie.friend
    tie.blocked, tie.friend, tie.hidden, tie.unlisted = False, True, False, False
    if was_blocked or not was_friend:
        event = event_of(account, world, channel_id, "follow", now)
        event.extra = {"follow": {"isUnblocked": was_blocked}}
        effects.events.append(event)
    if was_blocked:
        notifications.unblocked(world, account, now, effects)


def _shut_out(world: World, account: Account, channel_id: str) -> None:
    tie = account.own_tie(channel_id)
    tie.blocked, tie.friend, tie.hidden = True, False, False
    notifications.drop(world, account, fates.BLOCKED, channel_id)
    account.held = [row for row in account.held if row.channel_id != channel_id or row.fate == fates.BLOCKED]
