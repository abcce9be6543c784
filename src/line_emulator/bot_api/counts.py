"""Numbers of messages by day, and the dates that ask for them.

Source: Messaging API reference, "Get number of sent push messages" and its sisters; LINE notification messages
reference, "Get number of sent".
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qs

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world import problems
from line_emulator.world.japan import day_of

FIRST_DAY = date(2018, 3, 31)
_EPOCH = date(1970, 1, 1)


def given(request: Request, name: str) -> str | None:
    """A parameter of the query, the first of several; None if it is not there, or empty."""
    return parse_qs(request.query.decode("latin-1")).get(name, [None])[0]


def date_of(text: str | None) -> date | None:
    """The day of a date in the form yyyyMMdd; None if it is none."""
    if text is None or len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def number_of(day: date) -> int:
    """A day as days since the epoch, as the world counts them."""
    return (day - _EPOCH).days


def count(state: State, request: Request, path: str) -> Answer:
    """Messages shown on a day in UTC+9: ready once that day is over, out of service before 31 March 2018."""
    day = date_of(given(request, "date"))
    if day is None:
        return refusal(problems.BAD_DATE)
    if day < FIRST_DAY:
        return success({"status": "out_of_service"})
    if number_of(day) >= day_of(state.clock.now()):
        return success({"status": "unready"})
    channel = request.sender()
    shown = state.world.counts[channel.channel_id, path, number_of(day)]
    if shown < channel.privacy_floor:
        return success({"status": "unavailable_for_privacy"})
    return success({"status": "ready", "success": shown})
