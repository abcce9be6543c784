"""The way of a request to LINE's side: faults, route, token, rate, body, handler, answer, log.

Order [choice], where several refusals would be due: 404/405, 401, 429, 415, 413, JSON, then what the
handler finds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from line_emulator.bot_api.http import (
    Answer,
    Receive,
    Request,
    Scope,
    Send,
    hang_up,
    pick_headers,
    read_body,
    refusal,
    respond,
)
from line_emulator.faults import API_KINDS, Fault
from line_emulator.state import State
from line_emulator.weblog import Answered
from line_emulator.world import problems
from line_emulator.world.channels import Channel
from line_emulator.world.problems import Problem

LOGGED_BYTES = 4096
LONGEST_TAG = 200
_decode = msgspec.json.Decoder().decode
_STATUS_TEXTS = {
    400: "Bad Request",
    401: "Authentication failed due to the following reason: fault on order",
    403: problems.NOT_AVAILABLE.message,
    404: problems.NOT_FOUND.message,
    422: problems.UNREACHABLE.message,
    429: problems.RATE_LIMITED.message,
}

Handler = Callable[[State, Request], Answer | Awaitable[Answer]]


class Route(msgspec.Struct, frozen=True):
    """One endpoint. `body`: "none", "json" (an object must come), "optional", or
    "open": no token is asked for and the handler reads the body itself. The rate is `capacity`
    in `seconds`.

    `capacity` None: the channel's own limit a second.
    """

    pattern: str
    handler: Handler
    body: str = "none"
    capacity: int | None = None
    seconds: float = 1.0


class LineApi:
    """LINE's paths. A route's path may have values: `/v2/bot/user/{userId}/linkToken`."""

    def __init__(self, state: State, routes: dict[tuple[str, str], Route]) -> None:
        self._state = state
        self._exact = {key: route for key, route in routes.items() if "{" not in key[1]}
        self._with_values = [
            (method, path.split("/"), route) for (method, path), route in routes.items() if "{" in path
        ]
        self._paths = {path for _, path in self._exact}

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, and never with anything but an answer or an ordered disconnection."""
        state = self._state
        headers = pick_headers(scope["headers"])
        try:
            body = await read_body(receive, headers[2])
        except ConnectionError:
            return
        # Only from here on it is being processed: a body that never ends must not hold up the clock.
        activity = state.activity
        started = time.monotonic()
        activity.begin()
        try:
            request = Request(
                scope["method"],
                scope["path"],
                scope["query_string"],
                headers,
                state.ids.request_no(),
                state.clock.now(),
                body or b"",
                body is None,
            )
            if state.faults.api:
                await self._serve_with_faults(request, send, started)
                return
            answer = await self._answer(request)
            self._note(request, answer, started)
            await respond(send, answer, state.ids.request_id(request.number))
        finally:
            activity.end()

    async def _serve_with_faults(self, request: Request, send: Send, started: float) -> None:
        state = self._state
        request_id = state.ids.request_id(request.number)
        struck = state.faults.strike(state.faults.api, API_KINDS, request.path)
        answer = await trouble_before(struck, send)
        if answer is None and "disconnect_before" not in struck:
            answer = trouble_after(struck, send, await self._answer(request))
        self._note(request, answer, started, ", ".join(struck) or None)
        if answer is not None:
            await respond(send, answer, request_id)

    def serve_at_once(
        self, path: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[Answer, str] | None:
        """The short way of a `POST` that is there in whole to a path of `AT_ONCE`: its answer and request ID, without
        a task and without waiting. None while faults are on order, for some of them wait.
        """
        state = self._state
        if state.faults.api:
            return None
        started = time.monotonic()
        state.activity.begin()
        try:
            found = pick_headers(headers)
            number = state.ids.request_no()
            request = Request("POST", path, b"", found, number, state.clock.now(), body, False)
            answer = self._decide(request)
            assert isinstance(answer, Answer), "only handlers that wait for nothing may stand in AT_ONCE"
            self._note(request, answer, started)
            return answer, state.ids.request_id(number)
        finally:
            state.activity.end()

    async def _answer(self, request: Request) -> Answer:
        try:
            answer = self._decide(request)
            return answer if isinstance(answer, Answer) else await answer
        except Exception:
            return _own_fault(request)

    def _decide(self, request: Request) -> Answer | Awaitable[Answer]:
        try:
            route = self._find(request)
            if isinstance(route, Answer):
                return route
            if route.body != "open":
                refused = self._admit(request, route)
                if refused is not None:
                    return refused
                if route.body != "none":
                    refused = _take_body(request, route)
                    if refused is not None:
                        return refused
            return route.handler(self._state, request)
        except Exception:
            return _own_fault(request)

    def _find(self, request: Request) -> Route | Answer:
        route = self._exact.get((request.method, request.path))
        if route is not None:
            return route
        known = request.path in self._paths
        if not known:
            parts = request.path.split("/")
            for method, pattern, route in self._with_values:
                values = _values(pattern, parts)
                if values is not None:
                    known = True
                    if method == request.method:
                        request.values = values
                        return route
        return refusal(Problem(405, "Method Not Allowed") if known else problems.NOT_FOUND)

    def _admit(self, request: Request, route: Route) -> Answer | None:
        channel = self._state.tokens.get(request.authorization or b"")
        if channel is None:
            channel = self._other_token(request.authorization)
        if channel is None:
            return refusal(problems.unauthorized(_reason(request.authorization)))
        request.channel = channel
        capacity = channel.rate_limit if route.capacity is None else route.capacity
        if not self._state.limits.take(channel.channel_id, route.pattern, capacity, route.seconds):
            return refusal(problems.RATE_LIMITED)
        return None

    def _other_token(self, header: bytes | None) -> Channel | None:
        # The scheme's name is case-insensitive (RFC 9110), which the table of whole headers can't know.
        scheme, _, token = (header or b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = token.strip()
        issued = self._state.world.tokens.find(token.decode("latin-1"), self._state.clock.now())
        if issued is not None:
            return issued.channel
        return self._state.tokens.get(b"Bearer " + token)

    def _note(
        self, request: Request, answer: Answer | None, started: float, fault: str | None = None
    ) -> None:
        body = answer.body if answer is not None else b""
        channel_id = request.channel.channel_id if request.channel is not None else None
        self._state.requests.append(
            Answered(
                request.number,
                request.at,
                request.method,
                request.path[:500],
                channel_id,
                answer.status if answer is not None else 0,
                request.body[:LOGGED_BYTES],
                body[:LOGGED_BYTES],
                len(request.body),
                len(body),
                tag[:LONGEST_TAG] if (tag := request.tag) else tag,
                (time.monotonic() - started) * 1000,
                fault,
            )
        )
        if self._state.counted is not None:
            self._state.counted(request.path)


def _own_fault(request: Request) -> Answer:
    """A fault of the emulator: logged with its trace, answered as LINE answers its own."""
    logging.getLogger(__name__).exception("request %s failed", request.number)
    return refusal(Problem(500, "Internal server error"))


def _values(pattern: list[str], parts: list[str]) -> tuple[str, ...] | None:
    """What stands in place of the pattern's `{…}`; None if the path is another."""
    if len(pattern) != len(parts):
        return None
    values = []
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted[:1] == "{":
            if not part:
                return None
            values.append(part)
        elif wanted != part:
            return None
    return tuple(values)


def _take_body(request: Request, route: Route) -> Answer | None:
    content_type = request.content_type
    needed = route.body == "json" or (request.body and content_type)
    if needed and content_type.partition(";")[0].strip().lower() != "application/json":
        return refusal(problems.unsupported_type(content_type or "null"))
    if request.too_large:
        # The rest is read and thrown away by the server: closing now would lose this answer on its way.
        return refusal(problems.BODY_TOO_LARGE)
    if not request.body and route.body == "optional":
        return None
    try:
        request.json = _decode(request.body)
    except (ValueError, RecursionError):
        return refusal(locate(request.body))
    return None if type(request.json) is dict else refusal(problems.not_json(1, 1))


def locate(body: bytes) -> Problem:
    """Where the JSON breaks, counted in lines and columns from 1."""
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        return problems.not_json(error.lineno, error.colno)
    except (ValueError, RecursionError):
        pass
    return problems.not_json(1, 1)


def _reason(header: bytes | None) -> str:
    if header is None:
        return "missing authorization header"
    if header[:7].lower() != b"bearer ":
        return "invalid authorization header"
    return "invalid token. Confirm that the access token in the authorization header is valid."


async def trouble_before(struck: dict[str, Fault], send: Send) -> Answer | None:
    """The faults that strike before LINE takes a request; an answer if there is to be one."""
    if "latency" in struck:
        await asyncio.sleep((struck["latency"].ms or 0) / 1000)
    if "disconnect_before" in struck:
        hang_up(send)
        return None
    return _ordered(struck["status_before"]) if "status_before" in struck else None


def trouble_after(struck: dict[str, Fault], send: Send, answer: Answer) -> Answer | None:
    """The faults that strike after LINE took a request; None if the connection was broken."""
    if "disconnect_after" in struck:
        hang_up(send)
        return None
    return _ordered(struck["status_after"]) if "status_after" in struck else answer


def _ordered(fault: Fault) -> Answer:
    status = fault.status or 500
    return refusal(Problem(status, _STATUS_TEXTS.get(status, "Internal server error")))
