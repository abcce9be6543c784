"""The words of the bind pages in four languages, and which language a page is in."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from markupsafe import Markup

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {"zh-Hant": "繁體中文", "th": "ไทย", "ja": "日本語", "en": "English"}
)
"""Code, as in the attribute `lang` → its name in itself, in the order in which the pages list them."""
_MOST_ACCEPTED = 20
"""Entries of an Accept-Language header that are looked at; browsers send fewer."""
_BY_PRIMARY = {"zh": "zh-Hant", "th": "th", "ja": "ja", "en": "en"}


TEXTS = msgspec.yaml.decode(
    (Path(__file__).parent / "texts" / "bind.yaml").read_bytes(), type=dict[str, dict[str, str]]
)
"""Key → language → text; {names} in braces are filled in by `Words`."""


class Words:
    """The texts of one language, for HTML: `words("code.left", left=3)`. What is filled in is escaped."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> Markup:
        # The texts are our own, and Markup escapes what is filled in.
        return Markup(TEXTS[key][self.language]).format_map(values)  # noqa: S704

    def has(self, key: str) -> bool:
        return key in TEXTS


def language_of(asked: str | None, linked: str | None, accepted: str | None) -> str:
    """The language of a page, one of LANGUAGES.

    `asked`: what the user chose on the page; `linked`: what the link says; `accepted`: the browser's header
    Accept-Language. English where none of them names a language that we have.
    """
    for wish in (asked, linked):
        if wish is not None and (known := known_language(wish)) is not None:
            return known
    return _accepted(accepted or "") or "en"


def known_language(tag: str) -> str | None:
    """One of LANGUAGES for a language tag of BCP 47, such as `ja-JP` or `zh-TW`; None where we have none."""
    return _BY_PRIMARY.get(tag.strip()[:35].lower().replace("_", "-").split("-")[0])


def _accepted(header: str) -> str | None:
    """The language that the browser likes best (RFC 9110, 12.5.4); the first named one of equal ones."""
    best, best_weight = None, 0.0
    for entry in header[:1000].split(",")[:_MOST_ACCEPTED]:
        tag, _, parameter = entry.partition(";")
        language = known_language(tag)
        if language is None:
            continue
        name, _, value = parameter.partition("=")
        weight = 1.0
        if name.strip().lower() == "q":
            weight = _weight(value)
        if weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
