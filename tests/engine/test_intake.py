"""Lists are read a portion at a time: no row twice, none lost, each refused one under its line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from list_support import TARGET
from notice_support import START
from todoke.actions.intake import shared
from todoke.core.columns import Columns
from todoke.core.list_rows import Rows
from todoke.engine.lists.lines import MAX_LINE, BrokenFile
from todoke.engine.lists.rows import record, refusal
from todoke.engine.portion import (
    LONGEST_STRETCH,
    Place,
    Portion,
    originals,
    read_portion,
)
from todoke.ids import UlidIds
from todoke.storage.new_notices import as_notices
from todoke.storage.notices import NewNotice

HEADER = "phone,name,order\n"
COLUMNS = Columns(number=0, reference=2, parameters=(("name", 1),), width=3)


class List:
    """A file that is read from its first row on. `line`: None for a normalised one, else where its rows begin in a list
    of an earlier version.
    """

    def __init__(self, path: Path, content: str, line: int | None = None, position: int = 0) -> None:
        self.path = path
        path.write_bytes(content.encode())
        self.position, self.line = position, line or 0

    def portion(self, most: int = 500, longest: int = LONGEST_STRETCH) -> Portion:
        rows = Rows(TARGET.terms(), None, COLUMNS, START, UlidIds())
        return read_portion(self.path, Place(self.position, self.line), rows, most, longest)

    def read(self, sizes: list[int]) -> list[Portion]:
        """Everything, in portions of these sizes, the last size again and again."""
        read: list[Portion] = []
        while True:
            read.append(self.portion(sizes[min(len(read), len(sizes) - 1)]))
            self.position, self.line = read[-1].position, read[-1].line
            if read[-1].at_end:
                return read


def notices_of(portion: Portion) -> list[NewNotice]:
    return as_notices(shared(TARGET, "B", START, held=False), portion.values)


def outcome(portions: list[Portion], path: Path) -> Any:
    """What the portions of a list came to, without the notices' own ids."""
    rows = [(p, originals(path, p, set(p.lines))) for p in portions]
    return (
        [(n.number, n.parameters, n.reference, n.batch_id) for p in portions for n in notices_of(p)],
        [(line, cells[line]) for p, cells in rows for line in p.lines],
        [(r.line, r.reason, r.original) for p in portions for r in p.rejects],
        sum(p.rows for p in portions),
    )


numbers = st.sampled_from(
    ["0912-345-678", "+886 912 345 678", "912345678", "02-1234-5678", "8.86912E+11", "", " "]
)
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r") | st.sampled_from('",\n;\t \u2028'),
    max_size=8,
)
rows: st.SearchStrategy[list[str]] = st.one_of(
    st.tuples(numbers, texts, texts).map(list),
    st.lists(texts, min_size=1, max_size=5),
    st.just(["", "", ""]),
)


@given(
    rows=st.lists(rows | st.just("refused"), max_size=12),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
)
@example(rows=[["0912345678", 'two\nlines "quoted"', "1"], ["bad", "x", "2"], "refused"], sizes=[1])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_on_from_anywhere_gives_the_same_rows_as_reading_in_one_go(
    tmp_path: Path, rows: list[list[str] | str], sizes: list[int]
) -> None:
    """Lines are those of the upload: here every row is said to take three."""
    lines = {3 * n + 2: row for n, row in enumerate(rows)}
    file = "".join(
        refusal(line, "It was refused.", ["a", row]) if isinstance(row, str) else record(line, row)
        for line, row in lines.items()
    )
    in_one = List(tmp_path / "list.csv", file).read([10_000])
    in_many = List(tmp_path / "list.csv", file).read(sizes)
    path = tmp_path / "list.csv"
    assert outcome(in_many, path) == outcome(in_one, path)
    assert in_many[-1].position == in_one[-1].position == len(file.encode())
    # Every row that holds anything is accepted or refused, under its line and as it was.
    accepted, origins, refused, count = outcome(in_one, path)
    assert len(accepted) + len(refused) == count == sum(any(row) for row in rows)
    for at, row in origins:
        assert row == lines[at]
    for at, reason, original in refused:
        row = lines[at]
        assert json.loads(original) == (["a", row] if isinstance(row, str) else row)
        assert reason


def test_a_list_of_an_earlier_version_is_read_to_its_end_and_its_lines_are_counted(tmp_path: Path) -> None:
    """The header is line 1, as every editor and spreadsheet counts."""
    text = (
        HEADER
        + "bad,one,1\r\n"
        + '0912345678,"two\nlines",2\n'
        + "\n"
        + "bad,four,4\n"
        + '"bad","a\nb\nc",5\n'
        + "0912345678,a\rb,6\n"
        + "bad,six,6"
    )
    for sizes in ([100], [1], [2, 1]):
        portions = List(tmp_path / "list.csv", text, line=2, position=len(HEADER)).read(sizes)
        accepted, origins, refused, count = outcome(portions, tmp_path / "list.csv")
        assert [line for line, _, _ in refused] == [2, 6, 7, 10, 11]
        assert refused[3][1:] == (
            "This row can't be read as CSV: a line ends inside of a field: put such a field into quotes.",
            "[]",
        )
        assert (count, len(accepted), origins[0][0]) == (6, 1, 3)
        assert portions[-1].position == len(text)


def read_all(tmp_path: Path, *rows: list[str]) -> Portion:
    return List(
        tmp_path / "list.csv", "".join(record(n, row) for n, row in enumerate(rows, start=2))
    ).portion()


def test_a_row_becomes_a_notice_with_its_parameters_and_reference(tmp_path: Path) -> None:
    (notice,) = notices_of(read_all(tmp_path, [" 0912-345-678 ", " 小明 ", " A-1 "]))
    assert (notice.number, notice.country, notice.parameters) == ("+886912345678", "TW", '{"name":"小明"}')
    assert (notice.reference, notice.batch_id, notice.due_at) == ("A-1", "B", START)


def test_each_row_that_cant_be_taken_says_why(tmp_path: Path) -> None:
    table = {
        ("0912345678",): "name is missing",
        ("0912345678", "x", "1", "more"): "4 cells, the header 3.*comma",
        ("0912345678", "", "1"): "name",
        ("0912345678", "x" * 21, "1"): "name.*20",
        ("02-1234-5678", "x", "1"): ".",
        ("", "x", "1"): ".",
        ("0912345678", "x", "r" * 101): "100",
    }
    found = read_all(tmp_path, *map(list, table), ["0912345678", "fine", "2"])
    assert [r.line for r in found.rejects] == [*range(2, 2 + len(table))]
    for reject, words in zip(found.rejects, table.values(), strict=True):
        assert re.search(words, reject.reason), reject.reason
        assert "0912345678" not in reject.reason
    assert found.accepted == 1


def test_empty_cells_behind_the_last_column_are_no_fault(tmp_path: Path) -> None:
    assert read_all(tmp_path, ["0912345678", "x", "1", "", "", ""]).accepted == 1


def test_an_endless_line_is_no_list_but_what_comes_before_it_counts(tmp_path: Path) -> None:
    content = record(2, ["0912345678", "x", "1"]) + "3," + "x" * MAX_LINE
    whole = List(tmp_path / "list.csv", content)
    first = whole.portion()
    assert (first.rows, first.accepted, first.at_end) == (1, 1, False)
    whole.position = first.position
    with pytest.raises(BrokenFile, match="one row a line"):
        whole.portion()


def test_a_file_that_somebody_changed_is_not_guessed_at(tmp_path: Path) -> None:
    for content in ("0x,0912345678,x,1\n", "\n", "-3\n", '2,0912345678,x,"1\r"2\r3\n'):
        with pytest.raises(BrokenFile, match="changed it"):
            List(tmp_path / "list.csv", content).portion()


@pytest.mark.parametrize("broken", ["x,y\n", '4,0912345678,x,"1\r"2\r3\n', "\n"])
def test_what_somebody_changed_in_the_middle_costs_no_row_before_it_and_lets_none_after_it_in(
    tmp_path: Path, broken: str
) -> None:
    """With and without quotation marks near it, which are read by other means."""
    row = record(3, ["0912345678", "x", "1"])
    for quoted in ("", record(2, ["0912345678", 'a"b', "1"])):
        content = row * 3 + quoted + broken + row * 700
        whole = List(tmp_path / "list.csv", content)
        first = whole.portion(most=5000)
        assert (first.rows, first.accepted, first.at_end) == (3 + bool(quoted), 3 + bool(quoted), False)
        assert first.position == len((row * 3 + quoted).encode())
        whole.position = first.position
        with pytest.raises(BrokenFile, match="changed it"):
            whole.portion()


def test_a_file_without_rows_is_read_to_its_end(tmp_path: Path) -> None:
    found = read_all(tmp_path)
    assert (found.rows, found.at_end, found.position) == (0, True, 0)


def test_long_rows_come_in_small_portions_so_that_their_check_holds_nobody_up(tmp_path: Path) -> None:
    rows = "".join(record(n, [f"09123456{n}", "好" * 400, f"r{n}"]) for n in range(10, 40))
    whole = List(tmp_path / "a.csv", rows)
    assert (portion := whole.portion()).at_end
    begun = List(tmp_path / "b.csv", rows).portion(longest=4_000)
    assert (begun.rows, begun.at_end) == (10, False)
    assert begun.rejects == portion.rejects[:10]
