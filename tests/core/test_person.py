"""How one person may be named in what is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.person import Person, mentions
from todoke.core.phone import line_hash

USER = "U" + "0123456789abcdef" * 2
WANG = Person(numbers=frozenset({"+886912345678"}), user_ids=frozenset({USER}))


@pytest.mark.parametrize(
    "text",
    [
        "+886912345678",
        "886912345678",
        "00886 912 345 678",
        "0912-345-678",
        "(0912) 345 678",
        "0912.345.678",
        "912345678",
        "請打 0912 345 678 找我",
        "０９１２－３４５－６７８",
        "๐๙๑๒๓๔๕๖๗๘",
        "tel:+886-912-345-678;ext=1",
        "to=%2B886912345678&x=1",
        line_hash("+886912345678"),
        line_hash("+886912345678").upper(),
        f'{{"source":{{"userId":"{USER}"}}}}',
    ],
)
def test_every_usual_way_to_name_the_person_is_found(text: str) -> None:
    assert mentions(text, WANG)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0912345679",
        "10912345678",
        "09123456780",
        "0912•••678",
        "order 20260807-0912",
        line_hash("+886912345679"),
        "U" + "f" * 32,
    ],
)
def test_other_numbers_and_users_are_not_taken_for_the_person(text: str) -> None:
    assert not mentions(text, WANG)


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    mentions(text, WANG)
    assert mentions(text + " 0912345678", WANG)


def test_who_has_no_number_is_found_by_user_id_alone() -> None:
    nobody = Person(user_ids=frozenset({USER}))
    assert mentions(USER, nobody)
    assert not mentions("0912345678", nobody)
