"""Tells the business's systems of every change, in the transaction of the change.

Each function asks one small question first: who wants to know? Where nobody does, that was all. Each answers how many
webhooks it queued; whoever called wakes the poster after the commit where there are any. What they say holds no plain
number and no text of a message.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from todoke.actions.outbox import News, put
from todoke.core.announcing import Told, of_change
from todoke.core.durations import rfc3339
from todoke.core.message import MessageState
from todoke.core.notice import Attempt, Notice, State
from todoke.core.phone import masked
from todoke.core.routing import Friendship
from todoke.ids import Ids
from todoke.storage import announced, channels
from todoke.storage import bindings as binding_store
from todoke.storage import endpoints as endpoint_store
from todoke.storage.announced import NoticeFacts
from todoke.storage.applications import Application
from todoke.storage.batches import Batch
from todoke.storage.bindings import Binding
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.endpoints import Wish
from todoke.storage.friends import Friend
from todoke.storage.messages import Stored
from todoke.storage.notices import NewNotice
from todoke.storage.suppressions import Suppression


async def _wishes(tx: Tx, *kinds: str) -> list[Wish]:
    """The endpoints that want any event of these kinds, given as beginnings of their names."""
    return [x for x in await endpoint_store.wishes(tx) if any(e.startswith(kinds) for e in x.events)]


async def of_notices(tx: Tx, changes: Iterable[tuple[Notice, Notice]], now: int, ids: Ids) -> int:
    """Of notices that were moved and saved: as they were, and as they are. Made only where anybody wants to hear."""
    if not (wishes := await _wishes(tx, "notice.")):
        return 0
    wanted = {event for wish in wishes for event in wish.events}
    told = [(after, [x for x in of_change(before, after) if x.event in wanted]) for before, after in changes]
    told = [(after, tellings) for after, tellings in told if tellings]
    facts = await announced.notices_by_id(tx, [after.id for after, _ in told])
    news = [
        _of_notice(facts[after.id], telling, after.state, after.reason, after.ended_at)
        for after, tellings in told
        for telling in tellings
        if after.id in facts
    ]
    return await put(tx, wishes, news, now, ids)


async def of_new_notices(tx: Tx, notices: Sequence[NewNotice], now: int, ids: Ids) -> int:
    """Of notices that were just stored."""
    return await of_stored(tx, lambda: [x.id for x in notices], now, ids) if notices else 0


async def of_stored(tx: Tx, stored: Callable[[], Sequence[str]], now: int, ids: Ids) -> int:
    """The same by their ids, which are asked for where anybody wants to hear of them."""
    if not (wishes := await _wishes(tx, "notice.queued")):
        return 0
    facts = await announced.notices_by_id(tx, new := stored())
    queued = Told("notice.queued", None)
    news = [_of_notice(facts[x], queued, State.QUEUED, None, None) for x in new]
    return await put(tx, wishes, news, now, ids)


def _of_notice(
    facts: NoticeFacts, telling: Told, state: State, reason: str | None, ended_at: int | None
) -> News:
    data = {
        "id": facts.id,
        "state": str(state),
        "reason": reason,
        "reference": facts.reference,
        "to": masked(facts.number),
        "country": facts.country,
        "channel": facts.channel_id,
        "template": facts.template,
        "template_version": facts.template_version,
        "batch": facts.batch_id,
        "created_at": rfc3339(facts.created_at),
        "ended_at": _at(ended_at),
        "attempt": None if telling.attempt is None else _attempt(telling.attempt),
    }
    return News(facts.account_id, telling.event, facts.id, data)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "step": str(attempt.step),
        "delivery_tag": attempt.id,
        "carrier": attempt.carrier,
        "outcome": None if attempt.outcome is None else str(attempt.outcome),
        "status": attempt.status,
        "detail": attempt.detail,
        "late_duplicate": attempt.late_duplicate,
        "at": rfc3339(attempt.at),
        "answered_at": _at(attempt.answered_at),
        "proof_at": _at(attempt.proof_at),
    }


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


async def of_messages(tx: Tx, ended: Sequence[Stored], now: int, ids: Ids) -> int:
    """Of ordinary messages that were saved; only of those that have ended."""
    over = [x for x in ended if x.message.state in (MessageState.HANDED_OVER, MessageState.NOT_DELIVERED)]
    if not over or not (wishes := await _wishes(tx, "message.")):
        return 0
    return await put(tx, wishes, [_of_message(x) for x in over], now, ids)


def _of_message(stored: Stored) -> News:
    message = stored.message
    data = {
        "id": message.id,
        "state": str(message.state),
        "channel": stored.channel_id,
        "user_id": stored.user_id,
        "reference": stored.reference,
        "outcome": None if message.outcome is None else str(message.outcome),
        "status": message.status,
        "detail": message.detail,
        "tries": message.tries,
        "created_at": rfc3339(message.created_at),
        "ended_at": _at(message.ended_at),
    }
    return News(stored.account_id, "message.ended", message.id, data)


async def of_batch(tx: Tx, event: str, batch: Batch, now: int, ids: Ids, **more: Any) -> int:
    """Of a batch as it is now; `event`: one of those whose name begins with `batch.`."""
    if not (wishes := await _wishes(tx, event)):
        return 0
    data = {
        "id": batch.id,
        "channel": batch.channel_id,
        "template": batch.template_id,
        "rows": batch.rows,
        "accepted": batch.accepted,
        "refused": batch.refused,
        "duplicates": batch.duplicates,
        "error": batch.error,
        "created_at": rfc3339(batch.created_at),
        "read_at": _at(batch.read_at),
        "starts_at": _at(batch.starts_at),
        "started_at": _at(batch.started_at),
        "paused_at": _at(batch.paused_at),
        "cancelled_at": _at(batch.cancelled_at),
        "ended_at": _at(batch.ended_at),
        **more,
    }
    return await put(tx, wishes, [News(batch.account_id, event, batch.id, data)], now, ids)


class FriendChange(NamedTuple):
    """A user of the friend registry before, None where nothing was known of them, and after."""

    before: Friend | None
    after: Friend


_FRIEND_EVENTS = {
    str(Friendship.FRIEND): "friend.added",
    str(Friendship.BLOCKED): "friend.blocked",
    "unlisted": "friend.unlisted",
}


async def of_friends(tx: Tx, changes: Iterable[FriendChange], now: int, ids: Ids) -> int:
    """Of users who stand otherwise to a channel than before."""
    moved = [x.after for x in changes if x.before is None or x.before.state != x.after.state]
    if not moved or not (wishes := await _wishes(tx, "friend.")):
        return 0
    news: list[News] = []
    accounts: dict[str, str] = {}
    for friend in moved:
        if friend.channel_id not in accounts:
            channel = await channels.get_channel(tx, friend.channel_id)
            assert channel is not None
            accounts[friend.channel_id] = channel.account_id
        data = {
            "channel": friend.channel_id,
            "user_id": friend.user_id,
            "state": friend.state,
            "since": rfc3339(friend.since),
            "source": friend.source,
        }
        event = _FRIEND_EVENTS[friend.state]
        news.append(News(accounts[friend.channel_id], event, friend.user_id, data))
    return await put(tx, wishes, news, now, ids)


async def friends_are_wanted(tx: Tx, event: str) -> bool:
    """Whether anybody wants this event of friends: what makes it needs more reading."""
    return bool(await _wishes(tx, event))


async def of_bindings(tx: Tx, event: str, bindings: Sequence[Binding], now: int, ids: Ids) -> int:
    """Of bindings as they are now; `event`: one of those whose name begins with `binding.`."""
    if not bindings or not (wishes := await _wishes(tx, event)):
        return 0
    news = [News(x.account_id, event, x.id, _binding(x)) for x in bindings]
    return await put(tx, wishes, news, now, ids)


async def of_doubted(tx: Tx, binding_ids: Sequence[str], now: int, ids: Ids) -> int:
    """Of bindings that were put in doubt just now."""
    if not binding_ids or not await _wishes(tx, "binding.doubted"):
        return 0
    found = [await binding_store.find(tx, x) for x in binding_ids]
    return await of_bindings(tx, "binding.doubted", [x for x in found if x is not None], now, ids)


def _binding(binding: Binding) -> Mapping[str, Any]:
    return {
        "id": binding.id,
        "number": masked(binding.number),
        "user_id": binding.user_id,
        "provider": binding.provider,
        "way": binding.way,
        "link": binding.link_id,
        "language": binding.language,
        "consent_version": binding.consent_version,
        "bound_at": rfc3339(binding.bound_at),
        "confirmed_at": _at(binding.confirmed_at),
        "doubted_at": _at(binding.doubted_at),
        "doubted_why": binding.doubted_why,
        "unbound_at": _at(binding.unbound_at),
        "unbound_why": binding.unbound_why,
    }


async def of_suppressions(tx: Tx, event: str, suppressions: Sequence[Suppression], now: int, ids: Ids) -> int:
    """Of suppressions as they are now; `event`: `suppression.added`, `suppression.removed`."""
    if not suppressions or not (wishes := await _wishes(tx, event)):
        return 0
    news = [
        News(
            x.account_id,
            event,
            x.id,
            {
                "id": x.id,
                "number": masked(x.number),
                "scope": str(x.scope),
                "reason": str(x.reason),
                "by": x.by,
                "at": rfc3339(x.at),
                "removed_at": _at(x.removed_at),
            },
        )
        for x in suppressions
    ]
    return await put(tx, wishes, news, now, ids)


async def of_application(
    tx: Tx, row: Application, before: str, by: str, why: str | None, now: int, ids: Ids
) -> int:
    """Of an application that has moved. Why stays with us where it is long: at most 500 characters of it."""
    if not (wishes := await _wishes(tx, "use_case.changed")):
        return 0
    data = {
        "id": row.id,
        "use_case": row.key,
        "channel": row.channel_id,
        "from": before,
        "to": row.state,
        "by": by,
        "why": None if why is None else why[:500],
        "answer_from": row.answer_from,
        "answer_until": row.answer_until,
    }
    return await put(tx, wishes, [News(row.account_id, "use_case.changed", row.id, data)], now, ids)


async def of_reviews(
    tx: Tx, moved: Sequence[TemplateRow], after: str, application_id: str | None, by: str, now: int, ids: Ids
) -> int:
    """Of versions of templates that have moved in their review; `moved` as they were before."""
    if not moved or not (wishes := await _wishes(tx, "template.review_changed")):
        return 0
    news = [
        News(
            x.account_id,
            "template.review_changed",
            x.id,
            {
                "id": x.id,
                "template": x.name,
                "version": x.version,
                "use_case": x.use_case,
                "channel": x.channel_id,
                "application": application_id,
                "from": x.review,
                "to": after,
                "by": by,
            },
        )
        for x in moved
    ]
    return await put(tx, wishes, news, now, ids)
