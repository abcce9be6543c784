"""What runs of the whole share: nothing may go wrong unnoticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """What the gateway logs during a test; an error in it fails the test, unless the test takes it out."""
    with structlog.testing.capture_logs() as lines:
        yield lines
    errors = [line for line in lines if line["log_level"] in ("error", "critical")]
    assert not errors
