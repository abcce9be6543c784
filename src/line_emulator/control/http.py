"""Bodies in, JSON out, for the control API; every refusal names the value and the remedy in `message`."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from line_emulator import times
from line_emulator.control import wording
from line_emulator.state import State
from line_emulator.world.problems import Problem

T = TypeVar("T")
BODY_LIMIT = 16 * 1024 * 1024


class Refused(Exception):
    """A control call that can't be done: status and text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def state_of(request: Request) -> State:
    """The running emulator."""
    state: State = request.app.state.emulator
    return state


async def raw_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The body as it came. Raises Refused (413)."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise Refused(413, f"The body of this call may have {limit // 2**20} MB at most")
    return bytes(body)


async def read(request: Request, kind: type[T], needs: tuple[str, ...] = ()) -> T:
    """The body as `kind`. `needs`: what it must have besides what `kind` requires. Raises Refused (400) with the
    place of the fault.
    """
    body = await raw_body(request)
    if not body.strip():
        names = [*wording.required(kind), *needs]
        if names:
            raise Refused(400, f"The body is empty; send JSON such as {wording.sample(names)}")
        body = b"{}"
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise Refused(400, "The body is nested too deeply") from None
    except ValueError as error:
        raise Refused(400, fault_of(body, error, kind)) from None


def fault_of(body: bytes, error: ValueError, kind: Any) -> str:
    """What msgspec found wrong with this body, in words."""
    if not isinstance(error, msgspec.ValidationError):
        return wording.malformed(body, str(error).removeprefix("JSON is malformed: "))
    try:
        data = msgspec.json.decode(body)
    except (ValueError, RecursionError) as broken:
        # What is wrong further on, beyond the field that was complained of.
        return wording.malformed(body, str(broken).removeprefix("JSON is malformed: "))
    return f"The body is not as this call takes it: {wording.explain(str(error), data, kind)}"


def known_parameters(request: Request, *known: str) -> None:
    """Raises Refused (400) if the query has others."""
    for name in request.query_params:
        if name not in known:
            raise Refused(400, f"There is no parameter `{name[:50]}`: {wording.nearest(name, known)}")


def answer(value: Any, status: int = 200) -> Response:
    """This value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def unknown(request: Request, error: Exception) -> Response:
    """What Starlette refuses (an unknown path, a wrong method), in the control API's form."""
    assert isinstance(error, HTTPException)
    text = f"{error.detail}: {request.method} {request.url.path}; GET /_emulator/v1 lists what there is"
    return answer({"message": text}, error.status_code)


async def refused(request: Request, error: Exception) -> Response:
    """A `Refused` as an answer."""
    assert isinstance(error, Refused)
    return answer({"message": error.message}, error.status)


def check(problem: Problem | None) -> None:
    """Turns the world's refusal into one of the control API."""
    if problem is not None:
        raise Refused(problem.status, problem.message)


def moment(text: str, name: str) -> int:
    """A time of the body, in ms."""
    try:
        return times.parse(text)
    except ValueError as error:
        raise Refused(400, f"{name}: {error}") from None


def whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15 or not least <= int(text) <= most:
        raise Refused(400, f"{name} is {text!r}; it must be a whole number from {least} to {most}")
    return int(text)


def number_of(request: Request, name: str) -> int:
    """A number in the path. Raises Refused (404) where it can't be that of anything."""
    text: str = request.path_params[name]
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Refused(404, f"There is no {text[:50]!r}: the number of one is looked for")
    return int(text)


def cursor(request: Request) -> int:
    """Where a list goes on."""
    text = request.query_params.get("cursor")
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Refused(400, f"cursor is {text!r}; take the value of next from the page before")
    return int(text)
