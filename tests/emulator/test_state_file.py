"""The state file: everything is there again after a restart, also after kill -9, and damage is said plainly."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import typing
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator_support import (
    TEMPLATE,
    RunningEmulator,
    Sink,
    line_hash,
    running_emulator,
)
from line_emulator import times, wiring
from line_emulator.ids import new_run
from line_emulator.keeping import codec, journal
from line_emulator.keeping.diary import COMMAND
from line_emulator.keeping.journal import BadStateFile, StateFile
from line_emulator.screen.screen import view as screen_of
from line_emulator.world import World, commands, handle
from line_emulator.world.accounts import ACTIONS
from line_emulator.world.channels import Channel
from line_emulator.world.population import Population, Rates

PHONE, OTHER, THIRD = "+819012345678", "+819087654321", "+819011112222"
TAG = "order-2026-00000001"


# -- real processes


class Served:
    """`line-emulator serve --state FILE` as a process of its own, with the calls of the other tests."""

    def __init__(self, process: Process, emulator: RunningEmulator) -> None:
        self.process = process
        self.emulator = emulator

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.communicate()


@asynccontextmanager
async def served(path: Path, *options: str) -> AsyncIterator[Served]:
    command = [sys.executable, "-m", "line_emulator", "serve", "--port", "0", "--state", str(path), *options]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        url = line.split()[-1]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            yield Served(process, RunningEmulator(None, url, session))  # type: ignore[arg-type]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.communicate()


async def all_that_is_seen(emulator: RunningEmulator) -> dict[str, Any]:
    """What a user of the control API and of LINE's own paths can see of the state."""
    found: dict[str, Any] = {}
    for path in ("/clock", "/users", "/channels", "/ledger", "/ledger/summary", "/faults", "/sms"):
        found[path] = await emulator.control("GET", path)
    for phone in (PHONE, OTHER, THIRD):
        found[phone] = await emulator.screen(phone)
    for channel in found["/channels"]["channels"]:
        path = f"/channels/{channel['channel_id']}"
        found[path] = await emulator.control("GET", path)
        found[path + "/counts"] = (
            await emulator.get(found[path], "/v2/bot/message/delivery/pnp/templated?date=20310101")
        ).json
    return found


@pytest.mark.crash
async def test_after_kill_9_everything_is_as_it_was(tmp_path: Path, sink: Sink) -> None:
    path = tmp_path / "line.state"
    async with served(path) as first:
        emulator = first.emulator
        await emulator.clock(mode="paused", set="2031-01-01T03:00:00Z")
        channel = await emulator.channel(webhook_url=sink.url, redelivery=True, rate_limit=77)
        await emulator.user(PHONE)
        await emulator.user(OTHER, reception="not_set", verified=False)
        await emulator.user(THIRD, reception="agree", verified=False, language="th")
        await emulator.control(
            "POST", "/population", {"count": 500, "seed": 3, "prefix": "+88691", "digits": 7}
        )
        for phone in (PHONE, OTHER, THIRD, "+886910000001"):
            await emulator.send(channel, phone, TAG)
        await emulator.act(PHONE, "add_friend", channel_id=channel["channel_id"])
        await emulator.act(PHONE, "send_message", channel_id=channel["channel_id"], text="\U0001f600 '\"")
        await emulator.pin(THIRD)
        await emulator.fault("api", "status_before", next=5, path="/v2/bot/info")
        for _ in range(2):
            await emulator.get(channel, "/v2/bot/info")
        token = (await stateless(emulator, channel)).json["access_token"]
        await emulator.control("POST", "/carrier/messages", {"to": PHONE, "text": "Hello"}, expect=202)
        await sink.until(lambda: len(sink.events) >= 3)
        await emulator.clock(advance="1h")
        before = await all_that_is_seen(emulator)
        await first.kill()
    async with served(path) as second:
        emulator = second.emulator
        after = await all_that_is_seen(emulator)
        assert after == before
        assert after["/faults"]["faults"][0]["next"] == 3
        # Tokens still work, those with an end too, until their end.
        bearer = {"Authorization": f"Bearer {token}"}
        assert (
            await emulator.request("GET", "/v2/bot/channel/webhook/endpoint", headers=bearer)
        ).status == 401
        pin = after[THIRD]["sms"][-1]["pin"]
        await emulator.act(THIRD, "enter_pin", pin=pin, expect=400)  # Its ten minutes are over.
        assert len(sink.events) == len({event["webhookEventId"] for event in sink.events})
        # The pending notification ends 24 hours after it was sent, not after the restart.
        await emulator.clock(advance=f"{23 * 3600 - 1}s")
        assert [row["fate"] for row in await emulator.ledger()].count("pending") == 2
        await emulator.clock(advance="1s")
        assert [row["fate"] for row in await emulator.ledger()].count("expired") == 2


async def stateless(emulator: RunningEmulator, channel: dict[str, Any]) -> Any:
    form = (
        f"grant_type=client_credentials&client_id={channel['channel_id']}"
        f"&client_secret={channel['channel_secret']}"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await emulator.request("POST", "/oauth2/v3/token", form.encode(), headers)


@pytest.mark.crash
async def test_webhooks_that_were_not_posted_come_after_a_restart_with_the_same_ids(
    tmp_path: Path, sink: Sink
) -> None:
    path = tmp_path / "line.state"
    async with served(path) as first:
        emulator = first.emulator
        await emulator.clock(mode="paused")
        channel = await emulator.channel(
            webhook_url=sink.url, redelivery=True, redelivery_schedule=["5m", "1h"]
        )
        await emulator.user(PHONE)
        sink.status = 500
        await emulator.send(channel, PHONE, "failed-0000000001")
        await sink.got(1)
        await emulator.clock(advance="1m")
        sink.status = 200
        await emulator.send(channel, PHONE, "arrived-00000001")
        await sink.got(2)
        await emulator.fault("webhook", "delay", ms=7_200_000, next=1)
        await emulator.send(channel, PHONE, "delayed-00000001")
        await emulator.clock(advance="0s")
        sink.hold = asyncio.Event()
        await emulator.send(channel, PHONE, "on-its-way-00001")
        await sink.got(3)
        await first.kill()
    sink.hold.set()
    sink.hold = None
    assert tags(sink) == ["failed-0000000001", "arrived-00000001", "on-its-way-00001"]
    first_ids = {event["delivery"]["data"]: event["webhookEventId"] for event in sink.events}
    sink.requests.clear()
    async with served(path) as second:
        emulator = second.emulator
        await sink.got(1)
        await emulator.clock(advance="4m")
        assert sorted(tags(sink)) == ["failed-0000000001", "on-its-way-00001"]
        await emulator.clock(advance="2h")
        assert sorted(tags(sink)) == ["delayed-00000001", "failed-0000000001", "on-its-way-00001"]
        for event in sink.events:
            tag = event["delivery"]["data"]
            assert event["deliveryContext"]["isRedelivery"] is (tag == "failed-0000000001")
            assert first_ids.get(tag, event["webhookEventId"]) == event["webhookEventId"]
        assert len({event["webhookEventId"] for event in sink.events} | set(first_ids.values())) == 4
        assert all(row["event_at"] for row in await emulator.ledger())


def tags(sink: Sink) -> list[str]:
    return [event["delivery"]["data"] for event in sink.events]


@pytest.mark.crash
async def test_a_request_that_was_answered_is_never_lost_by_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    answered = 0
    async with served(path) as first:
        channel = await first.emulator.channel()
        await first.emulator.user(PHONE)

        async def send_for_ever() -> None:
            nonlocal answered
            while True:
                reply = await first.emulator.send(channel, PHONE)
                answered += reply.status == 202
                if answered >= 300:
                    return

        senders = [asyncio.create_task(send_for_ever()) for _ in range(20)]
        await asyncio.wait(senders, return_when=asyncio.FIRST_COMPLETED)
        first.process.send_signal(signal.SIGKILL)
        await asyncio.gather(*senders, return_exceptions=True)
    async with served(path) as second:
        total = (await second.emulator.control("GET", "/ledger/summary"))["total"]
        assert answered <= total <= answered + 20


@pytest.mark.crash
async def test_request_message_and_event_ids_never_repeat_over_restarts(tmp_path: Path, sink: Sink) -> None:
    path = tmp_path / "line.state"
    requests: list[str] = []
    messages: list[str] = []
    for start in range(3):
        async with served(path) as running:
            emulator = running.emulator
            if not start:
                made = await emulator.channel(webhook_url=sink.url)
                user = await emulator.user(PHONE)
                await emulator.act(PHONE, "add_friend", channel_id=made["channel_id"])
            reply = await emulator.send(made, PHONE)
            requests.append(reply.headers["x-line-request-id"])
            body = {"to": user["user_id"], "messages": [{"type": "text", "text": "x"}]}
            headers = {"Authorization": f"Bearer {made['access_token']}"}
            reply = await emulator.request("POST", "/v2/bot/message/push", body, headers)
            messages.append(reply.json["sentMessages"][0]["id"])
            await sink.until(lambda: len({event["webhookEventId"] for event in sink.events}) == start + 2)  # noqa: B023
            await running.kill()
    assert len(set(requests)) == len(set(messages)) == 3
    # What was killed before the receiver's answer was known comes again, under the same id.
    events = {event["webhookEventId"]: event for event in sink.events}
    assert len(events) == 4
    assert all(event == events[event["webhookEventId"]] for event in sink.events)


@pytest.mark.crash
async def test_in_real_mode_time_goes_on_while_the_emulator_is_down_and_at_a_speed_it_stands(
    tmp_path: Path,
) -> None:
    path = tmp_path / "line.state"
    async with served(path) as first:
        await first.emulator.clock(advance="30d")
        before = times.parse((await first.emulator.control("GET", "/clock"))["now"])
    async with served(path) as second:
        after = times.parse((await second.emulator.control("GET", "/clock"))["now"])
        assert 0 <= after - before < 60_000
        await second.emulator.clock(speed=86_400)
        view = await second.emulator.control("GET", "/clock")
        await second.kill()
    async with served(path) as third:
        again = await third.emulator.control("GET", "/clock")
        assert (again["mode"], again["speed"]) == ("real", 86_400)
        assert times.parse(again["now"]) >= times.parse(view["now"]) - 2 * 86_400_000


@pytest.mark.crash
async def test_two_emulators_on_one_file_is_one_clear_line_and_exit_1(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    async with served(path):
        err = await refused(path)
        assert "in use" in err
    async with served(path):
        pass


async def refused(path: Path) -> str:
    command = [sys.executable, "-m", "line_emulator", "serve", "--port", "0", "--state", str(path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert err.count(b"\n") == 1
    assert str(path).encode() in err
    return err.decode()


@pytest.mark.crash
async def test_a_file_that_can_not_be_used_is_one_clear_line_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("# shopping\nmilk\n" * 20)
    assert "no state file" in await refused(tmp_path / "foreign")
    missing = await refused(tmp_path / "none" / "such")
    assert f"can't be opened: there is no folder {tmp_path / 'none'}. Make it" in missing
    assert "--state" in await refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "no ordinary file" in await refused(tmp_path / "pipe")


# -- damage


async def some_state(path: Path) -> dict[str, Any]:
    async with running_emulator(state_file=path) as emulator:
        assert os.stat(path).st_mode & 0o077 == 0  # It holds secrets and tokens.
        channel = await emulator.channel()
        for phone in (PHONE, OTHER, THIRD):
            await emulator.user(phone)
            await emulator.send(channel, phone)
        return await all_that_is_seen(emulator)


async def rows_after(path: Path) -> int:
    async with running_emulator(state_file=path) as emulator:
        total: int = (await emulator.control("GET", "/ledger/summary"))["total"]
        await emulator.user("+819000000000")  # It goes on to be written.
        return total


async def test_a_record_cut_off_anywhere_is_dropped_and_the_rest_is_there(tmp_path: Path) -> None:
    path, copy = tmp_path / "line.state", tmp_path / "copy.state"
    await some_state(path)
    last, end = last_command(path)
    whole = path.read_bytes()[:end]
    for cut in sorted({last, last + 1, last + 7, last + 8, last + 20, len(whole) - 1}):
        copy.write_bytes(whole[:cut])
        assert await rows_after(copy) == 2, cut
        assert await rows_after(copy) == 2, cut
    for tail in (b"\0" * 10, b"\0" * 5000, b"\0\0\0\x09", whole[last:-1]):
        copy.write_bytes(whole + tail)
        assert await rows_after(copy) == 3, tail
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    copy.write_bytes(flipped)
    assert await rows_after(copy) == 2


def last_command(path: Path) -> tuple[int, int]:
    """Where the last command's record begins and ends."""
    file = StateFile(path, new_run())
    places: list[tuple[int, int]] = []
    start = file.size
    for record in file.read():
        if record[0] == COMMAND:
            places.append((start, file.size))
        start = file.size
    file.close()
    return places[-1]


async def test_damage_in_the_middle_is_refused_with_its_place_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    await some_state(path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(BadStateFile, match=r"damaged at byte \d+, after \d+ good records") as found:
        wiring.build(state_file=path)
    place = int(re.search(r"truncate -s (\d+) ", str(found.value))[1])  # type: ignore[index]
    os.truncate(path, place)
    assert await rows_after(path) <= 2


async def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    header = msgspec.msgpack.encode({"format": 2, "something": "new"})
    path.write_bytes(journal.MAGIC + journal._framed(header))
    with pytest.raises(BadStateFile, match="format 2; this one reads 1"):
        wiring.build(state_file=path)


async def test_a_record_of_an_unknown_kind_or_command_is_refused(tmp_path: Path) -> None:
    for record in (
        (99, 1),
        (COMMAND, 1, "Teleport", b"{}", []),
        (COMMAND, 1, "PutUser", b"{}", []),
        (COMMAND,),
        5,
    ):
        path = tmp_path / "line.state"
        path.unlink(missing_ok=True)
        file = StateFile(path, new_run())
        file.append(record)
        file.close()
        with pytest.raises(BadStateFile, match="record 1 can't be repeated"):
            wiring.build(state_file=path)


async def test_an_empty_file_and_one_cut_off_in_its_header_are_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    await some_state(path)
    whole = path.read_bytes()
    for length in (0, 3, len(journal.MAGIC), len(journal.MAGIC) + 5):
        path.write_bytes(whole[:length])
        assert await rows_after(path) == 0


async def test_a_full_disk_is_said_once_and_the_emulator_serves_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "line.state"
    async with running_emulator(state_file=path) as emulator:
        channel = await emulator.channel()
        await emulator.user(PHONE)
        real = os.pwrite

        def full(fd: int, data: bytes, place: int) -> int:
            # As a disk does: a part still fits.
            if len(data) < 20:
                raise OSError(28, "No space left on device")
            return real(fd, data[: len(data) - 19], place)

        monkeypatch.setattr(os, "pwrite", full)
        for _ in range(3):
            assert (await emulator.send(channel, PHONE)).status == 202
        monkeypatch.setattr(os, "pwrite", real)
        assert (await emulator.send(channel, PHONE)).status == 202
        told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert len(told) == 1
        assert str(path) in told[0]
        view = await emulator.control("GET", "/state")
        assert view["error"] == told[0]
        assert len(await emulator.ledger()) == 4
    async with running_emulator(state_file=path) as emulator:
        assert await emulator.ledger() == []
        assert (await emulator.control("GET", "/users"))["count"] == 1


async def test_what_can_not_be_written_is_said_and_answered_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "line.state"
    async with running_emulator(state_file=path) as emulator:
        emulator.state.do(commands.PutUser(PHONE, "agree", None, 0, name="\ud800"))
        emulator.state.diary.file.append(2**70)
        assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
        assert "can't be put into it" in (await emulator.control("GET", "/state"))["error"]
        await emulator.user(OTHER)
    async with running_emulator(state_file=path) as emulator:
        assert (await emulator.control("GET", "/users"))["count"] == 0


async def test_a_receipt_on_its_way_in_a_reset_does_not_spoil_the_file(tmp_path: Path, sink: Sink) -> None:
    path = tmp_path / "line.state"
    sink.status, sink.hold = 500, asyncio.Event()
    async with running_emulator(state_file=path) as emulator:
        order = {"to": PHONE, "text": "x", "receipt_url": sink.url}
        await emulator.control("POST", "/carrier/messages", order, expect=202)
        await sink.until(lambda: len(sink.requests) == 1)
        await emulator.control("POST", "/reset")
        sink.hold.set()
        await emulator.clock(advance="1s")
    async with running_emulator(state_file=path) as emulator:
        assert (await emulator.control("GET", "/sms"))["rows"] == []


async def test_a_reset_empties_the_file_and_the_clock_stays(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    await some_state(path)
    async with running_emulator(state_file=path) as emulator:
        await emulator.fault("api", "status_before")
        moved = await emulator.clock(mode="paused", speed=60, advance="1d")
        size = (await emulator.control("GET", "/state"))["bytes"]
        await emulator.control("POST", "/reset")
        view = await emulator.control("GET", "/state")
        assert view["bytes"] < size
        assert view["records"] == 2
        assert path.stat().st_size == view["bytes"]
    async with running_emulator(state_file=path) as emulator:
        assert (await emulator.control("GET", "/channels"))["channels"] == []
        assert (await emulator.control("GET", "/faults"))["faults"] == []
        assert await emulator.control("GET", "/clock") == moved
        # Nothing has happened since the reset, so the clock may still be set back.
        await emulator.clock(set="2020-01-01T00:00:00Z")
    async with running_emulator(state_file=path) as emulator:
        assert (await emulator.control("GET", "/clock"))["now"].startswith("2020-01-01")


async def test_without_a_state_file_nothing_is_written(emulator: RunningEmulator) -> None:
    assert await emulator.control("GET", "/state") == {"file": None}


async def test_receipts_of_the_carrier_that_nobody_took_come_after_a_restart(
    tmp_path: Path, sink: Sink
) -> None:
    path = tmp_path / "line.state"
    sink.status = 500
    order = {"to": PHONE, "text": "x", "receipt_url": sink.url, "receipt_token": "secret"}
    async with running_emulator(state_file=path) as emulator:
        await emulator.clock(mode="paused")
        taken = await emulator.control("POST", "/carrier/messages", order, expect=202)
        await emulator.clock(advance="30s")
        assert len(sink.requests) == 1
    sink.status = 200
    async with running_emulator(state_file=path) as emulator:
        await emulator.clock(advance="29s")
        assert len(sink.requests) == 1
        await emulator.clock(advance="1s")
        headers, body = sink.requests[1]
        assert headers["authorization"] == "Bearer secret"
        assert json.loads(body)["message_id"] == taken["message_id"]
    async with running_emulator(state_file=path) as emulator:
        await emulator.clock(advance="7d")
        assert len(sink.requests) == 2


async def test_numbers_given_out_again_and_answers_to_sms_are_there_after_a_restart(
    tmp_path: Path, sink: Sink
) -> None:
    path = tmp_path / "line.state"
    sink.status = 500
    async with running_emulator(state_file=path) as emulator:
        await emulator.clock(mode="paused")
        former = await emulator.user(PHONE, name="Former")
        await emulator.user(PHONE, name="Second", takes_over=True)
        await emulator.user(OTHER, name="Third")
        await emulator.act(OTHER, "change_number", phone=PHONE)
        order = {"to": PHONE, "text": "x", "reply_url": sink.url, "receipt_token": "secret"}
        await emulator.control("POST", "/carrier/messages", order, expect=202)
        await emulator.act(PHONE, "send_sms", text="STOP")
        await emulator.clock(advance="30s")
        assert len(sink.requests) == 1
        users = await emulator.control("GET", "/users")
        screens = [await emulator.screen(user["phone"]) for user in users["users"]]
    sink.status = 200
    async with running_emulator(state_file=path) as emulator:
        assert await emulator.control("GET", "/users") == users
        assert [user["name"] for user in users["users"]] == ["Former", "Second", "Third"]
        assert [await emulator.screen(user["phone"]) for user in users["users"]] == screens
        assert (await emulator.control("GET", f"/users/{former['user_id']}"))["name"] == "Former"
        await emulator.clock(advance="30s")
        headers, body = sink.requests[1]
        assert (headers["authorization"], body) == ("Bearer secret", sink.requests[0][1])
    async with running_emulator(state_file=path) as emulator:
        await emulator.clock(advance="7d")
        assert len(sink.requests) == 2


async def test_a_channel_that_was_changed_stays_one_and_the_same_for_its_tokens(tmp_path: Path) -> None:
    path = tmp_path / "line.state"
    async with running_emulator(state_file=path) as emulator:
        channel = await emulator.channel()
        token = (await stateless(emulator, channel)).json["access_token"]
        await emulator.control("PATCH", f"/channels/{channel['channel_id']}", {"name": "New name"})
    async with running_emulator(state_file=path) as emulator:
        bearer = {"Authorization": f"Bearer {token}"}
        found = await emulator.request("GET", "/v2/bot/info", headers=bearer)
        assert found.json["displayName"] == "New name"
        await emulator.control("PATCH", f"/channels/{channel['channel_id']}", {"name": "Newer"})
        found = await emulator.request("GET", "/v2/bot/info", headers=bearer)
        assert found.json["displayName"] == "Newer"


# -- the model: any commands, repeated, make the same world

CHANNELS = ("2000000001", "2000000002")
PHONES = (PHONE, OTHER, THIRD, "+886912000003", "+886912000004")
RATES = Rates(registered=0.9, agree=0.4, not_set=0.4, verified=0.5, blocked=0.2, friend=0.3)
TEXTS = st.text(max_size=20)


def channel_of(number: int, **values: Any) -> Channel:
    return Channel(
        channel_id=CHANNELS[number],
        name="Shop",
        region=("JP", "TW")[number],
        secret="s",
        bot_user_id="U" + "0" * 32,
        basic_id="@x",
        access_token="t" * 10,
        unblock_releases=bool(number),
        **values,
    )


def start(world: World) -> None:
    for number in range(2):
        handle(world, commands.AddChannel(channel_of(number)), 0)


def send(kind: type, number: int, phone: str, request_no: int) -> Any:
    body: dict[str, Any] = {"to": line_hash(phone)}
    body |= (
        {"templateKey": (TEMPLATE, "example_x")[number]}
        if kind is commands.SendTemplate
        else {"messages": [{"type": "text", "text": "hello"}]}
    )
    return kind, number, body, request_no


MOVES = st.one_of(
    st.builds(
        send,
        st.sampled_from([commands.SendTemplate, commands.SendFlexible]),
        st.integers(0, 1),
        st.sampled_from(PHONES),
        st.integers(1, 2**40),
    ),
    st.builds(
        commands.PutUser,
        phone=st.sampled_from(PHONES),
        reception=st.sampled_from(["agree", "not_set", "reject"]),
        verified_at=st.sampled_from([None, 10**12]),
        created_at=st.sampled_from([0, 10**12]),
        name=st.none() | TEXTS,
        takes_over=st.booleans(),
    ),
    st.builds(
        lambda phone, name, value: commands.ChangeUser(phone, {name: value}),
        st.sampled_from(PHONES),
        st.just("reception"),
        st.sampled_from(["agree", "reject"]),
    ),
    st.builds(
        commands.Act,
        phone=st.sampled_from(PHONES),
        action=st.sampled_from(ACTIONS),
        new_pin=st.sampled_from(["111111", "222222"]),
        channel_id=st.sampled_from(CHANNELS),
        pin=st.sampled_from(["111111", "222222"]),
        new_phone=st.sampled_from(PHONES),
        target=st.none() | TEXTS,
        text=TEXTS,
        message_id=st.integers(1, 10**6).map(str),
    ),
    st.builds(
        commands.TakeSms,
        message_id=TEXTS,
        to=st.sampled_from(PHONES),
        text=TEXTS,
        sender=TEXTS,
        reply_url=st.none() | st.just("http://127.0.0.1:9/"),
    ),
    st.builds(commands.AnswerSms, phone=st.sampled_from(PHONES), text=TEXTS, message_id=TEXTS),
    st.just(commands.Tick()),
)


def command_of(move: Any, world: World) -> Any:
    """A move that names a channel by number becomes a command of this world."""
    if not isinstance(move, tuple):
        return move
    kind, number, body, request_no = move
    raw = msgspec.json.encode(body)
    channel = world.channels[CHANNELS[number]]
    return kind(channel=channel, body=msgspec.json.decode(raw), raw=raw, tag=None, request_no=request_no)


def seen_of(world: World, now: int) -> Any:
    """All that can be seen of a world: screens, ledger, counts, SMS."""
    handle(world, commands.Tick(), now)
    people = world.people
    return msgspec.json.encode(
        {
            "screens": [screen_of(world, phone, people.find_phone(phone), now) for phone in PHONES],
            "rows": [
                (row.request_no, row.fate, row.status, row.seen_at, row.at)
                for row in world.ledger.page(0, 10**6, None)[0]
            ],
            "counts": sorted(map(repr, world.counts.items())),
            "everybody": [
                screen_of(world, account.phone, account, now) | {"number": account.number}
                for _, account in people.everybody()
            ],
            "sms": [(sms.to, sms.text, sms.at) for sms in world.sms.taken],
            "channels": list(world.channels.values()),
        }
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(MOVES, st.sampled_from([0, 1, 3_600_000, 86_400_000])), max_size=40))
def test_any_commands_written_and_repeated_make_the_same_world(moves: list[tuple[Any, int]]) -> None:
    world, again, now = World(), World(), 10**12
    written: list[Any] = []
    start(world)
    for channel in world.channels.values():
        written.append((0, *codec.encode(commands.AddChannel(channel))))
    population = Population(count=20, seed=1, prefix="+88691200", digits=4, rates=RATES, created_at=now)
    handle(world, commands.AddPopulation(population), now)
    written.append((now, *codec.encode(commands.AddPopulation(population))))
    events = []
    for move, wait in moves:
        now += wait
        command = command_of(move, world)
        events += [(event.type, event.at, event.user_id) for event in handle(world, command, now).events]
        written.append((now, *codec.encode(command)))
        handle(world, commands.Tick(), now)  # Whoever looks changes nothing.
    repeated = []
    for at, name, data, blobs in msgspec.msgpack.decode(msgspec.msgpack.encode(written)):
        effects = handle(again, codec.decode(name, data, blobs, again), at)
        repeated += [(event.type, event.at, event.user_id) for event in effects.events]
    assert repeated == events
    assert seen_of(again, now) == seen_of(world, now)


# -- no command is forgotten

KINDS: tuple[type, ...] = typing.get_args(commands.Command)


def plain(hint: Any) -> Any:
    """A strategy for a field; channels and the like have their own."""
    if hint is Channel:
        return st.sampled_from([channel_of(0), channel_of(1)])
    if hint == Channel | None:
        return st.sampled_from([None, channel_of(0), channel_of(1)])
    if hint is Population:
        return st.just(Population(count=9, seed=2, prefix="+88691200", digits=4, rates=RATES, created_at=5))
    if hint == dict[str, Any]:
        return st.dictionaries(TEXTS, st.none() | st.booleans() | TEXTS | st.integers(), max_size=3)
    if hint is int:
        return st.integers(-(2**2100), 2**2100)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return st.builds(hint, **{name: plain(part) for name, part in typing.get_type_hints(hint).items()})
    return st.from_type(hint)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_command_comes_back_from_the_file_as_it_was(kind: type, data: st.DataObject) -> None:
    hints = typing.get_type_hints(kind)
    values = {name: data.draw(plain(hint), label=name) for name, hint in hints.items()}
    if {"body", "raw"} <= set(hints):
        values["raw"] = msgspec.json.encode(values["body"])
    command = kind(**values)
    world = World()
    start(world)
    name, encoded, blobs = msgspec.msgpack.decode(msgspec.msgpack.encode(codec.encode(command)))
    found = codec.decode(name, encoded, blobs, world)
    assert type(found) is kind
    for field in hints:
        was, now = getattr(command, field), getattr(found, field)
        if isinstance(was, Population):
            assert was.same_as(now)
            assert was.created_at == now.created_at
        elif isinstance(was, Channel):
            assert was == now
            assert kind is commands.AddChannel or now is world.channels[was.channel_id]
        else:
            assert was == now, field
