"""Batches."""

from typing import Any

from pydantic import Field

from todoke.server.api.models.base import Strict


class PlanPatch(Strict):
    """When a batch goes out, and how fast. What is left out stays; null takes it away."""

    starts_at: str | None = Field(
        None, max_length=40, description="RFC 3339 with a zone, at most 366 days ahead; null: at once."
    )
    rate: int | None = Field(None, strict=True, description="Notices an hour, 1 to 10,000,000.")
    percent_an_hour: float | None = Field(
        None,
        strict=True,
        description="Percent of the list an hour, 0.01 to 100: waves, to spare call centres.",
    )
    hours: str | None = Field(
        None,
        max_length=20,
        description="Between which times of the day, by the channel's region: 09:00-18:00.",
    )

    def given(self) -> dict[str, Any]:
        """The fields that the request has."""
        return self.model_dump(exclude_unset=True)
