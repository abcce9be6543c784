"""Bodies about channels and keys."""

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from todoke.server.api.models.base import Name, Strict

KeyId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]


def _as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


PrivateKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=10_000),
    BeforeValidator(_as_text, json_schema_input_type=str | dict[str, Any]),
]
"""A JSON Web Key may come as the object that it is."""


class ChannelIn(Strict):
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


class ChannelPatch(Strict):
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


class KeyIn(Strict):
    """A new API key."""

    name: Name = Field(examples=["order system"])
