"""Personal data in texts and parameters: what is there in full that must not be, or is better masked.

Sources of the check digits: Taiwan's national ID and resident certificate (Ministry of the Interior), Thailand's
citizen ID (Department of Provincial Administration), Japan's My Number (ordinance no. 85 of 2014, article 5), card
numbers (ISO/IEC 7812-1 with its Luhn digit; the first digits by the networks' public lists).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

import msgspec

from todoke.core.content.addresses import INVISIBLE
from todoke.core.content.codes import finding
from todoke.core.content.data import PersonalData
from todoke.core.content.finding import Finding
from todoke.core.content.limits import plain
from todoke.core.masking import SIGN, Kind
from todoke.core.template_values import Parameter, Type

_GAP = f"[ \\-.·‐‑–—{INVISIBLE}]?"
_TW_ID = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{_GAP}[1289](?:{_GAP}\d){{8}}(?![A-Za-z0-9])")
_TH_ID = re.compile(rf"(?<!\d)\d{_GAP}\d{{4}}{_GAP}\d{{5}}{_GAP}\d{{2}}{_GAP}\d(?!\d)")
_JP_ID = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{11}}(?!\d)")
_CARD = re.compile(rf"(?<![\d+])\d(?:{_GAP}\d){{12,18}}(?!\d)")
_CARD_BEGINS = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)|3[47]|35(?:2[89]|[3-8]\d)|6011|64[4-9]|65|62|30[0-5]|36|38"
)
# None of 13 digits: Visa gave those up, and Japan's bar codes begin with a 4.
_CARD_LENGTHS = {"3": (14, 15, 16), "4": (16, 19), "5": (16,), "2": (16,), "6": (16, 17, 18, 19)}
# Toll-free numbers are a business's own: Taiwan's 0800 looks like a Thai mobile, Japan's like one of its own.
_MOBILE = {
    "TW": re.compile(r"(?<![\d+])(?:\+?886[ -]?9|09)\d{2}[ -]?\d{3}[ -]?\d{3}(?!\d)"),
    "TH": re.compile(r"(?<![\d+])(?:\+?66[ -]?|0)[689]\d[ -]?\d{3}[ -]?\d{4}(?!\d)"),
    "JP": re.compile(r"(?<![\d+])(?:\+?81[ -]?|0)[789]0[ -]?[1-9]\d{3}[ -]?\d{4}(?!\d)"),
}
_ABROAD = {
    "TW": re.compile(r"(?<!\d)\+?886[ -]?9\d{2}[ -]?\d{3}[ -]?\d{3}(?!\d)"),
    "TH": re.compile(r"(?<!\d)\+66[ -]?[689]\d[ -]?\d{3}[ -]?\d{4}(?!\d)"),
    "JP": re.compile(r"(?<!\d)\+81[ -]?[789]0[ -]?[1-9]\d{3}[ -]?\d{4}(?!\d)"),
}
"""As they are written from other countries."""
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")
_LONG = re.compile(rf"[A-Za-z]{_GAP}[1289](?:{_GAP}\d){{8}}|[1-8](?:{_GAP}\d){{12,18}}")
"""What could be one of these but for its check digit: most orders' numbers of that length are refused one day."""
SUSPECT = re.compile(r"\d[^\w•]?\d[^\w•]?\d[^\w•]?\d[^\w•]?\d[^\w•]?\d[^\w•]?\d[^\w•]?\d|\w@\w")
"""What all of these have: eight digits close together, or an @."""

_TW_LETTERS = {c: n for n, c in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", 10)}
_JP_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


class Seen(msgspec.Struct, frozen=True):
    """Something personal in a text. `sure`: it can hardly be anything else."""

    kind: Kind
    words: str
    sure: bool = True


def is_taiwan_id(text: str) -> bool:
    """A national ID, or a resident certificate in its form of 2021, by its check digit: A123456789."""
    text = text.upper()
    if not re.fullmatch(r"[A-Z][1289]\d{8}", text) or not text.isascii():
        return False
    first = _TW_LETTERS[text[0]]
    digits = [first // 10, first % 10, *map(int, text[1:])]
    return sum(d * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def is_thai_id(digits: str) -> bool:
    """A citizen ID of 13 digits, by its check digit."""
    if len(digits) != 13 or digits[0] == "0":
        return False
    total = sum(int(d) * w for d, w in zip(digits, range(13, 1, -1), strict=False))
    return (11 - total % 11) % 10 == int(digits[12])


def is_my_number(digits: str) -> bool:
    """Japan's individual number of 12 digits, by its check digit."""
    if len(digits) != 12 or len(set(digits)) == 1:
        return False
    rest = sum(int(d) * w for d, w in zip(digits, _JP_WEIGHTS, strict=False)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(digits[11])


def is_card(digits: str) -> bool:
    """A card number by its first digits, its length and its Luhn digit."""
    if not _CARD_BEGINS.match(digits) or len(digits) not in _CARD_LENGTHS.get(digits[0], ()):
        return False
    if len(set(digits)) == 1:
        return False
    doubled = [int(d) * (2 if n % 2 else 1) for n, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


class PersonalCheck:
    """Looks for personal data."""

    def __init__(self, data: PersonalData) -> None:
        self._kinds = data.kinds
        self._id_words = re.compile("|".join(re.escape(plain(word)) for word in data.id_words))

    def names_an_id(self, text: str) -> bool:
        """Whether it has a word beside which digits are a national ID."""
        return self._id_words.search(plain(text)) is not None

    def see(self, text: str, country: str | None, *, named: bool = False) -> Iterator[Seen]:
        """What is personal in a text, in full. `country`: whose numbers it may hold; None: of all.

        `named`: a word before it says that it is a national ID.
        """
        if not SUSPECT.search(text):
            return
        # One character stays one character here, so that what is quoted stands where it was found.
        read = text if text.isascii() else "".join(map(_plain_character, text))
        named = named or self.names_an_id(text)
        taken: list[tuple[int, int]] = []
        for seen, span in self._numbers(read, country, named):
            if not any(a < span[1] and span[0] < b for a, b in taken):
                taken.append(span)
                yield msgspec.structs.replace(seen, words=text[slice(*span)])
        for found in _mobiles(read, country):
            if not any(a < found.end() and found.start() < b for a, b in taken):
                yield Seen(Kind.PHONE, text[slice(*found.span())])
        for found in _MAIL.finditer(read):
            yield Seen(Kind.EMAIL, text[slice(*found.span())])

    def hidden(self, text: str, country: str | None) -> str:
        """A text that is quoted, without the personal data in it."""
        for seen in self.see(text, country):
            text = text.replace(seen.words, _covered(seen.words))
        return text

    def _numbers(self, text: str, country: str | None, named: bool) -> Iterator[tuple[Seen, tuple[int, int]]]:
        # Elsewhere a letter and nine digits are an order's number.
        for found in _TW_ID.finditer(text) if named or country in (None, "TW") else ():
            if is_taiwan_id(re.sub(r"\W", "", found[0])):
                yield Seen(Kind.NATIONAL_ID, found[0]), found.span()
        for found in _CARD.finditer(text):
            digits = re.sub(r"\D", "", found[0])
            if is_card(digits):
                yield Seen(Kind.CARD_NUMBER, found[0]), found.span()
        if country in (None, "TH"):
            for found in _TH_ID.finditer(text):
                if is_thai_id(digits := re.sub(r"\D", "", found[0])):
                    # One of ten numbers of 13 digits has the right last digit by chance; written 1-2345-67890-12-3
                    # it can be nothing else.
                    yield Seen(Kind.NATIONAL_ID, found[0], named or found[0] != digits), found.span()
        if named and country in (None, "JP"):
            # Parcels in Japan have numbers of 12 digits, 4-4-4: without a word beside it nothing tells them apart.
            for found in _JP_ID.finditer(text):
                if is_my_number(re.sub(r"\D", "", found[0])):
                    yield Seen(Kind.NATIONAL_ID, found[0]), found.span()

    def text(
        self,
        text: str,
        *,
        country: str | None,
        pointer: str,
        fixed: bool = False,
        known: Kind | None = None,
        named: bool = False,
    ) -> Iterator[Finding]:
        """`named` as in `see`. `fixed`: written into the template, where an address or number is the business's own.

        `known`: what the parameter says it holds, which decides where digits could be one thing or another.
        """
        for seen in self.see(text, country, named=named):
            if (
                known is not None
                and known is not seen.kind
                and seen.kind in _DIGITS
                and known in _OTHER_NUMBERS
            ):
                continue
            if seen.kind is Kind.NATIONAL_ID:
                code = "personal-national-id" if seen.sure else "personal-national-id-maybe"
                yield finding(
                    code, pointer, _covered(seen.words),
                    "Leave it out, or mask it where it must stand. If it is another number, say which: "
                    '"personal": "order_number"',
                )  # fmt: skip
            elif seen.kind is Kind.CARD_NUMBER:
                yield finding(
                    "personal-card-number", pointer, _covered(seen.words),
                    "Show the last four digits at most (\"personal\": \"card_number\", \"mask\": true). If it is "
                    'another number, say which: "personal": "order_number"',
                )  # fmt: skip
            elif not fixed:
                what = self._kinds[seen.kind].what if seen.kind in self._kinds else seen.kind
                yield finding(
                    "personal-unmasked", pointer, _covered(seen.words),
                    f"This is {what} in full: mask it (\"personal\": \"{seen.kind}\", \"mask\": true), or leave it out",
                )  # fmt: skip

    def parameters(
        self, parameters: Mapping[str, Parameter], in_line: frozenset[str], *, no_verification: bool
    ) -> Iterator[Finding]:
        """What parameters say of themselves. `in_line`: those that stand in what goes out as a LINE notification."""
        for name, parameter in parameters.items():
            pointer = f"/parameters/{name}"
            if parameter.personal is None:
                if no_verification and name in in_line and parameter.type == "text":
                    yield finding(
                        "no-verification-undeclared", pointer, name,
                        "Without phone verification it matters who reads it: if it is personal, say what it is, "
                        'such as "personal": "name"',
                    )  # fmt: skip
                elif parameter.type in (Type.TEXT, Type.NUMBER) and _LONG.fullmatch(parameter.example):
                    yield finding(
                        "personal-undeclared", pointer, name,
                        "Say which number it is, such as \"personal\": \"order_number\": else notices are refused "
                        "whose number has by chance the last digit of a card's or a national ID",
                    )  # fmt: skip
                continue
            rule = self._kinds[parameter.personal]
            if no_verification and name in in_line:
                if rule.no_verification == "forbidden":
                    yield finding(
                        "no-verification-forbidden", pointer, parameter.personal,
                        f"Take {name} out of the LINE forms: without phone verification they may reach whoever "
                        f"had the number before, and {rule.what} must be absent",
                    )  # fmt: skip
                    continue
                if rule.no_verification == "masked" and parameter.mask is None:
                    yield finding(
                        "no-verification-unmasked", pointer, parameter.personal,
                        f"Add \"mask\": true to {name}: without phone verification {rule.what} must be masked",
                    )  # fmt: skip
                    continue
            if rule.usual == "forbidden" or (rule.strict and parameter.mask is None):
                yield finding(
                    "personal-forbidden", f"{pointer}/personal", parameter.personal,
                    f"Add \"mask\": true to {name}, or take it out: {rule.what} must not stand in a notice in full",
                )  # fmt: skip
            elif rule.usual == "masked" and parameter.mask is None:
                yield finding(
                    "personal-unmasked", f"{pointer}/personal", parameter.personal,
                    f"Add \"mask\": true to {name}: {rule.what} in full is seen by whoever holds the phone",
                )  # fmt: skip


_DIGITS = frozenset({Kind.NATIONAL_ID, Kind.CARD_NUMBER, Kind.PHONE})
_OTHER_NUMBERS = frozenset({Kind.ORDER_NUMBER, Kind.CUSTOMER_NUMBER})
"""Who says so answers for it: a parcel's number may have any check digit."""


def _plain_character(c: str) -> str:
    """Full-width and other digits as 0 to 9."""
    if (digit := unicodedata.decimal(c, None)) is not None:
        return str(digit)
    return n if len(n := unicodedata.normalize("NFKC", c)) == 1 else c


def _mobiles(text: str, country: str | None) -> Iterator[re.Match[str]]:
    for at in _MOBILE:
        yield from (_MOBILE if country in (None, at) else _ABROAD)[at].finditer(text)


def _covered(words: str) -> str:
    """What was found, so that whoever reads the finding sees which it was and not what it says."""
    shown = max(0, min(4, len(words) // 3))
    return words[:2] + SIGN * 3 + (words[-shown:] if shown else "")
