"""POST /v1/batches: a list becomes a batch, or is only looked at."""

import json
from contextlib import nullcontext
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from todoke.actions import announcements, batch_plans, files, intake
from todoke.actions.intake import Target
from todoke.engine.lists.look import Asked, Choices, Found, look
from todoke.server.api import batch_scores
from todoke.server.api.batch_view import EXAMPLE, found_batch, view_of
from todoke.server.api.list_preview import PREVIEW_ROWS, preview
from todoke.server.api.models import answer, problems
from todoke.server.api.uploads import Raw, normalised, raw_of, room_told
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import batches as store
from todoke.storage import uploads as upload_store
from todoke.storage.batches import Batch
from todoke.storage.database import Tx

router = APIRouter(prefix="/v1/batches", tags=["Batches"])

AT_ONCE = 8 * 1024 * 1024
"""Bytes of a file that is prepared while its sender waits: a second or two. Larger ones are prepared afterwards."""


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


class _Wanted(msgspec.Struct, frozen=True):
    """What the form says of the notices."""

    channel: str
    template: str
    policy: str | dict[str, Any] | None
    source: str | None
    language: str | None
    plan: dict[str, Any]
    choices: Choices


@router.post(
    "",
    status_code=202,
    summary="Send a list",
    description=(
        "A CSV or XLSX file with a header: a column for the number (phone, to, mobile …), one for each parameter of "
        "the template, perhaps reference and language. It comes as `file`, or was sent in parts and comes as `upload`. "
        "Encoding, delimiter, sheet and header are found out, shown in `detected`, and can be set. Every refused row "
        "comes back in rejects.csv with its reason. With `dry_run=true` the first 1,000 rows are checked, the first "
        "ones shown as they would be sent, and nothing is stored."
    ),
    responses={202: answer(EXAMPLE), **problems(401, 404, 409, 413, 422, 507)},
)
async def create_batch(
    account: Account,
    parts: Parts,
    channel: Annotated[str, Form(max_length=100)],
    template: Annotated[str, Form(max_length=100)],
    file: Annotated[UploadFile | None, File(description="CSV or XLSX")] = None,
    upload: Annotated[
        str | None, Form(max_length=26, description="Instead of file: the id of a complete upload.")
    ] = None,
    policy: Annotated[
        str | None, Form(max_length=5000, description="A policy's name, or a policy as JSON.")
    ] = None,
    columns: Annotated[
        str | None,
        Form(max_length=5000, description="JSON: `to`, `reference`, `language` or a parameter → column."),
    ] = None,
    encoding: Annotated[
        str | None,
        Form(max_length=30, description="utf-8, utf-16, big5, shift_jis, tis-620 …; found out if left out."),
    ] = None,
    delimiter: Annotated[
        str | None, Form(max_length=20, description="A character, or comma, semicolon, tab, pipe.")
    ] = None,
    sheet: Annotated[
        str | None, Form(max_length=100, description="Of a workbook: name, or number from 1.")
    ] = None,
    header_line: Annotated[
        int | None, Form(ge=1, le=1000, description="The line, or the sheet's row, where the header is.")
    ] = None,
    duplicates: Annotated[
        Literal["keep", "drop"],
        Form(description="What becomes of rows that repeat another, or a notice of the last days."),
    ] = "keep",
    duplicate_days: Annotated[
        int, Form(ge=0, le=30, description="How many days back a notice counts as repeated; 0: none.")
    ] = 3,
    source: Annotated[
        str | None, Form(max_length=100, description="Where its numbers came from: a source's name or id.")
    ] = None,
    language: Annotated[
        str | None,
        Form(
            max_length=40, description="Which of the template's languages, where no column language says so."
        ),
    ] = None,
    starts_at: Annotated[
        str | None, Form(max_length=40, description="When it begins to go out: RFC 3339 with a zone.")
    ] = None,
    rate: Annotated[int | None, Form(description="Notices an hour.")] = None,
    percent_an_hour: Annotated[
        float | None, Form(description="Percent of the list an hour: waves, to spare call centres.")
    ] = None,
    hours: Annotated[
        str | None,
        Form(
            max_length=20, description="Between which times of the day, by the channel's region: 09:00-18:00."
        ),
    ] = None,
    dry_run: Annotated[bool, Form()] = False,
) -> Response:
    plan = batch_plans.columns_of(
        {
            "starts_at": starts_at or None,
            "rate": rate,
            "percent_an_hour": percent_an_hour,
            "hours": hours or None,
        },
        parts.clock.now(),
    )
    choices = Choices(
        encoding=encoding or None,
        delimiter=delimiter or None,
        sheet=sheet or None,
        header_line=header_line,
        columns=_columns_field(columns),
        duplicates=duplicates,
        duplicate_days=duplicate_days,
    )
    wanted = _Wanted(
        channel, template, _policy_field(policy), source or None, language or None, plan, choices
    )
    if (file is None) == (upload is None):
        raise Problem(
            422,
            "invalid",
            "Send the list as file, or name a complete upload: one of both.",
            [("/file", "required")],
        )
    if upload is not None and not dry_run and (before := await _made_before(parts, account, upload, wanted)):
        return before
    with room_told():
        raw = await raw_of(parts, account, file, upload)
    try:
        with room_told():
            if dry_run:
                return JSONResponse(await _look_only(parts, account, wanted, raw), 200)
            return await _make(parts, account, wanted, raw, upload)
    finally:
        if not raw.is_wanted:
            raw.path.unlink(missing_ok=True)


async def _resolve(tx: Tx, parts: Services, account: str, wanted: _Wanted, *, stores: bool) -> Target:
    return await intake.resolve(
        tx,
        account,
        wanted.channel,
        wanted.template,
        wanted.policy,
        source=wanted.source,
        now=parts.clock.now(),
        ids=parts.ids,
        desks=parts.lookup.desks,
        every_number_is_a_test_number=parts.setup.every_number_is_a_test_number,
        store_policy=stores,
    )


async def _looked(parts: Services, account: str, wanted: _Wanted, raw: Raw) -> tuple[Target, Found]:
    """What the notices are to be, and what the file is like."""
    async with parts.database.read() as tx:
        target = await _resolve(tx, parts, account, wanted, stores=False)
    needs = files.columns_finder(target, wanted.choices.columns)
    region = target.channel.region
    return target, await run_in_threadpool(look, raw.path, wanted.choices, needs, region, parts.uploads)


def _planned(batch_id: str, target: Target, found: Found, wanted: _Wanted, raw: Raw, now: int) -> Batch:
    columns = files.columns_finder(target, wanted.choices.columns)(found.header)
    batch = files.plan_batch(
        batch_id,
        target,
        file_name=raw.name,
        encoding=found.encoding or "xlsx",
        header=found.header,
        columns=columns,
        size=found.size,
        now=now,
        language=wanted.language,
    )
    asked = Asked(msgspec.structs.replace(wanted.choices, raw=raw.path.name), found)
    return msgspec.structs.replace(
        batch,
        **wanted.plan,
        asked=msgspec.json.encode(asked).decode(),
        detected=json.dumps(found.view(columns), ensure_ascii=False),
    )


async def _look_only(parts: Services, account: str, wanted: _Wanted, raw: Raw) -> dict[str, Any]:
    target, found = await _looked(parts, account, wanted, raw)
    batch = _planned(parts.ids.new(), target, found, wanted, raw, parts.clock.now())
    path = parts.uploads / f"{batch.id}.csv"
    try:
        made = await run_in_threadpool(normalised, raw.path, found, batch, path, PREVIEW_ROWS)
        columns = files.columns_finder(target, wanted.choices.columns)(found.header)
        score = await batch_scores.of_file(parts, target, raw.path, found, columns)
        whole = score["list"]["rows"]
        return await preview(parts, batch, target, made, whole) | {"score": score}
    finally:
        path.unlink(missing_ok=True)


async def _make(parts: Services, account: str, wanted: _Wanted, raw: Raw, upload: str | None) -> Response:
    batch_id = parts.ids.new()
    path = parts.uploads / f"{batch_id}.csv"
    stored = False
    # A large file takes long to look at, and nobody waits for it to be prepared.
    turn = parts.preparing if raw.path.stat().st_size <= AT_ONCE else nullcontext()
    try:
        async with turn:
            if upload is not None:
                # Whoever asked for the same before has been answered by now, and the file may be gone.
                if (before := await _made_before(parts, account, upload, wanted)) is not None:
                    return before
                if not raw.path.exists():
                    raise Problem(
                        404, "not-found", "The upload is gone: send it again.", [("/upload", "gone")]
                    )
            now = parts.clock.now()
            target, found = await _looked(parts, account, wanted, raw)
            at_once = found.size <= AT_ONCE
            batch = _planned(batch_id, target, found, wanted, raw, now)
            if at_once:
                made = await run_in_threadpool(normalised, raw.path, found, batch, path, None)
                ready: dict[str, Any] = {"size": made.size, "total": made.rows}
            else:
                ready = {"state": "preparing"}
            async with parts.database.write() as tx:
                # Once more, as it stands now: between the first time and this the file was read.
                target = await _resolve(tx, parts, account, wanted, stores=True)
                batch = _planned(batch_id, target, found, wanted, raw, now)
                batch = msgspec.structs.replace(batch, **ready)
                if upload is not None:
                    await _take(tx, parts, upload, batch_id, wanted)
                await store.insert_batch(tx, batch)
                await announcements.of_batch(tx, "batch.created", batch, now, parts.ids)
                view = await view_of(tx, batch, parts)
        stored = True
    finally:
        if not stored:
            path.unlink(missing_ok=True)
    raw.is_wanted = not at_once
    parts.wake()
    return JSONResponse(view, 202)


async def _take(tx: Tx, parts: Services, upload: str, batch_id: str, wanted: _Wanted) -> None:
    """An upload makes one batch: whoever asks for it at the same time loses."""
    current = await upload_store.get_upload(tx, upload)
    if current is None or current.batch_id is not None:
        raise Problem(
            409,
            "upload-used",
            "A batch is being made of this upload already. Ask again.",
            [("/upload", "in use")],
        )
    await upload_store.use_upload(tx, upload, batch_id, _digest(wanted))


def _digest(wanted: _Wanted) -> str:
    return sha256(msgspec.json.encode(wanted, order="sorted")).hexdigest()


async def _made_before(parts: Services, account: str, upload: str, wanted: _Wanted) -> Response | None:
    """The batch that the same request made of this upload before: a sender that was cut off may ask again."""
    async with parts.database.read() as tx:
        known = await upload_store.get_upload(tx, upload)
        if known is None or known.account_id != account or known.batch_id is None:
            return None
        if known.digest != _digest(wanted):
            raise Problem(
                409,
                "upload-used",
                f"Batch {known.batch_id} was made of this upload, not as you ask now. Upload the file again.",
                [("/upload", "used already")],
            )
        return JSONResponse(await view_of(tx, await found_batch(tx, account, known.batch_id), parts), 202)
