"""Rules about where a line belongs that no import rule can hold."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"


def _files(folder: str, *but: str) -> list[Path]:
    return [
        p for p in (SOURCE / folder).rglob("*.py") if not any(str(p).startswith(str(SOURCE / b)) for b in but)
    ]


@pytest.mark.parametrize(
    ("words", "folder", "home"),
    [
        (r"\bpnp\b|[Xx]-[Ll]ine-", "todoke", ("todoke/carriers/line",)),
        (r"time\.time\(|time_ns\(|datetime\.now\(|utcnow\(|perf_counter\(", "todoke", ("todoke/clock.py",)),
        # Helper processes get the environment without our settings.
        (r"os\.environ|getenv\(", "todoke", ("todoke/settings.py", "todoke/cli", "todoke/engine/helpers.py")),
        (
            r"\bPRAGMA\b|BEGIN IMMEDIATE",
            "todoke",
            ("todoke/storage/sqlite.py", "todoke/storage/sqlite_log.py"),
        ),
    ],
    ids=["LINE's wire names", "the machine's clock", "the environment", "SQLite's dialect"],
)
def test_stays_in_its_own_room(words: str, folder: str, home: tuple[str, ...]) -> None:
    strays = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in _files(folder, *home)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(words, line)
    ]
    assert strays == []


def test_every_package_says_what_lives_there_and_what_never_does() -> None:
    missing = []
    for path in sorted(SOURCE.rglob("__init__.py")):
        text = path.read_text()
        if not text.startswith('"""') or "versions" in path.parts:
            missing.append(str(path.relative_to(SOURCE)))
    assert missing == []
