"""LINE users: the person model, and the register that finds them by number, digest or user ID."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from line_emulator.world import numbers
from line_emulator.world.ledger import Row
from line_emulator.world.population import Population

DAY = 86_400_000
VERIFICATION_LASTS = 180 * DAY
TWO_YEARS = 730 * DAY
PIN_LASTS = 600_000
PIN_TRIES = 5
DEFAULT_APP_VERSION = "15.9.0"
_PEOPLE_PER_POPULATION = 1 << 40


class Tie(msgspec.Struct, gc=False):
    """What a user has with one channel. `wrote_at`: when they last wrote to it, in ms; None: never."""

    friend: bool = False
    blocked: bool = False
    wrote_at: int | None = None


class Pin(msgspec.Struct, gc=False):
    """A PIN on its way: six digits, the moment in ms from which it is void, and how many tries are left."""

    code: str
    expires_at: int
    tries_left: int = PIN_TRIES


class Entry(msgspec.Struct, gc=False, frozen=True):
    """One thing in a chat. `chat` is "line" (the system account) or a channel id; `row` a notification
    or push.
    """

    at: int
    chat: str
    kind: str
    row: Row | None = None
    text: str | None = None


class Account(msgspec.Struct, gc=False, kw_only=True):
    """One LINE user. Times in ms since the epoch.

    `verified_at`: last SMS check; `changed_at`: last change of the number. `pending`: accepted
    notifications that wait for consent or PIN; `held`: those that only an unblocking (or agreeing) could
    still release, where the channel says so.
    """

    number: int
    phone: str
    digest: bytes
    name: str
    language: str
    reception: str
    verified_at: int | None
    created_at: int
    changed_at: int | None = None
    privacy_policy: bool = True
    app_version: str = DEFAULT_APP_VERSION
    sms_reachable: bool = True
    origin: Population | None = None
    origin_tie: tuple[bool, bool] = (False, False)
    ties: dict[str, Tie] = {}
    entries: list[Entry] = []
    pending: list[Row] = []
    held: list[Row] = []
    pin: Pin | None = None
    last_pin: str | None = None

    def verified(self, now: int) -> bool:
        """Whether no SMS check is needed: one was passed, the account made or the number changed within
        180 days.
        """
        last = max(self.verified_at or 0, self.created_at, self.changed_at or 0)
        return now - last < VERIFICATION_LASTS

    def tie(self, channel_id: str) -> Tie:
        """What this user has with a channel; to be changed only through `own_tie`."""
        tie = self.ties.get(channel_id)
        if tie is not None:
            return tie
        if self.origin is not None and self.origin.channel_id in (None, channel_id):
            return Tie(*self.origin_tie)
        return _STRANGER

    def own_tie(self, channel_id: str) -> Tie:
        """The same, kept with the user, so that it can be changed."""
        tie = self.ties.get(channel_id)
        if tie is None:
            known = self.tie(channel_id)
            tie = self.ties[channel_id] = Tie(known.friend, known.blocked)
        return tie


_STRANGER = Tie()


class Register:
    """Everybody: those made one by one, and populations, whose members are kept only once touched."""

    def __init__(self) -> None:
        self.by_digest: dict[bytes, Account] = {}
        self.by_number: dict[int, Account] = {}
        self.populations: list[Population] = []
        self._left: set[bytes] = set()
        self._next_number = 1

    def add(self, account: Account) -> None:
        """Keeps a user made one by one; `number` must come from `new_number`."""
        self.by_digest[account.digest] = account
        self.by_number[account.number] = account

    def new_number(self) -> int:
        """The next free account number."""
        self._next_number += 1
        return self._next_number - 1

    def keep(self, account: Account) -> None:
        """Keeps a member of a population from now on, because something happened to them."""
        self.by_digest[account.digest] = account

    def find(self, digest: bytes) -> Account | None:
        """The user whose number has this digest. A member of a population is not kept by asking."""
        account = self.by_digest.get(digest)
        if account is not None or not self.populations or digest in self._left:
            return account
        for place, population in enumerate(self.populations):
            index = population.index_of_digest(digest)
            if index is not None:
                return self._member(place, index, digest)
        return None

    def find_phone(self, phone: str) -> Account | None:
        """The user with this number."""
        digest = numbers.digest(phone)
        account = self.by_digest.get(digest)
        if account is not None or digest in self._left:
            return account
        for place, population in enumerate(self.populations):
            index = population.index_of_phone(phone)
            if index is not None:
                return self._member(place, index, digest)
        return None

    def find_user_id(self, user_id: str, provider: str) -> Account | None:
        """The user with this ID at this provider."""
        number = numbers.account_of(user_id, provider)
        if number is None:
            return None
        if number in self.by_number:
            return self.by_number[number]
        place, index = divmod(number, _PEOPLE_PER_POPULATION)
        if not 0 < place <= len(self.populations) or index >= self.populations[place - 1].count:
            return None
        return self.find_phone(self.populations[place - 1].phone(index))

    def move(self, account: Account, phone: str) -> None:
        """Gives a user another number; the old one then belongs to nobody."""
        self.by_digest.pop(account.digest, None)
        self._left.add(account.digest)
        account.phone = phone
        account.digest = numbers.digest(phone)
        self._left.discard(account.digest)
        self.by_digest[account.digest] = account
        self.by_number[account.number] = account

    def everybody(self, start: int = 0) -> Iterator[tuple[int, Account]]:
        """All users in a fixed order with their position, from position `start` on."""
        singles = list(self.by_number.values())
        for position in range(start, len(singles)):
            yield position, singles[position]
        offset = len(singles)
        for place, population in enumerate(self.populations):
            for index in range(max(0, start - offset), population.count):
                phone = population.phone(index)
                number = (place + 1) * _PEOPLE_PER_POPULATION + index
                if number not in self.by_number:
                    account = self._kept_or_member(place, index, phone)
                    if account is not None:
                        yield offset + index, account
            offset += population.count

    def size(self) -> int:
        """How many numbers there are: users made one by one and all members of populations."""
        return len(self.by_number) + sum(population.count for population in self.populations)

    def _kept_or_member(self, place: int, index: int, phone: str) -> Account | None:
        digest = numbers.digest(phone)
        return self.by_digest.get(digest) or self._member(place, index, digest)

    def _member(self, place: int, index: int, digest: bytes) -> Account | None:
        population = self.populations[place]
        traits = population.traits(index)
        if not traits.registered:
            return None
        phone = population.phone(index)
        return Account(
            number=(place + 1) * _PEOPLE_PER_POPULATION + index,
            phone=phone,
            digest=digest,
            name=f"User {index}",
            language=population.language or default_language(phone),
            reception=traits.reception,
            verified_at=population.created_at if traits.verified else None,
            created_at=population.created_at - TWO_YEARS,
            sms_reachable=traits.sms_reachable,
            origin=population,
            origin_tie=(traits.friend, traits.blocked),
        )


def default_language(phone: str) -> str:
    """The app's language where none is said: that of the number's country, else English."""
    code = numbers.country_code(phone)
    return numbers.LANGUAGES[code] if code else "en"
