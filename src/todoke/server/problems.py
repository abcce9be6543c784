"""Errors as RFC 9457 problem+json: what is wrong, where, and what to do about it."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todoke.actions.channels import Conflict
from todoke.actions.intake import NotFound
from todoke.actions.live import NotLive
from todoke.actions.reviewing import NotReady
from todoke.core.errors import InvalidParameters, TodokeError
from todoke.storage.database import UNUSABLE, StorageError, explain

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An error that a handler answers with. `kind` is a short stable name; clients branch on it."""

    def __init__(
        self, status: int, kind: str, detail: str, errors: Sequence[tuple[str, str]] = (), **headers: str
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = _sendable(detail)
        self.errors = [(_sendable(pointer), _sendable(message)) for pointer, message in errors]
        self.headers = {k.replace("_", "-"): v for k, v in headers.items()}


def _sendable(text: str) -> str:
    """The text without halves of characters, which JSON input can hold and no answer can."""
    return text.encode("utf-8", "replace").decode()


def problem_body(
    status: int, kind: str, detail: str, errors: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """The body of an error answer."""
    return {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"pointer": pointer, "message": message} for pointer, message in errors],
    }


def respond(problem: Problem) -> Response:
    """The answer for a problem."""
    body = problem_body(problem.status, problem.kind, problem.detail, problem.errors)
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def as_problem(error: TodokeError) -> Problem:
    """An error of the core or the actions, as HTTP says it."""
    if isinstance(error, InvalidParameters):
        return Problem(422, error.code, error.message, error.problems)
    if isinstance(error, NotReady):
        return Problem(409, error.code, error.message, error.problems)
    status = 404 if isinstance(error, NotFound) and error.pointer == "" else 422
    if isinstance(error, (Conflict, NotLive)):
        status = 409
    return Problem(
        status, error.code, error.message, [(error.pointer, error.message)] if error.pointer else []
    )


_WORDS = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field.",
    "string_type": "This must be a text.",
    "dict_type": "This must be an object.",
    "list_type": "This must be a list.",
    "int_type": "This must be a whole number.",
    "bool_type": "This must be true or false.",
    "model_attributes_type": "This must be an object.",
    "model_type": "This must be an object.",
}
_SOURCES = ("body", "query", "header", "path", "cookie")
_TRIED = frozenset({"str", "int", "dict[str,any]"})


def findings(errors: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What pydantic found, as pointers and words for whoever wrote the request."""
    found: dict[str, str] = {}
    for error in errors:
        place = [str(p) for p in error["loc"]]
        source = "" if not place or place[0] not in _SOURCES else place.pop(0)
        # Where a value may be of several types, pydantic adds the type that it tried last.
        path = "/".join(p for p in place if p not in _TRIED)
        pointer = f"/{path}" if source in ("", "body") else f"{source}: {path}"
        message = _WORDS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
        found.setdefault(pointer, message)
    return list(found.items())


def _from_validation(error: RequestValidationError) -> Problem:
    if isinstance(error.body, bytes):
        detail = "The body is not marked as JSON. Send the header Content-Type: application/json."
        return Problem(415, "unsupported-media-type", detail)
    for e in error.errors():
        if e["type"] == "json_invalid":
            where = e.get("ctx", {}).get("error", "")
            detail = f"The body is not JSON: {where} at character {e['loc'][-1]}."
            return Problem(400, "malformed-json", detail)
    errors = findings(error.errors())
    pointer, message = errors[0]
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    return Problem(422, "invalid", f"{pointer}: {message}{more}", errors)


def _from_http(request: Request, error: HTTPException) -> Problem:
    # What breaks off reading a body comes wrapped: too large, not UTF-8, nested too deep.
    match error.__cause__:
        case Problem() as cause:
            return cause
        case UnicodeDecodeError():
            return Problem(400, "malformed-json", "The body is not JSON: it is not in UTF-8.")
        case RecursionError():
            return Problem(
                400, "malformed-json", "The body is not JSON that can be read: it is nested too deep."
            )
        case ValueError():
            return Problem(
                400, "malformed-json", "The body is not JSON that can be read: a number is too long."
            )
    match error.status_code:
        case 404:
            return Problem(404, "not-found", "There is nothing at this address. See /docs.")
        case 405:
            allowed = ", ".join(_methods(request))
            detail = f"{request.method} is not possible here, only {allowed}. See /docs."
            return Problem(405, "method-not-allowed", detail, Allow=allowed)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return Problem(error.status_code, kind, str(error.detail))


def _methods(request: Request) -> list[str]:
    """What the address of a 405 takes. Each method has a route of its own, and the router names only one."""
    scope = dict(request.scope)
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(r.matches(scope | {"method": method})[0] is Match.FULL for r in request.app.router.routes)
    ]


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem+json without anything internal in it."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, error: Problem) -> Response:
        return respond(error)

    @app.exception_handler(TodokeError)
    async def on_todoke(_: Request, error: TodokeError) -> Response:
        return respond(as_problem(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        return respond(_from_validation(error))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return respond(_from_http(request, error))

    @app.exception_handler(StorageError)
    async def on_storage(_: Request, error: StorageError) -> Response:
        return respond(Problem(503, "storage", str(error)))

    @app.exception_handler(ClientDisconnect)
    async def on_gone(_: Request, __: ClientDisconnect) -> Response:
        # Whoever asked went away before the body was here: nobody reads this answer.
        return respond(Problem(400, "incomplete", "The connection ended before the body did."))


class Failures:
    """Answers whatever a handler failed at as a problem, and logs it.

    An exception handler for Exception would do so too, but then the server still sees the exception and ends
    the connection, on which the caller may have sent the next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            # The route, not the address: whoever called may have written anything into that.
            await failed(error, getattr(scope.get("route"), "path", None))(scope, receive, send)


def failed(error: BaseException, route: str | None) -> Response:
    """The answer where a handler failed, which is logged."""
    log.error("server.error", route=route, error=type(error).__name__, exc_info=error)
    if isinstance(error, UNUSABLE):
        return respond(Problem(503, "storage", f"{explain(error)} Nothing was half done; try again."))
    return respond(Problem(500, "internal", "Todoke failed at this. It is logged; nothing was half done."))
