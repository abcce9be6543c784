"""What LINE's list says that a use case is for, and words that speak against it."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

import line_catalogue
from todoke.core.content.codes import finding
from todoke.core.content.data import Limit
from todoke.core.content.finding import Finding


def plain(text: str) -> str:
    """Width, case and spaces put aside."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class LimitCheck:
    """Checks texts against the limits of use cases."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._limits = dict(limits)
        self._words = {
            key: [(_any_of(x.words), x.why) for x in limit.contradicts] for key, limit in limits.items()
        }

    def note(self, use_case: str, country: str | None) -> Iterator[Finding]:
        """What LINE's list says of the use case, and what a reviewer will ask."""
        limit = self._limit(use_case, country)
        if limit is not None and limit.limit is not None:
            yield finding(
                "use-case-limit", "/use_case", use_case,
                f"LINE's limit for {use_case}: {limit.limit}. A reviewer will ask for {limit.asks}",
            )  # fmt: skip

    def text(self, text: str, *, use_case: str, country: str | None, pointer: str) -> Iterator[Finding]:
        """The words of a text that speak against its use case."""
        limit = self._limit(use_case, country)
        if limit is None:
            return
        read = plain(text)
        for words, why in self._words[use_case]:
            if found := words.search(read):
                allowed = f" (its limit: {limit.limit})" if limit.limit else ""
                yield finding(
                    "use-case-contradiction", pointer, found[0],
                    f"This does not fit {use_case}, as {why}{allowed}. Say it otherwise, or apply for "
                    "another use case",
                )  # fmt: skip

    def forms(self, use_case: str, forms: frozenset[str]) -> Iterator[Finding]:
        """Whether a use case that allows no duplicate has forms for two ways."""
        if use_case in line_catalogue.duplicate_unlawful() and "sms" in forms and forms - {"sms"}:
            yield finding(
                "duplicate-unlawful", "/use_case", use_case,
                "A late duplicate of this may break the law: keep the SMS alone. Policies with LINE notification "
                "beside another step are refused",
            )  # fmt: skip

    def _limit(self, use_case: str, country: str | None) -> Limit | None:
        limit = self._limits.get(use_case)
        return limit if limit is not None and (country is None or country in limit.countries) else None


def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = []
    for word in sorted(map(plain, words), key=len, reverse=True):
        # A Latin word is one by itself: "cart" is not in "cartoon".
        parts.append(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word))
    return re.compile("|".join(parts))
