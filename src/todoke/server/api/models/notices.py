"""Bodies about notices and ordinary messages."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from todoke.server.api.models.base import Strict

NOTICE_EXAMPLE: dict[str, Any] = {
    "id": "01K2W7K8Q4N1V5T9X3R6M0B2CD",
    "state": "waiting",
    "reason": None,
    "reference": "A-1001",
    "to": "0912•••678",
    "country": "TW",
    "language": "zh-Hant",
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


class NoticeIn(Strict):
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
    language: str | None = Field(
        None,
        max_length=40,
        description="Which of the template's languages, as BCP 47 tag; zh-TW is zh-Hant. Left out: its own.",
        examples=["zh-Hant"],
    )
    event_at: str | None = Field(
        None,
        max_length=40,
        description="When that is which the notice tells of, such as 2026-08-10T18:30:00+08:00; without a zone the "
        "channel's is meant. Left out: the template's parameter that is marked as event.",
    )
    source: str | None = Field(
        None,
        max_length=100,
        description="Where the number came from: the name or id of a source (POST /v1/sources).",
    )


class NoticesIn(Strict):
    """Up to 10,000 notices. Each is checked alone; one that is refused does not hold up the others."""

    notices: list[Any] = Field(
        min_length=1,
        max_length=10_000,
        description="Each as POST /v1/notices takes it.",
        json_schema_extra={"items": {"$ref": "#/components/schemas/NoticeIn"}},
    )


class MessageIn(Strict):
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
