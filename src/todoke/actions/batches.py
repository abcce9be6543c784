"""What is done with a batch that stands: paused, resumed, cancelled, its plan changed, its notices let go.

Each of these is one small transaction, however long the list is. What has to be done to every notice follows in
portions (`sweep`); until it is done, `actions.holding` sees to it in every claim that nothing begins which must not.
"""

from typing import Any, NamedTuple

import msgspec

from todoke.actions import announcements
from todoke.actions.advance import cancel
from todoke.actions.channels import Conflict
from todoke.actions.intake import Target
from todoke.core.release import Pace, Plan, Standing, Turn, beat_of, parse_hours, samples_of, turn
from todoke.core.routing import LINE_STEPS, UTC_OFFSET, Policy
from todoke.core.standing import Lane
from todoke.core.states import State
from todoke.ids import Ids
from todoke.storage import batch_holds, batch_states
from todoke.storage import batches as store
from todoke.storage.batch_states import HELD, Counts
from todoke.storage.batches import Batch
from todoke.storage.database import Tx
from todoke.storage.lookup import Lookup

PORTION = 2000
"""Notices that are held, or ended since their deadline has passed, in one commit."""
CANCELLED_AT_ONCE = 500


class BatchOver(Conflict):
    """The batch was cancelled or has ended."""

    code = "batch-over"


def plan_of(batch: Batch, region: str) -> Plan:
    """The plan of a batch on a channel of that region."""
    return Plan(
        starts_at=batch.starts_at,
        rate=batch.rate,
        percent_an_hour=batch.percent_an_hour,
        hours=None if batch.hours is None else parse_hours(batch.hours),
        offset=UTC_OFFSET[region],
    )


def holds(batch: Batch, region: str, now: int) -> bool:
    """Whether notices of this batch that are stored now have to wait: see `storage.batch_holds`."""
    return batch.paused_at is not None or plan_of(batch, region).holds(now)


def held_target(batch: Batch, target: Target, now: int) -> Target:
    """What the rows of a batch are checked against: the policy's deadline counts from when a held notice is let go."""
    if target.policy.deadline is None or not holds(batch, target.channel.region, now):
        return target
    replace = msgspec.structs.replace
    return replace(target, policy=replace(target.policy, deadline=None))


async def take_in(tx: Tx, batch: Batch, region: str, count: int, now: int) -> bool:
    """Counts new notices of a batch, before they are stored. Answers whether the batch holds them back."""
    held = holds(batch, region, now)
    queued, holding = (batch.id, State.QUEUED.value), (batch.id, HELD)
    await batch_states.add(tx, {queued: count, holding: count if held else 0})
    return held


def pace_of(batch: Batch) -> Pace:
    if batch.pace is None:
        return Pace()
    samples, released_at = msgspec.json.decode(batch.pace, type=tuple[list[list[int]], int | None])
    return Pace(samples_of(samples), released_at)


def _written(pace: Pace) -> str:
    return msgspec.json.encode((pace.samples, pace.released_at)).decode()


def standing_of(batch: Batch, counts: Counts) -> Standing:
    """How a batch stands, for the plan."""
    return Standing(
        total=batch.accepted,
        read=batch.state not in store.UNREAD,
        held=counts.held,
        begun=counts.begun,
        out=counts.out,
        pace=pace_of(batch),
    )


def turn_of(batch: Batch, counts: Counts, region: str, now: int) -> Turn:
    """What the plan lets go now."""
    return turn(plan_of(batch, region), standing_of(batch, counts), now)


def _refuse_over(batch: Batch, what: str) -> None:
    if batch.cancelled_at is not None or batch.ended_at is not None:
        how = "was cancelled" if batch.cancelled_at is not None else "has ended"
        raise BatchOver(f"The batch {how}: there is nothing left to {what}.")


async def pause(tx: Tx, batch: Batch, now: int, ids: Ids) -> int:
    """No first request of its notices begins from this commit on. Those that have begun go on to their end.

    Answers the webhooks queued. Nothing changes where it is paused already. Raises BatchOver.
    """
    _refuse_over(batch, "pause")
    if batch.paused_at is not None:
        return 0
    await store.update_batch(tx, batch.id, paused_at=now, sweep="")
    paused = msgspec.structs.replace(batch, paused_at=now)
    return await announcements.of_batch(tx, "batch.paused", paused, now, ids)


async def resume(tx: Tx, batch: Batch, now: int, ids: Ids) -> int:
    """Its notices are let go again, by its plan. Nothing changes where it is not paused. Raises BatchOver."""
    _refuse_over(batch, "resume")
    if batch.paused_at is None:
        return 0
    # A plan counts what was let go: with one, what the pause found let go is held first, to the end of the batch.
    is_planned = batch.rate is not None or batch.percent_an_hour is not None
    is_planned = is_planned or batch.hours is not None or batch.starts_at is not None
    await store.update_batch(tx, batch.id, paused_at=None, sweep=batch.sweep if is_planned else None)
    resumed = msgspec.structs.replace(batch, paused_at=None)
    return await announcements.of_batch(tx, "batch.resumed", resumed, now, ids)


async def change_plan(tx: Tx, batch: Batch, changes: dict[str, Any], region: str, now: int) -> None:
    """Follows another plan from this commit on. `changes`: columns of the plan. Raises BatchOver."""
    _refuse_over(batch, "plan")
    changed = msgspec.structs.replace(batch, **changes)
    if changed == batch:
        return
    await store.update_batch(tx, batch.id, **changes)
    plan = plan_of(changed, region)
    if plan.holds(now) and batch.paused_at is None:
        out = (await batch_states.of_batch(tx, batch.id)).out
        most = plan.an_hour(batch.accepted)
        # As few as one portion may go all the same where only the speed changes.
        if out and (plan.opens_at(now) > now or most is None or out > beat_of(most)[0]):
            await store.update_batch(tx, batch.id, sweep="")
    elif batch.paused_at is None and batch.sweep is not None:
        await store.update_batch(tx, batch.id, sweep=None)


async def cancel_batch(tx: Tx, batch: Batch, now: int, lookup: Lookup, ids: Ids) -> int:
    """Stops reading; no further step of its notices begins from this commit on. A long batch's notices are cancelled
    in portions later, by `sweep`. Answers the webhooks queued.
    """
    if batch.cancelled_at is not None or batch.ended_at is not None:
        return 0
    state = "cancelled" if batch.state in store.UNREAD else batch.state
    cancelled = msgspec.structs.replace(batch, state=state, cancelled_at=now, paused_at=None, sweep="")
    await store.update_batch(tx, batch.id, state=state, cancelled_at=now, paused_at=None, sweep="")
    told = await announcements.of_batch(tx, "batch.cancelled", cancelled, now, ids)
    await sweep(tx, cancelled, now, lookup, ids)
    return told


async def sweep(tx: Tx, batch: Batch, now: int, lookup: Lookup, ids: Ids) -> bool:
    """One portion of holding or cancelling a batch's notices; answers whether that was the last.

    How far it is is committed with it, so that a killed process goes on where it was.
    """
    assert batch.sweep is not None
    cancelling = batch.cancelled_at is not None
    most = CANCELLED_AT_ONCE if cancelling else PORTION
    walked = await batch_holds.walk(tx, batch.id, batch.sweep, most)
    if cancelling:
        await cancel(tx, walked.open, now, lookup, ids)
    else:
        held = await batch_holds.hold(tx, walked.open, now)
        await batch_states.add(tx, {(batch.id, HELD): len(held)})
    counts = await batch_states.of_batch(tx, batch.id)
    # A cancelled notice whose request is out stays open: only the end of the walk tells that all were cancelled.
    is_over = walked.last is None or (not cancelling and not counts.out)
    await store.update_batch(tx, batch.id, sweep=None if is_over else walked.last)
    return is_over


class Released(NamedTuple):
    """What letting go came to: how many, and the turn that decided it; webhooks queued."""

    many: int
    turn: Turn
    told: int = 0


async def release(tx: Tx, batch: Batch, region: str, policy: Policy, now: int, ids: Ids) -> Released:
    """Lets go what the plan allows now, and notes how many have begun."""
    counts = await batch_states.of_batch(tx, batch.id)
    standing = standing_of(batch, counts)
    found = turn(plan_of(batch, region), standing, now)
    pace = standing.pace.noted(counts.begun, now)
    count = 0
    if wanted := found.many:
        lane = first_lane(policy)
        count = await batch_holds.release(tx, batch.id, wanted, lane, now, policy.deadline)
        # Fewer than were counted: the count is mended by what is there.
        gone = count if count == wanted else counts.held
        await batch_states.add(tx, {(batch.id, HELD): -gone})
        pace = Pace(pace.samples, found.beat_at)
    values: dict[str, Any] = {}
    if pace != standing.pace:
        values["pace"] = _written(pace)
    told = 0
    if count and batch.started_at is None:
        values["started_at"] = now
        started = msgspec.structs.replace(batch, started_at=now)
        told = await announcements.of_batch(tx, "batch.started", started, now, ids)
    if values:
        await store.update_batch(tx, batch.id, **values)
    return Released(count, found, told)


async def note_pace(tx: Tx, batch: Batch, counts: Counts, now: int) -> None:
    """Notes how many notices of a batch have begun."""
    pace = pace_of(batch)
    noted = pace.noted(counts.begun, now)
    if noted is not pace:
        await store.update_batch(tx, batch.id, pace=_written(noted))


def first_lane(policy: Policy) -> Lane:
    """Whose turn it is with a notice that has not begun."""
    return Lane.LINE if policy.steps[0].step in LINE_STEPS else Lane.OTHER


async def end_expired(tx: Tx, channel_id: str, lookup: Lookup, now: int) -> int:
    """Lets held notices go whose deadline has passed, for the claim to end them; answers how many."""
    found = await batch_holds.expired(tx, channel_id, now, PORTION)
    count = 0
    for batch_id, notice_ids in found.items():
        batch = await store.get_batch(tx, batch_id)
        assert batch is not None
        policies = await lookup.policies(tx, [batch.policy_id])
        gone = await batch_holds.let_expired_go(tx, notice_ids, first_lane(policies[batch.policy_id]), now)
        await batch_states.add(tx, {(batch_id, HELD): -gone})
        count += gone
    return count
