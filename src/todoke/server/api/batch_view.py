"""A batch as the API shows it: counts, plan, what holds it up, and how long it may still take."""

import json
from collections.abc import Sequence
from typing import Any

from todoke.actions import batches as actions
from todoke.core import progress
from todoke.core.durations import SECOND, rfc3339
from todoke.core.progress import Seen
from todoke.core.routing import Policy
from todoke.server.problems import Problem
from todoke.server.services import Services
from todoke.storage import batch_states, channels
from todoke.storage import batches as store
from todoke.storage import sources as source_store
from todoke.storage.batch_states import Counts
from todoke.storage.batches import Batch
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.sources import Source

EXAMPLE = {
    "id": "01K2W7M…",
    "state": "sending",
    "rows": 300,
    "accepted": 280,
    "refused": 20,
    "duplicates": 3,
    "states": {"queued": 224, "waiting": 56},
    "begun": 56,
    "held": 224,
    "plan": {"starts_at": None, "rate": None, "percent_an_hour": 20.0, "hours": None},
    "held_up_by": {
        "cause": "waves",
        "words": "the plan lets 56 an hour go",
        "until": "2026-08-07T03:01:04.286Z",
    },
    "time_left": {
        "seconds": 14400,
        "seconds_at_most": 15840,
        "until": "2026-08-07T07:00:00.000Z",
        "until_at_most": "2026-08-07T07:24:00.000Z",
        "why": "by the plan",
    },
}


async def found_batch(tx: Tx, account: str, batch_id: str) -> Batch:
    """The account's batch. Raises a 404 problem."""
    batch = await store.get_batch(tx, batch_id)
    if batch is None or batch.account_id != account:
        why = f"There is no batch {batch_id[:40]!r} in this account."
        raise Problem(404, "not-found", f"{why} `todoke batches list` or GET /v1/batches lists them.")
    return batch


async def view_of(tx: Tx, batch: Batch, parts: Services) -> dict[str, Any]:
    """One batch."""
    return (await views_of(tx, [batch], parts))[0]


async def views_of(tx: Tx, batches: Sequence[Batch], parts: Services) -> list[dict[str, Any]]:
    """Batches, by a few look-ups for all of them, however many notices they have."""
    sources = await source_store.by_ids(tx, {x.source_id for x in batches if x.source_id is not None})
    counts = await batch_states.of_batches(tx, [x.id for x in batches])
    known = {x: await channels.get_channel(tx, x) for x in {x.channel_id for x in batches}}
    policies = await parts.lookup.policies(tx, {x.policy_id for x in batches})
    templates = await parts.lookup.templates(tx, {x.template_id for x in batches})
    views = []
    for batch in batches:
        channel = known[batch.channel_id]
        assert channel is not None
        seen = _seen(
            batch, counts[batch.id], channel, policies[batch.policy_id], templates[batch.template_id].use_case
        )
        source = sources.get(batch.source_id or "")
        policy = policies[batch.policy_id]
        views.append(_view(batch, counts[batch.id], source, seen, policy, parts.clock.now()))
    return views


def _seen(batch: Batch, counts: Counts, channel: Channel, policy: Policy, use_case: str) -> Seen:
    is_quiet = bool(policy.quiet_hours) and use_case not in policy.quiet_exempt
    paused = None if channel.paused_at is None else channel.paused_why or "by hand"
    return Seen(
        plan=actions.plan_of(batch, channel.region),
        standing=actions.standing_of(batch, counts),
        region=channel.region,
        paused_at=batch.paused_at,
        channel_paused_why=paused,
        cancelling=batch.cancelled_at is not None and batch.sweep is not None,
        fraction=_read(batch) if batch.state != "preparing" else 0.0,
        quiet=policy if is_quiet else None,
        a_second=channel.rate,
    )


def _read(batch: Batch) -> float:
    return 1.0 if batch.size == 0 else min(batch.position / batch.size, 1)


def state_of(batch: Batch, counts: Counts, now: int) -> str:
    """preparing, reading, scheduled, paused, sending, cancelling, cancelled, failed or ended."""
    if batch.cancelled_at is not None:
        # Proofs of what had begun may still come: no more is sent all the same.
        return "cancelled" if batch.sweep is None else "cancelling"
    if batch.state in ("cancelled", "failed"):
        return batch.state
    if batch.paused_at is not None and (counts.open or batch.state in store.UNREAD):
        return "paused"
    if batch.state in store.UNREAD:
        return batch.state
    if not counts.open:
        return "ended"
    # What has begun goes on while the rest waits for its time.
    is_scheduled = batch.starts_at is not None and batch.starts_at > now and counts.held and not counts.begun
    return "scheduled" if is_scheduled else "sending"


def _view(
    batch: Batch, counts: Counts, source: Source | None, seen: Seen, policy: Policy, now: int
) -> dict[str, Any]:
    return {
        "id": batch.id,
        "state": state_of(batch, counts, now),
        "error": batch.error,
        "file": batch.file_name,
        "channel": batch.channel_id,
        "template": batch.template_id,
        "source": None if source is None else {"name": source.name, "ground": source.ground},
        "language": batch.language,
        "rows": batch.rows,
        "accepted": batch.accepted,
        "refused": batch.refused,
        "duplicates": batch.duplicates,
        "repeats": batch.repeats,
        "total": batch.total,
        "detected": None if batch.detected is None else json.loads(batch.detected),
        "read": round(_read(batch), 4),
        "open": counts.open,
        "begun": counts.begun,
        "held": counts.held,
        "states": counts.states,
        "plan": {
            "starts_at": _at(batch.starts_at),
            "rate": batch.rate,
            "percent_an_hour": batch.percent_an_hour,
            "hours": batch.hours,
        },
        **_outlook(batch, counts, seen, policy, now),
        "created_at": rfc3339(batch.created_at),
        "read_at": _at(batch.read_at),
        "started_at": _at(batch.started_at),
        "paused_at": _at(batch.paused_at),
        "cancelled_at": _at(batch.cancelled_at),
        "ended_at": _at(batch.ended_at),
    }


def _outlook(batch: Batch, counts: Counts, seen: Seen, policy: Policy, now: int) -> dict[str, Any]:
    if batch.ended_at is not None or (batch.state not in store.UNREAD and not counts.open):
        return {"held_up_by": None, "time_left": None, "ends_at_most": None}
    hold = progress.hold_of(seen, now)
    left = progress.left(seen, now)
    # With the last first request gone, when a batch ends is up to its recipients' phones.
    last = None if left.most is None or seen.cancelling else now + left.most + progress.longest_life(policy)
    if batch.cancelled_at is not None and not seen.cancelling:
        return {"held_up_by": None, "time_left": None, "ends_at_most": _at(last)}
    return {
        "held_up_by": None
        if hold is None
        else {"cause": hold.cause, "words": hold.words, "until": _at(hold.until)},
        "time_left": {
            "seconds": _seconds(left.least),
            "seconds_at_most": _seconds(left.most),
            "until": None if left.least is None else rfc3339(now + left.least),
            "until_at_most": None if left.most is None else rfc3339(now + left.most),
            "why": left.why,
        },
        "ends_at_most": _at(last),
    }


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else -(-milliseconds // SECOND)


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)
