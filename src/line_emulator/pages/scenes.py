"""Scenarios on the page of faults: those that come with the emulator, and how far those being played have come."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from line_emulator import times
from line_emulator.faults import DEFAULT_STATUS, Fault, order_of
from line_emulator.scenarios.deeds import Played
from line_emulator.scenarios.director import Play, view
from line_emulator.scenarios.script import Scenario, Step, Who, read

FOLDER = Path(__file__).parents[1] / "scenarios" / "examples"
LONGEST_VALUE = 60


@cache
def shipped() -> tuple[tuple[Scenario, str], ...]:
    """The scenarios that come with the emulator, each with its file's text."""
    files = sorted(FOLDER.glob("*.yaml"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    return tuple((read(text, path.name), text) for path, text in zip(files, texts, strict=True))


def shown(play: Play) -> dict[str, Any]:
    """A scenario being played, each step with what it does in words and when it is due."""
    found = view(play)
    for row, played in zip(found["steps"], play.steps, strict=True):
        row["deed"] = deed(played.step)
        row["due"] = _due(play, played)
    return found


def _due(play: Play, played: Played) -> dict[str, Any]:
    """`at`: the moment in virtual ms, None beyond the end of time; else `requests` counted of `of`."""
    if played.step.at is not None:
        due = play.started + times.parse_duration(played.step.at)
        return {"at": due if due < times.END_OF_TIME else None}
    return {"requests": played.requests, "of": played.step.after, "path": played.step.path}


def deed(step: Step) -> str:
    """What a step does, on one line: `act: agree, 33 % of not set`."""
    kind = step.deed()
    words = f"{kind.replace('_', ' ')}: {_parts(step)}" if kind != "clear_faults" else "clear faults"
    return f"{words}, for {step.lasts}" if step.lasts is not None else words


def _parts(step: Step) -> str:
    if step.fault is not None:
        return fault_words(order_of(**msgspec.structs.asdict(step.fault)))
    if step.act is not None:
        given = _given(step.act, "action")
        return ", ".join([step.act.action.replace("_", " "), _who(step.act.who), *given])
    if step.user is not None:
        return ", ".join([*_given(step.user), _who(step.user.who)])
    return ", ".join(_given(step.channel if step.channel is not None else step.clock))


def fault_words(fault: Fault) -> str:
    """A fault in words, with the default where nothing is said: `api status after 500, 50 %`."""
    parts = [f"{fault.target} {fault.kind.replace('_', ' ')}"]
    if fault.kind.startswith("status"):
        parts[0] += f" {fault.status or DEFAULT_STATUS}"
    if fault.ms is not None:
        parts[0] += f" {fault.ms:,} ms"
    if fault.next is not None:
        parts.append(f"the next {fault.next:,}")
    if fault.share is not None:
        parts.append(f"{fault.share * 100:g} %")
    return ", ".join([*parts, *(limit[:LONGEST_VALUE] for limit in (fault.path, fault.channel_id) if limit)])


def _who(who: Who) -> str:
    if who.phone is not None:
        return who.phone[:LONGEST_VALUE]
    of = who.reception.replace("_", " ") if who.reception is not None else "all"
    numbers = f" with numbers {who.prefix[:LONGEST_VALUE]}…" if who.prefix != "+" else ""
    return f"{(who.share or 0) * 100:g} % of {of}{numbers}"


def _given(values: Any, *left_out: str) -> list[str]:
    """What was said of a struct's fields, as in the file."""
    if values is None:
        return []
    pairs = ((field, getattr(values, field)) for field in values.__struct_fields__)
    defaults = dict(
        zip(reversed(values.__struct_fields__), reversed(values.__struct_defaults__), strict=False)
    )
    return [
        f"{field} {_value(value)}"
        for field, value in pairs
        if field not in (*left_out, "who") and value is not msgspec.UNSET and value is not defaults.get(field)
    ]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
