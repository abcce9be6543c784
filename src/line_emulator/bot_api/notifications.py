"""LINE notification messages: the two sends and the two counts.

Source: LINE notification messages reference, "Send" and "Get number of sent".
"""

from __future__ import annotations

from line_emulator.bot_api.counts import count
from line_emulator.bot_api.http import Answer, Request, refusal
from line_emulator.state import State
from line_emulator.world import commands, problems
from line_emulator.world.ledger import FLEXIBLE_PATH, TEMPLATE_PATH

_ACCEPTED = Answer(202)
_DONE = Answer(200)
_NO_RETRY = problems.header_not_supported("X-Line-Retry-Key")


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
