"""Ids sort by the time they were made and never come twice, whatever the machine's clock does."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.ids import LENGTH, UlidIds, is_id


def following(times: Sequence[int]) -> Callable[[], int]:
    left = iter(times)
    return lambda: next(left)


@given(st.lists(st.integers(0, 2**42), min_size=2, max_size=60))
def test_ids_of_one_maker_rise_and_are_unique_while_the_clock_stands_or_goes_back(times: list[int]) -> None:
    maker = UlidIds(following(times))
    made = [maker.new() for _ in times]
    assert made == sorted(set(made))


@given(st.lists(st.integers(1, 2**42), min_size=2, max_size=20, unique=True))
def test_ids_of_many_makers_sort_by_the_millisecond(times: list[int]) -> None:
    made = {t: UlidIds(following([t])).new() for t in times}
    assert sorted(made.values()) == [made[t] for t in sorted(made)]


@pytest.mark.parametrize("bits", [0, 2**79 - 1])
def test_counting_up_never_reaches_the_next_millisecond(bits: int) -> None:
    standing = UlidIds(lambda: 1_000, lambda _: bits)
    made = [standing.new() for _ in range(1000)]
    assert made == sorted(set(made))
    assert made[-1] < UlidIds(lambda: 1_001, lambda _: 0).new()


def test_an_id_is_26_characters_that_nobody_mistakes_for_others() -> None:
    made = UlidIds(lambda: 1_786_095_000_000, lambda _: 0).new()
    assert made == "01" + made[2:]
    assert (len(made), set("ILOU") & set(made)) == (LENGTH, set())
    assert is_id(made)


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "0" * 25 + "I", "0" * 25 + "a", "０" * 26])
def test_what_is_no_id_is_told_apart(text: str) -> None:
    assert not is_id(text)


@given(st.lists(st.tuples(st.integers(0, 2**42), st.integers(0, 3)), min_size=1, max_size=20))
def test_ids_made_together_are_as_those_made_one_by_one(asked: list[tuple[int, int]]) -> None:
    maker = UlidIds(following([time for time, _ in asked]))
    made = [x for _, count in asked for x in (maker.several(count) if count else [maker.new()])]
    assert made == sorted(set(made))
    assert all(is_id(x) for x in made)


def test_ids_made_together_count_on_over_all_their_characters() -> None:
    standing = UlidIds(lambda: 1_000, lambda _: 2**20 - 2)
    first = standing.new()
    made = [first, *standing.several(4), standing.new()]
    assert [x[-5:] for x in made] == ["0ZZZY", "0ZZZZ", "10000", "10001", "10002", "10003"]
    assert made[0] == UlidIds(lambda: 1_000, lambda _: 2**20 - 2).new()
