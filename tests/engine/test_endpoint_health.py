"""Endpoints that are slow, dead, paused or given another secret: what waits for them, and in which order it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from standardwebhooks import Webhook, WebhookVerificationError

from engine_house import SEAL, House, until
from notice_support import START
from receiver_support import Receiver, running_receiver
from storage_support import ids
from todoke.actions import endpoints as actions
from todoke.actions.endpoint_health import DEAD_AFTER
from todoke.actions.endpoints import DEAD, OLD_SECRET_LASTS, NewEndpoint
from todoke.actions.outbox import queue
from todoke.carriers import Posting
from todoke.carriers.callback import CallbackCarrier
from todoke.carriers.guarded import guarded_session
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.core.outcome import Answer, Outcome
from todoke.engine.poster import Poster
from todoke.storage import alarms, postings
from todoke.storage import endpoints as store
from todoke.storage.endpoints import Endpoint
from todoke.storage.postings import PostingRow

EVENT = "notice.delivered"
TAKEN = Answer(outcome=Outcome.ACCEPTED, status=200)
BROKEN = Answer(outcome=Outcome.UNKNOWN, status=500, detail="its own fault")
GONE = Answer(outcome=Outcome.FAILED, status=410, detail="no more")


class Business:
    """Answers as it is told; `gate` holds answers back while it is closed."""

    def __init__(self) -> None:
        self.answer = TAKEN
        self.gate = asyncio.Event()
        self.gate.set()
        self.sent: list[Posting] = []

    async def send(self, message: Posting, tag: str) -> Answer:
        self.sent.append(message)
        answer = self.answer
        await self.gate.wait()
        return answer


class Desk:
    """One endpoint, one receiver, one poster."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.business = Business()
        self.poster = Poster(house.clock, house.database, self.business, SEAL, ids)
        self.id = ""

    async def open(self, *events: str) -> Desk:
        self.id = (await self.add(*(events or ("notice.*",)))).id
        return self

    async def add(self, *events: str) -> Endpoint:
        wanted = NewEndpoint(url=f"https://shop.example.com/{len(events)}", events=events)
        async with self.house.database.write() as tx:
            made, _ = await actions.create_endpoint(
                tx, self.house.shop.account_id, wanted, START, ids, SEAL, allow_private=False
            )
        return made

    async def endpoint(self) -> Endpoint:
        async with self.house.database.read() as tx:
            (found,) = await store.by_ids(tx, [self.id])
        return found

    async def happen(self, *about: str) -> None:
        async with self.house.database.write() as tx:
            account = self.house.shop.account_id
            for x in about:
                await queue(tx, account, EVENT, {"about": x}, self.house.clock.now(), ids, x)

    async def rows(self) -> list[PostingRow]:
        async with self.house.database.read() as tx:
            return await postings.of_endpoint(tx, self.id)

    async def settle(self) -> None:
        async with asyncio.timeout(20):
            while await self.poster.step():
                pass

    async def passes(self, duration: int) -> None:
        """Time passes, and the poster does what is due meanwhile."""
        end = self.house.clock.now() + duration
        await self.settle()
        while self.poster.due_at is not None and self.poster.due_at <= end:
            self.house.clock.put(self.poster.due_at)
            await self.settle()
        self.house.clock.put(end)
        await self.settle()

    async def pause(self) -> None:
        async with self.house.database.write() as tx:
            await actions.pause_endpoint(tx, await self.endpoint(), self.house.clock.now())

    async def resume(self) -> int:
        async with self.house.database.write() as tx:
            return await actions.resume_endpoint(tx, await self.endpoint(), self.house.clock.now(), ids)

    async def standing(self) -> list[str]:
        async with self.house.database.read() as tx:
            return [x.about for x in await alarms.standing(tx) if x.kind == DEAD]


@pytest.fixture
async def desk(house: House) -> Desk:
    await house.open()
    return await Desk(house).open()


async def test_what_is_told_of_one_thing_goes_one_by_one_in_its_order_and_holds_up_no_other(
    desk: Desk,
) -> None:
    desk.business.gate.clear()
    await desk.happen("a", "a", "b", "a", "c")
    running = asyncio.create_task(desk.poster.run())
    await until(lambda: len(desk.business.sent) == 3)
    for _ in range(1000):
        await asyncio.sleep(0)
    sequence = [(x.about, x.id) for x in await desk.rows()]
    assert [x.id for x in desk.business.sent] == [sequence[0][1], sequence[2][1], sequence[4][1]]
    desk.business.gate.set()
    await until(lambda: len(desk.business.sent) == 5)
    desk.poster.stop()
    await running
    of_a = [webhook_id for about, webhook_id in sequence if about == "a"]
    assert [x.id for x in desk.business.sent if x.id in of_a] == of_a


async def test_nothing_goes_to_a_paused_endpoint_and_all_of_it_in_order_when_it_is_resumed(
    desk: Desk,
) -> None:
    await desk.pause()
    await desk.happen("a", "b", "a")
    await desk.passes(29 * DAY)
    assert (desk.business.sent, desk.poster.due_at) == ([], None)
    assert await desk.resume() == 3
    await desk.settle()
    assert [x.id for x in desk.business.sent] == [x.id for x in await desk.rows()]
    assert {x.outcome for x in await desk.rows()} == {"accepted"}


async def test_after_a_pause_a_webhook_is_tried_for_three_days_from_there(desk: Desk) -> None:
    await desk.happen("a")
    desk.business.answer = BROKEN
    await desk.passes(HOUR)
    tries = len(desk.business.sent)
    await desk.pause()
    await desk.passes(10 * DAY)
    assert len(desk.business.sent) == tries
    await desk.resume()
    await desk.passes(SECOND)
    (row,) = await desk.rows()
    assert (row.tries, row.tries_before, row.due_at) == (
        tries + 1,
        tries,
        desk.house.clock.now() - SECOND + 5 * SECOND,
    )
    await desk.passes(DAY)
    assert (await desk.rows())[0].ended_at is None


async def test_410_pauses_at_once_and_keeps_what_is_queued(desk: Desk) -> None:
    desk.business.answer = GONE
    await desk.happen("a", "b")
    with structlog.testing.capture_logs() as lines:
        await desk.passes(HOUR)
    endpoint = await desk.endpoint()
    assert endpoint.paused_at == START
    assert "410" in (endpoint.paused_why or "")
    assert [x["event"] for x in lines] == ["webhook.endpoint_paused"]
    assert len(desk.business.sent) == 2
    assert [x.ended_at for x in await desk.rows()] == [None, None]
    assert await desk.standing() == [desk.id]
    desk.business.answer = TAKEN
    await desk.resume()
    await desk.settle()
    assert [x.outcome for x in await desk.rows()] == ["accepted"] * 2
    assert await desk.standing() == []


async def test_an_endpoint_whose_every_try_fails_for_three_days_is_paused_and_an_alarm_stands(
    desk: Desk,
) -> None:
    alarmed = await desk.add("alarm.raised", "alarm.cleared")
    words = "the receiver's own fault (customer Mei Lin not found)"
    desk.business.answer = Answer(outcome=Outcome.UNKNOWN, status=500, detail=words)
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            await desk.happen("a")
            await desk.passes(DAY)
    endpoint = await desk.endpoint()
    assert {x["event"] for x in lines} >= {"webhook.endpoint_paused"}
    assert "Mei Lin" not in str(lines)
    assert (await desk.rows())[0].detail == words
    assert endpoint.failing_since == START
    assert endpoint.paused_at is not None
    assert START + DEAD_AFTER <= endpoint.paused_at <= START + DEAD_AFTER + HOUR
    assert (endpoint.paused_why or "").endswith("it answered 500")
    assert await desk.standing() == [desk.id]
    async with desk.house.database.read() as tx:
        (raised,) = await postings.of_endpoint(tx, alarmed.id)
    assert (DEAD in raised.body, "Mei Lin" in raised.body) == (True, False)
    desk.business.answer = TAKEN
    await desk.resume()
    await desk.settle()
    endpoint = await desk.endpoint()
    assert (endpoint.paused_at, endpoint.failing_since) == (None, None)
    assert endpoint.last_taken_at == desk.house.clock.now()
    assert await desk.standing() == []


async def test_one_that_takes_something_now_and_then_is_not_dead(desk: Desk) -> None:
    for day in range(10):
        desk.business.answer = TAKEN if day % 2 else BROKEN
        await desk.happen("a")
        await desk.passes(DAY)
    assert (await desk.endpoint()).paused_at is None


async def test_a_single_failure_long_after_another_one_does_not_pause(desk: Desk) -> None:
    desk.business.answer = BROKEN
    await desk.happen("a")
    await desk.passes(20 * DAY)
    assert (await desk.rows())[0].ended_at is not None
    await desk.happen("b")
    await desk.passes(MINUTE)
    assert (await desk.endpoint()).paused_at is None
    desk.business.answer = TAKEN
    await desk.passes(HOUR)
    assert (await desk.endpoint()).failing_since is None


async def test_a_removed_endpoint_leaves_no_alarm(desk: Desk) -> None:
    desk.business.answer = GONE
    await desk.happen("a")
    await desk.passes(MINUTE)
    async with desk.house.database.write() as tx:
        await actions.remove_endpoint(tx, await desk.endpoint(), desk.house.clock.now(), ids)
    assert await desk.standing() == []


async def test_a_replay_goes_out_once_more_with_the_same_id_and_keeps_the_log_of_both(desk: Desk) -> None:
    await desk.happen("a")
    await desk.settle()
    async with desk.house.database.write() as tx:
        await postings.replay(tx, [desk.business.sent[0].id], desk.house.clock.now())
    await desk.settle()
    assert len({x.id for x in desk.business.sent}) == 1
    assert len({x.body for x in desk.business.sent}) == 1
    assert len(desk.business.sent) == 2
    (row,) = await desk.rows()
    assert (row.tries, row.outcome, row.replayed_at) == (2, "accepted", START)
    async with desk.house.database.read() as tx:
        logged = (await postings.tries_of(tx, [row.id]))[row.id]
    assert [(x.number, x.at, x.status) for x in logged] == [(1, START, 200), (2, START, 200)]


async def test_what_ended_or_waits_for_a_paused_endpoint_is_forgotten_after_its_time(desk: Desk) -> None:
    await desk.happen("a")
    await desk.settle()
    await desk.pause()
    await desk.happen("b")
    desk.house.clock.put(START + 2 * DAY)
    await desk.happen("c")
    async with desk.house.database.write() as tx:
        await postings.forget(tx, START + DAY)
    (left,) = await desk.rows()
    assert left.about == "c"
    async with desk.house.database.read() as tx:
        assert await postings.tries_of(tx, [desk.business.sent[0].id]) == {}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running


async def test_for_a_day_after_a_change_of_the_secret_either_one_verifies(
    desk: Desk, receiver: Receiver
) -> None:
    old = "whsec_" + "QUJD" * 11
    async with desk.house.database.write() as tx:
        await store.update_endpoint(tx, desk.id, url=receiver.url, secret=SEAL.close(old))
    async with desk.house.database.write() as tx:
        new, until_ = await actions.rotate_secret(tx, await desk.endpoint(), None, START, SEAL, at_once=False)
    assert until_ == START + OLD_SECRET_LASTS
    seen: list[list[bool]] = []

    async def take(request: Any) -> None:
        body = await request.read()
        headers = {k.lower(): v for k, v in request.headers.items()}
        seen.append([_verifies(secret, body, headers) for secret in (old, new)])

    receiver.on_request = take
    receiver.secret = new
    async with guarded_session(True) as http:
        poster = Poster(desk.house.clock, desk.house.database, CallbackCarrier(http, True), SEAL, ids)
        for moment in (START, START + OLD_SECRET_LASTS):
            desk.house.clock.put(moment)
            await desk.happen("a")
            while await poster.step():
                pass
    assert seen == [[True, True], [False, True]]


def _verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


async def test_a_secret_that_somebody_saw_ends_at_once(desk: Desk) -> None:
    async with desk.house.database.write() as tx:
        await actions.rotate_secret(tx, await desk.endpoint(), None, START, SEAL, at_once=True)
    await desk.happen("a")
    await desk.settle()
    assert [x.old_secret for x in desk.business.sent] == [None]
