"""When numbers about a channel say that something is wrong: rates that rise, events that stay away."""

from datetime import UTC, datetime
from math import log, sqrt

import msgspec

from todoke.core.durations import HOUR

ENOUGH = 50
"""Fewer messages than that on either side say nothing about a rate."""
RISE, STILL_RISEN = 0.05, 0.025
"""By how much a share must be above the earlier one to raise an alarm, and to keep one that stands."""
SURE, STILL_SURE = 4.0, 2.0
"""The same in standard errors. Four come up by chance once in 30,000 looks."""
ODDS = 1e-4
"""As unlikely as that must it be that no event came by chance."""
AT_LEAST = 5
"""So many messages must have been accepted before the absence of events means anything."""
LINE_OFFSET = 9 * HOUR
"""LINE's days and months are Japan's (Messaging API reference, "Get number of sent messages": UTC+9)."""


class Share(msgspec.Struct, frozen=True):
    """`hits` of `of` messages."""

    hits: int
    of: int

    @property
    def rate(self) -> float:
        return self.hits / self.of if self.of else 0.0


def rising(recent: Share, earlier: Share, standing: bool = False) -> bool:
    """Whether a share is above the earlier one by more than chance and by enough to matter.

    A one-sided test of two proportions with a pooled variance. `standing`: an alarm is raised already, which is kept
    at smaller differences, so that one at the border does not come and go.
    """
    if recent.of < ENOUGH or earlier.of < ENOUGH:
        return False
    difference = recent.rate - earlier.rate
    if difference < (STILL_RISEN if standing else RISE):
        return False
    pooled = (recent.hits + earlier.hits) / (recent.of + earlier.of)
    error = sqrt(pooled * (1 - pooled) * (1 / recent.of + 1 / earlier.of))
    # No error at all: none earlier and all now would give one, so both are the same.
    return error > 0 and difference / error >= (STILL_SURE if standing else SURE)


def surely_missing(accepted: int, seen_earlier: Share) -> bool:
    """Whether it is no chance that none of the accepted messages was seen by its user, where so many were earlier."""
    if accepted < AT_LEAST or seen_earlier.of < ENOUGH or seen_earlier.hits <= 0:
        return False
    unseen = 1 - min(seen_earlier.rate, 1.0)
    return unseen <= 0 or accepted * log(unseen) < log(ODDS)


def month_began(now: int) -> int:
    """When LINE's month of `now` began: quotas of messages count from there."""
    moment = datetime.fromtimestamp((now + LINE_OFFSET) / 1000, UTC)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return round(first.timestamp() * 1000) - LINE_OFFSET
