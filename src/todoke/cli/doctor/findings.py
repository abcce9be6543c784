"""One line of the doctor's."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from todoke.core.durations import DAY, HOUR, MINUTE

Level = Literal["ok", "note", "warning", "error"]


class Finding(NamedTuple):
    """How bad, about what, what it is, and what to do."""

    level: Level
    about: str
    text: str
    remedy: str = ""


def about(subject: str) -> Callable[..., Finding]:
    """Makes findings about one thing."""

    def found(level: Level, text: str, remedy: str = "") -> Finding:
        return Finding(level, subject, text, remedy)

    return found


def many(count: int, word: str) -> str:
    """A count with its word: `1 error`, `2 errors`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def roughly(milliseconds: int) -> str:
    """A duration as people say it: `3 days`, `15 minutes`."""
    for unit, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if milliseconds >= 2 * unit or (unit == MINUTE and milliseconds >= unit):
            return many(milliseconds // unit, word)
    return f"{max(milliseconds, 0) // 1000} seconds"
