"""Whom a word that came by SMS suppresses: the accounts of this gateway that wrote to the number by that carrier."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from notice_support import SMS_ALONE, START
from storage_support import Shop, fresh_database, ids, new_notice, shop
from todoke.actions.opt_outs import SENDER_REMEMBERED, Heard, hear
from todoke.actions.proofs import Found
from todoke.actions.suppressions import Wanted, suppress
from todoke.carriers import EventKind, InboundEvent
from todoke.core.binding import Link, Way
from todoke.core.notice import Due, step
from todoke.core.routing import Facts, SmsRoute
from todoke.core.suppression import Cause, Scope
from todoke.storage import bind_links, notice_changes, notices
from todoke.storage import suppressions as store
from todoke.storage.bind_links import StoredLink
from todoke.storage.database import Database

NUMBER = "+886912345678"
DAY = 86_400_000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with fresh_database("sqlite", tmp_path) as made:
        yield made


async def account(database: Database, *, carrier: str | None = None, at: int = START) -> Shop:
    """An account with a notice to the number; with `carrier` an SMS went to that."""
    async with database.write() as tx:
        made = await shop(tx, steps=SMS_ALONE)
        await notices.insert_new(tx, [new_notice(made, created_at=at, due_at=at)])
        if carrier is None:
            return made
        row = (await notices.load_due(tx, made.channel_id, 0, at, 10))[0]  # type: ignore[arg-type]
        (loaded,) = await notices.assemble(tx, [row], {made.policy_id: made.policy})
        facts = Facts(country="TW", sms=(SmsRoute(carrier),))
        moved, attempt = step(loaded.notice, Due(facts, ids.new()), at)
        assert attempt is not None
        await notice_changes.save(tx, [(loaded.notice, moved)])
    return made


def word(text: str, at: int = START, carrier: str = "alpha/replies", number: str = NUMBER) -> Found:
    event = InboundEvent(id=ids.new(), kind=EventKind.SMS, at=at, number=number, text=text)
    return Found(event, carrier, None)


async def says(database: Database, *found: Found, now: int = START) -> Heard:
    async with database.write() as tx:
        return await hear(tx, found, now, ids)


async def held(database: Database, *shops: Shop) -> list[bool]:
    """Whether each account sends no SMS to the number."""
    async with database.read() as tx:
        return [
            Scope.SMS in (await store.scopes_of(tx, x.account_id, [NUMBER])).get(NUMBER, set()) for x in shops
        ]


async def test_every_account_that_sent_by_this_carrier_is_told_and_no_other(database: Database) -> None:
    first, second = await account(database, carrier="alpha"), await account(database, carrier="alpha")
    other, none = await account(database, carrier="beta"), await account(database)
    came = await says(database, word("STOP"))
    assert (came.suppressed, came.nowhere) == (2, 0)
    assert await held(database, first, second, other, none) == [True, True, False, False]


async def test_over_smpp_the_carrier_is_called_the_same(database: Database) -> None:
    first = await account(database, carrier="relay")
    await says(database, word("停止", carrier="relay"))
    assert await held(database, first) == [True]


async def test_after_90_days_every_account_with_a_notice_to_the_number_is_told(database: Database) -> None:
    old, other = await account(database, carrier="alpha"), await account(database)
    assert (await says(database, word("STOP"), now=START + SENDER_REMEMBERED)).suppressed == 2
    assert await held(database, old, other) == [True, True]


async def test_one_day_before_only_who_sent_is_told(database: Database) -> None:
    old, other = await account(database, carrier="alpha"), await account(database)
    await says(database, word("STOP"), now=START + SENDER_REMEMBERED - DAY)
    assert await held(database, old, other) == [True, False]


async def test_a_number_that_nobody_knows_is_counted_and_changes_nothing(database: Database) -> None:
    made = await account(database, carrier="alpha")
    came = await says(database, word("STOP", number="+886987654321"))
    assert (came.suppressed, came.nowhere) == (0, 1)
    assert await held(database, made) == [False]


async def test_words_count_in_the_order_in_which_they_were_said(database: Database) -> None:
    made = await account(database, carrier="alpha")
    await says(database, word("START", START + 2), word("STOP", START + 1), now=START + 5)
    assert await held(database, made) == [False]
    await says(database, word("STOP", START + 6), word("START", START + 5), now=START + 9)
    assert await held(database, made) == [True]


async def test_a_word_takes_back_only_what_was_said_to_the_same_carrier(database: Database) -> None:
    made = await account(database, carrier="alpha")
    await says(database, word("STOP"))
    await says(database, word("START", START + 1, "beta/replies"), now=START + 1)
    assert await held(database, made) == [True]
    came = await says(database, word("START", START + 1), now=START + 1)
    assert (came.released, await held(database, made)) == (1, [False])


async def test_an_opt_out_that_the_business_told_is_not_taken_back_by_a_word(database: Database) -> None:
    made = await account(database, carrier="alpha")
    told = Wanted(number=NUMBER, scope=Scope.SMS, reason=Cause.OPT_OUT, by="key sms:alpha")
    async with database.write() as tx:
        await suppress(tx, made.account_id, [told], START, ids)
    await says(database, word("START", START + 1), now=START + 1)
    assert await held(database, made) == [True]


async def test_the_persons_word_takes_the_place_of_what_the_business_decided(database: Database) -> None:
    made = await account(database, carrier="alpha")
    async with database.write() as tx:
        wanted = Wanted(number=NUMBER, scope=Scope.SMS, by="key x")
        await suppress(tx, made.account_id, [wanted], START, ids)
    assert (await says(database, word("STOP"))).suppressed == 1
    assert (await says(database, word("STOP"))).suppressed == 0
    async with database.read() as tx:
        (stands,) = await store.standing(tx, made.account_id, [NUMBER])
        assert (stands.reason, stands.note) == (Cause.OPT_OUT, "STOP, by SMS to alpha")
        assert len(await store.of_number(tx, made.account_id, NUMBER, 10)) == 2


async def test_a_later_one_in_the_same_call_may_outweigh_an_earlier_one(database: Database) -> None:
    made = await account(database)
    wanted = [
        Wanted(number=NUMBER, reason=reason, by="x")
        for reason in (Cause.MANUAL, Cause.OPT_OUT, Cause.COMPLAINT)
    ]
    async with database.write() as tx:
        done = await suppress(tx, made.account_id, wanted, START, ids)
        (stands,) = await store.standing(tx, made.account_id, [NUMBER])
    assert stands.reason is Cause.OPT_OUT
    assert [new for _, new in done.each] == [True, True, False]


async def test_accounts_do_not_see_each_others_suppressions(database: Database) -> None:
    one, other = await account(database), await account(database)
    async with database.write() as tx:
        done = await suppress(tx, one.account_id, [Wanted(number=NUMBER, by="x")], START, ids)
    async with database.read() as tx:
        assert await store.scopes_of(tx, one.account_id, [NUMBER]) == {NUMBER: {Scope.ALL}}
        assert await store.scopes_of(tx, other.account_id, [NUMBER]) == {}
        assert await store.get(tx, other.account_id, done.each[0][0].id) is None


async def test_who_answers_a_code_with_stop_is_heard_though_they_never_had_a_notice(
    database: Database,
) -> None:
    async with database.write() as tx:
        made, other = await shop(tx, steps=SMS_ALONE), await shop(tx, steps=SMS_ALONE)
        link = Link(id=ids.new(), way=Way.API, created_at=START, expires_at=START + DAY, number=NUMBER)
        sent = replace(link, code_at=START, codes_sent=1)
        await bind_links.insert_link(
            tx, StoredLink(link=sent, account_id=made.account_id, channel_id=made.channel_id)
        )
    late = START + SENDER_REMEMBERED + 1
    assert (await says(database, word("STOP", late), now=late)).nowhere == 1
    assert (await says(database, word("STOP"))).suppressed == 1
    assert await held(database, made, other) == [True, False]
