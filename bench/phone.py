"""`python -m bench.phone`: does phone parsing agree with the library, and what does it cost?

Three judges look at the same texts: `parse`, `parse_slowly` (cleaning, then the library, without the regex in front)
and the library alone, as a program without any of our code would use it. `parse` and `parse_slowly` must say the same,
number or reason. The library alone refuses less and accepts less, on purpose (it drops letters and extensions, takes
the first of several numbers, and knows no `00` of other countries); but where both give a number it is the same one,
and of example numbers in their usual forms it must give and refuse the same ones.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from todoke.core.errors import InvalidNumber
from todoke.core.phone import SERVED, Phone, parse, parse_slowly

STRINGS = 1_000_000
SHOWN = 20
_SEPARATORS = (
    "",
    "",
    "",
    "",
    "",
    "-",
    " ",
    ".",
    "(",
    ")",
    "/",
    ",",
    "–",
    "ー",
    "\u00a0",
    "\u200b",
    "+",
    "x",
    "ext",
    "#",
)
_PREFIXES = (
    *(
        "",
        "",
        "0",
        "00",
        "+",
        "+886",
        "886",
        "00886",
        "002886",
        "+66",
        "66",
        "0066",
        "+81",
        "81",
        "0081",
        "010",
    ),
    *("＋８８６", "+1", "+44", "tel:+886", "'0", "="),
)
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
_JUNK = "0123456789 -+().,/;#xeE'\"=\n\t\u00a0\u200b\u202e０９๐๙٣²手機ext王สม🙂\x00"
_BEGINNINGS = {
    "TW": ("9", "09", "2", "4", "8"),
    "TH": ("8", "9", "6", "1", "2"),
    "JP": ("90", "80", "70", "60", "3"),
}


class Text(NamedTuple):
    """A text, and the region in which a number without country code is meant."""

    text: str
    region: str
    usual: bool = False
    """An example number in one of its usual forms."""


def examples() -> Iterator[Text]:
    """Every example number of the library, in the forms in which it writes them, as each served region may read it."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        numbers = [phonenumbers.invalid_example_number(region)]
        numbers += [phonenumbers.example_number_for_type(region, kind) for kind in PhoneNumberType.values()]
        for number in filter(None, numbers):
            for form in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966):
                text = phonenumbers.format_number(number, form)
                yield from (Text(text, served, usual=True) for served in SERVED)
            national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
            yield from (Text(national, served, usual=served == region) for served in SERVED)
            yield from (Text(f"00{number.country_code}{number.national_number}", served) for served in SERVED)
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        other = phonenumbers.example_number_for_non_geo_entity(code)
        if other is not None:
            text = phonenumbers.format_number(other, PhoneNumberFormat.E164)
            yield from (Text(text, served, usual=True) for served in SERVED)
    for region in SERVED:
        short = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
        for kind in (
            "general_desc",
            "toll_free",
            "premium_rate",
            "emergency",
            "short_code",
            "carrier_specific",
        ):
            described = getattr(short, kind, None)
            if described is not None and described.example_number is not None:
                yield Text(described.example_number, region)


def random_texts(count: int, seed: int = 7) -> Iterator[Text]:
    """Digits with separators, mutated mobiles, other digits than ours, and junk."""
    chance = random.Random(seed)
    ways = (_digits, _digits, _mutated, _mutated, _mobile, _mobile, _mobile, _other_digits, _junk)
    for _ in range(count):
        region = chance.choice(SERVED)
        yield Text(chance.choice(ways)(chance, region), region)


def _digits(chance: random.Random, _: str) -> str:
    digits = f"{chance.randrange(10 ** chance.randint(5, 13))}"
    marks = chance.choices(_SEPARATORS, k=len(digits)) if chance.random() < 0.5 else [""] * len(digits)
    return chance.choice(_PREFIXES) + "".join(map(str.__add__, digits, marks))


def _mobile(chance: random.Random, region: str) -> str:
    length = (10 if region == "JP" else 9) + chance.choice((*[0] * 10, -1, 1))
    begin = chance.choice(_BEGINNINGS[region])
    return (
        chance.choice(_PREFIXES if chance.random() < 0.4 else ("0", "0", ""))
        + begin
        + "".join(chance.choices("0123456789", k=length - len(begin)))
    )


def _mutated(chance: random.Random, region: str) -> str:
    text = list(_mobile(chance, region))
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(text))
        text[at : at + chance.randint(0, 1)] = chance.choice((*_SEPARATORS, chance.choice(_JUNK)))
        text = text or ["0"]
    return "".join(text)


def _other_digits(chance: random.Random, region: str) -> str:
    return _mutated(chance, region).translate(chance.choice((_WIDE, _THAI)))


def _junk(chance: random.Random, _: str) -> str:
    return "".join(chance.choices(_JUNK, k=chance.randint(0, 24)))


def said(judge: Callable[[str, str], Phone], x: Text) -> Phone | str:
    """The number, or why it is refused."""
    try:
        return judge(x.text, x.region)
    except InvalidNumber as error:
        return error.reason


def library_alone(x: Text) -> Phone | None:
    """What the library makes of a text as it is: a mobile of a served country, or nothing."""
    try:
        number = phonenumbers.parse(x.text, x.region)
    except phonenumbers.NumberParseException:
        return None
    kind, country = phonenumbers.number_type(number), phonenumbers.region_code_for_number(number)
    mobile = kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if not mobile or country not in SERVED:
        return None
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164), country)


class Agreement(NamedTuple):
    """How many texts were judged and accepted, and those on which the judges differ where they must not."""

    texts: int
    accepted: int
    differ: list[str]


def agreement(texts: Iterable[Text]) -> Agreement:
    """Judges every text three times."""
    count = accepted = 0
    differ: list[str] = []
    for x in texts:
        quick, slow, alone = said(parse, x), said(parse_slowly, x), library_alone(x)
        number = quick if isinstance(quick, Phone) else None
        count += 1
        accepted += number is not None
        if quick != slow:
            differ.append(f"{x.text!r} in {x.region}: {quick}, slowly {slow}")
        if (x.usual and number != alone) or (number is not None and alone is not None and number != alone):
            differ.append(f"{x.text!r} in {x.region}: {quick}, the library alone {alone}")
    return Agreement(count, accepted, differ)


def microseconds(judge: Callable[[str, str], Phone], texts: list[Text]) -> float:
    """Processor time of one text."""
    begun = time.process_time()
    for x in texts:
        said(judge, x)
    return (time.process_time() - begun) / len(texts) * 1e6


def report(name: str, found: Agreement) -> None:
    print(f"{name}: {found.texts:,} texts, {found.accepted:,} accepted, {len(found.differ):,} disagreements")
    for line in found.differ[:SHOWN]:
        print("   ", line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strings", type=int, default=STRINGS)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    known, strings = agreement(examples()), agreement(random_texts(asked.strings, asked.seed))
    report("The library's examples", known)
    report("Random strings", strings)
    mobiles = [x for x in random_texts(200_000, asked.seed + 1) if isinstance(said(parse, x), Phone)]
    for name, texts in (
        ("in digits only", [x for x in mobiles if x.text.isdecimal()]),
        ("in any form", mobiles),
    ):
        quick, slow = microseconds(parse, texts), microseconds(parse_slowly, texts[:10_000])
        print(f"A mobile {name}: {quick:.2f} µs, by the library {slow:.1f} µs")
    return 1 if known.differ or strings.differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
