"""The plan of a batch as people give it, and as the batch keeps it."""

from collections.abc import Callable, Mapping
from typing import Any

from todoke.core.release import parse_hours, parse_percent, parse_rate, parse_starts_at

FIELDS = ("starts_at", "rate", "percent_an_hour", "hours")


def columns_of(given: Mapping[str, Any], now: int, starts_at: int | None = None) -> dict[str, Any]:
    """The batch's columns for what is given of a plan; None takes a part of it away. Raises InvalidPlan.

    `starts_at`: the batch's own start, which may be given again when it has long passed.
    """
    parsers: dict[str, Callable[[Any], Any]] = {
        "starts_at": lambda x: parse_starts_at(x, now, already=starts_at),
        "rate": parse_rate,
        "percent_an_hour": parse_percent,
        "hours": lambda x: str(parse_hours(x)),
    }
    return {
        name: None if given[name] is None else parsers[name](given[name]) for name in FIELDS if name in given
    }
