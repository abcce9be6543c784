"""/v1/reports/reconciliation: our counts beside LINE's."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from todoke.core.counting import Comparison, days, line_day, parse_day
from todoke.engine.reconciler import Question
from todoke.reports import reconciliation as report
from todoke.server.api.asked import KNOWN_NAMES, Since, Until
from todoke.server.api.models import answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import channels as channel_store
from todoke.storage import line_counts
from todoke.storage.channels import Channel

router = APIRouter(prefix="/v1/reports/reconciliation", tags=["Reports"], dependencies=KNOWN_NAMES)

MOST_DAYS = 92
MOST_QUESTIONS = 500
"""Channels times days in one request that asks LINE."""
_WEEK = 7


class ReconcileIn(BaseModel):
    """Which days and channels. Left out: yesterday, of all channels."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    channel: str | None = Field(None, max_length=100, description="Only this channel, by name or id.")
    since: str | None = Field(
        None, max_length=40, description="The first of LINE's days (UTC+9).", examples=["2026-08-07"]
    )
    until: str | None = Field(None, max_length=40, description="The last one. Left out: the first one alone.")
    days: int | None = Field(
        None, ge=1, le=MOST_DAYS, description="Instead of since and until: so many days up to yesterday."
    )


_EXAMPLE = {
    "since": "2026-08-07",
    "until": "2026-08-07",
    "rows": [
        {
            "channel": "01K2W7J…",
            "channel_name": "Parcels",
            "day": "2026-08-07",
            "kind": "flexible",
            "ours": 1204,
            "line": 1205,
            "status": "ready",
            "difference": 1,
            "differs": True,
            "explained_by": [{"notice": "01K2W7K8…", "reason": report.REASONS["silent"]}],
            "explained_by_total": 1,
            "notes": ["…"],
            "checked_at": "2026-08-07T19:00:00.000Z",
        }
    ],
}


@router.get(
    "",
    summary="Our counts beside LINE's, as last compared",
    description="By channel, LINE's day (UTC+9) and kind. `difference` is LINE's count less ours; `explained_by` names "
    "notices and messages that one side may count and the other not. `since` and `until` are days, both counted; left "
    "out: the last seven. Days that were not compared yet have no rows.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 422)},
)
async def compared(
    account: Account,
    parts: Parts,
    since: Since,
    channel: Annotated[
        str | None, Query(max_length=100, description="Only this channel, by name or id.")
    ] = None,
    until: Until = None,
) -> dict[str, Any]:
    last = line_day(parts.clock.now()) if until is None else _day(until, "query: until")
    first = _week_before(last) if since.text is None else _day(since.text, f"query: {since.name}")
    _check(first, last, f"query: {since.name}")
    channels = await _channels(parts, account, channel)
    async with parts.database.read() as tx:
        found = await line_counts.compared(tx, [c.id for c in channels], first, last)
    return await _answer(parts, found, channels, first, last)


@router.post(
    "/run",
    summary="Ask LINE now, and compare",
    description="Left out, `since` and `until` are yesterday by LINE's days (UTC+9). What LINE has not counted yet, or "
    "does not tell, has a status that says so. The result is kept.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 422)},
)
async def run(body: ReconcileIn, account: Account, parts: Parts) -> dict[str, Any]:
    first, last = _asked(body, line_day(parts.clock.now()) - timedelta(days=1))
    _check(first, last, "/since")
    channels = await _channels(parts, account, body.channel)
    if len(channels) * len(days(first, last)) > MOST_QUESTIONS:
        detail = f"{len(channels)} channels on so many days are over {MOST_QUESTIONS}: name a channel, or fewer days."
        raise Problem(422, "invalid", detail, [("/days" if body.days else "/since", detail)])
    questions = [Question(c, day) for day in days(first, last) for c in channels]
    found = await parts.comparer.compare(questions)
    # An alarm may have been raised, which somebody is to be told of.
    parts.wake()
    return await _answer(parts, found, channels, first, last)


def _asked(body: ReconcileIn, yesterday: date) -> tuple[date, date]:
    if body.days is not None:
        if body.since is not None or body.until is not None:
            detail = "Give either days, or since and until."
            raise Problem(422, "invalid", detail, [("/days", detail)])
        return yesterday - timedelta(days=body.days - 1), yesterday
    if body.since is None:
        last = yesterday if body.until is None else _day(body.until, "/until")
        return last, last
    first = _day(body.since, "/since")
    return first, first if body.until is None else _day(body.until, "/until")


def _day(text: str, pointer: str) -> date:
    try:
        return parse_day(text)
    except ValueError as error:
        raise Problem(422, "invalid", str(error), [(pointer, str(error))]) from None


def _week_before(last: date) -> date:
    return last - timedelta(days=_WEEK) if last.year > 1 else last


def _check(first: date, last: date, pointer: str) -> None:
    problem = None
    if first > last:
        problem = f"{first} is after {last}: since is the first day, until the last."
    elif (last - first).days >= MOST_DAYS:
        problem = f"From {first} to {last} are over {MOST_DAYS} days: ask for fewer at a time."
    elif not 1970 < first.year <= last.year < 9999:
        problem = "There was no LINE then. Write year, month and day, such as 2026-08-07."
    if problem is not None:
        raise Problem(422, "invalid", problem, [(pointer, problem)])


async def _channels(parts: Services, account: str, wanted: str | None) -> list[Channel]:
    async with parts.database.read() as tx:
        if wanted is None:
            return await channel_store.list_channels(tx, account)
        found = await channel_store.find_channel(tx, account, wanted)
    if found is None:
        raise Problem(404, "not-found", f"There is no channel {wanted[:60]!r}. GET /v1/channels lists them.")
    return [found]


async def _answer(
    parts: Services, found: Sequence[Comparison], channels: Sequence[Channel], first: date, last: date
) -> dict[str, Any]:
    by_id = {c.id: c for c in channels}
    async with parts.database.read() as tx:
        rows = await report.rows(tx, found, by_id, parts.lookup, by_id=parts.comparer.by_id)
    return {"since": first.isoformat(), "until": last.isoformat(), "rows": rows}
