"""Receipts of the SMPP carrier: stored before they are confirmed."""

import asyncio
import json

import pytest

from carriers.smsc import Smsc, needs_node, running_carrier, sms, until
from todoke.carriers import BadSignature, EventKind, InboundEvent
from todoke.carriers.smpp import SmppCarrier
from todoke.core.outcome import Outcome

needs_node()

NOW = 1_750_000_000_000


def events(carrier: SmppCarrier, smsc: Smsc) -> list[InboundEvent]:
    return [event for body in smsc.store.bodies for event in carrier.read_events({}, body, NOW)]


async def test_a_receipt_is_stored_before_it_is_confirmed_and_proves(
    carrier: SmppCarrier, smsc: Smsc
) -> None:
    answer = await carrier.send(sms(), "tag")
    assert await smsc.receipt(answer.message_ids[0]) == 0
    (event,) = events(carrier, smsc)
    assert (event.kind, event.message_id, event.at) == (EventKind.PROOF, "m1001", 1_704_209_460_000)
    assert b"parcel" not in smsc.store.bodies[0]
    assert b"912345678" not in smsc.store.bodies[0]


async def test_the_same_receipt_twice_is_the_same_event(carrier: SmppCarrier, smsc: Smsc) -> None:
    await smsc.receipt("m7", "UNDELIV")
    await smsc.receipt("m7", "UNDELIV")
    await smsc.receipt("m8", "UNDELIV")
    first, second, other = events(carrier, smsc)
    assert first == second
    assert other.id != first.id
    assert (first.kind, first.detail) == (EventKind.NO_PROOF, "relay: UNDELIV, err 000")


async def test_an_id_that_the_smsc_uses_again_another_day_is_another_event(
    carrier: SmppCarrier, smsc: Smsc
) -> None:
    text = "id:m7 sub:001 dlvrd:001 submit date:{day}1530 done date:{day}1531 stat:DELIVRD err:000 text:x"
    for day in ("240102", "240104", "240102"):
        await smsc.receipt("m7", text=text.format(day=day))
    first, second, again = events(carrier, smsc)
    assert first.id != second.id
    assert first.id == again.id


async def test_a_receipt_that_cannot_be_stored_is_refused_and_counts_once_when_it_comes_again(
    carrier: SmppCarrier, smsc: Smsc
) -> None:
    smsc.store.broken = True
    assert await smsc.receipt("m7") == 0x64
    smsc.store.broken = False
    assert await smsc.receipt("m7") == 0
    assert await smsc.receipt("m7") == 0
    assert smsc.store.tried == 3
    assert len({event.id for event in events(carrier, smsc)}) == 1


async def test_a_message_from_a_phone_is_confirmed_and_leaves_neither_number_nor_text(
    carrier: SmppCarrier, smsc: Smsc
) -> None:
    reply = await smsc.order("deliver", text="STOP it, I am +886912345678", pdu={})
    assert reply["status"] == 0
    (event,) = events(carrier, smsc)
    assert (event.kind, event.message_id) == (EventKind.OTHER, None)
    assert set(json.loads(smsc.store.bodies[0])) == {"hash"}


async def test_a_receipt_by_options_alone_is_read(carrier: SmppCarrier, smsc: Smsc) -> None:
    options = {"esm_class": 4, "receipted_message_id": "m5", "message_state": 8}
    assert (await smsc.order("deliver", pdu=options))["status"] == 0
    (event,) = events(carrier, smsc)
    assert (event.kind, event.message_id) == (EventKind.NO_PROOF, "m5")


async def test_ids_in_two_forms_meet(smsc: Smsc) -> None:
    await smsc.faults(idForm="hex")
    async with running_carrier(smsc, receipt_id="decimal_of_hex") as carrier:
        answer = await carrier.send(sms(), "tag")
        assert (await smsc.submits())[0]["id"] == "000003E9"
        await smsc.receipt("1001")
        await smsc.receipt("0000001001", pdu={"esm_class": 4, "receipted_message_id": "000003E9"})
        assert answer.message_ids == ("1001",)
        assert [event.message_id for event in events(carrier, smsc)] == ["1001", "1001"]


async def test_no_door_is_open_over_http(carrier: SmppCarrier) -> None:
    with pytest.raises(BadSignature):
        carrier.check({}, b"{}", "secret")


async def test_a_receipt_that_comes_late_comes_over_the_next_link(carrier: SmppCarrier, smsc: Smsc) -> None:
    answer = await carrier.send(sms(), "tag")
    await smsc.order("drop")
    await until(lambda: not carrier.connected)
    await until(lambda: carrier.connected)
    assert await smsc.receipt(answer.message_ids[0]) == 0
    assert [event.message_id for event in events(carrier, smsc)] == list(answer.message_ids)


async def test_a_store_that_takes_its_time_holds_up_nothing_and_is_waited_for_at_the_end(smsc: Smsc) -> None:
    async with running_carrier(smsc) as carrier:
        smsc.store.gate.clear()
        receipts = [asyncio.create_task(smsc.receipt(f"m{n}")) for n in range(20)]
        await until(lambda: smsc.store.tried == 20)
        assert (await carrier.send(sms(), "tag")).outcome is Outcome.ACCEPTED
        stopping = asyncio.create_task(carrier.stop(grace=5))
        await until(lambda: not carrier.connected)
        smsc.store.gate.set()
        await stopping
        assert await asyncio.gather(*receipts) == [0] * 20
    assert len(smsc.store.bodies) == 20
