"""Bindings that carriers' words speak against: put in doubt, or ended, in the transaction in which those are recorded.

So from the first sign on nothing is pushed to whoever held a number before.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from todoke.actions import announcements
from todoke.actions import bindings as actions
from todoke.core.bound import Holder, Sign, Standing, shown_elsewhere, sign_of
from todoke.core.notice import Event
from todoke.ids import Ids
from todoke.storage import binding_doubts as store
from todoke.storage import bindings, friends
from todoke.storage.binding_doubts import Owner
from todoke.storage.database import Tx
from todoke.storage.notices import Loaded


class _Told(NamedTuple):
    """A sign about a number: by a request of which channel, and when that left."""

    sign: Sign
    number: str
    channel_id: str
    sent_at: int


async def follow(
    tx: Tx, loaded: Mapping[str, Loaded], events: Mapping[str, Sequence[Event]], now: int, ids: Ids
) -> int:
    """Looks at what was just recorded, by notice. Bindings that were shown after a request had left stay as they are.

    Where an account has bound no number this asks one small question of the database. Answers how many webhooks were
    queued that tell of doubts.
    """
    if not loaded:
        return 0
    owners = await store.owners_with_bindings(tx, {x.channel_id for x in loaded.values()})
    told = _signs(loaded, events) if owners else []
    if not told:
        return 0
    doubted: dict[str, Sign] = {}
    ended: set[str] = set()
    for account_id in sorted({x.account_id for x in owners.values()}):
        mine = [x for x in told if x.channel_id in owners and owners[x.channel_id].account_id == account_id]
        holders = await store.holders_of(tx, account_id, None, sorted({x.number for x in mine}))
        for x in mine:
            everybody = holders.get(x.number, [])
            held = [h for h in everybody if h.shown_at < x.sent_at]
            if x.sign is not Sign.DELIVERED_ELSEWHERE:
                doubted |= {h.binding_id: x.sign for h in held if h.doubted_at is None}
            elif held:
                ended |= await _end_if_shown_elsewhere(tx, x, held, owners[x.channel_id], everybody, now, ids)
    doubted = {x: why for x, why in doubted.items() if x not in ended}
    for sign in sorted(set(doubted.values())):
        await bindings.doubt(tx, [x for x, why in doubted.items() if why is sign], now, sign)
    return await announcements.of_doubted(tx, list(doubted), now, ids)


async def channels_with_bindings(tx: Tx, channel_ids: Collection[str]) -> Collection[str]:
    """Those of the channels about which `follow` may have something to say: their accounts have bound numbers."""
    return await store.owners_with_bindings(tx, channel_ids)


def _signs(loaded: Mapping[str, Loaded], events: Mapping[str, Sequence[Event]]) -> list[_Told]:
    found: list[_Told] = []
    for notice_id, x in loaded.items():
        attempts = {a.id: a for a in x.notice.attempts}
        for event in events[notice_id]:
            attempt = attempts.get(getattr(event, "attempt_id", ""))
            if attempt is not None and (sign := sign_of(attempt, event)) is not None:
                found.append(_Told(sign, x.number, x.channel_id, attempt.at))
    return found


async def _end_if_shown_elsewhere(
    tx: Tx, told: _Told, held: list[Holder], owner: Owner, everybody: list[Holder], now: int, ids: Ids
) -> set[str]:
    """Answers the ids of the bindings that ended."""
    under = [h for h in everybody if h.provider == owner.provider]
    known = await friends.find(tx, told.channel_id, [h.user_id for h in under])
    standings = [
        Standing(known[h.user_id].state, known[h.user_id].since) if h.user_id in known else None
        for h in under
    ]
    ended: set[str] = set()
    if not shown_elsewhere(standings, told.sent_at):
        return ended
    for holder in held:
        found = await bindings.find(tx, holder.binding_id)
        if holder.provider == owner.provider and found is not None and found.unbound_at is None:
            await actions.end(tx, found, Sign.DELIVERED_ELSEWHERE, now, ids)
            ended.add(found.id)
    return ended
