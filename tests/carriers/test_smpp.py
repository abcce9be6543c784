"""What the SMPP carrier sends and what its answers mean, against somebody else's SMSC (npm's smpp)."""

import asyncio

import pytest

from carriers.smsc import (
    Smsc,
    many,
    needs_node,
    running_carrier,
    sms,
    until_smsc,
)
from todoke.carriers.smpp import SmppCarrier
from todoke.core.outcome import Answer, Outcome
from todoke.core.sms_text import segments

needs_node()

THAI = "พัสดุของคุณกำลังจัดส่ง กรุณาเตรียมรับพัสดุที่บ้าน " * 6
CHINESE = "您的包裹已送達管理室，請攜帶證件領取。謝謝您的訂購！" * 9
EMOJI = "x" + "📦🚚🏠" * 60
ESCAPES = "{[~]}€|^\\" * 40


async def test_a_message_is_taken_and_named(carrier: SmppCarrier, smsc: Smsc) -> None:
    answer = await carrier.send(sms(), "tag")
    assert answer == Answer(outcome=Outcome.ACCEPTED, request_id="m1001", message_ids=("m1001",))
    (seen,) = await smsc.submits()
    assert (seen["to"], seen["to_ton"], seen["from"], seen["from_ton"]) == ("886912345678", 1, "SHOP", 5)
    assert (seen["text"], seen["coding"], seen["receipts"], seen["udh"]) == (
        "Your parcel is here",
        0,
        1,
        None,
    )


@pytest.mark.parametrize("text", [THAI, CHINESE, EMOJI, ESCAPES, "a" * 1000], ids=lambda text: text[:2])
async def test_long_texts_arrive_whole_in_as_many_parts_as_are_paid(
    carrier: SmppCarrier, smsc: Smsc, text: str
) -> None:
    answer = await carrier.send(sms(text), "tag")
    seen = await smsc.submits()
    assert answer.outcome is Outcome.ACCEPTED
    assert answer.message_ids == tuple(one["id"] for one in seen)
    assert answer.request_id == answer.message_ids[0]
    assert len(seen) == segments(text).segments > 1
    assert await smsc.texts() == [text]


async def test_with_payload_a_long_text_is_one_message(smsc: Smsc) -> None:
    async with running_carrier(smsc, long_messages="payload") as carrier:
        for text in (CHINESE, "a" * 1000, "short"):
            assert (await carrier.send(sms(text), "tag")).outcome is Outcome.ACCEPTED
    seen = await smsc.submits()
    assert [(one["text"], one["payload"]) for one in seen] == [
        (CHINESE, True),
        ("a" * 1000, True),
        ("short", False),
    ]


async def test_a_text_the_provider_has_no_alphabet_for_is_not_sent(smsc: Smsc) -> None:
    async with running_carrier(smsc, encodings=["gsm7"]) as carrier:
        answer = await carrier.send(sms("包裹"), "tag")
        assert (answer.outcome, answer.status) == (Outcome.INVALID, None)
        assert (await carrier.send(sms("half \ud83d"), "tag")).outcome is Outcome.INVALID
        assert (await carrier.send(sms(to="0912345678"), "tag")).outcome is Outcome.INVALID
    assert await smsc.submits() == []


async def test_an_answer_without_an_id_is_taken_without_names(carrier: SmppCarrier, smsc: Smsc) -> None:
    await smsc.faults(noId=True)
    assert await carrier.send(sms(), "tag") == Answer(outcome=Outcome.ACCEPTED)


async def test_throttled_at_the_first_part_is_throttled(carrier: SmppCarrier, smsc: Smsc) -> None:
    await smsc.faults(throttle=1)
    answer = await carrier.send(sms(CHINESE), "tag")
    assert (answer.outcome, answer.status) == (Outcome.THROTTLED, 0x58)
    assert await smsc.submits() == []


async def test_throttled_at_a_later_part_repeats_that_part_only(carrier: SmppCarrier, smsc: Smsc) -> None:
    await smsc.faults(hold=True)
    sending = asyncio.create_task(carrier.send(sms(CHINESE), "tag"))
    await until_smsc(smsc, lambda count: count["submits"] == 1)
    await smsc.faults(throttle=2)  # this also lets the first answer go
    answer = await sending
    assert answer.outcome is Outcome.ACCEPTED
    assert await smsc.texts() == [CHINESE]
    assert len(await smsc.submits()) == segments(CHINESE).segments


async def test_throttled_for_good_after_the_first_part_is_unknown(smsc: Smsc) -> None:
    async with running_carrier(smsc, timeout="1s") as carrier:
        await smsc.faults(throttleAfter=1)
        answer = await carrier.send(sms(CHINESE), "tag")
    assert (answer.outcome, answer.status, answer.message_ids) == (Outcome.UNKNOWN, 0x58, ())
    assert answer.detail is not None
    assert answer.detail.startswith("1 of 4 parts were taken, the next was not: ESME_RTHROTTLED")
    assert len(await smsc.submits()) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0x0B, Outcome.FAILED),
        (0x45, Outcome.FAILED),
        (0x410, Outcome.FAILED),
        (0x08, Outcome.UNKNOWN),
        (0x14, Outcome.THROTTLED),
    ],
)
async def test_a_status_says_what_became_of_it(
    carrier: SmppCarrier, smsc: Smsc, status: int, outcome: Outcome
) -> None:
    await smsc.faults(status=status)
    answer = await carrier.send(sms(), "tag")
    assert (answer.outcome, answer.status) == (outcome, status)
    assert carrier.connected


async def test_a_message_not_understood_was_not_taken(carrier: SmppCarrier, smsc: Smsc) -> None:
    await smsc.faults(nack=True)
    answer = await carrier.send(sms(), "tag")
    assert (answer.outcome, answer.status) == (Outcome.FAILED, 0x02)


async def test_a_later_part_refused_leaves_the_whole_unknown(carrier: SmppCarrier, smsc: Smsc) -> None:
    await smsc.faults(status=0x45, statusAfter=2)
    answer = await carrier.send(sms(CHINESE), "tag")
    assert (answer.outcome, answer.status) == (Outcome.UNKNOWN, 0x45)


async def test_no_answer_in_time_is_unknown_and_a_late_one_disturbs_nothing(smsc: Smsc) -> None:
    async with running_carrier(smsc, timeout="300ms") as carrier:
        await smsc.faults(hold=True)
        answer = await carrier.send(sms(), "tag")
        assert (answer.outcome, answer.status) == (Outcome.UNKNOWN, None)
        await smsc.faults()
        assert (await carrier.send(sms(), "tag")).outcome is Outcome.ACCEPTED
        assert carrier.connected


async def test_without_room_in_the_window_nothing_is_sent(smsc: Smsc) -> None:
    async with running_carrier(smsc, timeout="300ms", window=2) as carrier:
        await smsc.faults(hold=True)
        answers = await many(carrier, 6)
    outcomes = [answer.outcome for answer in answers.values()]
    assert sorted(outcomes) == [Outcome.THROTTLED] * 4 + [Outcome.UNKNOWN] * 2
    assert len(await smsc.submits()) == 2


async def test_the_rate_is_kept(smsc: Smsc) -> None:
    async with running_carrier(smsc, rate=40) as carrier:
        began = asyncio.get_running_loop().time()
        answers = await many(carrier, 13)
        took = asyncio.get_running_loop().time() - began
    assert all(answer.outcome is Outcome.ACCEPTED for answer in answers.values())
    assert took > 12 / 40 - 0.01
