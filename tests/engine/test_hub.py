"""The hub passes on what LINE posts: whole, in order for each user, each target at its own pace, nothing lost."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator

import pytest
import structlog
from aiohttp import web
from linebot.v3.webhook import SignatureValidator

from engine_house import SEAL, House, until
from hub_support import (
    PLACE,
    SECRET,
    HubHouse,
    System,
    event,
    hub_house,
    pass_time,
    running_system,
    settle,
    webhook,
)
from notice_support import START
from storage_support import ids
from todoke.actions import hub as actions
from todoke.actions.hub import FAILING, TargetChange
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.core.hub import MOST_OPEN, WINDOW
from todoke.engine.housekeeping import Housekeeping
from todoke.storage import alarms, audit, inbox
from todoke.storage import hub as store
from todoke.storage.audit import Entry


@pytest.fixture
async def hubs(house: House) -> AsyncIterator[HubHouse]:
    async with hub_house(house) as made:
        yield made


@pytest.fixture
async def bot() -> AsyncIterator[System]:
    async with running_system() as system:
        yield system


@pytest.fixture
async def crm() -> AsyncIterator[System]:
    async with running_system() as system:
        yield system


async def standing(hubs: HubHouse) -> list[str]:
    async with hubs.database.read() as tx:
        return [a.about for a in await alarms.standing(tx) if a.kind == FAILING]


async def test_every_target_gets_what_line_posted_byte_for_byte_and_with_its_signature(
    hubs: HubHouse, bot: System, crm: System
) -> None:
    first = await hubs.target(bot.url, headers={"X-Tenant": "shop"})
    await hubs.target(crm.url, "crm")
    body = '{"destination":"U1", "events": [ {"type":"message","text":"包裹 🚚 \\u5305"} ] }\n'.encode()
    await hubs.post(body)
    await settle(hubs.hub())
    for system in (bot, crm):
        ((headers, got),) = system.got
        assert got == body
        assert SignatureValidator(SECRET).validate(got.decode(), headers["x-line-signature"])
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert headers["user-agent"].startswith("todoke/")
        assert headers["todoke-try"] == "1"
        assert "todoke-replay" not in headers
    assert bot.got[0][0]["x-tenant"] == "shop"
    assert "x-tenant" not in crm.got[0][0]
    assert bot.got[0][0]["todoke-target"] == first.id
    found = await hubs.state(first)
    assert (found.taken, found.skipped, found.last_taken_at, found.failing_since) == (1, 0, START, None)
    assert (found.position, found.unfinished) == (1, "[]")


async def test_a_target_begins_with_what_comes_after_it_was_made(hubs: HubHouse, bot: System) -> None:
    await hubs.events([1])
    await hubs.target(bot.url)
    await hubs.events([2])
    await settle(hubs.hub())
    assert bot.numbers() == [2]


async def test_a_request_goes_on_whole_if_any_of_its_events_is_wanted(hubs: HubHouse, bot: System) -> None:
    target = await hubs.target(bot.url, types=["message"])
    wanted = webhook(event(1, "U1", type="follow"), event(2, "U2"))
    await hubs.post(webhook(event(3, type="delivery")), wanted, webhook())
    await settle(hubs.hub())
    assert bot.bodies == [wanted]
    found = await hubs.state(target)
    assert (found.position, found.taken) == (3, 1)


async def test_what_can_t_be_read_is_passed_on_whatever_is_wanted(hubs: HubHouse, bot: System) -> None:
    await hubs.target(bot.url, types=["message"])
    odd = [b"no JSON", b'{"events": 1}', b"[" * 100_000, b'\xff\xfe{"events":[]}']
    await hubs.post(*odd)
    await hubs.post(b'{"events":[{"type":"message","source":7},{"type":"follow","source":{"userId":[]}}]}')
    await settle(hubs.hub())
    assert sorted(bot.bodies)[: len(odd)] == sorted([*odd, bot.bodies[-1]])[: len(odd)]
    assert len(bot.bodies) == len(odd) + 1


async def test_other_channels_and_those_of_other_processes_are_left_alone(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    first = hubs.house.shop
    other = await hubs.house.open(line_channel_id="2")
    await hubs.post(webhook(event(1, "U1")), channel_id=other.channel_id)
    hubs.owns.all = False
    await hubs.post(webhook(event(2, "U1")), channel_id=first.channel_id)
    hub = hubs.hub()
    await settle(hub)
    assert bot.got == []
    hubs.owns.all = True
    await settle(hub)
    assert bot.numbers() == [2]
    assert (await hubs.state(target)).taken == 1


async def test_each_user_s_events_come_in_order_and_never_two_requests_at_once(
    hubs: HubHouse, bot: System
) -> None:
    await hubs.target(bot.url)
    rnd = random.Random(1)
    users = [f"U{i}" for i in range(40)]
    bodies, number = [], 0
    for _ in range(400):
        some = []
        for _ in range(rnd.randint(1, 6)):
            number += 1
            some.append(event(number, rnd.choice(users)))
        bodies.append(webhook(*some))
    bot.delay = lambda: rnd.random() * 0.004
    out: set[str] = set()
    failed = iter([True, False, False, False] * 20)

    def answer(body: bytes) -> int:
        mine = {e["source"]["userId"] for e in json.loads(body)["events"]}
        assert mine <= out
        out.difference_update(mine)
        return 500 if next(failed, False) else 200

    take = bot.take

    async def watched(request: web.Request) -> web.Response:
        mine = {e["source"]["userId"] for e in json.loads(await request.read())["events"]}
        assert not mine & out, "two of one user at once"
        out.update(mine)
        return await take(request)

    bot.answer = answer
    bot.take = watched  # type: ignore[method-assign]
    async with running_system(before=bot):
        await hubs.post(*bodies)
        hub = hubs.hub()
        async with hubs.database.write() as tx:
            (target,) = await store.list_targets(tx)
            await store.update_target(tx, target.id, url=bot.url)
        await settle(hub)
        await pass_time(hubs, hub, START + HOUR)
    of_user = defaultdict(list)
    for e in bot.events:
        of_user[e["source"]["userId"]].append(e["number"])
    assert all(found == sorted(found) for found in of_user.values())
    assert sorted(bot.numbers()) == list(range(1, number + 1))
    assert bot.most_open > 2


async def test_a_slow_target_holds_up_no_other_and_gets_a_window_at_a_time(
    hubs: HubHouse, bot: System, crm: System
) -> None:
    await hubs.target(bot.url)
    await hubs.target(crm.url, "crm")
    crm.gate.clear()
    hub = hubs.hub()
    await hubs.events(range(300))
    running = asyncio.create_task(hub.run())
    await until(lambda: len(bot.taken) == 300)
    await until(lambda: crm.open == WINDOW)
    assert len(crm.got) == WINDOW
    crm.gate.set()
    await until(lambda: len(crm.taken) == 300)
    await hub.until_idle(hub.ask())
    hub.stop()
    await running
    assert crm.most_open <= WINDOW
    assert len(crm.got) == len(bot.got) == 300


async def test_it_counts_as_idle_only_when_what_is_out_is_answered(hubs: HubHouse, bot: System) -> None:
    target = await hubs.target(bot.url)
    bot.gate.clear()
    hub = hubs.hub()
    running = asyncio.create_task(hub.run())
    await hubs.events([1])
    hub.arrived()
    idle = asyncio.create_task(hub.until_idle(hub.ask()))
    await until(lambda: len(bot.got) == 1)
    assert not idle.done()
    bot.gate.set()
    await idle
    assert (await hubs.state(target)).taken == 1
    hub.stop()
    await running


async def test_a_dead_target_gets_all_its_own_when_it_is_back_and_holds_up_nobody(
    hubs: HubHouse, bot: System, crm: System
) -> None:
    await hubs.target(bot.url)
    async with running_system() as gone:
        dead = await hubs.target(gone.url, "dead")
    hub = hubs.hub()
    await hubs.events(range(MOST_OPEN * 2))
    await settle(hub)
    assert len(bot.taken) == MOST_OPEN * 2
    found = await hubs.state(dead)
    assert (found.failing_since, found.last_failed_at, found.last_status) == (START, START, None)
    assert "could not connect" in (found.last_detail or "")
    assert found.due_at == hub.due_at == START + SECOND
    async with hubs.database.read() as tx:
        lag = await store.lag(tx, found)
    assert (lag.requests, lag.oldest) == (MOST_OPEN * 2, START)
    await pass_time(hubs, hub, START + HOUR)
    assert (await hubs.state(dead)).tries > 10
    async with running_system(gone.port, gone):
        await pass_time(hubs, hub, START + HOUR + 6 * MINUTE)
        assert sorted(gone.numbers()) == list(range(MOST_OPEN * 2))
    found = await hubs.state(dead)
    assert (found.taken, found.failing_since, found.tries, found.unfinished) == (MOST_OPEN * 2, None, 0, "[]")
    assert hub.due_at is None


async def test_an_alarm_stands_from_a_quarter_of_an_hour_of_failing_until_it_is_back(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    bot.answer = lambda _: web.Response(status=500, text="customer Mei Lin not found")
    hub = hubs.hub()
    await hubs.events([1])
    await settle(hub)
    await pass_time(hubs, hub, START + 15 * MINUTE - 1)
    assert await standing(hubs) == []
    assert hub.due_at == START + 15 * MINUTE
    with structlog.testing.capture_logs() as lines:
        await pass_time(hubs, hub, START + 15 * MINUTE)
    assert [x["event"] for x in lines if x["event"].startswith("alarm")] == ["alarm.raised"]
    assert await standing(hubs) == [target.id]
    async with hubs.database.read() as tx:
        (alarm,) = await alarms.standing(tx)
    assert "15 minutes: it answered 500." in alarm.text
    assert "Mei Lin" not in f"{lines}{alarm}"
    assert "Mei Lin" in ((await hubs.state(target)).last_detail or "")
    assert hubs.told == 1
    again = hubs.hub()
    bot.answer = lambda _: 200
    await settle(again)
    assert await standing(hubs) == []
    assert bot.numbers() == [1]


async def test_a_body_that_is_refused_is_skipped_after_three_tries_and_shown(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    bad = webhook(event(1, "U1"))
    bot.answer = lambda body: web.Response(status=422, text="no such user") if body == bad else 200
    await hubs.post(bad, webhook(event(2, "U1")))
    hub = hubs.hub()
    await settle(hub)
    await pass_time(hubs, hub, START + MINUTE)
    assert bot.bodies == [bad, bad, bad, webhook(event(2, "U1"))]
    assert [h["todoke-try"] for h, _ in bot.got] == ["1", "2", "3", "1"]
    assert await hubs.skips(target) == [(1, 422)]
    found = await hubs.state(target)
    assert (found.taken, found.skipped, found.last_status) == (1, 1, 422)
    assert found.last_detail == "the target said no (no such user)"


async def test_a_refusal_never_shows_what_the_user_wrote(hubs: HubHouse, bot: System) -> None:
    target = await hubs.target(bot.url)
    bot.answer = lambda _: web.Response(status=400, text="can't take 'my secret parcel'")
    await hubs.post(webhook(event(1, "U1") | {"text": "my secret parcel"}))
    await settle(hubs.hub())
    assert (await hubs.state(target)).last_detail == "the target said no"


async def test_410_pauses_the_target_with_an_alarm_and_it_goes_on_when_it_is_resumed(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    bot.answer = lambda _: 410
    hub = hubs.hub()
    await hubs.events([1, 2], "U1")
    await settle(hub)
    found = await hubs.state(target)
    assert (found.paused_at, "410" in (found.paused_why or "")) == (START, True)
    assert await standing(hubs) == [target.id]
    assert (len(bot.got), hub.due_at) == (1, None)
    bot.answer = lambda _: 200
    async with hubs.database.write() as tx:
        await actions.resume_target(tx, found, START, ids)
    await settle(hub)
    assert bot.numbers() == [1, 2]
    assert await standing(hubs) == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_failures_and_are_not_followed(
    hubs: HubHouse, bot: System, crm: System, status: int
) -> None:
    target = await hubs.target(bot.url)
    bot.answer = lambda _: web.Response(status=status, headers={"Location": crm.url})
    await hubs.events([1])
    await settle(hubs.hub())
    assert crm.got == []
    found = await hubs.state(target)
    assert (found.last_status, found.failing_since) == (status, START)
    assert "redirects are not followed" in (found.last_detail or "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "rebound.example.com"])
async def test_a_private_address_is_not_connected_to_unless_settings_allow_it(
    house: House, bot: System, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host.endswith(".com"):

        async def resolve(*_: object, **__: object) -> list[dict[str, object]]:
            return [
                {"hostname": host, "host": "127.0.0.1", "port": bot.port, "family": 2, "proto": 0, "flags": 0}
            ]

        monkeypatch.setattr("aiohttp.DefaultResolver.resolve", resolve)
    async with hub_house(house, allow_private=False) as hubs:
        scheme = "https" if host.endswith(".com") else "http"
        target = await hubs.target(f"{scheme}://{host}:{bot.port}/line")
        await hubs.events([1])
        await settle(hubs.hub())
        assert bot.got == []
        found = await hubs.state(target)
        assert "address of this machine or network" in (found.last_detail or "")


async def test_a_target_that_asks_to_come_later_is_left_alone_until_then(hubs: HubHouse, bot: System) -> None:
    target = await hubs.target(bot.url)
    bot.answer = lambda _: web.Response(status=503, headers={"Retry-After": "7200"})
    hub = hubs.hub()
    await hubs.events([1], "U1")
    await settle(hub)
    await hubs.events([2], "U2")
    await settle(hub)
    await pass_time(hubs, hub, START + 2 * HOUR - 1)
    assert len(bot.got) == 1
    assert (await hubs.state(target)).due_at == START + 2 * HOUR
    bot.answer = lambda _: 200
    await pass_time(hubs, hub, START + 2 * HOUR)
    assert sorted(bot.numbers()) == [1, 2]


async def test_a_paused_target_gets_nothing_and_later_all_that_came_meanwhile(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    hub = hubs.hub()
    await settle(hub)
    async with hubs.database.write() as tx:
        await actions.pause_target(tx, target, "moving house", START, ids)
    await hubs.events([1, 2, 3], "U1")
    await settle(hub)
    assert (bot.got, hub.due_at) == ([], None)
    async with hubs.database.write() as tx:
        await actions.resume_target(tx, target, START, ids)
    await settle(hub)
    assert bot.numbers() == [1, 2, 3]


async def test_a_target_that_is_paused_while_requests_are_out_loses_none_and_repeats_none(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    bot.gate.clear()
    hub = hubs.hub()
    running = asyncio.create_task(hub.run())
    await hubs.events(range(5))
    hub.arrived()
    await until(lambda: bot.open == 5)
    for act in (actions.pause_target, actions.resume_target):
        async with hubs.database.write() as tx:
            more = ("moving house",) if act is actions.pause_target else ()
            await act(tx, await hubs.state(target), *more, START, ids)  # type: ignore[operator]
        hub.changed()
        await asyncio.sleep(0.05)
    await hubs.events([5])
    bot.gate.set()
    hub.arrived()
    await until(lambda: len(bot.taken) == 6)
    await hub.until_idle(hub.ask())
    assert bot.numbers() == [*range(6)]
    assert (await hubs.state(target)).taken == 6
    hub.stop()
    await running


async def test_a_removed_target_gets_nothing_more_at_once(hubs: HubHouse, bot: System) -> None:
    target = await hubs.target(bot.url)
    bot.gate.clear()
    hub = hubs.hub()
    running = asyncio.create_task(hub.run())
    await hubs.events(range(200))
    hub.arrived()
    await until(lambda: bot.open == WINDOW)
    async with hubs.database.write() as tx:
        await actions.remove_target(tx, target, START, ids)
    hub.changed()
    await hub.until_idle(hub.ask())
    bot.gate.set()
    await hub.until_idle(hub.ask())
    assert len(bot.got) == WINDOW
    hub.stop()
    await running


async def test_a_new_url_is_tried_at_once(hubs: HubHouse, bot: System) -> None:
    async with running_system() as gone:
        target = await hubs.target(gone.url)
    hub = hubs.hub()
    await hubs.events([1, 2])
    await settle(hub)
    await pass_time(hubs, hub, START + 10 * MINUTE)
    async with hubs.database.write() as tx:
        await actions.change_target(tx, await hubs.state(target), TargetChange(url=bot.url), SEAL, PLACE)
    await settle(hub)
    assert bot.numbers() == [1, 2]


async def test_a_replay_passes_on_once_more_what_came_in_that_time_beside_what_is_new(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    hub = hubs.hub()
    for number in range(200):
        hubs.clock.put(START + number * SECOND)
        await hubs.events([number], f"U{number % 7}")
    await settle(hub)
    assert bot.numbers() == [*range(200)]
    bot.got.clear()
    bot.taken.clear()
    async with hubs.database.write() as tx:
        now = hubs.clock.now()
        count = await actions.ask_replay(tx, target, START + 50 * SECOND, START + 149 * SECOND, now)
    assert count == 100
    await hubs.events([1000], "U1")
    await settle(hub)
    again = [json.loads(b)["events"][0]["number"] for h, b in bot.got if "todoke-replay" in h]
    assert sorted(again) == [*range(50, 150)]
    assert [n for n in again if n % 7 == 3] == [n for n in range(50, 150) if n % 7 == 3]
    assert sorted(bot.numbers()) == [*range(50, 150), 1000]
    found = await hubs.state(target)
    assert (found.replay_position, found.replay_until, found.replay_asked_at) == (None, None, None)
    assert found.taken == 301


async def test_a_replay_that_was_cut_off_goes_on_and_a_new_one_takes_its_place(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    hub = hubs.hub()
    await hubs.events(range(300), "U1")
    await settle(hub)
    bot.taken.clear()
    done = 0

    def answer(_: bytes) -> int:
        nonlocal done
        done += 1
        return 200 if done <= 20 else 500

    bot.answer = answer
    async with hubs.database.write() as tx:
        await actions.ask_replay(tx, target, START, None, START)
    await settle(hub)
    assert bot.numbers() == [*range(20)]
    bot.answer = lambda _: 200
    again = hubs.hub()
    await settle(again)
    assert bot.numbers() == [*range(300)]
    bot.taken.clear()
    for _ in range(2):
        async with hubs.database.write() as tx:
            assert await actions.ask_replay(tx, await hubs.state(target), START, None, START) == 300
    await settle(again)
    assert bot.numbers() == [*range(300)]


async def test_after_a_crash_nothing_is_missing_and_only_the_last_few_come_again(
    hubs: HubHouse, bot: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todoke.engine.hub.WRITE_SECONDS", 0.01)
    target = await hubs.target(bot.url)
    bot.delay = lambda: 0.002
    bot.answer = lambda body: 500 if b'"number": 7,' in body and len(bot.taken) < 1000 else 200
    await hubs.post(*(webhook(event(n, f"U{n}")) for n in range(1500)))
    hub = hubs.hub()
    running = asyncio.create_task(hub.run())
    await until(lambda: len(bot.taken) > 800)
    running.cancel()
    for passage in hub._passages.values():
        passage.cancel()
    await asyncio.gather(running, return_exceptions=True)
    before = await hubs.state(target)
    again = hubs.hub()
    await settle(again)
    await pass_time(hubs, again, START + HOUR)
    times = Counter(bot.numbers())
    assert set(times) == set(range(1500))
    # The inbox numbers from 1.
    open_before = {x - 1 for x in json.loads(before.unfinished)} | set(range(before.position, 1500))
    assert {number for number, count in times.items() if count > 1} <= open_before
    assert max(times.values()) == 2
    assert before.taken > 0


async def test_one_that_is_stopped_waits_for_what_is_out_and_its_successor_repeats_nothing(
    hubs: HubHouse, bot: System
) -> None:
    await hubs.target(bot.url)
    bot.delay = lambda: 0.002
    await hubs.post(*(webhook(event(n, f"U{n % 50}")) for n in range(1000)))
    hub = hubs.hub()
    running = asyncio.create_task(hub.run())
    await until(lambda: len(bot.taken) > 300)
    hub.stop()
    await running
    assert len(bot.taken) < 1000
    await settle(hubs.hub())
    assert sorted(bot.numbers()) == [*range(1000)]


async def test_a_process_that_lost_the_channel_writes_nothing_down(hubs: HubHouse, bot: System) -> None:
    target = await hubs.target(bot.url)
    hub = hubs.hub()
    await settle(hub)
    hubs.owns.number = -1
    await hubs.events([1])
    await settle(hub)
    assert len(bot.got) == 1
    assert (await hubs.state(target)).taken == 0


async def test_what_the_inbox_drops_before_a_target_got_it_is_counted_as_skipped(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    async with hubs.database.write() as tx:
        await actions.pause_target(tx, target, None, START, ids)
    await hubs.events([1, 2, 3])
    async with hubs.database.write() as tx:
        await inbox.mark_applied(tx, dict.fromkeys((1, 2, 3)), START)
    hubs.clock.put(START + 29 * DAY)
    await hubs.events([4])
    await Housekeeping(hubs.clock, hubs.database, hubs.house.folder).step()
    assert (await hubs.state(target)).skipped == 0
    hubs.clock.put(START + 30 * DAY + 1)
    await Housekeeping(hubs.clock, hubs.database, hubs.house.folder).step()
    found = await hubs.state(target)
    assert found.skipped == 3
    assert [x[0] for x in await hubs.skips(target)] == [3]
    async with hubs.database.write() as tx:
        await actions.resume_target(tx, found, hubs.clock.now(), ids)
    await settle(hubs.hub())
    assert bot.numbers() == [4]


async def test_what_waits_for_a_dead_target_for_thirty_days_is_skipped_when_it_is_back(
    hubs: HubHouse,
) -> None:
    async with running_system() as gone:
        target = await hubs.target(gone.url)
    hub = hubs.hub()
    await hubs.events([1], "U1")
    await settle(hub)
    hubs.clock.put(START + 20 * DAY)
    await hubs.events([2], "U1")
    await settle(hub)
    async with running_system(gone.port, gone):
        hubs.clock.put(START + 31 * DAY)
        await settle(hub)
        assert gone.numbers() == [2]
    assert (await hubs.state(target)).skipped == 1
    assert await hubs.skips(target) == [(1, None)]


async def test_what_was_erased_does_not_leave_any_more(hubs: HubHouse) -> None:
    async with running_system() as gone:
        await hubs.target(gone.url)
    hub = hubs.hub()
    await hubs.events([1, 2], "U1")
    await settle(hub)
    async with hubs.database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM inbox WHERE id = 1")
    hub.erased()
    async with running_system(gone.port, gone):
        await pass_time(hubs, hub, START + MINUTE)
        assert gone.numbers() == [2]


async def test_what_another_process_erased_does_not_leave_either(
    hubs: HubHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_system() as gone:
        await hubs.target(gone.url)
    hub = hubs.hub()
    await hubs.events([1, 2], "U1")
    await settle(hub)
    async with hubs.database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM inbox WHERE id = 1")
        entry = Entry(
            id=ids.new(), account_id=hubs.house.shop.account_id, at=START, by="key", what="erased", data="{}"
        )
        await audit.insert_entry(tx, entry)
    async with running_system(gone.port, gone):
        await pass_time(hubs, hub, START + MINUTE)
        assert gone.numbers() == [2]


async def test_what_a_target_said_before_an_erasure_is_not_written_down_again(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url)
    bot.answer = lambda _: web.Response(status=422, text="customer Mei Lin not found")
    hub = hubs.hub()
    await hubs.events([1], "U1")
    await pass_time(hubs, hub, START)
    await pass_time(hubs, hub, START + MINUTE)
    assert "Mei Lin" in ((await hubs.state(target)).last_detail or "")
    async with hubs.database.write() as tx:
        await store.update_target(tx, target.id, last_detail=None)
    hub.erased()
    await hubs.events([2], "U2")
    bot.answer = lambda _: 200
    await settle(hub)
    found = await hubs.state(target)
    assert (found.taken, found.last_status, found.last_detail) == (1, 422, None)


async def test_one_with_half_a_character_keeps_its_place_among_its_user_s_and_its_types(
    hubs: HubHouse, bot: System
) -> None:
    await hubs.target(bot.url, types=["message"])
    half = webhook(event(1, "U1") | {"text": "@"}).replace(b"@", rb"hi \ud83d")
    other = webhook(event(9, "U1", type="postback") | {"text": "@"}).replace(b"@", rb"hi \ud83d")
    failed = iter([500])
    bot.answer = lambda body: next(failed, 200) if body == half else 200
    await hubs.post(half, other, webhook(event(2, "U1")))
    hub = hubs.hub()
    await settle(hub)
    await pass_time(hubs, hub, START + MINUTE)
    assert bot.numbers() == [1, 2]
    assert len(bot.got) == 3


async def test_headers_that_were_sealed_under_another_key_are_said_to_be_the_trouble(
    hubs: HubHouse, bot: System
) -> None:
    target = await hubs.target(bot.url, headers={"X-Key": "1"})
    async with hubs.database.write() as tx:
        await store.update_target(tx, target.id, headers=b"garbled")
    await hubs.events([1])
    await settle(hubs.hub())
    assert bot.got == []
    assert "TODOKE_SECRET_KEY" in ((await hubs.state(target)).last_detail or "")


async def test_what_comes_after_the_newest_was_deleted_is_passed_on(hubs: HubHouse, bot: System) -> None:
    await hubs.target(bot.url)
    hub = hubs.hub()
    await hubs.events([1, 2, 3], "U1")
    await settle(hub)
    async with hubs.database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM inbox")
    hub.erased()
    await settle(hub)
    await hubs.events([4, 5], "U2")
    await settle(hub)
    assert bot.numbers() == [1, 2, 3, 4, 5]
