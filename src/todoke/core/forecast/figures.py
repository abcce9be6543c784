"""What is forecast of recipients who are alike, and how much chance alone moves it."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from todoke.core.forecast.play import Course, Hold, Stage
from todoke.core.routing import Step

OUTPUTS = ("line", "line_push", "line_notification", "sms", "callback", "late_duplicates", "not_reached")
"""Notices by what they come to. `line`: reached over LINE before a later step left; `line_notification`: shown at any
time; the other steps: sent; `late_duplicates`; `not_reached`: by nothing that is known of."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients of a list who are alike, and the steps that may run for them."""

    count: float
    stages: tuple[Stage, ...]
    spread_taken: float = 0.0
    """How lists differ beyond chance in what LINE takes, as an intraclass correlation."""
    spread_shown: float = 0.0
    sms_units: float = 1.0
    prices: Mapping[str, Mapping[str, float]] = {}
    """By amount (such as a currency): by step, what one message costs (an SMS: one unit)."""
    hold: Hold | None = None
    """Their quiet hours; None: none."""


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """When the list goes out. Milliseconds from its start."""

    takes: int = 0
    """Until the last first request has left."""
    deadline: int | None = None
    deadline_moves: bool = False
    """It counts from each notice's own turn: those of a list that is let go in portions."""
    opens: "Opens | None" = None
    """Where the list goes out at certain hours only: after how much time of sending → when that is."""


Opens = Callable[[int], int]


class Range(msgspec.Struct, frozen=True):
    """What is expected, and the bounds."""

    expected: float
    low: float
    high: float


class Figures:
    """What is forecast of a kind, as sums over chances: outputs first, then amounts."""

    def __init__(self, amounts: Sequence[str]) -> None:
        self.names = (*OUTPUTS, *amounts)
        self._amounts = amounts

    def of(self, course: Course, kind: Kind) -> list[float]:
        sent = course.sent
        outputs = [
            course.over_line,
            sent.get(Step.LINE_PUSH, 0.0),
            course.shown.get(Step.LINE_NOTIFICATION, 0.0),
            sent.get(Step.SMS, 0.0),
            sent.get(Step.CALLBACK, 0.0),
            course.late,
            max(1 - course.reached, 0.0),
        ]
        charged = charges(course, kind)
        for name in self._amounts:
            prices = kind.prices.get(name, {})
            outputs.append(sum(prices.get(step, 0.0) * x for step, x in charged.items()))
        return outputs

    def chance(self, course: Course, kind: Kind, values: Sequence[float]) -> list[float]:
        """The variance that chance makes in one notice."""
        found = [x * (1 - min(x, 1.0)) for x in values[: len(OUTPUTS)]]
        charged = charges(course, kind)
        units = {step: kind.sms_units if step == Step.SMS else 1.0 for step in charged}
        for name in self._amounts:
            prices = kind.prices.get(name, {})
            cost = {step: prices.get(step, 0.0) * units[step] for step in charged}
            share = {step: charged[step] / units[step] for step in charged}
            mean = sum(cost[s] * share[s] for s in charged)
            square = sum(cost[s] ** 2 * share[s] for s in charged)
            line = cost.get(Step.LINE_NOTIFICATION, 0.0)
            both = sum(2 * line * cost.get(s, 0.0) * x for s, x in course.doubled.items())
            found.append(max(square + both - mean * mean, 0.0))
        return found


def charges(course: Course, kind: Kind) -> dict[Step, float]:
    """What carriers charge for, in units: notifications that are shown, and all else that is taken."""
    charged = dict(course.sent)
    if Step.LINE_NOTIFICATION in charged:
        charged[Step.LINE_NOTIFICATION] = course.shown[Step.LINE_NOTIFICATION]
    if Step.SMS in charged:
        charged[Step.SMS] *= kind.sms_units
    return charged
