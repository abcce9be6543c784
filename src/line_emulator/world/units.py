"""Aggregation units: names that a sender gives to messages, so as to count them together.

Source: Messaging API, "Unit-based statistics aggregation", and the reference of LINE notification messages: of push,
multicast and notification messages together at most 1,000 names in a calendar month; further ones are taken as if
none had been given.
"""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator.world.japan import day_of, month_of

MOST_NAMES = 1000


class UnitDay(msgspec.Struct):
    """What users saw of one unit on one day in UTC+9. `bubbles`: how often the first, second … was shown."""

    bubbles: list[int] = []
    users: set[int] = set()


class Units:
    """The names of each month, and what was shown by channel, name and day (days since the epoch in UTC+9)."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], dict[str, None]] = {}
        self._shown: dict[tuple[str, str], dict[int, UnitDay]] = {}

    def enter(self, channel_id: str, body: dict[str, Any], now: int) -> str | None:
        """Notes the unit of an accepted request. Returns its name; None if it has none, or one too many."""
        given = body.get("customAggregationUnits")
        if not given:
            return None
        name: str = given[0]
        names = self._names.setdefault((channel_id, month_of(now)), {})
        if name not in names and len(names) >= MOST_NAMES:
            return None
        names[name] = None
        return name

    def show(self, channel_id: str, name: str, number: int, bubbles: int, now: int) -> None:
        """The user with this account number saw a message of so many bubbles."""
        days = self._shown.setdefault((channel_id, name), {})
        day = days.setdefault(day_of(now), UnitDay())
        day.users.add(number)
        day.bubbles.extend([0] * (bubbles - len(day.bubbles)))
        for place in range(bubbles):
            day.bubbles[place] += 1

    def names(self, channel_id: str, now: int) -> list[str]:
        """The names used in the current month, oldest first."""
        return list(self._names.get((channel_id, month_of(now)), ()))

    def sum(self, channel_id: str, name: str, first: int, last: int) -> tuple[list[int], int]:
        """How often each bubble was shown in these days, and to how many different users."""
        days = self._shown.get((channel_id, name), {})
        found = [day for number, day in days.items() if first <= number <= last]
        bubbles = [0] * max((len(day.bubbles) for day in found), default=0)
        for day in found:
            for place, count in enumerate(day.bubbles):
                bubbles[place] += count
        return bubbles, len(set().union(*(day.users for day in found)))
