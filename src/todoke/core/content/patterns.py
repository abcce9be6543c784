"""The patterns of rules: a small part of regular expressions, of a kind that can't run away.

    words            優惠 | ลดราคา | new arrival      a space is one space or hyphen
    one of           (a|b|c)                           groups may nest; (…)? (…){0,2} are the only repeats
    a character of   [券卷]  [a-z0-9]  [^。]  \\d  \\S   `.` is any character but a line break
    repeats          x?  x{2,5}  x{3}                  of one character, at most GAP times; never * or +
    edges            \\b  ^  $                          a word's edge (Latin letters); a line's begin and end
    not beside       (?!…)  (?<!…)                     the second of characters and alternatives only

Without unbounded repeats and with at most MOST_GAPS gaps, a search is linear in the length of the text. Every pattern
also tells its *grams*: short runs of characters of which every text that it matches has one. They say which patterns
need not be looked for (`quick.py`); so those whose grams are not there are never compiled.
"""

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

import msgspec

from todoke.core.content.grams import (
    DIGITS,
    WORD_EDGE,
    Edge,
    Group,
    One,
    Part,
    coarse_of,
    cover,
    forget_places,
    regex_of,
)
from todoke.core.content.lookalikes import LOOKALIKES
from todoke.core.content.spelling import folded_pattern
from todoke.core.errors import InvalidRule

LONGEST = 1200
"""Characters of a pattern."""
GAP = 40
"""The most that a repeat may stand for."""
MOST_GAPS = 4
"""Repeats over more than four characters in one pattern."""


class Patterns:
    """Some patterns, of which one is to match: ready for Python's re over folded text when they are first wanted.

    Reading and compiling all that the rules hold takes seconds; a text needs a few.
    """

    def __init__(self, sources: Iterable[str], grams: Iterable[str] = ()) -> None:
        self.sources = tuple(sources)
        self.grams = tuple(grams)
        """Of which any text that one of them matches has one in its skeleton."""

    def __bool__(self) -> bool:
        return bool(self.sources)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Raises InvalidRule where they were not read before."""
        return re.compile("|".join(_regex(_read(source, "")) for source in self.sources))

    @cached_property
    def coarse(self) -> re.Pattern[str]:
        """Found in the skeleton of every text that one of them matches. Raises InvalidRule where they were not read."""
        branches = [branch for source in self.sources for branch in _read(source, "")]
        return re.compile("|".join(map(coarse_of, branches)))


_REPEAT = re.compile(r"\{(\d{1,2})(?:,(\d{1,2}))?\}")
_SPACE = frozenset(" -")
_SPECIAL = set("\\^$.|?*+()[]{}")


def read_pattern(source: str, pointer: str = "", *, looked_for: bool = True) -> Patterns:
    """Raises InvalidRule, with the place and what to write instead, for what is not of the safe kind.

    Patterns that are `looked_for` need grams; those that only tell of the surroundings need none.
    """
    branches = _read(source, pointer)
    grams = cover(branches) if looked_for else None
    if grams is None and looked_for:
        raise InvalidRule(
            f"{_shown(source)} needs two characters in a row that are always there, such as a word: "
            "without them the check of a notice would be slow",
            pointer,
        )
    return Patterns((source,), grams or ())


def _read(source: str, pointer: str) -> list[list[Part]]:
    if not source.strip() or len(source) > LONGEST:
        raise InvalidRule(f"A pattern has 1 to {LONGEST} characters: this one has {len(source)}", pointer)
    reader = _Reader(folded_pattern(source), pointer)
    branches = reader.branches()
    if reader.at < len(reader.text):
        raise InvalidRule(f"`)` without `(` at character {reader.at + 1} of {_shown(source)}", pointer)
    if reader.gaps > MOST_GAPS:
        raise InvalidRule(
            f"At most {MOST_GAPS} gaps such as .{{0,12}} in a pattern: {_shown(source)}", pointer
        )
    return branches


def forget_read() -> None:
    """Drops what is kept while thousands of patterns are read one after the other: only speed depends on it."""
    _character.cache_clear()
    forget_places()


def _regex(branches: list[list[Part]]) -> str:
    return f"(?:{'|'.join(regex_of(branch) for branch in branches)})"


def _shown(source: str) -> str:
    return f"“{source[:60]}…”" if len(source) > 60 else f"“{source}”"


class _Reader:
    def __init__(self, text: str, pointer: str) -> None:
        self.text, self.pointer = text, pointer
        self.at, self.gaps, self.depth = 0, 0, 0

    def refuse(self, why: str) -> InvalidRule:
        return InvalidRule(f"{why}, at character {self.at + 1} of {_shown(self.text)}", self.pointer)

    def branches(self) -> list[list[Part]]:
        found: list[list[Part]] = [[]]
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] == "|":
                self.at += 1
                found.append([])
            else:
                found[-1].append(self.part())
        if any(not branch for branch in found):
            raise self.refuse("An empty alternative beside `|`")
        return found

    def part(self) -> Part:
        c = self.text[self.at]
        if c == "(":
            return self.group()
        if c in "^$":
            self.at += 1
            return Edge("(?m:^)" if c == "^" else "(?m:$)")
        if self.text.startswith("\\b", self.at):
            self.at += 2
            return Edge(WORD_EDGE)
        return self.repeated(self.one())

    def group(self) -> Part:
        look = next((x for x in ("(?!", "(?<!") if self.text.startswith(x, self.at)), None)
        if look is None and self.text.startswith("(?", self.at):
            raise self.refuse("Only (?!…) and (?<!…) may begin with (?")
        self.at += len(look or "(")
        self.depth += 1
        if self.depth > 6:
            raise self.refuse("Groups nest too deep")
        branches = self.branches()
        if self.at >= len(self.text):
            raise self.refuse("`(` without `)`")
        self.at += 1
        self.depth -= 1
        if look:
            return Edge(self.beside(look, branches))
        most, optional = 1, self.text.startswith("?", self.at)
        self.at += optional
        if self.text.startswith(("{0,1}", "{0,2}"), self.at):
            most, optional = int(self.text[self.at + 3]), True
            self.at += 5
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            raise self.refuse("A group can't be repeated: only made optional, with `?` or {0,2}")
        return Group(branches, most, optional)

    def beside(self, look: str, branches: list[list[Part]]) -> str:
        if look == "(?!":
            return f"(?!{'|'.join(regex_of(branch) for branch in branches)})"
        for part in (part for branch in branches for part in branch):
            if isinstance(part, Group) or (isinstance(part, One) and part.least != part.most):
                raise self.refuse("(?<!…) takes characters and `|` only")
        # Python wants each look behind of one length.
        return "".join(f"(?<!{regex_of(branch)})" for branch in branches)

    def one(self) -> One:
        c = self.text[self.at]
        self.at += 1
        if c == "[":
            return self.klass()
        if c == ".":
            return One(None, "[^\\n]")
        if c == "\\":
            return self.escape()
        if c in "*+?{}]":
            raise self.refuse(f"`{c}` here: repeats are {{m,n}} with n up to {GAP}, and `\\` quotes a sign")
        if c == " ":
            return One(_SPACE, "[ -]")
        return _character(c)

    def escape(self) -> One:
        c = self.text[self.at : self.at + 1]
        self.at += 1
        if c == "d":
            return One(DIGITS, "[0-9]")
        if c == "S":
            return One(None, "[^ \\n]")
        if c == "n":
            return One(frozenset("\n"), "\\n")
        if c in _SPECIAL or c == "-":
            return One(frozenset(c), re.escape(c))
        raise self.refuse(f"`\\{c}` is not known: there are \\b, \\d, \\S, \\n and quoted signs")

    def klass(self) -> One:
        end = self.text.find("]", self.at + 1)
        if end < 0:
            raise self.refuse("`[` without `]`")
        body = self.text[self.at : end]
        self.at = end + 1
        negated = body.startswith("^")
        body = body.removeprefix("^").replace("\\d", "0-9").replace("\\n", "\n")
        chars: set[str] = set()
        i = 0
        while i < len(body):
            if body[i] == "\\":
                i += 1
            if i + 2 < len(body) and body[i + 1] == "-":
                first, last = ord(body[i]), ord(body[i + 2])
                if not 0 <= last - first < 128:
                    raise self.refuse("A range in [ ] goes up, over at most 128 characters")
                chars.update(chr(x) for x in range(first, last + 1))
                i += 3
            else:
                chars.update(body[i : i + 1])
                i += 1
        if not chars:
            raise self.refuse("An empty [ ]")
        if negated:
            return One(None, _klass(frozenset(chars | {"\n"}), "^"))
        return One(frozenset(chars), _klass(frozenset(chars)))

    def repeated(self, one: One) -> One:
        if self.text.startswith("?", self.at):
            self.at += 1
            one = msgspec.structs.replace(one, least=0)
        elif found := _REPEAT.match(self.text, self.at):
            least, most = int(found[1]), int(found[2] or found[1])
            if not least <= most <= GAP or most == 0:
                raise self.refuse(f"{{m,n}} wants m ≤ n ≤ {GAP}")
            self.at = found.end()
            self.gaps += most > 4
            one = msgspec.structs.replace(one, least=least, most=most)
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            raise self.refuse(f"`{self.text[self.at]}`: repeats are `?` or {{m,n}} with n up to {GAP}")
        return one


@lru_cache(maxsize=8192)
def _character(c: str) -> One:
    """A plain character with its look-alikes. Rules have some 200,000 of them, so each is made once."""
    chars = frozenset(c + LOOKALIKES.get(c, ""))
    return One(chars, _klass(chars))


def _klass(chars: frozenset[str], sign: str = "") -> str:
    if len(chars) == 1 and not sign:
        return re.escape(next(iter(chars)))
    return f"[{sign}{''.join(re.escape(c) for c in sorted(chars))}]"
