"""Refuses bodies that are too large before they fill the memory."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todoke.server.problems import Problem, respond

JSON_LIMIT = 1_000_000
LIMITS = (
    ("/v1/notices/batch", 20_000_000),
    ("/v1/batches", 2_000_000_000),
    ("/line/", 2_000_000),
    ("/sms/", 1_000_000),
)


def limit_of(path: str) -> int:
    """The most bytes that a body to this path may have."""
    return next((limit for prefix, limit in LIMITS if path.startswith(prefix)), JSON_LIMIT)


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Answers 413 by the announced length, or as soon as more has come than allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = limit_of(scope["path"])
        refusal = respond(
            Problem(
                413, "too-large", f"The body is larger than {limit:,} bytes, the most for {scope['path']}."
            )
        )
        announced = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if announced.isdigit() and int(announced) > limit:
            await refusal(scope, receive, send)
            return
        seen, begun = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except _TooLarge:
            if not begun:
                await refusal(scope, receive, send)
