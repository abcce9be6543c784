"""`POST /v1/notices` past ASGI and FastAPI's routing, dependencies and models, which cost several times what the notice
does.

Only what is usual goes this way: a small body of JSON with a notice in it, from a caller who has been here before.
Everything else goes the long way, which says what is wrong with it; the answers are the same (a test holds the two
together).
"""

import asyncio
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from todoke.actions.intake import Wanted
from todoke.core.errors import TodokeError
from todoke.server.auth import wrong_key
from todoke.server.connections import Answer, Entry, Headers, answer_with, head_of, length_of
from todoke.server.idempotent import answer_again, digest_for, key_of
from todoke.server.notice_writer import Asked, Stranger, Taken
from todoke.server.problems import Problem, as_problem, failed, respond
from todoke.server.services import Services

PATH = b"/v1/notices"
MOST_BYTES = 4000
"""Of a body. Longer values take longer to check, and the others of the transaction would wait for them."""
_JSON = (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
_BEARER = b"Bearer "
_HEAD = head_of(202, [(b"content-length", b"%d"), (b"content-type", b"application/json")])
"""With a place for the length."""

Short = Annotated[str, msgspec.Meta(max_length=100)]
Shorter = Annotated[str, msgspec.Meta(max_length=40)]


class QuickNotice(msgspec.Struct, forbid_unknown_fields=True):
    """`api.models.NoticeIn`: whatever this takes, that takes too, and finds the same in it."""

    channel: Short
    template: Short
    to: str | int
    parameters: dict[str, Any] = {}
    policy: Short | dict[str, Any] | None = None
    reference: Short | None = None
    deadline: Shorter | None = None
    language: Shorter | None = None
    event_at: Shorter | None = None
    source: Short | None = None


_decode = msgspec.json.Decoder(QuickNotice).decode


class Caller:
    """What counts of a request's head."""

    __slots__ = ("api_key", "key")

    def __init__(self, api_key: str, key: str | None) -> None:
        self.api_key = api_key
        self.key = key


def read_headers(headers: Headers) -> Caller | None:
    """None where anything about them is unusual."""
    found = dict(headers)
    length = length_of(found)
    if length is None or length > MOST_BYTES or len(found) < len(headers):
        return None
    authorization = found.get(b"authorization", b"")
    if found.get(b"content-type", b"").lower() not in _JSON or not authorization.startswith(_BEARER):
        return None
    api_key = authorization.removeprefix(_BEARER)
    if not api_key.isascii() or b" " in api_key:
        return None
    key = found.get(b"idempotency-key")
    if key is not None and not 1 <= len(key) <= 255:
        return None
    return Caller(api_key.decode(), None if key is None else key.decode("latin-1"))


class QuickNotices:
    """The door for them."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def __call__(self, headers: Headers) -> Entry | None:
        caller = read_headers(headers)
        if caller is None or not self._parts.known.has_met(caller.api_key):
            return None
        return _Notice(self._parts, caller)


class _Notice:
    """One request for a notice."""

    __slots__ = ("_caller", "_digest", "_parts")

    def __init__(self, parts: Services, caller: Caller) -> None:
        self._parts = parts
        self._caller = caller
        self._digest = ""

    def ask(self, body: bytes) -> asyncio.Future[Taken] | None:
        """None where the long way has to tell what is wrong with it."""
        try:
            notice = _decode(body)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return None
        key, seal = self._caller.key, self._parts.seal
        if key is not None:
            self._digest = digest_for(PATH.decode(), seal, body)
        return self._parts.notices.put(
            Asked(
                self._caller.api_key,
                (notice.channel, notice.template, notice.source),
                notice.policy,
                Wanted(
                    to=str(notice.to),
                    parameters=notice.parameters,
                    reference=notice.reference,
                    deadline=notice.deadline,
                    language=notice.language,
                    event_at=notice.event_at,
                ),
                None if key is None else key_of(key, seal),
                self._digest,
            )
        )

    def answer(self, done: asyncio.Future[Taken]) -> Answer:
        try:
            taken = done.result()
            if taken.before is not None:
                return answer_with(answer_again(taken.before, self._digest))
        except BaseException as error:
            return answer_with(self._refusal(error))
        return Answer(_HEAD % len(taken.body), taken.body)

    def _refusal(self, error: BaseException) -> Response:
        match error:
            case Stranger():
                return respond(wrong_key())
            case TodokeError():
                return respond(as_problem(error))
            case Problem():
                return respond(error)
        return failed(error, PATH.decode())
