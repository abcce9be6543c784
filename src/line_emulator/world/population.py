"""A population of users given by rates and a seed: nobody is stored until somebody touches them.

User i has the number prefix + i, and all traits follow from (seed, i). The way back from a digest to i
is a table of 4-byte slots, at most 16 bytes a user; it holds only i, and a hit is checked by hashing
that number again.
"""

from __future__ import annotations

import hashlib
from array import array

import msgspec


class Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares from 0 to 1. `agree` and `not_set` are shares of the registered, the rest of them rejects.

    `agree` None: all who are not `not_set`.
    """

    registered: float = 1.0
    agree: float | None = None
    not_set: float = 0.0
    verified: float = 1.0
    blocked: float = 0.0
    friend: float = 0.0
    sms_unreachable: float = 0.0

    def fault(self) -> str | None:
        """What is wrong with the rates, in words; None if nothing is."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                return f"rates.{name} is {value}; it must lie between 0 and 1"
        if self.agree is not None and self.agree + self.not_set > 1.000001:
            return "rates.agree and rates.not_set add up to more than 1"
        return None


class Traits(msgspec.Struct, frozen=True):
    """What the seed says of one user of a population."""

    registered: bool
    reception: str
    verified: bool
    blocked: bool
    friend: bool
    sms_reachable: bool


class Population:
    """`count` numbers from prefix + 0 on. `channel_id` None: the friend and block rates hold for every
    channel.
    """

    def __init__(
        self,
        *,
        count: int,
        seed: int,
        prefix: str,
        digits: int,
        channel_id: str | None = None,
        language: str | None = None,
        rates: Rates | None = None,
        created_at: int = 0,
    ) -> None:
        self.count = count
        self.seed = seed
        self.prefix = prefix
        self.digits = digits
        self.channel_id = channel_id
        self.language = language
        self.rates = rates or Rates()
        self.created_at = created_at
        self._key = seed.to_bytes(16, signed=True)
        self._size = 1 << max(4, (2 * count - 1).bit_length())
        self._slots = array("I")
        self._indexed = 0

    def same_as(self, other: Population) -> bool:
        """Whether both describe the same people."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("count", "seed", "prefix", "digits", "channel_id", "language", "rates")
        )

    def phone(self, index: int) -> str:
        """The number of user `index`."""
        return f"{self.prefix}{index:0{self.digits}d}"

    def index_of_phone(self, phone: str) -> int | None:
        """Which user has this number; None if none of this population."""
        rest = phone[len(self.prefix) :]
        if (
            len(rest) != self.digits
            or not phone.startswith(self.prefix)
            or not (rest.isascii() and rest.isdigit())
        ):
            return None
        index = int(rest)
        return index if index < self.count else None

    def build(self, chunk: int) -> bool:
        """Enters the next `chunk` numbers into the table; True when all are in. About 1 s a million."""
        if not self._slots:
            self._slots = array("I", bytes(4 * self._size))
        mask, slots, sha256 = self._size - 1, self._slots, hashlib.sha256
        end = min(self.count, self._indexed + chunk)
        form = f"{self.prefix}%0{self.digits}d"
        for index in range(self._indexed, end):
            place = int.from_bytes(sha256((form % index).encode()).digest()[:8]) & mask
            while slots[place]:
                place = (place + 1) & mask
            slots[place] = index + 1
        self._indexed = end
        return end == self.count

    def index_of_digest(self, digest: bytes) -> int | None:
        """Which user has the number with this digest. Finishes the table first if need be."""
        while not self.build(100_000):
            pass
        mask, slots = self._size - 1, self._slots
        place = int.from_bytes(digest[:8]) & mask
        while found := slots[place]:
            if hashlib.sha256(self.phone(found - 1).encode()).digest() == digest:
                return found - 1
            place = (place + 1) & mask
        return None

    def traits(self, index: int) -> Traits:
        """The traits of user `index`: the same for the same seed, in any order of asking."""
        raw = hashlib.blake2b(index.to_bytes(8), key=self._key, digest_size=24).digest()
        draws = [int.from_bytes(raw[start : start + 4]) / 2**32 for start in range(0, 24, 4)]
        rates = self.rates
        agree = 1 - rates.not_set if rates.agree is None else rates.agree
        if draws[1] < agree:
            reception = "agree"
        else:
            reception = "not_set" if draws[1] < agree + rates.not_set else "reject"
        blocked = draws[3] < rates.blocked
        return Traits(
            registered=draws[0] < rates.registered,
            reception=reception,
            verified=draws[2] < rates.verified,
            blocked=blocked,
            friend=not blocked and draws[4] < rates.friend,
            sms_reachable=draws[5] >= rates.sms_unreachable,
        )
