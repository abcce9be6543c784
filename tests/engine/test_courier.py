"""The courier: the same outcomes as in process, and nothing lost or sent twice however it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

import engine_house
from carriers.conftest import (
    Behaviour,
    RawServer,
    answering,
    hanging_up,
    resetting,
    writing,
)
from engine_house import House
from storage_support import PARCEL
from todoke.carriers.line import LineCarrier, Transport
from todoke.clock import monotonic
from todoke.core.outcome import Answer, Outcome
from todoke.core.template import compile
from todoke.engine.courier import departures as departures_module
from todoke.engine.courier.departures import CourierDepartures
from todoke.engine.outgoing import Departures, InProcess, Letter, Told, Until

TEMPLATE = compile({**PARCEL, "channel": "Parcels"})
NUMBER = "+886912345678"
FOR_NOW = Until(1 << 50, float("inf"))


class Heard:
    """What came back of one way."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.not_left: list[str] = []
        self._changed = asyncio.Event()

    def answered(self, told: Iterable[Told]) -> None:
        for each in told:
            assert each.tag not in self.told
            self.told[each.tag] = each
        self._changed.set()

    def late(self, tags: list[str]) -> None:
        self.not_left += tags
        self._changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.told) + len(self.not_left) < count:
                self._changed.clear()
                await self._changed.wait()


def letter(tag: str, name: str = "小明") -> Letter:
    return Letter(f"{tag:->20}", NUMBER, TEMPLATE, json.dumps({"name": name}))


def tag_of(request: bytes) -> str:
    return request.split(b"X-Line-Delivery-Tag: ")[1].split(b"\r\n")[0].decode().lstrip("-")


@asynccontextmanager
async def line_side(behave: Behaviour) -> AsyncIterator[RawServer]:
    server = await RawServer(behave).start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def in_process_to(url: str) -> AsyncIterator[InProcess]:
    async with Transport(url) as transport:
        yield InProcess(LineCarrier(transport), lambda tag, error: None)


@asynccontextmanager
async def resting_courier_to(url: str) -> AsyncIterator[CourierDepartures]:
    """Nobody has needed it yet."""
    async with in_process_to(url) as here:
        departures = CourierDepartures(url, os.getpid(), here)
        await departures.start()
        try:
            yield departures
        finally:
            await departures.close()


@asynccontextmanager
async def courier_to(url: str) -> AsyncIterator[CourierDepartures]:
    """It is up: what is handed over leaves from there."""
    async with resting_courier_to(url) as departures:
        departures.helper.start_soon()
        await until(lambda: departures.is_up)
        yield departures


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - it is told to nobody
            await asyncio.sleep(0)


BEHAVIOURS: dict[str, Behaviour] = {
    "taken": answering(202, b"{}", "X-Line-Request-Id: r-1"),
    "no request id": answering(200, b"{}"),
    "no LINE user": answering(422, b'{"message": "Failed to send messages"}', "X-Line-Request-Id: r-2"),
    "invalid": answering(
        400, b'{"message": "Invalid", "details": [{"message": "too long", "property": "m"}]}'
    ),
    "denied": answering(403, b'{"message": "Access to this API is not available for your account"}'),
    "moved": answering(301, b"", "Location: http://127.0.0.1:1/"),
    "month used up": answering(429, b'{"message": "You have reached your monthly limit."}', "Retry-After: 3"),
    "broken": answering(500, b"<html>"),
    "gone": hanging_up,
    "reset": resetting,
    "not HTTP": writing(b"hello\r\n\r\n"),
    "cut": answering(202, b"{", length=50),
    "hangs up later": writing(b"HTTP/1.1 202 A\r\n\r\nuntil the end of the connection"),
}


async def by_tag(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    await BEHAVIOURS[tag_of(request)](reader, writer, request)


async def outcomes(departures: Departures) -> dict[str, tuple[int, Answer]]:
    """What each behaviour of LINE's side comes to, by tag, and with which token."""
    heard = Heard()
    way = departures.way("channel", heard, lambda until: monotonic() < until.leave_by)
    way.use(7, "a token", 1000)
    way.hand_over([letter("nothing sent: the token is garbled")], FOR_NOW)
    await heard.until(1)
    way.use(8, "a.token", 1000)
    # One after the other, for what breaks a connection must not be another's.
    for count, tag in enumerate(BEHAVIOURS, start=2):
        way.hand_over([letter(tag)], FOR_NOW)
        await heard.until(count)
    way.hand_over([letter("stale")], Until(1 << 50, monotonic()))
    way.hand_over([Letter("of a broken template", NUMBER, TEMPLATE, "{}")], FOR_NOW)
    await heard.until(len(BEHAVIOURS) + 3)
    way.close()
    assert heard.not_left == [letter("stale").tag]
    return {tag.lstrip("-"): (told.token, told.answer) for tag, told in heard.told.items()}


async def test_outcomes_are_the_same_word_for_word_from_both_processes() -> None:
    async with line_side(by_tag) as server:
        async with in_process_to(server.url) as departures:
            here = await outcomes(departures)
        sent_here, server.requests = server.requests, []
        with capture_logs() as logs:
            async with courier_to(server.url) as departures:
                there = await outcomes(departures)
    assert there == here
    assert server.requests == sent_here
    assert len(set(map(str, here.values()))) >= 12
    assert here["of a broken template"] == (
        8,
        Answer(outcome=Outcome.UNKNOWN, detail="internal error: KeyError"),
    )
    assert here["nothing sent: the token is garbled"][0] == 7
    (defect,) = logs
    assert (defect["event"], defect["error"]) == ("send.error", "KeyError")
    assert NUMBER not in str(defect)


@pytest.mark.parametrize("place", [in_process_to, courier_to])
async def test_the_pace_holds_and_a_429_holds_everything(
    place: Callable[[str], Awaitable[Departures]],
) -> None:
    came: list[float] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        came.append(monotonic())
        await answering(429 if len(came) == 30 else 202, b"{}", "Retry-After: 1")(reader, writer, request)

    async with line_side(behave) as server, place(server.url) as departures:
        heard = Heard()
        way = departures.way("channel", heard, lambda until: True)
        way.use(1, "token", 200)
        way.hand_over([letter(str(n)) for n in range(50)], FOR_NOW)
        await heard.until(50)
        assert Counter(x.answer.outcome for x in heard.told.values()) == {
            Outcome.ACCEPTED: 49,
            Outcome.THROTTLED: 1,
        }
        # The next ones may have left before the 429 was read; what comes late shortens the time seen here.
        pause = max(later - earlier for earlier, later in pairwise(came))
        assert pause > 0.9
        held = next(n for n in range(49) if came[n + 1] - came[n] == pause)
        assert held < 35
        assert came[held] - came[0] > (held - 20) / 200
        assert came[-1] - came[held + 1] > (49 - held - 1 - 15) / 200
        way.close()


async def test_what_waits_when_the_lease_is_over_or_the_way_is_closed_never_leaves() -> None:
    async with line_side(answering(202)) as server, courier_to(server.url) as departures:
        heard, closed = Heard(), Heard()
        way, other = (departures.way(x, y, lambda until: True) for x, y in (("a", heard), ("b", closed)))
        for each in (way, other):
            each.use(1, "token", 10)
        way.hand_over([letter("first")], FOR_NOW)
        await heard.until(1)
        other.hand_over([letter(f"other {n}") for n in range(5)], FOR_NOW)
        other.close()
        way.hand_over([letter(f"{n}") for n in range(9)], Until(1 << 50, monotonic() + 0.35))
        await heard.until(10)
        assert 2 <= len(heard.told) <= 5
        assert [tag for tag in map(tag_of, server.requests) if "other" in tag] in ([], ["other 0"])
        assert not closed.told
        assert not closed.not_left


def test_the_courier_is_small_and_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys, todoke.engine.courier.desk; print(*sys.modules); print(open('/proc/self/status').read())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules, _, status = said.partition("\n")
    for heavy in (
        "aiohttp",
        "sqlalchemy",
        "fastapi",
        "pydantic",
        "structlog",
        "cryptography",
        "yaml",
        "typer",
    ):
        assert heavy not in modules.split(), heavy
    assert int(status.partition("VmRSS:")[2].split()[0]) < 45 * 1024


async def test_few_letters_leave_from_here_many_start_the_courier_and_none_is_lost_or_sent_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it starts, rests, is started again and killed: every letter is answered, and left at most once."""
    monkeypatch.setattr(departures_module, "PING_SECONDS", 0.02)
    monkeypatch.setattr(departures_module, "FEW", 10)
    tokens: dict[str, bytes] = {}

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        tokens[tag_of(request)] = request.split(b"Bearer ")[1].split(b"\r\n")[0]
        await answering(202, b"{}")(reader, writer, request)

    async with line_side(behave) as server, resting_courier_to(server.url) as departures:
        heard, closed = Heard(), Heard()
        way, other = (departures.way(x, y, lambda until: True) for x, y in (("a", heard), ("b", closed)))
        way.use(1, "first", 100)
        other.use(1, "other", 10)
        way.hand_over([letter("alone")], FOR_NOW)
        await heard.until(1)
        assert departures.helper.pid is None
        # Many: the courier is killed before it is up, and the next one takes over what waits.
        way.hand_over([letter(f"many {n}") for n in range(60)], FOR_NOW)
        other.hand_over([letter(f"other {n}") for n in range(5)], FOR_NOW)
        other.close()
        await until(lambda: departures.helper.pid is not None)
        first = departures.helper.pid
        with capture_logs() as logs:
            await kill(departures)
            await until(lambda: departures.is_up)
        way.use(2, "second", 100)
        await heard.until(61)
        assert [x["event"] for x in logs] == ["helper.ended"]
        assert tokens["many 0"] == b"first"
        assert tokens["many 59"] == b"second"
        # It rests, and what comes then leaves from here again, with what it knew last.
        second = departures.helper.pid
        monkeypatch.setattr(departures_module, "RESTS_SECONDS", 0.05)
        await until(lambda: departures.helper.pid is None)
        way.hand_over([letter("after")], FOR_NOW)
        await heard.until(62)
        assert tokens["after"] == b"second"
        monkeypatch.setattr(departures_module, "RESTS_SECONDS", 60.0)
        departures.helper.start_soon()
        await until(lambda: departures.is_up)
        assert len({first, second, departures.helper.pid, None}) == 4
        way.hand_over([letter("again")], FOR_NOW)
        await heard.until(63)
    counted = Counter(tag_of(x) for x in server.requests)
    assert set(counted.values()) == {1}
    assert {told.answer.outcome for told in heard.told.values()} == {Outcome.ACCEPTED}
    assert set(counted) - {"other 0"} == {tag.lstrip("-") for tag in heard.told}
    assert not heard.not_left
    assert not closed.told


async def test_a_courier_that_is_needed_after_a_long_rest_is_let_come_up_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(departures_module, "PING_SECONDS", 0.01)
    async with line_side(answering(202)) as server, resting_courier_to(server.url) as departures:
        heard = Heard()
        way = departures.way("channel", heard, lambda until: True)
        way.use(1, "token", 2000)
        departures._needed_at -= 3600  # as if an hour had passed
        way.hand_over([letter(str(n)) for n in range(departures_module.FEW + 1)], FOR_NOW)
        await until(lambda: departures.helper.pid is not None)
        starting = departures.helper.pid
        await until(lambda: departures.is_up)
        assert departures.helper.pid == starting
        await heard.until(departures_module.FEW + 1)


async def test_where_letters_leave_from_may_change_and_the_pace_stays() -> None:
    """What a pause would save up, the other process has used: 20 letters would leave at once."""
    async with line_side(answering(202)) as server, courier_to(server.url) as departures:
        heard = Heard()

        async def seconds_of_21() -> float:
            begun, before = monotonic(), len(heard.told)
            way.hand_over([letter(f"{before + n}") for n in range(21)], FOR_NOW)
            await heard.until(before + 21)
            return monotonic() - begun

        way = departures.way("channel", heard, lambda until: True)
        way.use(1, "token", 1000)
        assert await seconds_of_21() > 0.02
        await kill(departures)
        await until(lambda: not departures.is_up)
        assert await seconds_of_21() > 0.02
        assert {told.answer.outcome for told in heard.told.values()} == {Outcome.ACCEPTED}


async def test_a_429_holds_the_channel_in_both_processes_and_a_courier_may_be_closed_before_it_is_up() -> (
    None
):
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        status = 429 if tag_of(request).startswith("denied") else 202
        await answering(status, b"{}", "Retry-After: 1")(reader, writer, request)

    async with line_side(behave) as server, resting_courier_to(server.url) as departures:
        heard = Heard()
        way = departures.way("channel", heard, lambda until: True)
        way.use(1, "token", 1000)
        way.hand_over([letter("denied here")], FOR_NOW)
        await heard.until(1)
        begun = monotonic()
        departures.helper.start_soon()
        await until(lambda: departures.is_up)
        way.hand_over([letter("denied there")], FOR_NOW)
        await heard.until(2)
        assert monotonic() - begun > 0.9
        begun = monotonic()
        await kill(departures)
        await until(lambda: not departures.is_up)
        way.hand_over([letter("taken")], FOR_NOW)
        await heard.until(3)
        assert monotonic() - begun > 0.9
        async with resting_courier_to(server.url) as never_up:
            never_up.helper.start_soon()
            await until(lambda: never_up.helper.pid is not None)
            last = never_up.helper.pid
        assert not os.path.exists(f"/proc/{last}")  # noqa: ASYNC240


async def kill(departures: CourierDepartures) -> None:
    pid = departures.helper.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def test_a_courier_that_is_killed_loses_no_notice_and_none_is_sent_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of what it had are answered, some lie at LINE unanswered, some have not left: those are all unknown."""
    monkeypatch.setattr(engine_house, "TOKEN", "token")
    many, go = asyncio.Event(), asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        if len(server.requests) == 150:
            many.set()
        if len(server.requests) > 100:
            await go.wait()
        await answering(202)(reader, writer, request)

    async with line_side(behave) as server, courier_to(server.url) as departures:
        house.departures = departures
        await house.open(rate=1000)
        wanted = await house.ask(400)
        engine = house.engine()
        with capture_logs() as logs:
            await engine.start()
            async with asyncio.timeout(20):
                await many.wait()
            await kill(departures)
            go.set()
            await engine.settle()
            await engine.stop()
            house.engines.remove(engine)
        sent = Counter(tag_of(x) for x in server.requests)
        assert set(sent.values()) == {1}
        attempts = [(await house.notice(n)).attempts for n in wanted]
        assert {len(x) for x in attempts} == {1}
        outcomes = {x[0].id: x[0].outcome for x in attempts}
        unknown = [tag for tag, outcome in outcomes.items() if outcome is Outcome.UNKNOWN]
        assert 20 <= len(unknown) <= 300
        assert {tag for tag, outcome in outcomes.items() if outcome is Outcome.ACCEPTED} <= set(sent)
        assert [x["event"] for x in logs if x["event"].startswith(("helper", "courier"))] == ["helper.ended"]


async def test_a_courier_that_is_stuck_is_ended_and_another_sends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures_module, "PING_SECONDS", 0.02)
    monkeypatch.setattr(departures_module, "STARTS", 500)
    async with line_side(answering(202)) as server, courier_to(server.url) as departures:
        heard = Heard()
        way = departures.way("channel", heard, lambda until: True)
        way.use(1, "token", 1000)
        way.hand_over([letter("first")], FOR_NOW)
        await heard.until(1)
        stuck = departures.helper.pid
        assert stuck is not None
        with capture_logs() as logs:
            os.kill(stuck, signal.SIGSTOP)
            way.hand_over([letter("second")], FOR_NOW)
            await heard.until(2)
            way.hand_over([letter("third")], FOR_NOW)
            await heard.until(3)
        assert [x.answer.outcome for x in heard.told.values()] == ["accepted", "unknown", "accepted"]
        assert [tag_of(x) for x in server.requests] == ["first", "third"]
        assert [x["event"] for x in logs] == ["courier.stuck", "helper.ended"]
