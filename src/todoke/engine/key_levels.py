"""Moves entries by which notices are found on into larger levels, so that new ones stay cheap: see
`storage.notice_keys`.

Whoever writes waits meanwhile. So it is done while nobody writes, as long as the levels hold little more than they
should; only beyond `MOST` at once, and the more at a time the more there is.
"""

from collections.abc import Hashable

from todoke.clock import Clock, monotonic
from todoke.engine.loop import Loop
from todoke.storage import notice_keys
from todoke.storage.database import Database
from todoke.storage.notice_keys import FIRST, MIDDLE, NUMBERS, REFERENCES, START, Keys

EASY = {FIRST: 64_000, MIDDLE: 1_000_000}
"""Entries that a level may hold before some are moved on while nobody writes."""
MOST = {FIRST: 128_000, MIDDLE: 1_100_000}
"""Entries beyond which some are moved on whoever writes. The first level's pages, some 1,800, mostly stay in the
writer's page cache. Each level is some ten times the one before it, up to ten million in the last one, so a page takes
ten or more at a time.
"""
TURN = 8_000
"""Entries that are moved in one commit: some 15 ms."""
LONGEST_TURN = 4
"""So many times as many where a level holds three quarters more than `MOST`. A row of a long list moves four entries
on: its number and its reference, each into two levels.
"""
PORTION = 4_000
"""Entries of one level that are moved together, at least: the next ones in order share pages."""
CALM_SECONDS = 0.2
"""For so long nobody else has written, when entries are moved that need not be."""
SURE_SECONDS = 10.0
"""For so long a first level holds what it held and what this process added; then it is counted, for others add too."""


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
    def share(self) -> float:
        """Of what it may hold at most."""
        return self.held / MOST[self.number]

    def change(self, entries: int) -> None:
        self.held = max(self.held + entries, 0)
        self.changed += abs(entries)

    async def count(self, database: Database) -> None:
        async with database.read() as tx:
            self.held = await notice_keys.held(tx, self.keys, self.number, 2 * MOST[MIDDLE])
        self.changed, self.is_counted = 0, True


class KeyLevels(Loop):
    """Looks whenever something was stored. Several processes may do so, and each may be killed at any moment."""

    name = "keys"
    heeds_stored_only = True

    def __init__(self, clock: Clock, database: Database) -> None:
        super().__init__(clock)
        self._database = database
        self._seen: Hashable | None = None
        """What was stored when there was surely nothing to do."""
        self._counted: Hashable | None = None
        """What was stored when the first levels were counted."""
        self._first = [_Level(keys, FIRST) for keys in (NUMBERS, REFERENCES)]
        self._middle = [_Level(keys, MIDDLE) for keys in (NUMBERS, REFERENCES)]
        self._levels = [*self._first, *self._middle]
        self._added = {keys: 0 for keys in (NUMBERS, REFERENCES)}
        self._sure_until = 0.0

    async def step(self) -> bool:
        seen = self.stored()
        if seen is not None and seen == self._seen:
            return False
        await self._count(seen)
        if any(level.share > 1 for level in self._levels):
            await self._move(MOST, self._turn())
            return True
        if not any(level.held > EASY[level.number] for level in self._levels):
            self._seen = self._counted
            return False
        if self._database.idle_seconds < CALM_SECONDS:
            return False
        await self._move(EASY, TURN)
        return True

    async def _count(self, seen: Hashable | None) -> None:
        """The first levels as they are said to be, and counted now and then. A second one gets only what this process
        moves, but for what another one may move.
        """
        if monotonic() > self._sure_until:
            self._added = {keys: notice_keys.added(keys) for keys in self._added}
            self._counted = seen
            for level in self._first:
                await level.count(self._database)
            self._sure_until = monotonic() + SURE_SECONDS
        for level in self._first:
            added = notice_keys.added(level.keys)
            level.change(added - self._added[level.keys])
            self._added[level.keys] = added
        for level in self._middle:
            if not level.is_counted or level.changed > MOST[MIDDLE] // 2:
                await level.count(self._database)

    def _turn(self) -> int:
        """How many entries to move where a level holds too many."""
        over = max(level.share for level in self._levels) - 1
        return int(TURN * min(1 + 4 * over, LONGEST_TURN))

    async def _move(self, limits: dict[int, int], most: int) -> None:
        """So many entries of the levels that hold more than they may, the fullest first."""
        full = sorted(self._levels, key=lambda level: level.share, reverse=True)
        moved: list[tuple[_Level, notice_keys.Moved]] = []
        async with self._database.write(quick=True, large=True) as tx:
            self._database.leave_plans()
            for level in full:
                over = level.held - limits[level.number]
                portion = min(max(over, PORTION), most)
                if over <= 0 or portion <= 0:
                    continue
                done = await notice_keys.deepen(tx, level.keys, level.number, level.after, portion)
                moved.append((level, done))
                most -= done.entries
        for level, done in moved:
            # Fewer than it wants, from the first one on: there are no more.
            is_empty = level.after == START == done.at
            level.after = done.at
            level.change(-level.held if is_empty else -done.entries)
            if level.number == FIRST:
                self._middle[self._first.index(level)].change(done.entries)
