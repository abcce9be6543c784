"""The receiver for the first steps: what comes is said in a line, and whether its signature is right."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import httpx
import pytest

from emulator_support import RunningEmulator
from line_emulator.receiver import LARGEST, describe, receiver

SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
EMPTY = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
RIGHT = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="
"""LINE's own test vector: see FIDELITY.md."""


def test_lines_test_vector_is_a_right_signature_and_anything_else_a_wrong_one() -> None:
    assert describe(EMPTY, RIGHT, SECRET)[0].endswith(", signature right")
    for wrong in (None, "", RIGHT[:-1], "Ü"):
        assert describe(EMPTY, wrong, SECRET)[0].endswith(", SIGNATURE WRONG")
    assert "signature" not in describe(EMPTY, None, None)[0].lower()


def test_what_stands_in_a_message_reaches_the_terminal_as_letters_only() -> None:
    event = {"type": "message", "message": {"text": "\x1b[2Jboo\r\n"}, "source": {"userId": "U1"}}
    (line,) = describe(json.dumps({"events": [event]}).encode(), None, None)
    assert "\\x1b[2Jboo\\r\\n from U1" in line
    assert line.isprintable()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"events": 5}', b'{"events": [5]}', b"[" * 100_000])
def test_what_is_no_webhook_is_called_so(body: bytes) -> None:
    assert "no webhook of LINE" in describe(body, None, None)[0]


async def test_too_much_is_refused() -> None:
    said: list[str] = []
    transport = httpx.ASGITransport(receiver(None, said.append))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.post("/hook", content=b" " * (LARGEST + 1))).status_code == 413
        assert (await client.post("/hook", content=EMPTY)).status_code == 200
    assert len(said) == 1


async def test_the_command_prints_what_the_emulator_posts(emulator: RunningEmulator) -> None:
    command = Path(sys.executable).parent / "line-emulator"
    channel = await emulator.channel()
    process = await asyncio.create_subprocess_exec(
        command,
        "receive",
        "--port",
        "0",
        "--secret",
        channel["channel_secret"],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().split()[-1]
        path = f"/channels/{channel['channel_id']}"
        await emulator.control("PATCH", path, {"webhook_url": url})
        await emulator.user("+818000001234")
        await emulator.send(channel, "+818000001234", "order-0000000001")
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        assert line == "delivery order-0000000001, signature right\n"
    finally:
        process.terminate()
        await process.wait()
