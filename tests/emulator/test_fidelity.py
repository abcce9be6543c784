"""FIDELITY.md is held against the tests: what it calls done has a test, and every test that it names is there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import line_emulator

HERE = Path(__file__).parent
FIDELITY = Path(line_emulator.__file__).parent / "FIDELITY.md"


class Row(NamedTuple):
    behaviour: str
    source: str
    test: str
    state: str


def rows() -> list[Row]:
    found = []
    for line in FIDELITY.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in ("behaviour", "---"):
            assert len(cells) == 4, line
            found.append(Row(*cells))
    return found


def existing() -> set[str]:
    names = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(f"{path.name}::{node.name}")
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names.add(f"{path.name}::{node.targets[0].id}")
    return {name for name in names if "::test_" in name or "::Test" in name}


def test_every_row_has_a_source_and_a_known_state() -> None:
    assert len(rows()) > 80
    for row in rows():
        assert row.source, row
        assert row.state in ("done", "not") or row.state.startswith("partial: "), row


def test_every_row_that_is_done_names_a_test_and_every_named_test_exists() -> None:
    known = existing()
    for row in rows():
        assert row.test in known or (row.test == "–" and row.state != "done"), row


def test_no_behaviour_is_listed_twice() -> None:
    behaviours = [row.behaviour for row in rows()]
    assert len(set(behaviours)) == len(behaviours)
