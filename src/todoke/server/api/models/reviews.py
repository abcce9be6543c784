"""Bodies about applications and reviews."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from todoke.server.api.models.base import Strict

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
_BY = "The person who does it."


class ApplicationIn(Strict):
    """An application to use a use case on a channel."""

    channel: str = Field(max_length=100, description="The channel's name or id.")
    use_case: Key = Field(description="A key of the catalogue, or one of your own such as `parking_permit`.")
    by: str | None = Field(None, max_length=200, description=f"{_BY} Left out: the API key.")
    names: dict[str, str] | None = Field(None, description="Of an own use case: language → name.")
    description: str | None = Field(None, description="What it is about. An own use case must say so.")
    urgency: Literal["over 1d", "1d", "1h", "5m"] | None = Field(
        None, description="Of an own use case: how soon the user must have it."
    )
    limits: str | None = Field(None, description="Of an own use case: what it is limited to.")
    timing: Literal["completion", "reminder", "none"] | None = Field(
        None, description="Of an own use case: `completion` within a day of the event, `reminder` before one."
    )
    no_verification: bool = Field(
        False, description="No-phone-verification mode, which LINE offers in Taiwan."
    )


class ApplicationPatch(Strict):
    """What changes of an application."""

    by: str | None = Field(None, max_length=200, description=f"{_BY} Left out: the API key.")
    checklist: dict[str, str | None] = Field(
        default={}, description="Item → what is given for it; null takes it out."
    )
    description: str | None = None


class TransitionIn(Strict):
    """A move of an application or of a template's version."""

    to: str = Field(max_length=100, description="The state to move to.")
    by: str | None = Field(None, description=f"{_BY} Demanded.")
    why: str | None = Field(None, description="Demanded: it stands in the history.")
    evidence: Any = Field(
        None,
        description=(
            "A text (a reference, a link, or the id or name of an attachment), an object with `reference`, `link`, "
            "`attachment`, `note`, or a list of these."
        ),
    )


class ApplicationTransitionIn(TransitionIn):
    """A move of an application."""

    templates: list[str] | None = Field(
        None,
        max_length=200,
        description="To `in_review`: which templates go with it, by name or id. Left out: the newest of each.",
    )


class CommentIn(Strict):
    """Something to remember about an application."""

    by: str | None = Field(None, max_length=200, description=f"{_BY} Left out: the API key.")
    text: str
