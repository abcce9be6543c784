"""Everything that can be asked of the world. API calls, taps on a phone and control calls all become one
of these.
"""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator.world.channels import Channel
from line_emulator.world.population import Population


class SendTemplate(msgspec.Struct, gc=False):
    """A template notification. `body`: the parsed JSON; `raw`: the bytes it came as; `tag`: the delivery
    tag.
    """

    channel: Channel
    body: dict[str, Any]
    raw: bytes
    tag: str | None
    request_no: int


class SendFlexible(msgspec.Struct, gc=False):
    """A flexible notification; the fields are those of `SendTemplate`."""

    channel: Channel
    body: dict[str, Any]
    raw: bytes
    tag: str | None
    request_no: int


class SendPush(msgspec.Struct):
    """An ordinary push to a user ID. `first_message_id`: the first of up to five numbers to give out in
    a row.

    `retry_key`: the sender's UUID; within 24 hours the same key is refused as already accepted.
    """

    channel: Channel
    body: dict[str, Any]
    raw: bytes
    request_no: int
    first_message_id: int
    retry_key: str | None = None


class AddChannel(msgspec.Struct):
    """A new channel, or a new version of one."""

    channel: Channel


class SetWebhook(msgspec.Struct):
    """A channel's webhook URL, set through LINE's API."""

    channel: Channel
    url: str


class IssueToken(msgspec.Struct):
    """A channel access token that is good until `expires_at` (ms)."""

    channel: Channel
    token: str
    expires_at: int


class AddPopulation(msgspec.Struct):
    """A population, which must not share a number with another."""

    population: Population


class PutUser(msgspec.Struct):
    """Makes a user, or sets an existing one to exactly these values. Times in ms."""

    phone: str
    reception: str
    verified_at: int | None
    created_at: int
    name: str | None = None
    language: str | None = None
    privacy_policy: bool = True
    app_version: str | None = None
    sms_reachable: bool = True


class ChangeUser(msgspec.Struct):
    """Changes what is named; a change of `reception` or `verified_at` counts as the user's own act."""

    phone: str
    changes: dict[str, Any]


class Act(msgspec.Struct):
    """What a user does with the phone. `new_pin`: six digits to use if this act sends a PIN."""

    phone: str
    action: str
    new_pin: str
    channel_id: str | None = None
    pin: str | None = None
    new_phone: str | None = None
    text: str | None = None
    target: str | None = None
    message_id: str = ""


class TakeSms(msgspec.Struct):
    """A text message given to the emulator's own SMS carrier."""

    message_id: str
    to: str
    text: str
    sender: str
    reference: str | None = None


class Tick(msgspec.Struct):
    """Nothing but the passing of time: fires what is due."""


Command = (
    SendTemplate
    | SendFlexible
    | SendPush
    | AddChannel
    | SetWebhook
    | IssueToken
    | AddPopulation
    | PutUser
    | ChangeUser
    | Act
    | TakeSms
    | Tick
)
