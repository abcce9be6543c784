"""The share of a channel's friends who leave in a day, and the days on which it rose clearly above its usual."""

from collections.abc import Sequence
from math import exp, lgamma, log

import msgspec

BEFORE = 28
"""Days before a day that say what is usual."""
ENOUGH_DAYS = 7
ENOUGH_FRIENDS = 20
"""A channel with fewer friends has no rate worth the name."""
CHANCE = 1e-3
"""A rise must be as unlikely as this by chance: at one look a day, once in three years."""
FACTOR = 2.0
LEAST = 3
"""A rise is at least so many times the usual, and so many users."""
_KEPT = 0.8


class FriendDay(msgspec.Struct, frozen=True):
    """A day: friends when it began, and how many of them left on it."""

    friends: int
    unfollowed: int

    @property
    def rate(self) -> float:
        return self.unfollowed / self.friends if self.friends > 0 else 0.0


def friends_before(now: int, followed: Sequence[int], unfollowed: Sequence[int]) -> list[int]:
    """Friends at the beginning of each day, counted back from how many they are now.

    LINE tells no history. `unfollowed`: friends who left; a block by somebody who was none changes nothing. Never
    below 0: an event that was lost may make the sums wrong.
    """
    found: list[int] = []
    for came, went in zip(reversed(followed), reversed(unfollowed), strict=True):
        now = max(now - came + went, 0)
        found.append(now)
    return found[::-1]


def usual_rate(days: Sequence[FriendDay]) -> float | None:
    """What is usual over these days; None where they are too few.

    The median, or the mean of all but the fifth with the highest rates where that is more: a day on which many left
    does not count as usual, and where most days have nobody leaving, the median alone would call any one a rise.
    """
    kept = [x for x in days if x.friends >= ENOUGH_FRIENDS]
    if len(kept) < ENOUGH_DAYS:
        return None
    ordered = sorted(kept, key=lambda x: x.rate)
    median = ordered[len(ordered) // 2].rate
    most = ordered[: max(round(_KEPT * len(ordered)), 1)]
    mean = sum(x.unfollowed for x in most) / sum(x.friends for x in most)
    # Nobody left on any of these days: that half a person might have is the most that can be said against it.
    return max(median, mean, 0.5 / sum(x.friends for x in kept))


def rises(day: FriendDay, usual: float) -> bool:
    """Whether so many left that it is neither chance nor little: a one-sided test of a Poisson count."""
    if day.friends < ENOUGH_FRIENDS or day.unfollowed < LEAST:
        return False
    expected = usual * day.friends
    return day.unfollowed >= FACTOR * expected and at_least(day.unfollowed, expected) < CHANCE


def at_least(count: int, expected: float) -> float:
    """The chance of `count` or more where so many are expected (Poisson)."""
    if expected <= 0:
        return 0.0 if count > 0 else 1.0
    below = sum(exp(k * log(expected) - expected - lgamma(k + 1)) for k in range(count))
    return max(1.0 - below, 0.0)
