"""Proof of a phone number by a PIN over SMS: the check that notifications ask for, and a change of number.

Source: LINE notification messages, "Behavior when receiving" (SMS authentication, 180 days; changing the number
during it sends a new PIN, and then a message that the number was changed). How PINs look and how long they last
is this emulator's choice.
"""

from __future__ import annotations

from line_emulator.world import ledger as fates
from line_emulator.world import notifications, numbers
from line_emulator.world.commands import Act
from line_emulator.world.effects import Effects
from line_emulator.world.people import PIN_LASTS, Account, Pin
from line_emulator.world.problems import Problem
from line_emulator.world.sms import Sms, pin_text
from line_emulator.world.world import World

NO_NUMBER = Problem(
    400, "This user's number was given to somebody else; the action change_number gives them a new one"
)


def request_pin(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    """A PIN to the user's own number."""
    if not numbers.is_e164(account.phone):
        return NO_NUMBER
    _text_pin(world, account, command, account.phone, None, now)
    return None


def enter_pin(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    """The PIN for the own number: the user is verified, and what waited for it is shown."""
    pin = account.pin if account.pin is not None and account.pin.new_phone is None else None
    problem, repeated = _tried(account, pin, command, now)
    if problem is None and not repeated:
        notifications.show(account, now, "line", "verified")
        notifications.verified(world, account, now, effects)
    return problem


def request_number_change(
    world: World, account: Account, command: Act, now: int, effects: Effects
) -> Problem | None:
    """A PIN to the new number. A PIN that was under way to the old one is void from now on."""
    problem = _new_phone_problem(command.new_phone)
    if problem is None and command.new_phone and command.new_phone != account.phone:
        _text_pin(world, account, command, command.new_phone, command.new_phone, now)
    return problem


def confirm_number_change(
    world: World, account: Account, command: Act, now: int, effects: Effects
) -> Problem | None:
    """The PIN from the new number: from now on it is the user's."""
    pin = account.pin if account.pin is not None and account.pin.new_phone is not None else None
    problem, repeated = _tried(account, pin, command, now)
    if problem is None and not repeated and pin is not None and pin.new_phone is not None:
        _move(world, account, pin.new_phone, now)
    return problem


def change_number(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    """The whole change at once, with its PIN."""
    problem = _new_phone_problem(command.new_phone)
    if problem is None and command.new_phone and command.new_phone != account.phone:
        _move(world, account, command.new_phone, now)
    return problem


def take_over(world: World, phone: str, proof: str | None = None) -> Account | None:
    """The number is given out again: whoever has it keeps the account, its friends and chats, and has no number
    any more. What waits for them is lost, and their text messages go with them, but for the PIN (`proof`) by which
    the new holder got the number. Says who it was; None if it was nobody's.
    """
    former = world.people.displace(phone)
    if former is not None:
        _drop_all(world, former)
        if former.pin is not None and former.pin.new_phone is None:
            former.pin = None
        world.sms.move(phone, former.phone, proof)
    return former


def _drop_all(world: World, account: Account) -> None:
    notifications.drop(world, account, fates.NUMBER_CHANGED)
    account.held = ()


def _move(world: World, account: Account, phone: str, now: int) -> None:
    take_over(world, phone, account.last_pin)
    _drop_all(world, account)
    world.people.move(account, phone)
    account.changed_at, account.pin = now, None
    notifications.show(account, now, "line", "number_changed")


def _new_phone_problem(phone: str | None) -> Problem | None:
    if phone is None or not numbers.is_e164(phone):
        return Problem(400, "A change of number needs a phone in E.164 form, such as +886912345678")
    return None


def _text_pin(world: World, account: Account, command: Act, to: str, new_phone: str | None, now: int) -> None:
    code = command.new_pin
    account.pin = Pin(code, now + PIN_LASTS, new_phone)
    text = pin_text(account.language, code)
    world.sms.put(Sms(command.message_id, to, "LINE", text, now, pin=code))


def _tried(account: Account, pin: Pin | None, command: Act, now: int) -> tuple[Problem | None, bool]:
    """What is wrong with the PIN that was entered, and whether it is one that was right before."""
    if command.pin is None:
        return Problem(400, f"The action {command.action} needs a pin"), False
    if pin is None or now >= pin.expires_at or pin.tries_left == 0:
        if command.pin == account.last_pin:
            return None, True
        return Problem(400, "There is no valid PIN for this user: ask for a new one with request_pin"), False
    if command.pin != pin.code:
        pin.tries_left -= 1
        return Problem(400, f"Wrong PIN; tries left: {pin.tries_left}"), False
    account.pin, account.last_pin = None, pin.code
    return None, False
