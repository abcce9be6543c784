"""The virtual clock: real, paused, moving from due time to due time over the emulator and its followers."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets

from emulator_support import RunningEmulator, Sink, running_emulator
from line_emulator import times
from line_emulator.clockwork import travel
from todoke.clock import SteppedClock
from todoke.engine.follow import Follower

PHONE = "+819012345678"
Work = Callable[[int], Awaitable[tuple[int | None, bool]]]


class FollowerUnderTest:
    """Answers each settle with what `work(now)` says: the next due time and whether it did something."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.heard: list[dict[str, Any]] = []
        self.ready = asyncio.Event()

    async def run(self, url: str) -> None:
        async with websockets.connect(url) as socket:
            async for text in socket:
                message = json.loads(text)
                self.heard.append(message)
                self.ready.set()
                if message["type"] == "settle":
                    due, worked = await self.work(message["now"])
                    answer = {
                        "type": "settled",
                        "id": message["id"],
                        "now": message["now"],
                        "next_due": due,
                        "worked": worked,
                    }
                    await socket.send(json.dumps(answer))

    @property
    def settled_at(self) -> list[int]:
        """The different times at which it was asked to settle, in order."""
        return list(dict.fromkeys(message["now"] for message in self.heard if message["type"] == "settle"))


@asynccontextmanager
async def follower(
    emulator: RunningEmulator, work: Work, name: str = "gateway"
) -> AsyncIterator[FollowerUnderTest]:
    following = FollowerUnderTest(work)
    url = emulator.url.replace("http", "ws") + f"/_emulator/v1/clock/follow?name={name}"
    task = asyncio.create_task(following.run(url))
    await following.ready.wait()
    try:
        yield following
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def idle(now: int) -> tuple[int | None, bool]:
    return None, False


async def test_a_new_emulator_runs_in_real_time(emulator: RunningEmulator) -> None:
    first = await emulator.control("GET", "/clock")
    assert first["mode"] == "real"
    second = await emulator.control("GET", "/clock")
    assert times.parse(second["now"]) >= times.parse(first["now"])


async def test_a_paused_clock_stands_still_and_moves_exactly(emulator: RunningEmulator) -> None:
    paused = await emulator.clock(mode="paused")
    again = await emulator.control("GET", "/clock")
    assert again["now"] == paused["now"]
    moved = await emulator.clock(advance="90s")
    assert times.parse(moved["now"]) - times.parse(paused["now"]) == 90_000
    assert moved["mode"] == "paused"


async def test_set_moves_forward_to_a_time(emulator: RunningEmulator) -> None:
    moved = await emulator.clock(mode="paused", set="2031-01-01T00:00:00Z")
    assert moved["now"] == "2031-01-01T00:00:00.000Z"


async def test_an_earlier_time_can_be_set_only_right_after_a_reset(emulator: RunningEmulator) -> None:
    earlier = "2020-01-01T00:00:00Z"
    refused = await emulator.clock(set=earlier, expect=400)
    assert "reset" in refused["message"]
    await emulator.control("POST", "/reset")
    moved = await emulator.clock(mode="paused", set=earlier)
    assert moved["now"] == "2020-01-01T00:00:00.000Z"
    await emulator.control("POST", "/reset")
    await emulator.user(PHONE)
    await emulator.clock(set="2019-01-01T00:00:00Z", expect=400)
    for movement in ({"advance": "1h"}, {"set": "2020-01-02T00:00:00Z"}):
        await emulator.control("POST", "/reset")
        await emulator.clock(**movement)
        await emulator.clock(set="2019-01-01T00:00:00Z", expect=400)


async def test_unreadable_times_are_refused_with_the_remedy(emulator: RunningEmulator) -> None:
    for body in ({"advance": "24"}, {"advance": "-1h"}, {"set": "yesterday"}, {"mode": "fast"}, {}):
        refused = await emulator.clock(expect=400, **body)
        assert refused["message"]


async def test_while_paused_a_push_is_shown_and_its_webhook_posted_at_once(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    now = (await emulator.clock(mode="paused"))["now"]
    await emulator.send(channel, PHONE)
    events = await sink.got(1)
    assert events[0]["timestamp"] == times.parse(now)


async def test_advancing_in_real_mode_jumps_and_then_goes_on(emulator: RunningEmulator) -> None:
    before = times.parse((await emulator.control("GET", "/clock"))["now"])
    moved = await emulator.clock(advance="7d")
    assert moved["mode"] == "real"
    assert 0 <= times.parse(moved["now"]) - before - 7 * 86_400_000 < 10_000


async def test_a_follower_is_told_the_time_and_every_change_of_mode(emulator: RunningEmulator) -> None:
    async with follower(emulator, idle) as following:
        assert following.heard[0]["type"] == "clock"
        assert following.heard[0]["mode"] == "real"
        paused = await emulator.clock(mode="paused")
        assert paused["followers"] == ["gateway"]
        moved = await emulator.clock(advance="1s")
        changes = [message for message in following.heard if message["type"] == "clock"]
        assert changes[-2:] == [
            {"type": "clock", "now": times.parse(clock["now"]), "mode": "paused"} for clock in (paused, moved)
        ]


async def test_the_clock_stops_at_every_due_time_of_a_follower(emulator: RunningEmulator) -> None:
    start = times.parse((await emulator.clock(mode="paused"))["now"])
    due = [start + 1_800_000, start + 7_200_000, start + 100 * 3_600_000]

    async def work(now: int) -> tuple[int | None, bool]:
        done = [time for time in due if time <= now]
        for time in done:
            due.remove(time)
        return min(due, default=None), bool(done)

    async with follower(emulator, work) as following:
        moved = await emulator.clock(advance="24h")
        assert times.parse(moved["now"]) == start + 24 * 3_600_000
        expected = [start, start + 1_800_000, start + 7_200_000, start + 24 * 3_600_000]
        assert following.settled_at == expected


async def test_a_round_is_repeated_until_neither_side_does_anything_new(emulator: RunningEmulator) -> None:
    await emulator.clock(mode="paused")
    rounds = [True, True, False, False]

    async def work(now: int) -> tuple[int | None, bool]:
        return None, rounds.pop(0)

    async with follower(emulator, work) as following:
        await emulator.clock(advance="1s")
        assert rounds == []
        assert len(following.settled_at) == 2


async def test_what_a_follower_sends_while_settling_is_answered_and_its_webhook_posted_first(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    start = times.parse((await emulator.clock(mode="paused"))["now"])
    sent: list[int] = []

    async def work(now: int) -> tuple[int | None, bool]:
        if now < start + 60_000:
            return start + 60_000, False
        if sent:
            return None, False
        sent.append(now)
        await emulator.send(channel, PHONE)
        return None, True

    async with follower(emulator, work):
        await emulator.clock(advance="1h")
        assert sent == [start + 60_000]
        assert [event["timestamp"] for event in sink.events] == [start + 60_000]


async def test_a_follower_that_leaves_while_the_clock_waits_for_it_is_forgotten(
    emulator: RunningEmulator,
) -> None:
    asked = asyncio.Event()

    async def hang(now: int) -> tuple[int | None, bool]:
        asked.set()
        await asyncio.Event().wait()
        return None, False

    async with follower(emulator, hang):
        moving = asyncio.create_task(emulator.clock(advance="1h"))
        await asked.wait()
    assert (await moving)["followers"] == []


async def test_a_follower_that_dies_without_a_goodbye_is_forgotten(emulator: RunningEmulator) -> None:
    url = emulator.url.replace("http", "ws") + "/_emulator/v1/clock/follow?name=killed"
    socket = await websockets.connect(url)
    await socket.recv()
    moving = asyncio.create_task(emulator.clock(advance="1h"))
    await socket.recv()
    socket.transport.abort()
    assert (await moving)["followers"] == []


async def test_a_request_whose_body_never_ends_does_not_hold_up_the_clock(
    emulator: RunningEmulator,
) -> None:
    port = int(emulator.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "POST /bot/pnp/push HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    writer.write(head.encode())
    await writer.drain()
    await emulator.clock(mode="paused", advance="1h")
    writer.close()
    await writer.wait_closed()


async def test_a_follower_that_talks_nonsense_is_dropped(emulator: RunningEmulator) -> None:
    url = emulator.url.replace("http", "ws") + "/_emulator/v1/clock/follow"
    for nonsense in ("{", "[]", '{"type":"settled","id":"x"}', "5"):
        async with websockets.connect(url) as socket:
            await socket.recv()
            moving = asyncio.create_task(emulator.clock(advance="1s"))
            asked = json.loads(await socket.recv())
            await socket.send(nonsense)
            answer = {"type": "settled", "id": asked["id"], "now": 0, "next_due": [], "worked": 0}
            await socket.send(json.dumps(answer))
            await moving
    assert (await emulator.control("GET", "/clock"))["mode"] == "real"


async def test_a_follower_that_hangs_is_named_and_the_call_answers_504() -> None:
    async def hang(now: int) -> tuple[int | None, bool]:
        await asyncio.Event().wait()
        return None, False

    async with running_emulator(follower_patience=0.2) as emulator:
        async with follower(emulator, hang, name="stuck-one"):
            refused = await emulator.clock(advance="1h", expect=504)
            assert "stuck-one" in refused["message"]


async def test_two_advances_at_once_add_up(emulator: RunningEmulator) -> None:
    start = times.parse((await emulator.clock(mode="paused"))["now"])
    await asyncio.gather(emulator.clock(advance="1h"), emulator.clock(advance="2h"))
    now = times.parse((await emulator.control("GET", "/clock"))["now"])
    assert now - start == 3 * 3_600_000


async def test_reset_empties_everything_but_the_clock(emulator: RunningEmulator) -> None:
    await emulator.channel()
    await emulator.user(PHONE)
    await emulator.fault("api", "status_before")
    moved = await emulator.clock(mode="paused", advance="24h")
    after = await emulator.control("POST", "/reset")
    assert after["now"] == moved["now"]
    assert after["mode"] == "paused"
    assert (await emulator.control("GET", "/channels"))["channels"] == []
    assert (await emulator.control("GET", "/faults"))["faults"] == []
    assert (await emulator.control("GET", "/users"))["count"] == 0


async def test_the_clock_runs_at_a_speed_and_stops_at_every_due_time_of_a_follower(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    start = times.parse((await emulator.clock(mode="paused"))["now"])
    due = [start + hours * 3_600_000 + 1 for hours in (1, 5, 5, 30)]
    sent: list[int] = []
    done = asyncio.Event()

    async def work(now: int) -> tuple[int | None, bool]:
        ripe = [time for time in due if time <= now]
        for time in ripe:
            due.remove(time)
            sent.append(now)
            await emulator.send(channel, PHONE)
        if not due:
            done.set()
        return min(due, default=None), bool(ripe)

    async with follower(emulator, work) as following:
        moved = await emulator.clock(mode="real", speed=100_000)
        assert (moved["mode"], moved["speed"]) == ("real", 100_000)
        async with asyncio.timeout(30):
            await done.wait()
        await emulator.clock(mode="paused")
        # Each at its own moment, and its webhook before the time goes on.
        assert sent == [start + hours * 3_600_000 + 1 for hours in (1, 5, 5, 30)]
        assert sorted(event["timestamp"] for event in await sink.got(4)) == sent
        assert {message["mode"] for message in following.heard if message["type"] == "clock"} == {"paused"}


async def test_what_is_due_in_the_emulator_happens_at_its_moment_whatever_the_speed(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url, redelivery=True)
    await emulator.user(PHONE)
    sink.status = 500
    await emulator.send(channel, PHONE)
    await sink.got(1)
    await emulator.clock(mode="real", speed=100_000)
    await sink.got(7)
    await emulator.clock(mode="paused")
    posted = [times.parse(row["at"]) for row in (await emulator.control("GET", "/webhooks"))["rows"]]
    waits = [later - earlier for earlier, later in itertools.pairwise(posted)]
    assert waits[1:] == [300_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000]


async def test_a_slow_clock_keeps_the_parts_of_milliseconds(emulator: RunningEmulator) -> None:
    await emulator.clock(mode="paused", speed=0.01)
    seen: set[int] = set()
    with emulator.state.watch() as news:
        await emulator.clock(mode="real")
        async with asyncio.timeout(20):
            while len(seen) < 3:
                await news.wait()
                news.clear()
                seen.add(emulator.state.clock.now())
    assert max(seen) - min(seen) < 100


async def test_a_speed_stays_until_another_is_given(emulator: RunningEmulator) -> None:
    assert (await emulator.control("GET", "/clock"))["speed"] == 1
    await emulator.clock(mode="paused", speed=60)
    assert (await emulator.clock(mode="real"))["speed"] == 60
    assert (await emulator.clock(mode="paused"))["speed"] == 60
    moved = await emulator.clock(speed=1)
    assert (moved["mode"], moved["speed"]) == ("paused", 1)


async def test_a_speed_out_of_range_is_refused(emulator: RunningEmulator) -> None:
    for speed in (0, -1, 0.001, 100_001, 1e300, "60"):
        refused = await emulator.clock(expect=400, speed=speed)
        assert "speed" in refused["message"]


async def test_an_advance_goes_on_from_where_a_fast_clock_stands(emulator: RunningEmulator) -> None:
    await emulator.clock(mode="real", speed=0.5)
    before = times.parse((await emulator.control("GET", "/clock"))["now"])
    moved = await emulator.clock(advance="24h")
    assert (moved["mode"], moved["speed"]) == ("real", 0.5)
    assert 0 <= times.parse(moved["now"]) - before - 86_400_000 < 10_000


async def test_a_fast_clock_pauses_and_says_why_where_a_follower_hangs() -> None:
    async def hang(now: int) -> tuple[int | None, bool]:
        await asyncio.Event().wait()
        return None, False

    async with running_emulator(follower_patience=0.2) as emulator:
        async with follower(emulator, hang, name="stuck-one"):
            with emulator.state.watch() as news:
                await emulator.clock(mode="real", speed=60)
                while (view := await emulator.control("GET", "/clock"))["mode"] == "real":
                    await news.wait()
                    news.clear()
            assert "stuck-one" in view["stopped"]
        assert "stopped" not in await emulator.clock(mode="real")


async def test_a_program_that_keeps_sending_and_follows_nothing_holds_up_an_advance_only_for_a_while(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(travel, "STRANGERS", 0.2)
    channel = await emulator.channel()
    await emulator.user(PHONE)
    start = times.parse((await emulator.clock(mode="paused"))["now"])

    async def send_for_ever() -> None:
        while True:
            await emulator.send(channel, PHONE)

    senders = [asyncio.create_task(send_for_ever()) for _ in range(8)]
    async with asyncio.timeout(20):
        moved = await emulator.clock(advance="1h")
    for sender in senders:
        sender.cancel()
    await asyncio.gather(*senders, return_exceptions=True)
    assert times.parse(moved["now"]) - start == 3_600_000


async def test_an_advance_waits_for_an_answer_that_is_late_by_order(
    emulator: RunningEmulator, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(travel, "STRANGERS", 0.05)
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.fault("webhook", "latency", ms=400)
    await emulator.send(channel, PHONE)
    await emulator.clock(advance="1s")
    assert len(sink.events) == 1


async def test_whoever_watches_learns_of_every_move_and_change_of_mode(emulator: RunningEmulator) -> None:
    with emulator.state.watch() as news:
        for change in ({"mode": "paused"}, {"advance": "1h"}, {"speed": 60}, {"mode": "real"}):
            news.clear()
            await emulator.clock(**change)
            assert news.is_set(), change


async def test_what_is_due_now_happens_while_the_clock_is_paused(
    emulator: RunningEmulator, sink: Sink
) -> None:
    channel = await emulator.channel(webhook_url=sink.url)
    await emulator.user(PHONE)
    await emulator.clock(mode="paused")
    await emulator.fault("webhook", "delay", ms=0)
    await emulator.send(channel, PHONE)
    await sink.got(1)


async def test_the_gateways_follower_keeps_to_a_fast_clock(emulator: RunningEmulator) -> None:
    start = times.parse((await emulator.clock(mode="paused"))["now"])
    clock = SteppedClock(0)
    done = asyncio.Event()
    settled: list[int] = []

    async def settle() -> tuple[int | None, bool]:
        settled.append(clock.now())
        if clock.now() < start + 7_200_000:
            return start + 7_200_000, False
        done.set()
        return None, False

    following = Follower(emulator.session, emulator.url, clock)
    await following.connect()
    running = asyncio.create_task(following.run(settle, lambda: None))
    await emulator.clock(mode="real", speed=36_000)
    async with asyncio.timeout(20):
        await done.wait()
    assert start + 7_200_000 in settled
    assert settled == sorted(settled)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await following.close()
