"""Which attempts the events from carriers prove, by our delivery tag or by the carriers' own names."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from todoke.carriers import EventKind, InboundEvent
from todoke.core.notice import Event, NoProof, Proof
from todoke.core.routing import Step
from todoke.storage import message_ids
from todoke.storage import notices as store
from todoke.storage.database import Tx
from todoke.storage.message_ids import Name, Part
from todoke.storage.notices import Owner
from todoke.storage.working import Kept, Working

LINE = "line"
"""What the inbox calls LINE; SMS carriers have the names of their declarations."""
TELLING = frozenset({EventKind.PROOF, EventKind.NO_PROOF})


class Found(NamedTuple):
    """An event that was not applied before, whose carrier sent it, and the channel that signed it."""

    event: InboundEvent
    carrier: str
    channel_id: str | None


def is_plain(found: Found, kept: Kept) -> bool:
    """LINE's word that a notification of ours was shown, as nearly all events are: what is kept has one attempt."""
    event, carrier, signed_by = found
    pattern = kept.pattern
    return (
        carrier == LINE
        and event.kind is EventKind.PROOF
        and signed_by == pattern.channel_id
        and pattern.notice.attempts[0].carrier is None
    )


async def add_proofs(
    tx: Tx, found: Sequence[Found], events: dict[str, list[Event]], working: Working | None
) -> int:
    """Adds what the events prove, by notice. Answers how many were about messages that are not ours.

    What one carrier tells, or one channel signed, proves nothing about another's messages.
    """
    others = found
    if working is not None:
        others = []
        for x in found:
            event = x.event
            tag = event.tag or ""
            kept = working.of_attempt(tag)
            if kept is not None and is_plain(x, kept):
                events.setdefault(kept.notice_id, []).append(Proof(tag, event.at))
            else:
                others.append(x)
    if not others:
        return 0
    owners = await store.owners_of(tx, {x.event.tag for x in others if x.event.tag is not None})
    unknown = 0
    for event, carrier, signed_by in others:
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


async def add_parts(
    tx: Tx, named: Mapping[Name, str], found: Sequence[Found], events: dict[str, list[Event]], now: int
) -> int:
    """Adds what receipts say that name a message or its parts as their carrier does; `named`: the attempts whose
    carriers have just given such names.

    Answers how many named none of ours. A message has reached its recipient when all its parts have. A receipt
    that comes before the answer which says whose it is waits for that.
    """
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
