"""Lists are read a portion at a time: no row twice, none lost, each refused one under its line."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from notice_support import START, policy
from storage_support import PARCEL
from todoke.actions.intake import Choice, Target
from todoke.actions.live import OPEN
from todoke.core import template as templates
from todoke.core.columns import Columns
from todoke.core.content.timing import Timing
from todoke.engine.intake import LONGEST_PORTION, MAX_LINE, BrokenFile, Portion, read_portion
from todoke.ids import UlidIds
from todoke.server.api.uploads import read_header
from todoke.storage.batches import Batch
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.desks import Checked, built_in

QUOTE = '"'
HEADER = "phone,name,order\n"
TEMPLATE = templates.compile(PARCEL)
CHECK = built_in()
COLUMNS = Columns(number=0, reference=2, parameters=(("name", 1),), width=3)
TARGET = Target(
    account_id="A",
    channel=Channel(
        id="C",
        account_id="A",
        name="Parcels",
        region="TW",
        line_channel_id="1",
        secret=b"",
        access_token=None,
        private_key=None,
        mode="live",
        test_numbers="[]",
        rate=2000,
        created_at=START,
    ),
    template_row=TemplateRow(
        id="T",
        account_id="A",
        channel_id="C",
        name="parcel",
        version=1,
        use_case="delivery",
        spec="",
        created_at=START,
    ),
    template=TEMPLATE,
    policy_id="P",
    policy=policy("sms 72h"),
    choice=Choice(why=""),
    gate=OPEN,
    checked=Checked(check=CHECK, findings=(), standing=(), values=CHECK.values(TEMPLATE, "TW")),
    timing=Timing.NONE,
)


class List:
    """A file with a header, read from its first row on."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        path.write_bytes(content)
        _, self.position, self.line = read_header(path)

    def portion(self, most: int = 500, longest: int = LONGEST_PORTION) -> Portion:
        batch = Batch(
            id="B",
            account_id="A",
            channel_id="C",
            template_id="T",
            policy_id="P",
            file_name="list.csv",
            encoding="utf-8",
            columns=msgspec.json.encode(COLUMNS).decode(),
            size=0,
            created_at=START,
            position=self.position,
            line=self.line,
        )
        return read_portion(self.path, batch, TARGET, START, UlidIds(), most, longest)

    def read(self, sizes: list[int]) -> list[Portion]:
        """Everything, in portions of these sizes, the last size again and again."""
        read: list[Portion] = []
        while True:
            read.append(self.portion(sizes[min(len(read), len(sizes) - 1)]))
            self.position, self.line = read[-1].position, read[-1].line
            if read[-1].at_end:
                return read


def outcome(portions: list[Portion]) -> Any:
    """What the portions came to, without the notices' own ids."""
    return (
        [(n.number, n.parameters, n.reference, n.batch_id) for p in portions for n in p.notices],
        [(r.line, r.reason, r.original) for p in portions for r in p.rejects],
        sum(p.rows for p in portions),
    )


numbers = st.sampled_from(
    ["0912-345-678", "+886 912 345 678", "912345678", "02-1234-5678", "8.86912E+11", "", " "]
)
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from('",\n\r;\t \u2028'),
    max_size=8,
)
rows: st.SearchStrategy[list[str]] = st.one_of(
    st.tuples(numbers, texts, texts).map(list),
    st.lists(texts, min_size=1, max_size=5),
    st.just([]),
    st.just(["", "", ""]),
)


def written(row: list[str]) -> str:
    """A row as RFC 4180 has it."""
    return ",".join(
        f'"{cell.replace(QUOTE, QUOTE * 2)}"' if set(cell) & set('",\r\n') else cell for cell in row
    )


@given(
    rows=st.lists(rows, max_size=12),
    ending=st.sampled_from(["\n", "\r\n"]),
    last_line_ends=st.booleans(),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
)
@example(
    rows=[["0912345678", 'two\nlines "quoted"', "1"], ["bad", "x", "2"]],
    ending="\r\n",
    last_line_ends=False,
    sizes=[1],
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_on_from_anywhere_gives_the_same_rows_as_reading_in_one_go(
    tmp_path: Path, rows: list[list[str]], ending: str, last_line_ends: bool, sizes: list[int]
) -> None:
    content = HEADER + "".join(written(row) + ending for row in rows)
    if not last_line_ends:
        content = content.removesuffix(ending)
    file = content.encode()
    in_one = List(tmp_path / "list.csv", file).read([10_000])
    in_many = List(tmp_path / "list.csv", file).read(sizes)
    assert outcome(in_many) == outcome(in_one)
    assert in_many[-1].position == in_one[-1].position == len(file)
    # Every row that holds anything is accepted or refused, and a refused one stands where the file has it.
    accepted, refused, count = outcome(in_one)
    assert len(accepted) + len(refused) == count == sum(any(row) for row in rows)
    starts = {}
    line = 2
    for row in rows:
        starts[line] = row
        line += 1 + written(row).count("\n")
    for at, reason, original in refused:
        assert json.loads(original) == starts[at]
        assert reason


def read_all(tmp_path: Path, text: str) -> Portion:
    return List(tmp_path / "list.csv", text.encode()).portion()


def test_a_refused_row_is_named_by_the_line_where_it_begins(tmp_path: Path) -> None:
    """The header is line 1, as every editor and spreadsheet counts."""
    found = read_all(
        tmp_path,
        HEADER
        + "bad,one,1\n"
        + '0912345678,"two\nlines",2\n'
        + "\n"
        + "bad,four,4\n"
        + '"bad","a\nb\nc",5\n'
        + "bad,six,6",
    )
    assert [r.line for r in found.rejects] == [2, 6, 7, 10]
    assert (found.rows, len(found.notices), found.at_end) == (5, 1, True)


def test_blank_lines_before_the_header_count_as_lines(tmp_path: Path) -> None:
    assert [r.line for r in read_all(tmp_path, "\n\n" + HEADER + "bad,x,1\n").rejects] == [4]


def test_a_row_becomes_a_notice_with_its_parameters_and_reference(tmp_path: Path) -> None:
    (notice,) = read_all(tmp_path, HEADER + " 0912-345-678 , 小明 , A-1 \n").notices
    assert (notice.number, notice.country, notice.parameters) == ("+886912345678", "TW", '{"name":"小明"}')
    assert (notice.reference, notice.batch_id, notice.due_at) == ("A-1", "B", START)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0912345678", "1 cells, the header 3"),
        ("0912345678,x,1,more", "4 cells, the header 3.*comma"),
        ("0912345678,,1", "name"),
        ("0912345678," + "x" * 21 + ",1", "name.*20"),
        ("02-1234-5678,x,1", "."),
        (",x,1", "."),
        ("0912345678,x," + "r" * 101, "100"),
        ("0912345678,a\rb,1", "can't be read as CSV"),
    ],
)
def test_each_row_that_cant_be_taken_says_why(tmp_path: Path, row: str, words: str) -> None:
    found = read_all(tmp_path, HEADER + row + "\n0912345678,fine,2\n")
    (reject,) = found.rejects
    assert reject.line == 2
    assert reject.reason
    assert re.search(words, reject.reason), reject.reason
    assert "0912345678" not in reject.reason
    assert len(found.notices) == 1


def test_empty_cells_behind_the_last_column_are_no_fault(tmp_path: Path) -> None:
    assert len(read_all(tmp_path, HEADER + "0912345678,x,1,,,\n").notices) == 1


def test_an_endless_line_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(HEADER.encode() + b"x" * (MAX_LINE + 1))
    with pytest.raises(BrokenFile, match="one row a line"):
        List(path, path.read_bytes()).portion()


def test_a_file_without_rows_is_read_to_its_end(tmp_path: Path) -> None:
    found = read_all(tmp_path, HEADER)
    assert (found.rows, found.at_end, found.position) == (0, True, len(HEADER))


def test_long_rows_come_in_small_portions_so_that_their_check_holds_nobody_up(tmp_path: Path) -> None:
    rows = "".join(f"09123456{n},{'好' * 400},r{n}\n" for n in range(10, 40))
    whole = List(tmp_path / "a.csv", f"phone,name,ref\n{rows}".encode())
    assert (portion := whole.portion()).at_end
    begun = List(tmp_path / "b.csv", f"phone,name,ref\n{rows}".encode()).portion(longest=4_000)
    assert (begun.rows, begun.at_end) == (10, False)
    assert [x.number for x in begun.notices] == [x.number for x in portion.notices[:10]]
