"""Writes down what became of attempts: answers to our requests, and what carriers posted to us later.

Both in one transaction, for under load a delivery event is stored before the answer that it proves is written
down: then the notice is read and written once for both.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from todoke.carriers import EventKind, InboundEvent
from todoke.core.errors import IllegalTransition
from todoke.core.notice import Answered, Event, NoProof, Notice, Proof, step
from todoke.core.outcome import Answer, Outcome
from todoke.storage import channels as channel_store
from todoke.storage import content, inbox
from todoke.storage import notices as store
from todoke.storage.database import Tx
from todoke.storage.inbox import Stored
from todoke.storage.lookup import Lookup
from todoke.storage.notices import Loaded

AnswerTo = tuple[str, str, Answer]
"""Notice id, attempt id, answer."""


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
    for notice_id, attempt_id, answer in answers:
        events.setdefault(notice_id, []).append(Answered(attempt_id, answer))
    just_answered = {
        a.request_id: (attempt_id, notice_id) for notice_id, attempt_id, a in answers if a.request_id
    }
    found = await _new_events(tx, requests, now) if requests else []
    unknown = await _add_proofs(tx, found, just_answered, events) if found else 0
    loaded, result = await apply(tx, events, now, lookup)
    result.unknown_tags = unknown
    await _consequences(tx, answers, loaded, result, now)
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
    return loaded, result


def _doubled(notice: Notice) -> int:
    return sum(a.late_duplicate for a in notice.attempts) if len(notice.attempts) > 1 else 0


async def _new_events(tx: Tx, requests: Sequence[Read], now: int) -> list[tuple[InboundEvent, str | None]]:
    """The events that were not applied before and that tell of a message, each once, with the channel that signed."""
    fresh = await inbox.unseen(tx, (e.id for r in requests for e in r.events))
    await inbox.mark_seen(tx, fresh, now)
    found: list[tuple[InboundEvent, str | None]] = []
    for request in requests:
        for event in request.events:
            if event.id in fresh:
                fresh.discard(event.id)
                if event.kind in (EventKind.PROOF, EventKind.NO_PROOF) and event.tag is not None:
                    found.append((event, request.stored.channel_id))
    return found


async def _add_proofs(
    tx: Tx,
    found: Sequence[tuple[InboundEvent, str | None]],
    just_answered: Mapping[str, tuple[str, str]],
    events: dict[str, list[Event]],
) -> int:
    """Adds what the events prove, by notice. Answers how many were about messages that are not ours.

    In place of our tag stands the carrier's own message id where its receipts carry only that; it may be one that
    an answer of this same call brings (`just_answered`: message id → attempt and notice). What a channel signed
    proves nothing about another channel's messages.
    """
    names = {e.tag for e, _ in found if e.tag is not None}
    owners = await store.owners_of(tx, names)
    tag_of: dict[str, str] = {}
    if foreign := names - owners.keys():
        tag_of = await store.tags_of_requests(tx, foreign)
        owners |= await store.owners_of(tx, tag_of.values())
        for name in foreign & just_answered.keys():
            tag_of[name], answered = just_answered[name]
            owners[tag_of[name]] = answered, ""
    unknown = 0
    for event, signed_by in found:
        name = event.tag or ""
        tag = tag_of.get(name, name)
        notice_id, channel_id = owners.get(tag, (None, ""))
        if notice_id is None or signed_by not in (None, channel_id):
            unknown += 1
        elif event.kind is EventKind.PROOF:
            events.setdefault(notice_id, []).append(Proof(tag, event.at))
        else:
            events.setdefault(notice_id, []).append(NoProof(tag, event.at, event.detail))
    return unknown


async def _consequences(
    tx: Tx, answers: Iterable[AnswerTo], loaded: Mapping[str, Loaded], result: Recorded, now: int
) -> None:
    """A denied channel pauses, a template whose content was refused is flagged."""
    denied: set[str] = set()
    flagged: set[str] = set()
    for notice_id, _, answer in answers:
        if answer.outcome not in (Outcome.DENIED, Outcome.INVALID) or notice_id not in loaded:
            continue
        x = loaded[notice_id]
        if answer.outcome is Outcome.INVALID and x.template_id not in flagged:
            flagged.add(x.template_id)
            why = f"{answer.status}: {answer.detail or ''}"[:500]
            await content.flag_template(tx, x.template_id, now, why)
        elif answer.outcome is Outcome.DENIED and x.channel_id not in denied:
            denied.add(x.channel_id)
            why = f"LINE answered {answer.status}: {answer.detail or 'no reason given'}"
            sent_at = max(a.at for a in x.notice.attempts)
            if await pause(tx, x.channel_id, now, why, sent_at):
                result.paused.append(why)


async def pause(tx: Tx, channel_id: str, now: int, why: str, sent_at: int) -> bool:
    """Stops LINE steps of a channel; its notices stay queued. Whether it was running before.

    A request that left before the channel got its present access token says nothing about that token.
    """
    channel = await channel_store.get_channel(tx, channel_id)
    if channel is None or channel.paused_at is not None or sent_at < (channel.token_at or 0):
        return False
    await channel_store.update_channel(tx, channel_id, paused_at=now, paused_why=why)
    return True
