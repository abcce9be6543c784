"""/v1/reports."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from todoke.core.durations import parse_rfc3339
from todoke.reports import totals
from todoke.server.api.asked import KNOWN_NAMES, Since, Until
from todoke.server.api.models import problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import batches, channels
from todoke.storage.reporting import Scope

router = APIRouter(prefix="/v1/reports", tags=["Reports"], dependencies=KNOWN_NAMES)


async def _scope(
    account: Account,
    parts: Parts,
    start: Since,
    batch: Annotated[str | None, Query(max_length=26, description="Only this batch.")] = None,
    channel: Annotated[
        str | None, Query(max_length=100, description="Only this channel, by name or id.")
    ] = None,
    until: Until = None,
) -> Scope:
    if batch is not None:
        async with parts.database.read() as tx:
            known = await batches.get_batch(tx, batch)
        if known is None or known.account_id != account:
            raise Problem(404, "not-found", "There is no batch with this id in this account.")
    channel_id = None
    if channel is not None:
        async with parts.database.read() as tx:
            found = await channels.find_channel(tx, account, channel)
        if found is None:
            raise Problem(
                404, "not-found", f"There is no channel {channel[:60]!r}. GET /v1/channels lists them."
            )
        channel_id = found.id
    return Scope(
        account_id=account,
        batch_id=batch,
        channel_id=channel_id,
        since=_time(start.text, start.name),
        until=_time(until, "until"),
    )


def _time(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise Problem(422, "invalid", f"{name}: {error}", [(f"query: {name}", str(error))]) from None


Scoped = Annotated[Scope, Depends(_scope)]


@router.get(
    "/funnel",
    summary="Asked, matched, accepted, delivered, late, not delivered and why",
    description="Of what was asked for at or after `since` and before `until`. `states` adds up to "
    "`asked`. Rows of a file that were refused were never asked for.",
    responses=problems(401, 404, 422),
)
async def funnel(scope: Scoped, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await totals.funnel(tx, scope)


@router.get(
    "/cost",
    summary="What it cost, and what SMS alone would have cost",
    description="By country and step. Unknown prices have no amount; currencies are never added up.",
    responses=problems(401, 404, 422),
)
async def cost(scope: Scoped, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await totals.cost(tx, scope, parts.lookup, parts.prices)


@router.get(
    "/latency",
    summary="How long proof took, by step",
    description="How many proofs came within a minute, ten minutes, an hour, four hours and a day of the request.",
    responses=problems(401, 404, 422),
)
async def latency(scope: Scoped, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await totals.latency(tx, scope)
