"""What grows with hostile or endless input, and what it costs: ids that nobody sent, notices to one number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from notice_support import START
from storage_support import PARCEL, ids, new_notice, shop
from todoke.actions import facts
from todoke.actions.facts import Asked, FactBook, Setup
from todoke.clock import SteppedClock
from todoke.core.durations import DAY, HOUR
from todoke.core.routing import Frequency, Policy, PolicyStep, Step
from todoke.core.template import compile as compile_template
from todoke.engine.housekeeping import KEEP_MESSAGE_IDS, Housekeeping
from todoke.storage import channels, message_ids, notices
from todoke.storage.database import Database
from todoke.storage.message_ids import Part


async def test_ids_that_carriers_named_are_dropped_when_no_receipt_can_come_any_more(
    database: Database, tmp_path: Path
) -> None:
    old = [Part(carrier="smsc", message_id=f"never-ours-{i}", stored_at=START) for i in range(1000)]
    ours = Part(carrier="smsc", message_id="ours", attempt_id="A" * 26, stored_at=START + DAY)
    async with database.write() as tx:
        await message_ids.put(tx, [*old, ours], [])
    clock = SteppedClock(START + KEEP_MESSAGE_IDS + 2 * HOUR)
    await Housekeeping(clock, database, tmp_path).step()
    async with database.read() as tx:
        left = await message_ids.find(tx, [("smsc", p.message_id) for p in [*old, ours]])
    assert set(left) == {("smsc", "ours")}


async def test_a_number_with_many_notices_is_counted_once_for_all_of_a_claim(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[Any, ...]] = []
    count_begun = notices.count_begun

    async def counting(tx: Any, *asked: Any) -> int:
        counted.append(asked)
        return await count_begun(tx, *asked)

    monkeypatch.setattr(facts.notice_store, "count_begun", counting)
    rules = tuple(Frequency(3, per * HOUR) for per in (1, 2, 24))
    policy = Policy((PolicyStep(Step.SMS),), frequency=rules)
    template = compile_template(PARCEL)
    setup = Setup(
        sms_routes=lambda _: (),
        sms_began=lambda _: None,
        every_number_is_a_test_number=True,
        bind_link=lambda attempt_id: f"https://notices.example.com/b/{attempt_id}",
    )
    async with database.write() as tx:
        at = await shop(tx)
        await notices.insert_new(tx, [new_notice(at) for _ in range(200)])
        channel = await channels.get_channel(tx, at.channel_id)
        assert channel is not None
        book = FactBook(channel, setup)
        asked = Asked(
            number="+886912345678", country="TW", template_id=ids.new(), template=template, policy=policy
        )
        await book.read(tx, [asked] * 200)
        forbidden = []
        for _ in range(200):
            known = await book.of(tx, asked, START)
            forbidden.append(known.facts.too_often)
            if known.facts.too_often is None:
                book.began(asked, None)
    assert len(counted) == len(rules)
    assert [why is None for why in forbidden] == [True] * 3 + [False] * 197
