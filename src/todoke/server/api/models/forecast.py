"""The body of a forecast."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from todoke.server.api.models.base import Strict

_Short = Annotated[str, StringConstraints(max_length=40)]


class ForecastIn(Strict):
    """What would be sent. Give `count`, `numbers` or `batch`; a batch says channel, template and policy itself."""

    channel: str | None = Field(
        None, max_length=100, description="Name or id. Left out: the only one, or that of the newest notice."
    )
    template: str | None = Field(
        None,
        max_length=100,
        description="Left out: the channel's newest that has been used, else its newest.",
    )
    policy: Annotated[str, StringConstraints(max_length=100)] | dict[str, Any] | None = Field(
        None,
        description="A name, or a policy as POST /v1/policies takes it. Left out: by the use case's urgency.",
    )
    count: int | dict[str, Any] | None = Field(
        None,
        description="How many notices; or by the numbers' country: at most 100,000,000.",
        examples=[{"TW": 20000}],
    )
    numbers: list[_Short] | None = Field(
        None,
        min_length=1,
        max_length=10_000,
        description="Or the numbers themselves. Nothing of them is kept.",
    )
    batch: str | None = Field(None, max_length=26, description="Or a batch that is held back, by its id.")
    deadline: _Short | None = Field(None, description="24h, or a time: no step begins later.")
    starts_at: _Short | None = Field(None, description="When it goes out. Left out: now.")
    rate: int | None = Field(
        None, strict=True, description="Notices an hour. Left out: as fast as the channel may."
    )
    percent_an_hour: float | None = Field(
        None, strict=True, description="In waves: so much of the list an hour."
    )
    hours: _Short | None = Field(None, description="Only between these times of the day: 09:00-18:00.")
    language: _Short | None = Field(None, description="Which of the template's languages.")
    waits: list[_Short] = Field([], max_length=20, description="To be compared beside the usual waits.")
    most_late_duplicates: float = Field(
        0.01, ge=0, le=1, description="The share of the notices that a recommended wait may make at most."
    )
