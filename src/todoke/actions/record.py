"""Writes down what became of attempts: answers to our requests, and what carriers posted to us later.

Both in one transaction, for under load a delivery event is stored before the answer that it proves is written
down: then the notice is read and written once for both.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from todoke.actions import friends, tally
from todoke.carriers import EventKind, InboundEvent
from todoke.core.errors import IllegalTransition
from todoke.core.notice import Answered, Event, NoProof, Notice, Proof, step
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Step
from todoke.storage import channel_hours, content, inbox, message_ids
from todoke.storage import channels as channel_store
from todoke.storage import notices as store
from todoke.storage.database import Tx
from todoke.storage.inbox import Stored
from todoke.storage.lookup import Lookup
from todoke.storage.message_ids import Name, Part
from todoke.storage.notices import Loaded, Owner


class AnswerTo(NamedTuple):
    """What a carrier's `send` came to, and for which attempt; `carrier` is the SMS carrier's name.

    `token`: the channel's access token as it is stored, with which it was sent; None where nobody kept that.
    """

    notice_id: str
    attempt_id: str
    answer: Answer
    carrier: str | None = None
    token: bytes | None = None


class Found(NamedTuple):
    """An event that was not applied before, whose carrier sent it, and the channel that signed it."""

    event: InboundEvent
    carrier: str
    channel_id: str | None


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


async def record(
    tx: Tx, answers: Sequence[AnswerTo], requests: Sequence[Read], now: int, lookup: Lookup
) -> Recorded:
    """Applies answers, and those events of the requests that are new; marks the requests as applied."""
    events: dict[str, list[Event]] = {}
    for x in answers:
        events.setdefault(x.notice_id, []).append(Answered(x.attempt_id, x.answer))
    found = await _new_events(tx, requests, now) if requests else []
    tagged = [x for x in found if x.event.kind in TELLING and x.event.tag is not None]
    unknown = await _add_proofs(tx, tagged, events) if tagged else 0
    named = [x for x in found if x.event.kind in TELLING and x.event.tag is None]
    unknown += await _add_parts(tx, answers, named, events, now)
    if followed := [x for x in found if x.event.kind in friends.FRIEND_EVENTS]:
        await friends.record_events(tx, [(x.channel_id, x.event) for x in followed if x.channel_id])
    loaded, result = await apply(tx, events, now, lookup)
    result.unknown_tags = unknown
    await _consequences(tx, answers, loaded, result, now)
    await _tally(tx, answers, requests, loaded, now)
    if requests:
        await inbox.mark_applied(tx, {r.stored.id: r.error for r in requests}, now)
    return result


async def apply(
    tx: Tx, events: Mapping[str, Sequence[Event]], now: int, lookup: Lookup
) -> tuple[dict[str, Loaded], Recorded]:
    """Moves notices by events, given by notice id. Answers the notices as they were before."""
    result = Recorded()
    if not events:
        return {}, result
    rows = await store.load_by_ids(tx, events)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = {x.notice.id: x for x in await store.assemble(tx, rows, policies)}
    changes: list[tuple[Notice, Notice]] = []
    for notice_id, x in loaded.items():
        moved = x.notice
        try:
            for event in events[notice_id]:
                moved, _ = step(moved, event, now)
        except IllegalTransition as error:
            result.illegal.append(error.message)
            continue
        changes.append((x.notice, moved))
        # One that the later step's sure failure takes back is not counted down: counters only rise.
        result.late_duplicates += max(_doubled(moved) - _doubled(x.notice), 0)
    await store.save(tx, changes)
    await channel_hours.add(tx, tally.of_changes((loaded[b.id].channel_id, b, a) for b, a in changes))
    return loaded, result


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
    return sum(a.late_duplicate for a in notice.attempts) if len(notice.attempts) > 1 else 0


FORBIDDEN = 403
"""LINE knows the token, and does not let this account or machine do it."""
LINE = "line"
"""What the inbox calls LINE; SMS carriers have the names of their declarations."""
TELLING = frozenset({EventKind.PROOF, EventKind.NO_PROOF})


async def _new_events(tx: Tx, requests: Sequence[Read], now: int) -> list[Found]:
    """The events that were not applied before and that somebody acts on, each once."""
    fresh = await inbox.unseen(tx, (e.id for r in requests for e in r.events))
    await inbox.mark_seen(tx, fresh, now)
    found: list[Found] = []
    for request in requests:
        for event in request.events:
            if event.id not in fresh:
                continue
            fresh.discard(event.id)
            tells = event.kind in TELLING and (event.tag is not None or event.message_id is not None)
            if tells or event.kind in friends.FRIEND_EVENTS:
                found.append(Found(event, request.stored.carrier, request.stored.channel_id))
    return found


async def _add_proofs(tx: Tx, found: Sequence[Found], events: dict[str, list[Event]]) -> int:
    """Adds what the events prove, by notice. Answers how many were about messages that are not ours.

    What one carrier tells, or one channel signed, proves nothing about another's messages.
    """
    owners = await store.owners_of(tx, {x.event.tag for x in found if x.event.tag is not None})
    unknown = 0
    for event, carrier, signed_by in found:
        tag = event.tag or ""
        owner = owners.get(tag)
        if owner is None or not _is_from(owner, carrier, signed_by):
            unknown += 1
        elif event.kind is EventKind.PROOF:
            events.setdefault(owner.notice_id, []).append(Proof(tag, event.at))
        else:
            events.setdefault(owner.notice_id, []).append(NoProof(tag, event.at, event.detail))
    return unknown


def _is_from(owner: Owner, carrier: str, signed_by: str | None) -> bool:
    """Whether this carrier, or this channel at LINE, has had the attempt."""
    if carrier == LINE:
        return owner.carrier is None and signed_by == owner.channel_id
    # An SMS of the first version has no carrier written down; there was only one.
    return owner.step is Step.SMS and owner.carrier in (carrier, None)


async def _add_parts(
    tx: Tx, answers: Sequence[AnswerTo], found: Sequence[Found], events: dict[str, list[Event]], now: int
) -> int:
    """Adds what receipts say that name a message or its parts as their carrier does.

    Answers how many named none of ours. A message has reached its recipient when all its parts have. A receipt
    that comes before the answer which says whose it is waits for that.
    """
    named: dict[Name, str] = {
        (x.carrier, m): x.attempt_id
        for x in answers
        if x.carrier is not None and x.answer.outcome is Outcome.ACCEPTED
        for m in x.answer.message_ids
    }
    told: dict[Name, InboundEvent] = {}
    for event, carrier, _ in found:
        if event.message_id is not None:
            told.setdefault((carrier, event.message_id), event)
    if not named and not told:
        return 0
    known = await message_ids.find(tx, {*named, *told})
    parts = [
        _part(name, known.get(name), named.get(name), told.get(name), now) for name in sorted({*named, *told})
    ]
    await message_ids.put(tx, parts, known)
    attempts = {p.attempt_id for p in parts if p.attempt_id is not None and p.reached is not None}
    owners = await store.owners_of(tx, attempts)
    for attempt_id, all_parts in (await message_ids.parts_of(tx, attempts)).items():
        if attempt_id not in owners:
            continue
        notice_events = events.setdefault(owners[attempt_id].notice_id, [])
        failed = [p for p in all_parts if p.reached == 0]
        times = [p.told_at for p in all_parts if p.told_at is not None]
        if failed:
            notice_events.append(NoProof(attempt_id, failed[0].told_at or now, failed[0].detail))
        elif all(p.reached for p in all_parts):
            notice_events.append(Proof(attempt_id, max(times)))
    return sum(p.attempt_id is None for p in parts)


def _part(
    name: Name, before: Part | None, attempt_id: str | None, told: InboundEvent | None, now: int
) -> Part:
    carrier, message_id = name
    part = before or Part(carrier=carrier, message_id=message_id, stored_at=now)
    if attempt_id is not None and part.attempt_id not in (None, attempt_id):
        # The carrier has begun to use its ids again: what was said of the old message is not of this one.
        part = Part(carrier=carrier, message_id=message_id, stored_at=now)
    if attempt_id is not None:
        part = msgspec.structs.replace(part, attempt_id=attempt_id, stored_at=now)
    if told is not None:
        reached = int(told.kind is EventKind.PROOF)
        part = msgspec.structs.replace(part, reached=reached, told_at=told.at, detail=told.detail)
    return part


async def _consequences(
    tx: Tx, answers: Iterable[AnswerTo], loaded: Mapping[str, Loaded], result: Recorded, now: int
) -> None:
    """A denied channel pauses, a template whose content was refused is flagged."""
    denied: set[tuple[str, bytes | None]] = set()
    flagged: set[str] = set()
    for notice_id, _, answer, _, token in answers:
        if answer.outcome not in (Outcome.DENIED, Outcome.INVALID) or notice_id not in loaded:
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
