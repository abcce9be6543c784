"""Ids that sort by the time they were made: ULIDs, 26 characters of Crockford's base 32.

Random keys cost a database several times more on insert, for every one lands on another page.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Protocol

from todoke.clock import wall

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
LENGTH = 26


class Ids(Protocol):
    """Makes ids."""

    def new(self) -> str:
        """A new id; later ones of the same maker sort after it."""
        ...

    def several(self, count: int) -> Iterator[str]:
        """So many new ids in order, for less; those that are not taken are lost."""
        ...


class UlidIds:
    """ULIDs, rising within this maker: inside a millisecond the random part counts up.

    They come from the machine's time, not from the notices' clock: a virtual clock may be set back.
    """

    def __init__(
        self, milliseconds: Callable[[], int] = wall, randbits: Callable[[int], int] = secrets.randbits
    ) -> None:
        self._milliseconds = milliseconds
        self._randbits = randbits
        self._last = 0

    def new(self) -> str:
        value = self._reserve(1)
        return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])

    def several(self, count: int) -> Iterator[str]:
        first = self._reserve(count)
        high, begins = -1, ""
        for value in range(first, first + count):
            if value >> 20 != high:
                # All but the last four characters, which thousands have in common.
                high = value >> 20
                begins = "".join([_PAIRS[high >> shift & 1023] for shift in range(100, -1, -10)])
            yield begins + _PAIRS[value >> 10 & 1023] + _PAIRS[value & 1023]

    def _reserve(self, count: int) -> int:
        moment = self._milliseconds()
        first = self._last + 1
        if moment > self._last >> 80:
            # The top bit stays free so that counting up can't overflow into the time.
            first = moment << 80 | self._randbits(79)
        self._last = first + count - 1
        return first


def floor_id(milliseconds: int) -> str:
    """No id that was made at this time of the machine, or later, sorts before it."""
    value = max(milliseconds, 0) << 80
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def is_id(text: str) -> bool:
    """Whether this can be one of our ids."""
    return len(text) == LENGTH and all(c in _ALPHABET for c in text)


def to_bytes(text: str) -> bytes:
    """An id as 16 bytes."""
    value = 0
    for character in text:
        value = value << 5 | _ALPHABET.index(character)
    return value.to_bytes(16)


def from_bytes(raw: bytes) -> str:
    """The id of 16 bytes."""
    value = int.from_bytes(raw)
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def as_uuid(text: str) -> str:
    """The same 128 bits as a UUID in hex, for those who want one: LINE's retry key."""
    value = 0
    for char in text:
        value = value << 5 | _ALPHABET.index(char)
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
