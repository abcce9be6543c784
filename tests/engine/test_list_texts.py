"""Text of any layout becomes the same records, each with the line where its row begins."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from todoke.core.columns import Columns, find_columns
from todoke.core.encodings import CODECS
from todoke.engine.lists import text as texts
from todoke.engine.lists.look import Choices, look
from todoke.engine.lists.text import TextRows

COLUMNS = Columns(number=0, reference=None, parameters=(("name", 1),), width=3)
cells = st.text(
    st.sampled_from("ab1陳ก愛 \n")
    | st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"=#'),
    max_size=6,
)


def records(path: Path, encoding: str, delimiter: str, after: int = 2) -> list[tuple[int, list[str]]]:
    text = "".join(TextRows(path, encoding, 0, delimiter, COLUMNS, after))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    return [(int(line), row) for line, *row in rows]


@given(
    rows=st.lists(st.lists(cells, min_size=1, max_size=4), max_size=15),
    delimiter=st.sampled_from(",;\t|，"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "gb18030"]),
    piece=st.sampled_from([2, 14, 64, 1 << 18]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@example(
    rows=[["a\nb", "x"], ["", ""], ["c"]],
    delimiter=";",
    end="\r\n",
    encoding="utf-8",
    piece=2,
    quoting=csv.QUOTE_ALL,
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_rows_come_out_as_they_were_written_whatever_the_layout(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[list[str]],
    delimiter: str,
    end: str,
    encoding: str,
    piece: int,
    quoting: int,
) -> None:
    monkeypatch.setattr(texts, "PIECE", piece)
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(
        [["phone", "name"], *rows]
    )
    path = tmp_path / "list"
    path.write_bytes(out.getvalue().encode(CODECS[encoding]))
    expected, line = [], 2
    for row in rows:
        if any(c and not c.isspace() for c in row):
            expected.append((line, row))
        line += 1 + sum(c.count("\n") for c in row)
    assert records(path, encoding, delimiter) == expected


def test_a_million_characters_without_a_line_end_are_refused_before_more_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"phone,name\n" + b"x" * 5_000_000)
    rows = TextRows(path, "utf-8", 0, ",", COLUMNS, 2)
    with pytest.raises(Exception, match=r"Line 2 is longer than 1,000,000 characters"):
        list(rows)
    assert rows.read < 1_500_000


@pytest.mark.parametrize("before", [0, 3000])
def test_a_cell_that_is_too_long_costs_its_own_row_wherever_it_stands(tmp_path: Path, before: int) -> None:
    path = tmp_path / "list"
    fill = [f"{i},{'n' * 100}" for i in range(before)]
    path.write_text("\n".join(["phone,name", *fill, f"1,{'x' * (texts.MAX_CELL + 1)}", "2,z", ""]))
    *_, refused, last = "".join(TextRows(path, "utf-8", 0, ",", COLUMNS, 2)).splitlines()
    assert refused.startswith(f"-{before + 2},")
    assert "longer than" in refused
    assert last == f"{before + 3},2,z"


@pytest.mark.parametrize(
    ("content", "header", "header_line", "first"),
    [
        ('"Customers of May\nphone,"the\nname"\n', ("phone", "the\nname"), 2, 4),
        ('phone,name,"note\n', ("phone", "name", "note"), 1, 2),
        ('phone,name,"the\nnote"\n', ("phone", "name", "the\nnote"), 1, 3),
    ],
)
@pytest.mark.parametrize("rows", [5, 50_000])
def test_a_quotation_mark_in_the_header_or_above_it_swallows_none_of_the_rows(
    tmp_path: Path, content: str, header: tuple[str, ...], header_line: int, first: int, rows: int
) -> None:
    path = tmp_path / "list"
    path.write_text(content + "".join(f"{912_000_000 + i},a\n" for i in range(rows)))
    found = look(
        path, Choices(header_line=header_line), lambda h: find_columns(h, [], {"to": "phone"}), "TW", tmp_path
    )
    assert (found.header, found.first_line) == (header, first)
    assert records(path, "utf-8", ",", after=found.first_line) == [
        (first + i, [str(912_000_000 + i), "a"]) for i in range(rows)
    ]


@pytest.mark.parametrize("blank", [",,", " ", "\x0c", "\x85", "\u2003, \u2028", "\u3000"])
@pytest.mark.parametrize("care", ["", '"'])
def test_a_row_of_blanks_is_none_whatever_stands_in_the_others(tmp_path: Path, blank: str, care: str) -> None:
    path = tmp_path / "list"
    path.write_text(f"phone,name\n{blank}\n1,{care}a{care}\n{blank}\n", encoding="utf-8")
    assert records(path, "utf-8", ",") == [(3, ["1", "a"])]


@pytest.mark.parametrize(
    ("choices", "content", "found"),
    [
        (Choices(encoding="cp950"), "手機,姓名\n1,王\n".encode("cp950"), ("big5", "set", ",", "sure", 1)),
        (
            Choices(encoding="utf-16"),
            "手機,姓名\n1,王\n".encode("utf-16-be"),
            ("utf-16-be", "set", ",", "sure", 1),
        ),
        (Choices(delimiter="semicolon"), b"phone;name,x\n1;2\n", None),
        (Choices(delimiter="tab"), b"phone\tname\n1\t2\n", ("utf-8", "sure", "\t", "set", 1)),
        (Choices(header_line=2), b"phone,name\nphone,name\n", ("utf-8", "sure", ",", "sure", 2)),
        (
            Choices(columns={"to": "Nummer", "name": "Kunde"}),
            b"a title\nKunde;Nummer\nx;1\n",
            ("utf-8", "sure", ";", "sure", 2),
        ),
        (Choices(encoding="big5"), "\ufeffphone,name\n".encode(), "begins with the mark of utf-8"),
        (Choices(encoding="utf-16"), b"phone,name\n1,2\n", "seems to be utf-8"),
        (Choices(encoding="latin"), b"phone,name\n", "not known"),
        (Choices(delimiter="abc"), b"phone,name\n", "can't be a delimiter"),
        (Choices(delimiter='"'), b"phone,name\n", "can't be a delimiter"),
        (Choices(sheet="1"), b"phone,name\n", "has no sheets"),
        (Choices(header_line=9), b"phone,name\n", "empty"),
    ],
)
def test_what_an_upload_sets_is_used_or_refused_with_the_reason(
    tmp_path: Path, choices: Choices, content: bytes, found: tuple[str, ...] | str | None
) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)

    def seen() -> tuple[str, str, str, str, int]:
        x = look(path, choices, lambda h: find_columns(h, ["name"], choices.columns), "TW", tmp_path)
        return x.encoding, x.encoding_sure, x.delimiter, x.delimiter_sure, x.header_line

    if isinstance(found, tuple):
        assert seen() == found
    else:
        with pytest.raises(Exception, match=found or "no such column"):
            seen()


def test_an_encoding_that_is_set_wrongly_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes("phone,name\n1,Lin\n2,陳大文\n3,王小明\n".encode("cp950"))
    with pytest.raises(Exception, match=r"The file is not utf-8: line 3, 4 can't be read so"):
        list(TextRows(path, "utf-8", 0, ",", COLUMNS, 2))
