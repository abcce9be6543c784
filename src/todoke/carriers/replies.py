"""SMS that people send back, whichever way a carrier brings them: read once, and only what matters is kept.

What is kept is the number and the word (`core.opt_out_words`) where the text is one; no other text of a person, and no
number of one who wrote anything else, is stored or logged.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Protocol

import msgspec

from todoke.carriers import BadEvent, EventKind, InboundEvent
from todoke.core.errors import InvalidNumber
from todoke.core.opt_out_words import meaning
from todoke.core.phone import SERVED, parse

_PLACE = "/replies"
_NUMBER = re.compile(r"\+[1-9][0-9]{4,14}")
_ID = re.compile(r"[0-9a-f]{40}")


def place_of(carrier: str) -> str:
    """What the inbox calls the replies that a carrier of this name posts, apart from its receipts."""
    return carrier + _PLACE


def is_place_of_replies(place: str) -> bool:
    """Whether the inbox holds replies under this name, rather than receipts."""
    return place.endswith(_PLACE)


def carrier_of(place: str) -> str:
    """The carrier's name, of its replies as of its receipts."""
    return place.removesuffix(_PLACE)


class Reply(msgspec.Struct, frozen=True):
    """An SMS from a person that is a word which something follows from."""

    id: str
    """Keyed hash: the same for the same SMS, however often it is brought."""
    number: str
    """E.164 with the plus sign."""
    word: str
    """As our table writes it, never the text itself."""
    at: int


class Heard(msgspec.Struct, frozen=True):
    """What came in one request: words, and how many SMS were none or came from a number that can't be told."""

    words: list[Reply] = []
    others: int = 0
    strangers: int = 0


class ReplyReader(Protocol):
    """Reads the SMS that people send back, as their carrier posts them."""

    @property
    def in_query(self) -> bool:
        """They stand in the query of the URL: then the query is handed in as the body."""
        ...

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, query: str = "") -> None:
        """Raises BadSignature unless the carrier sent this; `query` is that of the URL."""
        ...

    def heard(self, body: bytes, now: int) -> Heard:
        """The words in a body that was checked, and how much else is in it. Raises BadEvent."""
        ...

    def stored(self, heard: Heard) -> bytes:
        """The words as the inbox keeps them."""
        ...

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """The events of a body that `stored` made. Raises BadEvent."""
        ...


def regions_of(countries: Sequence[str] | None) -> tuple[str, ...]:
    """Whose numbers may be written as they are dialled at home: of these countries, those that are served."""
    return tuple(c for c in SERVED if countries is None or c in countries)


def e164(text: str, regions: Sequence[str]) -> str | None:
    """The number that is meant; None where it is none of a served country, or could be of two."""
    found: set[str] = set()
    for region in regions or SERVED:
        try:
            found.add(parse(text, region).e164)
        except InvalidNumber:
            continue
    return found.pop() if len(found) == 1 else None


def hashed(key: bytes, *named: str) -> str:
    """A name for an SMS that tells nothing of it. `key`: at most 64 octets that nobody outside knows."""
    return blake2b("\0".join(named).encode("utf-8", "replace"), digest_size=20, key=key).hexdigest()


def word_in(text: str) -> str | None:
    """The word that a text is; None if it is none."""
    said = meaning(text)
    return None if said is None else said.word


def event(carrier: str, reply: Reply) -> InboundEvent:
    """The event that a kept reply stands for. Raises BadEvent if it is not one that was kept."""
    if not (_ID.fullmatch(reply.id) and _NUMBER.fullmatch(reply.number) and word_in(reply.word)):
        raise BadEvent(f"A stored reply to {carrier} holds no number, word or id as they are stored")
    return InboundEvent(
        id=f"{carrier}-reply-{reply.id}",
        kind=EventKind.SMS,
        at=reply.at,
        number=reply.number,
        text=reply.word,
    )
