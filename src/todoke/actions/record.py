"""Writes down what became of attempts: answers to our requests, and what carriers posted to us later.

Both in one transaction, for under load a delivery event is stored before the answer that it proves is written
down: then the notice is read and written once for both.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

import msgspec

from todoke.actions import alike, announcements, batch_tally, doubts, friends, tally
from todoke.actions.alike import AnswerTo, Told
from todoke.actions.proofs import TELLING, Found, add_parts, add_proofs
from todoke.actions.reactions import HEARD, Reactions
from todoke.carriers import InboundEvent
from todoke.core.errors import IllegalTransition
from todoke.core.notice import Answered, Event, Notice, step
from todoke.core.outcome import Outcome
from todoke.ids import Ids
from todoke.storage import batch_states, channel_hours, content, inbox, notice_changes
from todoke.storage import channels as channel_store
from todoke.storage import notices as store
from todoke.storage.database import Tx
from todoke.storage.inbox import Stored
from todoke.storage.lookup import Lookup
from todoke.storage.message_ids import Name
from todoke.storage.notice_changes import Stale
from todoke.storage.notices import Loaded, with_notice
from todoke.storage.working import Alike, Working


class Read(msgspec.Struct, frozen=True):
    """A stored request from a carrier and the events in it, or why it could not be read."""

    stored: Stored
    events: Sequence[InboundEvent]
    error: str | None = None


class Recorded(msgspec.Struct):
    """What recording came to."""

    unknown_tags: int = 0
    late_duplicates: int = 0
    paused: list[str] = []
    """Why channels were paused just now, one text each."""
    illegal: list[str] = []
    """Moves that the core refused, each with its notice: a defect of ours that must not hold the others up."""
    announced: int = 0
    """Webhooks that were queued."""
    only_notices: bool = True
    """Nothing changed but notices and what is counted of them."""
    moved: list[Loaded] = []
    alike: list[Alike] = []
    """The notices as they are now, one by one or many of a kind, for whoever keeps them once this is committed."""


class Prepared(NamedTuple):
    """What can be decided beforehand, beside the writers: it holds if nothing was committed since that it may depend
    on.
    """

    found: Sequence[Found]
    """New events that somebody acts on."""
    fresh: Set[str]
    """The ids of all new ones."""
    many: alike.Sorted


async def prepare(
    tx: Tx, answers: Sequence[AnswerTo], requests: Sequence[Read], now: int, working: Working | None
) -> Prepared:
    """Finds what is new, and decides about notices that stand alike. Writes nothing."""
    found, fresh = await _new_events(tx, requests) if requests else ([], frozenset())
    tagged = [x for x in found if x.event.kind in TELLING and x.event.tag is not None]
    return Prepared(found, fresh, alike.sort(answers, tagged, working, now))


async def record(
    tx: Tx,
    answers: Sequence[AnswerTo],
    requests: Sequence[Read],
    now: int,
    lookup: Lookup,
    reactions: Reactions,
    working: Working | None = None,
    prepared: Prepared | None = None,
) -> Recorded:
    """Applies answers, and those events of the requests that are new; marks the requests as applied.

    `working`: where some of the notices may be found without reading them. Raises Stale where one of these was moved
    by somebody else meanwhile.
    """
    found, fresh, many = prepared or await prepare(tx, answers, requests, now, working)
    events: dict[str, list[Event]] = {}
    announced = 0
    for x in many.answers:
        events.setdefault(x.notice_id, []).append(Answered(x.attempt_id, x.answer))
    unknown = await add_proofs(tx, many.proofs, events, working) if many.proofs else 0
    by_name = [x for x in found if x.event.kind in TELLING and x.event.tag is None]
    unknown += await add_parts(tx, _names(answers), by_name, events, now)
    if followed := [x for x in found if x.event.kind in friends.FRIEND_EVENTS]:
        befriended = await friends.record_events(
            tx, [(x.channel_id, x.event) for x in followed if x.channel_id]
        )
        announced += await announcements.of_friends(tx, befriended, now, reactions.ids)
    if heard := [x for x in found if x.event.kind in HEARD]:
        announced += await reactions.to_events(tx, heard, now)
    loaded, result = await apply(tx, events, now, lookup, reactions.ids, working)
    result.announced += announced
    result.unknown_tags = unknown
    if loaded and await doubts.channels_with_bindings(tx, {x.channel_id for x in loaded.values()}):
        result.announced += await doubts.follow(tx, loaded, events, now, reactions.ids)
        result.only_notices = False
    # What is said of people, numbers, channels and templates decides about others.
    if followed or heard or any(x.answer.outcome in _WEIGHTY for x in answers):
        result.only_notices = False
    await _consequences(tx, answers, loaded, result, now)
    await _tell_alike(tx, many.told, result, now, reactions.ids)
    await _tally(tx, answers, requests, loaded, now)
    if requests:
        await inbox.mark_seen(tx, fresh, now)
        await inbox.mark_applied(tx, {r.stored.id: r.error for r in requests}, now)
    return result


async def _tell_alike(tx: Tx, told: Sequence[Told], result: Recorded, now: int, ids: Ids) -> None:
    """Writes down what was decided for many at once, and tells of it."""
    if not told:
        return
    await alike.write(tx, told)
    result.alike += [x.alike for x in told]
    changes = [(x.alike.before, x.alike.after, len(x.tellings)) for x in told]
    await channel_hours.add(
        tx, tally.of_changes((b.channel_id, b.notice, a.notice, n) for b, a, n in changes)
    )
    await batch_states.add(
        tx, batch_tally.of_changes((b.batch_id, b.notice, a.notice, n) for b, a, n in changes)
    )
    result.announced += await announcements.of_notices(tx, alike.changes_of(told), now, ids)
    bound = await doubts.channels_with_bindings(tx, {b.channel_id for b, _, _ in changes})
    if concerned := [x for x in told if x.alike.before.channel_id in bound]:
        result.only_notices = False
        loaded = {kept.notice_id: kept.loaded() for x in concerned for kept, _, _ in x.events}
        events = {notice_id: each for x in concerned for notice_id, each in x.events_of()}
        result.announced += await doubts.follow(tx, loaded, events, now, ids)


async def apply(
    tx: Tx,
    events: Mapping[str, Sequence[Event]],
    now: int,
    lookup: Lookup,
    ids: Ids,
    working: Working | None = None,
) -> tuple[dict[str, Loaded], Recorded]:
    """Moves notices by events, given by notice id, and tells of it. Answers the notices as they were before.

    `working`: where some of them may be found without reading them; then it raises Stale where one was moved by
    somebody else meanwhile.
    """
    result = Recorded()
    if not events:
        return {}, result
    loaded, read = await _loaded(tx, events, lookup, working)
    changes: list[tuple[Notice, Notice]] = []
    for notice_id, x in loaded.items():
        moved = x.notice
        try:
            for event in events[notice_id]:
                moved, _ = step(moved, event, now)
        except IllegalTransition as error:
            if notice_id not in read:
                # What was kept is old: another process has begun an attempt since, say, and this is about that.
                raise Stale from error
            result.illegal.append(error.message)
            continue
        changes.append((x.notice, moved))
        result.moved.append(with_notice(x, moved))
        if len(moved.attempts) > 1:
            # One that the later step's sure failure takes back is not counted down: counters only rise.
            result.late_duplicates += max(_doubled(moved) - _doubled(x.notice), 0)
    await notice_changes.save(tx, changes)
    result.announced = await announcements.of_notices(tx, changes, now, ids)
    await channel_hours.add(tx, tally.of_changes((loaded[b.id].channel_id, b, a, 1) for b, a in changes))
    await batch_states.add(tx, batch_tally.of_changes((loaded[b.id].batch_id, b, a, 1) for b, a in changes))
    return loaded, result


async def _loaded(
    tx: Tx, ids: Iterable[str], lookup: Lookup, working: Working | None
) -> tuple[dict[str, Loaded], Set[str]]:
    """The notices, and the ids of those that were read for it."""
    loaded: dict[str, Loaded] = {}
    missing: list[str] = []
    for notice_id in ids:
        if working is not None and (known := working.get(notice_id)) is not None:
            loaded[notice_id] = known
        else:
            missing.append(notice_id)
    if missing:
        rows = await store.load_by_ids(tx, missing)
        policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
        loaded |= {x.notice.id: x for x in await store.assemble(tx, rows, policies)}
    return loaded, set(missing)


async def _tally(
    tx: Tx, answers: Iterable[AnswerTo], requests: Iterable[Read], loaded: Mapping[str, Loaded], now: int
) -> None:
    """Counts, for whoever watches the channels: when LINE posted events, pushes that the month's quota stopped."""
    more: dict[channel_hours.Place, channel_hours.Counts] = {}
    for x in answers:
        if x.answer.quota_used_up and x.notice_id in loaded:
            tally.add_over_quota(more, loaded[x.notice_id].channel_id, now)
    for request in requests:
        if request.stored.channel_id is not None and request.events:
            tally.add_event(more, request.stored.channel_id, request.stored.received_at)
    await channel_hours.add(tx, more)


def _doubled(notice: Notice) -> int:
    return sum(a.late_duplicate for a in notice.attempts)


_WEIGHTY = frozenset({Outcome.DENIED, Outcome.INVALID})
"""Answers that have consequences for a channel or a template."""
FORBIDDEN = 403
"""LINE knows the token, and does not let this account or machine do it."""


def _names(answers: Iterable[AnswerTo]) -> dict[Name, str]:
    """What carriers have named the messages that they took, and whose each is."""
    return {
        (x.carrier, m): x.attempt_id
        for x in answers
        if x.carrier is not None and x.answer.outcome is Outcome.ACCEPTED
        for m in x.answer.message_ids
    }


async def _new_events(tx: Tx, requests: Sequence[Read]) -> tuple[list[Found], set[str]]:
    """The events that were not applied before and that somebody acts on, each once; and the ids of all new ones."""
    unseen = await inbox.unseen(tx, (e.id for r in requests for e in r.events))
    fresh = unseen.copy()
    found: list[Found] = []
    for request in requests:
        for event in request.events:
            if event.id not in fresh:
                continue
            fresh.discard(event.id)
            tells = event.kind in TELLING and (event.tag is not None or event.message_id is not None)
            if tells or event.kind in HEARD:
                found.append(Found(event, request.stored.carrier, request.stored.channel_id))
    return found, unseen


async def _consequences(
    tx: Tx, answers: Iterable[AnswerTo], loaded: Mapping[str, Loaded], result: Recorded, now: int
) -> None:
    """A denied channel pauses, a template whose content was refused is flagged."""
    denied: set[tuple[str, bytes | None]] = set()
    flagged: set[str] = set()
    for notice_id, _, answer, _, token in answers:
        if answer.outcome not in _WEIGHTY or notice_id not in loaded:
            continue
        x = loaded[notice_id]
        if answer.outcome is Outcome.INVALID and x.template_id not in flagged:
            flagged.add(x.template_id)
            why = f"{answer.status}: {answer.detail or ''}"[:500]
            await content.flag_template(tx, x.template_id, now, why)
        elif answer.outcome is Outcome.DENIED and (x.channel_id, token) not in denied:
            denied.add((x.channel_id, token))
            why = f"LINE answered {answer.status}: {answer.detail or 'no reason given'}"
            sent_at = max(a.at for a in x.notice.attempts)
            if await pause(tx, x.channel_id, now, why, sent_at, answer.status, token):
                result.paused.append(why)


async def pause(
    tx: Tx,
    channel_id: str,
    now: int,
    why: str,
    sent_at: int,
    status: int | None = None,
    token: bytes | None = None,
) -> bool:
    """Stops LINE steps of a channel; its notices stay queued. Whether it was running before.

    A request that left with an older access token says nothing about the present one: `token` is the one that it
    had, as it is stored; else the time when it left decides.
    """
    channel = await channel_store.get_channel(tx, channel_id)
    if channel is None or channel.paused_at is not None:
        return False
    of_old = sent_at < (channel.token_at or 0) if token is None else token != channel.access_token
    if of_old:
        return False
    cured_by = "access" if status == FORBIDDEN else "token"
    await channel_store.update_channel(tx, channel_id, paused_at=now, paused_why=why, paused_for=cured_by)
    return True
