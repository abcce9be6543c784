"""Erases a person, and then what the database's files may still hold of them."""

import asyncio
import json
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import msgspec

from todoke.actions import erasure
from todoke.actions.erasure import Cut
from todoke.clock import Clock
from todoke.core.person import Person
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import inbox, uploads
from todoke.storage.archive import Archive
from todoke.storage.audit import Entry
from todoke.storage.batches import UNREAD
from todoke.storage.database import Database, Tx
from todoke.storage.erasure import list_states
from todoke.storage.lookup import Lookup

DRAIN_SECONDS = 10.0
"""What carriers posted just now is applied before: an event that comes after would bring the person back."""
LOOK_AGAIN_SECONDS = 0.05
PORTION = 1000
MOST_MEANWHILE = 10_000
MOST_ARCHIVED = 100_000


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
        archive: Archive,
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
        self._archive = archive
        self._turn = asyncio.Lock()

    async def erase(self, account_id: str, person: Person, *, by: str, why: str | None) -> Erased:
        """Raises ListBeingRead."""
        async with self._turn:
            await self._drained()
            async with self._database.read() as tx:
                person = await erasure.whole(tx, account_id, person)
            archived = await self._tags_in_archive(account_id, person)
            events, last = await self._look_through(account_id, person, 0, archived)
            # While nothing is moved: what is in neither place when it is looked at would stay.
            async with self._archive.alone(), self._database.write() as tx:
                await self._drop_files(tx, account_id)
                now = self._clock.now()
                # First, so that the audit never tells of what a crash prevented.
                blank = partial(erasure.blank_archived, now=now)
                old = await self._archive.rewrite(account_id, person.numbers, blank)
                # What came meanwhile is little.
                more, _ = await erasure.look_through(tx, account_id, person, last, MOST_MEANWHILE, archived)
                entry = await erasure.erase(
                    tx,
                    account_id,
                    person,
                    [*events, *more],
                    [x.id for x in old],
                    by=by,
                    why=why,
                    now=now,
                    ids=self._ids,
                    lookup=self._lookup,
                    seal=self._seal,
                    cut=self._cut,
                )
                # Nobody else writes before this is committed, and so nothing of it is kept again.
                self._lookup.working.clear()
            self._erased()
            anything = any(json.loads(entry.data)["counts"].values())
            return Erased(entry=entry, files_clean=not anything or await self._database.compact())

    async def look(self, account_id: str, person: Person) -> tuple[Person, list[int]]:
        """The whole person, and the inbox's requests that name them."""
        async with self._database.read() as tx:
            person = await erasure.whole(tx, account_id, person)
        archived = await self._tags_in_archive(account_id, person)
        return person, (await self._look_through(account_id, person, 0, archived))[0]

    async def _tags_in_archive(self, account_id: str, person: Person) -> set[str]:
        """By what carriers call what was sent in archived notices: an answer to one may have come yesterday."""
        kept = await self._archive.to_numbers(account_id, person.numbers, MOST_ARCHIVED)
        return {str(attempt["id"]) for x in kept for attempt in x.attempts}

    async def _look_through(
        self, account_id: str, person: Person, after: int, archived: Collection[str]
    ) -> tuple[list[int], int]:
        """Looks through the inbox, a portion at a time; answers what names the person, and how far it went."""
        found: list[int] = []
        at: int | None = after
        last = after
        while at is not None:
            last = at
            async with self._database.read() as tx:
                some, at = await erasure.look_through(tx, account_id, person, last, PORTION, archived)
            found += some
            await asyncio.sleep(0)
        return found, max([last, *found])

    async def _drop_files(self, tx: Tx, account_id: str) -> None:
        """Files of lists that were cancelled go at once. Raises ListBeingRead while one is still wanted."""
        states = await list_states(tx, account_id)
        if any(state in UNREAD for state in states.values()):
            raise erasure.ListBeingRead(
                "A list of this account is being read, and the person may stand in it. Erase again when it is "
                "read: GET /v1/batches shows it."
            )
        if waiting := await uploads.uploads_of(tx, account_id):
            raise erasure.ListBeingRead(
                "A list of this account is being uploaded, and the person may stand in it. Make its batch, or remove "
                f"it: DELETE /v1/uploads/{waiting[0].id}."
            )
        for path in self._uploads.iterdir():
            if path.name.partition(".")[0] in states:
                path.unlink(missing_ok=True)

    async def _drained(self) -> None:
        for _ in range(int(DRAIN_SECONDS / LOOK_AGAIN_SECONDS)):
            async with self._database.read() as tx:
                if not await inbox.pending(tx, 1):
                    return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
