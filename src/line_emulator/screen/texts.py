"""All words of the phone, by key and language: one file, which the phone in the browser loads too.

The words are this project's own, not LINE's.
"""

from __future__ import annotations

from functools import cache

import msgspec

from line_catalogue import looks

LANGUAGES = ("ja", "th", "zh-Hant", "zh-Hans", "en")
FILE = looks.folder() / "phone" / "texts.json"


@cache
def table() -> dict[str, dict[str, str]]:
    """Language to words, by key."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, dict[str, str]])


def say(key: str, language: str) -> str:
    """The words in this language, else in English."""
    words = table()[key]
    return words.get(language) or words["en"]
