"""The command `line-emulator`, as a process of its own."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process

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
