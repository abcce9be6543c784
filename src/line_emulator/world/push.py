"""Ordinary push messages to a user ID: friends, and users who wrote within seven days.

Source: Messaging API reference, "Send push message" and "Retry an API request".
"""

from __future__ import annotations

from typing import Any

from line_emulator.world import ledger as fates
from line_emulator.world import limits, messages, notifications, problems
from line_emulator.world.commands import SendPush
from line_emulator.world.effects import Effects
from line_emulator.world.ledger import PUSH_PATH, Row
from line_emulator.world.limits import Faults, WrongType
from line_emulator.world.numbers import is_user_id
from line_emulator.world.people import DAY, Account
from line_emulator.world.problems import Problem
from line_emulator.world.world import World

RETRY_KEY_LASTS = DAY
WRITING_COUNTS = 7 * DAY


class AlreadyAccepted(Problem, frozen=True):
    """409: this retry key was accepted before; says as which request, and repeats its answer."""

    request_no: int = 0
    sent: Any = None


def send(world: World, command: SendPush, now: int) -> Effects:
    """A push: 200 with the ids of its messages even where the user won't see it, or LINE's error."""
    problem = _problem(command.body)
    if problem is not None:
        return Effects(problem=problem)
    repeated = _repeated(world, command, now)
    if repeated is not None:
        return Effects(problem=repeated)
    channel = command.channel
    account = world.people.find_user_id(command.body["to"], channel.provider)
    if account is None:
        return Effects(problem=problems.UNKNOWN_USER_ID)
    sent = [{"id": str(command.first_message_id + place)} for place in range(len(command.body["messages"]))]
    if command.retry_key is not None:
        key = channel.channel_id, command.retry_key
        world.retry_keys[key] = now, command.request_no, sent
    fate = _fate(account, channel.channel_id, now)
    row = Row(command.request_no, channel.channel_id, PUSH_PATH, 200, None, command.body["to"], now, fate)
    row.body = command.raw
    if fate == fates.DELIVERED:
        row.seen_at = now
        world.people.keep(account)
        notifications.show(account, now, channel.channel_id, "push", row)
        world.counts[channel.channel_id, PUSH_PATH, (now + notifications.JAPAN_OFFSET) // DAY] += 1
    world.ledger.add(row)
    return Effects(sent)


def _problem(body: dict[str, Any]) -> Problem | None:
    faults: Faults = []
    try:
        to = limits.text(body, "to", "to", faults)
        messages.check(body, messages.PUSH_TYPES, faults)
        limits.flag(body, "notificationDisabled")
        limits.aggregation_units(body, faults)
    except WrongType as wrong:
        return wrong.problem()
    if faults:
        return problems.body_errors(faults)
    return None if is_user_id(to) else problems.invalid_property("to")


def _repeated(world: World, command: SendPush, now: int) -> Problem | None:
    if command.retry_key is None:
        return None
    known = world.retry_keys.get((command.channel.channel_id, command.retry_key))
    if known is None or now - known[0] >= RETRY_KEY_LASTS:
        return None
    return AlreadyAccepted(409, "The retry key is already accepted", (), known[1], known[2])


def _fate(account: Account, channel_id: str, now: int) -> str:
    tie = account.tie(channel_id)
    if tie.blocked:
        return fates.BLOCKED
    wrote = tie.wrote_at is not None and now - tie.wrote_at < WRITING_COUNTS
    # The ledger has no word of its own for silence towards somebody who is no friend.
    return fates.DELIVERED if tie.friend or wrote else fates.REFUSED
