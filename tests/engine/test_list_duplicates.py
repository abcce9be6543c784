"""Rows that repeat another are found, however long the list and however often its reader is killed."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from todoke.engine.lists import duplicates
from todoke.engine.lists.digests import digest
from todoke.engine.lists.duplicates import Log, Seen


def portion_of(chance: random.Random) -> bytes:
    """The digests of rows of which some say the same."""
    return b"".join(
        digest(f"+8869{chance.randrange(40_000):08}", f'{{"name":"{chance.randrange(2)}"}}')
        for _ in range(chance.randrange(1, 800))
    )


@pytest.mark.parametrize("drops", [True, False])
def test_every_repeated_row_is_found_over_deaths_and_portions_that_were_never_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drops: bool
) -> None:
    """Against a plain set. Kept ones are counted at the end, and in parts."""
    monkeypatch.setattr(duplicates, "_IN_MEMORY", 5_000)
    monkeypatch.setattr(duplicates, "_AT_ONCE", 1_000)
    chance = random.Random(3)
    path = tmp_path / "B.seen"
    known: set[int] = set()
    seen = Seen(path, 0, at_once=drops)
    count = told = expected_in_all = 0
    for turn in range(200):
        at_end = turn == 199
        portion = array("Q", portion_of(chance))
        expected, new = [], set(known)
        for x in portion:
            expected.append(x in new)
            new.add(x)
        if at_end:
            seen.look(portion.tobytes())
        found, again = seen.repeated(portion.tobytes(), at_end=at_end)
        if drops or at_end:
            assert again == [at for at, is_again in enumerate(expected) if is_again]
        kept = [x for x, is_again in zip(portion, expected, strict=True) if not (drops and is_again)]
        seen.keep(array("Q", kept).tobytes())
        dies, is_committed = chance.random() < 0.2 and not at_end, chance.random() < 0.5
        if is_committed or not dies:
            known, count = new, count + len(kept)
            told, expected_in_all = told + found, expected_in_all + sum(expected)
        if dies:
            seen = Seen(path, count, at_once=drops)
        assert seen.accepted == count
    assert told == expected_in_all > 3000
    assert [p.name for p in tmp_path.iterdir()] == ["B.seen"]


def test_what_a_power_cut_took_of_the_digests_counts_as_never_seen(tmp_path: Path) -> None:
    (tmp_path / "B.seen").write_bytes(b"12345678" * 2 + b"123")
    assert Log(tmp_path / "B.seen", 5).count(set()) == (1, set())
    assert Log(tmp_path / "none", 5).count(set()) == (0, set())
