"""The command `line-emulator`, as a process of its own."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import aiohttp


async def serve(*options: str) -> Process:
    command = [sys.executable, "-m", "line_emulator", "serve", *options]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)


async def first_line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return (await process.stdout.readline()).decode().strip()


async def end(process: Process) -> tuple[str, str]:
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return out.decode(), err.decode()


async def test_the_first_line_says_where_it_listens_and_ctrl_c_ends_it_cleanly() -> None:
    process = await serve("--port", "0")
    try:
        line = await first_line(process)
        found = re.search(r"http://127\.0\.0\.1:\d+$", line)
        assert found is not None
        async with aiohttp.ClientSession() as session:
            async with session.get(found[0] + "/_emulator/v1/clock") as answer:
                assert answer.status == 200
    finally:
        _, err = await end(process)
    assert (process.returncode, err) == (0, "")


async def test_a_taken_port_is_one_clear_line_and_exit_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await serve("--port", str(port))
        async with asyncio.timeout(20):
            raw_out, raw_err = await process.communicate()
    out, err = raw_out.decode(), raw_err.decode()
    assert process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1
    assert str(port) in err
    assert "--port" in err


async def test_a_million_users_do_not_delay_the_start() -> None:
    started = time.monotonic()
    process = await serve("--port", "0", "--population", "1000000", "--seed", "3")
    try:
        url = (await first_line(process)).split()[-1]
        # Two seconds on an idle machine; the tests share theirs with others.
        assert time.monotonic() - started < 6
        async with aiohttp.ClientSession() as session:
            async with session.get(url + "/_emulator/v1/users") as answer:
                found = await answer.json()
        assert found["count"] == 1_000_000
        assert found["populations"][0]["prefix"] == "+88690"
    finally:
        await end(process)


async def test_scenarios_are_played_from_the_start_on_and_once_over_restarts(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.json"
    one.write_text("name: One\nsteps:\n  - {at: 1h, clear_faults: true}\n")
    two.write_text(
        '{"name": "Two", "steps": [{"at": "0s", "fault": {"target": "api", "kind": "status_before"}}]}'
    )
    options = [
        "--port",
        "0",
        "--scenario",
        str(one),
        "--scenario",
        str(two),
        "--state",
        str(tmp_path / "state"),
    ]
    for _ in range(2):
        process = await serve(*options)
        try:
            url = (await first_line(process)).split()[-1] + "/_emulator/v1"
            async with aiohttp.ClientSession() as session:
                # Two seconds of virtual time later what is due at 0 s is done.
                await session.post(url + "/clock", json={"advance": "2s"})
                async with session.get(url + "/scenarios") as answer:
                    found = (await answer.json())["scenarios"]
        finally:
            _, err = await end(process)
        assert (process.returncode, err) == (0, "")
        assert [(play["name"], play["steps"][0]["state"]) for play in found] == [
            ("One", "waiting"),
            ("Two", "done"),
        ]


async def test_a_bad_or_missing_scenario_is_one_clear_line_and_exit_1(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: Bad\nsteps:\n  - at: 1m\n    fault: {target: moon, kind: drop}\n")
    for path, told in ((bad, "step 1 (line 3): target is 'moon'"), (tmp_path / "none.yaml", "can't be read")):
        process = await serve("--port", "0", "--scenario", str(path))
        async with asyncio.timeout(20):
            raw_out, raw_err = await process.communicate()
        assert (process.returncode, raw_out) == (1, b"")
        assert raw_err.count(b"\n") == 1
        assert str(path) in raw_err.decode()
        assert told in raw_err.decode()


async def test_a_population_that_the_state_file_has_is_not_made_again_and_another_is_told_of(
    tmp_path: Path,
) -> None:
    options = ["--port", "0", "--state", str(tmp_path / "state"), "--population", "100", "--seed"]
    for seed, told in (("1", ""), ("1", ""), ("2", "--population is passed over")):
        process = await serve(*options, seed)
        try:
            url = (await first_line(process)).split()[-1]
            async with aiohttp.ClientSession() as session:
                async with session.get(url + "/_emulator/v1/users") as answer:
                    populations = (await answer.json())["populations"]
        finally:
            _, err = await end(process)
        assert [(found["count"], found["seed"]) for found in populations] == [(100, 1)]
        assert err.count("\n") == bool(told)
        assert told in err


async def test_a_record_cut_off_by_a_crash_is_told_of_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "state"
    process = await serve("--port", "0", "--state", str(path))
    await first_line(process)
    await end(process)
    with path.open("ab") as file:
        file.write(b"\0\0\1\0xxxxhalf a record")
    process = await serve("--port", "0", "--state", str(path))
    await first_line(process)
    _, err = await end(process)
    assert err.count("\n") == 1
    assert "the last 21 bytes" in err
