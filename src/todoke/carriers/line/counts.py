"""LINE's own count of what was sent on a day, and the monthly quota of ordinary messages.

Source: LINE notification messages reference, "Get number of sent LINE notification messages"; Messaging API
reference, "Get number of sent push messages", "Get quota", "Get consumption". Days are in UTC+9.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from todoke.carriers.line.asking import Asker, Result

_Number = Annotated[int, msgspec.Meta(ge=0)]


class CountKind(StrEnum):
    """What LINE counts by itself."""

    TEMPLATE = "template"
    """LINE notification messages of the template kind."""
    FLEXIBLE = "flexible"
    """LINE notification messages of the flexible kind."""
    PUSH = "push"


class CountState(StrEnum):
    """Whether LINE has a count for a day."""

    READY = "ready"
    UNREADY = "unready"
    """Not yet: ask again the next day."""
    OUT_OF_SERVICE = "out_of_service"
    """The day is before LINE began to count."""
    UNAVAILABLE_FOR_PRIVACY = "unavailable_for_privacy"
    """Fewer than 20, which LINE does not tell exactly."""


class OfDay(Result, frozen=True, kw_only=True):
    """Numbers that LINE tells of a day, or the reason why it does not."""

    said: CountState | None = msgspec.field(default=None, name="status")

    def __post_init__(self) -> None:
        if self.error is None and self.said is None:
            raise ValueError("status is missing")

    @property
    def state(self) -> CountState:
        """What LINE says of the day; UNREADY with an `error`."""
        return self.said or CountState.UNREADY


class DeliveredCount(OfDay, frozen=True, kw_only=True):
    """What LINE counted for a day: messages that users were really sent, the ones it bills."""

    success: _Number | None = None
    """How many; None unless `state` is ready."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.said is CountState.READY and self.success is None:
            raise ValueError("status is ready without success")


class Quota(Result, frozen=True, kw_only=True):
    """How many ordinary messages the account may send a month."""

    type: Literal["none", "limited"] | None = None
    value: _Number | None = None

    def __post_init__(self) -> None:
        limited_by_nothing = self.type == "limited" and self.value is None
        if self.error is None and (self.type is None or limited_by_nothing):
            raise ValueError("type is missing, or limited without value")

    @property
    def limit(self) -> int | None:
        """Messages a month; None if there is no limit."""
        return self.value if self.type == "limited" else None


class QuotaUse(Result, frozen=True, kw_only=True, rename="camel"):
    """How much of this month's quota is used; the number is approximate, says LINE."""

    total_usage: _Number | None = None

    def __post_init__(self) -> None:
        if self.error is None and self.total_usage is None:
            raise ValueError("totalUsage is missing")


def wire_date(day: date) -> str:
    """A day as LINE writes it: yyyyMMdd."""
    return day.isoformat().replace("-", "")


class LineCounts(Asker):
    """Asks LINE for its counts, by a channel's access token."""

    async def delivered(self, token: str, kind: CountKind, day: date) -> DeliveredCount:
        """LINE's count of one kind on `day` in UTC+9. Usually ready on the next day."""
        return await self.ask(DeliveredCount, "GET", _PATHS[kind], token, params={"date": wire_date(day)})

    async def quota(self, token: str) -> Quota:
        """`GET /v2/bot/message/quota`: this month's."""
        return await self.ask(Quota, "GET", "/v2/bot/message/quota", token)

    async def quota_consumption(self, token: str) -> QuotaUse:
        """`GET /v2/bot/message/quota/consumption`: this month's, in UTC+9."""
        return await self.ask(QuotaUse, "GET", "/v2/bot/message/quota/consumption", token)


_PATHS = {
    CountKind.TEMPLATE: "/v2/bot/message/delivery/pnp/templated",
    CountKind.FLEXIBLE: "/v2/bot/message/delivery/pnp",
    CountKind.PUSH: "/v2/bot/message/delivery/push",
}
