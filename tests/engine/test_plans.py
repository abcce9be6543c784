"""What is decided beside the writers holds only while nothing has changed that it depends on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from alike_support import (
    ACCEPTED,
    BAD,
    NO_MATCH,
    TOO_MANY,
    asked,
    batch,
    bind,
    other_template,
    suppress,
    taken,
    told,
    wanted,
)
from engine_house import House
from notice_support import HOUR, START
from storage_support import ids
from todoke.actions import claiming
from todoke.actions.advance import LostChannel, cancel, recover
from todoke.actions.alike import AnswerTo
from todoke.actions.claiming import ahead, claim, write
from todoke.actions.record import Read, Recorded, prepare, record
from todoke.carriers import EventKind, InboundEvent
from todoke.core.outcome import Answer, Outcome
from todoke.engine import deliver
from todoke.engine import recorder as recorder_module
from todoke.engine.recorder import Recorder
from todoke.storage import batches, bindings, channels, inbox
from todoke.storage import sqlite as sqlite_module
from todoke.storage.inbox import Posted, Stored
from todoke.storage.lookup import Lookup
from todoke.storage.notice_changes import Stale


async def plan_of(house: House) -> tuple[int, claiming.Plan]:
    moment = house.database.moment()
    async with house.database.read(quick=True) as tx:
        plan = await ahead(tx, *wanted(house))
    assert plan is not None
    return moment, plan


async def test_a_plan_holds_until_something_is_committed_that_it_may_depend_on(house: House) -> None:
    await house.open()
    await house.ask(8)
    database = house.database
    async with database.write(quick=True):
        pass

    async def holds(moment: int) -> bool:
        async with database.write(quick=True):
            database.leave_plans()
            return database.is_as_at(moment)

    moment, _ = await plan_of(house)
    assert await holds(moment)
    assert await holds(moment), "what leaves plans alone"
    await suppress(house, "+886911111111")
    assert not await holds(moment), "another writer of this process"
    moment, _ = await plan_of(house)
    async with database.write(quick=True):
        assert database.is_as_at(moment)
    assert not await holds(moment), "a quick one of this process"
    moment, _ = await plan_of(house)
    with sqlite3.connect(house.folder / "todoke.db") as elsewhere:
        elsewhere.execute("UPDATE channels SET paused_at = 1")
    assert not await holds(moment), "another process"

    moment, _ = await plan_of(house)
    first_is_in, said = asyncio.Event(), []

    async def upsets() -> None:
        async with database.write(quick=True):
            first_is_in.set()
            for _ in range(20):
                await asyncio.sleep(0)

    async def joins() -> None:
        await first_is_in.wait()
        said.append(await holds(moment))

    await asyncio.gather(upsets(), joins())
    assert said == [False], "one with whom the commit is shared"
    assert not await holds(moment), "such a one, though the last of them leaves plans alone"


async def test_what_is_read_while_others_commit_is_not_taken_for_what_they_committed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open()
    database, commit = house.database, sqlite_module.Kept.commit
    read: list[tuple[int, int | None]] = []

    async def paused_at(tx: Any) -> int | None:
        found: int | None = (await tx.exec_driver_sql("SELECT paused_at FROM channels")).scalar()
        return found

    async def watched(kept: Any) -> None:
        moment = database.moment()
        async with database.read(quick=True) as tx:
            read.append((moment, await paused_at(tx)))
        await commit(kept)

    for i in range(1, 4):
        with monkeypatch.context() as patch:
            patch.setattr(sqlite_module.Kept, "commit", watched)
            async with database.write(quick=True) as tx:
                await tx.exec_driver_sql("UPDATE channels SET paused_at = ?", (i,))
        async with database.write(quick=True) as tx:
            database.leave_plans()
            assert await paused_at(tx) == i
            assert not any(database.is_as_at(moment) for moment, _ in read)
    assert [was for _, was in read] == [None, 1, 2]


async def test_what_needs_more_than_many_have_in_common_is_not_decided_ahead(house: House) -> None:
    await house.open()
    await house.ask(3)

    async def planned() -> bool:
        async with house.database.read(quick=True) as tx:
            return await ahead(tx, *wanted(house)) is not None

    assert not await planned(), "too few"
    await house.ask(3)
    assert await planned()
    await asked(house, 1, number="+886911111111")
    assert await planned()
    await suppress(house, "+886911111111")
    assert not await planned(), "one that stands alone"
    first = await taken(house)
    await house.ask(6)
    assert await planned()
    paused = await batch(house, sweep="")
    assert not await planned(), "a batch is being held"
    async with house.database.write() as tx:
        await batches.update_batch(tx, paused, sweep=None)
    assert await planned()
    await taken(house)
    async with house.database.write() as tx:
        again = [AnswerTo(x.notice_id, x.attempt_id, TOO_MANY) for x in first.to_send]
        await record(tx, again, [], START, house.lookup, house.reactions)
    house.clock.put(START + 6000)
    assert not await planned(), "some that were tried before"
    assert not (await taken(house)).alike
    async with house.database.write() as tx:
        await channels.update_channel(tx, house.shop.channel_id, fence=1)
    with pytest.raises(LostChannel):
        await planned()


async def test_a_plan_is_not_written_over_what_somebody_did_to_a_notice_meanwhile(house: House) -> None:
    await house.open()
    order = await house.ask(8)
    _, plan = await plan_of(house)
    async with house.database.write() as tx:
        await cancel(tx, [order[3]], START, Lookup(), ids)
    with pytest.raises(Stale):
        async with house.database.write(quick=True) as tx:
            await write(tx, plan, START, ids)
    assert [(await house.notice(x)).state for x in order] == ["queued"] * 3 + ["cancelled"] + ["queued"] * 4


async def test_what_another_process_recorded_after_it_was_prepared_is_not_recorded_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open()
    heard: list[str] = []
    event = InboundEvent(id="m", kind=EventKind.MESSAGE, at=START, user_id="U" + "2" * 32, text="hi")

    class Reader:
        def read_events(self, *_: Any) -> list[InboundEvent]:
            return [event]

    async def to_events(_: Any, found: Iterable[Any], __: int) -> int:
        heard.extend(x.event.id for x in found)
        return 0

    async def overtaken(tx: Any, answers: Any, requests: Any, now: int, working: Any) -> Any:
        prepared = await prepare(tx, answers, requests, now, working)
        async with house.database.write() as other:
            await record(other, [], requests, now, Lookup(), house.reactions)
        return prepared

    monkeypatch.setattr(house.reactions, "to_events", to_events)
    monkeypatch.setattr(recorder_module, "prepare", overtaken)
    async with house.database.write() as tx:
        posted = {"carrier": "line", "channel_id": house.shop.channel_id, "headers": "{}", "body": b""}
        await inbox.put(tx, [Posted(**posted, received_at=START)])
    recorder = Recorder(house.clock, house.database, house.lookup, {"line": Reader()}, house.reactions)
    assert await recorder.step()
    assert heard == ["m"]


async def test_what_is_told_of_an_attempt_that_another_process_began_is_not_lost(house: House) -> None:
    await house.open()
    [notice_id] = await house.ask()
    await taken(house)
    # Another process takes the channel over and begins the next step; the receipt for that comes to this one.
    elsewhere, working = Lookup(), house.lookup.working
    async with house.database.write() as tx:
        await recover(tx, house.shop.channel_id, START + 1, elsewhere, ids)
    house.clock.put(START + 30 * HOUR)
    async with house.database.write() as tx:
        got = await claim(tx, *wanted(house)[:5], elsewhere, house.setup)
    tag = got.to_send[0].attempt_id
    stored = Stored(carrier="tells", channel_id=None, headers="{}", body=b"", received_at=START, id=1)
    receipt = Read(stored, [InboundEvent(id="r", kind=EventKind.PROOF, at=START, tag=tag)])

    async def recorded() -> Recorded:
        async with house.database.write() as tx:
            now = house.clock.now()
            return await record(tx, [], [receipt], now, house.lookup, house.reactions, working)

    with pytest.raises(Stale):
        await recorded()
    working.clear()
    assert not (await recorded()).illegal
    assert (await house.notice(notice_id)).state == "delivered"


async def test_a_number_suppressed_between_the_plan_and_its_turn_gets_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open()
    await asked(house, 5)
    await asked(house, 1, number="+886911111111")

    async def overtaken(*given: Any) -> claiming.Plan | None:
        plan = await ahead(*given)
        if plan is not None:
            await suppress(house, "+886911111111")
        return plan

    monkeypatch.setattr(deliver, "ahead", overtaken)
    engine = house.engine()
    await engine.start()
    await engine.settle()
    line = [x for x in await every_attempt(house) if x == "line_notification"]
    assert len(line) == 5


async def every_attempt(house: House) -> list[str]:
    async with house.database.read() as tx:
        return [x for (x,) in await tx.exec_driver_sql("SELECT step FROM attempts")]


async def test_what_the_recorder_learns_upsets_plans_where_it_decides_about_others(house: House) -> None:
    await house.open()
    bound = await bind(house, "+886955555555", "another provider")

    async def holds_after(answer: Answer, number: str = "+886944444444", is_kept: bool = True) -> bool:
        order = await asked(house, 5, number=number)
        items = [x for x in (await taken(house, keep=is_kept)).to_send if x.notice_id in order]
        recorder = Recorder(house.clock, house.database, house.lookup, {}, house.reactions)
        recorder.claimed("here", len(items))
        for x in items:
            recorder.add("here", AnswerTo(x.notice_id, x.attempt_id, answer))
        async with house.database.write(quick=True):
            pass
        moment = house.database.moment()
        assert await recorder.step()
        async with house.database.write(quick=True):
            house.database.leave_plans()
            return house.database.is_as_at(moment)

    async def doubted() -> str | None:
        async with house.database.write() as tx:
            found = await bindings.find(tx, bound)
            await tx.exec_driver_sql("UPDATE bindings SET doubted_at = NULL, doubted_why = NULL")
        assert found is not None
        return found.doubted_why

    # Whose number is bound may be pushed to no more.
    for is_kept in (True, False):
        assert not await holds_after(NO_MATCH, "+886955555555", is_kept)
        assert await doubted() == "unmatched"
    async with house.database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM bindings")
    assert await holds_after(ACCEPTED)
    assert await holds_after(NO_MATCH)
    assert await holds_after(ACCEPTED, is_kept=False)
    assert not await holds_after(BAD), "its template is flagged"
    assert not await holds_after(msgspec.structs.replace(BAD, outcome=Outcome.DENIED)), (
        "its channel is paused"
    )
    follow = InboundEvent(id="f", kind=EventKind.FOLLOW, at=START, user_id="U" + "2" * 32)
    message = InboundEvent(id="m", kind=EventKind.MESSAGE, at=START, user_id="U" + "2" * 32, text="hi")
    for event in (follow, message):
        request = msgspec.structs.replace(told(house, ()), events=[event])
        async with house.database.write() as tx:
            done = await record(tx, [], [request], START, house.lookup, house.reactions)
        assert not done.only_notices


@pytest.mark.parametrize("kinds", [1, 2])
async def test_what_is_planned_beside_the_writers_is_what_a_claim_would_take(
    house: House, kinds: int
) -> None:
    await house.open()
    templates = [house.shop.template_id, await other_template(house)][:kinds]
    for n in range(12):
        of = {"template_id": templates[n % kinds], "reference": f"r{n}", "parameters": f'{{"name":"{n}"}}'}
        await asked(house, 1, number=f"+88691111{n:04}", created_at=START - n, **of)
    _, plan = await plan_of(house)
    claimed = await taken(house, keep=False)
    planned = [x for x in plan.to_send if x is not None]
    assert [seen(x) for x in planned] == [seen(x) for x in claimed.to_send]
    assert len(planned) == plan.looked_at == 12
    assert len({x.attempt_id for x in planned}) == 12
    kept = [[(m.notice_id, m.created_at, m.number) for m in x.members] for x in plan.alike]
    assert kept == [[(m.notice_id, m.created_at, m.number) for m in x.members] for x in claimed.alike]


def seen(x: claiming.ToSend) -> tuple[Any, ...]:
    return x.notice_id, x.number, x.reference, x.parameters, x.common
