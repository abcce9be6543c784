"""Ordinary messages as rows: found when due, by channel, and listed by account."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from notice_support import START
from storage_support import Shop, ids, shop
from todoke.core.message import Message, MessageState
from todoke.core.outcome import Outcome
from todoke.storage import messages
from todoke.storage.database import Database, Tx
from todoke.storage.messages import Stored


async def stored(tx: Tx, at: Shop, **changes: Any) -> Message:
    message = replace(Message(id=ids.new(), created_at=START, due_at=START), **changes)
    row = Stored(
        message=message,
        account_id=at.account_id,
        channel_id=at.channel_id,
        user_id="U" + "1" * 32,
        reference=None,
        body="[]",
    )
    await messages.insert_message(tx, row)
    return message


async def test_a_message_is_read_as_it_was_written(database: Database) -> None:
    async with database.write() as tx:
        at = await shop(tx)
        born = await stored(tx, at)
        assert await messages.load_by_ids(tx, [born.id, "none"]) == {born.id: born}
        grown = replace(
            born,
            state=MessageState.NOT_DELIVERED,
            outcome=Outcome.UNKNOWN,
            status=500,
            detail="words",
            request_id="R",
            tries=3,
            unknown_since=START,
            give_up_at=START + 1,
            answered_at=START + 2,
            ended_at=START + 3,
            due_at=None,
        )
        await messages.save(tx, [grown])
        found = await messages.get_message(tx, at.account_id, born.id)
        assert found is not None
        assert found.message == grown
        assert isinstance(found.message.state, MessageState)
        assert await messages.get_message(tx, "another account", born.id) is None


async def test_what_is_due_comes_by_channel_the_longest_due_first(database: Database) -> None:
    async with database.write() as tx:
        one, two = await shop(tx), await shop(tx)
        assert await messages.next_due(tx) == {}
        later = await stored(tx, one, due_at=START + 5)
        sooner = await stored(tx, one, due_at=START + 3)
        await stored(tx, one, due_at=START + 9)
        await stored(tx, one, due_at=None)
        beside = await stored(tx, two, due_at=START + 4)
        assert await messages.next_due(tx) == {one.channel_id: START + 3, two.channel_id: START + 4}
        due = await messages.load_due(tx, one.channel_id, START + 5, 10)
        assert [x.message.id for x in due] == [sooner.id, later.id]
        assert [x.message.id for x in await messages.load_due(tx, one.channel_id, START + 5, 1)] == [
            sooner.id
        ]
        assert [x.message.id for x in await messages.load_due(tx, two.channel_id, START + 5, 9)] == [
            beside.id
        ]


async def test_a_release_wakes_what_waits_in_its_channel_and_nothing_else(database: Database) -> None:
    async with database.write() as tx:
        one, two = await shop(tx), await shop(tx)
        held = await stored(tx, one, due_at=None)
        out = await stored(tx, one, state=MessageState.SENDING, due_at=START + 9)
        over = await stored(tx, one, state=MessageState.HANDED_OVER, due_at=None)
        beside = await stored(tx, two, due_at=None)
        await messages.release_held(tx, one.channel_id, START + 1)

        async def due() -> list[int | None]:
            found = await messages.load_by_ids(tx, [held.id, out.id, over.id, beside.id])
            return [found[x.id].due_at for x in (held, out, over, beside)]

        assert await due() == [START + 1, START + 9, None, None]
        await messages.release_out(tx, one.channel_id, START + 2)
        assert await due() == [START + 1, START + 2, None, None]
