"""Languages of texts: tags as BCP 47 (RFC 5646) writes them, and which of a template's is meant.

People write a language in many ways: `zh-TW`, `zh_TW`, `zh-hant-tw` are all Chinese in traditional characters.
A tag is brought into one form, so that equal languages are equal texts.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?(?:-[A-Za-z0-9]{5,8}){0,2}")
LONGEST = 20
"""Characters of a tag: our own limit. RFC 5646 knows of 35, with extensions that no text of a notice has."""

_ALIASES = {
    "zh-TW": "zh-Hant",
    "zh-HK": "zh-Hant",
    "zh-MO": "zh-Hant",
    "zh-Hant-TW": "zh-Hant",
    "zh-CN": "zh-Hans",
    "zh-SG": "zh-Hans",
    "zh-Hans-CN": "zh-Hans",
    "cmn-Hant": "zh-Hant",
    "cmn-Hans": "zh-Hans",
    "th-TH": "th",
    "th-Thai": "th",
    "ja-JP": "ja",
    "ja-Jpan": "ja",
}
"""A country says which characters are written there, and a language that is written in one way needs no country
(CLDR's likely subtags)."""


def tag_of(text: str) -> str | None:
    """The language of `zh_TW`, `TH`, `en-us` as one tag: `zh-Hant`, `th`, `en-US`. None for what is no tag."""
    # A stranger's text of a megabyte is not one to remember; spaces around a tag are few.
    return _tag_of(text) if len(text) <= 2 * LONGEST else None


@lru_cache(maxsize=1024)
def _tag_of(text: str) -> str | None:
    text = text.strip().replace("_", "-")
    if len(text) > LONGEST or not _TAG.fullmatch(text):
        return None
    first, *others = text.split("-")
    parts = [first.lower()]
    for part in others:
        parts.append(part.title() if len(part) == 4 else part.upper() if len(part) <= 3 else part.lower())
    tag = "-".join(parts)
    return _ALIASES.get(tag, tag)


def chosen(asked: str, has: Sequence[str]) -> str | None:
    """Which of these tags comes nearest to what was asked for: the same, else one that says less (RFC 4647, lookup),
    else the first of the same language, in whatever characters. None where there is none, or `asked` is no tag.
    """
    tag = tag_of(asked)
    if tag is None or tag in has:
        return tag
    less = tag
    while "-" in less:
        less = less.rpartition("-")[0]
        if less in has:
            return less
    return next((each for each in has if each.partition("-")[0] == less), None)
