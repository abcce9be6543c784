"""Batches from files: what they need is found once, then the engine reads them row by row."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from todoke.actions import announcements, intake
from todoke.actions.intake import Target
from todoke.core.columns import Columns, find_columns
from todoke.ids import Ids
from todoke.storage import batches as store
from todoke.storage.batches import Batch
from todoke.storage.database import Tx


def columns_finder(target: Target, chosen: Mapping[str, str]) -> Callable[[Sequence[str]], Columns]:
    """What finds in a header the columns that notices of this target need. It raises InvalidColumns."""
    names, languages = list(target.template.parameters), bool(target.template.variants)
    return lambda header: find_columns(header, names, chosen, languages=languages)


def plan_batch(
    batch_id: str,
    target: Target,
    *,
    file_name: str,
    encoding: str,
    header: Sequence[str],
    columns: Columns,
    size: int,
    now: int,
    language: str | None = None,
) -> Batch:
    """A batch ready to be read from the first byte of its normalised file. Raises Invalid for its language."""
    return Batch(
        id=batch_id,
        account_id=target.account_id,
        channel_id=target.channel.id,
        template_id=target.template_row.id,
        policy_id=target.policy_id,
        file_name=file_name,
        encoding=encoding,
        columns=msgspec.json.encode(columns).decode(),
        header=msgspec.json.encode(header).decode(),
        size=size,
        position=0,
        line=0,
        source_id=None if target.source is None else target.source.id,
        language=None if language is None else intake.language_of(target, language),
        created_at=now,
    )


async def prepared(tx: Tx, batch_id: str, size: int, rows: int) -> bool:
    """The batch's normalised file is complete, so it can be read. False where nobody wants that any more."""
    batch = await store.get_batch(tx, batch_id)
    if batch is None or batch.state != "preparing":
        return False
    await store.update_batch(tx, batch_id, state="reading", position=0, line=0, size=size, total=rows)
    return True


async def give_up(tx: Tx, batch_id: str, why: str, now: int, ids: Ids) -> int:
    """The batch's file can't be taken. Answers the webhooks queued."""
    batch = await store.get_batch(tx, batch_id)
    if batch is None or batch.state not in store.UNREAD:
        return 0
    await store.update_batch(tx, batch_id, state="failed", error=why, read_at=now)
    failed = msgspec.structs.replace(batch, state="failed", error=why, read_at=now)
    return await announcements.of_batch(tx, "batch.failed", failed, now, ids)
