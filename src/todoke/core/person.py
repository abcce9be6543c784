"""How one person may be named in what is kept: the ways to write their number, its hash, their LINE user IDs."""

import re
import unicodedata
from functools import lru_cache

import msgspec

from todoke.core.phone import line_hash

_BETWEEN = r"[\s\-‐-―−.()/·・]{0,3}"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers, LINE users, or both, that are one person."""

    numbers: frozenset[str] = frozenset()
    """E.164 with the plus sign."""
    user_ids: frozenset[str] = frozenset()

    @property
    def words(self) -> tuple[str, ...]:
        """What a machine would write of them: digits, LINE's hash of the number, user IDs."""
        found: list[str] = []
        for number in sorted(self.numbers):
            found += [*writings(number)[:2], line_hash(number)]
        return (*found, *sorted(self.user_ids))


def writings(number: str) -> tuple[str, ...]:
    """A number in digits only: with its country code, as it is dialled at home, without the zero, from abroad."""
    digits = number.removeprefix("+")
    code = next((c for c in ("886", "66", "81") if digits.startswith(c)), "")
    at_home = digits[len(code) :]
    return (digits, "0" + at_home, at_home, "00" + digits)


def mentions(text: str, person: Person) -> bool:
    """Whether a text names the person: in any usual way of writing a number, in any digits; by hash; by user ID."""
    plain = unicodedata.normalize("NFKC", text)
    folded = plain.casefold()
    if any(user.casefold() in folded for user in person.user_ids):
        return True
    if not person.numbers:
        return False
    if any(line_hash(number) in folded for number in person.numbers):
        return True
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in plain)
    return _written(person.numbers).search(digits) is not None


@lru_cache(64)
def _written(numbers: frozenset[str]) -> re.Pattern[str]:
    """Any writing of any of them, with what people put between digits; no further digit right before or after it."""
    ways = "|".join(_BETWEEN.join(writing) for number in numbers for writing in writings(number))
    return re.compile(rf"(?<![0-9])(?:{ways})(?![0-9])")
