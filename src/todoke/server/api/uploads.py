"""Takes uploaded lists onto the disk, as they came and as normalised files."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from fastapi import UploadFile
from starlette.concurrency import run_in_threadpool

from todoke.core.columns import Columns
from todoke.core.encodings import CODECS, NAMES, named
from todoke.engine.lists.look import Found
from todoke.engine.lists.normalise import Progress, normalise
from todoke.server.problems import Problem
from todoke.server.services import Services
from todoke.storage import uploads as store
from todoke.storage.batches import Batch

CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_full() -> Problem:
    return Problem(507, "disk-full", "The gateway's disk has no room for this file. Tell who runs it.")


@contextmanager
def room_told() -> Iterator[None]:
    """Makes a 507 problem of a disk that is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise disk_full() from None


def codec_of(encoding: str | None) -> str:
    """Python's codec for an encoding as people name it, UTF-8 where they name none. Raises a 422 problem for others."""
    name = named(encoding or "utf-8")
    if name is None:
        raise Problem(
            422,
            "unknown-encoding",
            f"The encoding {str(encoding)[:30]!r} is not known. Known are {', '.join(sorted(NAMES))}.",
            [("/encoding", "not known")],
        )
    return {"utf-8": "utf-8-sig", "utf-16": "utf-16"}.get(name) or CODECS[name]


class Raw(msgspec.Struct):
    """A list as it came. `is_wanted`: it stays when the request is answered; `name`: what its sender calls it."""

    path: Path
    name: str
    is_wanted: bool


class Made(msgspec.Struct, frozen=True):
    """A normalised file: bytes, rows, and whether it holds all rows of the upload."""

    size: int
    rows: int
    is_whole: bool


def safe_name(name: str | None) -> str:
    return re.sub(r"[^\w.\- ()]", "_", name or "list.csv")[-200:]


async def raw_of(parts: Services, account: str, file: UploadFile | None, upload: str | None) -> Raw:
    """The list of a request, on the disk. Raises a problem where the upload is unknown or lacks something."""
    if file is not None:
        path = parts.uploads / f"{parts.ids.new()}.raw"
        await run_in_threadpool(_copy, file.file, path)
        return Raw(path, safe_name(file.filename), False)
    assert upload is not None
    async with parts.database.read() as tx:
        known = await store.get_upload(tx, upload)
    path = parts.uploads / f"{upload}.part"
    if known is None or known.account_id != account or not path.exists():
        raise Problem(
            404, "not-found", "There is no upload with this id in this account.", [("/upload", "unknown")]
        )
    have = path.stat().st_size
    if have < known.size:
        raise Problem(
            409,
            "upload-incomplete",
            f"Of the upload {have:,} of {known.size:,} bytes are here. Send the rest: PATCH /v1/uploads/{upload}.",
            [("/upload", "incomplete")],
        )
    return Raw(path, known.file_name, True)


def _copy(source: BinaryIO, path: Path) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def normalised(raw: Path, found: Found, batch: Batch, path: Path, most: int | None) -> Made:
    """Makes a batch's normalised file; of `most` rows at least. Raises FileRefused. Blocks: call it in a thread."""
    columns = msgspec.json.decode(batch.columns, type=Columns)
    last = Progress(0.0, 0)
    for progress in normalise(raw, found, columns, path, most):
        last = progress
    return Made(path.stat().st_size, last.rows, most is None or last.rows < most or last.part >= 1.0)
