"""Bodies of requests, as the OpenAPI document shows them. What they mean is checked by the actions."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from todoke.server.openapi import problem_response

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")]


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
    access_token: str | None = Field(None, min_length=1, max_length=2000, pattern=r"^[!-~]+$")
    private_key: str | None = Field(None, max_length=10_000, description="Kept for token renewal.")
    mode: Literal["test", "live"] = Field("live", description="test: only the test numbers get anything.")
    test_numbers: list[str] = Field([], max_length=1000)
    rate: int = Field(2000, ge=1, le=2000, description="Requests a second at most; LINE allows 2,000.")


class ChannelPatch(_Strict):
    """What to change; what is left out stays. A new access token lets a paused channel send again."""

    secret: str | None = Field(None, min_length=1, max_length=200)
    access_token: str | None = Field(None, min_length=1, max_length=2000, pattern=r"^[!-~]+$")
    mode: Literal["test", "live"] | None = None
    test_numbers: list[str] | None = Field(None, max_length=1000)
    rate: int | None = Field(None, ge=1, le=2000)


class NoticeIn(_Strict):
    """One notice to one phone number."""

    channel: str = Field(max_length=100, description="The channel's name or id.", examples=["Parcels"])
    template: str = Field(max_length=100, description="The template's name (its newest version) or id.")
    to: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    parameters: dict[str, Any] = Field({}, examples=[{"name": "王小明"}])
    policy: str | dict[str, Any] | None = Field(
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
