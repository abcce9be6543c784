"""/v1/suppressions/import: many at a time, as CSV or JSON. A row that is refused holds up no other."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from todoke.actions import suppressions as actions
from todoke.actions.suppressions import Wanted
from todoke.core.errors import TodokeError
from todoke.core.number_list import Row, read_numbers
from todoke.core.suppression import Cause, Scope
from todoke.server.api.batch_files import csv_text
from todoke.server.api.models import SuppressionsIn, answer, problems
from todoke.server.api.numbers import read_number
from todoke.server.api.suppressions import regions_of
from todoke.server.api.uploads import codec_of
from todoke.server.auth import Account, Caller
from todoke.server.problems import Problem, findings
from todoke.server.services import Parts, Services

T = TypeVar("T", Scope, Cause)
MOST_ROWS = 100_000
PORTION = 1000
"""Rows of one commit; in between others get their turn."""

router = APIRouter(prefix="/v1/suppressions", tags=["Friends and recipients"])

_EXAMPLE: dict[str, Any] = {
    "rows": 3,
    "added": 1,
    "already": 1,
    "refused": 1,
    "rejects": [{"line": 4, "reason": "02•••78 is not a mobile number: LINE and SMS need one"}],
    "rejects_csv": "line,reason,phone\r\n4,02•••78 is not a mobile number: LINE and SMS need one,0223456789\r\n",
}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "CSV: a column phone, perhaps scope, reason, note; or one number a line.",
        },
        **{x: {"type": "string"} for x in ("scope", "reason", "note", "channel", "encoding")},
    },
}

# Its parts are there already, as parts of what takes a single one.
_JSON = SuppressionsIn.model_json_schema(ref_template="#/components/schemas/{model}")
del _JSON["$defs"]


class Asked(msgspec.Struct):
    """A list as it came: its rows, and what holds for rows that say nothing else."""

    rows: Iterator[Row]
    header: list[str] | None
    """Of a file; None: it came as JSON."""
    scope: Scope
    reason: Cause
    note: str | None
    channel: str | None


class Outcome(msgspec.Struct):
    """What importing came to."""

    rows: int = 0
    added: int = 0
    already: int = 0
    rejects: list[tuple[Row, str]] = []


@router.post(
    "/import",
    summary="Suppress many recipients",
    description="Up to 100,000 numbers: a CSV file as multipart/form-data, or JSON. Each row is checked alone; a row "
    "that is refused comes back with its line and the reason, the others count. Safe to repeat: what stands already "
    "is counted as `already`.",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _JSON},
                "multipart/form-data": {"schema": _FORM},
            },
        }
    },
    responses={200: answer(_EXAMPLE), **problems(401, 413, 422)},
)
async def import_suppressions(request: Request, account: Account, caller: Caller, parts: Parts) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=20) as form:
            asked = await _of_form(form)
            done = await _import(asked, account, caller, parts)
    elif kind == "application/json":
        asked = _of_json(await request.body())
        done = await _import(asked, account, caller, parts)
    else:
        raise Problem(
            415,
            "unsupported-media-type",
            "Send a CSV file as multipart/form-data (curl -F file=@list.csv), or JSON as application/json.",
        )
    parts.wake()
    return JSONResponse(_view(done, asked.header))


def _view(done: Outcome, header: list[str] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "rows": done.rows,
        "added": done.added,
        "already": done.already,
        "refused": len(done.rejects),
        "rejects": [{"line": row.line, "reason": why} for row, why in done.rejects],
    }
    if header is not None:
        rows = ([str(row.line), why, *row.cells] for row, why in done.rejects)
        shown["rejects_csv"] = csv_text([["line", "reason", *header], *rows]) if done.rejects else ""
    return shown


async def _import(asked: Asked, account: str, caller: str, parts: Services) -> Outcome:
    async with parts.database.read() as tx:
        regions = await regions_of(tx, account, asked.channel)
    rows = await run_in_threadpool(_limited, asked.rows)
    done = Outcome(rows=len(rows))
    for at in range(0, len(rows), PORTION):
        portion = rows[at : at + PORTION]
        checked = await run_in_threadpool(_checked, portion, asked, regions, caller)
        wanted = [x for _, x in checked if isinstance(x, Wanted)]
        done.rejects += [(row, x) for row, x in checked if isinstance(x, str)]
        async with parts.database.write() as tx:
            came = await actions.suppress(tx, account, wanted, parts.clock.now(), parts.ids)
        done.added += came.new
        done.already += len(wanted) - came.new
        await asyncio.sleep(0)
    return done


def _limited(rows: Iterator[Row]) -> list[Row]:
    """All rows. Raises a problem where there are too many, before any of them counts."""
    found: list[Row] = []
    for row in rows:
        if len(found) == MOST_ROWS:
            raise Problem(
                422,
                "too-many-rows",
                f"There are more than {MOST_ROWS:,} rows. Nothing was stored: send them in parts.",
            )
        found.append(row)
    return found


def _checked(rows: list[Row], asked: Asked, regions: set[str], caller: str) -> list[tuple[Row, Wanted | str]]:
    return [(row, row.problem or _wanted(row, asked, regions, caller)) for row in rows]


def _wanted(row: Row, asked: Asked, regions: set[str], caller: str) -> Wanted | str:
    """The suppression of a row, or why it is refused."""
    try:
        number = read_number(row.number, regions).e164
        note = actions.plain(row.extras.get("note"), "/note") or asked.note
        actions.unnamed(note, number, "/note")
        return Wanted(
            number=number,
            scope=_one_of(Scope, row.extras.get("scope"), asked.scope, "scope"),
            reason=_one_of(Cause, row.extras.get("reason"), asked.reason, "reason"),
            note=note,
            by=f"import, {caller}"[:100],
        )
    except TodokeError as error:
        return error.message
    except Problem as problem:
        return problem.detail


def _one_of(kind: type[T], text: str | None, default: T, name: str) -> T:
    """The value that a text means. Raises a problem that lists what it may be."""
    if not text:
        return default
    try:
        return kind(text.strip().lower())
    except ValueError:
        known = ", ".join(kind)
        shown = "".join(c for c in text[:20] if c.isprintable())
        raise Problem(
            422,
            "invalid",
            f"{name} is {shown!r}; it must be one of {known}.",
            [(f"/{name}", f"one of {known}")],
        ) from None


def _of_json(body: bytes) -> Asked:
    try:
        found = SuppressionsIn.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False)
        if any(e["type"] == "json_invalid" for e in first):
            raise Problem(400, "malformed-json", "The body is not JSON.") from None
        listed = findings(first)
        raise Problem(422, "invalid", f"{listed[0][0]}: {listed[0][1]}", listed) from None
    note = actions.plain(found.note, "/note")
    rows = (_of_item(n, item) for n, item in enumerate(found.numbers, 1))
    return Asked(rows, None, found.scope, found.reason, note, found.channel)


def _of_item(line: int, item: Any) -> Row:
    if isinstance(item, str | int) and not isinstance(item, bool):
        return Row(line, [], str(item))
    if not isinstance(item, Mapping) or not isinstance(item.get("number"), str | int):
        return Row(line, [], problem='An entry is a number, or an object such as {"number": "0912345678"}.')
    unknown = sorted(str(k)[:20] for k in item.keys() - {"number", "scope", "reason", "note"})
    if unknown:
        return Row(line, [], problem=f"There is no field {unknown[0]!r}: number, scope, reason, note.")
    extras = {k: item[k] for k in ("scope", "reason", "note") if item.get(k) is not None}
    if not all(isinstance(x, str) for x in extras.values()):
        return Row(line, [], problem="scope, reason and note are texts.")
    return Row(line, [], str(item["number"]), extras)


async def _of_form(form: FormData) -> Asked:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Problem(422, "invalid", "/file: send the list as the field file.", [("/file", "missing")])
    given = {
        k: v for k in ("scope", "reason", "note", "channel", "encoding") if isinstance(v := form.get(k), str)
    }
    text = _decoded(await file.read(), codec_of(given.get("encoding") or None))
    found = await run_in_threadpool(read_numbers, text)
    return Asked(
        rows=found.rows,
        header=found.header,
        scope=_one_of(Scope, given.get("scope"), Scope.ALL, "scope"),
        reason=_one_of(Cause, given.get("reason"), Cause.MANUAL, "reason"),
        note=actions.plain(given.get("note"), "/note"),
        channel=(given.get("channel") or None),
    )


def _decoded(content: bytes, codec: str) -> str:
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise Problem(
            422,
            "wrong-encoding",
            f"The file is not {codec.removesuffix('-sig')}: byte {error.start:,} can't be read. Set encoding to what "
            "it is: big5, shift_jis, tis-620, utf-16, or save it as CSV UTF-8.",
            [("/file", "not in this encoding")],
        ) from None
    if "\0" in text:
        raise Problem(
            422,
            "not-a-list",
            "The file holds NUL characters: it is no CSV file, or it is UTF-16. Set encoding to utf-16.",
        )
    return text
