"""Who wants to know is asked once in a transaction; what is told goes into the outbox in one statement."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from engine_house import ALL, SEAL, House
from notice_support import HOUR, START
from storage_support import ids
from todoke.actions import bindings
from todoke.actions.advance import cancel, recover
from todoke.actions.alike import AnswerTo
from todoke.actions.claiming import claim
from todoke.actions.endpoints import NewEndpoint, create_endpoint
from todoke.actions.record import record
from todoke.core.binding import Link, Way
from todoke.core.outcome import Answer, Outcome
from todoke.storage import channels, postings
from todoke.storage.database import Database, Tx

ACCEPTED = Answer(outcome=Outcome.ACCEPTED, status=202)
NUMBER, ANNA, BO = "+886912345678", "U" + "a" * 32, "U" + "b" * 32


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database while the block lasts."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    engine = database._engines.writer.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def shop(house: House) -> House:
    await house.open()
    return house


async def endpoint(house: House, *events: str) -> str:
    wanted = NewEndpoint(url="https://shop.example.com/", events=events)
    async with house.database.write() as tx:
        made, _ = await create_endpoint(
            tx, house.shop.account_id, wanted, START, ids, SEAL, allow_private=False
        )
    return made.id


async def told(house: House, endpoint_id: str) -> list[tuple[str, str | None]]:
    """The events in the outbox with what they are about, in order."""
    async with house.database.read() as tx:
        return [(x.event, x.about) for x in await postings.of_endpoint(tx, endpoint_id)]


@asynccontextmanager
async def moved(house: House) -> AsyncIterator[tuple[Tx, Any]]:
    """A transaction with a claim in it."""
    async with house.database.write() as tx:
        yield (
            tx,
            await claim(tx, house.shop.channel_id, 0, house.clock.now(), ALL, ids, house.lookup, house.setup),
        )


async def claim_and_record(house: House, count: int) -> tuple[list[str], list[str]]:
    """Notices begin and are answered: what each of the two transactions asked of the database."""
    await house.ask(count)
    with statements(house.database) as of_claim:
        async with moved(house) as (_, claimed):
            pass
    answers = [AnswerTo(x.notice_id, x.attempt.id, ACCEPTED) for x in claimed.to_send]
    assert len(answers) == count
    with statements(house.database) as of_record:
        async with house.database.write() as tx:
            await record(tx, answers, [], house.clock.now(), house.lookup, house.reactions)
    return of_claim, of_record


async def test_where_nobody_listens_each_transaction_asks_once_however_many_notices_it_moves(
    shop: House,
) -> None:
    await claim_and_record(shop, 1)
    few = await claim_and_record(shop, 1)
    many = await claim_and_record(shop, 200)
    for one, two in zip(few, many, strict=True):
        # Attempts are stored in portions.
        asked = [[x for x in statements if "INTO attempts" not in x] for statements in (one, two)]
        assert len(asked[0]) == len(asked[1])
        assert sum("FROM webhook_endpoints" in x for x in two) == 1
        assert not any("postings" in x for x in two)


async def test_an_endpoint_that_wants_other_things_costs_no_more(shop: House) -> None:
    await claim_and_record(shop, 1)
    before = await claim_and_record(shop, 50)
    await endpoint(shop, "alarm.*", "friend.*")
    after = await claim_and_record(shop, 50)
    assert [len(x) for x in after] == [len(x) for x in before]


async def test_where_somebody_listens_two_statements_are_added_however_much_is_told(shop: House) -> None:
    await claim_and_record(shop, 1)
    before = await claim_and_record(shop, 50)
    made = await endpoint(shop, "notice.*")
    after = await claim_and_record(shop, 50)
    assert [len(x) for x in after] == [len(x) + 2 for x in before]
    assert len(await told(shop, made)) == 3 * 50


async def test_an_event_that_was_not_chosen_is_not_written(shop: House) -> None:
    made = await endpoint(shop, "notice.waiting", "notice.delivered")
    await claim_and_record(shop, 2)
    assert {event for event, _ in await told(shop, made)} == {"notice.waiting"}


async def test_what_is_rolled_back_was_never_told(shop: House) -> None:
    made = await endpoint(shop, "*")
    await shop.ask(3)
    with pytest.raises(RuntimeError):
        async with moved(shop):
            raise RuntimeError
    assert await told(shop, made) == []


async def test_a_takeover_and_a_cancel_are_told_too(shop: House) -> None:
    made = await endpoint(shop, "notice.attempt", "notice.cancelled")
    out, waiting = await shop.ask(2)
    async with moved(shop) as (tx, _):
        await recover(tx, shop.shop.channel_id, START, shop.lookup, ids)
    async with shop.database.read() as tx:
        (row,) = [x for x in await postings.of_endpoint(tx, made) if x.about == out]
    assert json.loads(row.body)["data"]["attempt"]["outcome"] == "unknown"
    (late,) = await shop.ask(1)
    async with shop.database.write() as tx:
        await cancel(tx, [late, waiting], START, shop.lookup, ids)
    assert ("notice.cancelled", late) in await told(shop, made)


LINK = Link(
    id="L",
    way=Way.SMS,
    created_at=START,
    expires_at=START + HOUR,
    number=NUMBER,
    user_id=ANNA,
    language="zh-TW",
    consent_version=2,
    consent="…",
)


async def test_a_link_binds_confirms_and_ends_what_another_user_had_bound(shop: House) -> None:
    made = await endpoint(shop, "binding.*")
    async with shop.database.write() as tx:
        channel = await channels.get_channel(tx, shop.shop.channel_id)
        assert channel is not None
        first = (await bindings.bind_by_link(tx, channel, LINK, ids.new(), START, ids)).binding
        await bindings.doubt(tx, channel.account_id, first.id, START + 1, ids)
        again = (await bindings.bind_by_link(tx, channel, LINK, ids.new(), START + 2, ids)).binding
        assert again.id == first.id
        theirs = msgspec.structs.replace(LINK, id="M", user_id=BO)
        second = (await bindings.bind_by_link(tx, channel, theirs, ids.new(), START + 3, ids)).binding
    assert await told(shop, made) == [
        ("binding.bound", first.id),
        ("binding.doubted", first.id),
        ("binding.confirmed", first.id),
        ("binding.bound", second.id),
        ("binding.ended", first.id),
    ]
    async with shop.database.read() as tx:
        bodies = [json.loads(x.body)["data"] for x in await postings.of_endpoint(tx, made)]
    assert [x["doubted_at"] is not None for x in bodies] == [False, True, False, False, False]
    assert {x["number"] for x in bodies} == {"0912•••678"}
    assert NUMBER not in json.dumps(bodies)
    assert (bodies[0]["way"], bodies[0]["consent_version"], bodies[-1]["unbound_why"]) == (
        "link:sms",
        2,
        bindings.MOVED,
    )
