"""Everything that can be asked of the world. API calls, taps on a phone and control calls all become one
of these.
"""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator.world.channels import Channel
from line_emulator.world.population import Population
from line_emulator.world.tokens import SigningKey


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


class SendMulticast(msgspec.Struct):
    """An ordinary message to up to 500 user IDs; the fields are those of `SendPush`."""

    channel: Channel
    body: dict[str, Any]
    raw: bytes
    request_no: int
    retry_key: str | None = None


class SendReply(msgspec.Struct):
    """An answer to an event, by its reply token; the fields are those of `SendPush`."""

    channel: Channel
    body: dict[str, Any]
    raw: bytes
    request_no: int
    first_message_id: int


class RenewReplyTokens(msgspec.Struct):
    """Events with these reply tokens are posted now: once more, or later than they happened."""

    channel_id: str
    tokens: tuple[str, ...]


class CreateRichMenu(msgspec.Struct):
    """A rich menu with this new id, as the channel describes it in `body`."""

    channel: Channel
    menu_id: str
    body: dict[str, Any]


class SetRichMenuImage(msgspec.Struct):
    """The picture of a rich menu."""

    channel: Channel
    menu_id: str
    content_type: str
    image: bytes


class DeleteRichMenu(msgspec.Struct):
    """Ends a rich menu."""

    channel: Channel
    menu_id: str


class SetDefaultRichMenu(msgspec.Struct):
    """The rich menu of all users who have none of their own; None: there is none."""

    channel: Channel
    menu_id: str | None


class LinkRichMenu(msgspec.Struct):
    """Gives users a rich menu of their own; None: takes it away. `bulk`: asked for several users at once."""

    channel: Channel
    user_ids: tuple[str, ...]
    menu_id: str | None
    bulk: bool = False


class PutRichMenuAlias(msgspec.Struct):
    """Another name for a rich menu. `new`: there must be no such alias yet; else there must be one."""

    channel: Channel
    alias: str
    menu_id: str
    new: bool


class RemoveRichMenuAlias(msgspec.Struct):
    """Ends an alias."""

    channel: Channel
    alias: str


class AddChannel(msgspec.Struct):
    """A new channel, or a new version of one."""

    channel: Channel


class SetWebhook(msgspec.Struct):
    """A channel's webhook URL, set through LINE's API."""

    channel: Channel
    url: str


class IssueToken(msgspec.Struct):
    """A channel access token of a kind of `world.tokens` that is good for `lifetime` ms. `key_id`: of v2.1."""

    channel: Channel
    token: str
    kind: str
    lifetime: int
    key_id: str | None = None


class RevokeToken(msgspec.Struct):
    """Ends a token of v2.1 of this `channel`; without one, a short-lived or long-lived token of any."""

    token: str
    channel: Channel | None = None


class AddKey(msgspec.Struct):
    """The public half of an assertion signing key."""

    key: SigningKey


class RemoveKey(msgspec.Struct):
    """Ends the signing key with this `kid`."""

    kid: str


class IssueLinkToken(msgspec.Struct):
    """A link token for a user of this channel's provider. `token`: the new token."""

    channel: Channel
    user_id: str
    token: str


class OpenLink(msgspec.Struct):
    """The user with this number opens the link of a link token, with the business's `nonce`."""

    token: str
    nonce: str
    phone: str


class AddPopulation(msgspec.Struct):
    """A population, which must not share a number with another."""

    population: Population


class PutUser(msgspec.Struct):
    """Makes a user, or sets an existing one to exactly these values. Times in ms.

    `reception` None: what a new account starts with on this version of the app. `takes_over`: a number that
    somebody has becomes a new user's, and they keep their account without it.
    """

    phone: str
    reception: str | None
    verified_at: int | None
    created_at: int
    name: str | None = None
    language: str | None = None
    privacy_policy: bool = True
    app_version: str | None = None
    sms_reachable: bool = True
    profile_consent: bool = True
    picture_url: str | None = None
    status_message: str | None = None
    takes_over: bool = False


class ChangeUser(msgspec.Struct):
    """Changes what is named; a change of `reception` or `verified_at` counts as the user's own act."""

    phone: str
    changes: dict[str, Any]


class Act(msgspec.Struct):
    """What a user does with the phone. `new_pin`: six digits to use if this act sends a PIN. `display_text` and
    `params`: of a postback; `alias`: of the rich menu that is switched to.
    """

    phone: str
    action: str
    new_pin: str
    channel_id: str | None = None
    pin: str | None = None
    new_phone: str | None = None
    text: str | None = None
    target: str | None = None
    message_id: str = ""
    display_text: str | None = None
    params: dict[str, str] | None = None
    alias: str | None = None


class TakeSms(msgspec.Struct):
    """A text message given to the emulator's own SMS carrier. `reply_url`: where its sender hears answers."""

    message_id: str
    to: str
    text: str
    sender: str
    reference: str | None = None
    reply_url: str | None = None
    reply_token: str | None = None


class AnswerSms(msgspec.Struct):
    """The user with this number (or only its SIM) answers a text message of the sender `to`; None: of whoever
    wrote last and can be answered.
    """

    phone: str
    text: str
    message_id: str
    to: str | None = None


class Tick(msgspec.Struct):
    """Nothing but the passing of time: fires what is due."""


Command = (
    SendTemplate
    | SendFlexible
    | SendPush
    | SendMulticast
    | SendReply
    | RenewReplyTokens
    | CreateRichMenu
    | SetRichMenuImage
    | DeleteRichMenu
    | SetDefaultRichMenu
    | LinkRichMenu
    | PutRichMenuAlias
    | RemoveRichMenuAlias
    | AddChannel
    | SetWebhook
    | IssueToken
    | RevokeToken
    | AddKey
    | RemoveKey
    | IssueLinkToken
    | OpenLink
    | AddPopulation
    | PutUser
    | ChangeUser
    | Act
    | TakeSms
    | AnswerSms
    | Tick
)
