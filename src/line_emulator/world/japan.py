"""Days and months as LINE counts messages: in UTC+9, whatever the account's country."""

from __future__ import annotations

from datetime import UTC, datetime

DAY = 86_400_000
OFFSET = 9 * 3_600_000


def day_of(now: int) -> int:
    """The day in UTC+9, as days since the epoch."""
    return (now + OFFSET) // DAY


def month_of(now: int) -> int:
    """The calendar month in UTC+9, as months since the year 0."""
    moment = datetime.fromtimestamp((now + OFFSET) // 1000, UTC)
    return moment.year * 12 + moment.month - 1
