"""Tells of most values in a few microseconds that no rule can find anything in them, and which patterns may match.

A pattern can match a view of a text only where one of its grams (`grams.py`) stands in the skeleton of the text
(`skeleton.py`). `quick_search` looks for any gram of all patterns, `Index` for those patterns whose grams are there.
Without grams there can't be a finding; with one the text is read in full: a hit here is no finding yet.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

from todoke.core.content.grams import DIGIT_CLASSES, USUAL
from todoke.core.content.skeleton import UNKNOWN, of_written

LONGEST = 2000
"""Characters that are searched; a longer text counts as suspicious."""
# Views shorten repeats. That of a digit is no rare thing, so grams are looked for with repeats; all others are hits.
_SHORTENED = frozenset({"เเ"} | {c * 3 for c in map(chr, range(97, 123)) if c not in DIGIT_CLASSES})
_ESCAPED = re.compile("%[0-9A-Fa-f]").search

_Search = Callable[[str], object]
_Trie = dict[str, "_Trie"]


class Index:
    """Which of some patterns may match, by the grams of each."""

    def __init__(self, grams: Iterable[Iterable[str]]) -> None:
        """`grams`: of each pattern, in order."""
        self._patterns: dict[str, tuple[int, ...]] = {}
        for n, of_one in enumerate(grams):
            for gram in of_one:
                self._patterns[gram] = (*self._patterns.get(gram, ()), n)
        self._lengths = sorted({len(gram) for gram in self._patterns})

    def may_match(self, skeleton: str) -> set[int]:
        """Places, in the order of the patterns, of those that may match a text with this skeleton."""
        found: set[int] = set()
        for length in self._lengths:
            runs = {skeleton[i : i + length] for i in range(len(skeleton) - length + 1)}
            for gram in runs & self._patterns.keys():
                found.update(self._patterns[gram])
        return found


def _rests(grams: Iterable[str]) -> dict[str, list[str]]:
    """The grams without their first characters, by these."""
    rests: dict[str, list[str]] = {}
    for gram in grams:
        rests.setdefault(gram[0], []).append(gram[1:])
    return rests


def _trie(rests: Iterable[str]) -> _Trie:
    """Without those that begin with another one."""
    root: _Trie = {}
    for rest in sorted(rests, key=len):
        below = root
        for c in rest[:-1]:
            if "" in below:
                break
            below = below.setdefault(c, {})
        if "" not in below:
            below.setdefault(rest[-1:], {"": {}} if rest else {})
    return root


def _pattern(c: str, below: _Trie) -> str:
    """`below` behind a character."""
    if "" in below:
        return ""
    last = "".join(re.escape(x) for x, rest in below.items() if "" in rest)
    more = [re.escape(x) + _pattern(x, rest) for x, rest in below.items() if "" not in rest]
    each = [f"[{last}]"] * bool(last) + more
    again = f"{c}*" if c in DIGIT_CLASSES else ""
    return f"{again}(?:{'|'.join(each)})"


def _searches(grams: frozenset[str]) -> tuple[list[_Search], list[_Search]]:
    """For what begins with an ASCII character, and for all else."""
    rests = _rests(grams | _SHORTENED)
    scripts: dict[int, list[str]] = {}
    # The engine tries one after the other: what is seen most comes first.
    for c in sorted(rests, key=lambda c: (-USUAL.get(c, 0), c)):
        script = sum(c >= bound for bound in ("\u0e00", "\u1000", "\u4e00"))
        if script < 3:
            scripts.setdefault(script, []).append(re.escape(c) + _pattern(c, _trie(rests[c])))
    # An alternative of literals is what the engine searches quickest for, so each script has its own.
    scripts.setdefault(0, []).append(UNKNOWN)
    han = {c: found for c, found in rests.items() if c >= "\u4e00"}
    searches = {n: re.compile("|".join(found)).search for n, found in sorted(scripts.items())}
    return [searches.pop(0)], [*searches.values(), *([_search_han(han)] if han else [])]


def _search_han(rests: dict[str, list[str]]) -> Callable[[str], object]:
    """Han has hundreds of first characters, too many for one alternative: first any two that may follow each other."""
    alone = "".join(re.escape(c) for c, found in rests.items() if "" in found)
    begin = "".join(map(re.escape, rests))
    second = "".join({re.escape(x[0]) for found in rests.values() if "" not in found for x in found})
    behind = [f"(?<=[{alone}])"] * bool(alone) + [f"(?=[{second}])"] * bool(second)
    pairs = re.compile(f"[{begin}](?:{'|'.join(behind)})").finditer

    @cache
    def begins(c: str) -> Callable[[str, int], object]:
        return re.compile(re.escape(c) + _pattern(c, _trie(rests[c]))).match

    def search(text: str) -> bool:
        for found in pairs(text):
            at = found.start()
            if begins(text[at])(text, at):
                return True
        return False

    return search


def quick_search(grams: frozenset[str]) -> Callable[[str], bool]:
    """A function that says of a text whether it may have a finding. False is certain."""
    if "" in grams:
        return lambda _: True
    plain, others = _searches(grams)

    def suspicious(text: str) -> bool:
        if len(text) > LONGEST or ("%" in text and _ESCAPED(text)):
            return True
        skeleton = of_written(text)
        for search in plain:
            if search(skeleton):
                return True
        if not skeleton.isascii():
            for search in others:
                if search(skeleton):
                    return True
        return False

    return suspicious
