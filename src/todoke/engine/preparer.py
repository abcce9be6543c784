"""Makes normalised files of large uploads, a stretch at a time in a thread, so that no request waits for it.

It begins a file anew where it was killed: nothing of a list is sent before its normalised file is whole.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from todoke.actions import files
from todoke.clock import Clock
from todoke.core.columns import Columns
from todoke.engine.lists.look import Asked
from todoke.engine.lists.normalise import Progress, normalise
from todoke.engine.lists.refused import FileRefused
from todoke.engine.loop import Loop
from todoke.ids import Ids
from todoke.storage import batches as store
from todoke.storage.batches import Batch
from todoke.storage.database import Database

_STRETCH = 16
"""Pieces of a file, 256 KB each, after which how far it is is stored."""


class _Going(msgspec.Struct):
    """The batch whose file is being made."""

    batch: Batch
    raw: Path
    portions: Iterator[Progress]
    last: Progress = Progress(0.0, 0)


class Preparer(Loop):
    """One file at a time; the small ones were prepared as they came."""

    name = "preparer"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        folder: Path,
        ids: Ids,
        prepared: Callable[[], None],
        posted: Callable[[], None] = lambda: None,
    ) -> None:
        """`prepared`: told when a batch can be read; `posted`: that there are webhooks to post."""
        super().__init__(clock)
        self._database = database
        self._folder = folder
        self._ids = ids
        self._prepared = prepared
        self._posted = posted
        self._going: _Going | None = None

    async def step(self) -> bool:
        async with self._database.read(quick=True) as tx:
            waiting = await store.preparing(tx)
        if self._going is not None and self._going.batch.id not in {b.id for b in waiting}:
            self._drop(self._going)
        if not waiting:
            return False
        try:
            await self._go_on(self._going or self._begin(waiting[0]))
        except FileRefused as error:
            await self._give_up(waiting[0] if self._going is None else self._going.batch, error.message)
        except OSError as error:
            why = "The uploaded file is gone from the data folder."
            if not isinstance(error, FileNotFoundError):
                why = f"The data folder can't be written or read ({error.strerror})."
            await self._give_up(waiting[0] if self._going is None else self._going.batch, why)
        return True

    def _begin(self, batch: Batch) -> _Going:
        asked = Asked.of(batch.asked)
        assert asked.found is not None
        raw = self._folder / asked.choices.raw
        columns = msgspec.json.decode(batch.columns, type=Columns)
        path = self._folder / f"{batch.id}.csv"
        self._going = _Going(batch, raw, normalise(raw, asked.found, columns, path))
        return self._going

    async def _go_on(self, going: _Going) -> None:
        some = await asyncio.to_thread(lambda: list(islice(going.portions, _STRETCH)))
        going.last = some[-1] if some else going.last
        if len(some) == _STRETCH:
            position = int(going.last.part * going.batch.size)
            async with self._database.write(quick=True) as tx:
                await store.update_preparing(tx, going.batch.id, position)
            return
        path = self._folder / f"{going.batch.id}.csv"
        async with self._database.write() as tx:
            wanted = await files.prepared(tx, going.batch.id, path.stat().st_size, going.last.rows)
        if wanted:
            self._prepared()
        self._drop(going)

    async def _give_up(self, batch: Batch, why: str) -> None:
        async with self._database.write() as tx:
            told = await files.give_up(tx, batch.id, why, self.clock.now(), self._ids)
        if told:
            self._posted()
        going, self._going = self._going, None
        raw = self._folder / Asked.of(batch.asked).choices.raw
        if going is not None:
            raw = going.raw
        raw.unlink(missing_ok=True)

    def _drop(self, going: _Going) -> None:
        """Nothing more is to be done for this batch. What it was made of is not needed any more."""
        close = getattr(going.portions, "close", None)
        if close is not None:
            close()
        going.raw.unlink(missing_ok=True)
        self._going = None
