"""The commands of `todoke`, run as a person runs them, towards a gateway of a test."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from gateway_support import RunningGateway

TODOKE = Path(sys.executable).parent / "todoke"


async def run(gateway: RunningGateway, *arguments: str, code: int = 0) -> str:
    """What the command says: on standard output, or, where it must fail, on standard error."""
    process = await asyncio.create_subprocess_exec(
        str(TODOKE),
        *arguments,
        env={
            "PATH": os.environ["PATH"],
            "COLUMNS": "200",
            "TODOKE_BASE_URL": gateway.url,
            "TODOKE_API_KEY": gateway.key,
            "TODOKE_DATA_DIR": str(gateway.folder),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == code, (out, err)
    return (err if code else out).decode()
