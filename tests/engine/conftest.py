"""What tests of the engine share: a database, and engines on it that end with the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine_house import House
from storage_support import BACKENDS, fresh_database
from todoke.storage.database import Database


@pytest.fixture(params=BACKENDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Migrated and empty."""
    async with fresh_database(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    made = House(database, tmp_path)
    yield made
    made.carrier.gate.set()
    for engine in made.engines:
        await engine.stop()
