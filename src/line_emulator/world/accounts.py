"""What users are and do: made and changed by the control API, and every tap on the phone that LINE would
notice.
"""

from __future__ import annotations

from collections.abc import Callable

from line_emulator.world import ledger as fates
from line_emulator.world import notifications, numbers
from line_emulator.world.commands import Act, ChangeUser, PutUser
from line_emulator.world.effects import Effects, Event
from line_emulator.world.people import DEFAULT_APP_VERSION, PIN_LASTS, Account, Entry, Pin, default_language
from line_emulator.world.problems import Problem
from line_emulator.world.sms import Sms
from line_emulator.world.world import World


def put(world: World, command: PutUser, now: int) -> Effects:
    """Makes the user, or gives an existing one exactly these values (without any act of theirs)."""
    account = world.people.find_phone(command.phone)
    values = {
        "name": command.name or "User " + command.phone[-4:],
        "language": command.language or default_language(command.phone),
        "reception": command.reception,
        "verified_at": command.verified_at,
        "created_at": command.created_at,
        "changed_at": None,
        "privacy_policy": command.privacy_policy,
        "app_version": command.app_version or DEFAULT_APP_VERSION,
        "sms_reachable": command.sms_reachable,
    }
    if account is None:
        account = Account(
            number=world.people.new_number(),
            phone=command.phone,
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
        return Effects(problem=_unknown(command.phone))
    effects = Effects(account)
    changes = dict(command.changes)
    reception = changes.pop("reception", account.reception)
    if reception == notifications.NOT_SET and account.reception != notifications.NOT_SET:
        text = "reception was set once and can't become not_set again; make another user, or POST /users anew"
        return Effects(problem=Problem(400, text))
    verified_at = changes.pop("verified_at", account.verified_at)
    world.people.keep(account)
    for name, value in changes.items():
        setattr(account, name, value)
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
        return Effects(problem=_unknown(command.phone))
    action = _ACTIONS.get(command.action)
    if action is None:
        text = f"Unknown action: {command.action}. Known: {', '.join(_ACTIONS)}"
        return Effects(problem=Problem(400, text))
    if command.action in _NEED_CHANNEL and command.channel_id is None:
        return Effects(problem=Problem(400, f"The action {command.action} needs a channel_id"))
    if command.channel_id is not None and command.channel_id not in world.channels:
        return Effects(problem=Problem(404, f"There is no channel {command.channel_id}"))
    world.people.keep(account)
    effects = Effects(account)
    effects.problem = action(world, account, command, now, effects)
    return effects


def _unknown(phone: str) -> Problem:
    return Problem(404, f"There is no LINE user with the number {phone}")


def _agree(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    notifications.agreed(world, account, now, effects)


def _refuse(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    notifications.refused(world, account)


def _request_pin(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    code = command.new_pin
    account.pin = Pin(code, now + PIN_LASTS)
    text = f"LINE: {code} is your verification code. It is valid for 10 minutes."
    world.sms.put(Sms(command.message_id, account.phone, "LINE", text, now, pin=code))


def _enter_pin(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    pin = account.pin
    if command.pin is None:
        return Problem(400, "The action enter_pin needs a pin")
    if pin is None or now >= pin.expires_at or pin.tries_left == 0:
        if command.pin == account.last_pin:
            return None
        return Problem(400, "There is no valid PIN for this user: ask for a new one with request_pin")
    if command.pin != pin.code:
        pin.tries_left -= 1
        return Problem(400, f"Wrong PIN; tries left: {pin.tries_left}")
    account.pin, account.last_pin = None, pin.code
    notifications.show(account, now, "line", "verified")
    notifications.verified(world, account, now, effects)
    return None


def _event(account: Account, world: World, channel_id: str, kind: str, now: int) -> Event:
    user_id = numbers.user_id(account.number, world.channels[channel_id].provider)
    return Event(channel_id, kind, now, user_id, replyable=kind != "unfollow")


def _block(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    channel_id = command.channel_id or ""
    tie = account.own_tie(channel_id)
    if not tie.blocked and command.action == "block":
        effects.events.append(_event(account, world, channel_id, "unfollow", now))
    tie.blocked, tie.friend = True, False
    notifications.drop(world, account, fates.BLOCKED, channel_id)
    account.held = [row for row in account.held if row.channel_id != channel_id or row.fate == fates.BLOCKED]


def _befriend(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    channel_id = command.channel_id or ""
    tie = account.own_tie(channel_id)
    was_blocked, was_friend = tie.blocked, tie.friend
    if command.action == "unblock" and not was_blocked:
        return
    tie.blocked, tie.friend = False, True
    if was_blocked or not was_friend:
        event = _event(account, world, channel_id, "follow", now)
        event.extra = {"follow": {"isUnblocked": was_blocked}}
        effects.events.append(event)
    if was_blocked:
        notifications.unblocked(world, account, now, effects)


def _change_number(
    world: World, account: Account, command: Act, now: int, effects: Effects
) -> Problem | None:
    new = command.new_phone
    if new is None or not numbers.is_e164(new):
        return Problem(400, "The action change_number needs a phone in E.164 form, such as +886912345678")
    if new == account.phone:
        return None
    if world.people.find_phone(new) is not None:
        return Problem(400, f"The number {new} belongs to another LINE user")
    notifications.drop(world, account, fates.NUMBER_CHANGED)
    account.held.clear()
    world.people.move(account, new)
    account.changed_at, account.pin = now, None
    notifications.show(account, now, "line", "number_changed")
    return None


def _send_message(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    channel_id, text = command.channel_id or "", command.text or ""
    tie = account.own_tie(channel_id)
    if tie.blocked:
        return
    tie.wrote_at = now
    account.entries.append(Entry(now, channel_id, "text", None, text))
    event = _event(account, world, channel_id, "message", now)
    event.extra = {"message": {"id": command.message_id, "type": "text", "quoteToken": "", "text": text}}
    effects.events.append(event)


def _tap(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    target, channel_id = command.target, command.channel_id or ""
    if not target:
        return Problem(400, "The action tap needs a target: the link or the postback data of the button")
    # A link opens a page and LINE's servers notice nothing of it; a postback is reported to the account.
    if not target.startswith(("http://", "https://", "line://", "tel:")):
        event = _event(account, world, channel_id, "postback", now)
        event.extra = {"postback": {"data": target}}
        effects.events.append(event)
    return None


_NEED_CHANNEL = frozenset({"block", "hide", "unblock", "add_friend", "send_message", "tap"})
_ACTIONS: dict[str, Callable[[World, Account, Act, int, Effects], Problem | None]] = {
    "agree": _agree,
    "refuse": _refuse,
    "request_pin": _request_pin,
    "enter_pin": _enter_pin,
    "block": _block,
    "hide": _block,
    "unblock": _befriend,
    "add_friend": _befriend,
    "change_number": _change_number,
    "send_message": _send_message,
    "tap": _tap,
}
