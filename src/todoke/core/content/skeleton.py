"""The skeleton of a text: what is left of it when all that may be written for each other is written one way.

Whatever `spelling.py` may drop (separators, Thai marks, the long-vowel mark and the dashes written for it) is left out,
and of characters that it may read as each other (o and 0, i, l and 1, か and 力, 折 and 拆) one stands for all. So if a
pattern matches any view of a text, the skeleton of what it matched stands in the skeleton of the text, but for long
repeats of a character, which views shorten. That is coarse, and quick: it tells which patterns need not be looked for.
(The word is that of UTS #39, whose skeletons serve the same purpose.)
"""

import re

from todoke.core.content.lookalikes import DASHES, KANA_LIKE, LEET_FOR, LOOKALIKES
from todoke.core.content.spelling import SEPARATOR, THAI_MARKS, folded_character

UNKNOWN = "\0"
"""Stands in `of_written` for a character that may be read as anything."""
_SIGNS = "•○–—‐、。「」（）：，・／￥฿\u3000－～！？【】〒々"
_RANGES = (
    ("\n", "\n"),
    (" ", "{"),  # no |: it may stand for a letter or be dropped
    ("}", "~"),
    ("\u0e01", "\u0e3a"),
    ("\u0e3f", "\u0e5b"),
    ("\u3041", "\u3096"),
    ("\u30a1", "\u30fc"),
    ("\u4e00", "\u9fff"),
    ("\uff10", "\uff19"),
)
_DROPPED = re.compile(f"(?!\\+){SEPARATOR}|[{re.escape(''.join(sorted(THAI_MARKS)))}{re.escape(DASHES)}ー一]")
_SHORTENED = re.compile(r"([a-z])\1\1|เเ")
_PLUS = re.compile(r"[^\s(:]\+|\+(?!\d\d[\d .()-]*(?![\w$@!+]))")
"""A + that may be read as a t, or only part letters: every one but that of +886912345678."""


def is_plain(c: str) -> bool:
    """Whether it is one of the characters that most values consist of."""
    return any(first <= c <= last for first, last in _RANGES) or c in _SIGNS


def _classes() -> dict[str, str]:
    """The character that stands for each, of those that may be read as others."""
    found: dict[str, str] = {}

    def root(c: str) -> str:
        while c in found:
            c = found[c]
        return c

    pairs = [(sign, letter) for letter, signs in LEET_FOR.items() for sign in signs]
    pairs += [("l", "i"), ("แ", "เ"), *KANA_LIKE.items()]  # two เ are read as one แ
    pairs += [(sign, c) for c, signs in LOOKALIKES.items() for sign in signs]
    for c, to in pairs:
        if root(c) != root(to):
            found[root(c)] = root(to)
    return {c: root(c) for c in found}


_CLASSES = _classes()


def class_of(c: str) -> str:
    """What stands for a folded character in a skeleton: one character, or nothing."""
    return "" if _DROPPED.match(c) else _CLASSES.get(c, c)


class _Folded(dict[int, str | None]):
    """For `str.translate`, of folded texts. Filled as it is used, by plain characters only: so it stays small."""

    def __missing__(self, code: int) -> str | None:
        found = class_of(chr(code)) or None
        if is_plain(chr(code)):
            self[code] = found
        return found


class _Written(dict[int, str | None]):
    """The same of texts as they were written."""

    def __missing__(self, code: int) -> str | None:
        if not is_plain(chr(code)):
            return UNKNOWN
        self[code] = found = "".join(map(class_of, folded_character(chr(code)))) or None
        return found


_FOLDED, _WRITTEN = _Folded(), _Written()


def of_written(text: str) -> str:
    """Of a text as it was written. It says nothing of the text if UNKNOWN is in it."""
    if "+" in text and _PLUS.search(text):
        return UNKNOWN
    return text.translate(_WRITTEN)


def of_folded(text: str) -> str:
    """Of a view of a text."""
    return text.translate(_FOLDED)


def is_shortened(skeleton: str) -> bool:
    """Whether a view of the text may have a repeat of a character shorter than its skeleton has it."""
    return _SHORTENED.search(skeleton) is not None
