"""Idempotency-Key: the same answer to the same request for 24 hours, and nothing done twice."""

import json
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import Depends, Header, Request
from fastapi.responses import Response

from todoke.core.durations import DAY
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import idempotency
from todoke.storage.database import Tx
from todoke.storage.idempotency import Remembered


class Key(NamedTuple):
    """An Idempotency-Key as it is kept: it may hold a number, as order numbers do. `given`: as it was sent."""

    kept: str
    given: str


async def _key(
    parts: Parts,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="With the same key the same answer is given for 24 hours and nothing is sent twice.",
        ),
    ] = None,
) -> Key | None:
    return None if key is None else Key(parts.seal.mark(b"key\0" + key.encode()), key)


IdempotencyKey = Annotated[Key | None, Depends(_key)]


async def recall(tx: Tx, account: str, key: Key | None, digest: str, now: int) -> Response | None:
    """What was answered to this key before. Raises a 422 problem where the body was another one."""
    if key is None:
        return None
    before = await idempotency.recall(tx, account, key.kept, now - DAY)
    if before is None:
        # Before keys were kept hashed they were kept as given: such a request is not done a second time.
        before = await idempotency.recall(tx, account, key.given, now - DAY)
    if before is None:
        return None
    if before.digest != digest:
        raise Problem(
            422,
            "idempotency-key-reused",
            "This Idempotency-Key was used in the last 24 hours with another body. Take a new key for a new request.",
        )
    return Response(before.body, before.status, {"Idempotent-Replayed": "true"}, "application/json")


async def remember(tx: Tx, account: str, key: Key | None, digest: str, body: Any, now: int) -> Response:
    """The answer 202 with this body, kept for the key if there is one."""
    text = json.dumps(body, ensure_ascii=False)
    if key is not None:
        entry = Remembered(
            account_id=account, key=key.kept, digest=digest, status=202, body=text, created_at=now
        )
        await idempotency.remember(tx, entry)
    return Response(text, 202, media_type="application/json")


def digest_of(request: Request, parts: Services, body: bytes) -> str:
    """What tells a request from another one with the same key; not what was in it, to whoever lacks our key."""
    with suppress(msgspec.MsgspecError, RecursionError):
        # Two spellings of one JSON value are one request.
        body = msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
    return parts.seal.mark(request.url.path.encode() + b"\0" + body)
