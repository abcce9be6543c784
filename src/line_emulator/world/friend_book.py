"""How many friends a channel had at the end of each day, and how many users blocked it.

Source: Messaging API reference, "Get number of followers". Changes are summed up as they happen, so that a day's
numbers cost nothing; what a population brings with it follows from its seed and is counted when first asked for,
bit by bit. Who blocks a channel from the start is taken to have been a friend before [choice].
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from line_emulator.world.japan import day_of
from line_emulator.world.population import Population


class Numbers(NamedTuple):
    """`followers`: who ever became a friend; `reach`: friends; `blocks`: who blocks."""

    followers: int = 0
    reach: int = 0
    blocks: int = 0

    def plus(self, other: Numbers) -> Numbers:
        """The sums."""
        return Numbers(*(one + another for one, another in zip(self, other, strict=True)))


class FriendBook:
    """The sums of all changes since the beginning, by channel and the day in UTC+9 after which they held."""

    def __init__(self) -> None:
        self._days: dict[str, tuple[list[int], list[Numbers]]] = {}
        self._strangers: set[tuple[str, int]] = set()
        self._counted: list[tuple[int, Numbers]] = []

    def note(self, channel_id: str, change: Numbers, now: int) -> None:
        """Adds a change."""
        days, sums = self._days.setdefault(channel_id, ([], []))
        day, before = day_of(now), sums[-1] if sums else Numbers()
        if not days or days[-1] != day:
            days.append(day)
            sums.append(before)
        sums[-1] = before.plus(change)

    def changed(
        self, channel_id: str, number: int, was: tuple[bool, bool], now_is: tuple[bool, bool], now: int
    ) -> None:
        """A user's tie went from (friend, blocked) to another."""
        if was == now_is:
            return
        key = channel_id, number
        if now_is[1] and was == (False, False):
            self._strangers.add(key)
        # Nobody ceases to be a friend but by blocking, so whoever is neither never was one.
        first = now_is[0] and not was[0] and (not was[1] or key in self._strangers)
        if now_is[0]:
            self._strangers.discard(key)
        self.note(channel_id, Numbers(int(first), now_is[0] - was[0], now_is[1] - was[1]), now)

    def at_end_of(self, day: int, channel_id: str) -> Numbers:
        """The sums of the changes up to the end of that day."""
        days, sums = self._days.get(channel_id, ([], []))
        place = bisect_right(days, day)
        return sums[place - 1] if place else Numbers()

    def count(self, place: int, population: Population, chunk: int) -> Numbers | None:
        """What the population at this place of the register brings with it; None until that is counted, by `chunk`
        people a call. It follows from the population alone, so keeping it changes nothing.
        """
        while len(self._counted) <= place:
            self._counted.append((0, Numbers()))
        index, sums = self._counted[place]
        end = min(population.count, index + chunk)
        if not population.rates.friend and not population.rates.blocked:
            index = end = population.count
        friends, blocks = sums.reach, sums.blocks
        for each in range(index, end):
            traits = population.traits(each)
            if traits.registered:
                friends += traits.friend
                blocks += traits.blocked
        found = Numbers(friends + blocks, friends, blocks)
        self._counted[place] = end, found
        return found if end == population.count else None
