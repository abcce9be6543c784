"""Lists of numbers as CSV, with and without a header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.columns import InvalidColumns
from todoke.core.number_list import read_numbers


def numbers(text: str) -> list[tuple[int, str]]:
    return [(row.line, row.number) for row in read_numbers(text).rows]


def test_the_column_is_found_by_its_name_and_lines_are_those_of_the_file() -> None:
    found = read_numbers('name,Mobile,note\nAnna,0912,"a\nb"\n\nBo,0913,\n')
    assert found.header == ["name", "Mobile", "note"]
    rows = list(found.rows)
    assert [(r.line, r.number, r.extras) for r in rows] == [(2, "0912", {"note": "a\nb"}), (5, "0913", {})]


@pytest.mark.parametrize("first", ["0912-345-678", "+886 912 345 678", "(09)12345678", "०९१२३४५६७८"])
def test_numbers_without_a_header_are_all_rows(first: str) -> None:
    assert numbers(f"{first}\n0912345679\n") == [(1, first), (2, "0912345679")]


def test_without_a_header_the_column_is_where_the_first_number_stands() -> None:
    found = read_numbers("Anna,0912345678\nBo,0912345679\nCy\n")
    rows = list(found.rows)
    assert found.header == ["column 1", "phone"]
    assert [r.number for r in rows] == ["0912345678", "0912345679", ""]
    assert "none for the number" in rows[2].problem


@pytest.mark.parametrize("text", ["", "\n\n", " , \n", "name,city\nAnna,Taipei\n", "order 12345\n"])
def test_a_file_without_numbers_is_refused(text: str) -> None:
    with pytest.raises(InvalidColumns):
        read_numbers(text)


@given(st.text(max_size=200))
def test_whatever_a_file_holds_there_is_an_answer(text: str) -> None:
    try:
        rows = list(read_numbers(text).rows)
    except InvalidColumns:
        return
    assert [r.line for r in rows] == sorted(r.line for r in rows)
