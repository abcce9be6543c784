"""Applies what carriers told us: each event once, in whatever order it came."""

from collections.abc import Sequence

import msgspec

from todoke.actions.advance import Recorded, record_proofs
from todoke.carriers import EventKind, InboundEvent
from todoke.storage import inbox
from todoke.storage.database import Tx
from todoke.storage.inbox import Stored
from todoke.storage.lookup import Lookup


class Read(msgspec.Struct, frozen=True):
    """A stored request and the events in it, or why it could not be read."""

    stored: Stored
    events: Sequence[InboundEvent]
    error: str | None = None


async def apply_events(tx: Tx, requests: Sequence[Read], now: int, lookup: Lookup) -> Recorded:
    """Applies the events that are new, and marks the requests as applied."""
    fresh = await inbox.unseen(tx, (e.id for r in requests for e in r.events))
    await inbox.mark_seen(tx, fresh, now)
    proofs: list[tuple[str, int, bool, str | None]] = []
    for request in requests:
        for event in request.events:
            if event.id not in fresh:
                continue
            fresh.discard(event.id)
            if event.kind in (EventKind.PROOF, EventKind.NO_PROOF) and event.tag is not None:
                proofs.append((event.tag, event.at, event.kind is EventKind.PROOF, event.detail))
    recorded = await record_proofs(tx, proofs, now, lookup)
    await inbox.mark_applied(tx, {r.stored.id: r.error for r in requests}, now)
    return recorded
