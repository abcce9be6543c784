"""/v1/uploads: files that come in parts, by tus 1.0.0 (https://tus.io/protocols/resumable-upload): its core, creation,
expiration and termination. Any tus client can send them; `todoke import` does.

What has come of a file is what is in it on the disk: nothing else has to be kept right when a process dies.
"""

import base64
import binascii
import os
import shutil
from email.utils import formatdate
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from todoke.core.durations import DAY
from todoke.engine.lists.early import refuse_early
from todoke.engine.lists.refused import FileRefused
from todoke.server.api.models import problems
from todoke.server.api.part_files import LEFT_FREE, append, locked
from todoke.server.api.uploads import disk_full, safe_name
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import uploads as store
from todoke.storage.uploads import Upload

VERSION = "1.0.0"
LARGEST = 10_000_000_000
"""Bytes of a file: some hundred million rows."""
KEPT = DAY
MOST_OPEN = 100
"""Uploads of an account that no batch was made of."""
_TUS = {"Tus-Resumable": VERSION}

router = APIRouter(prefix="/v1/uploads", tags=["Batches"])

Resumable = Annotated[str | None, Header(description="1.0.0")]
Count = Annotated[int | None, Header(ge=0)]


def _checked(version: str | None) -> None:
    if version != VERSION:
        raise Problem(
            412,
            "unknown-version",
            f"This is tus {VERSION}: send the header Tus-Resumable: {VERSION}.",
            [("header: Tus-Resumable", VERSION)],
            Tus_Version=VERSION,
        )


@router.options(
    "",
    summary="What is supported of tus",
    description="Version, extensions and the largest file, as headers.",
    status_code=204,
    responses=problems(401),
)
async def options(account: Account) -> Response:
    return Response(
        status_code=204,
        headers={
            **_TUS,
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,expiration,termination",
            "Tus-Max-Size": str(LARGEST),
        },
    )


@router.post(
    "",
    summary="Begin an upload in parts",
    description=(
        "tus 1.0.0. `Upload-Length` is the size of the file in bytes; `Upload-Metadata` may hold `filename`. "
        "`Location` is where its parts go. An upload that no batch is made of is dropped after a day."
    ),
    status_code=201,
    responses=problems(401, 409, 412, 413, 422, 507),
)
async def create_upload(
    account: Account,
    parts: Parts,
    upload_length: Count = None,
    upload_metadata: Annotated[str | None, Header(max_length=2000)] = None,
    tus_resumable: Resumable = None,
) -> Response:
    _checked(tus_resumable)
    if upload_length is None:
        raise Problem(
            422,
            "invalid",
            "Upload-Length must say how many bytes the file has.",
            [("header: Upload-Length", "required")],
        )
    if upload_length > LARGEST:
        raise Problem(413, "too-large", f"A file may have {LARGEST:,} bytes. Send the list in several files.")
    if shutil.disk_usage(parts.uploads).free < upload_length + LEFT_FREE:
        raise disk_full()
    now = parts.clock.now()
    upload = Upload(
        id=parts.ids.new(),
        account_id=account,
        file_name=safe_name(_file_name(upload_metadata)),
        size=upload_length,
        created_at=now,
        expires_at=now + KEPT,
    )
    async with parts.database.write() as tx:
        if len(await store.uploads_of(tx, account)) >= MOST_OPEN:
            raise Problem(
                409,
                "too-many-uploads",
                f"{MOST_OPEN} uploads of this account wait for their batch. Remove some first.",
            )
        await store.insert_upload(tx, upload)
        os.close(os.open(_path(parts, upload.id), os.O_CREAT | os.O_WRONLY, 0o600))
    return Response(
        status_code=201,
        headers={**_TUS, **_expires(upload), "Location": f"/v1/uploads/{upload.id}", "Upload-Offset": "0"},
    )


@router.head(
    "/{upload_id}",
    summary="How much of a file has come",
    description="`Upload-Offset` says at which byte to go on.",
    responses=problems(401, 404, 410, 412),
)
async def head_upload(
    upload_id: str, account: Account, parts: Parts, tus_resumable: Resumable = None
) -> Response:
    _checked(tus_resumable)
    upload = await _found(parts, account, upload_id)
    return Response(
        status_code=200,
        headers={
            **_TUS,
            **_expires(upload),
            "Upload-Offset": str(_offset(parts, upload)),
            "Upload-Length": str(upload.size),
            "Cache-Control": "no-store",
        },
    )


@router.patch(
    "/{upload_id}",
    summary="Send a part of a file",
    description="The bytes from `Upload-Offset` on, as application/offset+octet-stream. What came of a part that was "
    "cut off is kept.",
    status_code=204,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
    responses=problems(401, 404, 408, 409, 410, 412, 413, 415, 422, 423, 507),
)
async def append_upload(
    upload_id: str,
    request: Request,
    account: Account,
    parts: Parts,
    upload_offset: Count = None,
    tus_resumable: Resumable = None,
) -> Response:
    _checked(tus_resumable)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/offset+octet-stream":
        raise Problem(
            415, "unsupported-media-type", "Send the part as Content-Type: application/offset+octet-stream."
        )
    upload = await _found(parts, account, upload_id)
    path = _path(parts, upload.id)
    with locked(path) as descriptor:
        have = os.fstat(descriptor).st_size
        if upload_offset != have:
            raise Problem(
                409,
                "wrong-offset",
                f"The file goes on at byte {have}: send Upload-Offset: {have} and what follows there.",
                [("header: Upload-Offset", str(have))],
                **_headers({"Upload-Offset": str(have)}),
            )
        now_have = await append(request, descriptor, have, upload.size)
        try:
            await run_in_threadpool(refuse_early, path, have)
        except FileRefused:
            await _remove(parts, upload)
            raise
    return Response(status_code=204, headers={**_TUS, **_expires(upload), "Upload-Offset": str(now_have)})


@router.delete(
    "/{upload_id}",
    summary="Give an upload up",
    description="What has come of it is dropped. A batch that was made of it stays.",
    status_code=204,
    responses=problems(401, 404, 410, 412, 423),
)
async def remove_upload(
    upload_id: str, account: Account, parts: Parts, tus_resumable: Resumable = None
) -> Response:
    _checked(tus_resumable)
    upload = await _found(parts, account, upload_id)
    if upload.batch_id is None:
        with locked(_path(parts, upload.id)):
            await _remove(parts, upload)
    return Response(status_code=204, headers=_TUS)


@router.post(
    "/{upload_id}",
    summary="The same for clients that can't send PATCH, HEAD or DELETE",
    description="`X-HTTP-Method-Override` names the method that is meant.",
    responses=problems(401, 404, 405, 408, 409, 410, 412, 413, 415, 422, 423, 507),
)
async def override(
    upload_id: str,
    request: Request,
    account: Account,
    parts: Parts,
    x_http_method_override: Annotated[str | None, Header()] = None,
    upload_offset: Count = None,
    tus_resumable: Resumable = None,
) -> Response:
    match (x_http_method_override or "").upper():
        case "PATCH":
            return await append_upload(upload_id, request, account, parts, upload_offset, tus_resumable)
        case "HEAD":
            return await head_upload(upload_id, account, parts, tus_resumable)
        case "DELETE":
            return await remove_upload(upload_id, account, parts, tus_resumable)
    raise Problem(
        405, "method-not-allowed", "Send PATCH, HEAD or DELETE, or name one in X-HTTP-Method-Override."
    )


def _headers(headers: dict[str, str]) -> dict[str, Any]:
    return {k.replace("-", "_"): v for k, v in headers.items()}


def _file_name(metadata: str | None) -> str | None:
    """The name in `Upload-Metadata`: pairs of a key and a value in base64."""
    for pair in (metadata or "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, ValueError):
                return None
    return None


async def _found(parts: Services, account: str, upload_id: str) -> Upload:
    async with parts.database.read() as tx:
        upload = await store.get_upload(tx, upload_id)
    if upload is None or upload.account_id != account:
        raise Problem(404, "not-found", "There is no upload with this id in this account.")
    is_over = upload.expires_at <= parts.clock.now()
    if is_over or (upload.batch_id is None and not _path(parts, upload.id).exists()):
        raise Problem(410, "upload-expired", "This upload is not kept any more. Begin a new one.")
    return upload


def _offset(parts: Services, upload: Upload) -> int:
    """How much is here. Of one that a batch was made of, all was."""
    try:
        return min(_path(parts, upload.id).stat().st_size, upload.size)
    except FileNotFoundError:
        return upload.size


def _path(parts: Services, upload_id: str) -> Path:
    return parts.uploads / f"{upload_id}.part"


def _expires(upload: Upload) -> dict[str, str]:
    return {"Upload-Expires": formatdate(upload.expires_at / 1000, usegmt=True)}


async def _remove(parts: Services, upload: Upload) -> None:
    async with parts.database.write() as tx:
        await store.remove_upload(tx, upload.id)
    _path(parts, upload.id).unlink(missing_ok=True)
