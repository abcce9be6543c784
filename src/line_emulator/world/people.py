"""LINE users: who they are, what they have with each channel, and what lies in their chats.

A load test touches hundreds of thousands of users, so what is empty or follows from a population is not
stored: see `Account`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from line_emulator.world import numbers
from line_emulator.world.ledger import Row
from line_emulator.world.population import TWO_YEARS, Population

__all__ = ["TWO_YEARS", "Account", "Entry", "Pin", "Tie", "default_language", "first_reception"]

DAY = 86_400_000
VERIFICATION_LASTS = 180 * DAY
PIN_LASTS = 600_000
PIN_TRIES = 5
DEFAULT_APP_VERSION = "15.9.0"
AGREES_BY_ITSELF_SINCE = (8, 9, 0)
PEOPLE_PER_POPULATION = 1 << 40
"""Account numbers below it are of users made one by one; each population has as many from there on."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Tie(msgspec.Struct, gc=False):
    """What a user has with one channel. `wrote_at`: when they last wrote to it, in ms; None: never.

    `blocked`: nothing from it arrives, in whichever way that came about. `unlisted`: blocked, and deleted
    from the block list, so that only adding the account anew brings it back. `hidden`: a friend that is in
    the hidden list, which stops nothing.
    """

    friend: bool = False
    blocked: bool = False
    wrote_at: int | None = None
    hidden: bool = False
    unlisted: bool = False


class Pin(msgspec.Struct, gc=False):
    """A PIN on its way: six digits, the moment in ms from which it is void, and how many tries are left.

    `new_phone`: the number that it proves, in a change of number; None: the user's own.
    """

    code: str
    expires_at: int
    new_phone: str | None = None
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
    still release, where the channel says so. `profile_consent`: accounts may get the profile (API reference,
    "Consent on getting user profile information"). `read`: by chat, how many of its entries the user has seen.
    `deleted`: the account is gone, and only its user ID is still known.

    `own_phone` and `own_name` are None where they follow from the population (`origin`) and the account's
    number. `log` holds an `Entry` each, or the ledger row itself for a notification that was shown when
    "received" was: read it as `entries`. `ties`, `pending`, `held` and `log` start as one shared empty value;
    change them through the methods only.
    """

    number: int
    digest: bytes
    own_phone: str | None = None
    own_name: str | None = None
    language: str
    reception: str
    verified_at: int | None
    created_at: int
    changed_at: int | None = None
    privacy_policy: bool = True
    profile_consent: bool = True
    app_version: str = DEFAULT_APP_VERSION
    sms_reachable: bool = True
    picture_url: str | None = None
    status_message: str | None = None
    origin: Population | None = None
    origin_friend: bool = False
    origin_blocked: bool = False
    ties: Mapping[str, Tie] = _NOTHING
    log: Sequence[Entry | Row] = ()
    read: Mapping[str, int] = _NOTHING
    pending: Sequence[Row] = ()
    held: Sequence[Row] = ()
    pin: Pin | None = None
    last_pin: str | None = None
    deleted: bool = False

    @property
    def phone(self) -> str:
        """The user's number in E.164 form."""
        if self.own_phone is not None or self.origin is None:
            return self.own_phone or ""
        return self.origin.phone(self.number % PEOPLE_PER_POPULATION)

    @property
    def name(self) -> str:
        """The display name."""
        return self.own_name or f"User {self.number % PEOPLE_PER_POPULATION}"

    @property
    def entries(self) -> list[Entry]:
        """Everything in the user's chats, in order."""
        found: list[Entry] = []
        for thing in self.log:
            if isinstance(thing, Row):
                at = thing.seen_at or thing.at
                found.append(Entry(at, "line", "system_received"))
                found.append(Entry(at, thing.channel_id, "notification", thing))
            else:
                found.append(thing)
        return found

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
            return Tie(self.origin_friend, self.origin_blocked)
        return _STRANGER

    def own_tie(self, channel_id: str) -> Tie:
        """The same, kept with the user, so that it can be changed."""
        tie = self.ties.get(channel_id)
        if tie is None:
            known = self.tie(channel_id)
            tie = Tie(known.friend, known.blocked)
            self.ties = {**self.ties, channel_id: tie}
        return tie

    def put_in_chat(self, thing: Entry | Row) -> None:
        """The newest thing in the user's chats; a row stands for "received" and the message, both just shown."""
        self.log = _with(self.log, thing)

    def clear_chat(self, chat: str) -> None:
        """Empties one chat."""
        self.log = [entry for entry in self.entries if entry.chat != chat]
        self.mark_read(chat, 0)

    def mark_read(self, chat: str, count: int) -> None:
        """The user has seen the first `count` entries of a chat."""
        self.read = {**self.read, chat: count}

    def wait(self, row: Row) -> None:
        """This notification waits for consent or PIN."""
        self.pending = _with(self.pending, row)

    def delete(self) -> None:
        """The account is gone; nothing is left of it but its number."""
        self.deleted, self.pin, self.last_pin = True, None, None
        self.origin_friend = self.origin_blocked = False
        self.ties = self.read = _NOTHING
        self.log = self.pending = self.held = ()

    def hold(self, row: Row) -> None:
        """This notification waits for an unblocking, or for agreement."""
        self.held = _with(self.held, row)


_STRANGER = Tie()


def _with(things: Sequence[Any], thing: Any) -> Sequence[Any]:
    """The list with one more in it, which makes it one's own if it was the shared empty one."""
    if isinstance(things, list):
        things.append(thing)
        return things
    return [thing]


def default_language(phone: str) -> str:
    """The app's language where none is said: that of the number's country, else English."""
    code = numbers.country_code(phone)
    return numbers.LANGUAGES[code] if code else "en"


def first_reception(app_version: str, privacy_policy: bool) -> str:
    """The setting of a new account: agree from app 8.9.0 on for those who agreed to the privacy policy, else
    not set. Source: LINE's Taiwan deck; "8.0.0 or earlier" in LINE's documentation, and nothing on what lies between.
    """
    version = [int(part) for part in f"{app_version}.0.0".split(".")]
    return "agree" if privacy_policy and tuple(version[:3]) >= AGREES_BY_ITSELF_SINCE else "not_set"
