"""What a run gives: of each scenario the pictures, the film, the evidence and the checks."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from todoke.cli.acceptance.checks import Check
from todoke.cli.acceptance.evidence import Evidence
from todoke.cli.acceptance.play import Beat
from todoke.cli.acceptance.scenarios import Scenario
from todoke.cli.acceptance.subject import Subject


class Result(NamedTuple):
    """Of one scenario. `error`: why it could not be played to its end. `acts`: (virtual time, what the user did)."""

    scenario: Scenario
    number: str
    """The recipient's, masked."""
    beats: list[Beat]
    acts: list[tuple[str, str]]
    film: bytes | None
    evidence: Evidence | None
    checks: list[Check]
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.error is None and bool(self.checks) and all(check.holds for check in self.checks)


class Run(NamedTuple):
    """All scenarios in one language. `left_out`: scenarios that were not played, each with `left_out.WHY`."""

    language: str
    subject: Subject
    results: list[Result]
    left_out: list[tuple[Scenario, str]]
    versions: dict[str, str]
    played_on: str
    begin: str
    end: str
    line_channel_id: str

    @property
    def passed(self) -> bool:
        return bool(self.results) and all(result.passed for result in self.results)

    @property
    def count_passed(self) -> int:
        return sum(result.passed for result in self.results)


class Made(NamedTuple):
    """A run and its files."""

    run: Run
    html: Path
    pdf: Path


def as_json(made: list[Made]) -> str:
    """The runs for programs."""
    return json.dumps(
        {"passed": all(one.run.passed for one in made), "runs": [_run_json(one) for one in made]},
        ensure_ascii=False,
        indent=2,
    )


def _run_json(made: Made) -> dict[str, Any]:
    run = made.run
    return {
        "language": run.language,
        "region": run.subject.use_case.region,
        "use_case": run.subject.use_case.key,
        "passed": run.passed,
        "html": str(made.html),
        "pdf": str(made.pdf),
        "scenarios": [
            {
                "scenario": r.scenario.key,
                "passed": r.passed,
                "error": r.error,
                "checks": [
                    {
                        "side": c.side,
                        "what": c.what,
                        "expected": c.expected,
                        "found": c.found,
                        "holds": c.holds,
                    }
                    for c in r.checks
                ],
            }
            for r in run.results
        ],
        "left_out": [{"scenario": s.key, "why": why} for s, why in run.left_out],
    }
