"""The parameters of a template: their types, and whether a value fits its type.

Types say what a value must look like, and change nothing about it: it is shown as it was given, as people
write dates and amounts in their own way (`2026年8月10日(土)`, `NT$1,280`). They catch columns that were mixed
up, and days that do not exist.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from todoke.core.masking import Kind

MAX_VALUE = 5000
"""UTF-16 code units of one value: LINE's limit for the text of a message."""
MAX_PARAMETERS = 50

BIND_LINK = "bind_link"
"""Not a caller's: wherever it stands, Todoke puts the address by which the recipient connects the number with LINE."""
LINK_ROOM = 128
"""Characters that are kept free for such an address, whatever this installation's own address is."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
HOLE = re.compile(r"\{\{((?:(?!\{\{|\}\}).)*)\}\}", re.DOTALL)
"""Where a parameter stands in a text. It never reaches over the next `{{`: to look for the end of each of thousands
that have none would take minutes."""

FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ufffe\uffff]"
)
"""Control characters (a line break is none), halves of a surrogate pair, and marks that turn the order of a
text around, with which a value could make the text beside it read as something else. Joiners, as emoji and Thai
line breaking need them, and the plain direction marks of Arabic and Hebrew are none of these."""


def unfit(text: str) -> str | None:
    """Which such character a text holds, where, and what to do; to be put behind the name of the text."""
    found = FORBIDDEN.search(text)
    if found is None:
        return None
    code = ord(found[0])
    remedy = "remove it"
    if code in (0x0D, 0x2028, 0x2029):
        what, remedy = "a line break that is none on every phone", "write \\n"
    elif code == 0x09:
        what, remedy = "a tab", "write a space"
    elif 0xD800 <= code < 0xE000:
        what = "half of a character"
    elif 0x202A <= code <= 0x2069:
        what = "a mark that turns the order of the text around"
    else:
        what = "one of the control characters"
    return f"holds {what} (U+{code:04X}, at character {found.start() + 1}): {remedy}"


def cleaned(text: str) -> str:
    """A value of somebody else's, such as a user's name, without what must not stand in a text."""
    return FORBIDDEN.sub("", text).strip()


_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"[+-]?\d+(?:[ ,.\-/]\d+)*")
_AMOUNT = re.compile(r"\D{0,8}\d[\d,]*(?:\.\d+)?\D{0,8}")
_DAY = re.compile(r"(?<!\d)(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)")
_MONTH_AND_DAY = re.compile(r"(?<!\d)(\d{1,2})月\s*(\d{1,2})日")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:：](\d{2})(?!\d)")
# The host has no user name in front (`https://bank.example@other.example`), and the path no characters that
# LINE wants percent-encoded.
URL = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#]PATH*)?|line://PATH+)".replace(
    "PATH", r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]"
))  # fmt: skip


class Type(StrEnum):
    """What a parameter holds."""

    TEXT = "text"
    NUMBER = "number"
    """Digits, with separators: an order number, a count. With letters in it, it is a text."""
    AMOUNT = "amount"
    """One number, with a currency before or after it."""
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    URL = "url"
    """http, https or line (LIFF); percent-encoded."""


class Parameter(msgspec.Struct, frozen=True):
    """What a template says of one parameter."""

    type: Type
    example: str
    max: int
    """The longest value, in UTF-16 code units, as LINE counts."""
    examples: dict[str, str] = {}
    """By language, where it has one of its own in each; `example` is that of the template's first."""
    personal: Kind | None = None
    """What personal data it holds."""
    mask: Kind | None = None
    """It is masked as this kind when it is filled in."""
    event: bool = False
    """It says when that happens, or happened, which the notice is about."""


def as_text(value: Any) -> str | None:
    """A JSON string or number as text; None for all else, and for numbers that have no plain decimal form."""
    if isinstance(value, str):
        return value
    if type(value) is int and abs(value) < 10**30:
        return str(value)
    if type(value) is float and abs(value) < 1e15:  # NaN is not below anything
        text = str(int(value)) if value.is_integer() else repr(value)
        return text if "e" not in text else None
    return None


def problem_of(parameter: Parameter, text: str) -> str | None:
    """What is wrong with a value, to be put behind the name of the parameter; None where it fits.

    The value itself is not in the message: it may be a name or an address.
    """
    if not text or text.isspace():
        return "is empty: fill it in"
    if 2 * len(text) > parameter.max and (units := utf16_length(text)) > parameter.max:
        return f"has {units} characters, {parameter.max} are allowed: shorten it"
    # Nearly all values are printable, which is quick to tell.
    if not text.isprintable():
        if (problem := unfit(text)) is not None:
            return problem
        if not any(c.isprintable() and not c.isspace() for c in text):
            return "holds nothing that can be seen: fill it in"
    kind = parameter.type
    if kind is Type.TEXT or _FITS[kind](text):
        return None
    return f"does not fit the type {kind}: write it as {_LOOKS_LIKE[kind]}"


def fitting(kind: Type) -> Callable[[str], object]:
    """What says whether a printable value fits a type; any fits a text."""
    return _FITS.get(kind, bool)


def utf16_length(text: str) -> int:
    """Characters as LINE counts them: UTF-16 code units, so that most emoji are two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _is_date(text: str) -> bool:
    """Holds a digit, and no day that no calendar has."""
    if not _DIGIT.search(text) or "\n" in text:
        return False
    for year, month, day in _DAY.findall(text):
        # From 2400 on it is the Buddhist era, 543 years ahead; its leap years are those of the common era.
        common_era = int(year) - 543 if int(year) >= 2400 else int(year)
        if not 1 <= int(month) <= 12 or not 1 <= int(day) <= monthrange(max(common_era, 1), int(month))[1]:
            return False
    days = _MONTH_AND_DAY.findall(text)
    return not days or all(1 <= int(month) <= 12 and 1 <= int(day) <= 31 for month, day in days)


def _is_time(text: str) -> bool:
    if not _DIGIT.search(text) or "\n" in text:
        return False
    return all(int(hour) <= 24 and int(minute) <= 59 for hour, minute in _CLOCK.findall(text))


_FITS: dict[Type, Callable[[str], object]] = {
    Type.NUMBER: lambda text: _NUMBER.fullmatch(text) is not None,
    Type.AMOUNT: lambda text: _AMOUNT.fullmatch(text) is not None and "\n" not in text,
    Type.DATE: _is_date,
    Type.TIME: _is_time,
    Type.DATETIME: lambda text: _is_date(text) and _is_time(text),
    Type.URL: lambda text: URL.fullmatch(text) is not None,
}
_LOOKS_LIKE = {
    Type.NUMBER: "1280 or 4711-0815",
    Type.AMOUNT: "NT$1,280 or 300",
    Type.DATE: "2026-08-10 or 8月10日",
    Type.TIME: "14:00",
    Type.DATETIME: "2026-08-10 14:00",
    Type.URL: "https://shop.example/order?id=1, other characters percent-encoded",
}
