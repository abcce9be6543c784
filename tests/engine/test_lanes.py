"""Carriers that do not wait for each other."""

from __future__ import annotations

import asyncio

from engine_house import House, until
from notice_support import SMS_ALONE, START, policy
from storage_support import ids, new_notice
from todoke.carriers import LineNotification, LinePush, Posting, SmsMessage
from todoke.core.outcome import Answer
from todoke.core.standing import Lane
from todoke.storage import content, notices
from todoke.storage.content import PolicyRow
from todoke.storage.lookup import encode_policy

MOST = 256
"""What is claimed of a lane at most, of a channel at LINE's rate."""


async def test_an_sms_carrier_that_does_not_answer_holds_up_sms_and_not_line(house: House) -> None:
    shop = await house.open()
    carrier, answers = house.carrier, asyncio.Event()
    send = carrier.send

    async def slow_for_sms(message: LineNotification | LinePush | Posting | SmsMessage, tag: str) -> Answer:
        if isinstance(message, SmsMessage):
            await answers.wait()
        return await send(message, tag)

    carrier.send = slow_for_sms  # type: ignore[method-assign]
    async with house.database.write() as tx:
        sms = PolicyRow(
            id=ids.new(),
            account_id=shop.account_id,
            name=None,
            version=1,
            digest="1" * 64,
            spec=encode_policy(policy(*SMS_ALONE)),
            created_at=START,
        )
        await content.insert_policy(tx, sms)
        by_sms = [new_notice(shop, policy_id=sms.id, lane=Lane.OTHER) for _ in range(2 * MOST)]
        await notices.insert_new(tx, by_sms)
    over_line = await house.ask(MOST + 100)
    engine = house.engine()
    await engine.start()
    try:
        await until(lambda: len(carrier.sent) == len(over_line))
        assert len(carrier.tokens) == len(over_line), "all of LINE's have left, and no SMS was answered"
    finally:
        answers.set()
    await until(lambda: len(carrier.sent) == len(over_line) + len(by_sms))
    assert len(set(carrier.sent)) == len(carrier.sent)
