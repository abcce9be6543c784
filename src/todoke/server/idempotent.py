"""Idempotency-Key: the same answer to the same request for 24 hours, and nothing done twice."""

from contextlib import suppress
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import Depends, Header, Request
from fastapi.responses import Response

from todoke.core.durations import DAY
from todoke.sealing import Seal
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
    return None if key is None else key_of(key, parts.seal)


def key_of(given: str, seal: Seal) -> Key:
    """A key as it came in the header."""
    return Key(seal.mark(b"key\0" + given.encode()), given)


IdempotencyKey = Annotated[Key | None, Depends(_key)]


async def recall(tx: Tx, account: str, key: Key | None, digest: str, now: int) -> Response | None:
    """What was answered to this key before. Raises a 422 problem where the body was another one."""
    if key is None:
        return None
    # Before keys were kept hashed they were kept as given: such a request is not done a second time.
    found = await idempotency.recall_many(tx, account, [key.kept, key.given], now - DAY)
    before = found.get(key.kept) or found.get(key.given)
    return None if before is None else answer_again(before, digest)


def answer_again(before: Remembered, digest: str) -> Response:
    """The answer that was given before. Raises a 422 problem where the body was another one."""
    if before.digest != digest:
        raise Problem(
            422,
            "idempotency-key-reused",
            "This Idempotency-Key was used in the last 24 hours with another body. Take a new key for a new request.",
        )
    return Response(before.body, before.status, {"Idempotent-Replayed": "true"}, "application/json")


async def remember(tx: Tx, account: str, key: Key | None, digest: str, body: Any, now: int) -> Response:
    """The answer 202 with this body, kept for the key if there is one."""
    text = msgspec.json.encode(body).decode()
    if key is not None:
        await idempotency.remember(tx, to_remember(account, key, digest, text, now))
    return Response(text, 202, media_type="application/json")


def to_remember(account: str, key: Key, digest: str, text: str, now: int) -> Remembered:
    """An answer 202 as it is kept for a key."""
    return Remembered(account_id=account, key=key.kept, digest=digest, status=202, body=text, created_at=now)


def digest_of(request: Request, parts: Services, body: bytes) -> str:
    """What tells a request from another one with the same key; not what was in it, to whoever lacks our key."""
    return digest_for(request.url.path, parts.seal, body)


def digest_for(path: str, seal: Seal, body: bytes) -> str:
    """The same for a request to this path."""
    with suppress(msgspec.MsgspecError, RecursionError):
        # Two spellings of one JSON value are one request.
        body = msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
    return seal.mark(path.encode() + b"\0" + body)
