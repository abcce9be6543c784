"""The file of an upload that comes in parts: one request at a time appends to it."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from todoke.server.api.uploads import CHUNK, disk_full, room_told
from todoke.server.problems import Problem

LEFT_FREE = 500_000_000
"""Bytes of the disk that uploads leave to the database."""
STALLED = 60.0
"""Seconds without a byte after which a sender counts as gone: until then nobody else may go on with the upload."""


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """The file, for one request of one process at a time."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        raise Problem(410, "upload-expired", "This upload is not kept any more. Begin a new one.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                423, "locked", "Another request is sending a part of this upload. Wait until it is done."
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)


async def append(request: Request, descriptor: int, have: int, size: int) -> int:
    """Writes what comes, durably; answers how much is here then. What came before a cut is kept."""
    try:
        async for piece in _pieces(request):
            if have + len(piece) > size:
                raise Problem(
                    413, "too-large", f"The part goes beyond the {size:,} bytes that Upload-Length said."
                )
            room = os.fstatvfs(descriptor)
            if room.f_bavail * room.f_frsize < LEFT_FREE:
                raise disk_full()
            with room_told():
                await run_in_threadpool(_write, descriptor, piece)
            have += len(piece)
    finally:
        await run_in_threadpool(os.fsync, descriptor)
    return have


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces worth a way into a thread."""
    pieces: list[bytes] = []
    size = 0
    try:
        stream = aiter(request.stream())
        while (some := await _next(stream)) is not None:
            pieces.append(some)
            size += len(some)
            if size >= CHUNK:
                yield b"".join(pieces)
                pieces, size = [], 0
    except (ClientDisconnect, TimeoutError) as error:
        if size:
            yield b"".join(pieces)
        if isinstance(error, TimeoutError):
            raise Problem(
                408, "stalled", f"Nothing came for {STALLED:g} seconds. Ask how much is here, and go on."
            ) from None
        raise
    if size:
        yield b"".join(pieces)


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    """Some of the body; None at its end. Raises TimeoutError."""
    async with asyncio.timeout(STALLED):
        return await anext(stream, None)


def _write(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]
