"""Ordinary messages: taken in for friends only, claimed when due, written down when answered."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from todoke.actions import tally
from todoke.actions.advance import owned_channel
from todoke.actions.channels import Conflict
from todoke.actions.intake import Invalid, NotFound
from todoke.actions.record import pause
from todoke.core import message
from todoke.core.durations import rfc3339
from todoke.core.message import Message, MessageState
from todoke.core.outcome import Answer, Outcome
from todoke.core.phone import masked, parse
from todoke.core.routing import Friendship
from todoke.ids import Ids
from todoke.storage import bindings, channel_hours, friends
from todoke.storage import channels as channel_store
from todoke.storage import messages as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.friends import Friend
from todoke.storage.messages import Stored


class NotAFriend(Conflict):
    """The user is not known as a friend of the channel's account."""

    code = "not-a-friend"


class NotATestNumber(Conflict):
    """The channel is in test mode, and the user belongs to none of its test numbers."""

    code = "not-a-test-number"


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


class Reach:
    """Whom one channel may write to, as it stands in one transaction."""

    def __init__(self, channel: Channel, every_number_is_a_test_number: bool) -> None:
        self._channel = channel
        self._everyone = every_number_is_a_test_number or channel.mode == "live"
        self._testers: set[str] = set()
        self._friends: dict[str, Friend] = {}

    async def read(self, tx: Tx, user_ids: Sequence[str]) -> None:
        """Reads what is known of these users."""
        self._friends = await friends.find(tx, self._channel.id, user_ids)
        if not self._everyone:
            bound = await users_bound_to(tx, self._channel, json.loads(self._channel.test_numbers))
            self._testers = {user for users in bound.values() for user in users}

    def is_friend(self, user_id: str) -> bool:
        """Whether the user is known as a friend."""
        return user_id in self._friends and self._friends[user_id].state == Friendship.FRIEND

    def refusal(self, user_id: str) -> NotAFriend | NotATestNumber | None:
        """Why this user may not be written to, with the remedy; None if they may."""
        if not self._everyone and user_id not in self._testers:
            return NotATestNumber(
                "The channel is in test mode and the user is bound to none of its test numbers. Add the number of "
                "a user who is bound (PATCH /v1/channels/{id}, test_numbers), or set the mode to live."
            )
        if self.is_friend(user_id):
            return None
        known = self._friends.get(user_id)
        if known is None:
            return NotAFriend(
                "The user is not known as a friend of this channel's account. Once they add it a message may go; those "
                "who added it before this gateway are known after `todoke friends sync`."
            )
        since = rfc3339(known.since)
        if known.state == Friendship.BLOCKED:
            return NotAFriend(
                f"The user has blocked the account since {since} ({known.source}): LINE would take the message and "
                "never show it. Once they unblock it a message may go; a notice whose policy has an sms step reaches "
                "them now."
            )
        return NotAFriend(
            f"The user was a friend, and is no longer in LINE's followers list since {since} ({known.source}). Once "
            "they add the account again a message may go."
        )


async def users_bound_to(tx: Tx, channel: Channel, numbers: Sequence[str]) -> dict[str, list[str]]:
    """Number → the user IDs bound to it where this channel's user IDs hold, the newest binding first."""
    return await bindings.users_of(tx, channel.account_id, channel.provider, numbers)


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
    message.check(wanted.messages)
    channel = await channel_store.find_channel(tx, account_id, wanted.channel)
    if channel is None:
        raise NotFound(
            f"There is no channel {wanted.channel[:60]!r}. `todoke channels list` or GET /v1/channels lists them.",
            "/channel",
        )
    reach = Reach(channel, every_number_is_a_test_number)
    if wanted.to is not None:
        users = await _bound(tx, channel, wanted.to)
    else:
        assert wanted.user_id is not None
        users = [wanted.user_id]
    await reach.read(tx, users)
    user_id = next((user for user in users if reach.is_friend(user)), users[0])
    if (refusal := reach.refusal(user_id)) is not None:
        raise refusal
    stored = Stored(
        message=Message(id=ids.new(), created_at=now, due_at=now),
        account_id=account_id,
        channel_id=channel.id,
        user_id=user_id,
        reference=wanted.reference,
        body=msgspec.json.encode(wanted.messages).decode(),
    )
    await store.insert_message(tx, stored)
    return stored


async def _bound(tx: Tx, channel: Channel, to: str) -> list[str]:
    """The users that a number is bound to. Raises NotAFriend where there is none."""
    number = parse(to, channel.region).e164
    users = (await users_bound_to(tx, channel, [number])).get(number)
    if not users:
        raise NotAFriend(
            f"No LINE user is bound to {masked(number)}, so nobody is known there as a friend. Give user_id, or send "
            "a notice (POST /v1/notices): that reaches numbers."
        )
    return users


async def claim(
    tx: Tx, channel_id: str, fence: int, now: int, limit: int, every_number_is_a_test_number: bool
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
    await reach.read(tx, sorted({x.user_id for x in due}))
    changed: list[Message] = []
    to_push: list[ToPush] = []
    for x in due:
        moved = message.begin(x.message, now)
        if moved.state is MessageState.SENDING:
            # Since it was taken in the user may have blocked the account, or the channel may be in test mode.
            if (refusal := reach.refusal(x.user_id)) is not None:
                moved = message.refused(x.message, refusal.message, now)
            else:
                began = msgspec.structs.replace(x, message=moved)
                to_push.append(ToPush(began, x.message.unknown_since, now))
        changed.append(moved)
    await store.save(tx, changed)
    return Claim(channel, to_push, len(due))


async def record(tx: Tx, told: Sequence[Told], now: int) -> list[str]:
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
                changed.append(message.put_back(stands, item.doubt, now))
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
    await channel_hours.add(tx, more)
    return paused
