"""Moves entries by which notices are found on into larger levels, so that new ones stay cheap: see
`storage.notice_keys`.
"""

from collections.abc import Hashable

from todoke.clock import Clock
from todoke.engine.loop import Loop
from todoke.storage import notice_keys
from todoke.storage.database import Database
from todoke.storage.notice_keys import FIRST, MIDDLE, NUMBERS, REFERENCES, START, Keys

MOST = {FIRST: 16_000, MIDDLE: 1_000_000}
"""Entries that a level may hold before some are moved on. The first one's pages, some 250, stay in the writer's page
cache; the second one's entries are a tenth of the last one's at 10 million, so a page takes ten or more at a time.
"""
PORTION = 2_000
"""Entries that are moved in one commit: some 8 ms, for which whoever writes waits."""
PORTIONS = 2
"""So many in a row, before it is looked what else is to be done."""


class _Level:
    """What goes on from one level into the next: where moving goes on, and how much there is."""

    def __init__(self, keys: Keys, number: int) -> None:
        self.keys = keys
        self.number = number
        self.after = START
        self.held = 0
        """Entries, as far as this process knows."""
        self.changed = 0
        """How many came or went since they were counted."""
        self.is_counted = False

    @property
    def most(self) -> int:
        return MOST[self.number]

    def change(self, entries: int) -> None:
        self.held += entries
        self.changed += abs(entries)


class KeyLevels(Loop):
    """Looks whenever something was stored. Several processes may do so, and each may be killed at any moment."""

    name = "keys"
    heeds_stored_only = True

    def __init__(self, clock: Clock, database: Database) -> None:
        super().__init__(clock)
        self._database = database
        self._seen: Hashable | None = None
        self._chains = [(_Level(keys, FIRST), _Level(keys, MIDDLE)) for keys in (NUMBERS, REFERENCES)]

    async def step(self) -> bool:
        seen = self.stored()
        if seen is not None and seen == self._seen:
            return False
        # The first ones are small, and others fill them: they are counted each time.
        async with self._database.read(quick=True) as tx:
            for first, _ in self._chains:
                most = first.most + PORTIONS * PORTION
                first.held = await notice_keys.held(tx, first.keys, first.number, most)
        worked = False
        for first, middle in self._chains:
            if first.held > first.most:
                worked = True
                middle.change(await self._move(first))
                await self._ease(middle)
        if not worked:
            self._seen = seen
        return worked

    async def _ease(self, middle: _Level) -> None:
        """It gets only what this process moves, but for what another one may move: it is counted now and then."""
        if not middle.is_counted or middle.changed > middle.most // 2:
            async with self._database.read() as tx:
                middle.held = await notice_keys.held(tx, middle.keys, middle.number, 2 * middle.most)
            middle.changed, middle.is_counted = 0, True
        if middle.held > middle.most:
            await self._move(middle)

    async def _move(self, level: _Level) -> int:
        """Some portions of what is too much."""
        total = 0
        for _ in range(PORTIONS):
            async with self._database.write() as tx:
                moved = await notice_keys.deepen(tx, level.keys, level.number, level.after, PORTION)
            level.after = moved.at
            level.change(-moved.entries)
            total += moved.entries
            if level.held <= level.most:
                break
        return total
