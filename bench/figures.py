"""Figures beside their goals: kept in `.bench/figures.json`, told as a table on the screen or in Markdown."""

from __future__ import annotations

import json
import os
import platform
import textwrap
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

KEPT = Path(".bench") / "figures.json"
WIDTH = 100
HEAD = ("what", "goal", "seen", "ratio")


class Figure(NamedTuple):
    """One line. `ratio`: how far the goal is met, 1 or more when it is; None where there is no goal."""

    what: str
    goal: str
    seen: str
    ratio: float | None = None


def at_least(what: str, seen: float, goal: float, unit: str = "") -> Figure:
    """More is better."""
    return Figure(what, f"≥ {_text(goal)}{unit}", f"{_text(seen)}{unit}", seen / goal)


def at_most(what: str, seen: float, goal: float, unit: str = "") -> Figure:
    """Less is better."""
    ratio = goal / seen if seen > 0 else float(seen <= goal) or None
    return Figure(what, f"≤ {_text(goal)}{unit}", f"{_text(seen)}{unit}", ratio)


def none(what: str, count: int, goal: str = "none") -> Figure:
    """Of which there must be none."""
    return Figure(what, goal, f"{count:,}" if count else "none", 0.0 if count else 1.0)


def seen(what: str, text: str) -> Figure:
    """Without a goal, for comparison."""
    return Figure(what, "", text)


def say(text: str, indent: str = "") -> None:
    """Prints a sentence, its lines no longer than a screen is wide."""
    print(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  "), flush=True)


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def _ratio(figure: Figure) -> str:
    if figure.ratio is None:
        return ""
    return f"{figure.ratio:.2f}" if figure.ratio < 100 else f"{figure.ratio:.0f}"


def keep(stage: str, figures: list[Figure]) -> None:
    """Writes a stage's figures in place of those of an earlier run."""
    kept = _kept()
    kept[stage] = {
        "on": date.today().isoformat(),
        "machine": machine(),
        "figures": [list(x) for x in figures],
    }
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")


def machine() -> str:
    """Cores and Python."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"


def _kept() -> dict[str, Any]:
    return dict(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.exists() else {}


def table(stages: dict[str, list[Figure]]) -> str:
    """All figures, at most 100 columns wide."""
    lines = [f"{'':<52}{'goal':>16}{'seen':>20}{'ratio':>9}"]
    for stage, figures in stages.items():
        lines.append(stage)
        for x in figures:
            lines.append(f"  {x.what:<50}{x.goal:>16}{x.seen:>20}{_ratio(x):>9}")
    return "\n".join(lines)


def markdown(order: list[str]) -> str:
    """The figures of the newest run of each stage."""
    kept = _kept()
    if not kept:
        return "No figures are kept here yet: python -m bench writes them."
    lines = [f"| stage | {' | '.join(HEAD)} |", "| --- | --- | ---: | ---: | ---: |"]
    for stage in [x for x in order if x in kept]:
        for x in (Figure(*values) for values in kept[stage]["figures"]):
            lines.append(f"| {stage} | {x.what} | {x.goal} | {x.seen} | {_ratio(x)} |")
    runs = sorted({(x["on"], x["machine"]) for x in kept.values()})
    return "\n".join([*lines, "", "; ".join(f"{on}: {what}" for on, what in runs)])
