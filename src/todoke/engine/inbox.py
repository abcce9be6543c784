"""Applies what carriers posted: stored by the server, read here, each event once."""

import json

from todoke.actions.events import Read, apply_events
from todoke.carriers import BadEvent, EventReader
from todoke.clock import Clock
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import LATE_DUPLICATES, UNKNOWN_TAGS
from todoke.storage import inbox as store
from todoke.storage.database import Database
from todoke.storage.inbox import Stored
from todoke.storage.lookup import Lookup

MOST = 200


class Inbox(Loop):
    """Reads stored requests in the order they came."""

    name = "inbox"

    def __init__(
        self, clock: Clock, database: Database, lookup: Lookup, readers: dict[str, EventReader]
    ) -> None:
        super().__init__(clock)
        self._database = database
        self._lookup = lookup
        self._readers = readers

    async def step(self) -> bool:
        async with self._database.read(quick=True) as tx:
            stored = await store.pending(tx, MOST)
        if not stored:
            return False
        requests = [self._read(s) for s in stored]
        async with self._database.write(quick=True) as tx:
            recorded = await apply_events(tx, requests, self.clock.now(), self._lookup)
        if recorded.unknown_tags:
            UNKNOWN_TAGS.inc(recorded.unknown_tags)
        LATE_DUPLICATES.inc(recorded.late_duplicates)
        return True

    def _read(self, stored: Stored) -> Read:
        reader = self._readers.get(stored.carrier)
        if reader is None:
            return Read(stored, (), f"no carrier {stored.carrier} is set up")
        try:
            events = reader.read_events(json.loads(stored.headers), stored.body, stored.received_at)
        except BadEvent as error:
            log.warning("inbox.unreadable", inbox=stored.id, carrier=stored.carrier, why=str(error))
            return Read(stored, (), str(error))
        return Read(stored, events)
