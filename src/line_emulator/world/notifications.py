"""Notification messages from acceptance to their end: reception × verification, consent, PIN, the window
of 24 hours.

Source: LINE notification messages, "Behavior when receiving"; the switches `reject_visible` and
`unblock_releases` follow LINE's Taiwan deck of August 2025 where it disagrees.
"""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator.world import ledger as fates
from line_emulator.world import problems, rules
from line_emulator.world.channels import Channel
from line_emulator.world.commands import SendFlexible, SendTemplate
from line_emulator.world.effects import Effects, Event
from line_emulator.world.japan import DAY, day_of
from line_emulator.world.ledger import FLEXIBLE_PATH, TEMPLATE_PATH, Row
from line_emulator.world.numbers import country_code, parse_digest, served
from line_emulator.world.people import Account, Entry
from line_emulator.world.world import World

WINDOW = DAY

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
    return _accept(world, channel, row, command.body, now)


def send_flexible(world: World, command: SendFlexible, now: int) -> Effects:
    """A flexible notification: 200 and its fate begins, or LINE's error."""
    if not command.channel.may_send_flexible():
        return Effects(problem=problems.NOT_AVAILABLE)
    problem = rules.tag_problem(command.tag) or rules.flexible_problem(command.body)
    if problem is not None:
        return Effects(problem=problem)
    return _accept(world, command.channel, _row(command, FLEXIBLE_PATH, 200, now), command.body, now)


def _row(command: SendTemplate | SendFlexible, path: str, status: int, now: int) -> Row:
    digest = parse_digest(command.body["to"]) or b""
    channel_id = command.channel.channel_id
    return Row(command.request_no, channel_id, path, status, command.tag, digest, now, "", command.raw)


def _accept(world: World, channel: Channel, row: Row, body: dict[str, Any], now: int) -> Effects:
    account = world.people.find(row.to)  # type: ignore[arg-type]
    reason = _why_nobody(world, row) if account is None else _why_unreachable(account, channel)
    if account is None or reason is not None:
        row.status, row.fate, row.body, row.reason = 422, fates.REJECTED, None, reason
        world.ledger.add(row)
        return Effects(problem=problems.UNREACHABLE)
    world.people.keep(account)
    row.to = account.digest
    if "customAggregationUnits" in body:
        row.unit = world.units.enter(channel.channel_id, body, now)
    blocked = account.tie(channel.channel_id).blocked
    if blocked or account.reception == REJECT:
        row.fate = fates.BLOCKED if blocked else fates.REFUSED
        if channel.unblock_releases:
            account.hold(row)
            world.expire_later(account, row)
        world.ledger.add(row)
        return Effects()
    return _begin(world, account, row, now)


def _why_nobody(world: World, row: Row) -> str:
    former = world.people.left(row.to)  # type: ignore[arg-type]
    return fates.ACCOUNT_DELETED if former is not None and former.deleted else fates.NOBODY


def _why_unreachable(account: Account, channel: Channel) -> str | None:
    """What LINE knows at once, and then answers 422; None: it takes the request."""
    if not account.privacy_policy:
        return fates.NO_PRIVACY_POLICY
    if not served(account.phone):
        return fates.FIXED_LINE if country_code(account.phone) else fates.NOT_SERVED
    return fates.REJECTS if account.reception == REJECT and channel.reject_visible else None


def _begin(world: World, account: Account, row: Row, now: int) -> Effects:
    effects = Effects()
    if _may_be_shown(account, row, now):
        row.fate = fates.DELIVERED
        world.ledger.add(row)
        _deliver(world, account, row, now, effects)
        return effects
    row.fate = fates.PENDING
    world.ledger.add(row)
    _ask(account, row, now)
    account.wait(row)
    world.expire_later(account, row)
    return effects


def _may_be_shown(account: Account, row: Row, now: int) -> bool:
    return account.reception == AGREE and (row.skip_pin or account.verified(now))


def _ask(account: Account, row: Row, now: int) -> None:
    # LINE's table has no "received" at first for a user who must both consent and verify.
    if account.reception == AGREE or account.verified(now) or row.skip_pin:
        show(account, now, "line", "system_received")
    show(account, now, "line", "pin_request" if account.reception == AGREE else "consent_request", row)


def _deliver(world: World, account: Account, row: Row, now: int, effects: Effects) -> None:
    """The message and "received" are shown, the message counts, and the account is told."""
    row.seen_at = now
    account.put_in_chat(row)
    world.counts[row.channel_id, row.path, day_of(now)] += 1
    if row.unit is not None:
        bubbles = len(msgspec.json.decode(row.body or b"{}").get("messages", (None,)))
        world.units.show(row.channel_id, row.unit, account.number, bubbles, now)
    effects.events.append(Event(row.channel_id, "delivery", now, row=row))


def show(account: Account, now: int, chat: str, kind: str, row: Row | None = None) -> None:
    """Puts something into one of the user's chats."""
    account.put_in_chat(Entry(now, chat, kind, row))


def expire(world: World, account: Account, row: Row, now: int) -> None:
    """The 24 hours are over: what still waits will never be shown, neither this nor what is as old."""
    if row.fate == fates.PENDING:
        for old in account.pending:
            if old.at + WINDOW <= now:
                world.ledger.settle(old, fates.EXPIRED)
        _keep_waiting(account)
    elif account.held:
        account.held = [young for young in account.held if young.at + WINDOW > now] or ()


def agreed(world: World, account: Account, now: int, effects: Effects) -> None:
    """The user consents, once for all accounts: what waited is delivered, or goes on to the SMS check."""
    was = account.reception
    account.reception = AGREE
    if was == AGREE:
        return
    _release_pending(world, account, now, effects)
    for row in account.pending:
        show(account, now, "line", "pin_request", row)
    _release_held(world, account, now, effects)


def refused(world: World, account: Account) -> None:
    """The user rejects: everything that waits is deleted at once and for good."""
    account.reception = REJECT
    drop(world, account, fates.REFUSED)


def verified(world: World, account: Account, now: int, effects: Effects) -> None:
    """The SMS check is passed, once for all accounts: what waited only for it is delivered."""
    account.verified_at = now
    _release_pending(world, account, now, effects)


def drop(world: World, account: Account, fate: str, channel_id: str | None = None) -> None:
    """Deletes what waits (from one channel, or all), with this fate."""
    for row in account.pending:
        if channel_id in (None, row.channel_id):
            world.ledger.settle(row, fate)
    _keep_waiting(account)


def unblocked(world: World, account: Account, now: int, effects: Effects) -> None:
    """The user unblocks an account: only where the channel follows the deck does that release anything."""
    _release_held(world, account, now, effects)


def _release_pending(world: World, account: Account, now: int, effects: Effects) -> None:
    for row in account.pending:
        if _may_be_shown(account, row, now):
            world.ledger.settle(row, fates.DELIVERED)
            _deliver(world, account, row, now, effects)
    _keep_waiting(account)


def _keep_waiting(account: Account) -> None:
    """What has got its fate waits no longer."""
    if account.pending:
        account.pending = [row for row in account.pending if row.fate == fates.PENDING] or ()


def _release_held(world: World, account: Account, now: int, effects: Effects) -> None:
    held, account.held = account.held, ()
    for row in held:
        if account.tie(row.channel_id).blocked or account.reception == REJECT:
            account.hold(row)
            continue
        if _may_be_shown(account, row, now):
            world.ledger.settle(row, fates.DELIVERED)
            _deliver(world, account, row, now, effects)
        else:
            world.ledger.settle(row, fates.PENDING)
            _ask(account, row, now)
            account.wait(row)
