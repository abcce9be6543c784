"""/v1/notices: one, many, read, cancel, and what would happen."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from todoke.actions import advance, intake, reminders
from todoke.actions.intake import Target, Wanted
from todoke.actions.refusals import refuse_suppressed, refused_numbers, suppressed
from todoke.core.errors import InvalidParameters, TodokeError
from todoke.core.notice import State
from todoke.core.outcome import Outcome
from todoke.core.policy_text import written
from todoke.engine.metrics import ACCEPTED
from todoke.ids import is_id
from todoke.reports import archived
from todoke.reports.notice import notice_view
from todoke.server.api.dry_run import explain
from todoke.server.api.models import NOTICE_EXAMPLE, NoticeIn, NoticesIn, answer, problems
from todoke.server.api.silence import silence_of
from todoke.server.auth import Account
from todoke.server.idempotent import IdempotencyKey, digest_of, recall, remember
from todoke.server.known import Name, named
from todoke.server.problems import Problem, as_problem, findings
from todoke.server.services import Parts, Services
from todoke.storage import reporting
from todoke.storage.database import Tx
from todoke.storage.notices import NewNotice

PORTION = 10
"""Items that are checked before the event loop gets its turn: long values take some 0.1 s each to check."""
ROWS = 500
"""Items that are read, or stored, before it does: some milliseconds."""

router = APIRouter(prefix="/v1/notices", tags=["Notices"])


def _wanted(body: NoticeIn) -> Wanted:
    return Wanted(
        to=str(body.to),
        parameters=body.parameters,
        reference=body.reference,
        deadline=body.deadline,
        language=body.language,
        event_at=body.event_at,
    )


async def _resolve(tx: Tx, account: str, body: NoticeIn, parts: Services, *, store_policy: bool) -> Target:
    return await intake.resolve(
        tx,
        account,
        body.channel,
        body.template,
        body.policy,
        source=body.source,
        now=parts.clock.now(),
        ids=parts.ids,
        desks=parts.lookup.desks,
        every_number_is_a_test_number=parts.setup.every_number_is_a_test_number,
        store_policy=store_policy,
    )


def _new_view(target: Target, notice: NewNotice, parts: Services) -> dict[str, Any]:
    fields = msgspec.structs.asdict(notice) | {
        "template_name": target.template_row.name,
        "template_version": target.template_row.version,
        "policy_name": target.choice.name,
        "policy_version": target.choice.version,
        "policy_why": target.choice.why,
        "source_name": None if target.source is None else target.source.name,
        "source_ground": None if target.source is None else target.source.ground,
        "reason": None,
        "skips": None,
        "cancelled_at": None,
        "ended_at": None,
    }
    row = msgspec.convert(fields, reporting.NoticeRow)
    deadline = None if notice.deadline_at is None else notice.deadline_at - notice.created_at
    return notice_view(row, [], parts.prices) | {"policy": target.policy_view(deadline)}


@router.post(
    "",
    status_code=202,
    summary="Send a notice",
    description=(
        "202 means: taken, durably. What became of it: GET /v1/notices/{id}. 409 `suppressed`: the recipient is to get "
        "no messages; 409 `not-live`: the template may not reach real recipients yet, or any more. Nothing is stored "
        "then. With `dry_run=true` nothing is stored or sent; the answer says what would happen, step by step."
    ),
    responses={202: answer(NOTICE_EXAMPLE, "Taken."), **problems(401, 409, 413, 422)},
)
async def create_notice(
    body: NoticeIn,
    request: Request,
    account: Account,
    parts: Parts,
    key: IdempotencyKey = None,
    dry_run: bool = False,
) -> Response:
    if dry_run:
        async with parts.database.read() as tx:
            target = await _resolve(tx, account, body, parts, store_policy=False)
            return JSONResponse(await explain(tx, target, _wanted(body), parts))
    now, digest = parts.clock.now(), digest_of(request, parts, await request.body())
    async with parts.database.write() as tx:
        if (before := await recall(tx, account, key, digest, now)) is not None:
            return before
        target = await _resolve(tx, account, body, parts, store_policy=True)
        notice, _ = intake.make_notice(target, _wanted(body), now, parts.ids)
        await refuse_suppressed(tx, account, notice.number)
        await reminders.refuse(tx, target, notice)
        announced = await intake.insert(tx, [notice], now, parts.ids)
        response = await remember(tx, account, key, digest, _new_view(target, notice, parts), now)
    ACCEPTED.inc()
    parts.noticed((notice.channel_id,), announced)
    return response


@router.post(
    "/batch",
    status_code=202,
    summary="Send up to 10,000 notices",
    description="`results` has one entry a notice, in order: its id, or the problem that it was refused for.",
    responses={
        202: answer({"accepted": 1, "refused": 0, "results": [{"id": "01K2W7K…"}]}),
        **problems(401, 413, 422),
    },
)
async def create_notices(
    body: NoticesIn, request: Request, account: Account, parts: Parts, key: IdempotencyKey = None
) -> Response:
    now, digest = parts.clock.now(), digest_of(request, parts, await request.body())
    asked: list[NoticeIn | TodokeError] = []
    for begin in range(0, len(body.notices), ROWS):
        asked += map(_read_item, body.notices[begin : begin + ROWS])
        await asyncio.sleep(0)
    async with parts.database.write() as tx:
        if (before := await recall(tx, account, key, digest, now)) is not None:
            return before
        targets = await _targets(tx, account, asked, parts)
    results: list[dict[str, Any]] = []
    notices: list[NewNotice] = []
    of: dict[str, Target] = {}
    # Outside of any transaction and in portions: LINE wants its webhooks answered within two seconds meanwhile.
    for i, item in enumerate(asked):
        if i % PORTION == PORTION - 1:
            await asyncio.sleep(0)
        try:
            target, notice = _one_of_many(account, item, targets, parts, now)
        except TodokeError as error:
            results.append(_refusal(error))
        else:
            of[notice.id] = target
            notices.append(notice)
            results.append({"id": notice.id, "state": notice.state})
    # In the event loop's own thread: from another one every row would wait for its turn with Python's lock.
    async with parts.database.write(quick=True) as tx:
        # The same call may have been made a second time in between.
        if (before := await recall(tx, account, key, digest, now)) is not None:
            return before
        notices = await _without_suppressed(tx, account, notices, results)
        errors = await reminders.refused(tx, [(of[x.id], x) for x in notices])
        notices = _without(notices, results, errors)
        refused = len(results) - len(notices)
        answered = {"accepted": len(notices), "refused": refused, "results": results}
        announced = 0
        for begin in range(0, len(notices), ROWS):
            announced += await intake.insert(tx, notices[begin : begin + ROWS], now, parts.ids)
            await asyncio.sleep(0)
        response = await remember(tx, account, key, digest, answered, now)
    ACCEPTED.inc(len(notices))
    parts.noticed({x.channel_id for x in notices}, announced)
    return response


async def _without_suppressed(
    tx: Tx, account: str, notices: list[NewNotice], results: list[dict[str, Any]]
) -> list[NewNotice]:
    """The notices whose recipients may get something; the others become refusals in `results`."""
    refused = await refused_numbers(tx, account, [x.number for x in notices])
    if not refused:
        return notices
    return _without(
        notices, results, {x.id: suppressed(refused[x.number]) for x in notices if x.number in refused}
    )


def _without(
    notices: list[NewNotice], results: list[dict[str, Any]], errors: Mapping[str, TodokeError]
) -> list[NewNotice]:
    """The notices but those with an error, which becomes a refusal in `results`."""
    for at, result in enumerate(results):
        if (error := errors.get(result.get("id", ""))) is not None:
            results[at] = _refusal(error)
    return [x for x in notices if x.id not in errors]


def _read_item(item: Any) -> NoticeIn | TodokeError:
    try:
        return NoticeIn.model_validate(item)
    except ValidationError as error:
        found = findings(error.errors(include_input=False))
        return InvalidParameters(f"{found[0][0]}: {found[0][1]}", found[0][0], found)


def _shared(account: str, item: NoticeIn) -> Name:
    return named(account, item.channel, item.template, item.policy, item.source)


async def _targets(
    tx: Tx, account: str, asked: list[NoticeIn | TodokeError], parts: Services
) -> dict[Name, Target | TodokeError]:
    """Channel, template and policy of the items, each combination once; or why there is none such."""
    targets: dict[Name, Target | TodokeError] = {}
    for item in asked:
        if isinstance(item, NoticeIn) and (shared := _shared(account, item)) not in targets:
            try:
                targets[shared] = await _resolve(tx, account, item, parts, store_policy=True)
            except TodokeError as error:
                targets[shared] = error
    return targets


def _one_of_many(
    account: str,
    item: NoticeIn | TodokeError,
    targets: dict[Name, Target | TodokeError],
    parts: Services,
    now: int,
) -> tuple[Target, NewNotice]:
    if isinstance(item, TodokeError):
        raise item
    target = targets[_shared(account, item)]
    if isinstance(target, TodokeError):
        raise target
    return target, intake.make_notice(target, _wanted(item), now, parts.ids)[0]


def _refusal(error: TodokeError) -> dict[str, Any]:
    problem = as_problem(error)
    errors = [{"pointer": p, "message": m} for p, m in problem.errors]
    return {
        "problem": {
            "type": problem.kind,
            "status": problem.status,
            "detail": problem.detail,
            "errors": errors,
        }
    }


@router.get(
    "",
    summary="List notices, the newest first",
    description="`next` is the `cursor` of the next page; it is absent on the last one. Archived notices are listed "
    "where `reference` or `batch` is given, without `state`.",
    responses=problems(401, 422),
)
async def list_notices(
    account: Account,
    parts: Parts,
    state: State | None = None,
    batch: Annotated[str | None, Query(max_length=26)] = None,
    reference: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        rows = await reporting.list_notices(
            tx, account, state=state, batch_id=batch, reference=reference, before=cursor, limit=limit + 1
        )
        attempts = await reporting.attempts_of(tx, [r.id for r in rows])
        found = [(r.id, notice_view(r, attempts[r.id], parts.prices)) for r in rows]
        if state is None:
            kept = await parts.archive.listed(
                account, reference=reference, batch_id=batch, before=cursor, most=limit + 1
            )
            found += await archived.views(tx, kept, {r.id for r in rows}, parts.prices)
    found.sort(key=lambda x: x[0], reverse=True)
    shown: dict[str, Any] = {"notices": [view for _, view in found[:limit]]}
    return shown | ({"next": found[limit - 1][0]} if len(found) > limit else {})


async def _view(tx: Tx, account: str, notice_id: str, parts: Services) -> dict[str, Any]:
    row = await reporting.get_notice(tx, account, notice_id)
    if row is None:
        kept = await parts.archive.get(account, notice_id)
        if kept is None:
            raise Problem(404, "not-found", "There is no notice with this id in this account.")
        ((_, view),) = await archived.views(tx, [kept], (), parts.prices)
        policies = await parts.lookup.policies(tx, [kept.notice["policy_id"]])
        return view | {"policy": {**written(policies[kept.notice["policy_id"]]), **view["policy"]}}
    attempts = (await reporting.attempts_of(tx, [row.id]))[row.id]
    view = notice_view(row, attempts, parts.prices)
    if any(a.outcome in (Outcome.SILENT, Outcome.UNKNOWN) for a in attempts):
        view |= await silence_of(tx, account, row.id, row.number, parts)
    policies = await parts.lookup.policies(tx, [row.policy_id])
    return view | {"policy": {**written(policies[row.policy_id]), **view["policy"]}}


@router.get(
    "/{notice_id}",
    summary="Read a notice",
    description="Its state, every attempt with its outcome, the timeline and what it cost; `silence`, where no "
    "delivery event came: why that may be; `archived: true`, where it ended so long ago that it is in the archive. The "
    "number is masked.",
    responses={200: answer(NOTICE_EXAMPLE), **problems(401, 404)},
)
async def get_notice(notice_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await _view(tx, account, notice_id, parts)


@router.post(
    "/{notice_id}/cancel",
    summary="Cancel a notice",
    description="No further step begins. What a carrier has already taken may still arrive, and is still followed.",
    responses={200: answer(NOTICE_EXAMPLE), **problems(401, 404)},
)
async def cancel_notice(notice_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        await _view(tx, account, notice_id, parts)
        await advance.cancel(tx, [notice_id], parts.clock.now(), parts.lookup, parts.ids)
        view = await _view(tx, account, notice_id, parts)
    parts.wake()
    return view
