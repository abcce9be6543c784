"""Populations by rates and a seed: their shares, and how little room they take before and after they are touched."""

from __future__ import annotations

import gc
import hashlib
import tracemalloc
from collections import Counter
from collections.abc import Callable

import pytest

from emulator_support import RunningEmulator
from line_emulator.world import World, handle, numbers
from line_emulator.world.bodies import LONGEST_IN_PACK, Pack
from line_emulator.world.commands import AddChannel, AddPopulation, SendTemplate
from line_emulator.world.ledger import TEMPLATE_PATH, Ledger, Row
from line_emulator.world.population import Population, Rates
from world_support import START, Town


def people(count: int, rates: Rates | None = None, prefix: str = "+88691") -> Population:
    return Population(count=count, seed=5, prefix=prefix, digits=7, rates=rates, created_at=START)


def bytes_of(work: Callable[[], object]) -> int:
    """How much memory is in use after the work that was not before."""
    gc.collect()
    tracemalloc.start()
    try:
        kept = work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        del kept


def test_a_user_that_nobody_touched_costs_at_most_60_bytes() -> None:
    count = 40_000

    def asked_for_everybody() -> World:
        world = World()
        handle(world, AddPopulation(people(count)), START)
        for index in range(0, count, 50):
            phone = f"+88691{index:07d}"
            found = world.people.find(numbers.digest(phone))
            assert found is not None
            assert found.phone == phone
            assert world.people.find_phone(phone) is not None
            assert world.people.find_user_id(numbers.user_id(found.number, "default"), "default") is not None
        assert world.people.by_digest == {}
        return world

    assert bytes_of(asked_for_everybody) <= 60 * count


def test_a_user_who_got_a_notification_costs_at_most_1100_bytes() -> None:
    count = 5_000
    items = [{"itemKey": f"example_{number}", "content": "a content of usual length"} for number in range(6)]
    body = {"templateKey": "example_delivery", "body": {"items": items}}
    raw = repr(body).encode()

    def sent_to_everybody() -> World:
        town = Town()
        handle(town.world, AddPopulation(people(count)), START)
        for index in range(count):
            to = hashlib.sha256(b"+88691%07d" % index).hexdigest()
            command = SendTemplate(
                town.channel,
                {"to": to, **body},
                b"%d %b" % (index, raw),
                f"a-tag-of-usual-length-{index}",
                index,
            )
            assert handle(town.world, command, START + 1000 + index).problem is None
        assert town.fates == ["delivered"] * count
        return town.world

    assert bytes_of(sent_to_everybody) <= 1100 * count


def test_rates_come_out_and_the_same_seed_gives_the_same_people() -> None:
    rates = Rates(old_app=0.3, languages={"ja": 0.2, "th": 0.1}, sms_unreachable=0.1, agree=0.6, not_set=0.3)
    population = people(5000, rates)
    traits = [population.traits(index) for index in range(5000)]
    assert traits == [people(5000, rates).traits(index) for index in range(5000)]
    shares = Counter(trait.language for trait in traits)
    assert 900 < shares["ja"] < 1100
    assert 420 < shares["th"] < 580
    assert 1350 < sum(trait.old_app for trait in traits) < 1650
    assert 2850 < Counter(trait.reception for trait in traits)["agree"] < 3150
    assert 420 < sum(not trait.sms_reachable for trait in traits) < 580


def test_rates_for_languages_and_versions_leave_all_other_traits_as_they_are() -> None:
    mixed = people(300, Rates(old_app=0.5, languages={"ja": 0.5}, friend=0.5))
    plain = people(300, Rates(friend=0.5))
    for index in range(300):
        left, right = mixed.traits(index), plain.traits(index)
        assert (left.friend, left.reception, left.verified) == (right.friend, right.reception, right.verified)


async def test_a_population_has_its_languages_and_old_apps(emulator: RunningEmulator) -> None:
    body = {"count": 50, "seed": 1, "prefix": "+88691", "digits": 7}
    rates = {"languages": {"ja": 0.5}, "old_app": 0.5}
    await emulator.control("POST", "/population", {**body, "rates": rates})
    users = (await emulator.control("GET", "/users"))["users"]
    assert {user["language"] for user in users} == {"ja", "zh-Hant"}
    assert {user["app_version"] for user in users} == {"15.9.0", "15.8.0"}


@pytest.mark.parametrize(
    "rates",
    [
        {"languages": {"ja": 1.5}},
        {"languages": {"ja": 0.6, "th": 0.6}},
        {"languages": {"xx": 0.1}},
        {"languages": {"ja": "much"}},
        {"old_app": -1},
    ],
)
async def test_rates_that_make_no_sense_are_refused(
    emulator: RunningEmulator, rates: dict[str, object]
) -> None:
    body = {"count": 5, "seed": 1, "prefix": "+88691", "digits": 7, "rates": rates}
    assert (await emulator.control("POST", "/population", body, 400))["message"]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", range(2500)),
        ("+", range(2500)),
        ("+88691", range(2500)),
        ("+886910001", range(1000, 2000)),
        ("+8869100012", range(1200, 1300)),
        ("+886910000007", range(7, 8)),
        ("+8869100000077", range(0)),
        ("+886910002", range(2000, 2500)),
        ("+886919", range(0)),
        ("+88692", range(0)),
        ("+88691x", range(0)),
    ],
)
def test_the_users_of_a_population_whose_number_begins_so(prefix: str, expected: range) -> None:
    population = people(2500)
    found = population.indexes_of(prefix)
    assert list(found) == list(expected)
    assert list(found) == [index for index in range(2500) if population.phone(index).startswith(prefix)]


def test_a_user_made_by_hand_at_an_unregistered_number_is_listed_once() -> None:
    town = Town()
    handle(town.world, AddPopulation(people(10, Rates(registered=0.0), prefix="+88698")), START)
    assert [account.phone for _, account in town.world.people.everybody()] == [town.account.phone]


def test_bodies_come_out_of_packs_as_they_went_in() -> None:
    bodies = [b"%d" % number * number for number in range(100)]
    pack, packs, places = Pack(), [], []
    for body in bodies:
        places.append(pack.add(body))
        packs.append(pack)
        if pack.full:
            pack = Pack()
    assert [kept.get(place) for kept, place in zip(packs, places, strict=True)] == bodies
    assert len(set(packs)) == 4


def test_the_ledger_keeps_every_body_whatever_its_length() -> None:
    ledger = Ledger()
    bodies = [b"", b"x", b"y" * LONGEST_IN_PACK, b"z" * (LONGEST_IN_PACK + 1), *[b"same"] * 70]
    for number, body in enumerate(bodies):
        ledger.add(Row(number, "2000000001", TEMPLATE_PATH, 202, None, b"", START, "delivered", body))
    ledger.add(Row(0, "2000000001", TEMPLATE_PATH, 422, None, b"", START, "rejected"))
    assert [row.body for row in ledger.rows] == [*bodies, None]


def test_a_notification_lies_in_the_chats_of_a_touched_member_and_of_nobody_else() -> None:
    town = Town()
    handle(town.world, AddChannel(town.channel), START)
    handle(town.world, AddPopulation(people(100, prefix="+88698")), START)
    town.send("+886980000042")
    assert list(town.world.people.by_digest)[1:] == [numbers.digest("+886980000042")]
    account = town.world.people.find_phone("+886980000042")
    assert account is not None
    assert [(entry.chat, entry.kind) for entry in account.entries] == [
        ("line", "system_received"),
        (town.channel.channel_id, "notification"),
    ]
