"""LINE notification messages: the two sends and the two counts.

Source: LINE notification messages reference, "Send" and "Get number of sent".
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qs

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world import commands, problems
from line_emulator.world.ledger import FLEXIBLE_PATH, TEMPLATE_PATH
from line_emulator.world.notifications import JAPAN_OFFSET
from line_emulator.world.people import DAY
from line_emulator.world.problems import Problem

FIRST_DAY = date(2018, 3, 31)
_ACCEPTED = Answer(202)
_DONE = Answer(200)
_NO_RETRY = problems.header_not_supported("X-Line-Retry-Key")
_EPOCH = date(1970, 1, 1)


def send_template(state: State, request: Request) -> Answer:
    """`POST /v2/bot/message/pnp/templated/push`: 202 `{}`."""
    channel = request.sender()
    if request.headers[4] is not None and channel.may_send_templates():
        return refusal(_NO_RETRY)
    effects = state.do(
        commands.SendTemplate(channel, request.json, request.body, request.tag, request.number)
    )
    return _ACCEPTED if effects.problem is None else refusal(effects.problem)


def send_flexible(state: State, request: Request) -> Answer:
    """`POST /bot/pnp/push`: 200 `{}`."""
    channel = request.sender()
    if request.headers[4] is not None and channel.may_send_flexible():
        return refusal(_NO_RETRY)
    effects = state.do(
        commands.SendFlexible(channel, request.json, request.body, request.tag, request.number)
    )
    return _DONE if effects.problem is None else refusal(effects.problem)


def count_templates(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/delivery/pnp/templated?date=`."""
    return count(state, request, TEMPLATE_PATH)


def count_flexible(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/delivery/pnp?date=`."""
    return count(state, request, FLEXIBLE_PATH)


def count(state: State, request: Request, path: str) -> Answer:
    """Messages shown on a day in UTC+9: ready once that day is over, out of service before 31 March 2018."""
    day = _date(request.query)
    if isinstance(day, Problem):
        return refusal(day)
    if day < FIRST_DAY:
        return success({"status": "out_of_service"})
    today = (state.clock.now() + JAPAN_OFFSET) // DAY
    number = (day - _EPOCH).days
    if number >= today:
        return success({"status": "unready"})
    channel = request.sender()
    shown = state.world.counts[channel.channel_id, path, number]
    if shown < channel.privacy_floor:
        return success({"status": "unavailable_for_privacy"})
    return success({"status": "ready", "success": shown})


def _date(query: bytes) -> date | Problem:
    values = parse_qs(query.decode("latin-1")).get("date", [])
    text = values[0] if values else ""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return problems.BAD_DATE
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return problems.BAD_DATE
