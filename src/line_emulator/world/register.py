"""The register of all LINE users: it finds them by number, digest or user ID, and lists them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from line_emulator.world import numbers
from line_emulator.world.people import PEOPLE_PER_POPULATION, Account, default_language
from line_emulator.world.population import OLD_APP_VERSION, Population

MOST_LOOKED_AT = 20_000
"""So many numbers are looked at for one page of a list: where few are registered, the page is short."""


class Register:
    """Everybody: those made one by one, and populations, whose members are kept only once touched.

    `by_digest`: who is kept, by the number that they have now. `by_number`: by account number, those made
    one by one, and members of populations who changed their number or deleted their account.
    """

    def __init__(self) -> None:
        self.by_digest: dict[bytes, Account] = {}
        self.by_number: dict[int, Account] = {}
        self.populations: list[Population] = []
        self._left: dict[bytes, Account] = {}
        self._singles = 0
        self._gone = 0

    def add(self, account: Account) -> None:
        """Keeps a user made one by one; `number` must come from `new_number`."""
        self.by_digest[account.digest] = account
        self.by_number[account.number] = account

    def new_number(self) -> int:
        """The next free account number."""
        self._singles += 1
        return self._singles

    def keep(self, account: Account) -> None:
        """Keeps a member of a population from now on, because something happened to them."""
        self.by_digest[account.digest] = account

    def find(self, digest: bytes) -> Account | None:
        """The user whose number has this digest. A member of a population is not kept by asking."""
        account = self.by_digest.get(digest)
        if account is not None or digest in self._left:
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
        """The user with this ID at this provider. A deleted account is still found: LINE knows its ID."""
        number = numbers.account_of(user_id, provider)
        if number is None:
            return None
        if number in self.by_number:
            return self.by_number[number]
        place, index = divmod(number, PEOPLE_PER_POPULATION)
        if not 0 < place <= len(self.populations) or index >= self.populations[place - 1].count:
            return None
        return self._kept_or_member(place - 1, index)

    def who_left(self, phone: str) -> Account | None:
        """The account that had this number last, and changed it or was deleted."""
        return self.left(numbers.digest(phone))

    def left(self, digest: bytes) -> Account | None:
        """The same by the number's digest."""
        return self._left.get(digest)

    def singles(self, most: int) -> Iterator[Account]:
        """Up to `most` users made one by one, in their order, without deleted accounts."""
        return islice((account for account in self.by_number.values() if not account.deleted), most)

    def move(self, account: Account, phone: str) -> None:
        """Gives a user another number; the old one then belongs to nobody."""
        self._leave(account)
        account.own_phone = phone
        account.digest = numbers.digest(phone)
        self._left.pop(account.digest, None)
        self.by_digest[account.digest] = account

    def displace(self, phone: str) -> Account | None:
        """Takes this number from whoever has it, as an operator gives it out again; says who that was.

        In place of a number they then have their user ID at provider "default", which no notification can be
        sent to.
        """
        holder = self.find_phone(phone)
        if holder is not None:
            self.move(holder, numbers.user_id(holder.number, "default"))
        return holder

    def address(self, text: str) -> str:
        """The number behind a user ID of provider "default"; any other text, and an unknown ID, as it is."""
        account = self.find_user_id(text, "default")
        return text if account is None or account.deleted else account.phone

    def remove(self, account: Account) -> None:
        """The account is gone and its number belongs to nobody; its user ID stays known."""
        self._leave(account)
        account.delete()
        self._gone += 1

    def _leave(self, account: Account) -> None:
        self.by_digest.pop(account.digest, None)
        self._left[account.digest] = account
        self.by_number[account.number] = account

    def everybody(self, start: int = 0) -> Iterator[tuple[int, Account]]:
        """All users in a fixed order with their position, from position `start` on."""
        for position, account in self._positions(start, ""):
            if account is not None:
                yield position, account

    def page(self, start: int, limit: int, prefix: str = "") -> tuple[list[Account], int | None]:
        """Up to `limit` users from position `start` on whose number begins with `prefix`, and where to go on
        (None at the end). A page may be short although more follow.
        """
        found: list[Account] = []
        for looked, (position, account) in enumerate(self._positions(start, prefix)):
            if len(found) == limit or looked == MOST_LOOKED_AT:
                return found, position
            if account is not None:
                found.append(account)
        return found, None

    def _positions(self, start: int, prefix: str) -> Iterator[tuple[int, Account | None]]:
        singles = list(self.by_number.values())
        for position in range(start, len(singles)):
            if singles[position].phone.startswith(prefix):
                yield position, None if singles[position].deleted else singles[position]
        offset = len(singles)
        for place, population in enumerate(self.populations):
            matching = population.indexes_of(prefix)
            for index in range(max(start - offset, matching.start), matching.stop):
                number = (place + 1) * PEOPLE_PER_POPULATION + index
                yield (
                    offset + index,
                    None if number in self.by_number else self._kept_or_member(place, index),
                )
            offset += population.count

    def size(self) -> int:
        """How many users made one by one and members of populations, registered or not; without deleted accounts."""
        return self._singles + sum(population.count for population in self.populations) - self._gone

    def _kept_or_member(self, place: int, index: int) -> Account | None:
        digest = numbers.digest(self.populations[place].phone(index))
        account = self.by_digest.get(digest)
        # A number that nobody of the population has registered may belong to a user made by hand.
        if account is not None and account.number == (place + 1) * PEOPLE_PER_POPULATION + index:
            return account
        free = account is None and digest not in self._left
        return self._member(place, index, digest) if free else None

    def _member(self, place: int, index: int, digest: bytes) -> Account | None:
        population = self.populations[place]
        traits = population.traits(index)
        if not traits.registered:
            return None
        account = Account(
            number=(place + 1) * PEOPLE_PER_POPULATION + index,
            digest=digest,
            language=traits.language or population.language or default_language(population.phone(index)),
            reception=traits.reception,
            verified_at=population.created_at if traits.verified else None,
            created_at=population.accounts_made_at,
            sms_reachable=traits.sms_reachable,
            origin=population,
            origin_friend=traits.friend,
            origin_blocked=traits.blocked,
        )
        if traits.old_app:
            account.app_version = OLD_APP_VERSION
        return account
