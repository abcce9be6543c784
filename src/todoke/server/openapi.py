"""The OpenAPI document: FastAPI's, with the errors as they truly come, all problem+json."""

from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from todoke.server.connections import Door
from todoke.server.problems import MEDIA_TYPE

PROBLEM = "Problem"
PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": "invalid-number",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "02•••78 is not a mobile number: LINE and SMS need one",
    "errors": [{"pointer": "/to", "message": "02•••78 is not a mobile number: LINE and SMS need one"}],
}
_TEXT = {"type": "string"}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "An error (RFC 9457). Branch on `type` and `status`; texts may change.",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "description": "A short stable name."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do about it."},
        "errors": {
            "type": "array",
            "description": "Where it is wrong; empty where no one place is at fault.",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {"pointer": _TEXT, "message": _TEXT},
            },
        },
    },
    "example": PROBLEM_EXAMPLE,
}
_OF_BODIES = {
    "400": "The body can't be read: no JSON, or cut off.",
    "413": "The body is too large.",
    "415": "The body is of another content type.",
}
_ALWAYS = {
    "500": "Todoke failed. It is logged.",
    "503": "The database can't be used just now, or too many wait (`overloaded`): try again.",
}
_NO_DATABASE = ("/healthz", "/metrics")


def problem_response(description: str) -> dict[str, Any]:
    """An error answer of an operation."""
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}},
    }


class DocumentedApp(FastAPI):
    """A FastAPI that documents the errors that its handlers make of all failures."""

    door: Door | None = None
    """The short way for what load is made of, where `connections.Connection` serves this."""
    front: ASGIApp | None = None
    """Answers before anything of this application is run; it hands on what is not for it to `past_front`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.front is not None and scope["type"] == "http":
            await self.front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def past_front(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)

    def take(self, router: APIRouter) -> None:
        """Serves a router's routes as they are. `include_router` would build each anew, at the first request, and
        look for the route of every request twice.
        """
        self.router.routes.extend(router.routes)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi())
        return self.openapi_schema


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas[PROBLEM] = _SCHEMA
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(operation, {} if path in _NO_DATABASE else _ALWAYS)
    return document


def _complete(operation: dict[str, Any], always: dict[str, str]) -> None:
    responses = operation["responses"]
    # FastAPI promises its own 422 wherever there is a parameter, even one that takes any text.
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]
    expected = always | (_OF_BODIES if "requestBody" in operation else {})
    for status, description in expected.items():
        responses.setdefault(status, problem_response(description))
    operation["responses"] = dict(sorted(responses.items()))
