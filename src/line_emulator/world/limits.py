"""The small checks that all of LINE's request bodies share: types, lengths, sizes, and the faults they
add up to.
"""

from __future__ import annotations

import re
from typing import Any

from line_emulator.world import problems
from line_emulator.world.problems import Problem

Faults = list[tuple[str, str]]

_UNIT = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
_UNIT_LONGEST = 30


class WrongType(Exception):
    """A value of the wrong JSON type; `path` says where. Ends the check: LINE parses before it validates."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def problem(self) -> Problem:
        """LINE's answer to it."""
        return problems.invalid_property(self.path)


def units(text: str) -> int:
    """The length as LINE counts it: in UTF-16 code units."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def text(holder: dict[str, Any], name: str, path: str, faults: Faults, longest: int | None = None) -> str:
    """A required text of 1 to `longest` code units. Returns "" where it is missing or empty (a fault is
    noted).
    """
    value = holder.get(name)
    if value is None or value == "":
        faults.append(("May not be empty", path))
        return ""
    if type(value) is not str:
        raise WrongType(path)
    # A code point is at most two code units, so short texts need no closer look.
    if longest is not None and 2 * len(value) > longest and units(value) > longest:
        faults.append((f"Length must be between 0 and {longest}", path))
    return value


def mapping(value: Any, path: str) -> dict[str, Any]:
    """The value as a JSON object."""
    if type(value) is not dict:
        raise WrongType(path)
    return value


def sequence(value: Any, path: str, least: int, most: int, faults: Faults) -> list[Any]:
    """The value as an array of `least` to `most`; a missing one counts as empty. Of a longer one (a fault is
    noted) only the first `most` come back, so that its length costs nothing.
    """
    if value is None:
        value = []
    if type(value) is not list:
        raise WrongType(path)
    if least <= len(value) <= most:
        return value
    faults.append((f"Size must be between {least} and {most}", path))
    return value[:most]


def flag(holder: dict[str, Any], name: str) -> None:
    """An optional true or false."""
    if holder.get(name) not in (None, True, False) or type(holder.get(name)) in (int, float):
        raise WrongType(name)


def aggregation_units(holder: dict[str, Any], faults: Faults) -> None:
    """`customAggregationUnits`: at most one name of 1 to 30 letters, digits and underscores."""
    names = holder.get("customAggregationUnits")
    if names is None:
        return
    for place, name in enumerate(sequence(names, "customAggregationUnits", 0, 1, faults)):
        where = f"customAggregationUnits[{place}]"
        if type(name) is not str:
            raise WrongType(where)
        if not 1 <= len(name) <= _UNIT_LONGEST:
            faults.append((f"Length must be between 1 and {_UNIT_LONGEST}", where))
        elif not _UNIT.fullmatch(name):
            faults.append(("Invalid characters are included in custom aggregation unit", where))
