"""Answers in the chat: a reply while its token lasts, a push where that was surely refused, and never both."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from engine_desk import ACCEPTED, DAY, TEXTS, UNKNOWN, USER, Desk
from engine_house import TOKEN, House, until
from notice_support import HOUR, MINUTE, START
from storage_support import ids
from todoke.actions import messages as actions
from todoke.actions.advance import recover, resume
from todoke.core.errors import InvalidMessages
from todoke.core.message import MAYBE_SHOWN, REPLY_LASTS
from todoke.core.outcome import Answer, Outcome
from todoke.core.states import LEASE
from todoke.ids import as_uuid
from todoke.storage import channels

REPLY = "0f3779fba3b349968c5d07db31eab56f"
NO_SUCH_TOKEN = Answer(outcome=Outcome.INVALID, status=400, detail="Invalid reply token")
REFUSED = Answer(outcome=Outcome.FAILED, detail="could not connect")
THROTTLED = Answer(outcome=Outcome.THROTTLED, status=429, detail="too many", retry_after=2000)


@pytest.fixture
async def desk(house: House) -> Desk:
    await house.open()
    made = Desk(house)
    await made.befriend()
    return made


async def test_an_answer_goes_as_a_reply_which_is_free(desk: Desk) -> None:
    message_id = await desk.answer(REPLY)
    await desk.rest()
    (reply,) = desk.replies.sent
    assert (reply.reply_token, reply.messages, reply.access_token) == (REPLY, TEXTS, TOKEN)
    message = await desk.message(message_id)
    assert (message.state, message.outcome, message.tries) == ("handed_over", "accepted", 1)
    assert "as a reply" in (message.detail or "")
    assert (message.reply_token, message.due_at) == (None, None)
    assert message.reply_until is not None, "it is not counted among the pushes"
    await desk.passes(DAY)
    assert desk.pushes.sent == []


async def test_a_reply_goes_to_whoever_wrote_and_a_push_to_friends_only(desk: Desk) -> None:
    stranger = "U" + "2" * 32
    first = await desk.answer(REPLY, user_id=stranger)
    await desk.rest()
    assert (await desk.message(first)).state == "handed_over"
    desk.replies.answer = lambda _: NO_SUCH_TOKEN
    second = await desk.answer(REPLY, user_id=stranger)
    third = await desk.answer(None, user_id=stranger)
    await desk.rest()
    assert desk.pushes.sent == []
    message = await desk.message(second)
    assert (message.state, message.outcome) == ("not_delivered", "unreachable")
    assert "Invalid reply token" in (message.detail or "")
    assert "not known as a friend" in (message.detail or "")
    assert (await desk.message(third)).state == "not_delivered"


async def test_in_test_mode_a_user_is_answered_and_nothing_is_pushed_to_others_than_testers(
    desk: Desk,
) -> None:
    desk.house.setup = msgspec.structs.replace(desk.house.setup, every_number_is_a_test_number=False)
    async with desk.house.database.write() as tx:
        await channels.update_channel(tx, desk.house.shop.channel_id, mode="test")
    desk.messenger = desk.another()
    replied, pushed = await desk.answer(REPLY), await desk.answer(None)
    await desk.rest()
    assert (await desk.message(replied)).state == "handed_over"
    assert (await desk.message(pushed)).state == "not_delivered"
    assert "test mode" in ((await desk.message(pushed)).detail or "")


@pytest.mark.parametrize("refusal", [NO_SUCH_TOKEN, REFUSED, THROTTLED])
async def test_a_reply_that_was_surely_not_taken_goes_as_a_push(desk: Desk, refusal: Answer) -> None:
    desk.replies.answer = lambda _: refusal
    message_id = await desk.answer(REPLY)
    await desk.passes(2000)
    assert len(desk.replies.sent) == 1
    assert desk.pushes.keys == [as_uuid(message_id)]
    message = await desk.message(message_id)
    assert (message.state, message.tries, message.reply_token) == ("handed_over", 2, None)


async def test_a_reply_whose_outcome_nobody_knows_is_never_sent_again_in_any_way(desk: Desk) -> None:
    desk.replies.answer = lambda _: UNKNOWN
    message_id = await desk.answer(REPLY)
    await desk.passes(3 * DAY)
    assert (len(desk.replies.sent), len(desk.pushes.sent)) == (1, 0)
    message = await desk.message(message_id)
    assert (message.state, message.outcome) == ("not_delivered", "unknown")
    assert MAYBE_SHOWN in (message.detail or "")
    assert "no answer in time" in (message.detail or "")


async def test_the_token_is_dropped_from_the_row_before_the_reply_leaves(desk: Desk) -> None:
    message_id = await desk.answer(REPLY)
    before = await desk.message(message_id)
    assert (before.reply_token, before.reply_until) == (REPLY, START + REPLY_LASTS)
    desk.replies.gate.clear()
    step = asyncio.create_task(desk.messenger.step())
    await until(lambda: len(desk.replies.sent) == 1)
    out = await desk.message(message_id)
    assert (out.state, out.tries, out.reply_token, out.reply_is_out) == ("sending", 1, None, True)
    desk.replies.gate.set()
    assert await step


async def _dies_with_a_reply_out(desk: Desk) -> str:
    message_id = await desk.answer(REPLY)
    desk.replies.gate.clear()
    dead = asyncio.create_task(desk.messenger.step())
    await until(lambda: len(desk.replies.sent) == 1)
    desk.messenger._told.clear()
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)
    desk.messenger._told.clear()
    desk.replies.gate.set()
    desk.messenger = desk.another()
    return message_id


async def test_a_reply_of_a_process_that_died_is_not_sent_again_by_its_successor(desk: Desk) -> None:
    message_id = await _dies_with_a_reply_out(desk)
    async with desk.house.database.write() as tx:
        await recover(tx, desk.house.shop.channel_id, START + 500, desk.house.lookup, ids)
    await desk.passes(DAY)
    assert (len(desk.replies.sent), len(desk.pushes.sent)) == (1, 0)
    message = await desk.message(message_id)
    assert (message.state, message.outcome) == ("not_delivered", "unknown")
    assert MAYBE_SHOWN in (message.detail or "")


async def test_nor_is_it_when_its_lease_lapses(desk: Desk) -> None:
    message_id = await _dies_with_a_reply_out(desk)
    await desk.passes(LEASE + MINUTE)
    assert (len(desk.replies.sent), len(desk.pushes.sent)) == (1, 0)
    assert (await desk.message(message_id)).outcome == "unknown"


async def test_nor_is_it_in_a_channel_that_was_paused_meanwhile(desk: Desk) -> None:
    message_id = await _dies_with_a_reply_out(desk)
    channel_id = desk.house.shop.channel_id
    async with desk.house.database.write() as tx:
        await channels.update_channel(tx, channel_id, paused_at=START, paused_why="x", paused_for="token")
    await desk.passes(HOUR)
    async with desk.house.database.write() as tx:
        await resume(tx, channel_id, desk.house.clock.now())
    await desk.passes(HOUR)
    assert (len(desk.replies.sent), len(desk.pushes.sent)) == (1, 0)
    assert (await desk.message(message_id)).outcome == "unknown"


async def test_an_answer_whose_minute_is_over_is_a_push_from_the_start(desk: Desk) -> None:
    desk.house.clock.put(START + HOUR)
    message_id = await desk.answer(REPLY, reply_until=START + MINUTE)
    await desk.rest()
    assert desk.replies.sent == []
    assert desk.pushes.keys == [as_uuid(message_id)]
    message = await desk.message(message_id)
    assert (message.state, message.reply_token, message.reply_until) == ("handed_over", None, None)


async def test_an_unknown_push_after_a_refused_reply_is_repeated_with_its_key(desk: Desk) -> None:
    desk.replies.answer = lambda _: NO_SUCH_TOKEN
    answers = iter([UNKNOWN])
    desk.pushes.answer = lambda _: next(answers, ACCEPTED)
    message_id = await desk.answer(REPLY)
    await desk.passes(MINUTE)
    assert desk.pushes.keys == [as_uuid(message_id)] * 2
    assert (await desk.message(message_id)).state == "handed_over"


async def test_a_denied_reply_waits_for_the_channel_and_is_a_push_by_then(desk: Desk) -> None:
    desk.replies.answer = lambda _: Answer(outcome=Outcome.DENIED, status=401, detail="no such token")
    message_id = await desk.answer(REPLY)
    await desk.rest()
    assert await desk.paused()
    await desk.passes(HOUR)
    async with desk.house.database.write() as tx:
        await resume(tx, desk.house.shop.channel_id, desk.house.clock.now())
    await desk.rest()
    assert len(desk.replies.sent) == 1
    assert desk.pushes.keys == [as_uuid(message_id)]


async def test_a_reply_that_never_left_keeps_its_token(desk: Desk) -> None:
    message_id = await desk.answer(REPLY)
    desk.owned.sure = False
    step = asyncio.create_task(desk.messenger.step())
    await until(lambda: desk.owned.asked > 0)
    desk.owned.mine = False
    await step
    message = await desk.message(message_id)
    assert (message.state, message.tries, message.reply_token) == ("queued", 0, REPLY)
    assert desk.replies.sent == []
    desk.owned.mine = desk.owned.sure = True
    await desk.rest()
    assert desk.replies.tokens == [REPLY]


async def test_an_answer_that_line_can_not_be_asked_to_send_is_refused_at_once(desk: Desk) -> None:
    shop = desk.house.shop
    async with desk.house.database.write() as tx:
        with pytest.raises(InvalidMessages):
            await actions.answer(tx, shop.account_id, shop.channel_id, USER, REPLY, None, [], START, ids)
