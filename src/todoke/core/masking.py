"""Personal data as a message may show it: 王小明 as 王○明, 0912345678 as 0912•••678, a card as •••• 1234.

The ways are those in which banks, carriers and offices write it in Taiwan, Thailand and Japan. Of every kind these
hold: what is shown stood there before, at its place; what comes out is not longer than what went in; masking what is
masked changes nothing. A sign of masking counts as what it hides, so a value that comes masked stays as it is.
"""

import re
from collections.abc import Callable
from enum import StrEnum

SIGN = "•"
NAME_SIGN = "○"
"""For Han characters and kana, as in 王○明."""
_SIGNS = SIGN + NAME_SIGN


class Kind(StrEnum):
    """What personal data a parameter holds."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    NATIONAL_ID = "national_id"
    PASSPORT = "passport"
    CARD_NUMBER = "card_number"
    ACCOUNT_NUMBER = "account_number"
    CUSTOMER_NUMBER = "customer_number"
    ORDER_NUMBER = "order_number"
    BIRTHDAY = "birthday"
    PLATE = "plate"


SHOWS = {
    Kind.NAME: "Han, kana, Hangul: the first and the last character, or the family name where a space follows it; "
    "else the first word and one letter of each other",
    Kind.PHONE: "the first four and the last three digits",
    Kind.EMAIL: "the first character, and what follows the @",
    Kind.ADDRESS: "city and district, or what stands behind the last comma; never a digit",
    Kind.NATIONAL_ID: "the first and the last three characters",
    Kind.PASSPORT: "the first and the last three characters",
    Kind.CARD_NUMBER: "the last four digits",
    Kind.ACCOUNT_NUMBER: "the last four digits",
    Kind.CUSTOMER_NUMBER: "the last four characters",
    Kind.ORDER_NUMBER: "the last four characters",
    Kind.BIRTHDAY: "a year of four digits",
    Kind.PLATE: "all but the digits, and the last two of those",
}
"""What of each kind is left at most. Of short values it is less: never more than half of their characters."""


def mask(kind: Kind, text: str) -> str:
    """The text as a message may show it."""
    return _WAYS[kind](text)


def _hidden(count: int, most: int, sign: str = SIGN) -> str:
    return sign * min(count, most)


def _ends(text: str, head: int, tail: int, most: int, gap: str = "") -> str:
    """The first and last characters that mean something, with up to `most` signs for all that is between.

    `gap` stands between the signs and the end, where the text leaves room for it.
    """
    signs = [c for c in text if c.isalnum() or c in _SIGNS]
    count = len(signs)
    if count < head + most + tail:
        # Too short to show all that: half of it at most, the end.
        head, gap = 0, ""
        tail = min(tail, count // 2)
    hidden = _hidden(count - head - tail, most)
    if len(hidden) + head + tail + len(gap) > len(text):
        gap = ""
    shown = "".join(signs[count - tail :]) if tail else ""
    return "".join(signs[:head]) + hidden + (gap if shown else "") + shown


_CJK = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff○々]"
)


def _name(text: str) -> str:
    words = re.split(r"(\s+)", text.strip())
    first, others = words[0], words[1:]
    if _CJK.match(first):
        if not others:
            return _cjk_word(first)
        return first + "".join(w if w.isspace() else NAME_SIGN * len(w) for w in others)
    if not others:
        return _initial(first)
    return first + "".join(w if w.isspace() else _initial(w) for w in others)


def _cjk_word(word: str) -> str:
    if len(word) < 3:
        return word[: len(word) - 1] + NAME_SIGN
    return word[0] + NAME_SIGN * (len(word) - 2) + word[-1]


def _initial(word: str) -> str:
    return (word[0] if len(word) > 1 else "") + _hidden(len(word) - 1 or 1, 3)


def _email(text: str) -> str:
    local, at, domain = text.strip().rpartition("@")
    return _initial(local) + at + domain if local else _initial(domain) if domain else at


_TW_PLACE = re.compile(r"(?:\d{3,6}\s*)?((?:[^\s\d•]{2}[縣市])(?:[^\s\d•]{1,4}?[區鄉鎮市])?)")
_JP_PLACE = re.compile(
    r"(?:〒?\s*\d{3}-?\d{4}\s*)?"
    r"((?:東京都|北海道|大阪府|京都府|[^\s\d•]{2,3}県)(?:[^\s\d•]{1,6}?[市区町村郡])?)"
)
_TH_PLACE = re.compile(r"(?:เขต|อำเภอ|อ\.|จังหวัด|จ\.|กรุงเทพ)[^\d•]*")
_BEHIND_COMMA = re.compile(r"[,，][^,，\d•]+$")


def _address(text: str) -> str:
    text = text.strip()
    for place in (_JP_PLACE, _TW_PLACE):
        if found := place.match(text):
            return found[1] + _hidden(len(text) - found.end(), 3)
    if found := _TH_PLACE.search(text):
        before, shown = text[: found.start()], found[0].rstrip()
        gap = " " if before[-1:].isspace() else ""
        return _hidden(len(before.strip()), 3) + gap + shown
    if (found := _BEHIND_COMMA.search(text)) and found.start():
        return _hidden(found.start(), 3) + found[0]
    return _hidden(len(text), 3)


_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


def _birthday(text: str) -> str:
    found = _YEAR.search(text)
    year = range(*found.span()) if found else range(0)
    return "".join(c if n in year or not _tells_day(c) else SIGN for n, c in enumerate(text))


def _tells_day(c: str) -> bool:
    """Digits, and letters and marks of the names of months; 年, 月 and 日 tell nothing."""
    return c not in "年月日" and not c.isspace() and c not in "-/., " and c not in _SIGNS


def _plate(text: str) -> str:
    places = [n for n, c in enumerate(text) if c.isdigit() or c in _SIGNS]
    shown = min(2, len(places) // 2)
    hidden = frozenset(places[: len(places) - shown])
    return "".join(SIGN if n in hidden else c for n, c in enumerate(text))


def _short_ends(text: str) -> str:
    return _ends(text, head=1, tail=3, most=3)


def _last_four(text: str) -> str:
    return _ends(text, head=0, tail=4, most=4)


def _last_digits(text: str) -> str:
    return _ends(text, head=0, tail=4, most=4, gap=" ")


_WAYS: dict[Kind, Callable[[str], str]] = {
    Kind.NAME: _name,
    Kind.PHONE: lambda text: _ends(text, head=4, tail=3, most=3),
    Kind.EMAIL: _email,
    Kind.ADDRESS: _address,
    Kind.NATIONAL_ID: _short_ends,
    Kind.PASSPORT: _short_ends,
    Kind.CARD_NUMBER: _last_digits,
    Kind.ACCOUNT_NUMBER: _last_digits,
    Kind.CUSTOMER_NUMBER: _last_four,
    Kind.ORDER_NUMBER: _last_four,
    Kind.BIRTHDAY: _birthday,
    Kind.PLATE: _plate,
}
