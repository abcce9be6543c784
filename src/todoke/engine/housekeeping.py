"""Drops what is only kept for a while: applied requests from outside, answers to idempotency keys, webhooks that
ended, hourly counts of channels, SMS carriers' ids of messages, answers in chats, stray files.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from todoke.actions import hub
from todoke.actions.bind_says import REFERENCE as ANSWERS_REFERENCE
from todoke.clock import Clock, wall
from todoke.core.binding import KEEP_ANSWERS as KEEP_CHAT_ANSWERS
from todoke.core.binding import KEEP_LINKS
from todoke.core.durations import DAY, HOUR
from todoke.engine.lists.look import Asked
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
    uploads,
)
from todoke.storage import hub as hub_store
from todoke.storage.database import Database, Tx

KEEP_INBOX = 30 * DAY
KEEP_ANSWERS = DAY
KEEP_POSTINGS = 30 * DAY
KEEP_HOURS = 200 * DAY
"""Longer than LINE's check of a number lasts: why something was silent is asked for as long."""
KEEP_MESSAGE_IDS = 30 * DAY
EVERY = HOUR
PORTION = 2_000
"""Rows that are dropped in one commit: whoever writes waits for it."""
PAUSE_SECONDS = 0.02


async def _forget_answers(tx: Tx, before: int, most: int) -> int:
    return await messages.forget(tx, ANSWERS_REFERENCE, before, most)


Forgets = Callable[[Tx, int, int], Awaitable[int]]
_KEPT: tuple[tuple[Forgets, int], ...] = (
    (inbox.forget_seen, KEEP_INBOX),
    (idempotency.forget, KEEP_ANSWERS),
    (postings.forget, KEEP_POSTINGS),
    (message_ids.forget, KEEP_MESSAGE_IDS),
    (bind_links.forget, KEEP_LINKS),
    (_forget_answers, KEEP_CHAT_ANSWERS),
)


class Housekeeping(Loop):
    """Once an hour, in portions."""

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
        await self._forget_requests(now)
        for forget, keep in _KEPT:
            await self._forget_all(forget, now - keep)
        async with self._database.write() as tx:
            await channel_hours.forget(tx, now - KEEP_HOURS)
            await hub_store.forget_skips(tx, now - KEEP_INBOX)
        await self._drop_files(now)
        self._last = now
        return False

    async def _forget_all(self, forget: Forgets, before: int) -> None:
        while True:
            async with self._database.write() as tx:
                if await forget(tx, before, PORTION) < PORTION:
                    return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _forget_requests(self, now: int) -> None:
        """The inbox, with a note for each target of the hub of what it did not get."""
        before = now - KEEP_INBOX
        while True:
            async with self._database.write() as tx:
                last = await inbox.last_of_portion(tx, before, PORTION)
                if last is None:
                    return
                await hub.count_dropped(tx, before, last, now)
                await inbox.forget_up_to(tx, last, before)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _drop_files(self, now: int) -> None:
        """Uploads that no batch needs any more: it was cancelled, or its upload was cut off or is too old."""
        async with self._database.write() as tx:
            preparing = await batches.preparing(tx)
            wanted = {b.id for b in (*preparing, *await batches.reading(tx))}
            raw = {Asked.of(b.asked).choices.raw for b in preparing}
            for upload_id in await uploads.expired(tx, now):
                if f"{upload_id}.part" not in raw:
                    await uploads.remove_upload(tx, upload_id)
            wanted |= await uploads.known(tx)
        for path in self._uploads.glob("*"):
            # One that is being uploaded just now has no batch yet; by the file's own time, which is real.
            is_wanted = path.name.partition(".")[0] in wanted or path.name in raw
            if not is_wanted and wall() - path.stat().st_mtime * 1000 > EVERY:
                path.unlink(missing_ok=True)
