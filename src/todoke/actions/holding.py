"""What a claim must not begin: notices of batches that are being paused, planned anew or cancelled just now.

A batch of millions is held or cancelled in portions (see `actions.batches.sweep`). Until that is done, this makes it
exact: what a claim meets of such a batch is held or cancelled there and then.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from todoke.storage import batch_holds, batch_states, batches
from todoke.storage.batch_states import HELD
from todoke.storage.database import Tx
from todoke.storage.notices import batch_id, is_cancelled, notice_id


class Sifted(NamedTuple):
    """The rows that may go on, and the ids of notices that are to be cancelled instead."""

    rows: list[Any]
    cancelled: Sequence[str]


async def is_sweeping(tx: Tx, channel_id: str) -> bool:
    """Whether `sift` may have something to hold or to cancel."""
    return bool(await batches.swept(tx, channel_id))


async def sift(tx: Tx, channel_id: str, rows: list[Any], now: int) -> Sifted:
    """Holds those of the due rows that must not begin. One small look-up where no batch is being held."""
    swept = await batches.swept(tx, channel_id)
    if not swept:
        return Sifted(rows, ())
    # One that was cancelled before may still need its last step here, as when its proof can't come any more.
    cancelled = [notice_id(r) for r in rows if swept.get(batch_id(r) or "", False) and not is_cancelled(r)]
    meant = {notice_id(r): batch_id(r) or "" for r in rows if not swept.get(batch_id(r) or "", True)}
    held = await batch_holds.hold(tx, meant, now)
    more: dict[batch_states.Place, int] = {}
    for x in held:
        more[meant[x], HELD] = more.get((meant[x], HELD), 0) + 1
    await batch_states.add(tx, more)
    left_out = held | set(cancelled)
    return Sifted([r for r in rows if notice_id(r) not in left_out], cancelled)
