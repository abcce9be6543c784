"""Drops what is only kept for a while: applied requests from outside, answers to idempotency keys, webhooks that
ended, hourly counts of channels, SMS carriers' ids of messages, answers in chats, stray files.
"""

from pathlib import Path

from todoke.actions import hub
from todoke.actions.bind_says import REFERENCE as ANSWERS_REFERENCE
from todoke.clock import Clock, wall
from todoke.core.binding import KEEP_ANSWERS as KEEP_CHAT_ANSWERS
from todoke.core.binding import KEEP_LINKS
from todoke.core.durations import DAY, HOUR
from todoke.engine.loop import Loop
from todoke.storage import (
    batches,
    bind_links,
    channel_hours,
    idempotency,
    inbox,
    message_ids,
    messages,
    postings,
)
from todoke.storage import hub as hub_store
from todoke.storage.database import Database

KEEP_INBOX = 30 * DAY
KEEP_ANSWERS = DAY
KEEP_POSTINGS = 30 * DAY
KEEP_HOURS = 200 * DAY
"""Longer than LINE's check of a number lasts: why something was silent is asked for as long."""
KEEP_MESSAGE_IDS = 30 * DAY
EVERY = HOUR


class Housekeeping(Loop):
    """Once an hour."""

    name = "housekeeping"

    def __init__(self, clock: Clock, database: Database, uploads: Path) -> None:
        super().__init__(clock)
        self._uploads = uploads
        self._database = database
        self._last: int | None = None

    async def step(self) -> bool:
        now = self.clock.now()
        if self._last is not None and now - self._last < EVERY:
            return False
        async with self._database.write() as tx:
            await hub.count_dropped(tx, now - KEEP_INBOX, now)
            await inbox.forget(tx, now - KEEP_INBOX)
            await idempotency.forget(tx, now - KEEP_ANSWERS)
            await postings.forget(tx, now - KEEP_POSTINGS)
            await channel_hours.forget(tx, now - KEEP_HOURS)
            await message_ids.forget(tx, now - KEEP_MESSAGE_IDS)
            await bind_links.forget(tx, now - KEEP_LINKS)
            await messages.forget(tx, ANSWERS_REFERENCE, now - KEEP_CHAT_ANSWERS)
            await hub_store.forget_skips(tx, now - KEEP_INBOX)
        async with self._database.read() as tx:
            wanted = {b.id for b in await batches.reading(tx)}
        self._drop_strays(wanted)
        self._last = now
        return False

    def _drop_strays(self, wanted: set[str]) -> None:
        """Uploads that no batch reads any more: it was cancelled, or its upload was cut off."""
        for path in self._uploads.glob("*.csv"):
            # One that is being uploaded just now has no batch yet; by the file's own time, which is real.
            if path.stem not in wanted and wall() - path.stat().st_mtime * 1000 > EVERY:
                path.unlink(missing_ok=True)
