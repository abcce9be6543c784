"""Phone numbers as people type them, and what we make of them: E.164, LINE's hash, the masked form.

The truth about numbers is the library `phonenumbers` (Google's metadata). A number passes where the library
calls it a mobile of a served country, because LINE authenticates numbers by SMS. A regex made from the same
metadata stands in front of it, as `parse` runs on every row of lists of millions.
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256

import msgspec
import phonenumbers

from todoke.core.errors import InvalidNumber

SERVED = ("TW", "TH", "JP")
"""Countries (ISO 3166-1 alpha-2) whose numbers LINE notifications reach, says LINE's documentation."""

MAX_TEXT = 64
"""Characters of input that are looked at; the longest sane way to write a number is far shorter."""

MASK = "•••"

_MOST_DIGITS = 17  # "00" and the 15 digits that E.164 allows


class Reason(StrEnum):
    """Why a number was refused. The words are stable: they stand in files of refused rows and are counted."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    LOST_DIGITS = "lost_digits"
    """`8.86912E+11`: a spreadsheet has rounded it, the other digits are gone."""
    SEVERAL_NUMBERS = "several_numbers"
    EXTENSION = "extension"
    TOO_LONG = "too_long"
    COUNTRY_NOT_SERVED = "country_not_served"
    NOT_MOBILE = "not_mobile"
    INVALID = "invalid"
    """No number of the country's numbering plan: mistyped, or not assigned to anybody."""


_REMEDY = {
    Reason.EMPTY: "No phone number: fill in a mobile number",
    Reason.NOT_A_NUMBER: "{shown} is no phone number: write digits only, as 0912345678 or +886912345678",
    Reason.LOST_DIGITS: "{shown} has lost digits in a spreadsheet: make the column text, export it again",
    Reason.SEVERAL_NUMBERS: "{shown} holds several numbers: write one number in each row",
    Reason.EXTENSION: "{shown} has an extension: write a mobile number without one",
    Reason.TOO_LONG: "{shown} is too long for a phone number: check that it holds one number only",
    Reason.COUNTRY_NOT_SERVED: "{shown} is of a country that is not served: use Taiwan, Thailand or Japan",
    Reason.NOT_MOBILE: "{shown} is not a mobile number: LINE and SMS need one",
    Reason.INVALID: "{shown} is no number in use in its country: check the digits",
}  # fmt: skip


class Phone(msgspec.Struct, frozen=True):
    """A mobile number of a served country."""

    e164: str
    """With the plus sign and nothing but digits after it: `+886912345678`."""
    country: str
    """One of SERVED."""


def parse(text: str, region: str, pointer: str = "/to") -> Phone:
    """The mobile number that `text` means; without a country code it belongs to `region`, one of SERVED.

    Raises InvalidNumber, its `reason` one of Reason; the message names the text masked. `pointer` is where in
    the caller's input the text stood. ValueError if `region` is not served: the program's mistake.
    """
    return parse_quickly(text, region) or parse_slowly(text, region, pointer)


def parse_quickly(text: str, region: str) -> Phone | None:
    """The same for numbers as nearly all lists have them; None says nothing, only that `parse` must look closer."""
    try:
        quick = _QUICK[region]
    except KeyError:
        raise ValueError(f"region {region!r} is none of {', '.join(SERVED)}") from None
    if len(text) > MAX_TEXT:
        return None
    # Two replaces cost a third of a translate, and do for nearly all lists.
    found = (
        quick(text) or quick(text.replace("-", "").replace(" ", "")) or quick(text.translate(_SEPARATORS_OFF))
    )
    if found is None:
        return None
    group = found.lastindex or 0
    prefix, country = _BY_GROUP[group]
    return Phone(prefix + found[group], country)


def parse_many(texts: Sequence[str], region: str, odd: set[int]) -> tuple[list[str], list[str]]:
    """The E.164 numbers and the countries of texts as `parse_quickly` reads them, in half the time of asking for each.

    Adds the places of those to `odd` of which it can't tell.
    """
    quick = _QUICK[region]
    found = [quick(text) for text in texts]
    if None in found:
        for n, text in enumerate(texts):
            if found[n] is None:
                found[n] = None if len(text) > MAX_TEXT else quick(text.translate(_SEPARATORS_OFF))
            if found[n] is None:
                odd.add(n)
    groups = [0 if x is None else x.lastindex or 0 for x in found]
    if groups.count(groups[0]) == len(groups) and groups[0]:
        prefix, country = _BY_GROUP[groups[0]]
        return [prefix + x[groups[0]] for x in found if x is not None], [country] * len(groups)
    ways = [_BY_GROUP.get(group, ("", "")) for group in groups]
    numbers = [
        "" if x is None else way[0] + x[group] for way, x, group in zip(ways, found, groups, strict=True)
    ]
    return numbers, [way[1] for way in ways]


def parse_slowly(text: str, region: str, pointer: str = "/to") -> Phone:
    """The same as `parse` without the regex in front: cleaned, then judged by the library alone."""
    try:
        return _by_library(_plain(text), region)
    except _Refused as refused:
        message = _REMEDY[refused.reason].format(shown=masked(text))
        raise InvalidNumber(message, refused.reason.value, pointer) from None


def line_hash(e164: str) -> str:
    """LINE's name for a number in `to`: lower-case hex SHA-256 of the E.164 number with its plus sign."""
    return sha256(e164.encode()).hexdigest()


def masked(e164: str) -> str:
    """The number as people may see it: `0912•••678`, the national form without its middle.

    Anything else than an E.164 number of a served country (a mistyped one, in an error) shows at most its
    first two and last two characters, and no control characters.
    """
    served = _SERVED_E164.fullmatch(e164)
    if served is not None:
        national = "0" + served[served.lastindex or 0]
        return national[:4] + MASK + national[-3:]
    text = "".join(c if c.isprintable() else "?" for c in e164.strip()[:MAX_TEXT])
    if len(text) < 5:
        return MASK
    if len(text) < 8:
        return text[0] + MASK
    # Of a text that was cut, the last characters are not shown as if they were its end.
    return text[:2] + MASK + ("" if len(e164.strip()) > MAX_TEXT else text[-2:])


class _Refused(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


# What stands between digits, in the quick way: only characters that mean nothing wherever they stand. The dot
# is not here (`912345678.0` is a number with a tail), nor is anything that may separate two numbers.
_BLANKS = " \t\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d"
_BRACKETS = "()（）"
_SEPARATORS_OFF: dict[int, str | None] = {
    **{ord(c): None for c in _BLANKS + _INVISIBLE + _DASHES + _BRACKETS},
    **{0xFF10 + n: str(n) for n in range(10)},  # full-width digits
    **{0x0E50 + n: str(n) for n in range(10)},  # Thai digits
    ord("＋"): "+",
}


def _metadata(country: str) -> tuple[str, str]:
    """Calling code and the pattern of national mobile numbers, from the library's own metadata."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    assert metadata is not None, country
    assert metadata.mobile is not None, country
    return str(metadata.country_code), str(metadata.mobile.national_number_pattern)


_NUMBERING = {country: _metadata(country) for country in SERVED}


def _regex(region: str) -> "re.Pattern[str]":
    """One group a country: its mobiles with calling code; those of `region` also without, zero or no zero."""
    ways = []
    for country, (code, mobile) in _NUMBERING.items():
        prefix = rf"(?:(?:\+|00)?{code}0?|0?)" if country == region else rf"(?:\+|00)?{code}0?"
        ways.append(f"{prefix}({mobile})")  # the library's patterns have no capturing groups
    return re.compile("|".join(ways), re.ASCII)


_QUICK = {region: _regex(region).fullmatch for region in SERVED}
_BY_GROUP = {n: ("+" + _NUMBERING[country][0], country) for n, country in enumerate(SERVED, start=1)}
_SERVED_E164 = re.compile(r"\+886(\d{9})|\+66(\d{9})|\+81(\d{10})", re.ASCII)

_LIST_SEPARATOR = r"(?:[,;/|\\&\n\r\v\f\x85\u2028\u2029、，；／｜]|\bor\b|\band\b|或|和|及|หรือ|และ|または)"
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d*)?\s*e\s*[+-]?\s*\d+", re.ASCII)
_EXTENSION = re.compile(
    r"\d\s*[-,;]?\s*(?:extension|ext|x|#|分機|內線|内線|轉|転|ต่อ)[\s.:=-]*\d{1,7}\)?", re.ASCII
)
_SEVERAL = re.compile(rf"\d\D*?{_LIST_SEPARATOR}\D*?\d|\d\D*?\+\D*?\d", re.ASCII)
_THOUSANDS = re.compile(r"\+?\d{1,4}(?:,\d{3}){2,}(?:\.0+)?", re.ASCII)
_FLOAT = re.compile(r"(\+?\d{7,})\.(\d*)", re.ASCII)
_DIGITS_AND_MARKS = re.compile(r"[ ().-]*\+?[\d ().-]*", re.ASCII)
_MARKS = re.compile(r"[ ().-]")
_QUOTES = " '\"’‘“”`´=\t\n\r"  # a spreadsheet's way to keep text: '0912… or ="0912…"


def _simple(char: str) -> str:
    """One character as what it stands for: ASCII digit, `+`, `-`, space, `.`, bracket, nothing, or itself."""
    if char.isascii():
        return {"\t": " ", "[": "(", "]": ")"}.get(char, char)
    decimal = unicodedata.decimal(char, None)  # Thai, full-width, Arabic-Indic … but not ² or ①
    if decimal is not None:
        return str(decimal)
    kind = unicodedata.category(char)
    if kind == "Cf":  # zero-width and direction marks, byte order mark, soft hyphen
        return ""
    if kind == "Zs":
        return " "
    if kind == "Pd" or char in _DASHES:
        return "-"
    return _ASCII_TWIN.get(char, char)


_ASCII_TWIN = dict(zip("＋﹢．（）：＃＝", "++.():#=", strict=True))


def _plain(text: str) -> str:
    """`text` as digits with an optional plus in front; _Refused for what can't be one number."""
    if len(text) > MAX_TEXT and len(text.strip()) > MAX_TEXT:
        raise _Refused(Reason.TOO_LONG)
    plain = "".join(map(_simple, text.strip())).lower().strip(_QUOTES)
    if not plain:
        raise _Refused(Reason.EMPTY)
    if plain.startswith("tel:"):
        plain = plain[4:].strip()
    if _SCIENTIFIC.fullmatch(plain):
        raise _Refused(Reason.LOST_DIGITS)
    if _EXTENSION.fullmatch(plain, _last_digit_group(plain)):
        raise _Refused(Reason.EXTENSION)
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if _SEVERAL.search(plain):
        raise _Refused(Reason.SEVERAL_NUMBERS)
    if number := _FLOAT.fullmatch(plain):
        # A cell that held a number. With a fraction it was never a phone number.
        if number[2].strip("0"):
            raise _Refused(Reason.NOT_A_NUMBER)
        plain = number[1]
    return _digits_of(plain)


def _last_digit_group(plain: str) -> int:
    """Where the digit stands after which an extension may begin; the length of the text if there is none."""
    found = re.search(r"\d\D+\d+\)?$", plain, re.ASCII)
    return found.start() if found else len(plain)


def _digits_of(plain: str) -> str:
    if not _DIGITS_AND_MARKS.fullmatch(plain):
        raise _Refused(Reason.NOT_A_NUMBER)
    digits = _MARKS.sub("", plain)
    if not digits.strip("+"):
        raise _Refused(Reason.NOT_A_NUMBER)
    if len(digits) > _MOST_DIGITS + digits.startswith("+"):
        in_one_piece = digits == plain
        raise _Refused(Reason.TOO_LONG if in_one_piece else Reason.SEVERAL_NUMBERS)
    return digits


def _by_library(plain: str, region: str) -> Phone:
    """The first reading of `plain` that is a mobile of a served country; else _Refused, with a cause."""
    cause = Reason.INVALID
    for number_text, country in _readings(plain, region):
        try:
            number = phonenumbers.parse(number_text, country)
        except phonenumbers.NumberParseException:
            continue
        kind = phonenumbers.number_type(number)  # UNKNOWN where it is not valid
        if kind == phonenumbers.PhoneNumberType.UNKNOWN:
            continue
        found = phonenumbers.region_code_for_number(number)
        if found not in SERVED:
            cause = Reason.COUNTRY_NOT_SERVED if cause == Reason.INVALID else cause
        elif kind in _MOBILE:
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            return Phone(e164, found)
        else:
            cause = Reason.NOT_MOBILE
    raise _Refused(cause)


_MOBILE = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def _readings(plain: str, region: str) -> list[tuple[str, str | None]]:
    """What the digits may mean, likeliest first, as the library wants it: text and region."""
    if plain.startswith("+"):
        return [(plain, None)]
    readings: list[tuple[str, str | None]] = []
    if plain.startswith("00"):
        # 00 is how most of the world dials abroad; the served countries' own 002, 001, 010 come second.
        readings.append(("+" + plain[2:], None))
    readings.append((plain, region))
    if any(plain.startswith(code) for code, _ in _NUMBERING.values()):
        readings.append(("+" + plain, None))  # a spreadsheet ate the plus
    return readings
