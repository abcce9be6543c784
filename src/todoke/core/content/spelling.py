"""Reads a text as a person would who wants to see the word behind the spelling.

A text is folded character by character (width, case, variants of a character, look-alikes, invisible characters),
and each folded character remembers where it came from, so that a finding can quote the words as written. The folded
text is then read in several ways, its *views*:

- loose: words and spaces as they stand;
- tight: nothing between characters of scripts without spaces (優 惠, 折.扣, ค ู ป อ ง), spaced or chopped Latin words
  put together (s-a-l-e, cou.pon);
- two leet views: digits and signs in words read as letters (c0upon, $ale, SA1E), long repeats shortened.

Line breaks and ends of sentences are in all of them. Everything is linear in the length of the text.
"""

import re
import unicodedata
from functools import lru_cache

import msgspec

from todoke.core.content.lookalikes import DASHES, HAN, KANA_LIKE, LATIN, LEET, LEET_L

TONES = "\u0e48\u0e49\u0e4a\u0e4b\u0e4c"
"""Thai tone marks and the silencer, which stand after the vowel of their consonant."""
_THAI_VOWELS = "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a\u0e47\u0e4d"
THAI_MARKS = frozenset(TONES + _THAI_VOWELS)
SEPARATORS = " -‐‑‒–—―_.,·•・‧∙⋅*＊'’‘`´~|/\\^+;\"“”「」『』()[]{}<>《》〈〉【】、，#&"
"""What people put between the letters of a word to hide it; never a line break or the end of a sentence."""
_ENDS = {"。": "。", "．": "。", "！": "!", "？": "?", "；": ";", "\r": "\n", "\x0b": "\n", "\x0c": "\n"}
_ENDS |= {"\u2028": "\n", "\u2029": "\n", "\x85": "\n"}
_KATAKANA = {0x30A1 + i: 0x3041 + i for i in range(86)} | {0x30FD: 0x309D, 0x30FE: 0x309E}
_MARKS_OF_KANA = {"\u3099", "\u309a", "\uff9e", "\uff9f"}
_BRACKETED = re.compile(r"\(([^()])\)")
WIDE = "\u0e01-\u0e3a\u0e40-\u0e4e\u3005\u3041-\u3096\u30fc\u3400-\u9fff"
"""Letters of scripts that put no spaces between words, for a character class."""


class View(msgspec.Struct, frozen=True):
    """One way to read a text: `text`, and for each of its characters the place in the original."""

    text: str
    places: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from `start` to `end` stand in the original: first, and one after the last."""
        return self.places[start], self.places[end - 1] + 1


@lru_cache(maxsize=16384)
def folded_character(c: str) -> str:
    """What a single character is read as: nothing, itself, or some others."""
    if c in _ENDS:
        return _ENDS[c]
    if c in LATIN:
        return LATIN[c]
    if c in _MARKS_OF_KANA or c in THAI_MARKS:
        return {"\uff9e": "\u3099", "\uff9f": "\u309a"}.get(c, c)
    kind = unicodedata.category(c)
    if c.isspace():
        return "\n" if c == "\n" else " "
    if kind in ("Cf", "Cc", "Cn", "Co", "Cs", "Mn", "Me", "Lm") and c not in "\u30fc\uff70々ๆ\u3005":
        return "" if kind != "Lm" else _plain(c) if unicodedata.decomposition(c) else ""
    if "\ufe00" <= c <= "\ufe0f" or c in "\u115f\u1160\u3164\uffa0\u2800":
        return ""
    return _plain(c)


def _plain(c: str) -> str:
    wide = unicodedata.normalize("NFKC", c)
    if c == "\u0e33" or wide == "\u0e33":
        return "\u0e4d\u0e32"
    if len(wide) == 3 and (inner := _BRACKETED.fullmatch(wide)):
        wide = inner[1]  # ㈱ and the like: the letter without its brackets
    plain = wide.casefold().translate(_KATAKANA)
    if not all("\u3040" <= x <= "\u30ff" for x in plain):
        plain = "".join(
            x
            for x in unicodedata.normalize("NFD", plain)
            if unicodedata.category(x) != "Mn" or x in THAI_MARKS
        )
    return "".join(_one_form(x) for x in plain)


def _one_form(c: str) -> str:
    if c.isdecimal():
        return str(unicodedata.decimal(c))
    return HAN.get(c, LATIN.get(c, c))


def thai_order(text: str) -> str:
    """Thai marks in one order and each once, `แ` for two `เ`, for a pattern or a text without places."""
    return _fold_marks([(c, i) for i, c in enumerate(text)])[0]


def _fold_marks(units: list[tuple[str, int]]) -> tuple[str, list[int]]:
    """Puts marks behind their letters in one order; repeats of a mark count once."""
    out: list[str] = []
    places: list[int] = []
    i, n = 0, len(units)
    while i < n:
        c, place = units[i]
        i += 1
        if c in THAI_MARKS:
            run = [(c, place)]
            while i < n and units[i][0] in THAI_MARKS:
                run.append(units[i])
                i += 1
            seen: dict[str, int] = {}
            for x, at in run:
                seen.setdefault(x, at)
            for x in sorted(seen, key=lambda x: (x in TONES, x)):
                out.append(x)
                places.append(seen[x])
            continue
        if c in ("\u3099", "\u309a"):
            if out:
                out[-1] = unicodedata.normalize("NFC", out[-1] + c)[0]
            continue
        if c == "เ" and out and out[-1] == "เ":
            out[-1] = "แ"
            continue
        if c == "ー" and out and out[-1] == "ー":
            continue
        out.append(c)
        places.append(place)
    return "".join(out), places


_KANA = re.compile("[\u3041-\u3096\u30fc]")
_MAY_BE_KANA = re.compile(f"[{re.escape(''.join(KANA_LIKE))}{re.escape(DASHES)}]")


_SURELY_KANA = frozenset("力工卜夕口")
_LONG = frozenset("ー一-")


def _read_kana(text: str) -> str:
    """力ー卜 as カート: look-alikes between kana. The text keeps its length."""
    if not _KANA.search(text):
        return text
    out = list(text)
    for found in _MAY_BE_KANA.finditer(text):
        at, c = found.start(), found[0]
        before = at > 0 and _KANA.match(out[at - 1]) is not None
        after = text[at + 1 : at + 2]
        between = before and (_KANA.match(after) is not None or after in KANA_LIKE)
        if c in DASHES:
            if between:
                out[at] = "ー"
        elif between or (c in _SURELY_KANA and (after in _LONG or out[max(0, at - 1)] == "ー")):
            out[at] = KANA_LIKE[c]
    return "".join(out)


def loose(text: str) -> View:
    """The text folded, its words and spaces as they stand."""
    units: list[tuple[str, int]] = []
    for i, c in enumerate(text):
        # The most frequent first: what is folded to itself.
        for x in folded_character(c):
            if x == " " and units and units[-1][0] == " ":
                continue
            units.append((x, i))
    folded, places = _fold_marks(units)
    return View(_read_kana(folded), tuple(places))


_SIGNS = "\u2000-\u2bff\u3000\u3001\u3003\u3004\u3006-\u303f\ufe30-\ufe4f\U0001f000-\U0001faff"
_SEP = f"(?:[{re.escape(SEPARATORS)}]|[{_SIGNS}])"
SEPARATOR = _SEP
"""All that `tight` may drop, as a regular expression."""
_BETWEEN_WIDE = re.compile(f"(?<=[{WIDE}]){_SEP}{{1,8}}(?=[{WIDE}])")
_BESIDE_WIDE = re.compile(f"(?<=[{WIDE}]) (?=[^{WIDE} ])|(?<=[^{WIDE} ]) (?=[{WIDE}])")
_LETTERS = re.compile(f"(?<![a-z0-9])[a-z0-9$@!](?:{_SEP}{{1,3}}[a-z0-9$@!]){{2,40}}(?![a-z0-9])")
_CHOPPED = re.compile("(?<=[a-z])(?:[-_.·•・*'’~|^]|[\u2190-\u2bff\U0001f000-\U0001faff]){1,3}(?=[a-z])")


def tight(view: View) -> View:
    """The same without what only stands between the letters of a word."""
    text = view.text
    dropped: set[int] = set()
    for pattern in (_BETWEEN_WIDE, _BESIDE_WIDE, _CHOPPED):
        for found in pattern.finditer(text):
            dropped.update(range(*found.span()))
    for found in _LETTERS.finditer(text):
        if sum(c.isalpha() for c in found[0]) >= 2:
            # Where signs part the letters, a space parts words: V-I-P p-r-o-m-o.
            signs = any(c != " " and not _is_letter(c) for c in found[0])
            dropped.update(
                at
                for at in range(*found.span())
                if not _is_letter(text[at]) and not (signs and text[at] == " ")
            )
    if not dropped:
        return view
    kept = [at for at in range(len(text)) if at not in dropped]
    return View("".join(text[at] for at in kept), tuple(view.places[at] for at in kept))


def _is_letter(c: str) -> bool:
    return c.isalnum() or c in "$@!"


_WORD = re.compile(r"[a-z0-9$@!|+]{3,24}")
_REPEATS = re.compile(r"([a-z])\1{2,}")


def leet(view: View) -> tuple[View, ...]:
    """The same with digits and signs in words read as letters, and repeats shortened; none where nothing changes."""
    one, other = list(view.text), list(view.text)
    changed = False
    for found in _WORD.finditer(view.text):
        word = found[0]
        letters = sum("a" <= c <= "z" for c in word)
        if letters * 2 >= len(word) and letters != len(word):
            changed = True
            read = word.rstrip("!").translate(LEET)
            one[found.start() : found.start() + len(read)] = read
            read = word.rstrip("!").translate(LEET_L).translate(LEET)
            other[found.start() : found.start() + len(read)] = read
    views: list[View] = []
    for text in {"".join(one), "".join(other)} if changed else {view.text}:
        for most in (2, 1):
            short = _shortened(View(text, view.places), most)
            if short.text != view.text and all(short.text != x.text for x in views):
                views.append(short)
    return tuple(sorted(views, key=lambda x: x.text))


def _shortened(view: View, most: int) -> View:
    dropped: set[int] = set()
    for found in _REPEATS.finditer(view.text):
        dropped.update(range(found.start() + most, found.end()))
    if not dropped:
        return view
    kept = [at for at in range(len(view.text)) if at not in dropped]
    return View("".join(view.text[at] for at in kept), tuple(view.places[at] for at in kept))


def folded_pattern(source: str) -> str:
    """A rule's pattern in the spelling of folded texts. What is ASCII, its operators too, stays as it is."""
    plain = "".join(c if c.isascii() or c in THAI_MARKS else folded_character(c) or c for c in source)
    return thai_order(plain)
