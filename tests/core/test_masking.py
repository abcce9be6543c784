"""Masks: as people of each country write them, and never more than they promise."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.masking import SHOWS, Kind, mask
from todoke.core.sms_text import Encoding, segments
from todoke.core.template import check_parameters, compile, render_sms
from todoke.core.template_values import utf16_length

SIGNS = "•○"


def test_each_kind_is_masked_as_people_of_the_country_write_it() -> None:
    table: dict[Kind, dict[str, str]] = {
        Kind.NAME: {
            "王小明": "王○明",
            "王明": "王○",
            "王": "○",
            "歐陽小明": "歐○○明",
            "佐藤 美咲": "佐藤 ○○",
            "佐藤　美咲": "佐藤　○○",
            "サトウ ミサキ": "サトウ ○○○",
            "สมชาย ใจดี": "สมชาย ใ•••",
            "สมชาย": "ส•••",
            "John Smith": "John S•••",
            "Anna Maria Lo": "Anna M••• L•",
            "Bo": "B•",
            "B": "•",
        },
        Kind.PHONE: {
            "0912345678": "0912•••678",
            "0912-345-678": "0912•••678",
            "090-1234-5678": "0901•••678",
            "+886 912 345 678": "8869•••678",
            "02-12345": "•••345",
            "119": "••9",
        },
        Kind.EMAIL: {"wang@example.com": "w•••@example.com", "a@b.tw": "•@b.tw", "ab@b.tw": "a•@b.tw", "wang": "w•••"},
        Kind.CARD_NUMBER: {
            "4111 1111 1111 1234": "•••• 1234",
            "4111111111111234": "•••• 1234",
            "41111234": "••••1234",
            "1234": "••34",
        },
        Kind.ACCOUNT_NUMBER: {"012-345-678901": "•••• 8901", "123-4-56789-0": "•••• 7890"},
        Kind.NATIONAL_ID: {"A123456789": "A•••789", "1-2345-67890-12-3": "1•••123", "A1234": "•••34"},
        Kind.PASSPORT: {"TR1234567": "T•••567"},
        Kind.ADDRESS: {
            "台北市信義區松仁路100號5樓": "台北市信義區•••",
            "110 臺北市信義區松仁路100號": "臺北市信義區•••",
            "新竹縣竹北市光明六路10號": "新竹縣竹北市•••",
            "〒100-0005 東京都千代田区丸の内1-1-1": "東京都千代田区•••",
            "大阪府大阪市北区梅田3-1": "大阪府大阪市•••",
            "千葉県市川市八幡1-1": "千葉県市川市•••",
            "123/45 ถนนสุขุมวิท เขตคลองเตย กรุงเทพมหานคร 10110": "••• เขตคลองเตย กรุงเทพมหานคร",
            "No. 7, Xinyi Rd., Taipei": "•••, Taipei",
            "somewhere 5": "•••",
        },
        Kind.CUSTOMER_NUMBER: {"C00123456": "••••3456"},
        Kind.ORDER_NUMBER: {"A-1001": "•••01", "HR260810001": "••••0001"},
        Kind.BIRTHDAY: {
            "1990/05/12": "1990/••/••",
            "1990年5月12日": "1990年•月••日",
            "12 พ.ค. 2533": "•• •.•. 2533",
            "May 12, 1990": "••• ••, 1990",
            "19900512": "••••••••",
        },
        Kind.PLATE: {"ABC-1234": "ABC-••34", "1กก 1234 กรุงเทพ": "•กก ••34 กรุงเทพ", "品川 300 あ 12-34":
                     "品川 ••• あ ••-34"},
    }  # fmt: skip
    assert set(table) == set(Kind) == set(SHOWS)
    assert {kind: {text: mask(kind, text) for text in texts} for kind, texts in table.items()} == table


ALPHABETS = (
    "0123456789- ",
    "王小明歐陽台北市信義區東京都大阪府県号 　",
    "สมชายใจดีเขตอำเภอ. 0123",
    "Ab @.,-/0123456789",
    "•○ 12aก王",
)
VALUES = st.one_of(
    *(st.text(alphabet, min_size=1, max_size=30) for alphabet in ALPHABETS), st.text(max_size=40)
)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(Kind), VALUES)
def test_a_mask_shows_what_stood_there_is_no_longer_and_is_the_same_again(kind: Kind, text: str) -> None:
    masked = mask(kind, text)
    assert utf16_length(masked) <= utf16_length(text)
    assert mask(kind, masked) == masked
    # What is shown stood there, in this order, and nothing else is.
    left = iter(text)
    assert all(c in left for c in masked if c not in SIGNS and not (c == " " and kind in CARDS)), masked


CARDS = (Kind.CARD_NUMBER, Kind.ACCOUNT_NUMBER)
MOST_DIGITS = {
    Kind.PHONE: 7,
    Kind.CARD_NUMBER: 4,
    Kind.ACCOUNT_NUMBER: 4,
    Kind.NATIONAL_ID: 4,
    Kind.PASSPORT: 4,
    Kind.CUSTOMER_NUMBER: 4,
    Kind.ORDER_NUMBER: 4,
    Kind.BIRTHDAY: 4,
    Kind.PLATE: 2,
    Kind.ADDRESS: 0,
}


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(list(MOST_DIGITS)), VALUES)
def test_a_mask_shows_no_more_digits_than_it_says_and_never_a_short_number_whole(
    kind: Kind, text: str
) -> None:
    digits = [c for c in text if c.isdecimal()]
    shown = [c for c in mask(kind, text) if c.isdecimal()]
    assert len(shown) <= MOST_DIGITS[kind]
    if (
        kind not in (Kind.BIRTHDAY, Kind.ADDRESS)
        and not set(SIGNS) & set(text)
        and all(c.isdecimal() or not c.isalnum() for c in text)
    ):
        assert not digits or len(shown) < len(digits)


@settings(deadline=None)
@given(st.text("王小明佐藤美咲สมชายJohnéñ", min_size=1, max_size=12))
def test_a_name_of_one_word_shows_two_characters_at_most(name: str) -> None:
    assert len([c for c in mask(Kind.NAME, name) if c not in SIGNS]) <= 2


def spec(**parameter: object) -> dict[str, object]:
    declared = {"who": {"type": "text", "example": "王小明", **parameter}}
    return {"name": "a", "use_case": "b", "parameters": declared, "sms": "{{who}} 您好"}


def test_a_parameter_is_masked_when_it_is_filled_in_and_only_then() -> None:
    table: list[tuple[dict[str, object], str]] = [
        ({"personal": "name", "mask": True}, "王○明 您好"),
        ({"mask": "name"}, "王○明 您好"),
        ({"personal": "name"}, "王小明 您好"),
        ({"personal": "name", "mask": False}, "王小明 您好"),
        ({"personal": "name", "mask": "order_number"}, "••明 您好"),
    ]
    for parameter, shown in table:
        template = compile(spec(**parameter))
        assert render_sms(template, check_parameters(template, {"who": "王小明"})) == shown, parameter
    template = compile(spec(mask="name", max=3))
    assert template.parameters["who"].personal == "name"
    with pytest.raises(InvalidParameters, match="has 4 characters, 3 are allowed") as error:
        check_parameters(template, {"who": "歐陽小明"})
    assert "歐陽" not in str(error.value)


def test_what_can_not_be_masked_is_said_with_the_place() -> None:
    table: list[tuple[dict[str, object], str, str]] = [
        ({"mask": True}, "/parameters/who/mask", "one of name, phone"),
        ({"mask": "shoe_size"}, "/parameters/who/mask", "one of name, phone"),
        ({"mask": 1}, "/parameters/who/mask", "one of name"),
        ({"personal": "shoe_size"}, "/parameters/who/personal", "one of name"),
        ({"personal": ["name"]}, "/parameters/who/personal", "one of name"),
        ({"masked": True}, "/parameters/who", "no field 'masked'"),
        (
            {"type": "url", "example": "https://a.example", "mask": "name"},
            "/parameters/who/mask",
            "leads nowhere",
        ),
        ({"event": "yes"}, "/parameters/who/event", "true or false"),
        ({"event": True}, "/parameters/who/event", "Only a date or a datetime"),
    ]
    for parameter, pointer, words in table:
        with pytest.raises(InvalidTemplate, match=words) as error:
            compile(spec(**parameter))
        assert error.value.pointer == pointer, parameter
    two = {n: {"type": "date", "example": "8/10", "event": True} for n in ("a", "b")}
    with pytest.raises(InvalidTemplate, match="a is it already") as error:
        compile({**spec(), "parameters": two, "sms": "x"})
    assert error.value.pointer == "/parameters/b/event"
    masked_in_address = {**spec(mask="name"), "sms": "x", "push": [{"type": "text", "text": "x", "action": {
        "type": "uri", "uri": "https://a.example/{{who}}"}}]}  # fmt: skip
    with pytest.raises(InvalidTemplate, match="masked") as error:
        compile(masked_in_address)
    assert error.value.pointer == "/parameters/who/example"


def test_no_value_makes_masking_slow() -> None:
    values = (
        ", " + " " * 4990 + "1", ",a" * 2490 + "1", "市" * 5000, "เขต" * 1600 + "1", "1990 " * 1000, "a@" * 2500
    )  # fmt: skip
    began = time.process_time()
    for kind in Kind:
        for value in values:
            mask(kind, value)
    assert time.process_time() - began < 0.9


def test_an_sms_is_as_long_as_its_masked_values_make_it() -> None:
    spec = {
        "name": "n", "use_case": "delivery", "sms": "Dear {{name}}, " + "your parcel is here. " * 40,
        "parameters": {"name": {"type": "text", "example": "Emily Chen", "mask": "name"}},
    }  # fmt: skip
    text = render_sms(compile(spec), {"name": "Emily C•••"})
    assert (segments(text).encoding, segments(text).segments, "C***" in text) == (Encoding.GSM7, 6, True)
