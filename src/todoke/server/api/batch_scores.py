"""/v1/batches/{id}/score, and the score of a file that is only looked at: how good a list is before it is sent."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from todoke.actions.intake import Target
from todoke.core.columns import Columns
from todoke.core.errors import InvalidNumber
from todoke.core.phone import parse
from todoke.engine.lists.look import Found
from todoke.engine.lists.normalise import records
from todoke.reports import list_score
from todoke.server.api.batch_view import found_batch
from todoke.server.api.models import answer, problems
from todoke.server.auth import Account
from todoke.server.services import Parts, Services
from todoke.storage import batches as store
from todoke.storage.channels import get_channel

router = APIRouter(prefix="/v1/batches", tags=["Batches"])

MOST_ROWS = 2_000_000
"""Rows of a file that are read for its score: a few seconds."""
_EXAMPLE = {
    "list": {"rows": 20000, "whole": True, "looked_at": 5000},
    "numbers": 4981,
    "score": 89,
    "word": "good",
    "shares": {"never_seen": 0.21, "shown": 0.62, "matched": 0.06, "unmatched": 0.09, "suppressed": 0.004},
    "health": {"fresh": 0.71, "unknown": 0.24, "stale": 0.04, "bad": 0.01},
    "advice": ["5.0% of the numbers are bad or stale: ask these customers for their number. …"],
}


@router.get(
    "/{batch_id}/score",
    summary="How good the numbers of a batch are",
    description=(
        "By what was seen of them before the batch came: shares of numbers never seen, shown, matched, unmatched "
        "(422), with a failed SMS, suppressed, bound, in doubt; number health, and its average as a score of 100; "
        "advice. How many it will reach is what `/v1/reports/forecast` tells. "
        "Of a list longer than 5,000, so many spread over all of it are looked at."
    ),
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def batch_score(batch_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        batch = await found_batch(tx, account, batch_id)
        channel = await get_channel(tx, batch.channel_id)
        assert channel is not None
        policy = (await parts.lookup.policies(tx, [batch.policy_id]))[batch.policy_id]
        numbers = await store.some_numbers(tx, batch.id, list_score.MOST)
    score = await list_score.of_numbers(parts.database, channel, policy, numbers, batch.created_at)
    listed = {"rows": batch.accepted, "whole": batch.state not in store.UNREAD, "looked_at": len(numbers)}
    return {"list": listed, **score}


class _Sample(NamedTuple):
    """Cells of a file that should hold numbers, spread over all of it; how many rows it has; whether that was all."""

    cells: list[str]
    rows: int
    whole: bool


async def of_file(
    parts: Services, target: Target, raw: Path, found: Found, columns: Columns
) -> dict[str, Any]:
    """The score of a file of which nothing is stored. The memory that it takes does not grow with the file."""
    sample = await run_in_threadpool(_sample, raw, found, columns, parts.uploads)
    numbers = []
    for cell in sample.cells:
        try:
            numbers.append(parse(cell, target.channel.region).e164)
        except InvalidNumber:
            continue
    now = parts.clock.now()
    score = await list_score.of_numbers(parts.database, target.channel, target.policy, numbers, now)
    listed = {"rows": sample.rows, "whole": sample.whole, "looked_at": len(sample.cells)}
    return {"list": listed, **score}


def _sample(raw: Path, found: Found, columns: Columns, folder: Path) -> _Sample:
    kept: list[str] = []
    every = 1
    rows, whole = 0, True
    for cell in _cells(raw, found, columns, folder):
        if rows == MOST_ROWS:
            whole = False
            break
        if rows % every == 0:
            kept.append(cell)
            if len(kept) == 2 * list_score.MOST:
                # Every other one goes, and of the rest of the file as few are taken: the spread stays even.
                kept, every = kept[::2], 2 * every
        rows += 1
    if len(kept) > list_score.MOST:
        kept = [kept[i * len(kept) // list_score.MOST] for i in range(list_score.MOST)]
    return _Sample(kept, rows, whole)


def _cells(raw: Path, found: Found, columns: Columns, folder: Path) -> Iterator[str]:
    """What stands where the number should; in front of each row is its line, below 0 for one that is refused."""
    at = columns.number + 1
    for text, _ in records(raw, found, columns, folder):
        for row in csv.reader(StringIO(text)):
            yield row[at] if len(row) > at and not row[0].startswith("-") else ""
