"""What the doctor sees of the archive: what it holds, and whether what is old enough gets there."""

from todoke.cli.doctor.findings import Finding, many
from todoke.core.durations import DAY, rfc3339
from todoke.storage import archive_rows
from todoke.storage.archive import UNREADABLE, Archive
from todoke.wiring import Base

SLACK = 2 * DAY
"""So long may what is old enough wait: much of it takes its time."""


async def look(base: Base, now: int) -> list[Finding]:
    """Size, oldest month, and what waits for longer than it should."""
    keep = base.settings.keep_days
    try:
        months = await Archive(base.settings.data_dir / "archive").months()
    except UNREADABLE as error:
        text = f"a file in {base.settings.data_dir / 'archive'} can't be read ({error.__class__.__name__})."
        return [Finding("error", "archive", text, "Put it back from a backup; see docs/retention.md.")]
    found = []
    if months:
        size = sum(x.size for x in months) / 1e6
        held = many(sum(x.notices for x in months), "notice")
        oldest = months[0].path.stem
        found.append(Finding("ok", "archive", f"{held} of {oldest} and later, {size:,.1f} MB."))
    if not keep:
        return [*found, Finding("note", "archive", "off: TODOKE_KEEP_DAYS is 0, so notices stay for ever.")]
    async with base.database.read() as tx:
        waiting = await archive_rows.waiting(tx, now - keep * DAY - SLACK)
    if waiting is not None:
        text = f"{many(waiting.number, 'notice')} ended more than {keep} days ago and are still here, "
        text += f"the first of {rfc3339(waiting.first)[:10]}."
        remedy = "The gateway moves them while it runs; if it does, look for archiver in its log."
        found.append(Finding("warning", "archive", text, remedy))
    return found
