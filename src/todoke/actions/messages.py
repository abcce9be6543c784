"""Ordinary messages: taken in for friends only, claimed when due, written down when answered."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from todoke.actions import announcements, tally
from todoke.actions.advance import owned_channel
from todoke.actions.intake import Invalid, NotFound
from todoke.actions.reach import Reach, bound_users, no_longer_theirs
from todoke.actions.record import pause
from todoke.core import message
from todoke.core.message import Message, MessageState
from todoke.core.outcome import Answer, Outcome
from todoke.ids import Ids
from todoke.storage import channel_hours
from todoke.storage import channels as channel_store
from todoke.storage import messages as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.messages import Stored


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is asked for: to a number as people type it, or to a user ID."""

    channel: str
    to: str | None = None
    user_id: str | None = None
    messages: Any
    reference: str | None = None


class ToPush(NamedTuple):
    """A committed try whose request may leave now."""

    stored: Stored
    doubt: int | None
    """Since when an earlier try is in doubt; None: none is."""
    at: int
    reply_token: str | None = None
    """With it the try goes as a reply."""


class Claim(NamedTuple):
    """What a claim in one channel came to."""

    channel: Channel
    to_push: list[ToPush]
    looked_at: int


class Told(NamedTuple):
    """What a try came to; `answer` is None where its request never left."""

    item: ToPush
    answer: Answer | None
    token: bytes | None = None
    """The channel's access token as it is stored, with which it was sent."""


async def take_in(
    tx: Tx, account_id: str, wanted: Wanted, now: int, ids: Ids, every_number_is_a_test_number: bool
) -> Stored:
    """Stores a message, due now. Raises Invalid, NotFound, InvalidMessages or InvalidNumber with the place, and
    NotAFriend or NotATestNumber where nothing may be sent to this user.
    """
    if (wanted.to is None) == (wanted.user_id is None):
        raise Invalid(
            "Give either to, a phone number, or user_id, a LINE user ID: exactly one of them.", "/to"
        )
    if (wanted.reference or "").startswith(message.RESERVED):
        raise Invalid(
            f"References that begin with {message.RESERVED} are those of Todoke's own messages. Use another one.",
            "/reference",
        )
    message.check(wanted.messages)
    channel = await channel_store.find_channel(tx, account_id, wanted.channel)
    if channel is None:
        raise NotFound(
            f"There is no channel {wanted.channel[:60]!r}. `todoke channels list` or GET /v1/channels lists them.",
            "/channel",
        )
    reach = Reach(channel, every_number_is_a_test_number)
    if wanted.to is not None:
        bound = await bound_users(tx, channel, wanted.to, now)
        users = list(bound)
    else:
        assert wanted.user_id is not None
        bound, users = {}, [wanted.user_id]
    await reach.read(tx, users, now)
    user_id = next((user for user in users if reach.is_friend(user)), users[0])
    if (refusal := reach.refusal(user_id)) is not None:
        raise refusal
    stored = Stored(
        message=Message(id=ids.new(), created_at=now, due_at=now),
        account_id=account_id,
        channel_id=channel.id,
        user_id=user_id,
        reference=wanted.reference,
        binding_id=bound.get(user_id),
        body=msgspec.json.encode(wanted.messages).decode(),
    )
    await store.insert_message(tx, stored)
    return stored


async def answer(
    tx: Tx,
    account_id: str,
    channel_id: str,
    user_id: str,
    reply_token: str | None,
    reply_until: int | None,
    messages: Any,
    now: int,
    ids: Ids,
    reference: str | None = None,
) -> Stored:
    """Stores an answer to what a user did in the chat, due now: free as a reply while its token lasts, else a push.

    Without `reply_until` the token is tried for as long as LINE takes one whose event came now. Without a token it is
    a push from the start. A push goes to friends only, a reply to whoever wrote: who may not be reached is found when
    it is due, and stands in its `detail`. Raises InvalidMessages.
    """
    message.check(messages)
    if reply_token is None:
        reply_until = None
    elif reply_until is None:
        reply_until = now + message.REPLY_LASTS
    stored = Stored(
        message=Message(
            id=ids.new(), created_at=now, due_at=now, reply_token=reply_token, reply_until=reply_until
        ),
        account_id=account_id,
        channel_id=channel_id,
        user_id=user_id,
        reference=reference,
        body=msgspec.json.encode(messages).decode(),
    )
    await store.insert_message(tx, stored)
    return stored


async def claim(
    tx: Tx,
    channel_id: str,
    fence: int,
    now: int,
    limit: int,
    every_number_is_a_test_number: bool,
    ids: Ids,
) -> Claim:
    """Takes what is due in a channel and writes down the tries that begin. Commit before sending any.

    No more than the channel's rate lets go in two seconds, so that a slow channel does not hold the others up.
    Raises LostChannel where the fencing number is no longer ours.
    """
    channel = await owned_channel(tx, channel_id, fence)
    due = await store.load_due(tx, channel_id, now, min(limit, 2 * channel.rate))
    if channel.paused_at is not None:
        await store.save(tx, [message.held(x.message, now) for x in due])
        return Claim(channel, [], len(due))
    reach = Reach(channel, every_number_is_a_test_number)
    await reach.read(tx, sorted({x.user_id for x in due}), now)
    ended = await no_longer_theirs(tx, channel, {x.binding_id for x in due if x.binding_id is not None}, now)
    changed: list[Message] = []
    to_push: list[ToPush] = []
    for x in due:
        moved = message.begin(x.message, now)
        if moved.state is MessageState.SENDING:
            # Since it was taken in the user may have blocked the account, or the channel may be in test mode. A reply
            # is LINE's own answer to whether they may be written to: they did write, or tap, a moment ago.
            # What was addressed to a number is for whoever has that: the user it was bound to then may not be.
            refusal = None if moved.reply_is_out else reach.refusal(x.user_id)
            why = ended.get(x.binding_id or "") or (None if refusal is None else refusal.message)
            if why is not None:
                moved = message.refused(x.message, _explained(x.message, why), now)
            else:
                began = msgspec.structs.replace(x, message=moved)
                reply_token = x.message.reply_token if moved.reply_is_out else None
                to_push.append(ToPush(began, x.message.unknown_since, now, reply_token))
        changed.append(moved)
    await store.save(tx, changed)
    now_standing = [msgspec.structs.replace(x, message=m) for x, m in zip(due, changed, strict=True)]
    await announcements.of_messages(tx, now_standing, now, ids)
    return Claim(channel, to_push, len(due))


def _explained(x: Message, why: str) -> str:
    """Why there is no push, and where a reply came before it, why that was none."""
    return f"no reply ({x.detail}), and no push: {why}" if x.tries and x.detail else why


async def record(tx: Tx, told: Sequence[Told], now: int, ids: Ids) -> list[str]:
    """Writes down what tries came to. Answers why channels were paused just now, one text each."""
    known = await store.load_by_ids(tx, [x.item.stored.message.id for x in told])
    changed: list[Message] = []
    paused: list[str] = []
    more: dict[channel_hours.Place, channel_hours.Counts] = {}
    for item, answer, token in told:
        stands = known.get(item.stored.message.id)
        if stands is None:
            continue
        same = stands.state is MessageState.SENDING and stands.tries == item.stored.message.tries
        if answer is None:
            if same:
                changed.append(message.put_back(stands, item.doubt, now, item.reply_token))
            continue
        if answer.quota_used_up:
            tally.add_over_quota(more, item.stored.channel_id, now)
        # Who took the channel over may have begun another try. That LINE has it is true all the same.
        if same or answer.outcome is Outcome.ACCEPTED:
            changed.append(message.answered(stands, answer, item.doubt, now))
        if answer.outcome is Outcome.DENIED:
            why = f"LINE answered {answer.status}: {answer.detail or 'no reason given'}"
            if await pause(tx, item.stored.channel_id, now, why, item.at, answer.status, token):
                paused.append(why)
    await store.save(tx, changed)
    items = {x.item.stored.message.id: x.item.stored for x in told}
    ended = [x for x in changed if known[x.id].ended_at is None and x.ended_at is not None]
    now_standing = [msgspec.structs.replace(items[x.id], message=x) for x in ended]
    await announcements.of_messages(tx, now_standing, now, ids)
    await channel_hours.add(tx, more)
    return paused
