"""Which wait LINE should get before the next step, and why, in words.

Of the waits that let the last step begin while the use case still allows it, and whose late duplicates stay under a
limit, the cheapest; and of those that cost hardly more, the shortest, for its users wait least.
"""

from collections.abc import Sequence

import msgspec

import line_catalogue
from todoke.core.durations import DAY, HOUR, MINUTE, format_duration
from todoke.core.forecast.figures import Range

HARDLY_MORE = 0.01
"""A share of the cheapest cost."""
MOST_DUPLICATES = 0.01
"""A share of the notices, unless the caller says otherwise."""
_WITHIN = {"5m": 5 * MINUTE, "1h": HOUR, "1d": DAY}
_WORDS = {"5m": "five minutes", "1h": "an hour", "1d": "a day"}


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One wait and what it comes to."""

    wait: int
    sms: Range
    """Messages of later steps."""
    duplicates: Range
    cost: float | None
    """What it is expected to cost; None where that is not one known amount. Then `sms` stands for it."""
    last_begin: int
    """When the last step may begin, from the start of the list."""


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """The wait to take; None where no wait is a good answer."""

    wait: int | None
    why: str


def advise(
    options: Sequence[Option],
    total: float,
    *,
    urgency: line_catalogue.Urgency,
    use_case: str,
    deadline: int | None,
    unlawful: bool,
    most_duplicates: float = MOST_DUPLICATES,
) -> Advice:
    """Picks a wait. `total`: notices of the list; `deadline`: no step begins at it or later."""
    if unlawful:
        why = (
            f"The use case {use_case} allows no duplicate by law, and LINE may show one up to 24 hours later"
        )
        return Advice(wait=None, why=f"{why}: send it by SMS alone, or over LINE alone.")
    if not options:
        return Advice(
            wait=None, why="No step follows a LINE notification in this policy: there is no wait to choose."
        )
    if urgency in ("5m", "1h"):
        said = (
            f"The use case {use_case} must be read within {_WORDS[urgency]}, and LINE may take up to 24 hours"
        )
        return Advice(
            wait=None, why=f"{said}: send an SMS or a callback first. No wait makes LINE first a good choice."
        )
    within = min(x for x in (_WITHIN.get(urgency), deadline, 10 * DAY) if x is not None)
    # A list that is sent slowly takes its own time: what counts is that the step still begins.
    in_time = [x for x in options if x.last_begin < within and (deadline is None or x.wait < deadline)]
    if not in_time:
        first = min(options, key=lambda x: x.wait)
        return Advice(
            wait=first.wait,
            why=f"No wait lets the last step begin within {format_duration(within)}: the shortest comes nearest. "
            "Send the list faster, or put the next step first.",
        )
    few = [x for x in in_time if x.duplicates.high <= most_duplicates * total]
    cheapest = min(_cost(x) for x in (few or in_time))
    if few:
        chosen = min((x for x in few if _cost(x) <= cheapest * (1 + HARDLY_MORE)), key=lambda x: x.wait)
    else:
        chosen = min(in_time, key=lambda x: (x.duplicates.high, x.wait))
    return Advice(
        wait=chosen.wait,
        why=" ".join(
            _reasons(chosen, in_time, few, within, urgency, use_case, deadline, most_duplicates, total)
        ),
    )


def named(wait: int) -> str:
    """A wait as people write it: 24h rather than 1d."""
    return "24h" if wait == DAY else format_duration(wait)


def _cost(x: Option) -> float:
    return x.sms.expected if x.cost is None else x.cost


def _reasons(
    chosen: Option,
    in_time: Sequence[Option],
    few: Sequence[Option],
    within: int,
    urgency: line_catalogue.Urgency,
    use_case: str,
    deadline: int | None,
    most: float,
    total: float,
) -> list[str]:
    """Why this one, a sentence each."""
    measure = "cost" if chosen.cost is not None else "number of SMS"
    if deadline is not None and within == deadline:
        reasons = [f"The deadline is {format_duration(deadline)}, so the last step must begin before that."]
    elif urgency in _WORDS:
        reasons = [
            f"The use case {use_case} is wanted within {_WORDS[urgency]}, so the last step must begin before that."
        ]
    else:
        reasons = [f"The use case {use_case} may take over a day."]
    best = min(few or in_time, key=_cost)
    if not few:
        reasons.append(
            f"Every such wait may make more late duplicates than {most:.1%} of the notices; "
            f"{named(chosen.wait)} makes the fewest, at most {chosen.duplicates.high:,.0f}."
        )
    elif best.wait == chosen.wait:
        reasons.append(f"Of the waits left, {named(chosen.wait)} has the lowest {measure}.")
    else:
        reasons.append(
            f"{named(chosen.wait)} comes within {HARDLY_MORE:.0%} of the lowest {measure} "
            f"({named(best.wait)}), and users without LINE proof wait less."
        )
    shorter = [x for x in in_time if x.wait < chosen.wait]
    if shorter and few:
        before = max(shorter, key=lambda x: x.wait)
        more, twice = before.sms.expected - chosen.sms.expected, before.duplicates.expected
        if len(few) < len(in_time) and before not in few:
            reasons.append(
                f"{named(before.wait)} may make {before.duplicates.high:,.0f} late duplicates, over the "
                f"limit of {most:.1%} of {total:,.0f}."
            )
        else:
            reasons.append(
                f"{named(before.wait)} would send about {more:,.0f} more SMS and make "
                f"{twice - chosen.duplicates.expected:,.0f} more late duplicates."
            )
    return reasons
