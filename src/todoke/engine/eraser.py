"""Erases a person, and then what the database's files may still hold of them."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from todoke.actions import erasure
from todoke.actions.erasure import Cut
from todoke.clock import Clock
from todoke.core.person import Person
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import inbox
from todoke.storage.audit import Entry
from todoke.storage.database import Database, Tx
from todoke.storage.erasure import list_states
from todoke.storage.lookup import Lookup

DRAIN_SECONDS = 10.0
"""What carriers posted just now is applied before: an event that comes after would bring the person back."""
LOOK_AGAIN_SECONDS = 0.05
PORTION = 1000
MOST_MEANWHILE = 10_000


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure came to. `files_clean`: nothing is left in the database's files either."""

    entry: Entry
    files_clean: bool


class Eraser:
    """One erasure at a time."""

    def __init__(
        self,
        clock: Clock,
        database: Database,
        ids: Ids,
        lookup: Lookup,
        seal: Seal,
        cut: Cut,
        uploads: Path,
        erased: Callable[[], None],
    ) -> None:
        """`erased`: told when something in the inbox was erased, so that nothing of it leaves from memory."""
        self._clock = clock
        self._database = database
        self._ids = ids
        self._lookup = lookup
        self._seal = seal
        self._cut = cut
        self._uploads = uploads
        self._erased = erased
        self._turn = asyncio.Lock()

    async def erase(self, account_id: str, person: Person, *, by: str, why: str | None) -> Erased:
        """Raises ListBeingRead."""
        async with self._turn:
            await self._drained()
            async with self._database.read() as tx:
                person = await erasure.whole(tx, account_id, person)
            events, last = await self._look_through(account_id, person, 0)
            async with self._database.write() as tx:
                await self._drop_files(tx, account_id)
                # What came meanwhile is little.
                more, _ = await erasure.look_through(tx, account_id, person, last, MOST_MEANWHILE)
                entry = await erasure.erase(
                    tx,
                    account_id,
                    person,
                    [*events, *more],
                    by=by,
                    why=why,
                    now=self._clock.now(),
                    ids=self._ids,
                    lookup=self._lookup,
                    seal=self._seal,
                    cut=self._cut,
                )
            self._erased()
            anything = any(json.loads(entry.data)["counts"].values())
            return Erased(entry=entry, files_clean=not anything or await self._database.compact())

    async def look(self, account_id: str, person: Person) -> tuple[Person, list[int]]:
        """The whole person, and the inbox's requests that name them."""
        async with self._database.read() as tx:
            person = await erasure.whole(tx, account_id, person)
        return person, (await self._look_through(account_id, person, 0))[0]

    async def _look_through(self, account_id: str, person: Person, after: int) -> tuple[list[int], int]:
        """Looks through the inbox, a portion at a time; answers what names the person, and how far it went."""
        found: list[int] = []
        at: int | None = after
        last = after
        while at is not None:
            last = at
            async with self._database.read() as tx:
                some, at = await erasure.look_through(tx, account_id, person, last, PORTION)
            found += some
            await asyncio.sleep(0)
        return found, max([last, *found])

    async def _drop_files(self, tx: Tx, account_id: str) -> None:
        """Files of lists that were cancelled go at once. Raises ListBeingRead while one is still wanted."""
        states = await list_states(tx, account_id)
        for path in self._uploads.glob("*.csv"):
            state = states.get(path.stem)
            if state == "reading":
                raise erasure.ListBeingRead(
                    "A list of this account is being read, and the person may stand in it. Erase again when it is "
                    "read: GET /v1/batches shows it."
                )
            if state is not None:
                path.unlink(missing_ok=True)

    async def _drained(self) -> None:
        for _ in range(int(DRAIN_SECONDS / LOOK_AGAIN_SECONDS)):
            async with self._database.read() as tx:
                if not await inbox.pending(tx, 1):
                    return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
