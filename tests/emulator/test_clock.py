"""The virtual clock: real, paused, moving from due time to due time over the emulator and its followers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import websockets

from emulator_support import RunningEmulator, Sink, running_emulator
from line_emulator import times

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
        await emulator.clock(advance="1s")
        changes = [message for message in following.heard if message["type"] == "clock"]
        assert changes[-1] == {"type": "clock", "now": times.parse(paused["now"]), "mode": "paused"}


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
