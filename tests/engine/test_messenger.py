"""Ordinary messages: each try is written down before it leaves, repeated with one key, and never past its day."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from engine_desk import ACCEPTED, DAY, UNKNOWN, USER, Desk
from engine_house import SEAL, TOKEN, House, until
from notice_support import HOUR, MINUTE, START
from storage_support import ids
from todoke.actions.advance import recover, resume
from todoke.actions.messages import claim
from todoke.carriers import LinePush
from todoke.core.message import Message, MessageState
from todoke.core.outcome import Answer, Outcome
from todoke.core.states import LEASE
from todoke.engine import messenger as module
from todoke.engine.messenger import AT_ONCE, BATCH
from todoke.ids import as_uuid
from todoke.storage import channels, messages
from todoke.storage.database import Tx


@pytest.fixture
async def desk(house: House) -> Desk:
    await house.open()
    made = Desk(house)
    await made.befriend()
    return made


async def test_a_message_is_pushed_once_with_its_own_id_as_the_retry_key(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    await desk.rest()
    (push,) = desk.pushes.sent
    assert (push.user_id, push.retry_key, push.access_token) == (USER, as_uuid(message_id), TOKEN)
    assert push.messages == [{"type": "text", "text": "Hello"}]
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.tries) == ("handed_over", "accepted", 1)
    assert (message.unknown_since, message.due_at, message.request_id) == (None, None, "R1")
    assert message.ended_at == START
    await desk.passes(3 * DAY)
    assert len(desk.pushes.sent) == 1


async def test_the_try_is_committed_before_its_request_leaves(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    desk.pushes.gate.clear()
    step = asyncio.create_task(desk.messenger.step())
    await until(lambda: len(desk.pushes.sent) == 1)
    out = await desk.message(message_id)
    assert (out.state, out.tries, out.unknown_since, out.due_at) == ("sending", 1, START, START + LEASE)
    desk.pushes.gate.set()
    assert await step


async def test_an_unknown_try_is_repeated_with_the_same_key_until_line_says_something(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    desk.pushes.answer = lambda _: UNKNOWN
    await desk.rest()
    waits = await desk.message(message_id)
    assert (waits.state, waits.outcome, waits.due_at) == ("queued", "unknown", START + 1000)
    assert desk.messenger.due_at == START + 1000, "the virtual clock must stop there"
    await desk.passes(10_000)
    assert len(desk.pushes.sent) == 4, "after 1, 2 and 4 seconds"
    assert (await desk.message(message_id)).unknown_since == START
    desk.pushes.answer = lambda _: ACCEPTED
    await desk.passes(MINUTE)
    assert set(desk.pushes.keys) == {as_uuid(message_id)}
    assert (await desk.message(message_id)).state == "handed_over"


async def test_what_is_in_doubt_for_a_day_ends_as_unknown_and_is_never_sent_anew(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    desk.pushes.answer = lambda _: UNKNOWN
    await desk.passes(DAY)
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.due_at) == ("not_delivered", "unknown", None)
    assert message.detail is not None
    assert "retry key" in message.detail
    assert message.ended_at is not None
    assert 23 * HOUR < message.ended_at - START < 23 * HOUR + 16 * MINUTE
    count = len(desk.pushes.sent)
    await desk.passes(3 * DAY)
    assert len(desk.pushes.sent) == count


async def test_a_clear_no_after_a_doubt_does_not_take_the_doubt_away(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    answers = iter([UNKNOWN])
    throttled = Answer(outcome=Outcome.THROTTLED, status=429)
    desk.pushes.answer = lambda _: next(answers, throttled)
    await desk.passes(1500)
    assert len(desk.pushes.sent) == 2
    message = await desk.message(message_id)
    assert (message.outcome, message.unknown_since) == ("throttled", START)


async def test_tries_that_surely_failed_end_after_a_day_by_their_own_outcome(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    desk.pushes.answer = lambda _: Answer(outcome=Outcome.FAILED, detail="could not connect")
    await desk.passes(DAY + HOUR)
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.detail) == (
        "not_delivered",
        "failed",
        "could not connect",
    )
    assert (message.unknown_since, message.ended_at) == (None, START + DAY)
    assert 90 < message.tries < 120, "a second, doubled up to a quarter of an hour"


async def test_a_used_up_quota_ends_it_and_is_named(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    desk.pushes.answer = lambda _: Answer(
        outcome=Outcome.THROTTLED,
        status=429,
        detail="You have reached your monthly limit.",
        quota_used_up=True,
    )
    await desk.rest()
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.tries) == ("not_delivered", "throttled", 1)
    assert "monthly quota" in (message.detail or "")
    assert "You have reached your monthly limit." in (message.detail or "")


async def test_what_line_finds_invalid_ends_with_its_words_even_after_a_doubt(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    answers = iter([UNKNOWN])
    invalid = Answer(outcome=Outcome.INVALID, status=400, detail="messages[0].text: May not be empty")
    desk.pushes.answer = lambda _: next(answers, invalid)
    await desk.passes(MINUTE)
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.status) == ("not_delivered", "invalid", 400)
    assert message.detail == invalid.detail


async def test_a_process_that_died_left_a_doubt_that_its_successor_clears_with_the_same_key(
    desk: Desk,
) -> None:
    (message_id,) = await desk.ask()
    desk.pushes.gate.clear()
    dead = asyncio.create_task(desk.messenger.step())
    await until(lambda: len(desk.pushes.sent) == 1)
    desk.messenger._told.clear()
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)
    desk.pushes.gate.set()
    desk.messenger = desk.another()
    await desk.rest()
    assert len(desk.pushes.sent) == 1, "it may still be out"
    async with desk.house.database.write() as tx:
        await recover(tx, desk.house.shop.channel_id, START + 500, desk.house.lookup, ids)
    await desk.passes(1000)
    assert desk.pushes.keys == [as_uuid(message_id)] * 2
    assert (await desk.message(message_id)).state == "handed_over"


async def test_without_a_takeover_a_lost_try_is_repeated_when_its_lease_lapses(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    lost = Message(
        id=message_id,
        created_at=START,
        state=MessageState.SENDING,
        tries=1,
        unknown_since=START,
        give_up_at=START + DAY,
        due_at=START + LEASE,
    )
    async with desk.house.database.write() as tx:
        await messages.save(tx, [lost])
    await desk.passes(LEASE - 1)
    assert desk.pushes.sent == []
    await desk.passes(1)
    assert desk.pushes.keys == [as_uuid(message_id)]


async def test_the_answer_of_a_former_owner_counts_if_line_took_it_and_else_not(desk: Desk) -> None:
    """It was out when the channel went to another process, which has begun the next try."""
    one, two = await desk.ask(2)
    desk.pushes.gate.clear()
    desk.pushes.answer = lambda push: (
        ACCEPTED if push.retry_key == as_uuid(one) else Answer(outcome=Outcome.FAILED)
    )
    step = asyncio.create_task(desk.messenger.step())
    await until(lambda: len(desk.pushes.sent) == 2)
    async with desk.house.database.write() as tx:
        stand = await messages.load_by_ids(tx, [one, two])
        await messages.save(tx, [_again(x) for x in stand.values()])
    desk.pushes.gate.set()
    await step
    assert (await desk.message(one)).state == "handed_over"
    other = await desk.message(two)
    assert (other.state, other.tries, other.outcome) == ("sending", 2, None)


def _again(message: Message) -> Message:
    return Message(
        id=message.id,
        created_at=message.created_at,
        state=MessageState.SENDING,
        tries=2,
        unknown_since=START,
        due_at=START + LEASE,
    )


async def test_a_denied_channel_pauses_and_holds_its_messages_until_it_is_resumed(desk: Desk) -> None:
    first = await desk.ask(3)
    desk.pushes.answer = lambda _: Answer(outcome=Outcome.DENIED, status=401, detail="no such token")
    await desk.rest()
    assert await desk.paused()
    assert len(desk.pushes.sent) == 3
    later = await desk.ask()
    await desk.passes(2 * DAY)
    assert len(desk.pushes.sent) == 3
    assert desk.messenger.due_at is None
    for message_id in first + later:
        message = await desk.message(message_id)
        assert (message.state, message.due_at, message.unknown_since) == ("queued", None, None)
    desk.pushes.answer = lambda _: ACCEPTED
    async with desk.house.database.write() as tx:
        await resume(tx, desk.house.shop.channel_id, desk.house.clock.now())
    await desk.rest()
    assert sorted(desk.pushes.keys[3:]) == sorted(as_uuid(x) for x in first + later)
    for message_id in first + later:
        assert (await desk.message(message_id)).state == "handed_over"


async def test_in_a_paused_channel_a_doubt_is_not_held_longer_than_its_key_lasts(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    answers = iter([UNKNOWN])
    denied = Answer(outcome=Outcome.DENIED, status=403, detail="no")
    desk.pushes.answer = lambda _: next(answers, denied)
    await desk.passes(MINUTE)
    assert len(desk.pushes.sent) == 2
    await desk.passes(DAY)
    message = await desk.message(message_id)
    assert (message.state, message.outcome) == ("not_delivered", "unknown")
    assert len(desk.pushes.sent) == 2


async def test_who_has_blocked_the_account_since_gets_nothing(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    await desk.befriend("blocked")
    await desk.rest()
    assert desk.pushes.sent == []
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.tries) == ("not_delivered", "unreachable", 0)
    assert "blocked the account since" in (message.detail or "")


async def test_no_more_than_a_few_requests_are_open_at_once_and_all_leave(desk: Desk) -> None:
    count = BATCH + 7
    await desk.ask(count)
    desk.pushes.gate.clear()
    resting = asyncio.create_task(desk.rest())
    await until(lambda: desk.pushes.open == AT_ONCE)
    desk.pushes.gate.set()
    await resting
    assert (len(desk.pushes.sent), len(set(desk.pushes.keys))) == (count, count)
    assert desk.pushes.most_open == AT_ONCE


async def test_of_a_slow_channel_no_more_is_claimed_than_leaves_in_two_seconds(desk: Desk) -> None:
    """What waits for its turn would hold the other channels up."""
    await desk.ask(10)
    async with desk.house.database.write() as tx:
        await channels.update_channel(tx, desk.house.shop.channel_id, rate=2)
        claimed = await claim(tx, desk.house.shop.channel_id, 0, START, BATCH, True, ids)
    assert len(claimed.to_push) == 4


async def test_what_has_no_turn_in_time_waits_for_another_try_without_a_doubt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message_id,) = await desk.ask()
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.001)
    async with desk.house.database.read() as tx:
        (channel,) = await channels.list_channels(tx)
    pacer = desk.pacers.of(channel).pushes
    pacer.hold(3600)
    await desk.rest()
    assert desk.pushes.sent == []
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.unknown_since) == ("queued", "throttled", None)
    assert message.due_at == START + 1000


async def test_answers_are_kept_and_written_down_once_the_database_is_well_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message_id,) = await desk.ask()

    async def broken(tx: Tx, *_: Any) -> None:
        await tx.exec_driver_sql("SELECT nonsense")

    with monkeypatch.context() as patch:
        patch.setattr(module, "record", broken)
        with pytest.raises(OperationalError):
            await desk.messenger.step()
    assert (await desk.message(message_id)).state == "sending"
    await desk.rest()
    assert (await desk.message(message_id)).state == "handed_over"
    assert len(desk.pushes.sent) == 1


async def test_a_channel_of_another_process_is_left_alone(desk: Desk) -> None:
    await desk.ask()
    desk.owned.mine = False
    assert not await desk.messenger.step()
    assert (desk.pushes.sent, desk.messenger.due_at) == ([], None)


async def test_who_lost_a_channel_without_knowing_it_is_told_and_sends_nothing(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    async with desk.house.database.write() as tx:
        await channels.take_over(tx, desk.house.shop.channel_id, "another", 1, START + HOUR)
    await desk.rest()
    assert desk.owned.given_up == [desk.house.shop.channel_id]
    assert desk.pushes.sent == []
    assert (await desk.message(message_id)).tries == 0


async def test_what_can_not_leave_before_the_end_goes_back_as_if_never_begun(desk: Desk) -> None:
    (message_id,) = await desk.ask()
    desk.owned.sure = False
    step = asyncio.create_task(desk.messenger.step())
    await until(lambda: desk.owned.asked > 0)
    assert (await desk.message(message_id)).state == "sending"
    desk.messenger.stop()
    await step
    message = await desk.message(message_id)
    assert desk.pushes.sent == []
    assert (message.state, message.tries, message.unknown_since) == ("queued", 0, None)
    desk.owned.sure = True
    desk.messenger = desk.another()
    await desk.rest()
    assert (await desk.message(message_id)).state == "handed_over"


async def test_a_defect_while_sending_is_a_doubt_and_not_a_loss(desk: Desk) -> None:
    (message_id,) = await desk.ask()

    def breaks(_: LinePush) -> Answer:
        raise RuntimeError("Hello")

    desk.pushes.answer = breaks
    await desk.rest()
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.detail) == (
        "queued",
        "unknown",
        "internal error: RuntimeError",
    )
    desk.pushes.answer = lambda _: ACCEPTED
    await desk.passes(MINUTE)
    assert (await desk.message(message_id)).state == "handed_over"


async def test_a_token_that_can_not_be_read_pauses_the_channel(house: House) -> None:
    await house.open(seal=SEAL)
    desk = Desk(house)
    await desk.befriend()
    async with house.database.write() as tx:
        await channels.update_channel(tx, house.shop.channel_id, access_token=b"of another key")
    (message_id,) = await desk.ask()
    desk.pushes.answer = lambda push: (
        Answer(outcome=Outcome.DENIED, detail="not sent: no token") if not push.access_token else ACCEPTED
    )
    await desk.rest()
    assert await desk.paused()
    assert (await desk.message(message_id)).state == "queued"
