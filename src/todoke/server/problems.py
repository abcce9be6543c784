"""Errors as RFC 9457 problem+json: what is wrong, where, and what to do about it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from todoke.actions.channels import Conflict
from todoke.actions.intake import NotFound
from todoke.core.errors import InvalidParameters, TodokeError
from todoke.storage.database import StorageError

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
        self.detail = detail
        self.errors = errors
        self.headers = {k.replace("_", "-"): v for k, v in headers.items()}


def problem_body(
    status: int, kind: str, detail: str, errors: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """The body of an error answer."""
    body: dict[str, Any] = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [{"pointer": pointer, "message": message} for pointer, message in errors]
    return body


def respond(problem: Problem) -> Response:
    """The answer for a problem."""
    body = problem_body(problem.status, problem.kind, problem.detail, problem.errors)
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def as_problem(error: TodokeError) -> Problem:
    """An error of the core or the actions, as HTTP says it."""
    if isinstance(error, InvalidParameters):
        return Problem(422, error.code, error.message, error.problems)
    status = 404 if isinstance(error, NotFound) and error.pointer == "" else 422
    if isinstance(error, Conflict):
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
    "json_invalid": "The body is not JSON.",
}


def _from_validation(error: RequestValidationError) -> Problem:
    errors = []
    for e in error.errors():
        kind, place = e["type"], [str(p) for p in e["loc"]]
        if kind == "json_invalid":
            where = e.get("ctx", {}).get("error", "")
            return Problem(400, "malformed-json", f"The body is not JSON: {where} at character {place[-1]}.")
        source, *path = place
        pointer = "/" + "/".join(path) if source == "body" else f"{source}: {'/'.join(path)}"
        message = _WORDS.get(kind) or str(e["msg"]).removeprefix("Value error, ")
        errors.append((pointer.rstrip("/") or "/", message))
    first = errors[0]
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    return Problem(422, "invalid", f"{first[0]}: {first[1]}{more}", errors)


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
        if error.status_code == 404:
            return respond(Problem(404, "not-found", "There is nothing at this address. See /docs."))
        if error.status_code == 405:
            return respond(
                Problem(405, "method-not-allowed", f"{request.method} is not possible here. See /docs.")
            )
        return respond(Problem(error.status_code, "http", str(error.detail)))

    @app.exception_handler(StorageError)
    async def on_storage(_: Request, error: StorageError) -> Response:
        return respond(Problem(503, "storage", str(error)))

    @app.exception_handler(Exception)
    async def on_anything(request: Request, error: Exception) -> Response:
        log.error("server.error", path=request.url.path, error=type(error).__name__, exc_info=error)
        return respond(
            Problem(500, "internal", "Todoke failed at this. It is logged; nothing was half done.")
        )
