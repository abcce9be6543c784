"""The end of a notice here: it leaves for the archive, and what it came to is counted in the same transaction."""

from collections.abc import Sequence

from todoke.storage import archive_rows, archive_totals
from todoke.storage.archive_files import Kept
from todoke.storage.database import Tx


async def leave(tx: Tx, copied: Sequence[Kept]) -> int:
    """Deletes notices that the archive has durably, as far as they are still as they were copied.

    Answers how many it were; the others are copied anew another time.
    """
    gone = await archive_rows.take_out(tx, copied)
    await archive_totals.add(tx, gone)
    return len(gone)
