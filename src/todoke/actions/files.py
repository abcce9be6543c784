"""Batches from files: what they need is found once, then the engine reads them row by row."""

import json
from collections.abc import Mapping, Sequence

import msgspec

from todoke.actions import announcements, intake
from todoke.actions.advance import cancel
from todoke.actions.intake import Target
from todoke.core.columns import Columns, find_columns
from todoke.ids import Ids
from todoke.storage import batches as store
from todoke.storage.batches import Batch
from todoke.storage.database import Tx
from todoke.storage.lookup import Lookup

_CANCEL_AT_ONCE = 1000


def plan_batch(
    batch_id: str,
    target: Target,
    *,
    file_name: str,
    encoding: str,
    header: Sequence[str],
    position: int,
    line: int,
    size: int,
    chosen: Mapping[str, str],
    now: int,
    language: str | None = None,
) -> Batch:
    """A batch ready to be read from the byte after its header. Raises InvalidColumns, or Invalid for its language."""
    columns: Columns = find_columns(
        header, list(target.template.parameters), chosen, languages=bool(target.template.variants)
    )
    return Batch(
        id=batch_id,
        account_id=target.account_id,
        channel_id=target.channel.id,
        template_id=target.template_row.id,
        policy_id=target.policy_id,
        file_name=file_name,
        encoding=encoding,
        columns=msgspec.json.encode(columns).decode(),
        header=json.dumps(list(header), ensure_ascii=False),
        size=size,
        position=position,
        line=line,
        source_id=None if target.source is None else target.source.id,
        language=None if language is None else intake.language_of(target, language),
        created_at=now,
    )


async def cancel_batch(tx: Tx, batch: Batch, now: int, lookup: Lookup, ids: Ids) -> None:
    """Stops reading; no further step of its notices begins."""
    state = "cancelled" if batch.state == "reading" else batch.state
    await store.update_batch(tx, batch.id, state=state, cancelled_at=now)
    if batch.cancelled_at is None and batch.ended_at is None:
        cancelled = msgspec.structs.replace(batch, state=state, cancelled_at=now)
        await announcements.of_batch(tx, "batch.cancelled", cancelled, now, ids)
    after = ""
    while open_ones := await store.open_ids(tx, batch.id, after, _CANCEL_AT_ONCE):
        await cancel(tx, open_ones, now, lookup, ids)
        after = open_ones[-1]
