"""What a list would come to: its first rows as they would be sent, and what would be refused. Nothing is stored."""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool

from todoke.actions import reminders
from todoke.actions.batches import plan_of
from todoke.actions.intake import Target, Wanted
from todoke.actions.refusals import refused_numbers, suppressed
from todoke.core.durations import DAY, rfc3339
from todoke.core.errors import TodokeError
from todoke.engine.intake import BrokenFile, Portion, read_portion
from todoke.engine.lists.look import Asked
from todoke.server.api.dry_run import explain
from todoke.server.api.forecast import of_list
from todoke.server.api.uploads import Made
from todoke.server.problems import Problem
from todoke.server.services import Services
from todoke.storage import repeats
from todoke.storage.batches import Batch
from todoke.storage.database import Tx
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
        portion: Portion = await run_in_threadpool(
            read_portion, path, batch, target, now, parts.ids, PREVIEW_ROWS, _CHARACTERS
        )
    except BrokenFile as error:
        raise Problem(422, "not-a-list", str(error)) from None
    async with parts.database.read() as tx:
        standing = await refused_numbers(tx, batch.account_id, (x.number for x in portion.notices))
        portion.refuse({number: suppressed(x).message for number, x in standing.items()})
        too_many = await reminders.refused(tx, [(target, x) for x in portion.notices])
        portion.refuse_notices({notice_id: error.message for notice_id, error in too_many.items()})
        doubled = await _repeating(tx, batch, portion)
        if Asked.of(batch.asked).choices.duplicates == "drop":
            portion.refuse_notices(doubled)
        plan = plan_of(batch, target.channel.region)
        total = max(rows or 0, portion.rows) * len(portion.notices) // max(portion.rows, 1)
        forecast = await of_list(tx, target, portion.notices, total, parts, plan) if portion.notices else None
        first = [
            await _as_sent(tx, parts, target, line, notice)
            for notice, (line, _) in list(zip(portion.notices, portion.origins, strict=True))[:_SHOWN]
        ]
    repeated = sum(why is _BEFORE for why in doubled.values())
    return {
        "dry_run": True,
        "rows": portion.rows,
        "whole_file": portion.at_end and made.is_whole,
        "accepted": len(portion.notices),
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


async def _repeating(tx: Tx, batch: Batch, portion: Portion) -> dict[str, str]:
    """Which of the notices repeat a row further up, or a notice of the last days."""
    days = Asked.of(batch.asked).choices.duplicate_days
    templates = await repeats.versions_of(tx, batch.template_id) if days else []
    numbers = list({x.number for x in portion.notices})
    said: set[tuple[str, str]] = set()
    if templates:
        said = await repeats.said_before(tx, templates, numbers, batch.id, batch.created_at - days * DAY)
    seen: set[tuple[str, str]] = set()
    found: dict[str, str] = {}
    for x in portion.notices:
        key = (x.number, x.parameters)
        if key in seen:
            found[x.id] = _IN_FILE
        elif key in said:
            found[x.id] = _BEFORE
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
