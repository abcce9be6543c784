"""The parts of a pattern, and its grams: short runs of characters of which every text that it matches has one.

Grams are written as skeletons (`skeleton.py`): they are looked for in the skeleton of a text.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import msgspec

from todoke.core.content.skeleton import UNKNOWN, class_of, is_plain
from todoke.core.content.spelling import THAI_MARKS

DIGITS = frozenset("0123456789")
DIGIT_CLASSES = frozenset(map(class_of, DIGITS))
"""What skeletons have for them, and for letters that may be read as them."""


class One(msgspec.Struct):
    """One character: of `chars`, or any (None)."""

    chars: frozenset[str] | None
    regex: str
    least: int = 1
    most: int = 1


class Edge(msgspec.Struct):
    regex: str


class Group(msgspec.Struct):
    branches: "list[list[Part]]"
    most: int = 1
    optional: bool = False


Part = One | Edge | Group


BEGIN, END = "(?<![a-z0-9])", "(?![a-z0-9])"
"""Edges of a word beside a letter or digit that belongs to it."""
WORD_EDGE = f"(?:{BEGIN}(?=[a-z0-9])|(?<=[a-z0-9]){END})"
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def regex_of(branch: Sequence[Part]) -> str:
    out = []
    for n, part in enumerate(branch):
        if isinstance(part, Edge):
            # Which edge it is is mostly known, and asking for one takes a third of the time.
            if part.regex == WORD_EDGE and _is_letter(branch[n + 1 : n + 2], 0):
                out.append(BEGIN)
            elif part.regex == WORD_EDGE and n and _is_letter(branch[n - 1 : n], -1):
                out.append(END)
            else:
                out.append(part.regex)
        elif isinstance(part, One):
            many = "" if (part.least, part.most) == (1, 1) else f"{{{part.least},{part.most}}}"
            out.append(part.regex + many)
        else:
            inner = "|".join(regex_of(x) for x in part.branches)
            out.append(f"(?:{inner})" + (f"{{0,{part.most}}}" if part.optional else ""))
    return "".join(out)


def coarse_of(branch: Sequence[Part]) -> str:
    """The same as a skeleton has it: whatever matches the regex has something in its skeleton that matches this."""
    out = []
    for part in branch:
        if isinstance(part, One):
            out.append(_coarse(part))
        elif isinstance(part, Group):
            inner = "|".join(coarse_of(x) for x in part.branches)
            out.append(f"(?:{inner})" + (f"{{0,{part.most}}}" if part.optional else ""))
    return "".join(out)


def _coarse(one: One) -> str:
    if one.chars is None:
        # Digits may be repeated in the skeleton more often than in a view, so no gap has an end.
        return "[\\s\\S]*?"
    classes = {class_of(c) for c in one.chars}
    chars = _any_of(classes - {""})
    if not chars:
        return ""
    least, most = (0 if "" in classes else one.least), str(one.most)
    if classes & DIGIT_CLASSES:
        return f"{chars}{{{least},}}"
    return chars if (least, most) == (1, "1") else f"{chars}{{{least},{most}}}"


def _any_of(classes: set[str]) -> str:
    if len(classes) < 2:
        return re.escape("".join(classes))
    return f"[{''.join(map(re.escape, sorted(classes)))}]"


_LONGEST = 6
"""Characters of a pattern in a gram."""
_MOST_SPELLINGS = 64
"""Of one gram; where sets of characters have more, it is shorter."""


def _is_letter(parts: Sequence[Part], at: int) -> bool:
    """Whether what stands first (0) or last (-1) is surely a letter or digit."""
    if not parts or isinstance(part := parts[at], Edge):
        return False
    if isinstance(part, One):
        return part.chars is not None and part.least > 0 and part.chars <= _LETTERS
    return not part.optional and all(_is_letter(branch, at) for branch in part.branches)


_HIT = 50_000
"""How much worse it is to read a value in vain than to look at what follows the first character of a gram."""
# How often characters are seen in the values of notices, roughly, in a thousand: only speed depends on it.
USUAL = dict(zip("etaoinsrhldcumfpgwybvkxjqz", range(60, 8, -2), strict=True))
USUAL |= {class_of(c): USUAL.get(class_of(c), 0) + 120 for c in "0123456789"} | dict.fromkeys(":\n", 120)
USUAL |= dict.fromkeys("店門市安大中山小新信義公司分行線上年月日時円元號室樓路段台田本前午後", 40)


class _Place(msgspec.Struct, frozen=True):
    """One character of a run: what may stand for it in a skeleton, `""` where that may be nothing."""

    classes: frozenset[str]
    share: float
    """How many of a thousand characters that is, divided by a thousand."""
    rare: bool
    """One such character is enough: those of scripts with thousands of them."""


_Window = tuple[_Place, ...]
_Cover = tuple[float, list[_Window]]


@lru_cache(maxsize=4096)
def _place(chars: frozenset[str]) -> _Place:
    # A sign that is dropped is found by that it is not plain.
    classes = frozenset(class_of(c) or ("" if is_plain(c) else UNKNOWN) for c in chars)
    share = 1.0 if "" in classes else sum(USUAL.get(c) or _of_script(c) for c in classes) / 1000
    return _Place(classes, share, all(c >= "\u3400" for c in chars))


def forget_places() -> None:
    """Drops the places that are kept for the next pattern."""
    _place.cache_clear()


def _of_script(c: str) -> int:
    if c.isascii():
        return 8
    return 25 if "\u0e00" <= c <= "\u0e5b" else 12 if "\u3041" <= c <= "\u30ff" else 2


def cover(branches: list[list[Part]]) -> frozenset[str] | None:
    """Grams of which every match has one; None where a branch has none of at least two characters."""
    found = _cover(branches)
    if found is None:
        return None
    return frozenset(
        UNKNOWN if UNKNOWN in spelling else "".join(spelling)
        for window in found[1]
        for spelling in product(*(place.classes for place in window))
    )


def _cover(branches: list[list[Part]]) -> _Cover | None:
    total = 0.0
    windows: list[_Window] = []
    for branch in branches:
        best = _best(branch)
        if best is None:
            return None
        total += best[0]
        windows += best[1]
    return total, windows


def _best(branch: Sequence[Part]) -> _Cover | None:
    best: _Cover | None = None
    for run in _runs(branch):
        for start in range(len(run)):
            chance, spellings = 1.0, 1
            for end in range(start, min(start + _LONGEST, len(run))):
                place = run[end]
                chance *= place.share
                spellings *= len(place.classes)
                if spellings > _MOST_SPELLINGS:
                    break
                cost = chance * _HIT + run[start].share
                if (end > start or place.rare) and (best is None or cost < best[0]):
                    best = cost, [tuple(run[start : end + 1])]
    for part in branch:
        if isinstance(part, Group) and not part.optional:
            inner = _cover(part.branches)
            if inner is not None and (best is None or inner[0] < best[0]):
                best = inner
    return best


def _runs(branch: Sequence[Part]) -> list[list[_Place]]:
    """Characters that surely follow one another."""
    runs: list[list[_Place]] = [[]]
    for part in branch:
        if isinstance(part, Edge):
            continue
        if isinstance(part, One):
            if part.chars and part.chars <= THAI_MARKS:
                continue  # Skeletons have none.
            if part.chars and len(part.chars) <= 16 and part.least:
                place = _place(part.chars)
                runs[-1].append(place)
                if part.most > 1:
                    runs.append([place] if part.least == part.most else [])
                continue
        elif not part.optional and (single := _single(part)):
            runs[-1].append(_place(single))
            continue
        runs.append([])
    return [run for run in runs if run]


def _single(group: Group) -> frozenset[str] | None:
    """The characters of a group of single characters, such as (a|b)."""
    chars: set[str] = set()
    for branch in group.branches:
        if len(branch) != 1 or not isinstance(part := branch[0], One) or part.chars is None:
            return None
        if (part.least, part.most) != (1, 1):
            return None
        chars |= part.chars
    return frozenset(chars) if len(chars) <= 16 else None
