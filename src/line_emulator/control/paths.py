"""What was probably meant by a request to a path or with a method that LINE does not have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

from line_emulator.weblog import Answered

LONGEST = 200
"""A longer path is like none of LINE's."""
_ALIKE = 0.6


class LinePaths:
    """LINE's paths, as (method, path) with values in braces."""

    def __init__(self, endpoints: Iterable[tuple[str, str]]) -> None:
        self._methods: dict[str, list[str]] = {}
        for method, path in endpoints:
            self._methods.setdefault(path, []).append(method)
        self._forms = {
            path: re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", path))), re.DOTALL)
            for path in self._methods
        }
        self._nearest = lru_cache(1000)(self._look)

    def hint(self, entry: Answered) -> str | None:
        """A word on a request that LINE answered 404 or 405 because it has no such path or method; else None."""
        if entry.fault is not None or entry.status not in (404, 405):
            return None
        methods = [
            method
            for path, form in self._forms.items()
            if form.fullmatch(entry.path)
            for method in self._methods[path]
        ]
        if methods:
            return f"this path takes {', '.join(methods)}" if entry.status == 405 else None
        return self._nearest(entry.path) if entry.status == 404 else None

    def _look(self, path: str) -> str:
        text = "not a path of LINE"
        near = difflib.get_close_matches(path, self._methods, 1, _ALIKE) if len(path) <= LONGEST else []
        return f"{text}; did you mean {self._methods[near[0]][0]} {near[0]}?" if near else text
