"""Batches that are held back: paused, planned, cancelled; exactly, in portions, and by one process."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import func, select

from engine_house import ALL, House, until
from notice_support import START
from storage_support import Shop, ids, new_notice
from todoke.actions import batches as actions
from todoke.actions.claiming import claim
from todoke.core.durations import HOUR, MINUTE, SECOND
from todoke.core.notice import State
from todoke.core.outcome import Answer, Outcome
from todoke.storage import batch_states, channels, notices
from todoke.storage import batches as store
from todoke.storage.batch_states import Counts
from todoke.storage.batches import Batch
from todoke.storage.database import Tx
from todoke.storage.notices import HELD as HELD_LANE
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n


async def a_batch(house: House, count: int, at: Shop | None = None, **changes: Any) -> Batch:
    """A batch whose file is read, its notices stored as the intake stores them."""
    shop, now = at or house.shop, house.clock.now()
    values = {
        "id": ids.new(),
        "account_id": shop.account_id,
        "channel_id": shop.channel_id,
        "template_id": shop.template_id,
        "policy_id": shop.policy_id,
        "file_name": "list.csv",
        "encoding": "utf-8",
        "columns": "{}",
        "state": "done",
        "size": 1,
        "position": 1,
        "rows": count,
        "accepted": count,
        "created_at": now,
        "read_at": now,
    }
    batch = Batch(**{**values, **changes})
    rows = [new_notice(shop, batch_id=batch.id, number=f"+8869{i:08}", due_at=now) for i in range(count)]
    async with house.database.write() as tx:
        await store.insert_batch(tx, batch)
        if await actions.take_in(tx, batch, "TW", count, now):
            for x in rows:
                x.lane, x.due_at = notices.HELD, x.deadline_at
        await notices.insert_new(tx, rows)
    return batch


async def counted(tx: Tx, batch_id: str) -> Counts:
    """The counts of a batch, found by looking at every notice."""
    begun = select(a.c.id).where(a.c.notice_id == n.c.id).exists()
    mine = n.c.batch_id == batch_id
    states = await tx.execute(select(n.c.state, func.count()).where(mine).group_by(n.c.state))

    async def many(*where: Any) -> int:
        return int((await tx.execute(select(func.count()).select_from(n).where(mine, *where))).scalar_one())

    return Counts(
        states={row[0]: row[1] for row in states},
        held=await many(n.c.lane == HELD_LANE),
        begun=await many(begun),
        unsent=await many(~begun, n.c.ended_at.is_not(None)),
    )


async def counts_of(house: House, batch: Batch) -> Counts:
    """What is kept of a batch's counts, held against the notices themselves."""
    async with house.database.read() as tx:
        kept = await batch_states.of_batch(tx, batch.id)
        assert kept == await counted(tx, batch.id)
    return kept


async def change(house: House, batch: Batch, what: str, **plan: Any) -> None:
    async with house.database.write() as tx:
        current = await store.get_batch(tx, batch.id)
        assert current is not None
        now = house.clock.now()
        match what:
            case "pause":
                await actions.pause(tx, current, now, ids)
            case "resume":
                await actions.resume(tx, current, now, ids)
            case "cancel":
                await actions.cancel_batch(tx, current, now, house.lookup, ids)
            case "plan":
                await actions.change_plan(tx, current, plan, "TW", now)


async def test_from_the_pause_on_no_first_request_begins_even_before_the_batch_has_been_walked_through(
    house: House,
) -> None:
    await house.open()
    batch, other = await a_batch(house, 40), await a_batch(house, 3)
    fence = 0
    async with house.database.write() as tx:
        first = await claim(
            tx, house.shop.channel_id, fence, START, dict.fromkeys(ALL, 10), ids, house.lookup, house.setup
        )
    assert len(first.to_send) == 10
    await change(house, batch, "pause")
    async with house.database.write() as tx:
        rest = await claim(tx, house.shop.channel_id, fence, START, ALL, ids, house.lookup, house.setup)
    # Only the other batch's; all 30 that were due and had not begun are held by the claim that met them.
    assert len(rest.to_send) == 3
    assert (await counts_of(house, batch)).held == 30
    assert (await counts_of(house, other)).begun == 3
    async with house.database.write() as tx:
        assert not (
            await claim(tx, house.shop.channel_id, fence, START, ALL, ids, house.lookup, house.setup)
        ).looked_at


async def test_a_pause_lets_what_has_begun_go_on_and_a_resume_sends_the_rest(house: House) -> None:
    await house.open()
    batch = await a_batch(house, 5)
    house.carrier.answer = lambda _: Answer(outcome=Outcome.UNREACHABLE, status=422)
    house.carrier.gate.clear()
    engine = house.engine()
    await engine.start()
    await until(lambda: len(house.carrier.sent) == 5)
    late = await a_batch(house, 700)
    await change(house, late, "pause")
    await change(house, batch, "pause")
    house.carrier.gate.set()
    engine.wake()
    await engine.settle()
    sent = len(house.carrier.sent)
    # The first batch's five had begun: their SMS step follows all the same.
    assert (await counts_of(house, batch)).begun == 5
    counts = await counts_of(house, late)
    assert (counts.begun + counts.held, counts.out) == (700, 0)
    house.clock.put(START + HOUR)
    engine.wake()
    await engine.settle()
    assert len(house.carrier.sent) == sent
    await change(house, late, "resume")
    engine.wake()
    await engine.settle()
    assert (await counts_of(house, late)).begun == 700


async def test_waves_never_let_more_go_in_an_hour_than_the_plan_says_also_when_a_process_was_killed(
    house: House,
) -> None:
    """A tenth an hour of 600; killed after two hours, its successor goes on; two processes let no more go than one."""
    await house.open()
    batch = await a_batch(house, 600, percent_an_hour=10.0)
    engine = house.engine()
    await engine.start()
    begun_at: dict[int, int] = {}
    for minute in range(0, 121, 2):
        house.clock.put(START + minute * MINUTE)
        engine.wake()
        await engine.settle()
        begun_at[minute] = (await counts_of(house, batch)).begun
    assert begun_at[0] == 1
    assert 110 <= begun_at[120] <= 121
    assert all(begun_at[m] - begun_at[m - 60] <= 60 for m in range(60, 121, 2))
    house.engines.remove(engine)
    for task in engine._tasks.values():
        task.cancel()
    await asyncio.gather(*engine._tasks.values(), return_exceptions=True)
    async with house.database.write() as tx:
        await channels.give_up(tx, engine._owners._presence.name)
    two = [house.engine(), house.engine()]
    for each in two:
        await each.start()
    for minute in range(122, 242, 2):
        house.clock.put(START + minute * MINUTE)
        for each in two:
            each.wake()
            await each.settle()
        begun_at[minute] = (await counts_of(house, batch)).begun
    assert all(begun_at[m] - begun_at[m - 60] <= 60 for m in range(122, 242, 2))
    assert begun_at[240] >= 220


async def test_a_plan_that_is_changed_while_the_batch_runs_holds_what_had_been_let_go(house: House) -> None:
    await house.open()
    batch = await a_batch(house, 2400)
    engine = house.engine()
    await change(house, batch, "plan", rate=60)
    await engine.start()
    await engine.settle()
    counts = await counts_of(house, batch)
    assert (counts.begun, counts.held) == (1, 2399)
    await change(house, batch, "plan", starts_at=START + HOUR)
    house.clock.put(START + 30 * MINUTE)
    engine.wake()
    due, _ = await engine.settle()
    assert (await counts_of(house, batch)).begun == 1
    assert due is not None
    assert due <= START + HOUR
    await change(house, batch, "plan", starts_at=None, rate=None)
    engine.wake()
    await engine.settle()
    counts = await counts_of(house, batch)
    assert (counts.begun, counts.held) == (2400, 0)


async def test_a_cancelled_batch_begins_no_step_though_it_is_cancelled_in_portions(house: House) -> None:
    await house.open()
    begun = await a_batch(house, 4)
    engine = house.engine()
    house.carrier.answer = lambda _: Answer(outcome=Outcome.ACCEPTED, status=202)
    await engine.start()
    await engine.settle()
    await engine.stop()
    house.engines.remove(engine)
    batch = await a_batch(house, 1200, rate=3)
    await change(house, batch, "cancel")
    await change(house, begun, "cancel")
    async with house.database.read() as tx:
        halfway = await store.get_batch(tx, batch.id)
    assert halfway is not None
    assert halfway.sweep
    assert (await counts_of(house, batch)).states == {State.QUEUED: 700, State.CANCELLED: 500}
    # Whoever comes after a killed process goes on where it was.
    successor = house.engine()
    await successor.start()
    # Their wait is over; the SMS step must not begin.
    house.clock.put(START + 5 * HOUR)
    successor.wake()
    await successor.settle()
    counts = await counts_of(house, batch)
    assert (counts.states, counts.held, counts.unsent) == ({State.CANCELLED: 1200}, 0, 1200)
    assert len(house.carrier.sent) == 4
    house.clock.put(START + 5 * HOUR + 2 * SECOND)
    successor.wake()
    await successor.settle()
    async with house.database.read() as tx:
        after = await store.get_batch(tx, batch.id)
    assert after is not None
    assert (after.sweep, after.ended_at) == (None, START + 5 * HOUR + 2 * SECOND)


async def test_what_is_held_beyond_its_deadline_ends_and_one_that_counts_from_its_turn_does_not(
    house: House,
) -> None:
    await house.open()
    batch = await a_batch(house, 3, starts_at=START + 2 * HOUR)
    async with house.database.write() as tx:
        (first, *_rest) = [
            r[0] for r in await tx.execute(select(n.c.id).where(n.c.batch_id == batch.id).order_by(n.c.id))
        ]
        await tx.execute(
            n.update().where(n.c.id == first).values(deadline_at=START + HOUR, due_at=START + HOUR)
        )
    engine = house.engine()
    await engine.start()
    due, _ = await engine.settle()
    assert due == START + HOUR
    await change(house, batch, "pause")
    house.clock.put(START + HOUR)
    engine.wake()
    await engine.settle()
    counts = await counts_of(house, batch)
    assert (counts.states, counts.held) == ({State.QUEUED: 2, State.NOT_DELIVERED: 1}, 2)
    assert (await house.notice(first)).reason == "deadline"


async def test_resuming_a_channel_lets_nothing_go_that_a_batch_holds(house: House) -> None:
    await house.open()
    batch = await a_batch(house, 3, rate=1)
    async with house.database.write() as tx:
        await notices.release_held(tx, house.shop.channel_id, START)
        claimed = await claim(tx, house.shop.channel_id, 0, START, ALL, ids, house.lookup, house.setup)
    assert claimed.looked_at == 0
    assert (await counts_of(house, batch)).held == 3


async def test_the_pace_is_kept_for_a_batch_without_a_plan_too(house: House) -> None:
    await house.open()
    batch = await a_batch(house, 10)
    engine = house.engine()
    await engine.start()
    await engine.settle()
    async with house.database.read() as tx:
        after = await store.get_batch(tx, batch.id)
    assert after is not None
    assert actions.pace_of(after).begun_within(10, START - HOUR) == 10
