"""/v1/reports/forecast: what a list would come to, before it is sent."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from todoke.actions import intake
from todoke.actions.intake import Target
from todoke.core.errors import TodokeError
from todoke.core.release import Plan
from todoke.reports import forecast, forecast_history
from todoke.server.api import forecast_asked as asking
from todoke.server.api import forecast_rows
from todoke.server.api.asked import KNOWN_NAMES
from todoke.server.api.batch_view import found_batch
from todoke.server.api.forecast_rows import When
from todoke.server.api.models import answer, problems
from todoke.server.api.models.forecast import ForecastIn
from todoke.server.auth import Account
from todoke.server.problems import Problem, as_problem, findings
from todoke.server.services import Parts, Services
from todoke.storage import channels
from todoke.storage import forecasting as store
from todoke.storage.batches import Batch
from todoke.storage.database import Tx
from todoke.storage.notices import NewNotice

router = APIRouter(prefix="/v1/reports", tags=["Reports"])

_EXAMPLE = {
    "notices": 20000,
    "range": "80%",
    "line": {"expected": 14120, "low": 13480, "high": 14760, "share": 0.706},
    "sms": {"expected": 5880, "low": 5240, "high": 6520, "share": 0.294},
    "late_duplicates": {"expected": 102, "low": 61, "high": 143, "share": 0.0051},
    "cost": [
        {
            "amount": "7528.00",
            "amount_at_most": "14584.00",
            "currency": "TWD",
            "low": "7002.10",
            "high": "15903.77",
        }
    ],
    "waits": [{"wait": "4h", "is_recommended": True}],
    "recommended": {"wait": "4h", "why": "delivery is wanted within a day, …"},
}
_DESCRIPTION = (
    "Expected shares, cost by currency, times and late duplicates, each with the range that holds it in 80 % of cases, "
    "for the policy as it is and for each wait that LINE could get; and which wait is recommended, "
    "and why. From the account's own notices, or from stated suppositions as long as there are few: `basis` says which "
    "weigh how much. Nothing is stored or sent."
)
_RESPONSES = {200: answer(_EXAMPLE), **problems(401, 404, 422)}


@router.post(
    "/forecast", summary="Forecast a list before it is sent", description=_DESCRIPTION, responses=_RESPONSES
)
async def forecast_list(body: ForecastIn, account: Account, parts: Parts) -> dict[str, Any]:
    return await _forecast(body, account, parts)


@router.get(
    "/forecast",
    summary="The same, asked in the address",
    description=_DESCRIPTION + " The names are those of the body of POST; `country` says where `count` goes.",
    responses=_RESPONSES,
    dependencies=KNOWN_NAMES,
)
async def forecast_of(
    account: Account,
    parts: Parts,
    channel: Annotated[str | None, Query(max_length=100)] = None,
    template: Annotated[str | None, Query(max_length=100)] = None,
    policy: Annotated[str | None, Query(max_length=5000, description="A name, or a policy as JSON.")] = None,
    count: Annotated[int | None, Query()] = None,
    country: Annotated[Literal["TW", "TH", "JP"] | None, Query()] = None,
    batch: Annotated[str | None, Query(max_length=26)] = None,
    deadline: Annotated[str | None, Query(max_length=40)] = None,
    starts_at: Annotated[str | None, Query(max_length=40)] = None,
    rate: Annotated[int | None, Query()] = None,
    percent_an_hour: Annotated[float | None, Query()] = None,
    hours: Annotated[str | None, Query(max_length=40)] = None,
    language: Annotated[str | None, Query(max_length=40)] = None,
    most_late_duplicates: Annotated[float, Query()] = 0.01,
) -> dict[str, Any]:
    given = {
        "channel": channel,
        "template": template,
        "policy": _policy(policy),
        "count": count if country is None else {country: asking.USUAL if count is None else count},
        "batch": batch,
        "deadline": deadline,
        "starts_at": starts_at,
        "rate": rate,
        "percent_an_hour": percent_an_hour,
        "hours": hours,
        "language": language,
        "most_late_duplicates": most_late_duplicates,
    }
    try:
        return await _forecast(ForecastIn.model_validate(given), account, parts)
    except ValidationError as error:
        found = findings(error.errors(include_url=False))
        why = f"query: {found[0][0].lstrip('/')}: {found[0][1]}"
        raise _in_query(Problem(422, "invalid", why, found)) from None
    except Problem as error:
        raise _in_query(error) from None
    except TodokeError as error:
        raise _in_query(as_problem(error)) from None


def _in_query(problem: Problem) -> Problem:
    """The same, with places in the query in place of places in a body."""
    errors = [
        (f"query: {place.lstrip('/')}" if place[:1] == "/" else place, why) for place, why in problem.errors
    ]
    return Problem(problem.status, problem.kind, problem.detail, errors)


def _policy(text: str | None) -> Any:
    if text is None or not text.strip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        why = 'not JSON: write an object, such as {"steps": [{"step": "line_notification", "wait": "4h"}]}'
        raise Problem(422, "invalid", f"policy is {why}.", [("query: policy", why)]) from None


async def _forecast(body: ForecastIn, account: str, parts: Services) -> dict[str, Any]:
    if sum(x is not None for x in (body.count, body.numbers, body.batch)) > 1:
        why = "count, numbers and batch exclude each other: give one of them"
        raise Problem(422, "invalid", why, [("/count", why)])
    now = parts.clock.now()
    refused = 0
    async with parts.database.read() as tx:
        batch = None if body.batch is None else await found_batch(tx, account, body.batch)
        target = await _target(tx, account, body, batch, parts)
        history = await forecast_history.read(
            tx, account, target.channel.id, target.template_row.use_case, parts.lookup, now
        )
        when = asking.when(body, batch, target.channel, now)
        if body.numbers is not None:
            rows, refused = asking.numbers(body.numbers, target.channel.region)
        else:
            rows = await asking.rows(tx, body, batch, target, history)
        language = None if body.language is None else intake.language_of(target, body.language)
        asked = await forecast_rows.asked_for(tx, target, rows, when, parts, language)
    asked = msgspec.structs.replace(
        asked, waits=asking.waits(body.waits), most_duplicates=body.most_late_duplicates
    )
    shown = await run_in_threadpool(forecast.report, history, asked, parts.prices)
    return {
        "channel": target.channel.name,
        "template": target.template_row.name,
        "use_case": target.template_row.use_case,
        "policy": target.policy_view(asked.deadline),
        **({"refused_numbers": refused} if body.numbers is not None else {}),
        **shown,
    }


async def of_list(
    tx: Tx,
    target: Target,
    notices: Sequence[NewNotice],
    total: int,
    parts: Services,
    plan: Plan | None = None,
) -> dict[str, Any]:
    """A forecast for a dry run: `notices` are the rows that were read, `total` how many are supposed to come."""
    now = parts.clock.now()
    rows = forecast_rows.of_numbers([(x.number, x.country) for x in notices], total)
    texts = [(x.parameters, x.language) for x in notices[: forecast_rows.MOST_TEXTS]]
    history = await forecast_history.read(
        tx, target.account_id, target.channel.id, target.template_row.use_case, parts.lookup, now
    )
    rows = msgspec.structs.replace(rows, texts=texts)
    asked = await forecast_rows.asked_for(tx, target, rows, When(starts_at=now, plan=plan or Plan()), parts)
    return await run_in_threadpool(forecast.report, history, asked, parts.prices)


async def _target(tx: Tx, account: str, body: ForecastIn, batch: Batch | None, parts: Services) -> Target:
    if batch is not None:
        return await intake.resolve_stored(
            tx,
            account,
            batch.channel_id,
            batch.template_id,
            batch.policy_id,
            parts.lookup,
            batch.source_id,
        )
    channel = body.channel or await _only_channel(tx, account)
    return await intake.resolve(
        tx,
        account,
        channel,
        body.template or await _usual_template(tx, account, channel),
        body.policy,
        now=parts.clock.now(),
        ids=parts.ids,
        desks=parts.lookup.desks,
        every_number_is_a_test_number=parts.setup.every_number_is_a_test_number,
        store_policy=False,
    )


async def _only_channel(tx: Tx, account: str) -> str:
    found = await channels.list_channels(tx, account)
    if len(found) == 1:
        return found[0].id
    why = "name the channel" if found else "there is no channel yet: make one with POST /v1/channels"
    raise Problem(422, "invalid", f"channel: {why}.", [("/channel", why)])


async def _usual_template(tx: Tx, account: str, channel: str) -> str:
    """The template of a channel's newest notice in the sample, else the only one it has."""
    found = await channels.find_channel(tx, account, channel)
    known = [] if found is None else await store.templates_on(tx, account, found.id)
    if found is not None and (used := await store.newest_template(tx, account, found.id)) is not None:
        return used
    if len(known) == 1 or (found is None and not known):
        return known[0] if known else "-"
    why = "name the template" if known else "the channel has no template yet"
    raise Problem(422, "invalid", f"template: {why}.", [("/template", why)])
