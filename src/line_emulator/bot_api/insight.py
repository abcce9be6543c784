"""Statistics: messages by kind, friends, aggregation units.

Source: Messaging API reference, "Insight". Of what users do with a message the emulator knows only that it was shown:
clicks are none, and what was played is null, as LINE has it for numbers that it withholds.
"""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Any

from line_emulator.bot_api.counts import date_of, given, number_of
from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world import problems
from line_emulator.world.friend_book import Numbers
from line_emulator.world.japan import day_of
from line_emulator.world.ledger import FLEXIBLE_PATH, PUSH_PATH, TEMPLATE_PATH
from line_emulator.world.ordinary import MULTICAST_PATH, REPLY_PATH
from line_emulator.world.problems import Problem

FIRST_DELIVERIES, FIRST_FOLLOWERS = date(2017, 3, 1), date(2016, 11, 1)
LONGEST_PERIOD = 30
CHUNK = 2000
_DATE_MISSING = Problem(400, "date is required")
_UNIT = re.compile(r"[A-Za-z0-9_]{1,30}", re.ASCII)
_KINDS = {
    "apiPush": (PUSH_PATH,),
    "apiMulticast": (MULTICAST_PATH,),
    "apiReply": (REPLY_PATH,),
    "pnpNoticeMessage": (TEMPLATE_PATH, FLEXIBLE_PATH),
}
_MEDIA = tuple(f"mediaPlayed{part}" for part in ("", "25Percent", "50Percent", "75Percent", "100Percent"))


def deliveries(state: State, request: Request) -> Answer:
    """`GET /v2/bot/insight/message/delivery?date=`: the kinds that this emulator can send, by number of messages."""
    day = date_of(given(request, "date"))
    if day is None:
        return refusal(problems.BAD_REQUEST)
    status = _status(state, day, FIRST_DELIVERIES)
    if status != "ready":
        return success({"status": status})
    channel_id, counts = request.sender().channel_id, state.world.counts
    sums = {
        kind: sum(counts[channel_id, path, number_of(day)] for path in paths)
        for kind, paths in _KINDS.items()
    }
    return success({"status": status, **sums})


async def followers(state: State, request: Request) -> Answer:
    """`GET /v2/bot/insight/followers?date=`: as at the end of that day."""
    text = given(request, "date")
    if text is None:
        return refusal(_DATE_MISSING)
    day = date_of(text)
    if day is None:
        return refusal(problems.BAD_REQUEST)
    status = _status(state, day, FIRST_FOLLOWERS)
    if status != "ready":
        return success({"status": status})
    found = await _numbers(state, request.sender().channel_id, number_of(day))
    return success(
        {
            "status": status,
            "followers": found.followers,
            "targetedReaches": found.reach,
            "blocks": found.blocks,
        }
    )


async def _numbers(state: State, channel_id: str, day: int) -> Numbers:
    world = state.world
    found = world.friends.at_end_of(day, channel_id)
    for place, population in enumerate(list(world.people.populations)):
        if population.channel_id not in (None, channel_id) or day_of(population.created_at) > day:
            continue
        # A million people take seconds to count: others are served in between.
        for _ in range(0, population.count, CHUNK):
            if world.friends.count(place, population, CHUNK) is not None:
                break
            await asyncio.sleep(0)
        found = found.plus(world.friends.count(place, population, population.count) or Numbers())
    return found


def _status(state: State, day: date, first: date) -> str:
    if day < first:
        return "out_of_service"
    return "unready" if number_of(day) >= day_of(state.clock.now()) else "ready"


def unit(state: State, request: Request) -> Answer:
    """`GET /v2/bot/insight/message/event/aggregation?customAggregationUnit=&from=&to=`: up to 30 days apart."""
    name = given(request, "customAggregationUnit")
    first, last = date_of(given(request, "from")), date_of(given(request, "to"))
    if name is None or not _UNIT.fullmatch(name) or first is None or last is None:
        return refusal(problems.BAD_REQUEST)
    if not 0 <= number_of(last) - number_of(first) <= LONGEST_PERIOD:
        return refusal(problems.BAD_REQUEST)
    channel = request.sender()
    bubbles, users = state.world.units.sum(channel.channel_id, name, number_of(first), number_of(last))
    private = users < channel.privacy_floor
    messages = [_bubble(place + 1, None if private else count) for place, count in enumerate(bubbles)]
    overview = {
        "uniqueImpression": None if private else users,
        "uniqueClick": None,
        "uniqueMediaPlayed": None,
        "uniqueMediaPlayed100Percent": None,
    }
    return success({"overview": overview, "messages": messages, "clicks": []})


def _bubble(seq: int, impression: int | None) -> dict[str, Any]:
    unknown = dict.fromkeys(_MEDIA) | {f"unique{name[0].upper()}{name[1:]}": None for name in _MEDIA}
    return {"seq": seq, "impression": impression, "uniqueImpression": None, **unknown}
