"""Personal data in contents: what is found, and what parameters may say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from todoke.core import template as templates
from todoke.core.content.check import About, ContentCheck
from todoke.core.content.personal import PersonalCheck, is_card, is_my_number, is_taiwan_id, is_thai_id
from todoke.core.content.text import Checker
from todoke.core.masking import Kind
from todoke.rules.checks import load_data

CHECK = PersonalCheck(load_data().personal)
NATIONAL, CARD, PHONE, MAIL = Kind.NATIONAL_ID, Kind.CARD_NUMBER, Kind.PHONE, Kind.EMAIL

SEEN: dict[str, list[tuple[Kind, bool]]] = {
    "身分證 A123456789": [(NATIONAL, True)],
    "a123456789 さん": [(NATIONAL, True)],
    "Ａ１２３４５６７８９": [(NATIONAL, True)],
    "居留證 A800000014": [(NATIONAL, True)],
    "A123456788": [],
    "包裹 HR260810001 已到": [],
    "1-1037-02071-81-1": [(NATIONAL, True)],
    "เลขประจำตัวประชาชน 1103702071811": [(NATIONAL, True)],
    "หมายเลข 1103702071811": [(NATIONAL, False)],
    "1103702071812": [],
    "マイナンバー 1234-5678-9018": [(NATIONAL, True)],
    "お荷物 1234-5678-9018": [],
    "卡號 4111 1111 1111 1111": [(CARD, True)],
    "4111-1111-1111-1111": [(CARD, True)],
    "３５３０１１１３３３３０００００": [(CARD, True)],
    "378282246310005": [(CARD, True)],
    "4111111111111112": [],
    "注文 20260807-12345678": [],
    "•••• 1111": [],
    "๔๑๑๑ ๑๑๑๑ ๑๑๑๑ ๑๑๑๑": [(CARD, True)],
    "4111\u200b1111\u200b1111\u200b1111": [(CARD, True)],
    "4902102072625": [],
    "0800-123-4567": [],
    "08001234567": [],
    "電話 0912-345-678": [(PHONE, True)],
    "+886 912 345 678": [(PHONE, True)],
    "โทร 081-234-5678": [(PHONE, True)],
    "090-1234-5678": [(PHONE, True)],
    "0912•••678": [],
    "客服 02-2345-6789": [],
    "a.b@shop.example": [(MAIL, True)],
}


def test_numbers_are_told_from_one_another_by_their_form_and_check_digit() -> None:
    seen = {text: [(x.kind, x.sure) for x in CHECK.see(text, None)] for text in SEEN}
    assert seen == SEEN


def test_a_number_is_somebodys_only_where_the_country_has_such_numbers() -> None:
    rows: dict[tuple[str, str], list[Kind]] = {
        ("0800123456", "TW"): [],  # toll-free there, a mobile phone in Thailand
        ("0800123456", "TH"): [PHONE],
        ("+66 80 012 3456", "TW"): [PHONE],
        ("A123456789", "TW"): [NATIONAL],
        ("A123456789", "JP"): [],
        ("身分證 A123456789", "JP"): [NATIONAL],
    }
    assert {row: [x.kind for x in CHECK.see(*row)] for row in rows} == rows


def test_check_digits_are_those_of_the_offices_examples() -> None:
    assert [is_taiwan_id(x) for x in ("A123456789", "B120863158", "A123456780", "A12345678", "Ａ123456789")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [is_thai_id(x) for x in ("1103702071811", "0103702071811", "110370207181")] == [True, False, False]
    assert [is_my_number(x) for x in ("123456789018", "123456789019", "000000000000")] == [True, False, False]
    # Numbers that card networks publish for tests.
    good = ("4111111111111111", "5555555555554444", "378282246310005", "3530111333300000", "6011111111111117")
    assert all(map(is_card, good))
    assert not any(is_card(x[:-1] + str((int(x[-1]) + 1) % 10)) for x in good)
    assert not is_card("9111111111111111")


def test_a_finding_does_not_repeat_the_number_that_it_tells_of() -> None:
    (found,) = CHECK.text("卡號 4111 1111 1111 1111", country="TW", pointer="/parameters/x")
    assert (found.code, found.words) == ("personal-card-number", "41•••1111")


def test_who_says_that_a_number_is_an_orders_answers_for_it() -> None:
    def codes(known: Kind | None) -> list[str]:
        return [x.code for x in CHECK.text("A123456789", country="TW", pointer="", known=known)]

    assert codes(None) == codes(Kind.NAME) == ["personal-national-id"]
    assert codes(Kind.ORDER_NUMBER) == []


def test_a_long_number_that_does_not_say_what_it_is_is_asked_before_one_of_its_values_is_refused() -> None:
    def asked(**declared: Any) -> set[str]:
        template = _template(order={"type": "text", **declared})
        check = ContentCheck([Checker(())], load_data())
        return {x.code for x in check.template(template, About(country="TW"))} & {"personal-undeclared"}

    assert asked(example="B260807001") == asked(example="4408 1260 8000 0012") == {"personal-undeclared"}
    assert asked(example="B260807001", personal="order_number") == asked(example="A-17") == set()


def _template(**parameters: dict[str, Any]) -> templates.Template:
    text = " ".join(f"{{{{{name}}}}}" for name in parameters) or "x"
    spec = {
        "name": "t",
        "use_case": "own",
        "parameters": parameters,
        "flexible": [{"type": "text", "text": text}],
    }
    return templates.compile(spec)


@pytest.mark.parametrize("no_verification", [False, True])
def test_personal_parameters_are_shown_masked_or_absent_as_the_table_says(no_verification: bool) -> None:
    examples = {
        "name": "王小明", "phone": "0912345678", "email": "a@b.example", "address": "台北市信義區",
        "birthday": "1990-01-02",
        "national_id": "A123456789", "passport": "300000001", "card_number": "4111111111111111", "plate": "ABC-1234",
        "account_number": "00412345678", "customer_number": "C-1234567", "order_number": "A123456789",
    }  # fmt: skip
    kinds = load_data().personal.kinds
    assert set(examples) == set(kinds) == set(Kind), "every kind of masking has its rule"
    check = ContentCheck([Checker(())], load_data())
    about = About(country="TW", no_verification=no_verification)
    for kind, example in examples.items():
        rule = kinds[kind].no_verification if no_verification else kinds[kind].usual
        for masked in (False, True):
            declared = {"type": "text", "example": example, "personal": kind, "mask": masked}
            found = check.template(_template(x=declared), about)
            blocking = {x.code for x in found if x.severity == "error"}
            if no_verification and rule == "forbidden":
                assert "no-verification-forbidden" in blocking, kind
            elif no_verification and rule == "masked" and not masked:
                assert "no-verification-unmasked" in blocking, kind
            elif kinds[kind].strict and not masked:
                assert "personal-forbidden" in blocking, kind
            else:
                assert not blocking, (kind, masked, found)
            if not no_verification and rule == "masked" and not masked and not kinds[kind].strict:
                assert "personal-unmasked" in {x.code for x in found}, kind
