"""What carriers answered is written down, whatever happens meanwhile."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from engine_house import House
from notice_support import HOUR, START
from storage_support import Shop, ids
from todoke.actions.advance import ToSend, claim
from todoke.actions.record import Read, Recorded, record
from todoke.carriers import EventKind, InboundEvent
from todoke.core.outcome import Answer, Outcome
from todoke.engine import recorder as module
from todoke.engine.recorder import Recorder
from todoke.storage import channels
from todoke.storage.database import Tx
from todoke.storage.inbox import Stored

ACCEPTED = Answer(outcome=Outcome.ACCEPTED, status=200)
DENIED = Answer(outcome=Outcome.DENIED, status=401, detail="no such token")


async def claimed(house: House, at: Shop | None = None) -> list[ToSend]:
    async with house.database.write() as tx:
        channel_id = (at or house.shop).channel_id
        got = await claim(tx, channel_id, 0, house.clock.now(), 100, ids, house.lookup, house.setup)
    return got.to_send


def posted(events: Iterable[InboundEvent]) -> Read:
    """A request from a carrier with these events."""
    return Read(
        Stored(carrier="x", channel_id=None, headers="{}", body=b"", received_at=0, id=1), list(events)
    )


async def prove(house: House, proofs: Iterable[tuple[str, int, bool, str | None]]) -> Recorded:
    """The carrier tells: (tag, time, reached or not, its words)."""
    events = [
        InboundEvent(
            id=ids.new(),
            kind=EventKind.PROOF if reached else EventKind.NO_PROOF,
            at=at,
            tag=tag,
            detail=detail,
        )
        for tag, at, reached, detail in proofs
    ]
    async with house.database.write() as tx:
        return await record(tx, [], [posted(events)], house.clock.now(), house.lookup)


def new_recorder(house: House) -> Recorder:
    return Recorder(house.clock, house.database, house.lookup, {})


async def recorded(house: House, recorder: Recorder, items: list[ToSend], answer: Answer) -> None:
    recorder.claimed(house.shop.channel_id, len(items))
    for item in items:
        recorder.add(house.shop.channel_id, item.notice_id, item.attempt_id, answer)
    assert await recorder.step()


async def test_answers_are_kept_and_written_down_once_the_database_is_well_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open()
    wanted = await house.ask(3)
    items = await claimed(house)
    recorder = new_recorder(house)
    recorder.claimed(house.shop.channel_id, 3)
    for item in items[:2]:
        recorder.add(house.shop.channel_id, item.notice_id, item.attempt_id, ACCEPTED)

    async def broken(tx: Tx, *_: object) -> None:
        recorder.add(house.shop.channel_id, items[2].notice_id, items[2].attempt_id, ACCEPTED)
        await tx.exec_driver_sql("UPDATE notices SET state = 'delivered'")
        await tx.exec_driver_sql("SELECT nonsense")

    with monkeypatch.context() as patch:
        patch.setattr(module, "record", broken)
        with pytest.raises(OperationalError):
            await recorder.step()
    assert recorder.out() == 3, "what is not written down is still out"
    assert await recorder.step()
    assert (recorder.out(), await recorder.step()) == (0, False)
    for notice_id in wanted:
        notice = await house.notice(notice_id)
        assert (notice.state, notice.attempts[0].outcome) == ("waiting", "accepted")


async def test_what_is_out_is_counted_from_the_claim_to_the_record(house: House) -> None:
    await house.open()
    await house.ask(2)
    one, two = await claimed(house)
    recorder = new_recorder(house)
    channel_id = house.shop.channel_id
    recorder.claimed(channel_id, 2)
    assert (recorder.out(channel_id), recorder.out(), recorder.out("another")) == (2, 2, 0)
    recorder.add(channel_id, one.notice_id, one.attempt_id, ACCEPTED)
    assert (recorder.out(channel_id), recorder.out()) == (1, 2)
    assert not recorder.moved.is_set()
    await recorder.step()
    assert (recorder.out(), recorder.moved.is_set()) == (1, True)
    recorder.dropped(channel_id, 1)
    assert recorder.out() == 0
    del two


async def test_those_who_wait_for_room_are_told(house: House) -> None:
    await house.open()
    await house.ask()
    recorder = new_recorder(house)
    listener = type(recorder.moved)()
    recorder.listeners.append(listener)
    await recorded(house, recorder, await claimed(house), ACCEPTED)
    assert listener.is_set()


async def test_a_late_duplicate_that_turns_out_to_be_none_disturbs_nobody(house: House) -> None:
    """LINE's message came after the SMS was out, then the SMS carrier says no."""
    await house.open()
    (notice_id,) = await house.ask()
    recorder = new_recorder(house)
    (line,) = await claimed(house)
    await recorded(house, recorder, [line], ACCEPTED)
    house.clock.put(START + 4 * HOUR)
    (sms,) = await claimed(house)
    assert (await prove(house, [(line.attempt_id, house.clock.now(), True, None)])).late_duplicates == 1
    recorder.moved.clear()
    await recorded(house, recorder, [sms], Answer(outcome=Outcome.FAILED, status=400))
    assert (recorder.moved.is_set(), recorder.out()) == (True, 0)
    notice = await house.notice(notice_id)
    assert (notice.state, [a.outcome for a in notice.attempts]) == ("delivered", ["late", "failed"])
    assert not notice.attempts[0].late_duplicate


async def test_every_channel_that_was_denied_is_paused_once(house: House) -> None:
    first = await house.open()
    await house.ask(2, first)
    second = await house.open()
    await house.ask(2, second)
    items = [*await claimed(house, first), *await claimed(house, second)]
    answers = [(i.notice_id, i.attempt_id, DENIED) for i in items]
    async with house.database.write() as tx:
        result = await record(tx, answers, [], START, house.lookup)
        assert len(result.paused) == 2
        assert all("401" in why and "no such token" in why for why in result.paused)
        for at in (first, second):
            channel = await channels.get_channel(tx, at.channel_id)
            assert channel is not None
            assert channel.paused_at == START
    async with house.database.write() as tx:
        assert (await record(tx, answers, [], START + 1, house.lookup)).paused == []


async def test_an_answer_for_a_notice_that_is_gone_is_no_error(house: House) -> None:
    await house.open()
    async with house.database.write() as tx:
        result = await record(tx, [("gone", "gone", DENIED)], [], START, house.lookup)
    assert result.paused == []


async def test_a_template_that_line_finds_invalid_is_flagged(house: House) -> None:
    await house.open()
    await house.ask()
    (item,) = await claimed(house)
    answer = Answer(outcome=Outcome.INVALID, status=400, detail="The property is wrong")
    recorder = new_recorder(house)
    await recorded(house, recorder, [item], answer)
    async with house.database.read() as tx:
        found = await tx.exec_driver_sql("SELECT flagged_at, flagged_why FROM templates")
        assert tuple(found.one()) == (START, "400: The property is wrong")


async def test_proofs_in_one_go_may_be_doubled_late_and_foreign(house: House) -> None:
    await house.open()
    wanted = await house.ask(3)
    items = {i.notice_id: i.attempt_id for i in await claimed(house)}
    one, two, three = (items[n] for n in wanted)
    result = await prove(
        house,
        [
            (two, START + 5, True, None),
            ("not ours", START, True, None),
            (one, START + 1, True, None),
            (two, START + 9, True, None),
            (three, START + 1, False, "absent"),
        ],
    )
    assert result.unknown_tags == 1
    notices = [await house.notice(n) for n in wanted]
    assert [(n.state, n.attempts[0].proof_at) for n in notices] == [
        ("delivered", START + 1),
        ("delivered", START + 5),
        ("queued", None),
    ]
    # The answers follow: overtaken, they move nothing.
    recorder = new_recorder(house)
    again = [ToSend(n, items[n], *rest_of(house)) for n in wanted]
    await recorded(house, recorder, again, ACCEPTED)
    assert [n.state for n in [await house.notice(w) for w in wanted]] == ["delivered", "delivered", "queued"]


def rest_of(house: House) -> tuple[Any, ...]:
    """What recording does not look at."""
    return None, "", None, {}


async def test_an_event_that_comes_again_counts_once_even_in_another_request(house: House) -> None:
    await house.open()
    (notice_id,) = await house.ask()
    (item,) = await claimed(house)
    event = InboundEvent(id="E1", kind=EventKind.PROOF, at=START + 1, tag=item.attempt_id)
    other = InboundEvent(id="E2", kind=EventKind.FOLLOW, at=START, user_id="U1")
    async with house.database.write() as tx:
        twice = [posted([event, event, other]), posted([event])]
        assert (await record(tx, [], twice, START, house.lookup)).unknown_tags == 0
    before = await house.notice(notice_id)
    assert (before.state, before.attempts[0].proof_at) == ("delivered", START + 1)
    async with house.database.write() as tx:
        await record(tx, [], [posted([event])], START + 9, house.lookup)
    assert await house.notice(notice_id) == before


async def test_an_answer_and_its_event_in_one_commit_deliver_the_notice(house: House) -> None:
    await house.open()
    (notice_id,) = await house.ask()
    (item,) = await claimed(house)
    event = InboundEvent(id="E1", kind=EventKind.PROOF, at=START, tag=item.attempt_id)
    async with house.database.write() as tx:
        answers = [(item.notice_id, item.attempt_id, ACCEPTED)]
        await record(tx, answers, [posted([event])], START, house.lookup)
    notice = await house.notice(notice_id)
    assert (notice.state, notice.attempts[0].status, notice.attempts[0].outcome) == (
        "delivered",
        200,
        "delivered",
    )


async def test_a_move_that_can_not_be_is_reported_and_holds_no_other_notice_up(house: House) -> None:
    """A defect of ours: an answer to an attempt that the notice does not have."""
    await house.open()
    wanted = await house.ask(2)
    one, two = await claimed(house)
    answers = [(one.notice_id, "no such attempt", ACCEPTED), (two.notice_id, two.attempt_id, ACCEPTED)]
    async with house.database.write() as tx:
        result = await record(tx, answers, [], START, house.lookup)
    assert len(result.illegal) == 1
    assert wanted[0] in result.illegal[0]
    assert [(await house.notice(w)).state for w in wanted] == ["sending", "waiting"]


async def test_a_receipt_by_the_carriers_own_id_may_come_with_the_answer_that_brings_the_id(
    house: House,
) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    answer = Answer(outcome=Outcome.ACCEPTED, status=200, request_id="m-77")
    receipt = InboundEvent(id=ids.new(), kind=EventKind.PROOF, at=START, tag="m-77")
    async with house.database.write() as tx:
        answers = [(item.notice_id, item.attempt_id, answer)]
        result = await record(tx, answers, [posted([receipt])], house.clock.now(), house.lookup)
    assert result.unknown_tags == 0
    assert (await house.notice(item.notice_id)).state == "delivered"


async def test_what_another_channel_signed_proves_nothing(house: House) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    for signed_by, state, unknown in ((ids.new(), "sending", 1), (house.shop.channel_id, "delivered", 0)):
        stored = Stored(carrier="line", channel_id=signed_by, headers="{}", body=b"", received_at=0, id=1)
        proof = InboundEvent(id=ids.new(), kind=EventKind.PROOF, at=START, tag=item.attempt_id)
        async with house.database.write() as tx:
            result = await record(tx, [], [Read(stored, [proof])], house.clock.now(), house.lookup)
        assert (result.unknown_tags, (await house.notice(item.notice_id)).state) == (unknown, state)


async def test_a_request_of_the_former_token_does_not_pause_the_channel_that_got_a_new_one(
    house: House,
) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    for token_at, pauses in ((house.clock.now() + 1, False), (house.clock.now(), True)):
        async with house.database.write() as tx:
            await channels.update_channel(tx, house.shop.channel_id, token_at=token_at)
            result = await record(
                tx, [(item.notice_id, item.attempt_id, DENIED)], [], house.clock.now(), house.lookup
            )
        assert bool(result.paused) is pauses
