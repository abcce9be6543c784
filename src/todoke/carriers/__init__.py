"""One provider's bytes each: how a message is put on the wire, how answers and events are read off it.

May import `todoke.core` and HTTP libraries. Never here: the database, policies, retries, another carrier.
A new carrier is one folder here and one line in `todoke.wiring`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import msgspec

from todoke.core.outcome import Answer

M = TypeVar("M", contravariant=True)


class EventKind(StrEnum):
    """What an inbound event tells."""

    PROOF = "proof"
    """The message of this delivery tag reached the recipient."""
    NO_PROOF = "no_proof"
    """The carrier's final word: it could not be delivered."""
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    MESSAGE = "message"
    """A user wrote to the account; `text` where it was words."""
    POSTBACK = "postback"
    """A user tapped something of the account's: `text` is its data."""
    LINKED = "linked"
    """An account link came to its end: `nonce` says which, `linked` how."""
    SMS = "sms"
    """Somebody answered an SMS: `number` wrote `text`."""
    OTHER = "other"
    """Anything this project does not act on; kept, never an error."""


class InboundEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event from a carrier, after its signature held."""

    id: str
    """Unique per event and stable over redelivery (LINE: `webhookEventId`)."""
    kind: EventKind
    at: int
    """When it happened at the carrier, milliseconds since the epoch."""
    tag: str | None = None
    """The delivery tag of the attempt concerned."""
    message_id: str | None = None
    """The carrier's own id of the message, or of one of its parts, where its receipts do not carry our tag."""
    user_id: str | None = None
    unblocked: bool | None = None
    """With `follow`: whether the user had blocked the account before. LINE calls it not wholly reliable."""
    reply_token: str | None = None
    """With LINE's events of a user: what a reply to it names, once and within a minute."""
    text: str | None = None
    standby: bool = False
    """Another of the account's programs talks to the user now (LINE: Module channels)."""
    nonce: str | None = None
    linked: bool | None = None
    number: str | None = None
    """E.164 with the plus sign."""
    detail: str | None = None


class BadSignature(Exception):
    """The body was not signed with this channel's secret: it is not LINE's, or the secret is an old one."""


class BadEvent(Exception):
    """The body is signed but can't be read; the text says where and why, without quoting personal data."""


class EventReader(Protocol):
    """Reads what a provider posts to us. Header names come in any case; `now` stands in for a missing time."""

    def check(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the provider sent this body."""
        ...

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """The events of a body that was checked before. Raises BadEvent."""
        ...


class SignedReader(EventReader, Protocol):
    """One whose bodies can be passed on to others, who check them as we do."""

    def kept(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Those headers that whoever gets the body later needs to check it."""
        ...


class ReceiptReader(Protocol):
    """Reads the receipts that an SMS carrier posts to us."""

    @property
    def in_query(self) -> bool:
        """The receipt stands in the query of the URL: then the query is handed in as the body."""
        ...

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, query: str = "") -> None:
        """Raises BadSignature unless the carrier sent this; `query` is that of the URL."""
        ...

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """The events of a body that was checked before. Raises BadEvent."""
        ...


class Carrier(Protocol[M]):
    """A provider. `send` never raises for what the provider or the network does: it answers an outcome."""

    async def send(self, message: M, tag: str) -> Answer:
        """Sends one message; `tag` is our delivery tag, unique per attempt."""
        ...


class LineNotification(msgspec.Struct, frozen=True, kw_only=True):
    """A LINE notification message to one phone number.

    `payload` is the request body without `to`: `{"templateKey", "body"?}` for the template kind,
    `{"messages": […]}` for the flexible kind.
    """

    to: str
    """E.164 with the plus sign; the carrier hashes it."""
    flexible: bool
    payload: dict[str, object]
    access_token: str


class LinePush(msgspec.Struct, frozen=True, kw_only=True):
    """A push message to one user: message objects, as a template's push form or a caller gives them."""

    user_id: str
    messages: list[Any]
    retry_key: str
    """A UUID, the same for every try of one message: within 24 hours LINE takes it once."""
    access_token: str


class LineReply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to an event of a user's: whom it goes to is in the token, which LINE takes once."""

    reply_token: str
    messages: list[Any]
    access_token: str


class SmsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One SMS. `to` is E.164 with the plus sign."""

    to: str
    text: str


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A signed webhook to the business's own system."""

    url: str
    secret: str
    """`whsec_` and base64, as Standard Webhooks write it."""
    old_secret: str | None = None
    """Signs too, while the receiver changes to the new one."""
    id: str
    """The same for every try of one message: the receiver takes it once."""
    at: int
    """When it leaves, milliseconds since the epoch; the signature covers it."""
    body: bytes
