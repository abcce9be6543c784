"""Codes by SMS: wrong ones, too many, carriers that are away; and a gateway that dies in the middle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bind_support import (
    ANNAS_NUMBER,
    Person,
    binder_of,
    bindings,
    link_for,
    person,
    token_of,
    up_to_code,
)
from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from routing_support import SmsProvider, opened, sms_providers
from todoke.actions import bind_links
from todoke.actions.bind_links import personal
from todoke.core.binding import Next, Way, Why
from todoke.ids import UlidIds
from todoke.storage import bind_links as store
from todoke.storage import bind_settings, channels
from todoke.storage.database import Database


class Shop:
    """A gateway with two SMS providers, a before b, and Anna, whose link waits for its code."""

    def __init__(self, gateway: RunningGateway, a: SmsProvider, b: SmsProvider, token: str) -> None:
        self.gateway = gateway
        self.a = a
        self.b = b
        self.token = token

    async def send(self) -> Any:
        return await binder_of(self.gateway).send_code(self.token)

    async def enter(self, order: dict[str, Any]) -> Any:
        """Enters the code that stands in an SMS."""
        return await binder_of(self.gateway).enter_code(self.token, Person.code_in(str(order["text"])))


@pytest.fixture
async def shop(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[Shop]:
    folder = tmp_path / "data"
    async with sms_providers("a", "b") as (a, b):
        a.declare(folder, "timeout: 500ms")
        b.declare(folder)
        async with opened(line, folder, sms_carrier="a,b") as gateway:
            anna = await person(gateway)
            await anna.adds_friend()
            token = await link_for(gateway, number=ANNAS_NUMBER)
            await up_to_code(gateway, token, anna)
            yield Shop(gateway, a, b, token)


async def test_where_one_carrier_surely_did_not_take_the_code_the_next_one_brings_it(shop: Shop) -> None:
    await shop.a.stop()
    assert (await shop.send()).why is None
    (order,) = shop.b.got
    assert (await shop.enter(order)).next is Next.DONE


async def test_where_no_carrier_takes_it_the_user_is_told_and_no_code_is_counted(shop: Shop) -> None:
    shop.a.behave = shop.b.behave = "no"
    for _ in range(4):
        view = await shop.send()
        assert (view.next, view.why, view.code_sent_at) == (Next.CODE, Why.SMS_FAILED, None)
        assert (await shop.send()).why is Why.TOO_SOON
        await shop.gateway.advance("61s")
    shop.a.behave = "ok"
    assert (await shop.send()).why is None
    assert (await shop.enter(shop.a.got[-1])).next is Next.DONE


async def test_a_carrier_that_does_not_answer_may_have_brought_it(shop: Shop) -> None:
    shop.a.behave = "silent"
    view = await shop.send()
    assert view.why is Why.SMS_UNKNOWN
    assert view.code_sent_at is not None
    assert shop.b.got == []
    assert (await shop.enter(shop.a.got[0])).next is Next.DONE


async def test_without_a_carrier_for_the_country_the_page_says_so(
    line: RunningEmulator, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    async with sms_providers("a", "b") as (a, _):
        a.declare(folder, "countries: [JP]")
        async with opened(line, folder, sms_carrier="a") as gateway:
            anna = await person(gateway)
            await anna.adds_friend()
            token = await link_for(gateway, number=ANNAS_NUMBER)
            await up_to_code(gateway, token, anna)
            view = await binder_of(gateway).send_code(token)
            assert (view.next, view.why) == (Next.CODE, Why.NO_SMS)
            assert a.got == []


async def test_the_code_stands_nowhere_as_it_is(shop: Shop) -> None:
    await shop.send()
    code = Person.code_in(str(shop.a.got[0]["text"]))
    async with Database(f"sqlite:///{shop.gateway.folder / 'todoke.db'}").read() as tx:
        found = await store.get_link(tx, await _id_of(shop.gateway))
    assert found is not None
    assert found.link.code is not None
    assert code not in found.link.code
    assert len(found.link.code) == 64


async def _id_of(gateway: RunningGateway) -> str:
    (link,) = (await gateway.ok("GET", "/v1/bind-links", state="linked"))["bind_links"]
    return str(link["id"])


async def test_wrong_codes_end_the_link(shop: Shop) -> None:
    binder = binder_of(shop.gateway)
    assert (await binder.enter_code(shop.token, "123456")).why is Why.NO_CODE
    await shop.send()
    right = Person.code_in(str(shop.a.got[0]["text"]))
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for left in (4, 3, 2, 1):
        view = await binder.enter_code(shop.token, wrong)
        assert (view.why, view.tries_left) == (Why.WRONG_CODE, left)
        assert (await binder.enter_code(shop.token, "no code")).tries_left == left
    last = await binder.enter_code(shop.token, wrong)
    assert (last.next, last.why) == (Next.SORRY, Why.TOO_MANY_TRIES)
    assert (await binder.enter_code(shop.token, right)).why is Why.TOO_MANY_TRIES
    assert await bindings(shop.gateway) == []


class Killed(BaseException):
    """The process dies here."""


async def test_a_gateway_that_died_before_the_sms_left_lets_the_user_ask_again(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with opened(line, tmp_path / "data") as gateway:
        anna = await person(gateway)
        await anna.adds_friend()
        token = await link_for(gateway, number=ANNAS_NUMBER)
        await up_to_code(gateway, token, anna)
        binder = binder_of(gateway)

        async def dies(*_: Any) -> Any:
            raise Killed

        binder.binder._sender.send = dies  # type: ignore[method-assign]
        with pytest.raises(Killed):
            await binder.send_code(token)
    async with running_gateway(line, tmp_path / "data") as gateway:
        view = await binder_of(gateway).open(token)
        assert (view.next, await anna.sms()) == (Next.CODE, [])
        assert (await binder_of(gateway).send_code(token)).why is Why.TOO_SOON
        await gateway.advance("61s")
        assert (await binder_of(gateway).send_code(token)).why is None
        assert (await binder_of(gateway).enter_code(token, await anna.code())).next is Next.DONE


async def test_a_greeting_that_was_due_when_the_gateway_died_is_made_by_its_successor(
    line: RunningEmulator, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    async with opened(line, folder) as gateway:
        await gateway.ok("PUT", "/v1/channels/Parcels/binding", {"greets": False})
        anna = await person(gateway)
        await anna.adds_friend()
        await gateway.ok("PUT", "/v1/channels/Parcels/binding", {"greets": True})
        now = gateway.app.state.services.clock.now()
    database = Database(f"sqlite:///{folder / 'todoke.db'}")
    async with database.write() as tx:
        (channel,) = await channels.list_channels(tx)
        settings = await bind_settings.settings_of(tx, channel.id)
        made = await personal(tx, channel, settings, anna.user_id, Way.FOLLOW, now, UlidIds())
        assert made is not None
        await store.set_greeting(tx, made.link.id, now, None, None)
        assert isinstance(await bind_links.place_of(tx, made.link.id), bind_links.Place)
    await database.close()
    assert await anna.chat() == []
    async with running_gateway(line, folder) as gateway:
        anna.gateway = gateway
        await gateway.settle()
        assert len(await anna.chat()) == 1
        assert (await binder_of(gateway).open(token_of(await anna.button()))).next is Next.AGREE
