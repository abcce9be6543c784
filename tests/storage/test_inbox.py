"""What came from outside is kept until it is applied, and each event counts once."""

import asyncio
from collections.abc import Sequence

import pytest

from notice_support import START
from todoke.clock import monotonic
from todoke.server import inbox_writer
from todoke.server.inbox_writer import InboxWriter
from todoke.storage import inbox
from todoke.storage.database import Database, Tx
from todoke.storage.inbox import Posted


def posted(body: bytes, at: int = START) -> Posted:
    return Posted(carrier="line", channel_id=None, headers="{}", body=body, received_at=at)


async def test_what_is_pending_comes_oldest_first_and_only_until_it_is_applied(database: Database) -> None:
    async with database.write() as tx:
        await inbox.put(tx, [posted(b"1"), posted(b"\xff\x00")])
        await inbox.put(tx, [posted(b"3")])
    async with database.read() as tx:
        first = await inbox.pending(tx, 2)
        assert [p.body for p in first] == [b"1", b"\xff\x00"]
        assert (first[0].carrier, first[0].headers, first[0].received_at) == ("line", "{}", START)
    async with database.write() as tx:
        await inbox.mark_applied(tx, {first[0].id: None, first[1].id: "unreadable"}, START)
        assert [p.body for p in await inbox.pending(tx, 10)] == [b"3"]


async def test_an_event_is_unseen_until_it_is_marked(database: Database) -> None:
    async with database.write() as tx:
        assert await inbox.unseen(tx, ["a", "b", "a"]) == {"a", "b"}
        await inbox.mark_seen(tx, {"a"}, START)
        assert await inbox.unseen(tx, ["a", "b"]) == {"b"}
    async with database.read() as tx:
        assert await inbox.unseen(tx, ["a", "b"]) == {"b"}


async def test_a_mark_that_was_rolled_back_never_was(database: Database) -> None:
    class Broken(Exception):
        pass

    try:
        async with database.write() as tx:
            await inbox.mark_seen(tx, {"a"}, START)
            raise Broken
    except Broken:
        pass
    async with database.read() as tx:
        assert await inbox.unseen(tx, ["a"]) == {"a"}


async def test_a_flood_of_events_in_one_go_is_no_more_than_many_events(database: Database) -> None:
    ids = [f"event {i}" for i in range(300_000)]
    async with database.write() as tx:
        await inbox.mark_seen(tx, ids[:2], START)
        assert await inbox.unseen(tx, ids) == set(ids[2:])


async def test_forgetting_drops_what_was_applied_long_ago_and_nothing_else(database: Database) -> None:
    async with database.write() as tx:
        await inbox.put(tx, [posted(b"old"), posted(b"new"), posted(b"open", at=START - 1000)])
        old, new, _ = await inbox.pending(tx, 3)
        await inbox.mark_applied(tx, {old.id: None}, START - 1)
        await inbox.mark_applied(tx, {new.id: None}, START)
        await inbox.mark_seen(tx, {"old"}, START - 1)
        await inbox.mark_seen(tx, {"new"}, START)
        last = await inbox.last_of_portion(tx, START, 10)
        assert last == old.id
        await inbox.forget_up_to(tx, last, START)
        assert await inbox.forget_seen(tx, START) == 1
        kept = await tx.exec_driver_sql("SELECT body FROM inbox ORDER BY id")
        assert [r[0] for r in kept] == [b"new", b"open"]
        assert await inbox.unseen(tx, ["old", "new"]) == {"old"}


async def test_those_who_post_at_once_share_commits_in_their_order_and_one_alone_waits_for_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    put = inbox.put

    async def noted(tx: Tx, some: Sequence[Posted]) -> None:
        batches.append(len(some))
        if len(batches) == 8:
            raise RuntimeError("as a defect would")
        await put(tx, some)

    monkeypatch.setattr(inbox, "put", noted)
    monkeypatch.setattr(inbox_writer, "MOST_TOGETHER", 20)
    woken: list[int] = []
    writer = InboxWriter(database, lambda: woken.append(len(batches)))
    await writer.put(posted(b"0"))
    before = monotonic()
    for n in range(1, 4):
        await writer.put(posted(b"%d" % n))
    assert batches == [1, 1, 1, 1]
    monkeypatch.setattr(inbox_writer, "LINGER_SECONDS", 0.3)
    await asyncio.gather(*(writer.put(posted(b"%d" % n)) for n in range(4, 50)))
    assert batches[4:] == [20, 20, 6]
    assert monotonic() - before > 0.6, "under load commits are so far apart"
    monkeypatch.setattr(inbox_writer, "LINGER_SECONDS", 0.01)
    failed = await asyncio.gather(*(writer.put(posted(b"x")) for _ in range(3)), return_exceptions=True)
    assert [str(x) for x in failed] == ["as a defect would"] * 3
    await writer.put(posted(b"50"))
    async with database.read() as tx:
        assert [p.body for p in await inbox.pending(tx, 100)] == [b"%d" % n for n in range(51)]
    assert woken == [1, 2, 3, 4, 5, 6, 7, 9]
