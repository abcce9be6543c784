"""How much was sent: the month's quota and its use, counts by day, and the aggregation units of the month.

Source: Messaging API reference, "Get quota", "Get consumption", "Get number of sent …", "Get number of units used this
month". Which page size the list of units has is not documented here: 100, and at most 1,000 [choice].
"""

from __future__ import annotations

import re

from line_emulator.bot_api.counts import count, given
from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world.japan import month_of
from line_emulator.world.ledger import PUSH_PATH
from line_emulator.world.ordinary import MULTICAST_PATH, REPLY_PATH
from line_emulator.world.problems import Problem

PAGE, LONGEST_PAGE = 100, 1000
_BAD_LIMIT = Problem(400, "The value for the 'limit' parameter is invalid")
_BAD_START = Problem(400, "Invalid start param")


def limit(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/quota`."""
    quota = request.sender().monthly_quota
    return success({"type": "none"} if quota is None else {"type": "limited", "value": quota})


def consumption(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/quota/consumption`: of the current month in UTC+9."""
    month = month_of(state.clock.now())
    return success({"totalUsage": state.world.usage.by_month[request.sender().channel_id, month]})


def count_push(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/delivery/push?date=`."""
    return count(state, request, PUSH_PATH)


def count_multicast(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/delivery/multicast?date=`."""
    return count(state, request, MULTICAST_PATH)


def count_reply(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/delivery/reply?date=`."""
    return count(state, request, REPLY_PATH)


def units(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/aggregation/info`."""
    names = state.world.units.names(request.sender().channel_id, state.clock.now())
    return success({"numOfCustomAggregationUnits": len(names)})


def unit_names(state: State, request: Request) -> Answer:
    """`GET /v2/bot/message/aggregation/list?limit=&start=`."""
    most, start = given(request, "limit") or str(PAGE), given(request, "start") or "u0"
    if not re.fullmatch(r"[0-9]{1,6}", most, re.ASCII) or not 1 <= int(most) <= LONGEST_PAGE:
        return refusal(_BAD_LIMIT)
    if not re.fullmatch(r"u[0-9]{1,6}", start, re.ASCII):
        return refusal(_BAD_START)
    names = state.world.units.names(request.sender().channel_id, state.clock.now())
    begin, end = int(start[1:]), int(start[1:]) + int(most)
    answer: dict[str, object] = {"customAggregationUnits": names[begin:end]}
    if end < len(names):
        answer["next"] = f"u{end}"
    return success(answer)
