"""The counts as LINE would bill them: messages shown to users, by day in UTC+9, kind and channel.

Source: LINE notification messages, "Get number of sent" and the price pages: only messages actually sent to the
user are counted and billed, monthly by LINE's own count. A message shown after midnight counts for that day
[choice].
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from line_emulator.control.http import Refused, answer, known_parameters, state_of
from line_emulator.state import State
from line_emulator.world.japan import OFFSET
from line_emulator.world.ledger import FLEXIBLE_PATH, TEMPLATE_PATH
from line_emulator.world.people import DAY

KINDS = ("template", "flexible", "push")
_NAMES = {TEMPLATE_PATH: "template", FLEXIBLE_PATH: "flexible"}
_EPOCH = date(1970, 1, 1)
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)


def kind_of(path: str) -> str:
    """The kind of message that a path sends: template, flexible, push, reply, multicast …"""
    return _NAMES.get(path) or path.rsplit("/", 1)[-1]


async def billing(request: Request) -> Response:
    """`GET /billing?channel_id=&month=`: by channel and day, with sums; the month (`2026-08`) in UTC+9, by
    default the present one.
    """
    state = state_of(request)
    known_parameters(request, "channel_id", "month")
    state.tick()
    month = request.query_params.get("month") or present_month(state)
    if not well_formed(month):
        raise Refused(400, f"month is {month[:50]!r}; write it like 2026-08")
    return answer(bill(state, month, request.query_params.get("channel_id") or None))


def well_formed(month: str) -> bool:
    """Whether it is written like `2026-08`."""
    return _MONTH.fullmatch(month) is not None


def present_month(state: State) -> str:
    """The month that it is in UTC+9."""
    return day_of((state.clock.now() + OFFSET) // DAY)[:7]


def day_of(number: int) -> str:
    """Days since the epoch as `2026-08-07`."""
    return (_EPOCH + timedelta(days=number)).isoformat()


def bill(state: State, month: str, channel_id: str | None) -> dict[str, Any]:
    """What was shown in a month, and in which months anything was."""
    by_channel: dict[str, dict[str, Counter[str]]] = {}
    months: set[str] = set()
    for (channel, path, number), count in list(state.world.counts.items()):
        day = day_of(number)
        if not count or channel_id not in (None, channel):
            continue
        months.add(day[:7])
        if day[:7] == month:
            by_channel.setdefault(channel, {}).setdefault(day, Counter())[kind_of(path)] += count
    channels = [_channel(state, channel, days) for channel, days in sorted(by_channel.items())]
    total: Counter[str] = Counter()
    for entry in channels:
        total.update(entry["total"])
    return {
        "month": month,
        "time_zone": "UTC+9",
        "months": sorted(months),
        "channels": channels,
        "total": _sums(total),
    }


def _channel(state: State, channel_id: str, days: dict[str, Counter[str]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for counts in days.values():
        total.update(counts)
    known = state.world.channels.get(channel_id)
    return {
        "channel_id": channel_id,
        "name": known.name if known is not None else None,
        "days": [{"date": day, **_sums(counts)} for day, counts in sorted(days.items())],
        "total": _sums(total),
    }


def _sums(counts: Counter[str]) -> dict[str, int]:
    """Every kind, those without any too, and `notifications`: template and flexible, which are billed as such."""
    kinds = {
        kind: counts.get(kind, 0)
        for kind in (*KINDS, *sorted(set(counts) - {*KINDS, "notifications", "all"}))
    }
    notifications = kinds["template"] + kinds["flexible"]
    return {**kinds, "notifications": notifications, "all": sum(kinds.values())}
