"""Scenarios: played, shown, ended."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from line_emulator.control.http import Refused, answer, number_of, raw_body
from line_emulator.scenarios.director import MOST_PLAYING, Director, Play, TooMany, view
from line_emulator.scenarios.script import LARGEST, BadScenario, read


def _director(request: Request) -> Director:
    director: Director = request.app.state.director
    return director


def _find(request: Request) -> Play:
    number = number_of(request, "number")
    play = _director(request).plays.get(number)
    if play is None:
        raise Refused(404, f"There is no scenario {number}; GET /scenarios lists them")
    return play


async def create(request: Request) -> Response:
    """`POST /scenarios`: the body is the scenario, as YAML or JSON; it begins now."""
    text = await raw_body(request)
    if len(text) > LARGEST:
        raise Refused(413, f"A scenario may have {LARGEST // 1024} kB at most")
    try:
        # YAML takes seconds for the largest files: others are served meanwhile.
        scenario = await asyncio.to_thread(read, text)
        play = _director(request).play(text, scenario)
    except BadScenario as error:
        raise Refused(400, str(error)) from None
    except TooMany:
        busy = f"{MOST_PLAYING} scenarios are being played; end one with DELETE /scenarios/{{id}}"
        raise Refused(400, busy) from None
    return answer(view(play))


async def listing(request: Request) -> Response:
    """`GET /scenarios`."""
    return answer({"scenarios": [view(play) for play in _director(request).plays.values()]})


async def show(request: Request) -> Response:
    """`GET /scenarios/{id}`: each step, whether it was done and when, and what went wrong."""
    return answer(view(_find(request)))


async def remove(request: Request) -> Response:
    """`DELETE /scenarios`, or one with `/scenarios/{id}`: what is still to come does not; what lasts is put back."""
    director = _director(request)
    numbers = [_find(request).id] if "number" in request.path_params else list(director.plays)
    return answer({"removed": sum(director.drop(number) for number in numbers)})
