"""A population of users given by rates and a seed: nobody is stored until somebody touches them.

User i has the number prefix + i, and all traits follow from (seed, i). The way back from a digest to i
is a table of 4-byte slots, at most 16 bytes a user; it holds only i, and a hit is checked by hashing
that number again.
"""

from __future__ import annotations

import hashlib
import struct
from array import array

import msgspec

TWO_YEARS = 730 * 86_400_000
OLD_APP_VERSION = "15.8.0"


class Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares from 0 to 1. `agree` and `not_set` are shares of the registered, the rest of them rejects.

    `agree` None: all who are not `not_set`. `old_app`: users of an app older than 15.9.0, which shows no
    label. `languages`: shares by the app's language; the rest has the population's own.
    """

    registered: float = 1.0
    agree: float | None = None
    not_set: float = 0.0
    verified: float = 1.0
    blocked: float = 0.0
    friend: float = 0.0
    sms_unreachable: float = 0.0
    old_app: float = 0.0
    languages: dict[str, float] = {}

    def fault(self) -> str | None:
        """What is wrong with the rates, in words; None if nothing is."""
        named = {name: getattr(self, name) for name in self.__struct_fields__ if name != "languages"}
        named |= {f"languages.{language}": share for language, share in self.languages.items()}
        for name, value in named.items():
            if value is not None and not 0 <= value <= 1:
                return f"rates.{name} is {value}; it must lie between 0 and 1"
        if sum(self.languages.values()) > 1.000001:
            return "rates.languages add up to more than 1"
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
    old_app: bool = False
    language: str | None = None


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
        self.accounts_made_at = created_at - TWO_YEARS
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

    def indexes_of(self, prefix: str) -> range:
        """The users whose number begins with `prefix`."""
        if self.prefix.startswith(prefix):
            return range(self.count)
        rest = prefix[len(self.prefix) :]
        free = self.digits - len(rest)
        if not prefix.startswith(self.prefix) or free < 0 or not (rest.isascii() and rest.isdigit()):
            return range(0)
        first = int(rest) * 10**free
        return range(min(first, self.count), min(first + 10**free, self.count))

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
        while self._indexed < self.count:
            self.build(100_000)
        mask, slots = self._size - 1, self._slots
        place = int.from_bytes(digest[:8]) & mask
        while found := slots[place]:
            if hashlib.sha256(self.phone(found - 1).encode()).digest() == digest:
                return found - 1
            place = (place + 1) & mask
        return None

    def traits(self, index: int) -> Traits:
        """The traits of user `index`: the same for the same seed, in any order of asking."""
        draws = self._draws(index, 0)
        rates = self.rates
        agree = 1 - rates.not_set if rates.agree is None else rates.agree
        if draws[1] < agree:
            reception = "agree"
        else:
            reception = "not_set" if draws[1] < agree + rates.not_set else "reject"
        blocked = draws[3] < rates.blocked
        old_app, language = False, None
        if rates.old_app or rates.languages:
            more = self._draws(index, 1)
            old_app, language = more[0] < rates.old_app, _picked(rates.languages, more[1])
        return Traits(
            registered=draws[0] < rates.registered,
            reception=reception,
            verified=draws[2] < rates.verified,
            blocked=blocked,
            friend=not blocked and draws[4] < rates.friend,
            sms_reachable=draws[5] >= rates.sms_unreachable,
            old_app=old_app,
            language=language,
        )

    def _draws(self, index: int, round_no: int) -> list[float]:
        """Six numbers from 0 to 1 that follow from the seed, the user and the round."""
        asked = index.to_bytes(8) if round_no == 0 else index.to_bytes(8) + bytes([round_no])
        raw = hashlib.blake2b(asked, key=self._key, digest_size=24).digest()
        return [draw / 2**32 for draw in _SIX.unpack(raw)]


_SIX = struct.Struct(">6I")


def _picked(shares: dict[str, float], draw: float) -> str | None:
    """Whose share the draw falls into; None beyond the last."""
    for name, share in shares.items():
        draw -= share
        if draw < 0:
            return name
    return None
