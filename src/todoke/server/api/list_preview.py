"""What a list would come to: its first rows as they would be sent, and what would be refused. Nothing is stored."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool

from todoke.actions import intake, reminders
from todoke.actions.batches import plan_of
from todoke.actions.intake import Target, Wanted
from todoke.actions.refusals import refused_numbers, suppressed
from todoke.core.columns import Columns
from todoke.core.durations import DAY, rfc3339
from todoke.core.errors import TodokeError
from todoke.core.list_rows import Rows
from todoke.engine.lists.lines import BrokenFile
from todoke.engine.lists.look import Asked
from todoke.engine.portion import Place, Portion, read_portion
from todoke.server.api.dry_run import explain
from todoke.server.api.forecast import of_list
from todoke.server.api.uploads import Made
from todoke.server.problems import Problem
from todoke.server.services import Services
from todoke.storage import repeats
from todoke.storage.batches import Batch
from todoke.storage.database import Tx
from todoke.storage.new_notices import as_notices
from todoke.storage.notices import NewNotice

PREVIEW_ROWS = 1000
_CHARACTERS = 5_000_000
_SHOWN = 5
_REJECTS = 100


async def preview(
    parts: Services, batch: Batch, target: Target, made: Made, rows: int | None = None
) -> dict[str, Any]:
    """`batch`: as it would be stored; its normalised file holds the first rows at least. `rows`: of the whole file."""
    path = parts.uploads / f"{batch.id}.csv"
    now = parts.clock.now()
    try:
        columns = msgspec.json.decode(batch.columns, type=Columns)
        taken = Rows(target.terms(), batch.language, columns, now, parts.ids)
        begun = Place(batch.position, batch.line)
        portion = await run_in_threadpool(read_portion, path, begun, taken, PREVIEW_ROWS, _CHARACTERS)
    except BrokenFile as error:
        raise Problem(422, "not-a-list", str(error)) from None
    async with parts.database.read() as tx:
        await _refuse(tx, batch, target, path, portion, now)
        notices = _notices(batch, target, portion, now)
        doubled = await _repeating(tx, batch, notices)
        if Asked.of(batch.asked).choices.duplicates == "drop":
            portion.refuse(path, doubled)
            notices = _notices(batch, target, portion, now)
        plan = plan_of(batch, target.channel.region)
        total = max(rows or 0, portion.rows) * len(notices) // max(portion.rows, 1)
        forecast = await of_list(tx, target, notices, total, parts, plan) if notices else None
        first = [
            await _as_sent(tx, parts, target, line, notice)
            for line, notice in list(zip(portion.lines, notices, strict=True))[:_SHOWN]
        ]
    repeated = sum(why is _BEFORE for why in doubled.values())
    return {
        "dry_run": True,
        "rows": portion.rows,
        "whole_file": portion.at_end and made.is_whole,
        "accepted": portion.accepted,
        "refused": len(portion.rejects),
        "duplicates": len(doubled) - repeated,
        "repeats": repeated,
        "detected": json.loads(batch.detected or "{}"),
        "rejects": [{"line": r.line, "reason": r.reason} for r in portion.rejects[:_REJECTS]],
        "first": first,
        "forecast": forecast,
    }


_IN_FILE = "A row further up has the same number and the same values; duplicates are dropped."
_BEFORE = "The same notice went to this number in the last days; duplicates are dropped."


async def _refuse(tx: Tx, batch: Batch, target: Target, path: Path, portion: Portion, now: int) -> None:
    """Takes out whom nothing may go to."""
    numbers = portion.numbers
    standing = await refused_numbers(tx, batch.account_id, numbers)
    reasons = {at: suppressed(standing[x]).message for at, x in enumerate(numbers) if x in standing}
    portion.refuse(path, reasons)
    notices = _notices(batch, target, portion, now)
    too_many = await reminders.refused(tx, [(target, x) for x in notices])
    portion.refuse(path, {at: too_many[x.id].message for at, x in enumerate(notices) if x.id in too_many})


def _notices(batch: Batch, target: Target, portion: Portion, now: int) -> list[NewNotice]:
    return as_notices(intake.shared(target, batch.id, now, held=False), portion.values)


async def _repeating(tx: Tx, batch: Batch, notices: Sequence[NewNotice]) -> dict[int, str]:
    """Which of the notices repeat a row further up, or a notice of the last days; by their places."""
    days = Asked.of(batch.asked).choices.duplicate_days
    templates = await repeats.versions_of(tx, batch.template_id) if days else []
    numbers = list({x.number for x in notices})
    said: set[tuple[str, str]] = set()
    if templates:
        said = await repeats.said_before(tx, templates, numbers, batch.id, batch.created_at - days * DAY)
    seen: set[tuple[str, str]] = set()
    found: dict[int, str] = {}
    for at, x in enumerate(notices):
        key = (x.number, x.parameters)
        if key in seen:
            found[at] = _IN_FILE
        elif key in said:
            found[at] = _BEFORE
        seen.add(key)
    return found


async def _as_sent(tx: Tx, parts: Services, target: Target, line: int, notice: NewNotice) -> dict[str, Any]:
    """A row as it would be sent, step by step."""
    parameters = json.loads(notice.parameters)
    shown = {"line": line, "language": notice.language, "parameters": parameters}
    wanted = Wanted(
        to=notice.number,
        parameters=parameters,
        reference=notice.reference,
        language=notice.language,
        event_at=None if notice.event_at is None else rfc3339(notice.event_at),
    )
    try:
        told = await explain(tx, target, wanted, parts)
    except TodokeError as error:
        return shown | {"to": "", "steps": [], "refused_why": error.message}
    return shown | {
        name: told[name] for name in ("to", "steps", "would_be_refused", "refused_why") if name in told
    }
