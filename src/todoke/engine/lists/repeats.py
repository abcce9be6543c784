"""What is done with rows that repeat: another row of the list, or a notice of the last days. Reported and kept, or
refused, as the upload says.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple

import msgspec

from todoke.core.durations import DAY
from todoke.engine.lists.duplicates import Seen
from todoke.engine.lists.look import Asked
from todoke.engine.portion import Portion
from todoke.storage import repeats as store
from todoke.storage.batches import Batch
from todoke.storage.database import Database, Tx

IN_FILE = "A row further up has the same number and the same values; duplicates are dropped."
_BEFORE = "The same notice went to this number in the last {days} days; duplicates are dropped."


class Count(NamedTuple):
    """`duplicates`: of a row further up; `repeats`: of notices of the last days."""

    duplicates: int
    repeats: int


class _Known(msgspec.Struct):
    """What holds for all portions of a batch. `templates`: empty where no notice can be repeated."""

    drops: bool
    days: int
    templates: list[str]
    seen: Seen
    said: set[tuple[str, str]] = set()
    """Number and parameters that notices of the last days had, of those to the numbers of the portion."""


class Repeats:
    """Of the batches that are being read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Known] = {}

    async def look(self, database: Database, batch: Batch, portion: Portion) -> None:
        """To be called with each portion before its transaction: what takes long is done here."""
        known = self._known.get(batch.id)
        if known is None or known.seen.accepted != batch.accepted:
            async with database.read() as tx:
                known = self._known[batch.id] = await self._begin(tx, batch)
        if portion.at_end and batch.accepted:
            await asyncio.to_thread(known.seen.look, portion.digests)
        if known.templates:
            since = batch.created_at - known.days * DAY
            numbers = list(set(portion.numbers))
            # Thousands of numbers, in places far from each other: it may take a tenth of a second.
            async with database.read() as tx:
                known.said = await store.said_before(tx, known.templates, numbers, batch.id, since)

    async def take_out(self, tx: Tx, batch: Batch, portion: Portion) -> Count:
        """Counts what repeats, and makes refused rows of it where the upload wants that. The portion was looked at
        before; where the transaction is not committed, it is looked at again.
        """
        known = self._known[batch.id]
        duplicates, again = known.seen.repeated(portion.digests, at_end=portion.at_end)
        reasons = dict.fromkeys(again, IN_FILE)
        repeats = 0
        if known.said:
            before = _BEFORE.format(days=known.days)
            for at, key in enumerate(zip(portion.numbers, portion.parameters, strict=True)):
                # Of a row that is kept both may be said.
                if key in known.said and not (known.drops and at in reasons):
                    reasons[at] = before
                    repeats += 1
        if known.drops:
            portion.refuse(self._folder / f"{batch.id}.csv", reasons)
        known.seen.keep(portion.digests)
        return Count(duplicates, repeats)

    def forget(self, batch_id: str, *, at_end: bool = False) -> None:
        """What is in memory is not what was committed; `at_end`: nothing more of the batch comes."""
        self._known.pop(batch_id, None)
        if at_end:
            self._path(batch_id).unlink(missing_ok=True)

    def clear(self) -> None:
        """No batch is being read."""
        self._known.clear()

    def _path(self, batch_id: str) -> Path:
        return self._folder / f"{batch_id}.seen"

    async def _begin(self, tx: Tx, batch: Batch) -> _Known:
        choices = Asked.of(batch.asked).choices
        days, templates = choices.duplicate_days, list[str]()
        if days:
            templates = await store.versions_of(tx, batch.template_id)
            if not await store.may_be_any(tx, templates, batch.id, batch.created_at - days * DAY):
                templates = []
        drops = choices.duplicates == "drop"
        path = self._path(batch.id)
        seen = Seen(path, batch.accepted, at_once=drops, expected=batch.total or 0)
        return _Known(drops, days, templates, seen)
