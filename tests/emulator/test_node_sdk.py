"""LINE's own SDK for Node drives the emulator through a story: an independent client in another language."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from emulator_support import RunningEmulator

FOLDER = Path(__file__).parent / "node"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules").exists(),
    reason="Node or @line/bot-sdk is not installed: apt-get install nodejs npm, then make test",
)


async def test_the_sdk_for_node_lives_through_a_whole_story(emulator: RunningEmulator) -> None:
    """Token, webhook with the SDK's middleware, push by phone, reply, profile, followers, account link, statistics."""
    assert NODE is not None
    story = await asyncio.create_subprocess_exec(
        NODE,
        "story.mjs",
        emulator.url,
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, errors = await story.communicate()
    assert story.returncode == 0, errors.decode()
    assert json.loads(out) == {
        "events": ["delivery", "follow", "accountLink"],
        "refused": ["SignatureValidationFailed"],
    }
