"""Helper processes: started, heard, started again, ended with the gateway."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import structlog

from todoke.engine import helpers
from todoke.engine.helpers import Helper

ECHO = """
import os, sys
from todoke.engine.helper_link import answer, begin, received

begin()
for frame in received():
    if frame == b"break":
        raise ValueError("0912345678")
    answer(frame * 2)
"""
GATEWAY = """
import asyncio, sys, time
from todoke.engine.helpers import Helper

async def main():
    helper = Helper("echo_helper", took=print)
    await helper.start()
    print(helper.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def _folder(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "echo_helper.py").write_text(ECHO)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    monkeypatch.setenv("PYTHONPATH", path)


def _environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_helper_that_dies_is_started_again_and_says_why_without_values(tmp_path, monkeypatch):
    _folder(tmp_path, monkeypatch)
    monkeypatch.setenv("TODOKE_SECRET_KEY", "not for helpers at all")
    frames: asyncio.Queue[bytes] = asyncio.Queue()
    lost = asyncio.Event()
    helper = Helper("echo_helper", took=frames.put_nowait, lost=lost.set, began=lambda: helper.send(b"hello"))
    with structlog.testing.capture_logs() as logs:
        await helper.start()
        assert await frames.get() == b"hellohello"
        large = os.urandom(3_000_000)
        assert helper.send(large)
        await helper.room()
        assert await frames.get() == large * 2
        first = helper.pid
        assert b"TODOKE" not in _environment(first)
        # Signals to the whole group are for the gateway to act on.
        os.kill(first, signal.SIGINT)
        os.kill(first, signal.SIGTERM)
        helper.send(b"break")
        assert await asyncio.wait_for(frames.get(), 10) == b"hellohello"
        assert lost.is_set()
        assert helper.pid != first
        os.kill(helper.pid, signal.SIGKILL)
        assert await asyncio.wait_for(frames.get(), 10) == b"hellohello"
        last = helper.pid
        await helper.close()
    assert not _runs(last)
    assert [(x["event"], x["code"]) for x in logs] == [("helper.ended", 1), ("helper.ended", -9)]
    assert logs[0]["why"].startswith("ValueError at ")
    assert "0912345678" not in str(logs)
    assert logs[1]["why"] == "it was killed"
    assert not helper.send(b"nobody")


async def test_a_helper_that_cant_be_started_again_is_tried_until_it_can_or_is_closed(tmp_path, monkeypatch):
    _folder(tmp_path, monkeypatch)
    monkeypatch.setattr(helpers, "LONGEST_PAUSE_SECONDS", 0.05)
    begun: asyncio.Queue[None] = asyncio.Queue()
    refused: asyncio.Queue[None] = asyncio.Queue()

    def no_memory(*_: object, **__: object) -> None:
        refused.put_nowait(None)
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    helper = Helper("echo_helper", took=lambda _: None, began=lambda: begun.put_nowait(None))
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(20):
            await helper.start()
            await begun.get()
            with monkeypatch.context() as without_memory:
                without_memory.setattr(subprocess, "Popen", no_memory)
                helper.kill()
                await refused.get()
                await refused.get()
                assert not helper.send(b"nobody")
            await begun.get()
            monkeypatch.setattr(helpers, "LONGEST_PAUSE_SECONDS", 60)
            monkeypatch.setattr(subprocess, "Popen", no_memory)
            helper.kill()
            while not refused.empty():
                refused.get_nowait()
            await refused.get()
            # It waits for a minute now, and closing does not.
            await helper.close()
    assert [x["event"] for x in logs if x["event"] != "helper.not_started"] == ["helper.ended"] * 2


def test_a_helper_ends_when_its_gateway_is_killed(tmp_path, monkeypatch):
    _folder(tmp_path, monkeypatch)
    gateway = subprocess.Popen([sys.executable, "-c", GATEWAY], stdout=subprocess.PIPE, text=True)
    helper = int(gateway.stdout.readline())
    gateway.kill()
    gateway.wait()
    gateway.stdout.close()
    end = time.monotonic() + 5
    while (
        Path(f"/proc/{helper}").exists() and "\nState:\tZ" not in Path(f"/proc/{helper}/status").read_text()
    ):
        assert time.monotonic() < end
        time.sleep(0.02)


async def test_a_helper_that_takes_nothing_any_more_is_killed_when_it_is_closed(tmp_path, monkeypatch):
    _folder(tmp_path, monkeypatch)
    monkeypatch.setattr(helpers, "END_SECONDS", 0.2)
    frames: asyncio.Queue[bytes] = asyncio.Queue()
    helper = Helper("echo_helper", took=frames.put_nowait)
    await helper.start()
    helper.send(b"x")
    assert await asyncio.wait_for(frames.get(), 10) == b"xx"
    pid = helper.pid
    # Ctrl-C in a terminal goes to the gateway's group alone, while the helper starts too.
    assert os.getpgid(pid) != os.getpgrp()
    os.kill(pid, signal.SIGSTOP)
    helper.send(bytes(3_000_000))
    async with asyncio.timeout(10):
        await helper.close()
    assert not _runs(pid)
