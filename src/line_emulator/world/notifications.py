"""Notification messages from acceptance to their end: reception × verification, consent, PIN, the window
of 24 hours.

Source: LINE notification messages, "Behavior when receiving"; the switches `reject_visible` and
`unblock_releases` follow LINE's Taiwan deck of August 2025 where it disagrees.
"""

from __future__ import annotations

from line_emulator.world import ledger as fates
from line_emulator.world import problems, rules
from line_emulator.world.channels import Channel
from line_emulator.world.commands import SendFlexible, SendTemplate
from line_emulator.world.effects import Effects, Event
from line_emulator.world.ledger import FLEXIBLE_PATH, TEMPLATE_PATH, Row
from line_emulator.world.numbers import parse_digest, served
from line_emulator.world.people import DAY, Account, Entry
from line_emulator.world.world import World

WINDOW = DAY
JAPAN_OFFSET = 9 * 3_600_000

AGREE, REJECT, NOT_SET = "agree", "reject", "not_set"
RECEPTIONS = (AGREE, REJECT, NOT_SET)


def send_template(world: World, command: SendTemplate, now: int) -> Effects:
    """A template notification: 202 and its fate begins, or LINE's error."""
    channel = command.channel
    if not channel.may_send_templates():
        return Effects(problem=problems.NOT_AVAILABLE)
    problem = rules.tag_problem(command.tag) or rules.template_problem(command.body, channel)
    if problem is not None:
        return Effects(problem=problem)
    key = command.body["templateKey"]
    row = _row(command, TEMPLATE_PATH, 202, now)
    row.template_key = key
    row.skip_pin = key in channel.no_verification_templates
    return _accept(world, channel, row, now)


def send_flexible(world: World, command: SendFlexible, now: int) -> Effects:
    """A flexible notification: 200 and its fate begins, or LINE's error."""
    if not command.channel.may_send_flexible():
        return Effects(problem=problems.NOT_AVAILABLE)
    problem = rules.tag_problem(command.tag) or rules.flexible_problem(command.body)
    if problem is not None:
        return Effects(problem=problem)
    return _accept(world, command.channel, _row(command, FLEXIBLE_PATH, 200, now), now)


def _row(command: SendTemplate | SendFlexible, path: str, status: int, now: int) -> Row:
    digest = parse_digest(command.body["to"]) or b""
    channel_id = command.channel.channel_id
    return Row(command.request_no, channel_id, path, status, command.tag, digest, now, "", command.raw)


def _accept(world: World, channel: Channel, row: Row, now: int) -> Effects:
    account = world.people.find(row.to)  # type: ignore[arg-type]
    if account is None or not _reachable(account, channel):
        row.status, row.fate, row.body = 422, fates.REJECTED, None
        world.ledger.add(row)
        return Effects(problem=problems.UNREACHABLE)
    world.people.keep(account)
    row.to = account.digest
    blocked = account.tie(channel.channel_id).blocked
    if blocked or account.reception == REJECT:
        row.fate = fates.BLOCKED if blocked else fates.REFUSED
        if channel.unblock_releases:
            account.held.append(row)
            world.expire_later(account, row, now + WINDOW)
        world.ledger.add(row)
        return Effects()
    return _begin(world, account, row, now)


def _reachable(account: Account, channel: Channel) -> bool:
    """What LINE knows at once; otherwise it answers 422."""
    if not account.privacy_policy or not served(account.phone):
        return False
    return account.reception != REJECT or not channel.reject_visible


def _begin(world: World, account: Account, row: Row, now: int) -> Effects:
    effects = Effects()
    row.fate = fates.PENDING
    world.ledger.add(row)
    if not _try_deliver(world, account, row, now, effects):
        verified = account.verified(now) or row.skip_pin
        # LINE's table has no "received" at first for a user who must both consent and verify.
        if account.reception == AGREE or verified:
            show(account, now, "line", "system_received")
        show(account, now, "line", "pin_request" if account.reception == AGREE else "consent_request", row)
        account.pending.append(row)
        world.expire_later(account, row, row.at + WINDOW)
    return effects


def _try_deliver(world: World, account: Account, row: Row, now: int, effects: Effects) -> bool:
    if account.reception != AGREE or not (row.skip_pin or account.verified(now)):
        return False
    show(account, now, "line", "system_received")
    show(account, now, row.channel_id, "notification", row)
    row.seen_at = now
    world.ledger.settle(row, fates.DELIVERED)
    world.counts[row.channel_id, row.path, (now + JAPAN_OFFSET) // DAY] += 1
    effects.events.append(Event(row.channel_id, "delivery", now, row=row))
    return True


def show(account: Account, now: int, chat: str, kind: str, row: Row | None = None) -> None:
    """Puts something into one of the user's chats."""
    account.entries.append(Entry(now, chat, kind, row))


def expire(world: World, account: Account, row: Row) -> None:
    """The 24 hours are over: what still waits will never be shown."""
    if row.fate == fates.PENDING:
        account.pending.remove(row)
        world.ledger.settle(row, fates.EXPIRED)
    elif row in account.held:
        account.held.remove(row)


def agreed(world: World, account: Account, now: int, effects: Effects) -> None:
    """The user consents, once for all accounts: what waited is delivered, or goes on to the SMS check."""
    was = account.reception
    account.reception = AGREE
    if was == AGREE:
        return
    _release_held(world, account, now, effects)
    for row in list(account.pending):
        if _try_deliver(world, account, row, now, effects):
            account.pending.remove(row)
        else:
            show(account, now, "line", "pin_request", row)


def refused(world: World, account: Account) -> None:
    """The user rejects: everything that waits is deleted at once and for good."""
    account.reception = REJECT
    drop(world, account, fates.REFUSED)


def verified(world: World, account: Account, now: int, effects: Effects) -> None:
    """The SMS check is passed, once for all accounts: what waited only for it is delivered."""
    account.verified_at = now
    for row in list(account.pending):
        if _try_deliver(world, account, row, now, effects):
            account.pending.remove(row)


def drop(world: World, account: Account, fate: str, channel_id: str | None = None) -> None:
    """Deletes what waits (from one channel, or all), with this fate."""
    for row in list(account.pending):
        if channel_id in (None, row.channel_id):
            account.pending.remove(row)
            world.ledger.settle(row, fate)


def unblocked(world: World, account: Account, now: int, effects: Effects) -> None:
    """The user unblocks an account: only where the channel follows the deck does that release anything."""
    _release_held(world, account, now, effects)


def _release_held(world: World, account: Account, now: int, effects: Effects) -> None:
    for row in list(account.held):
        if account.tie(row.channel_id).blocked or account.reception == REJECT:
            continue
        account.held.remove(row)
        world.ledger.settle(row, fates.PENDING)
        if not _try_deliver(world, account, row, now, effects):
            kind = "pin_request" if account.reception == AGREE else "consent_request"
            show(account, now, "line", kind, row)
            account.pending.append(row)
