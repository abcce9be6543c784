"""Engines read what is live with each claim and each portion of a list: nothing kept by a process opens the gate."""

from __future__ import annotations

import msgspec
import pytest

from engine_house import House, until
from notice_support import START
from storage_support import ids, new_notice
from todoke.actions import live
from todoke.core.columns import Columns
from todoke.core.durations import HOUR
from todoke.core.outcome import Outcome
from todoke.core.review import Review, State, tells_of_not_live
from todoke.engine.deliver import AT_ONCE, STALE
from todoke.engine.intake import Intake
from todoke.storage import applications, batch_states, batches, notices
from todoke.storage.applications import Application
from todoke.storage.batches import Batch
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

ROWS = 100
MORE = 40


@pytest.fixture
async def real(house: House) -> House:
    """A house whose LINE is the real one, with a shop whose one template is live."""
    house.setup = msgspec.structs.replace(house.setup, every_number_is_a_test_number=False)
    shop = await house.open()
    row = Application(
        id=ids.new(),
        account_id=shop.account_id,
        channel_id=shop.channel_id,
        key="delivery",
        published=1,
        names="{}",
        state=State.LIVE.value,
        state_at=START,
        created_at=START,
    )
    async with house.database.write() as tx:
        await applications.insert_application(tx, row)
        await applications.set_review(tx, [shop.template_id], Review.APPROVED.value, START, row.id)
    return house


async def set_state(database: Database, house: House, state: State) -> None:
    async with database.write() as tx:
        (row,) = await applications.applications(tx, house.shop.account_id)
        await applications.update_application(tx, row.id, state=state.value)


async def test_two_engines_that_have_sent_with_a_template_send_nothing_more_once_it_is_suspended_elsewhere(
    real: House,
) -> None:
    first, second = real.engine(), real.engine()
    await first.start()
    await second.start()
    await real.ask(3)
    first.wake()
    second.wake()
    await until(lambda: len(real.carrier.sent) == 3)
    elsewhere = Database(f"sqlite:///{real.folder / 'todoke.db'}")
    try:
        await set_state(elsewhere, real, State.SUSPENDED)
    finally:
        await elsewhere.close()
    # Past all intake, as what was stored a moment before.
    asked = await real.ask(3)
    first.wake()
    second.wake()
    for _ in range(2):
        await first.settle()
        await second.settle()
    ended = [await real.notice(x) for x in asked]
    assert [(x.state.value, x.reason, len(x.attempts)) for x in ended] == [("refused", "not_live", 0)] * 3
    assert all(
        why.startswith("not live: the application for delivery is at suspended") for _, why in ended[0].skips
    )
    assert len(real.carrier.sent) == 3


async def test_the_rows_of_a_list_that_are_still_to_be_read_are_refused_with_the_reason(real: House) -> None:
    shop = real.shop
    text = "".join(f"{n + 2},09120{n:05},明\n" for n in range(ROWS + MORE))
    (real.folder / "uploads").mkdir()
    batch = Batch(
        id=ids.new(),
        account_id=shop.account_id,
        channel_id=shop.channel_id,
        template_id=shop.template_id,
        policy_id=shop.policy_id,
        file_name="list.csv",
        encoding="utf-8-sig",
        columns=msgspec.json.encode(
            Columns(number=0, reference=None, parameters=(("name", 1),), width=2)
        ).decode(),
        size=len(text.encode()),
        position=0,
        line=0,
        created_at=START,
    )
    (real.folder / "uploads" / f"{batch.id}.csv").write_text(text, encoding="utf-8")
    async with real.database.write() as tx:
        await batches.insert_batch(tx, batch)
    intake = Intake(
        real.clock,
        real.database,
        real.folder / "uploads",
        Lookup(),
        ids,
        real.setup,
        lambda _: None,
        rows=ROWS,
    )
    await intake.step()
    await set_state(real.database, real, State.SUSPENDED)
    await intake.step()
    async with real.database.read() as tx:
        read = await batches.get_batch(tx, batch.id)
        rejects = await batches.rejects_after(tx, batch.id, 0, MORE)
    assert read is not None
    assert (read.state, read.accepted, read.refused) == ("done", ROWS, MORE)
    assert rejects[0].line == ROWS + 2
    assert "0912•••" in rejects[0].reason
    assert "the application for delivery is at suspended" in rejects[0].reason

    engine = real.engine()
    await engine.start()
    await engine.settle()
    async with real.database.read() as tx:
        states = (await batch_states.of_batch(tx, batch.id)).states
    assert states == {"refused": ROWS}
    assert real.carrier.sent == []


async def test_a_test_number_of_a_live_channel_gets_what_is_not_live_and_one_in_test_mode_needs_no_application(
    real: House,
) -> None:
    async with real.database.write() as tx:
        await tx.exec_driver_sql("UPDATE channels SET test_numbers = '[\"+886912345678\"]'")
        await tx.exec_driver_sql("DELETE FROM use_cases")
        await notices.insert_new(tx, [new_notice(real.shop), new_notice(real.shop, number="+886912345679")])
    engine = real.engine()
    await engine.start()
    await engine.settle()
    assert len(real.carrier.sent) == 1
    async with real.database.write() as tx:
        await tx.exec_driver_sql("UPDATE channels SET mode = 'test'")
    await real.ask(2)
    engine.wake()
    await engine.settle()
    assert len(real.carrier.sent) == 3


async def test_the_gate_is_shut_for_a_version_that_it_knows_nothing_of(real: House) -> None:
    async with real.database.read() as tx:
        found = await live.not_live(tx, {real.shop.template_id, "01K2W7M0000000000000000000"})
    assert list(found) == ["01K2W7M0000000000000000000"]
    assert tells_of_not_live(found["01K2W7M0000000000000000000"])


async def test_what_was_claimed_and_waits_its_turn_does_not_leave_after_a_suspension(real: House) -> None:
    engine = real.engine()
    await engine.start()
    asked = await real.ask(AT_ONCE + 10)
    real.carrier.gate.clear()
    engine.wake()
    await until(lambda: len(real.carrier.sent) == AT_ONCE)
    await set_state(real.database, real, State.SUSPENDED)
    real.clock.put(real.clock.now() + STALE)
    real.carrier.gate.set()
    await engine.settle()
    assert len(real.carrier.sent) == AT_ONCE
    all_ = [await real.notice(x) for x in asked]
    waited = [x for x in all_ if x.attempts[0].id not in real.carrier.sent]
    assert len(waited) == 10
    assert {x.attempts[0].outcome for x in waited} == {Outcome.THROTTLED}
    real.clock.put(real.clock.now() + HOUR)
    engine.wake()
    await engine.settle()
    ended = await real.notice(waited[0].id)
    assert (ended.state.value, ended.reason, len(ended.attempts)) == ("not_delivered", "not_live", 1)
    assert len(real.carrier.sent) == AT_ONCE
