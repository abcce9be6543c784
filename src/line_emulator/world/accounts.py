"""What users are and do: made and changed by the control API, and every tap on the phone that LINE would
notice. Ties to official accounts are in `ties`, PINs and numbers in `proofs`.
"""

from __future__ import annotations

from collections.abc import Callable

from line_emulator.world import ledger as fates
from line_emulator.world import notifications, numbers, proofs, taps, ties
from line_emulator.world.commands import Act, ChangeUser, PutUser
from line_emulator.world.effects import Effects
from line_emulator.world.people import (
    DEFAULT_APP_VERSION,
    Account,
    Entry,
    default_language,
    first_reception,
)
from line_emulator.world.problems import Problem
from line_emulator.world.world import World


def put(world: World, command: PutUser, now: int) -> Effects:
    """Makes the user, or gives an existing one exactly these values (without any act of theirs)."""
    if command.takes_over:
        proofs.take_over(world, command.phone)
    account = world.people.find_phone(command.phone)
    app_version = command.app_version or DEFAULT_APP_VERSION
    values = {
        "own_name": command.name or "User " + command.phone[-4:],
        "language": command.language or default_language(command.phone),
        "reception": command.reception or first_reception(app_version, command.privacy_policy),
        "verified_at": command.verified_at,
        "created_at": command.created_at,
        "changed_at": None,
        "privacy_policy": command.privacy_policy,
        "profile_consent": command.profile_consent,
        "app_version": app_version,
        "sms_reachable": command.sms_reachable,
        "picture_url": command.picture_url,
        "status_message": command.status_message,
    }
    if account is None:
        account = Account(
            number=world.people.new_number(),
            own_phone=command.phone,
            digest=numbers.digest(command.phone),
            **values,  # type: ignore[arg-type]
        )
        world.people.add(account)
    else:
        for name, value in values.items():
            setattr(account, name, value)
        world.people.keep(account)
    return Effects(account)


def change(world: World, command: ChangeUser, now: int) -> Effects:
    """Changes some values. Reception and verification are acts: they release or delete what waits."""
    account = world.people.find_phone(command.phone)
    if account is None:
        return Effects(problem=unknown(command.phone))
    effects = Effects(account)
    changes = dict(command.changes)
    reception = changes.pop("reception", account.reception)
    if reception == notifications.NOT_SET and account.reception != notifications.NOT_SET:
        text = "reception was set once and can't become not_set again; make another user, or POST /users anew"
        return Effects(problem=Problem(400, text))
    verified_at = changes.pop("verified_at", account.verified_at)
    world.people.keep(account)
    for name, value in changes.items():
        setattr(account, "own_name" if name == "name" else name, value)
    if verified_at != account.verified_at:
        account.verified_at = verified_at
        if account.verified(now):
            notifications.verified(world, account, now, effects)
            account.verified_at = verified_at
    if reception != account.reception:
        if reception == notifications.AGREE:
            notifications.agreed(world, account, now, effects)
        else:
            notifications.refused(world, account)
    return effects


def act(world: World, command: Act, now: int) -> Effects:
    """One tap. Repeating it is harmless; refused are an unknown user, channel or action, and a wrong PIN."""
    account = world.people.find_phone(command.phone)
    if account is None:
        former = _done_before(world, command)
        return Effects(former) if former is not None else Effects(problem=unknown(command.phone))
    action = _ACTIONS.get(command.action)
    if action is None:
        text = f"Unknown action: {command.action}. Known: {', '.join(_ACTIONS)}, send_sms"
        return Effects(problem=Problem(400, text))
    if command.action in _NEED_CHANNEL and command.channel_id is None:
        return Effects(problem=Problem(400, f"The action {command.action} needs a channel_id"))
    if command.channel_id is not None and command.channel_id not in world.channels:
        return Effects(problem=Problem(404, f"There is no channel {command.channel_id}"))
    world.people.keep(account)
    effects = Effects(account)
    effects.problem = action(world, account, command, now, effects)
    return effects


def unknown(phone: str) -> Problem:
    """Nobody has this number."""
    return Problem(404, f"There is no LINE user with the number {phone}")


def _done_before(world: World, command: Act) -> Account | None:
    """Whoever gave up this number by the same action before, so that repeating it is harmless."""
    former = world.people.who_left(command.phone)
    if former is None:
        return None
    same = {
        "delete_account": former.deleted,
        "change_number": former.phone == command.new_phone,
        "confirm_number_change": former.last_pin is not None and former.last_pin == command.pin,
    }
    return former if same.get(command.action) else None


def _agree(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    notifications.agreed(world, account, now, effects)


def _refuse(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    notifications.refused(world, account)


def _delete_account(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """The user leaves LINE: no event tells of it, and what waited will never be shown."""
    notifications.drop(world, account, fates.EXPIRED)
    world.people.remove(account)


def _send_message(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    channel_id, text = command.channel_id or "", command.text or ""
    tie = account.own_tie(channel_id)
    if tie.blocked:
        return
    tie.wrote_at = now
    account.put_in_chat(Entry(now, channel_id, "text", None, text))
    event = ties.event_of(account, world, channel_id, "message", now)
    quote = world.channels[channel_id].quote_token(command.message_id)
    event.extra = {"message": {"id": command.message_id, "type": "text", "quoteToken": quote, "text": text}}
    effects.events.append(event)


_WITH_CHANNEL: dict[str, Callable[[World, Account, Act, int, Effects], Problem | None]] = {
    "block": ties.block,
    "unblock": ties.unblock,
    "hide": ties.hide,
    "hide_only": ties.hide_only,
    "unhide": ties.unhide,
    "delete_from_hidden_list": ties.delete_from_hidden_list,
    "delete_from_block_list": ties.delete_from_block_list,
    "delete_chat": ties.delete_chat,
    "add_friend": ties.add_friend,
    "send_message": _send_message,
    "tap": taps.tap,
    "postback": taps.postback,
    "switch_menu": taps.switch_menu,
}
_NEED_CHANNEL = frozenset(_WITH_CHANNEL)
_ACTIONS: dict[str, Callable[[World, Account, Act, int, Effects], Problem | None]] = {
    "agree": _agree,
    "refuse": _refuse,
    "request_pin": proofs.request_pin,
    "enter_pin": proofs.enter_pin,
    "change_number": proofs.change_number,
    "request_number_change": proofs.request_number_change,
    "confirm_number_change": proofs.confirm_number_change,
    "delete_account": _delete_account,
    "read": taps.read,
    **_WITH_CHANNEL,
}
ACTIONS, NEED_CHANNEL = tuple(_ACTIONS), _NEED_CHANNEL
"""The names of all actions, and of those that need a channel."""
