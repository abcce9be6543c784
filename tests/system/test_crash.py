"""`kill -9` in the middle of the work, with real processes: nothing goes twice, nothing is lost."""

from pathlib import Path

import pytest
from bench.chaos import Run

KILLS = 5
NOTICES = 5000


@pytest.mark.crash
@pytest.mark.parametrize("seed", [20260807])
def test_after_five_kills_no_notice_went_twice_and_each_reached_an_end(tmp_path: Path, seed: int) -> None:
    findings = Run(tmp_path, NOTICES, KILLS, seed).play()
    print("\n".join(findings.lines))
    assert findings.wrong == []
