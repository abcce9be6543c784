"""/v1/batches: lists as files."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from todoke.actions import announcements, files, intake, reminders
from todoke.actions.intake import Target
from todoke.actions.refusals import refused_numbers, suppressed
from todoke.core.durations import rfc3339
from todoke.core.phone import masked
from todoke.engine.intake import BrokenFile, Portion, read_portion
from todoke.server.api.models import answer, problems
from todoke.server.api.uploads import codec_of, read_header, save_upload
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import batches as store
from todoke.storage import reporting
from todoke.storage import sources as source_store
from todoke.storage.batches import Batch
from todoke.storage.database import Tx
from todoke.storage.sources import Source

router = APIRouter(prefix="/v1/batches", tags=["Batches"])

PREVIEW_ROWS = 1000
PREVIEW_CHARACTERS = 500_000
BYTE_ORDER_MARK = "\ufeff"
Bom = Annotated[bool, Query(description="Begin with a byte order mark, which Excel needs to read UTF-8.")]
_PAGE = 1000
_EXAMPLE = {
    "id": "01K2W7M…",
    "state": "sending",
    "rows": 300,
    "accepted": 280,
    "refused": 20,
    "duplicates": 3,
    "states": {"waiting": 280},
}


def batch_view(
    batch: Batch, states: dict[str, int], sources: Mapping[str, Source] | None = None
) -> dict[str, Any]:
    """A batch as the API shows it. `state`: reading, sending, ended, failed or cancelled."""
    source = (sources or {}).get(batch.source_id or "")
    open_ones = sum(states.get(s, 0) for s in ("queued", "sending", "waiting"))
    state = batch.state
    if state == "done":
        state = "sending" if open_ones else "ended"
    return {
        "id": batch.id,
        "state": state,
        "error": batch.error,
        "file": batch.file_name,
        "channel": batch.channel_id,
        "template": batch.template_id,
        "source": None if source is None else {"name": source.name, "ground": source.ground},
        "language": batch.language,
        "rows": batch.rows,
        "accepted": batch.accepted,
        "refused": batch.refused,
        "duplicates": batch.duplicates,
        "read": 1.0 if batch.size == 0 else round(min(batch.position / batch.size, 1), 4),
        "open": open_ones,
        "states": states,
        "created_at": rfc3339(batch.created_at),
        "read_at": None if batch.read_at is None else rfc3339(batch.read_at),
        "cancelled_at": None if batch.cancelled_at is None else rfc3339(batch.cancelled_at),
    }


def _json_field(text: str | None, name: str) -> Any:
    if text is None or not text.strip():
        return None
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Problem(
            422,
            "invalid",
            f'{name} is not JSON ({error}). Write an object, such as {{"to": "mobile"}}.',
            [(f"/{name}", "not JSON")],
        ) from None


def _policy_field(text: str | None) -> str | dict[str, Any] | None:
    if text is None or not text.strip().startswith("{"):
        return text or None
    value: dict[str, Any] = _json_field(text, "policy")
    return value


def _columns_field(text: str | None) -> dict[str, str]:
    value = _json_field(text, "columns")
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise Problem(
            422,
            "invalid",
            'columns is an object that names columns of the file, such as {"to": "mobile", "name": "customer"}.',
            [("/columns", "not an object of texts")],
        )
    return value


@router.post(
    "",
    status_code=202,
    summary="Send a list",
    description=(
        "A CSV file with a header: a column for the number (phone, to, mobile …), one for each parameter of the "
        "template, perhaps reference and language. Every refused row comes back in rejects.csv with its reason. With "
        "`dry_run=true` the first 1,000 rows are checked and nothing is stored."
    ),
    responses={202: answer(_EXAMPLE), **problems(401, 413, 422)},
)
async def create_batch(
    account: Account,
    parts: Parts,
    file: Annotated[UploadFile, File(description="CSV")],
    channel: Annotated[str, Form(max_length=100)],
    template: Annotated[str, Form(max_length=100)],
    policy: Annotated[
        str | None, Form(max_length=5000, description="A policy's name, or a policy as JSON.")
    ] = None,
    columns: Annotated[
        str | None,
        Form(max_length=5000, description="JSON: `to`, `reference`, `language` or a parameter → column."),
    ] = None,
    encoding: Annotated[str | None, Form(max_length=30, description="utf-8 unless said otherwise.")] = None,
    source: Annotated[
        str | None, Form(max_length=100, description="Where its numbers came from: a source's name or id.")
    ] = None,
    language: Annotated[
        str | None,
        Form(
            max_length=40, description="Which of the template's languages, where no column language says so."
        ),
    ] = None,
    dry_run: Annotated[bool, Form()] = False,
) -> Response:
    codec, chosen, policy_value = codec_of(encoding), _columns_field(columns), _policy_field(policy)
    batch_id, now = parts.ids.new(), parts.clock.now()
    path = parts.uploads / f"{batch_id}.csv"
    stored = False
    try:
        size = await save_upload(file, path, codec)
        header, position, line = await run_in_threadpool(read_header, path)
        async with parts.database.write() as tx:
            target = await intake.resolve(
                tx,
                account,
                channel,
                template,
                policy_value,
                source=source or None,
                now=now,
                ids=parts.ids,
                desks=parts.lookup.desks,
                every_number_is_a_test_number=parts.setup.every_number_is_a_test_number,
                store_policy=not dry_run,
            )
            batch = files.plan_batch(
                batch_id,
                target,
                file_name=_safe_name(file.filename),
                encoding=codec,
                header=header,
                position=position,
                line=line,
                size=size,
                chosen=chosen,
                now=now,
                language=language or None,
            )
            if not dry_run:
                await store.insert_batch(tx, batch)
                await announcements.of_batch(tx, "batch.created", batch, now, parts.ids)
                stored = True
        if dry_run:
            return JSONResponse(await _preview(parts, batch, target), 200)
    finally:
        if not stored:
            path.unlink(missing_ok=True)
    parts.wake()
    known = {} if target.source is None else {target.source.id: target.source}
    return JSONResponse(batch_view(batch, {}, known), 202)


def _safe_name(name: str | None) -> str:
    return re.sub(r"[^\w.\- ()]", "_", name or "list.csv")[-200:]


async def _preview(parts: Services, batch: Batch, target: Target) -> dict[str, Any]:
    path = parts.uploads / f"{batch.id}.csv"
    try:
        portion: Portion = await run_in_threadpool(
            read_portion, path, batch, target, parts.clock.now(), parts.ids, PREVIEW_ROWS, PREVIEW_CHARACTERS
        )
    except BrokenFile as error:
        raise Problem(422, "not-a-list", str(error)) from None
    async with parts.database.read() as tx:
        standing = await refused_numbers(tx, batch.account_id, (x.number for x in portion.notices))
        portion.refuse({number: suppressed(x).message for number, x in standing.items()})
        too_many = await reminders.refused(tx, [(target, x) for x in portion.notices])
        portion.refuse_notices({notice_id: error.message for notice_id, error in too_many.items()})
    return {
        "dry_run": True,
        "rows": portion.rows,
        "whole_file": portion.at_end,
        "accepted": len(portion.notices),
        "refused": len(portion.rejects),
        "rejects": [{"line": r.line, "reason": r.reason} for r in portion.rejects[:100]],
        "first": [
            {"to": masked(n.number), "language": n.language, "parameters": json.loads(n.parameters)}
            for n in portion.notices[:5]
        ],
    }


async def _view(tx: Tx, batch: Batch) -> dict[str, Any]:
    sources = await source_store.by_ids(tx, [batch.source_id] if batch.source_id is not None else [])
    return batch_view(batch, await store.states_of(tx, batch.id), sources)


async def _found(tx: Tx, account: str, batch_id: str) -> Batch:
    batch = await store.get_batch(tx, batch_id)
    if batch is None or batch.account_id != account:
        raise Problem(404, "not-found", "There is no batch with this id in this account.")
    return batch


@router.get(
    "",
    summary="List batches, the newest first",
    description="The newest 100, each with how many of its notices are in which state.",
    responses=problems(401),
)
async def list_batches(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        rows = await store.list_batches(tx, account)
        sources = await source_store.by_ids(tx, {b.source_id for b in rows if b.source_id is not None})
        return {"batches": [batch_view(b, await store.states_of(tx, b.id), sources) for b in rows]}


@router.get(
    "/{batch_id}",
    summary="Read a batch",
    description=(
        "`state` is reading, sending, ended, failed or cancelled; `accepted` and `refused` add up to `rows`. "
        "`duplicates` counts accepted rows that repeat another one's number and parameters."
    ),
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def get_batch(batch_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await _view(tx, await _found(tx, account, batch_id))


@router.post(
    "/{batch_id}/cancel",
    summary="Cancel a batch",
    description="The rest of the file is not read, and no further step of its notices begins.",
    responses=problems(401, 404),
)
async def cancel_batch(batch_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        batch = await _found(tx, account, batch_id)
        await files.cancel_batch(tx, batch, parts.clock.now(), parts.lookup, parts.ids)
        view = await _view(tx, await _found(tx, account, batch_id))
    parts.wake()
    return view


# Spreadsheets in East Asia also take the full-width signs for the beginning of a formula.
_FORMULA = re.compile(r"[=@＝＠\t\r\n]|[+＋－-](?![\d\s().-]*$)")


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula. Numbers with a sign stay as they are."""
    return "'" + text if _FORMULA.match(text) else text


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """Rows as a file that spreadsheets open without running anything."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([safe_cell(c) for c in row] for row in rows)
    return out.getvalue()


def _download(chunks: AsyncIterator[str], name: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/{batch_id}/rejects.csv",
    summary="The refused rows",
    description="`line,reason`, then the columns of the file as they were.",
    response_class=StreamingResponse,
    responses=problems(401, 404),
)
async def rejects_csv(batch_id: str, account: Account, parts: Parts, bom: Bom = False) -> Response:
    mark = BYTE_ORDER_MARK if bom else ""
    async with parts.database.read() as tx:
        batch = await _found(tx, account, batch_id)

    async def chunks() -> AsyncIterator[str]:
        yield mark + csv_text([["line", "reason", *json.loads(batch.header or "[]")]])
        line = 0
        while True:
            async with parts.database.read() as tx:
                rejects = await store.rejects_after(tx, batch.id, line, _PAGE)
            if not rejects:
                return
            line = rejects[-1].line
            yield csv_text([str(r.line), r.reason, *json.loads(r.original)] for r in rejects)

    return _download(chunks(), f"rejects-{batch.id}.csv")


@router.get(
    "/{batch_id}/results.csv",
    summary="What became of every notice of a batch",
    description="A row a notice: id, reference, masked number, state, reason, steps with outcomes, end.",
    response_class=StreamingResponse,
    responses=problems(401, 404),
)
async def results_csv(batch_id: str, account: Account, parts: Parts, bom: Bom = False) -> Response:
    mark = BYTE_ORDER_MARK if bom else ""
    async with parts.database.read() as tx:
        batch = await _found(tx, account, batch_id)

    async def chunks() -> AsyncIterator[str]:
        yield mark + csv_text(
            [["id", "reference", "to", "state", "reason", "steps", "late_duplicates", "ended_at"]]
        )
        after = ""
        while True:
            async with parts.database.read() as tx:
                rows = await reporting.batch_after(tx, batch.id, after, _PAGE)
                attempts = await reporting.attempts_of(tx, [r.id for r in rows])
            if not rows:
                return
            after = rows[-1].id
            yield csv_text(_result(r, attempts[r.id]) for r in rows)

    return _download(chunks(), f"results-{batch.id}.csv")


def _result(row: reporting.NoticeRow, attempts: list[reporting.AttemptRow]) -> list[str]:
    return [
        row.id,
        row.reference or "",
        masked(row.number),
        row.state,
        row.reason or "",
        " ".join(f"{a.step}:{a.outcome or 'sending'}" for a in attempts),
        str(sum(a.late_duplicate for a in attempts)),
        "" if row.ended_at is None else rfc3339(row.ended_at),
    ]
