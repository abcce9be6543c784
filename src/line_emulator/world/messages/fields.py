"""The checks of single values: each takes a value and says what is wrong with it, None if nothing is.

`WRONG_TYPE` stands for a value of the wrong JSON type, which ends the check of the whole request. Lengths
are UTF-16 code units. Sources: Messaging API reference, and "About the encoding of a URL specified in a
request body property".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from line_emulator.world import limits

Check = Callable[[Any], str | None]

WRONG_TYPE = "wrong type"
EMPTY = "May not be empty"
MALFORMED = "invalid property"
"""What LINE's servers say of a value whose form they can't read, such as a colour `#12345`."""

IMAGE_URL_LIMIT = 2000
LINK_LIMIT = 1000
LARGEST_INT32 = 2**31 - 1
LARGEST_INT64 = 2**63 - 1

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_HOST = re.compile(r"//[^/?#]")
# What no URI holds unencoded. Letters beyond ASCII pass: LINE asks for encoding, in words of advice only.
_UNENCODED = re.compile(r"[\s\x00-\x20\x7f\"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})")
_LINK_SCHEMES = ("http", "https", "line", "tel")


def one_of(names: Iterable[str]) -> str:
    """LINE's words for a value outside a list."""
    return f"Must be one of the following values: [{', '.join(names)}]"


def text(longest: int | None = None, least: int = 1) -> Check:
    """A text of at most `longest` code units; an empty one only where `least` is 0."""

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return WRONG_TYPE
        if not value:
            return EMPTY if least else None
        # A code point is at most two code units, so short texts need no closer look.
        if longest is not None and 2 * len(value) > longest and limits.units(value) > longest:
            return f"Length must be between 0 and {longest}"
        return None

    return check


def choice(names: str) -> Check:
    """One of these words."""
    words = tuple(names.split())
    fault = one_of(words)

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return WRONG_TYPE
        return None if value in words else fault

    return check


def pattern(expression: str, longest: int | None = None) -> Check:
    """A text of a certain form."""
    form = re.compile(expression, re.ASCII)
    length = text(longest)

    def check(value: Any) -> str | None:
        return length(value) or (None if form.fullmatch(value) else MALFORMED)

    return check


def whole(least: int = 0, most: int = LARGEST_INT32) -> Check:
    """A whole number from `least` on; one that does not fit into `most` can't be read at all."""

    def check(value: Any) -> str | None:
        if type(value) is not int or not -most - 1 <= value <= most:
            return WRONG_TYPE
        return None if value >= least else f"must be greater than or equal to {least}"

    return check


def exactly(number: int) -> Check:
    """This whole number and no other."""

    def check(value: Any) -> str | None:
        if type(value) is not int:
            return WRONG_TYPE
        return None if value == number else one_of((str(number),))

    return check


def degrees(most: int) -> Check:
    """A latitude or longitude: a number from -`most` to `most`."""

    def check(value: Any) -> str | None:
        if type(value) is not int and type(value) is not float:
            return WRONG_TYPE
        return None if -most <= value <= most else f"must be between -{most} and {most}"

    return check


def flag(value: Any) -> str | None:
    """True or false."""
    return None if type(value) is bool else WRONG_TYPE


def array(value: Any) -> str | None:
    """An array of any length, whose entries a rule looks at."""
    return None if type(value) is list else WRONG_TYPE


def anything(value: Any) -> str | None:
    """A text that LINE itself gave out, such as a quote token: any."""
    return None if type(value) is str else WRONG_TYPE


def https(value: Any) -> str | None:
    """The address of an image, video or sound: https, at most 2,000 code units."""
    return _uri(value, ("https",), IMAGE_URL_LIMIT)


def link(value: Any) -> str | None:
    """What opens on a tap: http, https, line or tel, at most 1,000 code units."""
    return _uri(value, _LINK_SCHEMES, LINK_LIMIT)


def _uri(value: Any, schemes: tuple[str, ...], longest: int) -> str | None:
    if type(value) is not str:
        return WRONG_TYPE
    if not value:
        return EMPTY
    if 2 * len(value) > longest and limits.units(value) > longest:
        return f"Length must be between 0 and {longest}"
    named = _SCHEME.match(value)
    scheme = named[1].lower() if named else ""
    if scheme not in schemes:
        return "invalid uri scheme"
    rest = len(scheme) + 1
    if _UNENCODED.search(value) or len(value) == rest:
        return "invalid uri"
    return None if scheme == "tel" or _HOST.match(value, rest) else "invalid uri"
