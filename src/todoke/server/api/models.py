"""Bodies of requests, as the OpenAPI document shows them. What they mean is checked by the actions."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

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


class UnbindIn(_Strict):
    """Why a binding ends."""

    why: str | None = Field(None, max_length=200, examples=["the customer asked for it"])


class LookupIn(_Strict):
    """A recipient, by number."""

    number: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    channel: str | None = Field(
        None, max_length=100, description="Only what concerns this channel, by its name or id."
    )


class EndpointIn(_Strict):
    """Where webhooks go."""

    url: str = Field(min_length=1, max_length=4000, examples=["https://shop.example.com/todoke"])
    events: list[str] = Field(max_length=100, examples=[["callback", "alarm.raised", "alarm.cleared"]])
    secret: str | None = Field(
        None,
        max_length=200,
        description="`whsec_` and 24 to 64 bytes in base64. Left out: a new one is made.",
    )


class EndpointPatch(_Strict):
    """What to change; what is left out stays."""

    url: str | None = Field(None, min_length=1, max_length=4000)
    events: list[str] | None = Field(None, max_length=100)


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
