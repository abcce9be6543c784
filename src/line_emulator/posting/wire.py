"""Webhook events as JSON, and their signature.

Source: Messaging API reference, "Webhook event objects"; Messaging API, "Verify webhook signature".
"""

from __future__ import annotations

import base64
import hmac
from typing import Any

import msgspec

from line_emulator.world import Event
from line_emulator.world.channels import ACTIVE, Channel

_FIRST = b'"deliveryContext":{"isRedelivery":false}'
_AGAIN = b'"deliveryContext":{"isRedelivery":true}'


def event_json(event: Event, event_id: bytes, mode: str, reply_token: str | None) -> bytes:
    """One event as LINE writes it. In standby mode it carries no reply token: another system is to answer."""
    row = event.row
    if row is not None:
        data = row.tag if row.tag is not None else row.to.hex()  # type: ignore[union-attr]
        return (
            b'{"type":"delivery","delivery":{"data":%b},"webhookEventId":"%b",%b,"timestamp":%d,"mode":"%b"}'
            % (msgspec.json.encode(data), event_id, _FIRST, event.at, mode.encode())
        )
    parts: dict[str, Any] = {
        "type": event.type,
        **(event.extra or {}),
        "webhookEventId": event_id.decode(),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": event.at,
        "mode": mode,
    }
    if event.user_id is not None:
        parts["source"] = {"type": "user"} if event.anonymous else {"type": "user", "userId": event.user_id}
    if reply_token is not None and mode == ACTIVE:
        parts["replyToken"] = reply_token
    return msgspec.json.encode(parts)


def body_of(channel: Channel, wires: list[bytes]) -> bytes:
    """The body of one post, of events as `event_json` made them."""
    return b'{"destination":"%b","events":[%b]}' % (channel.bot_user_id.encode(), b",".join(wires))


def redelivered(body: bytes) -> bytes:
    """The same body with all its events marked as delivered again."""
    # A text of a user can't look so: in JSON its quotation marks are escaped.
    return body.replace(_FIRST, _AGAIN)


def signature(channel: Channel, body: bytes) -> str:
    """`x-line-signature` of this channel: by the switcher secret where LINE Chat Plus is in use."""
    return sign(channel.switcher_secret or channel.secret, body)


def sign(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
