"""Ordinary messages to user IDs: push, multicast and reply.

Source: Messaging API reference, "Send push message", "Send multicast message", "Send reply message", "Retry an API
request"; Messaging API, "Get quote tokens". A push also reaches who wrote within seven days, a multicast only friends,
a reply whoever caused the event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from line_emulator.world import ledger as fates
from line_emulator.world import limits, messages, problems
from line_emulator.world.channels import ACTIVE, Channel
from line_emulator.world.commands import RenewReplyTokens, SendMulticast, SendPush, SendReply
from line_emulator.world.effects import Effects, Event
from line_emulator.world.japan import DAY, day_of
from line_emulator.world.ledger import PUSH_PATH, Row
from line_emulator.world.limits import Faults, WrongType
from line_emulator.world.numbers import is_user_id
from line_emulator.world.people import Account, Entry
from line_emulator.world.problems import Problem
from line_emulator.world.world import World

REPLY_PATH = "/v2/bot/message/reply"
MULTICAST_PATH = "/v2/bot/message/multicast"
MOST_RECIPIENTS = 500
RETRY_KEY_LASTS = DAY
WRITING_COUNTS = 7 * DAY
QUOTABLE = frozenset({"text", "textV2", "sticker", "image", "video", "template", "flex"})
"""The kinds of messages that can be quoted, and so get a quote token."""


class AlreadyAccepted(Problem, frozen=True):
    """409: this retry key was accepted before; says as which request, and repeats its answer (`sent`; None: of a
    multicast, which has none).
    """

    request_no: int = 0
    sent: Any = None


def push(world: World, command: SendPush, now: int) -> Effects:
    """A push: 200 with the ids of its messages even where the user won't see it, or LINE's error."""
    channel, body = command.channel, command.body
    problem = _fault(body, _check_push) or _repeated(world, channel, command.retry_key, now)
    if problem is not None:
        return Effects(problem=problem)
    account = world.people.find_user_id(body["to"], channel.provider)
    if account is None:
        return Effects(problem=problems.UNKNOWN_USER_ID)
    if world.usage.exhausted(channel, 1, now) or world.usage.too_many(channel, account, now):
        return Effects(problem=problems.MONTHLY_LIMIT)
    sent = _sent(channel, body, command.first_message_id)
    _accept(world, channel, command.retry_key, command.request_no, sent, now)
    tie = account.tie(channel.channel_id)
    wrote = tie.wrote_at is not None and now - tie.wrote_at < WRITING_COUNTS
    fate = _fate(account, channel, tie.friend or wrote)
    row = Row(command.request_no, channel.channel_id, PUSH_PATH, 200, None, body["to"], now, fate)
    _enter(world, account, row, command.raw, now)
    unit = world.units.enter(channel.channel_id, body, now)
    if fate == fates.DELIVERED:
        _count(world, channel, account, body, unit, now)
    return Effects(sent)


def multicast(world: World, command: SendMulticast, now: int) -> Effects:
    """One message to up to 500 users: 200 whoever gets it, or LINE's error and nobody gets it."""
    channel, body = command.channel, command.body
    problem = _fault(body, _check_multicast) or _repeated(world, channel, command.retry_key, now)
    if problem is not None:
        return Effects(problem=problem)
    # An ID that is named twice counts once [choice].
    people = {to: world.people.find_user_id(to, channel.provider) for to in body["to"]}
    ends = {to: _multicast_fate(account, channel) for to, account in people.items()}
    reached = [account for to, account in people.items() if account and ends[to] == fates.DELIVERED]
    usage = world.usage
    if usage.exhausted(channel, max(1, len(reached)), now):
        return Effects(problem=problems.MONTHLY_LIMIT)
    if any(usage.too_many(channel, account, now) for account in reached):
        return Effects(problem=problems.MONTHLY_LIMIT)
    _accept(world, channel, command.retry_key, command.request_no, None, now)
    unit = world.units.enter(channel.channel_id, body, now)
    for to, account in people.items():
        row = Row(command.request_no, channel.channel_id, MULTICAST_PATH, 200, None, to, now, ends[to])
        _enter(world, account, row, command.raw, now)
        if account is not None and ends[to] == fates.DELIVERED:
            _count(world, channel, account, body, unit, now)
    return Effects()


def reply(world: World, command: SendReply, now: int) -> Effects:
    """A reply: 200 with the ids of its messages, or LINE's error. A token is spent by the request that it admits."""
    channel, body = command.channel, command.body
    problem = _fault(body, _check_reply)
    if problem is not None:
        return Effects(problem=problem)
    token = body["replyToken"]
    user_id = world.reply_tokens.holder(channel.channel_id, token, now)
    account = None if user_id is None else world.people.find_user_id(user_id, channel.provider)
    if user_id is None or account is None:
        return Effects(problem=problems.INVALID_REPLY_TOKEN)
    world.reply_tokens.use(token)
    fate = _fate(account, channel, True)
    row = Row(command.request_no, channel.channel_id, REPLY_PATH, 200, None, user_id, now, fate)
    _enter(world, account, row, command.raw, now)
    return Effects(_sent(channel, body, command.first_message_id))


def furnish(world: World, event: Event, now: int) -> None:
    """Gives an event that can be answered its reply token, if anybody will receive it."""
    channel = world.channels[event.channel_id]
    heard = channel.webhook_url is not None and channel.webhook_active and channel.webhook_mode == ACTIVE
    if event.user_id is not None and heard:
        event.reply_token = world.reply_tokens.issue(channel.secret, event.channel_id, event.user_id, now)


def renew(world: World, command: RenewReplyTokens, now: int) -> Effects:
    """Events go out once more, or later than they happened: their unused tokens are good for another minute."""
    for token in command.tokens:
        world.reply_tokens.renew(command.channel_id, token, now)
    return Effects()


def messages_problem(body: dict[str, Any], allowed: messages.Allowed) -> Problem | None:
    """What is wrong with `messages`, and nothing else: the endpoints that validate look at no other property."""
    return _fault(body, lambda body, faults: messages.check(body, allowed, faults))


def _fault(body: dict[str, Any], check: Callable[[dict[str, Any], Faults], Problem | None]) -> Problem | None:
    faults: Faults = []
    try:
        wrong = check(body, faults)
    except WrongType as error:
        return error.problem()
    return problems.body_errors(faults) if faults else wrong


def _check_push(body: dict[str, Any], faults: Faults) -> Problem | None:
    to = limits.text(body, "to", "to", faults)
    _check_content(body, messages.PUSH_TYPES, faults)
    limits.aggregation_units(body, faults)
    return None if is_user_id(to) else problems.invalid_property("to")


def _check_multicast(body: dict[str, Any], faults: Faults) -> Problem | None:
    wrong = None
    for place, to in enumerate(limits.sequence(body.get("to"), "to", 1, MOST_RECIPIENTS, faults)):
        if type(to) is not str or not is_user_id(to):
            wrong = problems.invalid_property(f"to[{place}]")
            break
    _check_content(body, messages.MULTICAST_TYPES, faults)
    limits.aggregation_units(body, faults)
    return wrong


def _check_reply(body: dict[str, Any], faults: Faults) -> None:
    limits.text(body, "replyToken", "replyToken", faults)
    _check_content(body, messages.REPLY_TYPES, faults)


def _check_content(body: dict[str, Any], allowed: messages.Allowed, faults: Faults) -> None:
    messages.check(body, allowed, faults)
    limits.flag(body, "notificationDisabled")


def _repeated(world: World, channel: Channel, retry_key: str | None, now: int) -> Problem | None:
    if retry_key is None:
        return None
    known = world.retry_keys.get((channel.channel_id, retry_key))
    if known is None or now - known[0] >= RETRY_KEY_LASTS:
        return None
    return AlreadyAccepted(409, "The retry key is already accepted", (), known[1], known[2])


def _accept(
    world: World, channel: Channel, retry_key: str | None, request_no: int, sent: Any, now: int
) -> None:
    if retry_key is None:
        return
    keys = world.retry_keys
    while keys and now - keys[oldest := next(iter(keys))][0] >= RETRY_KEY_LASTS:
        del keys[oldest]
    keys[channel.channel_id, retry_key] = now, request_no, sent


def _sent(channel: Channel, body: dict[str, Any], first_id: int) -> list[dict[str, str]]:
    """`sentMessages`."""
    found = []
    for place, message in enumerate(body["messages"]):
        entry = {"id": str(first_id + place)}
        if message["type"] in QUOTABLE:
            entry["quoteToken"] = channel.quote_token(entry["id"])
        found.append(entry)
    return found


def _fate(account: Account, channel: Channel, reachable: bool) -> str:
    if account.tie(channel.channel_id).blocked:
        return fates.BLOCKED
    reachable = reachable and not account.deleted
    # The ledger has no word of its own for silence towards somebody who is no friend.
    return fates.DELIVERED if reachable else fates.REFUSED


def _multicast_fate(account: Account | None, channel: Channel) -> str:
    if account is None:
        return fates.REFUSED
    return _fate(account, channel, account.tie(channel.channel_id).friend)


def _enter(world: World, account: Account | None, row: Row, raw: bytes, now: int) -> None:
    if account is not None and row.fate == fates.DELIVERED:
        row.body, row.seen_at = raw, now
        world.people.keep(account)
        account.put_in_chat(Entry(now, row.channel_id, "push", row))
        world.counts[row.channel_id, row.path, day_of(now)] += 1
    world.ledger.add(row)


def _count(
    world: World, channel: Channel, account: Account, body: dict[str, Any], unit: str | None, now: int
) -> None:
    world.usage.add(channel, account, now)
    if unit is not None:
        world.units.show(channel.channel_id, unit, account.number, len(body["messages"]), now)
