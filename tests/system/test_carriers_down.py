"""Two SMS providers, either of which may be away, in doubt or say no; and receipts that are not as they should be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway
from routing_support import PHONE, SmsProvider, ended, later, opened, send_each, skipped, sms_providers
from todoke.engine.sms_carriers import DOWN_AFTER

SMS_ALONE = {"steps": [{"step": "sms"}]}
SMS_THEN_LINE = {"steps": [{"step": "sms", "wait": "1m"}, {"step": "line_notification", "wait": "24h"}]}


class Shop:
    """A gateway and its two SMS providers, a before b."""

    def __init__(self, gateway: RunningGateway, a: SmsProvider, b: SmsProvider) -> None:
        self.gateway = gateway
        self.a = a
        self.b = b

    async def send(self, policy: Any = SMS_ALONE, to: str = PHONE) -> Any:
        """A notice, and what has become of it now."""
        notice_id = await self.gateway.send(to, policy)
        await self.gateway.settle()
        return await self.gateway.notice(notice_id)

    async def metric(self, name: str) -> float:
        _, text = await self.gateway.call("GET", "/metrics")
        return float(next(x.split()[1] for x in text.splitlines() if x.startswith(f"{name} ")))


@asynccontextmanager
async def shops(line: RunningEmulator, folder: Path, *only_a: str) -> AsyncIterator[Shop]:
    """`only_a`: lines that a's declaration has beside the usual."""
    async with sms_providers("a", "b") as (a, b):
        a.declare(folder, *only_a)
        b.declare(folder)
        async with opened(line, folder, sms_carrier="a,b") as gateway:
            a.serves(gateway)
            b.serves(gateway)
            yield Shop(gateway, a, b)


@pytest.fixture
async def shop(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[Shop]:
    async with shops(line, tmp_path / "data") as made:
        yield made


def routes(notice: Any) -> list[tuple[str, str]]:
    """Each SMS attempt as carrier and outcome."""
    return [(a["carrier"], a["outcome"]) for a in notice["attempts"] if a["step"] == "sms"]


# Failover


async def test_where_a_is_down_b_takes_it_at_once_and_a_gets_it_no_more(shop: Shop) -> None:
    await shop.a.stop()
    notice = await shop.send()
    assert routes(notice) == [("a", "failed"), ("b", "accepted")]
    assert [later(a["at"]) for a in notice["attempts"]] == ["0:00:00", "0:00:00"]
    assert "could not connect" in notice["attempts"][0]["detail"]
    (order,) = shop.b.got
    assert (order["to"], order["ref"]) == (PHONE, notice["attempts"][1]["delivery_tag"])
    assert order["receipts"].endswith("/sms/b/receipts")
    await shop.a.start()
    assert await shop.b.receipt(order) == 200
    await shop.gateway.advance("4d")
    notice = await shop.gateway.notice(notice["id"])
    assert (ended(notice)[0], routes(notice)) == ("delivered", [("a", "failed"), ("b", "delivered")])
    assert (len(shop.a.got), len(shop.b.got)) == (0, 1)


@pytest.mark.parametrize("trouble", ["silent", "broken"])
async def test_what_a_may_have_taken_never_goes_to_b(
    line: RunningEmulator, tmp_path: Path, trouble: str
) -> None:
    async with shops(line, tmp_path / "data", "timeout: 500ms") as shop:
        shop.a.behave = trouble
        notice = await shop.send()
        assert (routes(notice), notice["state"]) == ([("a", "unknown")], "waiting")
        shop.a.behave = "ok"
        await shop.gateway.advance("4d")
        notice = await shop.gateway.notice(notice["id"])
        assert (routes(notice), ended(notice)) == (
            [("a", "unknown")],
            ("not_delivered", "unknown", "3 days, 0:00:00"),
        )
        assert (len(shop.a.got), len(shop.b.got)) == (1, 0)


async def test_what_a_had_taken_although_it_did_not_answer_is_proven_by_its_receipt(shop: Shop) -> None:
    shop.a.behave = "broken"
    notice = await shop.send()
    await shop.gateway.advance("1h")
    assert await shop.a.receipt(shop.a.got[0]) == 200
    await shop.gateway.settle()
    notice = await shop.gateway.notice(notice["id"])
    assert (routes(notice), ended(notice)) == ([("a", "delivered")], ("delivered", None, "1:00:01"))


@pytest.mark.parametrize("no", ["no", "refuse"], ids=["400", "200 with its own no"])
async def test_what_a_says_no_to_goes_to_b_at_once(shop: Shop, no: str) -> None:
    shop.a.behave = no
    notice = await shop.send()
    assert routes(notice) == [("a", "failed"), ("b", "accepted")]
    assert [later(a["at"]) for a in notice["attempts"]] == ["0:00:00", "0:00:00"]
    assert (len(shop.a.got), len(shop.b.got)) == (1, 1)
    # A no to one message says nothing of the next.
    for _ in range(DOWN_AFTER):
        notice = await shop.send()
        assert routes(notice) == [("a", "failed"), ("b", "accepted")]


async def test_where_both_say_no_the_next_step_goes_at_once(shop: Shop) -> None:
    shop.a.behave = shop.b.behave = "no"
    await shop.gateway.emulator.user(PHONE)
    notice = await shop.send(SMS_THEN_LINE)
    assert [(a["step"], a["outcome"], later(a["at"])) for a in notice["attempts"]] == [
        ("sms", "failed", "0:00:00"),
        ("sms", "failed", "0:00:00"),
        ("line_notification", "delivered", "0:00:00"),
    ]
    assert (len(shop.a.got), len(shop.b.got)) == (1, 1)


async def test_after_five_misses_a_is_asked_no_more_and_b_takes_all(shop: Shop) -> None:
    await shop.a.stop()
    for i in range(DOWN_AFTER):
        assert routes(await shop.send()) == [("a", "failed"), ("b", "accepted")], i
    for _ in range(3):
        assert routes(await shop.send()) == [("b", "accepted")]
    # While a is down and b says no, a is tried all the same.
    shop.b.behave = "no"
    assert routes(await shop.send())[:2] == [("b", "failed"), ("a", "failed")]


async def test_a_that_comes_back_before_it_counts_as_down_is_the_first_again(shop: Shop) -> None:
    await shop.a.stop()
    for _ in range(DOWN_AFTER - 1):
        await shop.send()
    await shop.a.start()
    for _ in range(2):
        assert routes(await shop.send()) == [("a", "accepted")]
    assert (len(shop.a.got), len(shop.b.got)) == (2, DOWN_AFTER - 1)


async def test_many_at_once_all_go_to_b_once_each_while_a_is_down(shop: Shop) -> None:
    await shop.a.stop()
    people = [f"+8869123456{i:02}" for i in range(60)]
    ids = await send_each(shop.gateway, people, SMS_ALONE)
    await shop.gateway.settle()
    for notice_id in ids:
        assert routes(await shop.gateway.notice(notice_id))[-1] == ("b", "accepted")
    assert sorted(order["to"] for order in shop.b.got) == people


async def test_a_carrier_gets_only_the_countries_it_delivers_to(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with shops(line, tmp_path / "data", "countries: [TW, TH]") as shop:
        shop.b.behave = "no"
        tw = await shop.send(to="+886912345678")
        jp = await shop.send(to="+819012345678")
    assert routes(tw) == [("a", "accepted")]
    assert routes(jp) == [("b", "failed")]
    assert ended(jp)[:2] == ("not_delivered", "failed"), "a was never an alternative"
    assert [order["to"] for order in shop.a.got] == ["+886912345678"]


async def test_a_country_without_a_carrier_skips_the_step_and_says_so(
    line: RunningEmulator, tmp_path: Path
) -> None:
    async with sms_providers("a") as (a,):
        a.declare(tmp_path / "data", "countries: [TW]")
        async with opened(line, tmp_path / "data", sms_carrier="a") as gateway:
            notice_id = await gateway.send("+819012345678", SMS_ALONE)
            await gateway.settle()
            notice = await gateway.notice(notice_id)
    assert ended(notice)[:2] == ("refused", "no_step")
    assert skipped(notice) == {"sms": "no SMS carrier is set up that delivers to JP"}


async def test_with_both_down_it_is_tried_with_growing_pauses_until_the_wait_is_over(shop: Shop) -> None:
    await shop.a.stop()
    await shop.b.stop()
    await shop.gateway.emulator.user(PHONE)
    notice_id = await shop.gateway.send(PHONE, SMS_THEN_LINE)
    await shop.gateway.advance("2m")
    notice = await shop.gateway.notice(notice_id)
    *sms, last = notice["attempts"]
    # Both at once, then 1, 2, 4 … seconds after the try before; the next would come after the wait.
    assert [(a["carrier"], later(a["at"])) for a in sms] == [
        (carrier, f"0:00:{seconds:02}") for seconds in (0, 1, 3, 7, 15, 31) for carrier in ("a", "b")
    ]
    assert {a["outcome"] for a in sms} == {"failed"}
    assert (last["step"], later(last["at"])) == ("line_notification", "0:01:00")
    assert ended(notice) == ("delivered", None, "0:01:00")


async def test_with_both_down_the_first_to_come_back_takes_it(shop: Shop) -> None:
    await shop.a.stop()
    await shop.b.stop()
    notice_id = await shop.gateway.send(PHONE, SMS_ALONE)
    await shop.gateway.advance("10s")
    await shop.b.start()
    await shop.gateway.advance("10s")
    notice = await shop.gateway.notice(notice_id)
    assert routes(notice)[-1] == ("b", "accepted")
    await shop.gateway.advance("10m")
    assert len((await shop.gateway.notice(notice_id))["attempts"]) == len(notice["attempts"])
    assert len(shop.b.got) == 1


# Receipts


async def test_a_receipt_for_an_unknown_message_is_answered_counted_and_changes_nothing(shop: Shop) -> None:
    notice = await shop.send()
    (order,) = shop.a.got
    before = await shop.metric("todoke_events_unknown_total")
    assert await shop.a.receipt(order | {"ref": "01AAAAAAAAAAAAAAAAAAAAAAAA"}) == 200
    assert await shop.a.receipt(order | {"ref": "x" * 90, "id": "other"}, "UNDELIV") == 200
    await shop.gateway.settle()
    assert await shop.metric("todoke_events_unknown_total") == before + 2
    assert await shop.gateway.notice(notice["id"]) == notice


async def test_a_receipt_without_the_token_or_with_a_wrong_one_is_refused(shop: Shop) -> None:
    notice = await shop.send()
    (order,) = shop.a.got
    assert await shop.a.receipt(order | {"token": "wrong"}) == 401
    await shop.gateway.settle()
    assert await shop.gateway.notice(notice["id"]) == notice


async def test_a_receipt_that_comes_twice_counts_once(shop: Shop) -> None:
    notice = await shop.send()
    (order,) = shop.a.got
    assert await shop.a.receipt(order) == 200
    await shop.gateway.settle()
    once = await shop.gateway.notice(notice["id"])
    assert (routes(once), once["state"]) == ([("a", "delivered")], "delivered")
    await shop.gateway.advance("1h")
    assert await shop.a.receipt(order) == 200
    await shop.gateway.settle()
    assert await shop.gateway.notice(notice["id"]) == once
    assert (await shop.gateway.ok("GET", "/v1/reports/funnel"))["steps"]["sms"] == {"delivered": 1}


async def test_of_two_receipts_that_contradict_each_other_the_first_final_one_counts(shop: Shop) -> None:
    notice = await shop.send()
    (order,) = shop.a.got
    for status in ("ENROUTE", "SOMETHING NEW", "DELIVRD", "UNDELIV"):
        assert await shop.a.receipt(order, status) == 200
        await shop.gateway.settle()
    notice = await shop.gateway.notice(notice["id"])
    assert (routes(notice), notice["state"]) == ([("a", "delivered")], "delivered")


async def test_a_receipt_that_overtakes_the_answer_is_the_proof_of_its_message(shop: Shop) -> None:
    shop.a.behave = "early"
    notice = await shop.send()
    assert (routes(notice), ended(notice)) == ([("a", "delivered")], ("delivered", None, "0:00:00"))
    assert (notice["attempts"][0]["status"], notice["attempts"][0]["open"]) == (200, False)
    assert (len(shop.a.got), len(shop.b.got)) == (1, 0)


async def test_a_failed_receipt_lets_the_next_step_go_at_once(shop: Shop) -> None:
    await shop.gateway.emulator.user(PHONE)
    notice = await shop.send({"steps": [{"step": "sms", "wait": "1h"}, {"step": "line_notification"}]})
    (order,) = shop.a.got
    await shop.gateway.advance("10m")
    assert await shop.a.receipt(order, "UNDELIV") == 200
    await shop.gateway.settle()
    notice = await shop.gateway.notice(notice["id"])
    assert [(a["step"], a["outcome"], later(a["at"])) for a in notice["attempts"]] == [
        ("sms", "failed", "0:00:00"),
        ("line_notification", "delivered", "0:10:01"),
    ]
    assert len(shop.b.got) == 0, "the recipient could not be reached: another carrier is not asked"
