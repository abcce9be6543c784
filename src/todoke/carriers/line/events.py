"""Reads LINE's webhooks: the signature, then each event by itself.

Source: Messaging API reference, "Webhooks", "Webhook event objects", "Signature validation". LINE says that
new properties and event types may appear at any time: what is not known is kept as OTHER, never an error.
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Annotated, Any

import msgspec

from todoke.carriers import BadEvent, BadSignature, EventKind, InboundEvent
from todoke.carriers.cleaning import clean, clean_id

SIGNATURE = "x-line-signature"

# Plain text of a sane length: such a value can be stored and compared in any database. \Z, as $ lets a line end pass.
_Id = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,100}\Z")]
_Tag = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,100}\Z")]
_REPLY_TOKEN = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_NONCE = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
"""Those that we make; what does not look like one is not ours."""
LONGEST_TEXT = 500
"""Characters of a user's words that are read; LINE's longest message has 5,000, and all we look for is a word."""
_Millis = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]  # to the end of the year 9999


class _Source(msgspec.Struct):
    userId: str | None = None
    type: Any = None


class _Delivery(msgspec.Struct):
    data: _Tag


class _Event(msgspec.Struct):
    webhookEventId: _Id
    type: str
    timestamp: _Millis | None = None
    source: _Source | None = None
    delivery: _Delivery | None = None
    # Read loosely: what users write, and a hint that LINE calls not wholly reliable, may not cost the event.
    follow: Any = None
    message: Any = None
    postback: Any = None
    link: Any = None
    replyToken: Any = None
    mode: Any = None


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
        raw_events = _raw_events(body)
    except _UNREADABLE as exc:
        raise BadEvent(f"The body is signed but is no webhook of LINE: {clean(str(exc))}") from exc
    return [_read_alone(bytes(raw), now) for raw in raw_events]


def _raw_events(body: bytes) -> list[msgspec.Raw]:
    try:
        return _decode_raw(body).events
    except _UNREADABLE:
        # What one user wrote may hold half of a surrogate pair, and msgspec then takes none of the body.
        loose = json.loads(body.decode("utf-8", "replace"))
        return _decode_raw(json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace")).events


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
    tag = detail = unblocked = reply_token = text = nonce = linked = None
    if kind is EventKind.PROOF:
        # No `source` since January 2025: the tag alone says which message it was.
        if event.delivery is not None:
            tag = event.delivery.data
        else:
            kind, detail = EventKind.OTHER, "delivery event without delivery.data"
    elif kind is EventKind.OTHER:
        detail = clean(event.type, 60)
    elif kind is EventKind.LINKED and (nonce := _of_link(event.link, user_id)) is None:
        kind, detail = EventKind.OTHER, "accountLink event without a nonce of ours, a result or a user"
    elif user_id is None and kind is not EventKind.LINKED:
        kind, detail = EventKind.OTHER, f"{event.type} event without source.userId"
    elif event.source is not None and event.source.type in _SHARED:
        # An answer would be read by everybody there.
        kind, detail = EventKind.OTHER, f"{event.type} event of a group"
    else:
        reply_token = _reply_token(event)
        match kind:
            case EventKind.FOLLOW:
                unblocked = _is_unblocked(event.follow)
            case EventKind.MESSAGE:
                text = _words(event.message, "text") if _is_text(event.message) else None
            case EventKind.POSTBACK:
                text = _words(event.postback, "data")
            case EventKind.LINKED:
                linked = event.link["result"] == "ok"
    at = now if event.timestamp is None else event.timestamp
    return InboundEvent(
        id=event.webhookEventId,
        kind=kind,
        at=at,
        tag=tag,
        user_id=user_id,
        detail=detail,
        unblocked=unblocked,
        reply_token=reply_token,
        text=text,
        nonce=nonce,
        linked=linked,
        standby=event.mode == "standby",
    )


def _reply_token(event: _Event) -> str | None:
    """None where nothing may be answered: in standby another of the account's programs talks to the user."""
    given = event.replyToken
    if event.mode == "standby" or not isinstance(given, str) or not _REPLY_TOKEN.fullmatch(given):
        return None
    return given


def _is_text(message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") == "text"


def _words(holder: Any, field: str) -> str | None:
    """A user's words as one line that any database can hold; None where there are none."""
    given = holder.get(field) if isinstance(holder, dict) else None
    if not isinstance(given, str):
        return None
    line = "".join(ch if ch.isprintable() else " " for ch in given[:LONGEST_TEXT])
    return line.strip() or None


def _of_link(link: Any, user_id: str | None) -> str | None:
    """The nonce of an account link; None where the event can't be told from nonsense. A failed one names no user."""
    if not isinstance(link, dict) or link.get("result") not in ("ok", "failed"):
        return None
    nonce = link.get("nonce")
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        return None
    return None if user_id is None and link["result"] == "ok" else nonce


def _is_unblocked(follow: Any) -> bool | None:
    found = follow.get("isUnblocked") if isinstance(follow, dict) else None
    return found if isinstance(found, bool) else None


_KINDS = {
    "delivery": EventKind.PROOF,
    "follow": EventKind.FOLLOW,
    "unfollow": EventKind.UNFOLLOW,
    "message": EventKind.MESSAGE,
    "postback": EventKind.POSTBACK,
    "accountLink": EventKind.LINKED,
}
_SHARED = ("group", "room")
