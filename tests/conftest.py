"""Fixtures for tests that need both sides."""

import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from emulator_support import RunningEmulator, running_emulator
from gateway_support import RunningGateway, running_gateway

# How long an example takes tells of the machine: what is fast is measured in `bench`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# A quarter of a run went by in looking for garbage among modules and collected tests, where there is none: while
# they are loaded nothing is looked for, and afterwards they are left out. What tests leave behind is found as ever.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture
async def line() -> AsyncIterator[RunningEmulator]:
    """LINE's side."""
    async with running_emulator() as emulator:
        yield emulator


@pytest.fixture
async def gateway(line: RunningEmulator, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway on that side's clock, with a channel and a template, virtual time standing still."""
    async with running_gateway(line, tmp_path / "data") as running:
        await running.channel()
        await running.template()
        yield running
