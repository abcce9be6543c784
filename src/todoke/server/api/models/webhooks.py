"""Bodies about the business's own systems."""

from pydantic import ConfigDict, Field

from todoke.server.api.models.base import Name, Strict


class EndpointIn(Strict):
    """Where webhooks go."""

    url: str = Field(min_length=1, max_length=4000, examples=["https://shop.example.com/todoke"])
    events: list[str] = Field(max_length=100, examples=[["notice.*", "alarm.raised"]])
    secret: str | None = Field(
        None,
        max_length=200,
        description="`whsec_` and 24 to 64 bytes in base64. Left out: a new one is made.",
    )
    description: str | None = Field(None, max_length=1000, description="For people.", examples=["CRM"])


class EndpointPatch(Strict):
    """What to change; what is left out stays."""

    url: str | None = Field(None, min_length=1, max_length=4000)
    events: list[str] | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=1000, description="Empty: none.")


class RotateIn(Strict):
    """Another secret for an endpoint."""

    secret: str | None = Field(None, max_length=200, description="Left out: a new one is made.")
    at_once: bool = Field(False, description="The old one signs no more, as when somebody has seen it.")


class ReplayIn(Strict):
    """Which webhooks are posted again."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    since: str = Field(alias="from", max_length=40, examples=["2026-08-07T09:00:00Z"])
    until: str | None = Field(None, max_length=40, description="Left out: now.")
    only_failed: bool = Field(False, description="Only what was given up.")


class HubTargetIn(Strict):
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


class HubTargetPatch(Strict):
    """What to change; what is left out stays."""

    name: Name | None = None
    url: str | None = Field(None, min_length=1, max_length=4000)
    types: list[str] | None = Field(None, max_length=100)
    headers: dict[str, str] | None = None


class HubPauseIn(Strict):
    """Why a target is paused."""

    why: str | None = Field(None, max_length=200, examples=["the chatbot moves house"])


class HubReplayIn(Strict):
    """From when on to pass on once more."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(max_length=40, alias="from", examples=["2026-08-07T09:30:00Z"])
    until: str | None = Field(None, max_length=40, description="Left out: up to now.")
