"""Reads the inbox for the webhook hub: each request once for all targets of a channel that keep up."""

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from todoke.carriers.line.glance import Glance
from todoke.storage import hub as store
from todoke.storage.database import Tx
from todoke.storage.hub import Arrived

PORTION = 64
"""Requests that are read at a time; in between others have their turn."""
KEPT = 512
KEPT_BYTES = 8_000_000

decode_headers = msgspec.json.Decoder(dict[str, str]).decode


class Seen(NamedTuple):
    """A request of LINE that was looked into."""

    row: Arrived
    glance: Glance


class Feed:
    """What came last for one channel, without a gap."""

    def __init__(self, channel_id: str, glance: Callable[[bytes], Glance]) -> None:
        self._channel_id = channel_id
        self._glance = glance
        self._rows: list[Seen] = []
        self._ids: list[int] = []
        self._size = 0
        self._begins_after = 0
        self._tip = 0
        self._drained = False

    def news(self) -> None:
        """There is more in the inbox."""
        self._drained = False

    async def after(self, tx: Tx, position: int) -> tuple[list[Seen], bool]:
        """Up to PORTION requests after that place, in order; and whether there may be more behind them."""
        if position > self._tip:
            self.forget(position)
        if position == self._tip and not self._drained:
            rows = await self.read(tx, position)
            self._keep(rows)
            self._drained = len(rows) < PORTION
        if position < self._begins_after:
            found = await self.read(tx, position)
        else:
            at = bisect_right(self._ids, position)
            found = self._rows[at : at + PORTION]
        return found, bool(found) and not (self._drained and found[-1].row.id == self._tip)

    async def read(self, tx: Tx, position: int) -> list[Seen]:
        """The same from the inbox itself."""
        rows = await store.arrived(tx, self._channel_id, position, PORTION)
        return [Seen(row, self._glance(row.body)) for row in rows]

    async def again(self, tx: Tx, ids: list[int]) -> list[Seen]:
        """These, as far as they are kept."""
        rows = await store.arrived_again(tx, self._channel_id, ids)
        return [Seen(row, self._glance(row.body)) for row in rows]

    def forget(self, position: int = 0) -> None:
        """Goes on from there with nothing at hand."""
        self._rows, self._ids, self._size = [], [], 0
        self._begins_after = self._tip = position
        self._drained = False

    def _keep(self, rows: list[Seen]) -> None:
        if not rows:
            return
        self._rows += rows
        self._ids += [x.row.id for x in rows]
        self._size += sum(len(x.row.body) for x in rows)
        self._tip = self._ids[-1]
        gone = 0
        # What was just read stays: somebody asked for it.
        while gone < len(self._rows) - len(rows) and (
            len(self._rows) - gone > KEPT or self._size > KEPT_BYTES
        ):
            self._size -= len(self._rows[gone].row.body)
            gone += 1
        if gone:
            self._begins_after = self._ids[gone - 1]
            del self._rows[:gone], self._ids[:gone]
