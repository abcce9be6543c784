"""One database for all tests of reports that read one, over every backend."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage_support import BACKENDS, fresh_database
from todoke.storage.database import Database


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Which one it is."""
    return str(request.param)


@pytest.fixture
async def database(backend: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Migrated and empty."""
    async with fresh_database(backend, tmp_path) as opened:
        yield opened
