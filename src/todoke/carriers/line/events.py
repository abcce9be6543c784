"""Reads LINE's webhooks: the signature, then each event by itself.

Source: Messaging API reference, "Webhooks", "Webhook event objects", "Signature validation". LINE says that
new properties and event types may appear at any time: what is not known is kept as OTHER, never an error.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Annotated, Any

import msgspec

from todoke.carriers import BadEvent, BadSignature, EventKind, InboundEvent
from todoke.carriers.over_http import clean, clean_id

SIGNATURE = "x-line-signature"

# Plain text of a sane length: such a value can be stored and compared in any database. \Z, as $ lets a line end pass.
_Id = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,100}\Z")]
_Tag = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,100}\Z")]
_Millis = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]  # to the end of the year 9999


class _Source(msgspec.Struct):
    userId: str | None = None


class _Delivery(msgspec.Struct):
    data: _Tag


class _Event(msgspec.Struct):
    webhookEventId: _Id
    type: str
    timestamp: _Millis | None = None
    source: _Source | None = None
    delivery: _Delivery | None = None
    # Read loosely: a hint that LINE calls not wholly reliable may not cost the event.
    follow: Any = None


class _Webhook(msgspec.Struct):
    events: list[_Event]


class _RawWebhook(msgspec.Struct):
    events: list[msgspec.Raw]


_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_decode_all = msgspec.json.Decoder(_Webhook).decode
_decode_raw = msgspec.json.Decoder(_RawWebhook).decode
_decode_one = msgspec.json.Decoder(_Event).decode


def sign(body: bytes, secret: str) -> str:
    """LINE's signature of a body: base64 of HMAC-SHA256 over the raw bytes with the channel secret."""
    return b64encode(digest(secret.encode(), body, "sha256")).decode()


class LineEvents:
    """LINE's part of an `EventReader`: the same for all that is sent over LINE."""

    def check(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the body was signed with this channel secret."""
        check_signature(headers, body, secret)

    def kept(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The signature."""
        return {SIGNATURE: _signature_of(headers) or ""}

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """A webhook's events: see the function `read_events`."""
        return read_events(body, now)


def check_signature(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raises BadSignature unless the body was signed with this secret. Header names in any case."""
    if not secret:
        # HMAC takes an empty key, and then everybody could sign.
        raise BadSignature("This channel has no channel secret: set it from the LINE Developers Console")
    given = _signature_of(headers)
    if given is None:
        raise BadSignature(
            "The header x-line-signature is missing: only LINE may post here; "
            "if it was LINE, a proxy in between took the header off"
        )
    if not compare_digest(given.strip().encode("utf-8", "replace"), sign(body, secret).encode()):
        raise BadSignature(
            "x-line-signature does not match the body: set the channel secret that the LINE Developers "
            "Console shows now (with LINE Chat Plus: the switcher secret), and see that no proxy changes "
            "the body"
        )


def _signature_of(headers: Mapping[str, str]) -> str | None:
    given = headers.get(SIGNATURE)
    if given is None:
        given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), None)
    return given


def read_events(body: bytes, now: int) -> list[InboundEvent]:
    """The events of a posted webhook, in its order; none for LINE's connection check.

    `now` (ms since the epoch) stands in where an event has no readable time. Raises BadEvent if the body is
    no JSON object with a list `events`. An event that can't be read becomes OTHER, the rest stay.
    """
    try:
        return [_read(event, now) for event in _decode_all(body).events]
    except _UNREADABLE:
        pass
    try:
        raw_events = _decode_raw(body).events
    except _UNREADABLE as exc:
        raise BadEvent(f"The body is signed but is no webhook of LINE: {clean(str(exc))}") from exc
    return [_read_alone(bytes(raw), now) for raw in raw_events]


def _read_alone(raw: bytes, now: int) -> InboundEvent:
    try:
        return _read(_decode_one(raw), now)
    except _UNREADABLE as exc:
        # LINE names every event; without a readable name its own bytes are the only thing that is the same
        # next time.
        name = "unreadable-" + sha256(raw).hexdigest()[:40]
        return InboundEvent(
            id=name, kind=EventKind.OTHER, at=now, detail=f"unreadable event: {clean(str(exc))}"
        )


def _read(event: _Event, now: int) -> InboundEvent:
    """One event. `delivery` is the only proof there is: delivered to the user and visible."""
    user_id = clean_id(event.source.userId) if event.source is not None else None
    kind = _KINDS.get(event.type, EventKind.OTHER)
    tag = detail = unblocked = None
    if kind is EventKind.PROOF:
        # No `source` since January 2025: the tag alone says which message it was.
        if event.delivery is not None:
            tag = event.delivery.data
        else:
            kind, detail = EventKind.OTHER, "delivery event without delivery.data"
    elif kind is EventKind.OTHER:
        detail = clean(event.type, 60)
    elif user_id is None:
        kind, detail = EventKind.OTHER, f"{event.type} event without source.userId"
    elif kind is EventKind.FOLLOW:
        unblocked = _is_unblocked(event.follow)
    at = now if event.timestamp is None else event.timestamp
    return InboundEvent(
        id=event.webhookEventId,
        kind=kind,
        at=at,
        tag=tag,
        user_id=user_id,
        detail=detail,
        unblocked=unblocked,
    )


def _is_unblocked(follow: Any) -> bool | None:
    found = follow.get("isUnblocked") if isinstance(follow, dict) else None
    return found if isinstance(found, bool) else None


_KINDS = {
    "delivery": EventKind.PROOF,
    "follow": EventKind.FOLLOW,
    "unfollow": EventKind.UNFOLLOW,
}
