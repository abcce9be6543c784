"""`POST /v1/notices` past FastAPI's routing, dependencies and models, which cost several times what the notice does.

Only what is usual goes this way: a small body of JSON with a notice in it, from a caller who has been here before.
Everything else goes the long way, which says what is wrong with it; the answers are the same (a test holds the two
together).
"""

from typing import Annotated, Any

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todoke.actions.intake import Wanted
from todoke.core.errors import TodokeError
from todoke.server.idempotent import answer_again, digest_for, key_of
from todoke.server.notice_writer import Asked, Stranger, Taken
from todoke.server.problems import Problem, as_problem, respond
from todoke.server.services import Services

PATH = "/v1/notices"
MOST_BYTES = 4000
"""Of a body. Longer values take longer to check, and the others of the transaction would wait for them."""
_JSON = (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
_BEARER = b"Bearer "
_TAKEN = "http.response.start", 202, (b"content-type", b"application/json")

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


class Headers:
    """Those that count, of a request that may go the quick way."""

    __slots__ = ("api_key", "key")

    def __init__(self, api_key: str, key: str | None) -> None:
        self.api_key = api_key
        self.key = key


def read_headers(headers: list[tuple[bytes, bytes]]) -> Headers | None:
    """None where anything about them is unusual."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in (b"authorization", b"content-type", b"content-length", b"idempotency-key"):
            if name in found:
                return None
            found[name] = value
        elif name == b"transfer-encoding":
            return None
    length, authorization = found.get(b"content-length", b""), found.get(b"authorization", b"")
    if not length.isdigit() or len(length) > 9 or int(length) > MOST_BYTES:
        return None
    if found.get(b"content-type", b"").lower() not in _JSON or not authorization.startswith(_BEARER):
        return None
    api_key = authorization.removeprefix(_BEARER)
    if not api_key.isascii() or b" " in api_key:
        return None
    key = found.get(b"idempotency-key")
    if key is not None and not 1 <= len(key) <= 255:
        return None
    return Headers(api_key.decode(), None if key is None else key.decode("latin-1"))


class QuickNotices:
    """Answers what is usual; hands all other requests to the application."""

    def __init__(self, app: ASGIApp, parts: Services) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH or scope["method"] != "POST" or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        if headers is None or not self._parts.known.has_met(headers.api_key):
            await self._app(scope, receive, send)
            return
        messages = [await receive()]
        while messages[-1].get("more_body") and sum(len(x.get("body", b"")) for x in messages) <= MOST_BYTES:
            messages.append(await receive())
        last = messages[-1]
        body = b"".join(x.get("body", b"") for x in messages)
        if (
            last["type"] != "http.request"
            or last.get("more_body")
            or (asked := self._read(headers, body)) is None
        ):
            await self._app(scope, _again(messages, receive), send)
            return
        try:
            taken = await self._parts.notices.put(asked)
            response = self._response(taken, asked)
        except Stranger:
            await self._app(scope, _again(messages, receive), send)
            return
        except TodokeError as error:
            response = respond(as_problem(error))
        except Problem as problem:
            response = respond(problem)
        if response is not None:
            await response(scope, receive, send)
            return
        length = (b"content-length", b"%d" % len(taken.body))
        await send({"type": _TAKEN[0], "status": _TAKEN[1], "headers": [length, _TAKEN[2]]})
        await send({"type": "http.response.body", "body": taken.body})

    def _read(self, headers: Headers, body: bytes) -> Asked | None:
        """What is asked for; None where the long way has to tell what is wrong with it."""
        try:
            notice = _decode(body)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return None
        key, seal = headers.key, self._parts.seal
        return Asked(
            headers.api_key,
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
            "" if key is None else digest_for(PATH, seal, body),
        )

    def _response(self, taken: Taken, asked: Asked) -> Response | None:
        """None: the usual answer."""
        return None if taken.before is None else answer_again(taken.before, asked.digest)


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was received already, and then what comes."""
    rest = iter(messages)

    async def replayed() -> Message:
        for message in rest:
            return message
        return await receive()

    return replayed
