"""Archived notices beside those that are stored here. Whoever asks has looked here first: see `storage.archive`."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from todoke.reports.notice import notice_view
from todoke.reports.prices import Prices
from todoke.storage import reporting
from todoke.storage.archive import Archive
from todoke.storage.archive_files import Kept
from todoke.storage.database import Tx
from todoke.storage.reporting import AttemptRow, NoticeRow


async def views(
    tx: Tx, kept: Sequence[Kept], known: Collection[str], prices: Prices
) -> list[tuple[str, dict[str, Any]]]:
    """Views of archived notices by id, but those that were found here: they are just being moved."""
    rows = await reporting.of_kept(tx, [x for x in kept if x.id not in known])
    return [(row.id, notice_view(row, attempts, prices) | {"archived": True}) for row, attempts in rows]


class Page(NamedTuple):
    """`last`: after which id it goes on; None: that was all."""

    rows: list[tuple[NoticeRow, list[AttemptRow]]]
    last: str | None


async def batch_page(
    tx: Tx,
    archive: Archive,
    account_id: str,
    batch_id: str,
    after: str,
    size: int,
    states: Sequence[str] | None = None,
) -> Page:
    """A batch's notices in order, those after an id; all, or those in one of the states."""
    here = await reporting.batch_after(tx, batch_id, after, size, states)
    there = await archive.of_batch_after(account_id, batch_id, after, size)
    ends = [rows[-1].id for rows in (here, there) if len(rows) == size]
    last = min(ends, default=None)
    attempts = await reporting.attempts_of(tx, [x.id for x in here])
    found = {x.id: (x, attempts[x.id]) for x in here}
    wanted = [x for x in there if x.id not in found and (states is None or x.notice["state"] in states)]
    found |= {x.id: (x, tried) for x, tried in await reporting.of_kept(tx, wanted)}
    return Page([found[x] for x in sorted(found) if last is None or x <= last], last)
