"""Which column of a list is what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.columns import (
    NUMBER_HEADERS,
    PARAMETER_HEADERS,
    REFERENCE_HEADERS,
    Columns,
    InvalidColumns,
    find_columns,
    folded,
)


def test_the_usual_header_needs_no_telling() -> None:
    found = find_columns(["phone", "name", "order_id", "note"], ["name"])
    assert found == Columns(number=0, reference=2, parameters=(("name", 1),), width=4)


@pytest.mark.parametrize(
    "header",
    ["phone", "Phone", " PHONE ", "to", "mobile", "電話", "手機號碼", "携帯番号", "เบอร์โทรศัพท์", "TEL"],
)
def test_a_phone_column_is_known_by_its_name_in_four_languages(header: str) -> None:
    assert find_columns(["x", header], []).number == 1


@pytest.mark.parametrize("header", ["reference", "Order", "訂單編號", "注文番号", "หมายเลขคำสั่งซื้อ"])
def test_a_reference_column_is_known_by_its_name(header: str) -> None:
    assert find_columns(["phone", header], []).reference == 1


def test_a_list_needs_no_reference() -> None:
    assert find_columns(["phone"], []).reference is None


def test_chosen_names_go_before_usual_ones() -> None:
    header = ["phone", "office", "order", "slip", "name", "full name"]
    found = find_columns(header, ["name"], {"to": "Office", "reference": "slip ", "name": "FULL NAME"})
    assert found == Columns(number=1, reference=3, parameters=(("name", 5),), width=6)


def test_of_two_usual_phone_columns_the_plainer_name_wins() -> None:
    assert find_columns(["tel", "phone"], []).number == 1


def test_of_two_columns_with_one_name_the_first_counts() -> None:
    assert find_columns(["phone", "name", "name"], ["name"]).parameters == (("name", 1),)


def test_a_column_may_serve_twice() -> None:
    found = find_columns(["phone", "code"], ["code"], {"reference": "code"})
    assert (found.reference, found.parameters) == (1, (("code", 1),))


@pytest.mark.parametrize(
    ("header", "parameters", "chosen", "pointer", "words"),
    [
        (["name"], ["name"], {}, "/file", "no column for the phone number.*It has: name"),
        (["phone"], ["name", "shop"], {}, "/file", "needs name, shop.*It has: phone"),
        (["phone"], [], {"to": "mobil"}, "/columns/to", "no column 'mobil'.*It has: phone"),
        (
            ["phone"],
            ["name"],
            {"nmae": "phone"},
            "/columns/nmae",
            "'nmae'.*neither to, reference, language, event_at nor a parameter",
        ),
        (["phone", ""], ["name"], {"name": "x"}, "/columns/name", r"It has: phone, \(no name\)"),
        ([], [], {}, "/file", "no column for the phone number"),
    ],
)
def test_what_is_missing_is_said_with_what_the_file_has(
    header: list[str], parameters: list[str], chosen: dict[str, str], pointer: str, words: str
) -> None:
    with pytest.raises(InvalidColumns, match=words) as error:
        find_columns(header, parameters, chosen)
    assert error.value.pointer == pointer


def test_a_very_wide_header_makes_no_very_long_error() -> None:
    with pytest.raises(InvalidColumns) as error:
        find_columns(["x" * 500] * 1000, [])
    assert len(str(error.value)) < 600


names = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(
    header=st.lists(names, max_size=8), parameters=st.lists(names.filter(str.strip), max_size=3, unique=True)
)
def test_every_place_found_bears_a_name_that_fits(header: list[str], parameters: list[str]) -> None:
    def bears(position: int, *wanted: str) -> bool:
        return folded(header[position]) in {folded(w) for w in wanted}

    try:
        found = find_columns(header, parameters)
    except InvalidColumns:
        held = {folded(h) for h in header}
        needed = {folded(p) for p in parameters}
        assert not needed <= held or held.isdisjoint(map(folded, NUMBER_HEADERS))
        return
    assert found.width == len(header)
    assert bears(found.number, *NUMBER_HEADERS)
    assert found.reference is None or bears(found.reference, *REFERENCE_HEADERS)
    assert [p for p, _ in found.parameters] == parameters
    assert all(bears(at, p, *PARAMETER_HEADERS.get(p, ())) for p, at in found.parameters)
