"""Suppositions: what is taken to hold of numbers before the account has a history of its own.

LINE publishes no shares: neither how many numbers it knows nor how many of its users show a notification at once. It
says what decides them: the number is that of a LINE account, its user has agreed to notifications, does not block the
account, and has passed the check of the number by SMS (help.line.me, "Notification messages"; the rest waits up to 24
hours for the user). The figures here are this project's own suppositions. They weigh as much as WEIGHT notices, which
leaves wide ranges, and every notice of the account's own takes from their part.
"""

from enum import StrEnum

import msgspec

from todoke.core.durations import HOUR, MINUTE, SECOND

WEIGHT = 20
"""Suppositions count as so many notices."""
NEAR_WEIGHT = 200
"""The account's notices on other channels, of other use cases and to other countries count as so many at most."""
SPREAD = 0.005
"""How much lists differ beyond chance, as an intraclass correlation: a share of 70 % then moves by some 3 points."""
SPREAD_WEIGHT = 3
"""That supposition counts as so many days or lists."""


class Last(StrEnum):
    """The last result of LINE notifications to a number, before the one that is forecast."""

    NEVER = "never_sent"
    SHOWN = "shown"
    SILENT = "silent"
    """LINE took it, and no proof came."""
    UNKNOWN_TO_LINE = "no_line_user"
    """LINE answered 422."""


class Supposed(msgspec.Struct, frozen=True):
    """`matched`: the share that LINE takes; `shown`: of these, by time, the share that is shown by then."""

    matched: float
    shown: dict[int, float]


_ANYBODY = {
    2 * SECOND: 0.55,
    10 * SECOND: 0.67,
    MINUTE: 0.70,
    15 * MINUTE: 0.72,
    HOUR: 0.74,
    4 * HOUR: 0.78,
    12 * HOUR: 0.81,
    24 * HOUR: 0.83,
}
SUPPOSED = {
    Last.NEVER: Supposed(0.75, _ANYBODY),
    Last.SHOWN: Supposed(0.98, {2 * SECOND: 0.80, 10 * SECOND: 0.93, MINUTE: 0.95, 24 * HOUR: 0.97}),
    Last.SILENT: Supposed(0.95, {MINUTE: 0.08, HOUR: 0.10, 4 * HOUR: 0.13, 24 * HOUR: 0.20}),
    Last.UNKNOWN_TO_LINE: Supposed(0.06, _ANYBODY),
}
SMS_TAKEN = 0.98
SMS_SHOWN = {2 * SECOND: 0.15, 10 * SECOND: 0.75, MINUTE: 0.90, HOUR: 0.94, 24 * HOUR: 0.95}
"""Receipts of an SMS: most within seconds, some when a phone is switched on again, a few never."""
PUSH_TAKEN = 0.98
CALLBACK_TAKEN = 0.98
