"""/v1/channels/{channel}/granted-keys: the keys that LINE granted to a channel, imported as lists in versions."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

import line_catalogue
from todoke.actions import key_imports as actions
from todoke.core import granted
from todoke.core.granted import GrantedKey, table, tree
from todoke.core.granted.rows import Reading
from todoke.core.template_values import FORBIDDEN
from todoke.server.api.catalogue_view import known_country, published_key_view
from todoke.server.api.channels import found_channel
from todoke.server.api.key_list_views import (
    HEAD,
    IMPORTED,
    ROW,
    counts,
    difference_view,
    head,
    imported_view,
    key_view,
)
from todoke.server.api.models import answer, problems
from todoke.server.api.uploads import codec_of
from todoke.server.auth import Account, Caller
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import key_lists as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.key_lists import KeyList

router = APIRouter(prefix="/v1", tags=["Use cases and keys"])

_TABLES = (
    "text/csv",
    "text/tab-separated-values",
    "text/plain",
    "application/csv",
    "application/vnd.ms-excel",
)
_TREES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/json")
_TREE_SUFFIXES = (".yaml", ".yml", ".json")

Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Left out: the newest.")]

_TEXT = {"type": "string"}
_BODY = {
    "required": True,
    "content": {
        "text/csv": {"schema": _TEXT},
        "application/yaml": {"schema": _TEXT},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {**_TEXT, "format": "binary"}, "encoding": _TEXT, "note": _TEXT},
            }
        },
    },
}


class Asked(msgspec.Struct):
    """A list as it came."""

    raw: bytes
    is_tree: bool
    encoding: str | None
    file_name: str | None
    note: str | None


@router.post(
    "/channels/{channel}/granted-keys",
    summary="Import the keys that LINE granted",
    description="The whole list as CSV (`kind,key,use_case,name,language,limits`) or YAML (`templates`, `items`, "
    "`buttons`), as the body or as the part `file` of a form; up to 1 MB, docs/catalogue.md describes both. It is the "
    "channel's next version; the same content again is the same version (200). Where anything is wrong, nothing is "
    "stored, and `errors` has each fault with its line, up to 50. `affected_templates` use keys that the list lacks.",
    openapi_extra={"requestBody": _BODY},
    status_code=201,
    responses={
        201: answer(IMPORTED),
        200: answer({**IMPORTED, "new": False}, "The newest version is just this list."),
        **problems(401, 404, 413, 422),
    },
)
async def import_granted_keys(
    channel: str,
    request: Request,
    account: Account,
    caller: Caller,
    parts: Parts,
    encoding: Annotated[str | None, Query(description="utf-8, big5, shift_jis, tis-620, utf-16.")] = None,
    note: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    async with parts.database.read() as tx:
        await found_channel(tx, account, channel)
    asked = await _asked(request, encoding, note)
    read = tree.read if asked.is_tree else table.read
    reading = await run_in_threadpool(read, asked.raw, codec_of(asked.encoding).removesuffix("-sig"))
    if reading.fault_count:
        raise _refused(reading)
    async with parts.database.write() as tx:
        found = await found_channel(tx, account, channel)
        done = await actions.import_keys(
            tx,
            found,
            reading.keys,
            desks=parts.lookup.desks,
            by=caller,
            now=parts.clock.now(),
            ids=parts.ids,
            file_name=asked.file_name,
            note=asked.note,
        )
    return JSONResponse(imported_view(done, found, reading), 201 if done.new else 200)


async def _asked(request: Request, encoding: str | None, note: str | None) -> Asked:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in (*_TABLES, *_TREES):
        asked = Asked(await request.body(), kind in _TREES, encoding, None, note)
    elif kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=5) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Problem(
                    422, "invalid", "The form has no part file with the list.", [("/file", "required")]
                )
            fields = {name: form.get(name) for name in ("encoding", "note")}
            texts = {name: text for name, text in fields.items() if isinstance(text, str)}
            name = FORBIDDEN.sub("", (file.filename or "").replace("\\", "/").rpartition("/")[2]).strip()
            is_tree = name.lower().endswith(_TREE_SUFFIXES) or (file.content_type or "") in _TREES
            raw = await file.read()
            asked = Asked(
                raw, is_tree, texts.get("encoding", encoding), name[:200] or None, texts.get("note", note)
            )
    else:
        raise Problem(
            415,
            "unsupported-media-type",
            "Send the list as text/csv or application/yaml, or as the part file of multipart/form-data "
            "(curl -F file=@granted.csv).",
        )
    if asked.note is not None:
        asked.note = FORBIDDEN.sub(" ", asked.note).strip()[:500] or None
    return asked


def _refused(reading: Reading) -> Problem:
    many = f"{reading.fault_count:,} things are" if reading.fault_count > 1 else "one thing is"
    more = reading.fault_count - len(reading.faults)
    listed = f" errors lists the first {len(reading.faults)}." if more else ""
    return Problem(
        422,
        "invalid-key-list",
        f"Nothing was imported: {many} wrong.{listed} {reading.faults[0].words}",
        [(fault.pointer, fault.words) for fault in reading.faults],
    )


@router.get(
    "/channels/{channel}/granted-keys",
    summary="The keys that LINE granted",
    description="The newest list, or another version. `published`: LINE's public documentation shows the key; all "
    "others are known from the imported list alone.",
    responses={200: answer({**HEAD, "keys": [ROW]}), **problems(401, 404, 422)},
)
async def get_granted_keys(
    channel: str, account: Account, parts: Parts, version: Version = None
) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await found_channel(tx, account, channel)
        row, keys = await _list_and_keys(tx, found, version)
    return {**head(row, counts(keys)), "keys": [key_view(x, found.region) for x in keys]}


@router.get(
    "/channels/{channel}/granted-keys.csv",
    summary="The same as a file",
    description="CSV in UTF-8 with a byte order mark, safe to open in a spreadsheet. It can be imported again.",
    response_class=Response,
    responses={200: {"description": "CSV.", "content": {"text/csv": {}}}, **problems(401, 404, 422)},
)
async def granted_keys_csv(channel: str, account: Account, parts: Parts, version: Version = None) -> Response:
    async with parts.database.read() as tx:
        found = await found_channel(tx, account, channel)
        row, keys = await _list_and_keys(tx, found, version)
    headers = {"Content-Disposition": f'attachment; filename="granted-keys-{row.version}.csv"'}
    return Response(table.written(keys, found.region), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/channels/{channel}/granted-keys/versions",
    summary="The versions of the list",
    description="The newest first: when each came, by which API key, and how many keys it has.",
    responses={200: answer({"versions": [HEAD]}), **problems(401, 404)},
)
async def granted_keys_versions(channel: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await found_channel(tx, account, channel)
        rows = await store.versions(tx, found.id)
    return {"versions": [head(row, count) for row, count in rows]}


@router.get(
    "/channels/{channel}/granted-keys/diff",
    summary="What changed between two versions",
    description="`version` left out is the newest, `before` left out the version before that.",
    responses={
        200: answer({"before": 1, "version": 2, "added": [ROW], "removed": [], "changed": []}),
        **problems(401, 404, 422),
    },
)
async def granted_keys_diff(
    channel: str,
    account: Account,
    parts: Parts,
    version: Version = None,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> dict[str, Any]:
    async with parts.database.read() as tx:
        found = await found_channel(tx, account, channel)
        after, new = await _list_and_keys(tx, found, version)
        if before is None and after.version == 1:
            raise Problem(404, "not-found", "There is only one version, so nothing to compare it with.")
        earlier = after.version - 1 if before is None else before
        since, old = await _list_and_keys(tx, found, earlier)
    changes = difference_view(granted.difference(old, new), found.region)
    return {"before": since.version, "version": after.version, **changes}


@router.get(
    "/published-keys",
    summary="The keys that LINE publishes",
    description="Template, item and button keys that stand in LINE's public documentation, as far as Todoke has it, "
    "each with its source; `name` and `text` are LINE's. Published is not granted: LINE grants to each account.",
    responses={200: answer({"published_keys": []}), **problems(401, 422)},
)
async def published_keys(_: Account, country: str | None = None) -> dict[str, Any]:
    countries = known_country(country)
    rows = [row for row in line_catalogue.published_keys().keys if row.country in countries]
    return {"published_keys": [published_key_view(row) for row in rows]}


async def _list_and_keys(tx: Tx, channel: Channel, version: int | None) -> tuple[KeyList, list[GrantedKey]]:
    """A version of the channel's list. Raises a 404 problem."""
    row = await store.find_list(tx, channel.id, version)
    if row is None and version is None:
        raise Problem(
            404,
            "not-found",
            f"No list of granted keys was imported for {channel.name}. POST the one that LINE gave you to "
            "/v1/channels/{channel}/granted-keys, or run todoke granted-keys import.",
        )
    if row is None:
        raise Problem(
            404, "not-found", f"{channel.name} has no version {version} of its list of granted keys."
        )
    return row, await store.keys_of(tx, row.id)
