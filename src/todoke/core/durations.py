"""Times and durations as whole milliseconds, and how JSON and the command line write them."""

from datetime import UTC, datetime

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def parse_duration(text: object) -> int:
    """`90s`, `30m`, `24h`, `7d` in milliseconds. Raises ValueError whose text is fit for people."""
    if isinstance(text, str) and len(text) <= 10:
        count, unit = text[:-1], _UNITS.get(text[-1:])
        if unit is not None and count.isascii() and count.isdigit() and int(count) > 0:
            return int(count) * unit
    raise ValueError(
        f"{str(text)[:40]!r} is no duration. Write a whole number and s, m, h or d, such as 30m."
    )


def format_duration(milliseconds: int) -> str:
    """The shortest way to write it: 14400000 is `4h`. Parts of a second are dropped."""
    for unit in "dhm":
        if milliseconds and milliseconds % _UNITS[unit] == 0:
            return f"{milliseconds // _UNITS[unit]}{unit}"
    return f"{milliseconds // SECOND}s"


def rfc3339(milliseconds: int) -> str:
    """A time as JSON carries it: RFC 3339 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> int:
    """Milliseconds since the epoch. Raises ValueError whose text is fit for people."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            f"{text[:40]!r} is no time. Write RFC 3339 with a zone, such as 2026-08-07T09:30:00Z."
        )
    return round(moment.timestamp() * 1000)
