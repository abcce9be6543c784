"""Refuses bodies that are too large before they fill the memory."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todoke.server.problems import Problem, respond

JSON_LIMIT = 1_000_000
LIMITS = (
    ("/v1/notices/batch", 20_000_000),
    ("/v1/batches", 2_000_000_000),
    ("/v1/uploads", 10_000_000_000),
    ("/v1/suppressions/import", 20_000_000),
    ("/line/", 2_000_000),
    ("/sms/", 1_000_000),
    ("/b/", 8_000),
    ("/u/", 8_000),
)


ATTACHMENT = 10_100_000
"""A file of 10 MB and the form around it."""


def limit_of(path: str) -> int:
    """The most bytes that a body to this path may have."""
    if path.startswith("/v1/use-cases/") and path.endswith("/attachments"):
        return ATTACHMENT
    return next((limit for prefix, limit in LIMITS if path.startswith(prefix)), JSON_LIMIT)


class BodyLimit:
    """Answers 413 by the announced length, or as soon as more has come than allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = limit_of(scope["path"])
        announced = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if announced.isdigit() and int(announced) > limit:
            await respond(_too_large(limit))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, counted, send)


def _too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"The body is larger than {limit:,} bytes, the most that is taken here.")
