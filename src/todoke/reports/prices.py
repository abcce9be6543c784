"""What messages cost. Amounts are exact, per currency, never added up over currencies; unknown stays unknown."""

from decimal import Decimal
from typing import Any

import line_catalogue
from line_catalogue import Price
from todoke.core.routing import Step
from todoke.storage.reporting import AttemptRow


def price(country: str, step: str) -> Price | None:
    """The price of one message (SMS: one segment); None where it is unknown."""
    return next((p for p in line_catalogue.prices() if p.country == country and p.step == step), None)


def amount(known: Price, units: int) -> dict[str, Any]:
    """An amount as JSON: one figure, or a range where the price is one."""
    low, high = known.lowest * units, known.highest * units
    shown: dict[str, Any] = {"amount": _text(low), "currency": known.currency}
    if high != low:
        shown["amount_at_most"] = _text(high)
    return shown


def _text(value: Decimal) -> str:
    return f"{value:.2f}"


def cost_of(attempt: AttemptRow, country: str) -> dict[str, Any] | None:
    """What an attempt costs; None where nothing is charged: LINE charges for what was shown, SMS for what it took."""
    if attempt.step == Step.LINE_NOTIFICATION and attempt.proof_at is None:
        return None
    not_taken = attempt.outcome is None or (attempt.outcome == "failed" and attempt.request_id is None)
    if not_taken or attempt.outcome in ("unreachable", "invalid", "denied", "throttled"):
        return None
    known = price(country, attempt.step)
    if known is None:
        return {"step": attempt.step, "amount": None, "currency": None}
    return {"step": attempt.step, **amount(known, attempt.units or 1)}
