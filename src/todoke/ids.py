"""Ids that sort by the time they were made: ULIDs, 26 characters of Crockford's base 32.

Random keys cost a database several times more on insert, for every one lands on another page.
"""

import secrets
from collections.abc import Callable
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
        moment = self._milliseconds()
        if moment > self._last >> 80:
            # The top bit stays free so that counting up can't overflow into the time.
            self._last = moment << 80 | self._randbits(79)
        else:
            self._last += 1
        value = self._last
        return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


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
