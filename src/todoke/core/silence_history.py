"""What is known of a number and of a channel's traffic, for `core.silence_signs`; and whether events came at all."""

from collections.abc import Mapping
from math import comb

import msgspec

from todoke.core.durations import MINUTE
from todoke.core.outcome import Outcome

PROMPT = 10 * MINUTE
"""LINE shows within seconds what waits for nothing; what took longer waited for consent or the check."""
FEW = 3
"""Fewer other messages of an hour say nothing about that hour."""
ENOUGH = 20
"""Fewer earlier messages say nothing about what is usual."""
_LOST = (0.5, 0.75, 0.95)
"""Shares of events that are lost when some are: from a half to nearly all."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One LINE notification to the number: `at` its request, `closes_at` when proof can't come any more."""

    id: str
    channel_id: str
    at: int
    closes_at: int
    outcome: Outcome | None
    proof_at: int | None = None

    def shown(self, now: int) -> bool:
        return self.proof_at is not None and self.proof_at <= now

    def silent(self, now: int) -> bool:
        """No proof came, and by `now` none could come any more."""
        taken = self.outcome in (Outcome.SILENT, Outcome.UNKNOWN) or (self.proof_at or 0) > now
        return taken and not self.shown(now) and self.closes_at <= now

    @property
    def matched(self) -> bool:
        """LINE took it, so somebody had the number and did not visibly reject."""
        return self.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.LATE, Outcome.SILENT)

    @property
    def prompt(self) -> bool:
        return self.proof_at is not None and self.proof_at - self.at <= PROMPT


class Texted(msgspec.Struct, frozen=True):
    """One SMS to the number whose carrier has said its last word: at which time it left, and whether it came."""

    at: int
    reached: bool


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A LINE user whom the number was bound to."""

    bound_at: int
    unbound_at: int | None = None
    moved: bool = False
    """It ended because the number became another user's."""
    elsewhere_at: int | None = None
    """When the same user bound another number, if later."""
    states: Mapping[str, tuple[str, int, int | None]] = {}
    """By channel: state in the friend registry, since when, and when a followers list last named the user."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a number, over all channels of the account; `sent` in the order of the requests."""

    sent: tuple[Sent, ...]
    sms: tuple[Texted, ...] = ()
    bound: tuple[Bound, ...] = ()


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """The other notifications that the channel requested in the same hour, and how it usually is."""

    others: int = 0
    others_shown: int = 0
    usual: int = 0
    usual_shown: int = 0
    alarm: bool = False
    """An alarm about the channel's webhooks stood meanwhile."""


def lost_odds(traffic: Traffic) -> float | None:
    """How many times likelier the hour's events are if some were lost than if none were; None: too few to say.

    Two binomials: each other message is shown as usual, or as usual less a lost share, of which several are tried.
    """
    if traffic.others < FEW or traffic.usual < ENOUGH:
        return None
    usual = min(max(traffic.usual_shown / traffic.usual, 0.01), 0.99)
    shown = min(traffic.others_shown, traffic.others)
    lost = [_chance(traffic.others, shown, usual * (1 - share)) for share in _LOST]
    return (sum(lost) / len(lost)) / max(_chance(traffic.others, shown, usual), 1e-300)


def _chance(of: int, hits: int, rate: float) -> float:
    # Of many messages a part says as much, and the powers stay within what numbers can hold.
    if of > 200:
        hits, of = hits * 200 // of, 200
    return comb(of, hits) * rate**hits * (1 - rate) ** (of - hits)
