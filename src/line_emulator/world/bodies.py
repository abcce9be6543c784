"""Request bodies, kept so that the phone can show them: many in little room, because those of one sender are
nearly alike.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import msgspec

MOST_IN_PACK = 32
LONGEST_IN_PACK = 8192
"""Longer bodies stay by themselves, so that looking at one never unpacks more than 256 KB."""


class Pack:
    """Up to 32 bodies. Once full it is compressed as a whole, which shrinks a usual body to a tenth."""

    __slots__ = ("_bodies", "_packed")

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._packed = b""

    @property
    def full(self) -> bool:
        """Whether no other body goes in."""
        return bool(self._packed)

    def add(self, body: bytes) -> int:
        """Takes a body and returns its place. The same object again takes no room."""
        if not self._bodies or self._bodies[-1] is not body:
            self._bodies.append(body)
        place = len(self._bodies) - 1
        if place + 1 == MOST_IN_PACK:
            self._packed = zlib.compress(msgspec.msgpack.encode(self._bodies), 1)
            self._bodies = []
        return place

    def get(self, place: int) -> bytes:
        """The body at this place."""
        return _unpack(self._packed)[place] if self._packed else self._bodies[place]


@lru_cache(maxsize=16)
def _unpack(packed: bytes) -> list[bytes]:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=list[bytes])
