"""The sample that forecasts are made from: bounded, spread over time, and fair to a channel that sends little."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import event

from notice_support import START
from storage_support import Shop, new_notice, shop
from todoke.core.durations import DAY
from todoke.ids import from_bytes, to_bytes
from todoke.storage import batches, forecasting, notices
from todoke.storage.batches import Batch
from todoke.storage.database import Database, Tx

NOW = 1_786_000_000_000


def made_at(milliseconds: int, count: int) -> str:
    """An id of that time."""
    return from_bytes(((milliseconds << 80) + count).to_bytes(16))


async def fill(tx: Tx, at: Shop, first: int, last: int, count: int, **changes: object) -> list[str]:
    """Notices, evenly made between two times; their ids."""
    made = [made_at(first + (last - first) * i // count, i) for i in range(count)]
    await notices.insert_new(tx, [new_notice(at, id=x, **changes) for x in made])
    return made


async def test_the_sample_is_bounded_and_spread_over_time(database: Database) -> None:
    async with database.write() as tx:
        own, other = await shop(tx), await shop(tx)
        await fill(tx, own, NOW - 10 * DAY, NOW, 4000)
        # A list of an hour, and one so long ago that nothing is to be learned from it.
        await fill(tx, own, NOW - 3 * DAY + 7, NOW - 3 * DAY + 3_600_007, 8000)
        await fill(tx, own, NOW - 90 * DAY, NOW - 80 * DAY, 3000)
        await fill(tx, other, NOW - 10 * DAY + 3, NOW, 3000)
    read = 0

    def count(*given: object) -> None:
        nonlocal read
        read += 1

    async with database.read() as tx:
        event.listen(tx.sync_connection, "after_cursor_execute", count)
        found = await forecasting.sample(tx, own.account_id, own.channel_id)
    assert len({x.id for x in found}) == len(found) <= forecasting.MOST
    assert {x.account_id for x in found} == {own.account_id}
    assert 0 < read <= 2 + 2 * forecasting.SLICES
    days = Counter((int.from_bytes(to_bytes(x.id)) >> 80) // DAY for x in found)
    assert min(days) >= (NOW - forecasting.SPAN) // DAY
    # Each day has its part, and the hour of the list has not taken over.
    assert all(days[(NOW - i * DAY) // DAY] > 20 for i in range(1, 10))
    assert max(days.values()) < 0.6 * len(found)


async def test_a_channel_among_many_others_is_found_by_its_lists(database: Database) -> None:
    async with database.write() as tx:
        own, other = await shop(tx), await shop(tx)
        await batches.insert_batch(tx, _batch(own))
        for day in range(9):
            await fill(tx, other, NOW - day * DAY - 3_600_000, NOW - day * DAY, 1500)
        # All within two seconds of nine days.
        listed = await fill(tx, own, NOW - 4 * DAY, NOW - 4 * DAY + 2000, 900, batch_id="L" * 26)
    async with database.read() as tx:
        found = await forecasting.sample(tx, own.account_id, own.channel_id)
        part = await forecasting.of_batch(tx, "L" * 26, 100)
    assert len(found) == forecasting.MOST // 12
    assert {x.id for x in found} <= set(listed)
    assert [x.id for x in part] == listed[:50] + listed[-50:]


def _batch(at: Shop) -> Batch:
    return Batch(
        id="L" * 26,
        account_id=at.account_id,
        channel_id=at.channel_id,
        template_id=at.template_id,
        policy_id=at.policy_id,
        file_name="list.csv",
        encoding="utf-8",
        columns="{}",
        state="done",
        size=1,
        created_at=START,
    )


async def test_what_came_before_to_a_number_is_found_in_one_look_each(database: Database) -> None:
    numbers = [f"+88691234{i:04d}" for i in range(3)]
    async with database.write() as tx:
        own, other = await shop(tx), await shop(tx)
        first = [new_notice(own, number=x) for x in numbers[:2]]
        foreign = [new_notice(other, number=x) for x in numbers]
        second = [new_notice(own, number=x) for x in numbers]
        for rows in (first, foreign, second):
            await notices.insert_new(tx, rows)
    async with database.read() as tx:
        earlier = await forecasting.before(tx, [x.id for x in (*first, *second)])
        newest = await forecasting.newest_of(tx, own.account_id, [*numbers, "+886900000000"], None)
        before = await forecasting.newest_of(tx, own.account_id, numbers, second[0].id)
    assert earlier == {second[0].id: first[0].id, second[1].id: first[1].id}
    assert newest == {x.number: x.id for x in second}
    assert before == {x.number: x.id for x in first}


async def test_a_long_list_that_is_not_sent_yet_does_not_hide_what_was_sent(database: Database) -> None:
    async with database.write() as tx:
        own = await shop(tx)
        await batches.insert_batch(tx, _batch(own))
        sent = await fill(tx, own, NOW - 2 * DAY, NOW - DAY, 300, state="delivered", batch_id="L" * 26)
        # Of a minute, and many more than are looked at.
        await fill(tx, own, NOW - 60_000, NOW, 9000)
    async with database.read() as tx:
        found = await forecasting.sample(tx, own.account_id, own.channel_id)
    assert len(found) == forecasting.MOST
    assert {x.id for x in found} >= set(sent)
