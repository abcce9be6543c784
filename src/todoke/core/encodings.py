"""Which encoding a list is in, by what its bytes read as: strict decoding first, then how likely the text is.

Big5, Shift_JIS and TIS-620 share nearly all their bytes, and most files decode in several of them. What tells them
apart is the text that comes out: `core.encoding_scores`. Where two readings are about as likely, nothing is guessed.
"""

import codecs
from typing import Literal

import msgspec

from todoke.core.encoding_scores import score

Sureness = Literal["set", "sure", "likely", "unsure"]

CODECS = {
    "utf-8": "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "big5": "cp950",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "euc-jp": "euc_jp",
    "gb18030": "gb18030",
}
"""Encodings by the names that are shown, and Python's codecs for them: Windows' supersets, as files have them."""

_NAMES = {
    **{"utf8": "utf-8", "utf-8-sig": "utf-8", "unicode": "utf-16", "utf16": "utf-16"},
    **{"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"},
    **{"cp950": "big5", "ms950": "big5", "big-5": "big5", "windows-950": "big5"},
    **dict.fromkeys(("sjis", "shift-jis", "cp932", "ms932", "windows-31j", "x-sjis"), "shift_jis"),
    **dict.fromkeys(("tis620", "cp874", "windows-874", "iso-8859-11"), "tis-620"),
    **dict.fromkeys(("eucjp", "euc_jp"), "euc-jp"),
    **dict.fromkeys(("gbk", "gb2312", "cp936"), "gb18030"),
}
NAMES = (*CODECS, "utf-16")
"""What may be asked for. `utf-16` is the one of the two that the byte order mark, or the text, shows."""

BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_BOTH = ("big5", "shift_jis", "tis-620", "euc-jp", "gb18030")
_HOME = {"TW": "big5", "TH": "tis-620", "JP": "shift_jis"}
_AT_HOME = 0.15
_SURE, _LIKELY = 0.22, 0.08
"""How far the best reading's score is ahead of the next one's, for each byte."""
_GOOD, _FAIR = 0.45, 0.25
"""The best reading's own score: below the second it is no text at all."""
_LOST = 0.02
"""The part of its lines that a reading may fail on: characters that people made up themselves, or a broken byte."""
MOST = 40_000
"""Bytes beyond ASCII that are looked at."""


class Guess(msgspec.Struct, frozen=True):
    """What a file's encoding seems to be. `others`: the next likely, the likeliest first; `bom`: bytes of its mark."""

    encoding: str
    sureness: Sureness
    bom: int = 0
    others: tuple[str, ...] = ()
    ascii: bool = False
    """Nothing but ASCII was seen, which is the same in all of them but UTF-16."""


def named(text: str) -> str | None:
    """The encoding that people mean by a name, one of NAMES; None for others."""
    name = text.strip().lower()
    name = _NAMES.get(name) or _NAMES.get(name.replace("_", "-")) or name
    return name if name in NAMES else None


def guess(sample: bytes, *, cut: bool = False, region: str = "") -> Guess:
    """What a sample of a file is in. `cut`: the file goes on after it. `region`: where it is likely to come from, one
    of TW, TH and JP; it tips the scales where they hang level. Never raises.
    """
    for mark, encoding in BOMS:
        if sample.startswith(mark):
            return Guess(encoding, "sure", len(mark))
    if (wide := wide_of(sample)) is not None:
        return Guess(wide, "sure")
    if sample.isascii():
        return Guess("utf-8", "sure", ascii=True)
    if cut:
        sample = sample[: sample.rfind(b"\n") + 1] or sample[:-4]
    lines = [line for line in sample.replace(b"\r", b"\n").split(b"\n") if not line.isascii()]
    kept, size = [], 0
    for line in lines:
        kept.append(line)
        size += len(line)
        if size > MOST:
            break
    home = _HOME.get(region)
    scores = sorted(
        ((_score(kept, name) + (_AT_HOME if name == home else 0), name) for name in ("utf-8", *_BOTH)),
        reverse=True,
    )
    readable = [(value, name) for value, name in scores if value > _UNREADABLE]
    if not readable:
        return Guess("utf-8", "unsure")
    (best, name), *rest = readable
    margin = best - (rest[0][0] if rest else -1.0)
    sureness: Sureness = "unsure"
    if (name == "utf-8" and best > _FAIR) or (best >= _GOOD and margin >= _SURE):
        sureness = "sure"
    elif best >= _FAIR and margin >= _LIKELY:
        sureness = "likely"
    close = tuple(other for value, other in rest if best - value < _SURE and value > 0)
    return Guess(name, sureness, 0, close)


def wide_of(sample: bytes) -> str | None:
    """UTF-16 without a byte order mark: ASCII's digits, commas and line ends leave every second byte of theirs NUL."""
    sample = sample[: min(len(sample), 4000) // 2 * 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 16 < len(sample) or min(even, odd) * 10 > max(even, odd):
        return None
    name = "utf-16-be" if even > odd else "utf-16-le"
    text = sample.decode(name, "replace").rstrip("\ufffd")
    shown = sum(c.isprintable() or c in "\r\n\t" for c in text)
    return name if text and shown * 20 >= len(text) * 19 else None


_UNREADABLE = -9.0


def _score(lines: list[bytes], name: str) -> float:
    codec = CODECS[name]
    decode = codecs.getdecoder(codec)
    total, size, lost = 0.0, 0, 0
    for line in lines:
        try:
            text = decode(line)[0]
        except UnicodeDecodeError:
            lost += 1
            continue
        total += score(text, name)
        size += len(line.translate(None, _ASCII))
    if not size or lost > len(lines) * _LOST:
        return _UNREADABLE
    return total / size


_ASCII = bytes(range(128))
