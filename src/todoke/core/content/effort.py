"""How many ways a pattern may be tried at one place of a text: what keeps a rule of somebody else's from running away.

`patterns.py` bounds every repeat, and so a search always ends; but `(a|aa)?` twenty times over, or four gaps of forty
characters, would end after years.
"""

from collections.abc import Sequence

from todoke.core.content.grams import Edge, Group, One, Part
from todoke.core.content.patterns import _Reader
from todoke.core.content.spelling import folded_pattern


def ways(source: str) -> int:
    """Of a pattern that `read_pattern` takes."""
    return sum(_of_parts(branch) for branch in _Reader(folded_pattern(source), "").branches())


def _of_parts(parts: Sequence[Part]) -> int:
    found = 1
    for part in parts:
        if isinstance(part, One):
            found *= part.most - part.least + 1
        elif isinstance(part, Group):
            found *= (_of_group(part) + part.optional) ** part.most
    return found


def _of_group(group: Group) -> int:
    """Alternatives that differ early are never both found: 折扣 and 折抵 are one way, a and aa two."""
    begins = [(_begin(branch), _of_parts(branch)) for branch in group.branches]
    return max(sum(n for other, n in begins if _go_together(begin, other)) for begin, _ in begins)


def _begin(parts: Sequence[Part]) -> list[frozenset[str] | None]:
    """The characters at its first places, as far as each has one place only; None: any character."""
    found: list[frozenset[str] | None] = []
    for part in parts:
        if isinstance(part, One) and part.least == part.most:
            found += [part.chars] * part.least
        elif not isinstance(part, Edge):
            break
    return found


def _go_together(a: list[frozenset[str] | None], b: list[frozenset[str] | None]) -> bool:
    return all(x is None or y is None or x & y for x, y in zip(a, b, strict=False))
