"""Reading an answer over HTTP, whoever got it: how long to wait, and texts made fit for people and logs.

Without aiohttp: the courier, a small process, reads LINE's answers too.
"""

import re
from collections.abc import Mapping

MAX_DETAIL = 300
"""Characters of a detail line."""
MAX_ANSWER = 64 * 1024
"""Bytes of an answer's body that are looked at; LINE's and the carriers' own answers have a few hundred."""
_MAX_WAIT = 24 * 3600
"""Seconds of `Retry-After` that are believed; more is taken as this."""


def retry_after(headers: Mapping[str, str]) -> int | None:
    """`Retry-After` in milliseconds: seconds, or a date less the answer's own `Date`; None if absent or
    unreadable. Names of headers come in lower case, or in a mapping that ignores case.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        seconds = int(value[:9])
    elif value:
        from email.utils import parsedate_to_datetime  # noqa: PLC0415

        try:
            until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
            seconds = int((until - now).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return None
    else:
        return None
    return max(0, min(seconds, _MAX_WAIT)) * 1000


_HEX = re.compile(r"[0-9A-Fa-f]{32,}")
# Also numbers written with separators. Dates go as well: a detail is better poor than a leak.
_DIGITS = re.compile(r"\+?\d(?:[\s().\-‐-―]{0,2}\d){5,}")


def clean(text: str, limit: int = MAX_DETAIL) -> str:
    """`text` as one line for people and logs: printable, hashes, user IDs and numbers masked, at most `limit`
    long.
    """
    line = "".join(ch if ch.isprintable() else " " for ch in text[: 16 * limit])
    line = " ".join(_DIGITS.sub("•••", _HEX.sub("•••", line)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clean_id(text: str | None) -> str | None:
    """A provider's id of a request or message, as sent if it is plain, else made so; None if there is
    none.
    """
    if not text:
        return None
    if len(text) <= 100 and text.isascii() and text.isprintable():
        return text
    return "".join(ch for ch in text[:400] if ch.isascii() and ch.isprintable())[:100] or None
