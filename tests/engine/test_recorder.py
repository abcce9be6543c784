"""What carriers answered is written down, whatever happens meanwhile."""

import json
from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from engine_house import ALL, House
from notice_support import HOUR, SMS_ALONE, START
from storage_support import Shop, ids
from todoke.actions.advance import cancel
from todoke.actions.alike import AnswerTo
from todoke.actions.claiming import ToSend, claim
from todoke.actions.record import Read, Recorded, record
from todoke.carriers import EventKind, InboundEvent
from todoke.carriers.line.events import LineEvents
from todoke.core.outcome import Answer, Outcome
from todoke.engine import recorder as module
from todoke.engine.recorder import Recorder
from todoke.engine.stretch import LEAST, MOST, MOST_REQUESTS, SECONDS, SECONDS_OF_EVENTS, Stretch
from todoke.storage import channels, inbox
from todoke.storage.database import Tx
from todoke.storage.inbox import Posted, Stored
from todoke.storage.lookup import Lookup

ACCEPTED = Answer(outcome=Outcome.ACCEPTED, status=200)
NOT_REACHED = Answer(outcome=Outcome.UNREACHABLE, status=422)
DENIED = Answer(outcome=Outcome.DENIED, status=401, detail="no such token")


async def claimed(house: House, at: Shop | None = None) -> list[ToSend]:
    async with house.database.write() as tx:
        channel_id = (at or house.shop).channel_id
        got = await claim(tx, channel_id, 0, house.clock.now(), ALL, ids, house.lookup, house.setup)
    house.lookup.working.keep(got.moved, got.alike)
    return got.to_send


def posted(events: Iterable[InboundEvent], carrier: str = "x", channel_id: str | None = None) -> Read:
    """A request from an SMS carrier with these events."""
    stored = Stored(carrier=carrier, channel_id=channel_id, headers="{}", body=b"", received_at=0, id=1)
    return Read(stored, list(events))


def webhook(house: House, events: Iterable[InboundEvent]) -> Read:
    """A request from LINE with these events, signed by the house's channel."""
    return posted(events, "line", house.shop.channel_id)


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
        done = await record(
            tx, [], [webhook(house, events)], house.clock.now(), house.lookup, house.reactions
        )
    house.lookup.working.keep(done.moved, done.alike)
    return done


def new_recorder(house: House) -> Recorder:
    return Recorder(house.clock, house.database, house.lookup, {}, house.reactions)


async def recorded(house: House, recorder: Recorder, items: list[ToSend], answer: Answer) -> None:
    recorder.claimed(house.shop.channel_id, len(items))
    for item in items:
        recorder.add(house.shop.channel_id, AnswerTo(item.notice_id, item.attempt_id, answer))
    assert await recorder.step()


async def test_what_somebody_else_moved_meanwhile_is_read_again_before_an_answer_is_written_down(
    house: House,
) -> None:
    await house.open()
    wanted = await house.ask(3)
    items = await claimed(house)
    assert all(house.lookup.working.get(x) is not None for x in wanted)
    async with house.database.write() as tx:
        await cancel(tx, [wanted[1]], START + 1, Lookup(), ids)
    recorder = new_recorder(house)
    await recorded(house, recorder, items, Answer(outcome=Outcome.UNREACHABLE, status=422))
    assert recorder.out() == 3
    assert await recorder.step()
    assert recorder.out() == 0
    notices = [await house.notice(x) for x in wanted]
    assert [n.state for n in notices] == ["queued", "cancelled", "queued"]
    assert all(n.attempts[0].outcome == "unreachable" for n in notices)


async def test_what_another_process_learned_of_an_earlier_attempt_counts_when_a_later_one_is_answered(
    house: House,
) -> None:
    """Nothing in the notice's own row tells that its first message can't come any more."""
    await house.open()
    (notice_id,) = await house.ask()
    recorder = new_recorder(house)
    (line,) = await claimed(house)
    await recorded(house, recorder, [line], ACCEPTED)
    house.clock.put(START + 4 * HOUR)
    (sms,) = await claimed(house)
    lost = InboundEvent(id=ids.new(), kind=EventKind.NO_PROOF, at=START, tag=line.attempt.id)
    async with house.database.write() as tx:
        await record(tx, [], [webhook(house, [lost])], START, Lookup(), house.reactions, Lookup().working)
    await recorded(house, recorder, [sms], Answer(outcome=Outcome.FAILED, status=400))
    notice = await house.notice(notice_id)
    assert (notice.state, [a.outcome for a in notice.attempts]) == ("not_delivered", ["failed", "failed"])


async def test_answers_are_kept_and_written_down_once_the_database_is_well_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open()
    wanted = await house.ask(3)
    items = await claimed(house)
    recorder = new_recorder(house)
    recorder.claimed(house.shop.channel_id, 3)
    for item in items[:2]:
        recorder.add(house.shop.channel_id, AnswerTo(item.notice_id, item.attempt_id, ACCEPTED))

    async def broken(tx: Tx, *_: object) -> None:
        recorder.add(house.shop.channel_id, AnswerTo(items[2].notice_id, items[2].attempt.id, ACCEPTED))
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
    recorder.add(channel_id, AnswerTo(one.notice_id, one.attempt.id, ACCEPTED))
    assert (recorder.out(channel_id), recorder.out()) == (1, 2)
    assert not recorder.moved.is_set()
    await recorder.step()
    assert (recorder.out(), recorder.moved.is_set()) == (1, True)
    recorder.dropped(channel_id, 1)
    assert recorder.out() == 0
    del two


async def test_channels_are_told_that_something_was_recorded_and_whether_a_next_step_of_theirs_may_be_due(
    house: House,
) -> None:
    await house.open()
    await house.ask()
    recorder = new_recorder(house)
    told: list[tuple[str, bool]] = []
    for channel_id in (house.shop.channel_id, "another"):
        recorder.listeners[channel_id] = lambda may_be_due, of=channel_id: told.append((of, may_be_due))
    await recorded(house, recorder, await claimed(house), ACCEPTED)
    assert told == [(house.shop.channel_id, True), ("another", False)]


async def test_a_late_duplicate_that_turns_out_to_be_none_disturbs_nobody(house: House) -> None:
    """LINE's message came after the SMS was out, then the SMS carrier says no."""
    await house.open()
    (notice_id,) = await house.ask()
    recorder = new_recorder(house)
    (line,) = await claimed(house)
    await recorded(house, recorder, [line], ACCEPTED)
    house.clock.put(START + 4 * HOUR)
    (sms,) = await claimed(house)
    assert (await prove(house, [(line.attempt.id, house.clock.now(), True, None)])).late_duplicates == 1
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
    answers = [AnswerTo(i.notice_id, i.attempt.id, DENIED) for i in items]
    async with house.database.write() as tx:
        result = await record(tx, answers, [], START, house.lookup, house.reactions)
        assert len(result.paused) == 2
        assert all("401" in why and "no such token" in why for why in result.paused)
        for at in (first, second):
            channel = await channels.get_channel(tx, at.channel_id)
            assert channel is not None
            assert channel.paused_at == START
    async with house.database.write() as tx:
        assert (await record(tx, answers, [], START + 1, house.lookup, house.reactions)).paused == []


async def test_an_answer_for_a_notice_that_is_gone_is_no_error(house: House) -> None:
    await house.open()
    async with house.database.write() as tx:
        result = await record(
            tx, [AnswerTo("gone", "gone", DENIED)], [], START, house.lookup, house.reactions
        )
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
    items = {i.notice_id: i.attempt.id for i in await claimed(house)}
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
    async with house.database.write() as tx:
        await record(
            tx,
            [AnswerTo(n, items[n], ACCEPTED) for n in wanted],
            [],
            START + 9,
            house.lookup,
            house.reactions,
        )
    assert [n.state for n in [await house.notice(w) for w in wanted]] == ["delivered", "delivered", "queued"]


async def test_an_event_that_comes_again_counts_once_even_in_another_request(house: House) -> None:
    await house.open()
    (notice_id,) = await house.ask()
    (item,) = await claimed(house)
    event = InboundEvent(id="E1", kind=EventKind.PROOF, at=START + 1, tag=item.attempt_id)
    other = InboundEvent(id="E2", kind=EventKind.FOLLOW, at=START, user_id="U1")
    async with house.database.write() as tx:
        twice = [webhook(house, [event, event, other]), webhook(house, [event])]
        assert (await record(tx, [], twice, START, house.lookup, house.reactions)).unknown_tags == 0
    before = await house.notice(notice_id)
    assert (before.state, before.attempts[0].proof_at) == ("delivered", START + 1)
    async with house.database.write() as tx:
        await record(tx, [], [webhook(house, [event])], START + 9, house.lookup, house.reactions)
    assert await house.notice(notice_id) == before


async def test_an_answer_and_its_event_in_one_commit_deliver_the_notice(house: House) -> None:
    await house.open()
    (notice_id,) = await house.ask()
    (item,) = await claimed(house)
    event = InboundEvent(id="E1", kind=EventKind.PROOF, at=START, tag=item.attempt_id)
    async with house.database.write() as tx:
        answers = [AnswerTo(item.notice_id, item.attempt_id, ACCEPTED)]
        await record(tx, answers, [webhook(house, [event])], START, house.lookup, house.reactions)
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
    answers = [
        AnswerTo(one.notice_id, "no such attempt", ACCEPTED),
        AnswerTo(two.notice_id, two.attempt.id, ACCEPTED),
    ]
    async with house.database.write() as tx:
        result = await record(tx, answers, [], START, house.lookup, house.reactions)
    assert len(result.illegal) == 1
    assert wanted[0] in result.illegal[0]
    assert [(await house.notice(w)).state for w in wanted] == ["sending", "waiting"]


def receipt(message_id: str, at: int, reached: bool = True, event_id: str | None = None) -> InboundEvent:
    """A receipt that names a message as its carrier does."""
    kind = EventKind.PROOF if reached else EventKind.NO_PROOF
    return InboundEvent(id=event_id or ids.new(), kind=kind, at=at, message_id=message_id)


def parts(*names: str) -> Answer:
    """An SMS that its carrier took, in parts of these names."""
    return Answer(outcome=Outcome.ACCEPTED, status=200, request_id=names[0], message_ids=names)


@pytest.mark.parametrize("order", list(permutations(["answer", "m-1", "m-2"])), ids=" ".join)
async def test_a_message_is_proven_when_all_its_parts_are_in_whatever_order_that_is_told(
    house: House, order: tuple[str, ...]
) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    for last, what in zip((False, False, True), order, strict=True):
        answers = [AnswerTo(item.notice_id, item.attempt_id, parts("m-1", "m-2"), "x")]
        told = [posted([receipt(what, START + int(what[-1]))])] if what != "answer" else []
        async with house.database.write() as tx:
            await record(
                tx,
                answers if what == "answer" else [],
                told,
                house.clock.now(),
                house.lookup,
                house.reactions,
            )
        notice = await house.notice(item.notice_id)
        assert (notice.state == "delivered") is last
    assert notice.attempts[0].proof_at == START + 2, "the last part's time"


async def test_one_part_that_is_lost_is_the_whole_message_lost(house: House) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    async with house.database.write() as tx:
        answers = [AnswerTo(item.notice_id, item.attempt_id, parts("m-1", "m-2"), "x")]
        told = posted([receipt("m-1", START), receipt("m-2", START, reached=False)])
        await record(tx, answers, [told], house.clock.now(), house.lookup, house.reactions)
    notice = await house.notice(item.notice_id)
    assert [a.outcome for a in notice.attempts] == ["failed"]


async def test_another_carriers_message_of_the_same_name_is_another_message(house: House) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    async with house.database.write() as tx:
        answers = [AnswerTo(item.notice_id, item.attempt_id, parts("m-1"), "y")]
        result = await record(
            tx, answers, [posted([receipt("m-1", START)])], START, house.lookup, house.reactions
        )
    assert result.unknown_tags == 1
    assert (await house.notice(item.notice_id)).state == "waiting"


async def test_an_id_that_the_carrier_uses_again_belongs_to_the_later_message(house: House) -> None:
    await house.open()
    await house.ask(2)
    one, two = await claimed(house)
    for item, at in ((one, START + 1), (two, START + 2)):
        async with house.database.write() as tx:
            answers = [AnswerTo(item.notice_id, item.attempt_id, parts("m-1"), "x")]
            await record(tx, answers, [posted([receipt("m-1", at)])], at, house.lookup, house.reactions)
    notices = [await house.notice(item.notice_id) for item in (one, two)]
    assert [n.attempts[0].proof_at for n in notices] == [START + 1, START + 2]


async def test_receipts_for_messages_that_are_not_ours_are_counted_and_change_nothing(house: House) -> None:
    await house.open()
    (notice_id,) = await house.ask(1)
    async with house.database.write() as tx:
        told = posted([receipt("nobody's", START), receipt("nobody's either", START, reached=False)])
        result = await record(tx, [], [told], START, house.lookup, house.reactions)
    assert result.unknown_tags == 2
    assert (await house.notice(notice_id)).state == "queued"


async def test_what_another_channel_signed_proves_nothing(house: House) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    for signed_by, state, unknown in ((ids.new(), "sending", 1), (house.shop.channel_id, "delivered", 0)):
        stored = Stored(carrier="line", channel_id=signed_by, headers="{}", body=b"", received_at=0, id=1)
        proof = InboundEvent(id=ids.new(), kind=EventKind.PROOF, at=START, tag=item.attempt_id)
        async with house.database.write() as tx:
            result = await record(
                tx, [], [Read(stored, [proof])], house.clock.now(), house.lookup, house.reactions
            )
        assert (result.unknown_tags, (await house.notice(item.notice_id)).state) == (unknown, state)


@pytest.mark.parametrize("carrier", ["x", "tells"])
async def test_an_sms_carrier_proves_nothing_about_what_went_to_line(house: House, carrier: str) -> None:
    await house.open()
    await house.ask(1)
    (item,) = await claimed(house)
    proof = InboundEvent(id=ids.new(), kind=EventKind.PROOF, at=START, tag=item.attempt_id)
    async with house.database.write() as tx:
        result = await record(tx, [], [posted([proof], carrier)], START, house.lookup, house.reactions)
    assert (result.unknown_tags, (await house.notice(item.notice_id)).state) == (1, "sending")


@pytest.mark.parametrize(
    ("carrier", "state"), [("tells", "delivered"), ("x", "sending"), ("line", "sending")]
)
async def test_a_receipt_counts_from_the_carrier_that_had_the_message(
    house: House, carrier: str, state: str
) -> None:
    await house.open(steps=SMS_ALONE)
    await house.ask(1)
    (item,) = await claimed(house)
    assert item.attempt.carrier == "tells"
    proof = InboundEvent(id=ids.new(), kind=EventKind.PROOF, at=START, tag=item.attempt_id)
    async with house.database.write() as tx:
        await record(
            tx, [], [posted([proof], carrier, house.shop.channel_id)], START, house.lookup, house.reactions
        )
    assert (await house.notice(item.notice_id)).state == state


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
                tx,
                [AnswerTo(item.notice_id, item.attempt_id, DENIED)],
                [],
                house.clock.now(),
                house.lookup,
                house.reactions,
            )
        assert bool(result.paused) is pauses


async def test_what_is_written_down_in_one_go_takes_a_moment_and_all_of_it_is_in_order(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backlog of webhooks and answers: each go has some of both, and nobody waits for the whole."""
    await house.open()
    await house.ask(40)
    items = await claimed(house)
    readers = {"line": LineEvents()}
    recorder = Recorder(house.clock, house.database, house.lookup, readers, house.reactions)
    recorder._stretch = Stretch(items=20)
    goes: list[tuple[int, list[int], int]] = []

    async def noted(tx: Tx, answers: list[AnswerTo], requests: list[Read], *rest: Any) -> Recorded:
        goes.append((len(answers), [x.stored.id for x in requests], sum(len(x.events) for x in requests)))
        return await record(tx, answers, requests, *rest)

    monkeypatch.setattr(module, "record", noted)
    bodies = [
        json.dumps({"events": [told(f"E{n}-{i}", item.attempt_id) for i, item in enumerate(some)]}).encode()
        for n, some in enumerate([items[:1], items[1:8], items[8:38], items[38:], [], items[:1]])
    ]
    async with house.database.write() as tx:
        await inbox.put(
            tx,
            [
                Posted(
                    carrier="line",
                    channel_id=house.shop.channel_id,
                    headers="{}",
                    body=body,
                    received_at=START,
                )
                for body in bodies
            ],
        )
    recorder.claimed(None, len(items))
    for item in items:
        recorder.add(None, AnswerTo(item.notice_id, item.attempt_id, ACCEPTED))
    while await recorder.step():
        pass
    assert sum(answers for answers, _, _ in goes) == len(items)
    assert [number for _, ids, _ in goes for number in ids] == [1, 2, 3, 4, 5, 6]
    first = goes[0]
    assert first[1:] == ([1, 2, 3], 38), "a request is never divided"
    assert first[0] == 38, "answers are written down with their events"
    assert all(max(answers, events) <= 45 for answers, _, events in goes)
    assert {(await house.notice(x.notice_id)).state for x in items} == {"delivered"}
    assert recorder.out() == 0


def told(event_id: str, tag: str) -> dict[str, Any]:
    return {"type": "delivery", "webhookEventId": event_id, "timestamp": START, "delivery": {"data": tag}}


@pytest.mark.parametrize("sending", [True, False])
@pytest.mark.parametrize(("each", "once"), [(0.000_02, 0.0), (0.000_1, 0.001), (0.001, 0.005)])
def test_a_stretch_becomes_as_long_as_keeps_others_waiting_for_no_longer_than_is_meant(
    each: float, once: float, sending: bool
) -> None:
    meant = SECONDS if sending else SECONDS_OF_EVENTS
    stretch = Stretch()
    for _ in range(60):
        events = stretch.events(answers=10_000)
        answers = stretch.answers(events)
        assert events >= 1 <= answers
        seconds = once + each * (answers + events)
        stretch.took(answers, 1 + events // 10, events, seconds, sending=sending)
    took = once + each * stretch.items
    assert stretch.items == LEAST or took <= 1.05 * meant
    assert stretch.items == MOST or took >= 0.5 * meant
    stretch.took(5, 0, 0, 3.0, sending=sending)  # Something else held it up.
    assert stretch.items >= LEAST
    for _ in range(60):
        stretch.took(0, 10, 0, 0.0001, sending=sending)  # Webhooks without events.
    assert 1 <= stretch.requests <= MOST_REQUESTS


async def put_events(house: House, items: Iterable[ToSend]) -> None:
    body = json.dumps({"events": [told(f"E{x.attempt_id}", x.attempt_id) for x in items]}).encode()
    posted = Posted(
        carrier="line", channel_id=house.shop.channel_id, headers="{}", body=body, received_at=START
    )
    async with house.database.write() as tx:
        await inbox.put(tx, [posted])


async def test_under_load_an_accepted_answer_waits_a_moment_for_its_event_and_no_other_answer_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "LINGER_SECONDS", 0)
    await house.open()
    await house.ask(400)
    items = await claimed(house)
    recorder = Recorder(house.clock, house.database, house.lookup, {"line": LineEvents()}, house.reactions)
    recorder.claimed(None, len(items))

    async def states() -> list[str]:
        return [(await house.notice(x.notice_id)).state for x in (first, second)]

    async def load() -> None:
        """Answers that wait for nothing, enough for load."""
        some = [items.pop() for _ in range(2 * module.BUSY)]
        recorder.add(None, *[AnswerTo(x.notice_id, x.attempt_id, NOT_REACHED) for x in some])
        await recorder.step()
        assert {(await house.notice(x.notice_id)).state for x in some} == {"queued"}

    first, second = items.pop(), items.pop()
    await load()
    recorder.add(None, *[AnswerTo(x.notice_id, x.attempt_id, ACCEPTED) for x in (first, second)])
    assert await recorder.step()
    assert await states() == ["sending", "sending"]
    await put_events(house, [first])
    await recorder.step()
    assert await states() == ["delivered", "sending"], "both at once"
    (attempt,) = (await house.notice(first.notice_id)).attempts
    assert (attempt.status, attempt.answered_at) == (200, START)
    now[0] += module.MEET_SECONDS / 2
    await load()
    assert await states() == ["delivered", "sending"]
    now[0] += module.MEET_SECONDS / 2
    await load()
    assert await states() == ["delivered", "waiting"], "its event may come much later, or never"


async def test_an_answer_waits_for_nothing_where_little_goes_on(house: House) -> None:
    await house.open()
    (notice_id,) = await house.ask()
    await recorded(house, new_recorder(house), await claimed(house), ACCEPTED)
    assert (await house.notice(notice_id)).state == "waiting"
