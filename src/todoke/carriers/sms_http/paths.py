"""Places inside an answer or a receipt (`messages[0].status`), and comparing what stands there."""

import re
from collections.abc import Iterable

Path = tuple[str | int, ...]

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([0-9]{1,4})\]")


def parse_path(text: str) -> Path:
    """`a.b[0].c` as ("a", "b", 0, "c"). Raises ValueError if it is not written so."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            break
        steps.append(found[1] if found[1] is not None else int(found[2]))
        at = found.end()
    if not steps or at < len(text):
        raise ValueError(f"{text!r} is no path: write it as messages[0].status")
    return tuple(steps)


def at_path(value: object, path: Path) -> object:
    """What stands at `path`; None if there is nothing."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def as_text(value: object) -> str | None:
    """A scalar as JSON would show it, without quotes; None for lists, objects and nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def texts(values: Iterable[object]) -> frozenset[str]:
    """Declared values in the form in which they are compared. YAML's null stands for an absent or null
    value.
    """
    return frozenset("null" if value is None else as_text(value) or "" for value in values)
