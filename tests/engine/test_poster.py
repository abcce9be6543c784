"""Webhooks leave the outbox: again until they are taken, one process at a time, each endpoint for itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from engine_house import SEAL, House, until
from notice_support import START
from receiver_support import Receiver, running_receiver
from storage_support import ids
from todoke.actions.endpoints import NewEndpoint, create_endpoint, remove_endpoint
from todoke.actions.outbox import (
    GIVE_UP,
    PAUSES,
    next_try,
    queue,
)
from todoke.carriers import Posting
from todoke.carriers.callback import CallbackCarrier
from todoke.carriers.guarded import guarded_session
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.core.outcome import Answer, Outcome
from todoke.engine.poster import AT_ONCE_EACH, LEASE, Poster
from todoke.sealing import Seal
from todoke.storage import postings
from todoke.storage.endpoints import Endpoint
from todoke.storage.postings import PostingRow

EVENT = "alarm.raised"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running


@pytest.fixture
async def open_house(house: House) -> House:
    await house.open()
    return house


async def endpoint(house: House, url: str, *events: str) -> tuple[Endpoint, str]:
    wanted = NewEndpoint(url=url, events=events or (EVENT,))
    async with house.database.write() as tx:
        account = house.shop.account_id
        return await create_endpoint(tx, account, wanted, START, ids, SEAL, allow_private=True)


async def happen(house: House, count: int = 1, event: str = EVENT) -> int:
    """Events of the shop's account; how many webhooks that makes."""
    made = 0
    async with house.database.write() as tx:
        for number in range(count):
            account = house.shop.account_id
            made += await queue(tx, account, event, {"number": number}, house.clock.now(), ids)
    return made


async def rows(house: House, of: Endpoint) -> list[PostingRow]:
    async with house.database.read() as tx:
        return await postings.of_endpoint(tx, of.id)


async def settle(*posters: Poster) -> None:
    """All that is due now is posted and recorded."""
    async with asyncio.timeout(20):
        for poster in posters:
            while await poster.step():
                pass


class Business:
    """Answers as it is told, by URL; one that holds answers when its gate opens."""

    def __init__(self) -> None:
        self.sent: list[Posting] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.answers: dict[str, Answer] = {}
        self.open: Counter[str] = Counter()
        self.most_open: Counter[str] = Counter()

    async def send(self, message: Posting, tag: str) -> Answer:
        url = message.url
        self.sent.append(message)
        self.open[url] += 1
        self.most_open[url] = max(self.most_open[url], self.open[url])
        if (gate := self.gates.get(url)) is not None:
            await gate.wait()
        self.open[url] -= 1
        return self.answers.get(url, Answer(outcome=Outcome.ACCEPTED, status=200))


def poster_of(house: House, business: Business, seal: Seal = SEAL) -> Poster:
    return Poster(house.clock, house.database, business, seal, ids)


async def test_an_event_reaches_every_endpoint_that_wants_it_signed_with_its_own_secret(
    open_house: House, receiver: Receiver
) -> None:
    first, receiver.secret = await endpoint(open_house, receiver.url)
    await endpoint(open_house, receiver.url, "callback")
    assert await happen(open_house) == 1
    assert await happen(open_house, event="alarm.cleared") == 0
    async with guarded_session(True) as http:
        poster = Poster(open_house.clock, open_house.database, CallbackCarrier(http, True), SEAL, ids)
        await settle(poster)
    (row,) = await rows(open_house, first)
    ((webhook_id, body),) = receiver.got
    assert (row.id, row.outcome, row.status, row.tries) == (webhook_id, "accepted", 204, 1)
    assert (row.ended_at, row.due_at) == (START, None)
    assert body.pop("sequence")
    assert body == {"type": EVENT, "timestamp": "2026-08-07T02:00:00.000Z", "data": {"number": 0}}


async def test_an_event_of_the_gateway_goes_to_every_account(open_house: House) -> None:
    await endpoint(open_house, "https://one.example.com/")
    await open_house.open(line_channel_id="2")
    await endpoint(open_house, "https://two.example.com/")
    async with open_house.database.write() as tx:
        assert await queue(tx, None, EVENT, {}, START, ids) == 2
    business = Business()
    await settle(poster_of(open_house, business))
    assert {x.url for x in business.sent} == {"https://one.example.com/", "https://two.example.com/"}


async def test_nothing_is_posted_for_what_was_rolled_back(open_house: House) -> None:
    await endpoint(open_house, "https://one.example.com/")

    async def fails() -> None:
        async with open_house.database.write() as tx:
            await queue(tx, open_house.shop.account_id, EVENT, {}, START, ids)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    business = Business()
    await settle(poster_of(open_house, business))
    assert business.sent == []


async def test_one_that_is_not_taken_is_tried_again_with_the_same_id_as_the_standard_suggests(
    open_house: House,
) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    business = Business()
    business.answers[one.url] = Answer(outcome=Outcome.UNKNOWN, status=500, detail="its own fault")
    poster = poster_of(open_house, business)
    await happen(open_house)
    at: list[int] = []
    with structlog.testing.capture_logs() as lines:
        await settle(poster)
        while poster.due_at is not None:
            assert (await rows(open_house, one))[0].ended_at is None
            at.append(poster.due_at - START)
            open_house.clock.put(poster.due_at)
            await settle(poster)
    assert at[:7] == [
        5 * SECOND,
        5 * MINUTE + 5 * SECOND,
        35 * MINUTE + 5 * SECOND,
        2 * HOUR + 35 * MINUTE + 5 * SECOND,
        7 * HOUR + 35 * MINUTE + 5 * SECOND,
        17 * HOUR + 35 * MINUTE + 5 * SECOND,
        27 * HOUR + 35 * MINUTE + 5 * SECOND,
    ]
    assert DAY * 2.5 < at[-1] <= 3 * DAY
    assert len({x.id for x in business.sent}) == 1
    assert len(business.sent) == len(at) + 1
    (row,) = await rows(open_house, one)
    assert (row.outcome, row.status, row.detail, row.due_at) == ("failed", 500, "its own fault", None)
    assert [x["event"] for x in lines] == ["webhook.given_up"]


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (Answer(outcome=Outcome.THROTTLED, status=429, retry_after=2 * HOUR), 2 * HOUR),
        (Answer(outcome=Outcome.THROTTLED, status=503, retry_after=SECOND), 5 * SECOND),
        (Answer(outcome=Outcome.THROTTLED, status=429, retry_after=4 * DAY), None),
        (Answer(outcome=Outcome.FAILED, status=404), 5 * SECOND),
        (Answer(outcome=Outcome.FAILED), 5 * SECOND),
    ],
)
async def test_an_answer_says_when_to_come_again_or_never(
    open_house: House, answer: Answer, again: int | None
) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    business = Business()
    business.answers[one.url] = answer
    poster = poster_of(open_house, business)
    await happen(open_house)
    await settle(poster)
    assert poster.due_at == (None if again is None else START + again)
    (row,) = await rows(open_house, one)
    assert (row.outcome, row.ended_at) == ("failed", START if again is None else None)


async def test_a_slow_endpoint_holds_up_no_other(open_house: House) -> None:
    slow, _ = await endpoint(open_house, "https://slow.example.com/")
    fast, _ = await endpoint(open_house, "https://fast.example.com/")
    business = Business()
    gate = business.gates[slow.url] = asyncio.Event()
    poster = poster_of(open_house, business)
    await happen(open_house, 50)
    running = asyncio.create_task(poster.run())
    await until(lambda: sum(x.url == fast.url for x in business.sent) == 50)
    assert business.open[slow.url] == AT_ONCE_EACH
    gate.set()
    await until(lambda: sum(x.url == slow.url for x in business.sent) == 50)
    await poster.until_idle(poster.ask())
    poster.stop()
    await running
    for one in (slow, fast):
        assert [x.outcome for x in await rows(open_house, one)] == ["accepted"] * 50
        assert business.most_open[one.url] <= AT_ONCE_EACH


async def test_it_counts_as_idle_only_when_what_is_out_is_answered(open_house: House) -> None:
    slow, _ = await endpoint(open_house, "https://slow.example.com/")
    business = Business()
    gate = business.gates[slow.url] = asyncio.Event()
    poster = poster_of(open_house, business)
    running = asyncio.create_task(poster.run())
    await happen(open_house)
    idle = asyncio.create_task(poster.until_idle(poster.ask()))
    await until(lambda: bool(business.sent))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert not idle.done()
    gate.set()
    await idle
    assert (await rows(open_house, slow))[0].outcome == "accepted"
    poster.stop()
    await running


async def test_two_processes_post_each_webhook_once(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    business = Business()
    posters = [poster_of(open_house, business) for _ in range(2)]
    await happen(open_house, 60)
    running = [asyncio.create_task(x.run()) for x in posters]
    await asyncio.gather(*(x.until_idle(x.ask()) for x in posters))
    await asyncio.gather(*(x.until_idle(x.ask()) for x in posters))
    for poster in posters:
        poster.stop()
    await asyncio.gather(*running)
    assert max(Counter(x.id for x in business.sent).values()) == 1
    assert [x.outcome for x in await rows(open_house, one)] == ["accepted"] * 60


async def test_what_a_killed_process_had_out_is_posted_again_with_the_same_id(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    business = Business()
    business.gates[one.url] = asyncio.Event()
    killed = poster_of(open_house, business)
    await happen(open_house)
    dying = asyncio.create_task(killed.step())
    await until(lambda: bool(business.sent))
    dying.cancel()
    business.gates[one.url].set()
    successor = poster_of(open_house, business)
    await settle(successor)
    assert (len(business.sent), successor.due_at) == (1, START + LEASE)
    open_house.clock.put(START + LEASE)
    await settle(successor)
    assert len(business.sent) == 2
    assert business.sent[0].id == business.sent[1].id
    (row,) = await rows(open_house, one)
    assert (row.tries, row.outcome) == (2, "accepted")


async def test_a_late_result_of_a_lapsed_try_does_not_undo_the_newer_one(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    await happen(open_house)
    async with open_house.database.write() as tx:
        (lapsed,) = await postings.due(tx, START, 1)
        await postings.begin_tries(tx, [lapsed.id], START)
    await settle(poster_of(open_house, Business()))
    (before,) = await rows(open_house, one)
    assert before.tries == 2
    late = postings.Result(
        posting_id=before.id,
        endpoint_id=one.id,
        tries=1,
        at=START,
        outcome="failed",
        status=500,
        detail="late",
        took_ms=1,
        due_at=START + DAY,
    )
    async with open_house.database.write() as tx:
        await postings.record_results(tx, [late])
        logged = (await postings.tries_of(tx, [before.id]))[before.id]
    assert await rows(open_house, one) == [before]
    assert [(x.number, x.outcome) for x in logged] == [(1, "failed"), (2, "accepted")]


async def test_a_stop_waits_for_what_is_out_and_records_it(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    business = Business()
    gate = business.gates[one.url] = asyncio.Event()
    poster = poster_of(open_house, business)
    await happen(open_house, AT_ONCE_EACH + 6)
    running = asyncio.create_task(poster.run())
    await until(lambda: bool(business.sent))
    poster.stop()
    gate.set()
    await running
    outcomes = Counter(x.outcome for x in await rows(open_house, one))
    assert outcomes == {"accepted": AT_ONCE_EACH, None: 6}


async def test_what_waits_for_a_removed_endpoint_is_dropped(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    business = Business()
    await happen(open_house)
    async with open_house.database.write() as tx:
        await remove_endpoint(tx, one, START, ids)
    poster = poster_of(open_house, business)
    await settle(poster)
    assert (business.sent, poster.due_at) == ([], None)
    (row,) = await rows(open_house, one)
    assert (row.outcome, row.ended_at) == ("dropped", START)
    assert await happen(open_house) == 0


async def test_a_secret_sealed_under_another_key_is_said_and_leaves_nothing(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    business = Business()
    await happen(open_house)
    await settle(poster_of(open_house, business, Seal("another key")))
    (row,) = await rows(open_house, one)
    assert business.sent == []
    assert "TODOKE_SECRET_KEY" in (row.detail or "")
    assert row.due_at == START + PAUSES[0]


async def test_tries_of_a_posting_that_was_erased_while_it_was_out_are_not_kept(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    await happen(open_house)
    business = Business()
    business.gates[one.url] = asyncio.Event()
    poster = poster_of(open_house, business)
    stepping = asyncio.create_task(settle(poster))
    await until(lambda: bool(business.sent))
    async with open_house.database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM postings")
    business.gates[one.url].set()
    await stepping
    async with open_house.database.read() as tx:
        assert (await tx.exec_driver_sql("SELECT * FROM posting_tries")).all() == []


async def test_the_log_of_tries_does_not_outlive_its_posting(open_house: House) -> None:
    await endpoint(open_house, "https://one.example.com/")
    await happen(open_house)
    await settle(poster_of(open_house, Business()))
    async with open_house.database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM postings")
        await postings.forget(tx, START - DAY)
        assert (await tx.exec_driver_sql("SELECT * FROM posting_tries")).all() == []


async def test_what_is_given_up_is_logged_without_the_receiver_s_words(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    await happen(open_house)
    business = Business()
    words = "the receiver said no (customer Mei Lin not found)"
    business.answers[one.url] = Answer(outcome=Outcome.FAILED, status=404, detail=words)
    with structlog.testing.capture_logs() as lines:
        poster = poster_of(open_house, business)
        await settle(poster)
        while poster.due_at is not None:
            open_house.clock.put(poster.due_at)
            await settle(poster)
    (given_up,) = [x for x in lines if x["event"] == "webhook.given_up"]
    assert given_up["why"] == "it answered 404"
    assert "Mei Lin" not in str(lines)


async def test_old_postings_are_forgotten_once_they_have_ended(open_house: House) -> None:
    one, _ = await endpoint(open_house, "https://one.example.com/")
    await happen(open_house)
    await settle(poster_of(open_house, Business()))
    await happen(open_house)
    async with open_house.database.write() as tx:
        await postings.forget(tx, START + 1)
    (left,) = await rows(open_house, one)
    assert left.ended_at is None


def test_tries_end_within_three_days_whatever_the_receiver_asks_for() -> None:
    for tries in range(1, 40):
        for asked in (None, 0, HOUR, 3 * DAY):
            again: Any = next_try(START, tries, START + 2 * DAY, asked)
            assert again is None or START + 2 * DAY < again <= START + GIVE_UP
