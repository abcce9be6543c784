"""A forecast as JSON."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from todoke.core.durations import HOUR, MINUTE, SECOND, format_duration
from todoke.core.forecast.advice import Advice, named
from todoke.core.forecast.beliefs import Rates
from todoke.core.forecast.figures import OUTPUTS, Range
from todoke.core.forecast.ranges import Outlook
from todoke.core.routing import LINE_WINDOW
from todoke.reports.prices import amount_of

_CENT = Decimal("0.01")


def view(found: Outlook, total: float) -> dict[str, Any]:
    """Counts, shares and times."""
    return {
        **{name: _counted(found.counts[name], total) for name in OUTPUTS},
        "time": {
            "half_reached": _timed(found.times[0.5]),
            "nine_tenths_reached": _timed(found.times[0.9]),
            "last_step_begins": span(found.last_begin),
            "nothing_open_after": span(found.last_close),
        },
    }


def _counted(x: Range, total: float) -> dict[str, Any]:
    most = total or 1.0
    return {
        "expected": round(x.expected),
        "low": round(x.low),
        "high": round(x.high),
        "share": round(x.expected / most, 4),
        "share_low": round(x.low / most, 4),
        "share_high": round(x.high / most, 4),
    }


def _timed(x: Range) -> dict[str, str]:
    return {"expected": span(x.expected), "low": span(x.low), "high": span(x.high)}


def span(milliseconds: float) -> str:
    """A duration, as finely as a forecast can be."""
    for least, unit in (
        (8 * HOUR, 30 * MINUTE),
        (HOUR, 5 * MINUTE),
        (10 * MINUTE, MINUTE),
        (MINUTE, 5 * SECOND),
    ):
        if milliseconds >= least:
            return named(round(milliseconds / unit) * unit)
    return format_duration(round(milliseconds / SECOND) * SECOND)


def _money(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_CENT, ROUND_HALF_UP)


def costs(found: Outlook) -> list[dict[str, Any]]:
    """By currency: what is expected, a range where the price is one, and the bounds over both."""
    shown = []
    for currency in sorted({name.split()[0] for name in found.amounts}):
        low, high = found.amounts[f"{currency} low"], found.amounts[f"{currency} high"]
        amount = amount_of(currency, _money(low.expected), _money(high.expected))
        shown.append({**amount, "low": str(_money(low.low)), "high": str(_money(high.high))})
    return shown


def believed(known: Rates) -> dict[str, Any]:
    """What is believed of numbers that are alike."""
    return {
        "matched": round(known.match.mean, 4),
        "weight": round(known.match.weight),
        "shown_within": {
            name: round(1 - known.delays.open_after(x), 4)
            for name, x in (("1m", MINUTE), ("1h", HOUR), ("4h", 4 * HOUR), ("ever", LINE_WINDOW))
        },
    }


def recommended(advice: Advice, own: int | None, *, supposed: bool) -> dict[str, Any]:
    """`own`: the wait that the policy has; `supposed`: it stands mostly on suppositions."""
    wait = None if advice.wait is None else named(advice.wait)
    return {
        "wait": wait,
        "is_the_policys": advice.wait is not None and advice.wait == own,
        "is_supposed": supposed,
        "why": advice.why,
    }
