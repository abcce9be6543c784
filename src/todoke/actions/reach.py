"""Whom ordinary messages may go to: friends, of numbers that are bound and not in doubt, testers in test mode."""

import json
from collections.abc import Iterable, Sequence

from todoke.actions.channels import Conflict
from todoke.actions.refusals import refuse_suppressed, refused_numbers
from todoke.core.bound import Holder, relied_on, why_not_relied_on
from todoke.core.durations import rfc3339
from todoke.core.phone import masked, parse
from todoke.core.routing import Friendship
from todoke.storage import binding_doubts, bindings, friends
from todoke.storage.bind_settings import settings_of
from todoke.storage.bindings import Binding
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.friends import Friend


class NotAFriend(Conflict):
    """The user is not known as a friend of the channel's account."""

    code = "not-a-friend"


class BindingInDoubt(Conflict):
    """The number is bound, and whether it still is that user's may not be relied on."""

    code = "binding-in-doubt"


class NotATestNumber(Conflict):
    """The channel is in test mode, and the user belongs to none of its test numbers."""

    code = "not-a-test-number"


class Reach:
    """Whom one channel may write to, as it stands in one transaction."""

    def __init__(self, channel: Channel, every_number_is_a_test_number: bool) -> None:
        self._channel = channel
        self._everyone = every_number_is_a_test_number or channel.mode == "live"
        self._testers: set[str] = set()
        self._friends: dict[str, Friend] = {}

    async def read(self, tx: Tx, user_ids: Sequence[str], now: int) -> None:
        """Reads what is known of these users."""
        self._friends = await friends.find(tx, self._channel.id, user_ids)
        if not self._everyone:
            bound = await holders_of(tx, self._channel, json.loads(self._channel.test_numbers))
            lasts = (await settings_of(tx, self._channel.id)).binding_lasts
            self._testers = {x.user_id for held in bound.values() for x in held if relied_on(x, lasts, now)}

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


async def holders_of(tx: Tx, channel: Channel, numbers: Sequence[str]) -> dict[str, list[Holder]]:
    """Number → who is bound to it where this channel's user IDs hold, the newest binding first."""
    return await binding_doubts.holders_of(tx, channel.account_id, channel.provider, numbers)


async def bound_users(tx: Tx, channel: Channel, to: str, now: int) -> dict[str, str]:
    """The users that a number is bound to, and by which binding each.

    Raises NotAFriend where there is none, BindingInDoubt where none counts.
    """
    number = parse(to, channel.region).e164
    await refuse_suppressed(tx, channel.account_id, number)
    holders = (await holders_of(tx, channel, [number])).get(number)
    if not holders:
        raise NotAFriend(
            f"No LINE user is bound to {masked(number)}, so nobody is known there as a friend. Give user_id, or send "
            "a notice (POST /v1/notices): that reaches numbers."
        )
    lasts = (await settings_of(tx, channel.id)).binding_lasts
    users = {x.user_id: x.binding_id for x in holders if relied_on(x, lasts, now)}
    if not users:
        raise BindingInDoubt(
            f"Nothing is pushed for {masked(number)}: {why_not_relied_on(holders[0], lasts)}, for which bind links "
            "are. A notice (POST /v1/notices) reaches the number meanwhile."
        )
    return users


async def no_longer_theirs(tx: Tx, channel: Channel, binding_ids: Iterable[str], now: int) -> dict[str, str]:
    """Those of the bindings by which nothing may be sent any more, and why in words."""
    wanted = set(binding_ids)
    if not wanted:
        return {}
    found = await bindings.by_ids(tx, wanted)
    suppressed = await refused_numbers(tx, channel.account_id, {x.number for x in found.values()})
    lasts = (await settings_of(tx, channel.id)).binding_lasts
    why: dict[str, str] = {}
    for binding_id in wanted:
        x = found.get(binding_id)
        if x is None or x.unbound_at is not None:
            why[binding_id] = "the number that it was addressed to is no longer bound to this user"
        elif x.number in suppressed:
            why[binding_id] = "the number that it was addressed to is suppressed"
        elif not relied_on(holder := _holder(x), lasts, now):
            why[binding_id] = why_not_relied_on(holder, lasts)
    return why


def _holder(x: Binding) -> Holder:
    return Holder(
        binding_id=x.id,
        provider=x.provider,
        user_id=x.user_id,
        shown_at=x.confirmed_at or x.bound_at,
        told=x.link_id is None,
        doubted_at=x.doubted_at,
        doubted_why=x.doubted_why,
    )
