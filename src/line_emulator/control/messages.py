"""Message objects checked as LINE would, without sending them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from line_emulator.control.http import answer, read
from line_emulator.world import messages
from line_emulator.world.limits import Faults, WrongType
from line_emulator.world.problems import Problem, body_errors

_ALLOWED = {"push": messages.PUSH_TYPES, "flexible": messages.FLEXIBLE_TYPES}


class CheckBody(msgspec.Struct, forbid_unknown_fields=True):
    """What `POST /messages/check` takes: message objects, and what they would be sent as."""

    messages: Any
    kind: Literal["push", "flexible"] = "push"


async def check(request: Request) -> Response:
    """`POST /messages/check`: `{"problem": null}`, or the answer that sending these messages would get."""
    body = await read(request, CheckBody)
    found = _problem(body)
    if found is None:
        return answer({"problem": None})
    told: dict[str, Any] = {"status": found.status, **msgspec.json.decode(found.body())}
    return answer({"problem": told})


def _problem(body: CheckBody) -> Problem | None:
    faults: Faults = []
    try:
        messages.check({"messages": body.messages}, _ALLOWED[body.kind], faults)
    except WrongType as wrong:
        return wrong.problem()
    return body_errors(faults) if faults else None
