"""Phone numbers: what people type, what is refused and why, and that the quick way is right."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import phonenumbers
import pytest
from bench import phone as figures
from hypothesis import example, given, settings
from hypothesis import strategies as st

from todoke.core import phone
from todoke.core.errors import InvalidNumber
from todoke.core.phone import Phone, Reason, line_hash, masked, parse, parse_slowly

TAIWANESE = [
    "0912-345-678",
    "+886 912 345 678",
    "912345678",
    "886912345678",
    "00886912345678",
    "002 886 912 345 678",
    "+886-0912-345-678",
    "+886 (0)912-345-678",
    "(+886) 912.345.678",
    "０９１２－３４５－６７８",
    "＋８８６９１２３４５６７８",
    "๐๙๑๒๓๔๕๖๗๘",
    "٠٩١٢٣٤٥٦٧٨",
    "0912‐345‑678",
    "0912–345—678",
    "0912−345ー678",
    "0912\u00a0345\u3000678",
    "\u202a+886 912 345 678\u202c",
    "\ufeff0912\u200b345\u2060678",
    "09\u00ad12345678",
    "[0912] 345 678",
    "tel:+886-912-345-678",
    "TEL：0912345678",
    "912345678.0",
    "886912345678.00",
    "912,345,678",
    "'0912345678",
    '="0912345678"',
    "  0912345678\r\n",
]

REFUSED = [
    ("", Reason.EMPTY),
    (" \u3000\t", Reason.EMPTY),
    ("'", Reason.EMPTY),
    ("-", Reason.NOT_A_NUMBER),
    ("+", Reason.NOT_A_NUMBER),
    ("N/A", Reason.NOT_A_NUMBER),
    ("0912-FLOWER", Reason.NOT_A_NUMBER),
    ("0912xxx678", Reason.NOT_A_NUMBER),
    ("091O345678", Reason.NOT_A_NUMBER),
    ("²912345678", Reason.NOT_A_NUMBER),
    ("++886912345678", Reason.NOT_A_NUMBER),
    ("912345678.5", Reason.NOT_A_NUMBER),
    ("91234567.8", Reason.NOT_A_NUMBER),
    ("#######", Reason.NOT_A_NUMBER),
    ("09123\x0045678", Reason.NOT_A_NUMBER),
    ("8.86912E+11", Reason.LOST_DIGITS),
    ("8,86912e+11", Reason.LOST_DIGITS),
    ("９.12E+08", Reason.LOST_DIGITS),
    ("0912345678 / 0922345678", Reason.SEVERAL_NUMBERS),
    ("0912345678,0922345678", Reason.SEVERAL_NUMBERS),
    ("0912345678、0922345678", Reason.SEVERAL_NUMBERS),
    ("0912345678\n0922345678", Reason.SEVERAL_NUMBERS),
    ("0912345678 0922345678", Reason.SEVERAL_NUMBERS),
    ("0912345678 或 0922345678", Reason.SEVERAL_NUMBERS),
    ("+886912345678+886922345678", Reason.SEVERAL_NUMBERS),
    ("91234567/8", Reason.SEVERAL_NUMBERS),
    ("0912345678 ext. 12", Reason.EXTENSION),
    ("0912345678#12", Reason.EXTENSION),
    ("0912-345-678 分機 12", Reason.EXTENSION),
    ("tel:+886912345678;ext=5", Reason.EXTENSION),
    ("9" * 30, Reason.TOO_LONG),
    ("0912345678" + "-" * 60, Reason.TOO_LONG),
    ("+1 415 555 2671", Reason.COUNTRY_NOT_SERVED),
    ("0065 8123 4567", Reason.COUNTRY_NOT_SERVED),
    ("02-2345-6789", Reason.NOT_MOBILE),
    ("+886 2 2345 6789", Reason.NOT_MOBILE),
    ("0800-123-456", Reason.NOT_MOBILE),
    ("+81 3 1234 5678", Reason.NOT_MOBILE),
    ("0912-345-67", Reason.INVALID),
    ("0912-345-6789", Reason.INVALID),
    ("+886 999 999 9999", Reason.INVALID),
    ("+0912345678", Reason.INVALID),
    ("12", Reason.INVALID),
]


def outcome(text: str, region: str, way: Any = parse) -> Phone | str:
    try:
        found: Phone = way(text, region)
    except InvalidNumber as error:
        return error.reason
    return found


@pytest.mark.parametrize("text", TAIWANESE)
def test_a_taiwanese_number_is_understood_however_it_is_typed(text: str) -> None:
    assert parse(text, "TW") == Phone("+886912345678", "TW")


@pytest.mark.parametrize(
    ("text", "region", "e164", "country"),
    [
        ("081-234-5678", "TH", "+66812345678", "TH"),
        ("๐๘๑-๒๓๔-๕๖๗๘", "TH", "+66812345678", "TH"),
        ("812345678", "TH", "+66812345678", "TH"),
        ("661234567", "TH", "+66661234567", "TH"),  # begins as the calling code does, and is a whole number
        ("66661234567", "TH", "+66661234567", "TH"),
        ("090-1234-5678", "JP", "+819012345678", "JP"),
        ("9012345678", "JP", "+819012345678", "JP"),
        ("010 886 912 345 678", "JP", "+886912345678", "TW"),
        ("0901234567", "TW", "+886901234567", "TW"),
        ("0901234567", "TH", "+66901234567", "TH"),
        ("66812345678", "TW", "+66812345678", "TH"),
        ("819012345678", "TH", "+819012345678", "JP"),
        ("00886912345678", "TH", "+886912345678", "TW"),
    ],
)
def test_the_region_gives_national_numbers_their_country_and_others_keep_theirs(
    text: str, region: str, e164: str, country: str
) -> None:
    assert parse(text, region) == Phone(e164, country)


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_no_single_mobile_number_is_refused_with_its_reason(text: str, reason: Reason) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse(text, "TW", pointer="/rows/3")
    assert (caught.value.reason, caught.value.pointer) == (reason, "/rows/3")
    assert "\n" not in caught.value.message
    assert ":" in caught.value.message  # the remedy comes behind it


def test_a_refusal_never_shows_the_number() -> None:
    for text, reason in REFUSED:
        if reason is Reason.EMPTY:
            continue
        with pytest.raises(InvalidNumber) as caught:
            parse(text, "TW")
        shown = caught.value.message.split(phone.MASK)
        assert len(shown) == 2, text
        assert len(re.sub(r"\D", "", shown[0])) <= 2, text


def test_a_region_that_is_not_served_is_the_programs_mistake() -> None:
    with pytest.raises(ValueError, match="'US' is none of TW, TH, JP"):
        parse("0912345678", "US")


def test_a_long_text_costs_no_time() -> None:
    assert outcome("0" * 5_000_000, "TW") == Reason.TOO_LONG
    assert outcome("0912345678" + " " * 5_000_000, "TW") == Phone("+886912345678", "TW")


# The quick way against the library.


def digit_sequences(pattern: str) -> Iterator[list[str]]:
    """A national pattern of the library as sequences of digit sets: `9[0-8]` → ["9", "012345678"]."""
    parser: Any = re._parser  # type: ignore[attr-defined]

    def of(tokens: Any) -> list[list[str]]:
        found: list[list[str]] = [[]]
        for op, arg in tokens:
            found = [left + right for left, right in product(found, one(str(op), arg))]
        return found

    def one(op: str, arg: Any) -> list[list[str]]:
        if op == "LITERAL":
            return [[chr(arg)]]
        if op == "IN":
            return [["".join(sorted({digit for part in arg for digit in members(str(part[0]), part[1])}))]]
        if op == "SUBPATTERN":
            return of(arg[3])
        if op == "BRANCH":
            return [sequence for branch in arg[1] for sequence in of(branch)]
        assert op == "MAX_REPEAT", op
        least, most, inner = arg
        return [[s for part in parts for s in part] for n in range(least, most + 1)
                for parts in product(of(inner), repeat=n)]  # fmt: skip

    def members(op: str, arg: Any) -> str:
        if op == "RANGE":
            return "".join(map(chr, range(arg[0], arg[1] + 1)))
        return chr(arg) if op == "LITERAL" else "0123456789"

    yield from of(parser.parse(pattern))


def national_numbers(country: str) -> Iterator[str]:
    """For every prefix class of the mobile pattern its numbers, in three fillings, and near misses."""
    pattern = phonenumbers.PhoneMetadata.metadata_for_region(country).mobile.national_number_pattern
    for sequence in digit_sequences(pattern):
        free = [len(digits) == 10 for digits in sequence]
        for fill in ("0", "9", "5"):
            fixed = [
                fill if all_digits else digits for all_digits, digits in zip(free, sequence, strict=True)
            ]
            for number in map("".join, product(*fixed)):
                yield number
                yield number[:-1]
                yield number + fill
            for place, digits in enumerate(sequence):
                for miss in set("0123456789") - set(digits):
                    yield (
                        "".join(each[0] for each in fixed[:place])
                        + miss
                        + "".join(each[0] for each in fixed[place + 1 :])
                    )


def library_says(calling_code: str, national: str) -> Phone | None:
    """The library alone, with none of our code."""
    number = phonenumbers.parse(f"+{calling_code}{national}", None)
    mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    if not mobile:
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, phonenumbers.region_code_for_number(number))


CALLING_CODES = {"TW": "886", "TH": "66", "JP": "81"}


@pytest.mark.parametrize("country", phone.SERVED)
def test_over_all_prefix_classes_a_number_passes_exactly_where_the_library_has_a_mobile(country: str) -> None:
    code = CALLING_CODES[country]
    numbers = {n for n in national_numbers(country) if not n.startswith("0")}
    passed = 0
    for national in numbers:
        said = library_says(code, national)
        found = outcome(f"+{code}{national}", "TW")
        assert (found if isinstance(found, Phone) else None) == said, national
        passed += said is not None
    assert passed > 20
    assert passed < len(numbers)


@pytest.mark.parametrize("country", phone.SERVED)
def test_the_quick_way_gives_what_the_library_gives_in_every_common_form(country: str) -> None:
    code = CALLING_CODES[country]
    forms = [
        "{n}",
        "0{n}",
        "{c}{n}",
        "+{c}{n}",
        "00{c}{n}",
        "+{c}0{n}",
        "{c}0{n}",
        "0-{n}",
        "(0){n}",
        "+{c} (0) {n}",
    ]
    for national in {n for n in national_numbers(country) if n[-1] in "05"}:
        for form in forms:
            text = form.format(n=national, c=code)
            for region in phone.SERVED:
                assert outcome(text, region) == outcome(text, region, parse_slowly), (text, region)


@pytest.mark.parametrize("country", phone.SERVED)
def test_all_first_four_digits_are_judged_as_the_library_judges_them(country: str) -> None:
    code, length = CALLING_CODES[country], 10 if country == "JP" else 9
    for first in range(1000, 10_000):
        national = f"{first}12345678"[:length]
        quick = phone._QUICK[country](national)
        assert (quick is not None) == (library_says(code, national) is not None), national


@pytest.mark.parametrize("country", phone.SERVED)
@pytest.mark.parametrize(
    "kind", ["mobile", "fixed_line", "toll_free", "pager", "voip", "premium_rate", "personal_number", "uan"]
)
def test_the_librarys_example_numbers_pass_if_and_only_if_they_are_mobiles(country: str, kind: str) -> None:
    described = getattr(phonenumbers.PhoneMetadata.metadata_for_region(country), kind)
    if described is None or described.example_number is None:
        assert kind not in ("mobile", "fixed_line", "toll_free")  # these every country has
        return
    found = outcome(f"+{CALLING_CODES[country]}{described.example_number}", country)
    if kind == "mobile":
        assert found == Phone(f"+{CALLING_CODES[country]}{described.example_number}", country)
    else:
        assert found == Reason.NOT_MOBILE


def test_the_librarys_examples_and_random_strings_are_judged_as_the_library_judges_them() -> None:
    """A part of what `python -m bench.phone` compares: examples of the served countries, 3,000 strings of a million."""
    served = [x for x in figures.examples() if x.usual and CALLING_CODES[x.region] in x.text]
    for texts, least in ((served, 8), (figures.random_texts(3_000), 300)):
        found = figures.agreement(texts)
        assert found.differ == []
        assert least < found.accepted < found.texts


def test_common_forms_do_not_reach_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(plain: str, region: str) -> Phone:
        raise AssertionError(plain)

    monkeypatch.setattr(phone, "_by_library", no_library)
    for text in [*TAIWANESE[:4], "０９１２－３４５－６７８", "๐๙๑๒๓๔๕๖๗๘", "(0912) 345–678"]:
        assert parse(text, "TW").e164 == "+886912345678"


MARKS = " -()+.,/\u00a0\u200b０๙x#e'\n"
near_numbers = st.builds(
    lambda prefix, digits, marks: "".join(
        d + mark for d, mark in zip(prefix + digits, marks + [""] * 40, strict=False)
    ),
    st.sampled_from(
        ["", "0", "00", "+", "886", "+886", "00886", "+8860", "66", "+66", "0066", "+81", "81", "09", "08"]
    ),
    st.text("0123456789", min_size=6, max_size=12),
    st.lists(st.sampled_from(["", "", "", "", *MARKS]), max_size=12),
)


@settings(max_examples=1500, deadline=None)
@given(near_numbers | st.text(st.sampled_from("0123456789" + MARKS), max_size=20) | st.text(max_size=70))
@example("0912345678.0")
@example("+886 0912 345 678")
def test_quick_and_slow_way_agree_on_any_text(text: str) -> None:
    for region in phone.SERVED:
        assert outcome(text, region) == outcome(text, region, parse_slowly)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=100))
def test_any_text_gives_a_mobile_in_e164_or_a_reason(text: str) -> None:
    found = outcome(text, "TH")
    if isinstance(found, Phone):
        assert re.fullmatch(r"\+(886|66|81)[1-9]\d{8,9}", found.e164)
    else:
        assert found in set(Reason)


def test_an_e164_number_is_understood_as_itself_in_every_region() -> None:
    for country, national in [("TW", "912345678"), ("TH", "812345678"), ("JP", "9012345678")]:
        e164 = f"+{CALLING_CODES[country]}{national}"
        assert {parse(e164, region) for region in phone.SERVED} == {Phone(e164, country)}


# Hash and mask.


def test_the_hash_is_the_one_of_lines_documentation() -> None:
    assert line_hash("+818000001234") == "d41e0ad70dddfeb68f149ad6fc61574b9c5780ab7bcb2fba5517771ffbb2409c"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+886912345678", "0912•••678"),
        ("+66812345678", "0812•••678"),
        ("+819012345678", "0901•••678"),
        ("+14155552671", "+1•••71"),
        ("0912345678", "09•••78"),
        ("", "•••"),
        ("1234", "•••"),
        ("12345", "1•••"),
        ("a\nb\x1b[31mcd", "a?•••cd"),
        ("x" * 200, "xx•••"),
    ],
)
def test_a_masked_number_shows_its_ends_only(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.text(max_size=100))
def test_of_any_other_text_at_most_two_characters_at_each_end_are_shown(text: str) -> None:
    shown = masked(text)
    start, mask, end = shown.partition(phone.MASK)
    assert mask == phone.MASK
    assert len(start) <= 2
    assert len(end) <= 2
    assert shown.isprintable()
