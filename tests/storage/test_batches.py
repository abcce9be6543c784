"""Where reading a list stands survives, row for row."""

from typing import Any

from notice_support import START
from storage_support import Shop, ids, shop
from todoke.storage import batches
from todoke.storage.batches import Batch, Reject
from todoke.storage.database import Database


def batch(at: Shop, **changes: Any) -> Batch:
    values = {
        "id": ids.new(),
        "account_id": at.account_id,
        "channel_id": at.channel_id,
        "template_id": at.template_id,
        "policy_id": at.policy_id,
        "file_name": "名單.csv",
        "encoding": "utf-8",
        "columns": "{}",
        "header": '["phone"]',
        "size": 1000,
        "created_at": START,
    }
    return Batch(**{**values, **changes})


async def test_a_batch_comes_back_with_the_place_where_reading_goes_on(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        one = batch(at)
        await batches.insert_batch(tx, one)
        assert await batches.get_batch(tx, one.id) == one
        await batches.update_batch(tx, one.id, position=812, line=41, rows=40, accepted=38, refused=2)
    async with database.read() as tx:
        found = await batches.get_batch(tx, one.id)
    assert found is not None
    assert (found.position, found.line, found.rows, found.accepted, found.refused) == (812, 41, 40, 38, 2)


async def test_only_lists_that_are_not_read_to_the_end_are_reading_the_oldest_first(
    database: Database,
) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        made = [batch(at, state=s) for s in ("reading", "done", "cancelled", "failed", "reading")]
        for one in made:
            await batches.insert_batch(tx, one)
        assert [b.id for b in await batches.reading(tx)] == [made[0].id, made[4].id]
        assert [b.id for b in await batches.list_batches(tx, at.account_id)] == [b.id for b in made[::-1]]
        assert await batches.get_batch(tx, "nothing") is None


async def test_rejects_come_page_by_page_in_the_order_of_their_lines(database: Database) -> None:
    rejects = [Reject(line, f"reason {line}", "[]") for line in (40, 2, 300_000, 7)]
    async with database.write() as tx:
        at = await shop(tx)
        one, other = batch(at), batch(at)
        for b in (one, other):
            await batches.insert_batch(tx, b)
        await batches.insert_rejects(tx, one.id, rejects)
        await batches.insert_rejects(tx, other.id, [Reject(3, "theirs", "[]")])
        await batches.insert_rejects(tx, other.id, [])
        first = await batches.rejects_after(tx, one.id, 0, 3)
        rest = await batches.rejects_after(tx, one.id, first[-1].line, 3)
    assert [r.line for r in first + rest] == [2, 7, 40, 300_000]
    assert rest[0].reason == "reason 300000"
