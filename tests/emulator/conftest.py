"""An emulator and a webhook sink for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from emulator_support import RunningEmulator, Sink, running_emulator, running_sink


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


@pytest_asyncio.fixture
async def sink() -> AsyncIterator[Sink]:
    async with running_sink() as running:
        yield running
