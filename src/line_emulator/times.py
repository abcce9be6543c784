"""Times and durations as the control API writes them: RFC 3339 in UTC, and `90s`, `30m`, `24h`, `7d`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
END_OF_TIME = round(_LATEST.timestamp() * 1000)
"""The clock does not go so far: beyond it times could soon no longer be written down."""


def render(ms: int) -> str:
    """Milliseconds since the epoch as RFC 3339 in UTC."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def render_or_none(ms: int | None) -> str | None:
    """The same for a time that may be missing."""
    return None if ms is None else render(ms)


def parse(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 time with a zone. Raises ValueError with a text for
    the caller.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text.upper():
        raise ValueError(f"{text!r} is no RFC 3339 time; write it like 2026-08-10T00:00:00Z")
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(f"{text!r} lies outside the years 1970 to 8999")
    return round((moment - _EARLIEST).total_seconds() * 1000)


def parse_duration(text: str) -> int:
    """Milliseconds of a duration. Raises ValueError with a text for the caller."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; write it like 90s, 30m, 24h or 7d")
    return int(match[1]) * _UNITS[match[2]]


def render_duration(ms: int) -> str:
    """A duration in the largest unit that says it exactly."""
    if not ms:
        return "0s"
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if ms % _UNITS[unit] == 0)
    return f"{ms // _UNITS[unit]}{unit}"
