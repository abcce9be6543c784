"""What must be known of a webhook of LINE to pass it on: of which kinds its events are, and of whom.

Source: Messaging API reference, "Webhook event objects", "Source user", "Source group chat", "Source multi-person
chat"; "Signature validation" and "Verify webhook URL" for the connection check.
"""

import json
from typing import Any, NamedTuple

import msgspec

from todoke.carriers.line.events import SIGNATURE, sign


class Glance(NamedTuple):
    """`types` None: the body can't be read."""

    types: frozenset[str] | None
    sources: frozenset[str]
    """User, group and room ids."""


class _Source(msgspec.Struct):
    userId: Any = None
    groupId: Any = None
    roomId: Any = None


class _Event(msgspec.Struct):
    type: Any = None
    source: _Source | None = None


class _Webhook(msgspec.Struct):
    events: list[_Event]


class _Loose(msgspec.Struct):
    events: list[Any]


class _Destination(msgspec.Struct):
    destination: str


_decode = msgspec.json.Decoder(_Webhook).decode
_decode_loosely = msgspec.json.Decoder(_Loose).decode
_decode_destination = msgspec.json.Decoder(_Destination).decode
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
UNREADABLE = Glance(None, frozenset())


def glance(body: bytes) -> Glance:
    """Reads no more than that, for it is done to every request."""
    try:
        events = _decode(body).events
    except _UNREADABLE:
        return _glance_loosely(body)
    types: set[str] = set()
    sources: set[str] = set()
    for event in events:
        if isinstance(event.type, str):
            types.add(event.type)
        if event.source is not None:
            for found in (event.source.userId, event.source.groupId, event.source.roomId):
                if isinstance(found, str):
                    sources.add(found)
    return Glance(frozenset(types), frozenset(sources))


def _glance_loosely(body: bytes) -> Glance:
    """Of events that are not as LINE documents them."""
    try:
        events = [x for x in _events_loosely(body) if isinstance(x, dict)]
    except _UNREADABLE:
        return UNREADABLE
    origins = [x["source"] for x in events if isinstance(x.get("source"), dict)]
    named = [x.get(name) for x in origins for name in ("userId", "groupId", "roomId")]
    return Glance(
        frozenset(x["type"] for x in events if isinstance(x.get("type"), str)),
        frozenset(x for x in named if isinstance(x, str)),
    )


def _events_loosely(body: bytes) -> list[Any]:
    try:
        return _decode_loosely(body).events
    except _UNREADABLE:
        # What one user wrote may hold half of a surrogate pair, and msgspec then takes none of the body.
        found = json.loads(body.decode("utf-8", "replace"))
        return msgspec.convert(found, _Loose).events


def destination_of(body: bytes) -> str | None:
    """The user ID of the account that a webhook was posted for."""
    try:
        return _decode_destination(body).destination
    except _UNREADABLE:
        return None


def connection_check(secret: str, destination: str) -> tuple[dict[str, str], bytes]:
    """LINE's check of a webhook URL, its headers and its body: signed, and without any event."""
    body = msgspec.json.encode({"destination": destination, "events": []})
    return {SIGNATURE: sign(body, secret)}, body
