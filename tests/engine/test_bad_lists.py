"""Lists as offices send them: each file of the corpus comes to what its table says (tests/data/lists)."""

from __future__ import annotations

import importlib.util
import json
import tracemalloc
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from list_support import START, TARGET
from todoke.actions import files
from todoke.core.errors import TodokeError
from todoke.core.list_rows import Rows
from todoke.engine.lists.lines import BrokenFile
from todoke.engine.lists.look import Choices, look
from todoke.engine.lists.normalise import normalise
from todoke.engine.portion import Place, read_portion
from todoke.ids import UlidIds

FOLDER = Path(__file__).parent.parent / "data" / "lists"
EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "expected.yaml").read_text())
HUGE = (
    *("bomb.xlsx", "bomb-of-strings.xlsx", "one-endless-line.csv", "endless-line-below.csv", "laughs.xlsx"),
    *("one-text-named-often.xlsx", "one-tag.xlsx", "deep.xlsx", "large-directory.xlsx"),
)
MOST_MEMORY = 20_000_000
"""Bytes that any of these may take: the bombs hold 80 MB each in one part."""


def contents() -> dict[str, bytes]:
    spec = importlib.util.spec_from_file_location("make_lists", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    small = {path.name: path.read_bytes() for path in (FOLDER / "files").iterdir()}
    return small | {name: made() for name, made in make.LARGE.items()}


def outcome(folder: Path, content: bytes, region: str) -> dict[str, Any]:
    """What becomes of a list: as the gateway does it, without a database."""
    target = replace(TARGET, channel=replace(TARGET.channel, region=region))
    raw, path = folder / "raw", folder / "B.csv"
    raw.write_bytes(content)
    needs = files.columns_finder(target, {})
    try:
        found = look(raw, Choices(), needs, region, folder)
        columns = needs(found.header)
        *_, last = normalise(raw, found, columns, path)
    except TodokeError as error:
        return {"problem": error.code, "words": error.message}
    batch = files.plan_batch(
        "B", target, file_name="", encoding="", header=found.header, columns=columns, size=0, now=START
    )
    try:
        rows = Rows(target.terms(), batch.language, columns, START, UlidIds())
        portion = read_portion(path, Place(0, 0), rows, most=2000)
    except BrokenFile as error:
        return {"problem": "broken", "words": str(error)}
    finally:
        path.unlink()
    assert portion.at_end
    assert portion.rows == last.rows
    assert last.part == 1.0
    return {
        **({"encoding": found.encoding} if found.encoding else {"sheet": found.sheet}),
        **({"delimiter": found.delimiter} if found.delimiter not in ("", ",") else {}),
        **({"header_line": found.header_line} if found.header_line != 1 else {}),
        "accepted": portion.accepted,
        "refused": {r.line: r.reason for r in portion.rejects},
        "first": [json.loads(x)["name"] for x in portion.parameters[:5]],
    }


def fits(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """The same; of texts, what is expected is a part."""
    if "problem" in expected:
        return found.get("problem") == expected["problem"] and expected["words"] in found["words"]
    words = expected.pop("refused", {})
    refused = found.pop("refused", {})
    return (
        found == {"first": [], **expected}
        and refused.keys() == words.keys()
        and all(words[line] in refused[line] for line in words)
    )


def test_every_file_of_the_corpus_comes_to_what_its_table_says(tmp_path: Path) -> None:
    given = contents()
    assert given.keys() == EXPECTED.keys()
    assert len(given) >= 40
    wrong = []
    for name, content in sorted(given.items()):
        expected = dict(EXPECTED[name])
        found = outcome(tmp_path, content, expected.pop("region", "TW"))
        if not fits(dict(found), expected):
            wrong.append((name, found, EXPECTED[name]))
    assert wrong == []
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]
    tracemalloc.start()
    try:
        for name in HUGE:
            tracemalloc.reset_peak()
            outcome(tmp_path, given[name], "TW")
            assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY, name
    finally:
        tracemalloc.stop()
