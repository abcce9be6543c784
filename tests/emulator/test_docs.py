"""The pages about the emulator, done as they are written."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from emulator_support import CONTROL, RunningEmulator, Sink

DOCS = Path(__file__).parents[2] / "docs"
SDKS = (DOCS / "emulator-sdks.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "emulator.md").read_text(encoding="utf-8")
NODE = shutil.which("node")
NODE_FOLDER = Path(__file__).parent / "node"


def blocks(text: str, language: str, after: str) -> list[str]:
    """The code blocks of a language under a heading."""
    section = text.partition(f"\n{after}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


async def run(*command: str, code: str | None = None, cwd: Path | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
    )
    async with asyncio.timeout(60):
        out, errors = await process.communicate((code or "").encode())
    assert process.returncode == 0, errors.decode()
    return out.decode()


def here(code: str, emulator: RunningEmulator, sink: Sink) -> str:
    """The code with this test's addresses."""
    return code.replace("http://127.0.0.1:8600", emulator.url).replace("http://127.0.0.1:9000/hook", sink.url)


async def prepared(emulator: RunningEmulator, sink: Sink) -> str:
    """Does the third terminal's block, and returns the token that it found."""
    lines = SDKS.partition("In a third one")[2].partition("```\n")[2].partition("```")[0]
    return (await run("bash", "-e", code=here(lines, emulator, sink) + "\necho\necho $TOKEN")).split()[-1]


async def test_the_samples_for_curl_and_python_bring_a_notification_to_the_phone(
    emulator: RunningEmulator, sink: Sink
) -> None:
    token = await prepared(emulator, sink)
    (python,) = blocks(SDKS, "python", "## Python")
    await run(sys.executable, "-", code=here(f"TOKEN = {token!r}\n{python}", emulator, sink))
    (curl,) = blocks(SDKS, "", "## Anything else")
    hashed = "HASHED_NUMBER=$(printf '+886912345678' | sha256sum | cut -d' ' -f1)\n"
    await run("bash", "-e", code=here(f"TOKEN={token}\n{hashed}{curl}", emulator, sink))
    assert [row["fate"] for row in await emulator.ledger()] == ["delivered", "delivered"]
    await sink.got(2)


@pytest.mark.skipif(
    NODE is None or not (NODE_FOLDER / "node_modules").exists(),
    reason="Node or @line/bot-sdk is not installed: apt-get install nodejs npm, then make test",
)
async def test_the_sample_for_node_brings_a_notification_to_the_phone(
    emulator: RunningEmulator, sink: Sink
) -> None:
    assert NODE is not None
    token = await prepared(emulator, sink)
    (code,) = blocks(SDKS, "javascript", "## Node")
    script = here(code.replace("TOKEN", f'"{token}"'), emulator, sink)
    await run(NODE, "--input-type=module", code=script, cwd=NODE_FOLDER)
    assert [row["fate"] for row in await emulator.ledger()] == ["delivered"]


async def test_the_scenario_of_the_guide_can_be_played(emulator: RunningEmulator) -> None:
    (text,) = blocks(GUIDE, "yaml", "## Scenarios")
    await emulator.channel()
    reply = await emulator.request("POST", f"{CONTROL}/scenarios", text.encode())
    assert reply.status == 200, reply
    assert len(reply.json["steps"]) == 3


async def test_the_guide_names_every_endpoint_of_the_control_api(emulator: RunningEmulator) -> None:
    for endpoint in (await emulator.control("GET", ""))["endpoints"]:
        _, path = endpoint.split(" ")
        steps = [step for step in path.removeprefix(CONTROL).split("/") if step and "{" not in step]
        assert all(f"/{step}" in GUIDE or f"…/{step}" in GUIDE for step in steps), endpoint
