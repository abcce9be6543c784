"""Bodies of requests, as the OpenAPI document shows them. What they mean is checked by the actions."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from todoke.core.suppression import Cause, Ground, Scope
from todoke.server.openapi import problem_response

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")]


KeyId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]


def _as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


PrivateKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=10_000),
    BeforeValidator(_as_text, json_schema_input_type=str | dict[str, Any]),
]
"""A JSON Web Key may come as the object that it is."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ChannelIn(_Strict):
    """A LINE Official Account's Messaging API channel."""

    name: Name = Field(examples=["Parcels"])
    region: Literal["TW", "TH", "JP"] = Field(
        description="The country of the account; national numbers are read by it."
    )
    line_channel_id: str = Field(pattern=r"^[0-9]{1,20}$", examples=["2000000001"])
    secret: str = Field(
        min_length=1,
        max_length=200,
        description="The channel secret; with LINE Chat Plus the switcher secret.",
    )
    access_token: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        pattern=r"^[!-~]+$",
        description="A token that you renew yourself. Left out: issued with the private key, else with the secret.",
    )
    private_key: PrivateKey | None = Field(
        None,
        description="The private half of the assertion signing key: a JSON Web Key, or PEM with key_id. Todoke then "
        "issues and renews the access tokens.",
    )
    key_id: KeyId | None = Field(None, description="LINE's kid of the private key, if that does not hold it.")
    token_kind: Literal["v2.1", "stateless"] | None = Field(
        None, description="What is issued with the private key: for a day (v2.1), or for 15 minutes."
    )
    mode: Literal["test", "live"] = Field("live", description="test: only the test numbers get anything.")
    test_numbers: list[str] = Field([], max_length=1000)
    rate: int = Field(2000, ge=1, le=2000, description="Requests a second at most; LINE allows 2,000.")
    provider: Name = Field(
        "default",
        description="Your name for the LINE provider that the channel is under: user IDs, and with them bindings, are "
        "shared by the channels of one provider.",
    )


class ChannelPatch(_Strict):
    """What to change; what is left out stays. A new access token lets a paused channel send again."""

    secret: str | None = Field(None, min_length=1, max_length=200)
    access_token: str | None = Field(None, min_length=1, max_length=2000, pattern=r"^[!-~]+$")
    private_key: PrivateKey | None = None
    key_id: KeyId | None = None
    token_kind: Literal["v2.1", "stateless"] | None = None
    token_from: Literal["key", "secret"] | None = Field(
        None,
        description="Issue tokens with the stored private key or with the secret, in place of a given one.",
    )
    mode: Literal["test", "live"] | None = None
    test_numbers: list[str] | None = Field(None, max_length=1000)
    rate: int | None = Field(None, ge=1, le=2000)
    provider: Name | None = Field(None, description="Bindings stay with the provider they were made for.")


class NoticeIn(_Strict):
    """One notice to one phone number."""

    channel: str = Field(max_length=100, description="The channel's name or id.", examples=["Parcels"])
    template: str = Field(max_length=100, description="The template's name (its newest version) or id.")
    to: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    parameters: dict[str, Any] = Field({}, examples=[{"name": "王小明"}])
    policy: Annotated[str, StringConstraints(max_length=100)] | dict[str, Any] | None = Field(
        None, description="A policy's name, or a policy. Left out: by the urgency of the template's use case."
    )
    reference: str | None = Field(
        None, max_length=100, description="Your own name for it, such as an order number."
    )
    deadline: str | None = Field(
        None,
        max_length=40,
        description="No step begins later: a duration such as 24h, or a time.",
        examples=["24h"],
    )
    source: str | None = Field(
        None,
        max_length=100,
        description="Where the number came from: the name or id of a source (POST /v1/sources).",
    )


class NoticesIn(_Strict):
    """Up to 10,000 notices. Each is checked alone; one that is refused does not hold up the others."""

    notices: list[Any] = Field(
        min_length=1,
        max_length=10_000,
        description="Each as POST /v1/notices takes it.",
        json_schema_extra={"items": {"$ref": "#/components/schemas/NoticeIn"}},
    )


class MessageIn(_Strict):
    """An ordinary message to one friend: exactly one of `to` and `user_id`."""

    channel: str = Field(max_length=100, description="The channel's name or id.", examples=["Parcels"])
    to: str | int | None = Field(
        None, description="A mobile number that a friend has bound to their LINE account; or a user ID."
    )
    user_id: str | None = Field(
        None, pattern=r"^U[0-9a-f]{32}$", description="A friend's LINE user ID, U and 32 hex digits."
    )
    messages: list[Any] = Field(
        min_length=1,
        max_length=5,
        description="LINE's message objects, at most 100 KB together.",
        examples=[[{"type": "text", "text": "…"}]],
    )
    reference: str | None = Field(None, max_length=100, description="Your own name for it.")


class BindingIn(_Strict):
    """A number that a LINE user has bound to their account, in your own system and by their own act."""

    channel: str = Field(
        max_length=100, description="The name or id of a channel of the provider that the user ID is of."
    )
    number: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    user_id: str = Field(
        pattern=r"^U[0-9a-f]{32}$", max_length=33, description="LINE's user ID: U and 32 of 0-9, a-f."
    )
    way: str = Field(
        pattern=r"^[A-Za-z0-9_.-]{1,40}$",
        description="How the user did it, a short word of your own, such as account_link.",
        examples=["account_link"],
    )
    consent: str | None = Field(None, max_length=4000, description="The text that the user agreed to.")
    bound_at: str | None = Field(
        None, max_length=40, description="When the user did it, RFC 3339. Left out: now."
    )


class BindLinkIn(_Strict):
    """A link by which a user binds their number to their LINE account."""

    channel: str = Field(max_length=100, description="The channel's name or id.")
    number: str | int | None = Field(
        None,
        description="The number to bind, as people type it. Left out: the page asks for it.",
        examples=["0912345678"],
    )
    user_id: str | None = Field(
        None,
        pattern=r"^U[0-9a-f]{32}$",
        max_length=33,
        description="The LINE user whom the link is for; nobody else can use it. Left out: whoever sends the link's "
        "word in the chat.",
    )
    language: Literal["zh-Hant", "th", "ja", "en"] | None = Field(
        None, description="Of the page, the SMS and the chat. Left out: as the browser says."
    )


class BindSettingsIn(_Strict):
    """What a channel says and allows where users bind their numbers. What is left out goes back to what comes with
    Todoke."""

    brand: Name | None = Field(
        None, description="The name that users know you by. Left out: the channel's name."
    )
    consent: dict[str, str] = Field(
        default_factory=dict,
        max_length=4,
        description="Language (zh-Hant, th, ja, en) → the text that users agree to; {brand} is filled in. A language "
        "that is left out has the text that comes with Todoke.",
    )
    greets: bool = Field(
        True, description="Whether users who add the account, or ask in the chat, are given a link."
    )
    link_lasts: str = Field(
        "7d",
        max_length=10,
        description="How long a link lasts, 10m to 30d; one for a LINE user a day at most.",
    )
    binding_lasts: str = Field(
        "180d", max_length=10, description="How long a binding counts from its last confirmation, 1d to 730d."
    )


class UnbindIn(_Strict):
    """Why a binding ends."""

    why: str | None = Field(None, max_length=200, examples=["the customer asked for it"])


class SuppressionIn(_Strict):
    """A recipient who is to get nothing, or no SMS."""

    number: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    scope: Scope = Field(Scope.ALL, description="all: nothing. sms: no SMS; the other steps run.")
    reason: Cause = Field(
        Cause.MANUAL,
        description="opt_out: the person's own word. complaint: they complained. manual: you decided so.",
    )
    note: str | None = Field(
        None, max_length=200, description="Who said so and how.", examples=["by phone, ticket 4711"]
    )
    channel: str | None = Field(
        None, max_length=100, description="Whose region a number without a country code belongs to."
    )


class SuppressionsIn(_Strict):
    """Up to 100,000 recipients. What an entry does not say itself is taken from beside the list."""

    numbers: list[Any] = Field(
        min_length=1,
        max_length=100_000,
        description="Numbers, or objects with number, and perhaps scope, reason, note.",
        examples=[["0912-345-678", {"number": "+66812345678", "scope": "sms"}]],
    )
    scope: Scope = Scope.ALL
    reason: Cause = Cause.MANUAL
    note: str | None = Field(None, max_length=200)
    channel: str | None = Field(None, max_length=100)


class SuppressionEndIn(_Strict):
    """Why a suppression ends."""

    why: str | None = Field(None, max_length=200, examples=["asked for messages again by phone, ticket 4712"])


class SourceIn(_Strict):
    """Where numbers came from, and on what ground they may be used."""

    name: Name = Field(examples=["shop orders"])
    ground: Ground = Field(description="The ground in law on which you use the numbers.")
    origin: str = Field(
        min_length=1,
        max_length=500,
        description="How the numbers were got, and what the people were told.",
        examples=["order form of the shop, box 3: text me when the parcel is there"],
    )
    collected_from: str | None = Field(None, max_length=40, description="RFC 3339.")
    collected_until: str | None = Field(None, max_length=40)


class SourcePatch(_Strict):
    """What to change; what is left out stays."""

    ground: Ground | None = None
    origin: str | None = Field(None, min_length=1, max_length=500)
    collected_from: str | None = Field(None, max_length=40)
    collected_until: str | None = Field(None, max_length=40)
    ended: bool | None = Field(None, description="true: no new notice may name it.")


class LookupIn(_Strict):
    """A recipient, by number."""

    number: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    channel: str | None = Field(
        None, max_length=100, description="Only what concerns this channel, by its name or id."
    )


class PersonIn(_Strict):
    """A person: by number, by LINE user ID, or by both."""

    number: str | int | None = Field(
        None, description="A mobile number of Taiwan, Thailand or Japan, as people type it."
    )
    user_id: str | None = Field(None, pattern=r"^U[0-9a-f]{32}$", description="A LINE user ID.")


class EraseIn(PersonIn):
    """A person whose data are to be erased."""

    why: str | None = Field(
        None,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Kept in the audit: a ticket's number, never the person's name or number.",
    )


class EndpointIn(_Strict):
    """Where webhooks go."""

    url: str = Field(min_length=1, max_length=4000, examples=["https://shop.example.com/todoke"])
    events: list[str] = Field(max_length=100, examples=[["notice.*", "alarm.raised"]])
    secret: str | None = Field(
        None,
        max_length=200,
        description="`whsec_` and 24 to 64 bytes in base64. Left out: a new one is made.",
    )
    description: str | None = Field(None, max_length=1000, description="For people.", examples=["CRM"])


class EndpointPatch(_Strict):
    """What to change; what is left out stays."""

    url: str | None = Field(None, min_length=1, max_length=4000)
    events: list[str] | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=1000, description="Empty: none.")


class RotateIn(_Strict):
    """Another secret for an endpoint."""

    secret: str | None = Field(None, max_length=200, description="Left out: a new one is made.")
    at_once: bool = Field(False, description="The old one signs no more, as when somebody has seen it.")


class ReplayIn(_Strict):
    """Which webhooks are posted again."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    since: str = Field(alias="from", max_length=40, examples=["2026-08-07T09:00:00Z"])
    until: str | None = Field(None, max_length=40, description="Left out: now.")
    only_failed: bool = Field(False, description="Only what was given up.")


class HubTargetIn(_Strict):
    """A system that gets what LINE posts for a channel."""

    channel: str = Field(max_length=100, description="The channel's name or id.", examples=["Parcels"])
    name: Name = Field(examples=["chatbot"])
    url: str = Field(min_length=1, max_length=4000, examples=["https://bot.example.com/line"])
    types: list[str] | None = Field(
        None,
        max_length=100,
        description="LINE's types of events. Left out or empty: all.",
        examples=[["message", "postback"]],
    )
    headers: dict[str, str] | None = Field(
        None, description="Further headers of every request; kept sealed, never shown."
    )


class HubTargetPatch(_Strict):
    """What to change; what is left out stays."""

    name: Name | None = None
    url: str | None = Field(None, min_length=1, max_length=4000)
    types: list[str] | None = Field(None, max_length=100)
    headers: dict[str, str] | None = None


class HubPauseIn(_Strict):
    """Why a target is paused."""

    why: str | None = Field(None, max_length=200, examples=["the chatbot moves house"])


class HubReplayIn(_Strict):
    """From when on to pass on once more."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(max_length=40, alias="from", examples=["2026-08-07T09:30:00Z"])
    until: str | None = Field(None, max_length=40, description="Left out: up to now.")


class KeyIn(_Strict):
    """A new API key."""

    name: Name = Field(examples=["order system"])


NOTICE_EXAMPLE: dict[str, Any] = {
    "id": "01K2W7K8Q4N1V5T9X3R6M0B2CD",
    "state": "waiting",
    "reason": None,
    "reference": "A-1001",
    "to": "0912•••678",
    "country": "TW",
    "attempts": [
        {
            "step": "line_notification",
            "delivery_tag": "01K2W7K8QZ3F6H8J1N4P7S9VXY",
            "outcome": "accepted",
            "at": "2026-08-07T09:30:00.000Z",
            "open": True,
        }
    ],
    "timeline": [{"at": "2026-08-07T09:30:00.000Z", "event": "queued"}],
    "cost": [],
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation: its errors as problem+json."""
    words = {
        401: "No API key, or a wrong one.",
        404: "There is no such thing in this account.",
        409: "It exists already, or is in another state.",
        413: "The body is too large.",
        422: "Something in it can't be used; `errors` says what and where.",
    }
    return {s: problem_response(words[s]) for s in statuses}


def answer(example: Any, description: str = "") -> dict[str, Any]:
    """A success response with an example."""
    return {
        "description": description or "Done.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
    }
