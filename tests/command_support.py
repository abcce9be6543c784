"""The commands of `todoke`, run as a person runs them, towards a gateway of a test.

Each is a process of its own, with its own environment, output and exit code. It is forked from one that has loaded the
commands already: to load them takes far longer than most of them work.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gateway_support import RunningGateway

TODOKE = Path(sys.executable).parent / "todoke"


@cache
def _ready() -> str:
    """Where orders are taken."""
    folder = tempfile.TemporaryDirectory()
    path = f"{folder.name}/orders"
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("command_fork.py")), path],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    @atexit.register
    def end() -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait()
        process.stdout.close()
        folder.cleanup()

    return path


class Result(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


async def command(environment: dict[str, str], folder: Path, *arguments: str) -> Result:
    """Runs one that ends by itself, with nothing of the machine's settings."""
    order = {"arguments": arguments, "folder": str(folder), "environment": environment}
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_unix_connection(_ready(), limit=64 * 1024 * 1024)
        writer.write(json.dumps(order).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
    return Result(answer["code"], answer["out"], answer["err"])


async def run(gateway: RunningGateway, *arguments: str, code: int = 0) -> str:
    """What the command says: on standard output, or, where it must fail, on standard error."""
    environment = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "200",
        "TODOKE_BASE_URL": gateway.url,
        "TODOKE_API_KEY": gateway.key,
        "TODOKE_DATA_DIR": str(gateway.folder),
    }
    result = await command(environment, Path.cwd(), *arguments)
    assert result.code == code, result
    return result.err if code else result.out
