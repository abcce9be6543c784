"""What tests of the API share: nothing may go wrong inside unnoticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

EXPECTED = {
    ("alarm.raised", kind) for kind in ("channel_paused", "token_trouble", "carrier_down", "quota_used_up")
}
"""These tell of trouble that a test makes by itself, sometimes a minute later; they have tests of their own."""


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """What the gateway logs during a test; an error in it fails the test, unless the test takes it out."""
    with structlog.testing.capture_logs() as lines:
        yield lines
    errors = [line for line in lines if line["log_level"] in ("error", "critical")]
    assert not [line for line in errors if (line["event"], line.get("kind")) not in EXPECTED]
