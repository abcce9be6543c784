"""The funnel, the cost and the time to deliver, over a batch, a channel or an account."""

from decimal import Decimal
from typing import Any

import msgspec

from todoke.core.durations import format_duration
from todoke.core.notice import END_STATES, State
from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.core.sms_text import segments
from todoke.core.template import EXAMPLE_LINK, in_language, render_sms, with_link
from todoke.reports.prices import Prices, amount, amount_of
from todoke.storage import reporting as store
from todoke.storage.database import Tx
from todoke.storage.lookup import Lookup
from todoke.storage.reporting import Scope

_TAKEN = (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.LATE, Outcome.SILENT)


async def funnel(tx: Tx, scope: Scope) -> dict[str, Any]:
    """How many were asked for, and what became of them: the ends and the open ones add up to `asked`."""
    ends = await store.count_ends(tx, scope)
    states = {s.value: sum(c for state, _, c in ends if state == s) for s in State}
    reasons: dict[str, dict[str, int]] = {}
    for state, reason, count in ends:
        if reason is not None:
            reasons.setdefault(state, {})[reason] = count
    steps: dict[str, dict[str, int]] = {}
    late = 0
    for step, outcome, count, doubled in await store.count_attempts(tx, scope):
        steps.setdefault(step, {})[outcome or "sending"] = count
        late += doubled
    line = steps.get(Step.LINE_NOTIFICATION, {})
    unreachable, taken = line.get(Outcome.UNREACHABLE, 0), sum(line.get(o, 0) for o in _TAKEN)
    return {
        "asked": sum(states.values()),
        "states": states,
        "open": sum(c for s, c in states.items() if State(s) not in END_STATES),
        "reasons": reasons,
        "delivered_by": await store.count_delivered_by(tx, scope),
        "steps": steps,
        "line_notification": {
            "requested": sum(line.values()),
            "not_matched": unreachable,
            "accepted": taken,
            "shown": line.get(Outcome.DELIVERED, 0) + line.get(Outcome.LATE, 0),
            "late": line.get(Outcome.LATE, 0),
            "silent": line.get(Outcome.SILENT, 0),
            "unknown": line.get(Outcome.UNKNOWN, 0),
        },
        "late_duplicates": late,
    }


async def cost(tx: Tx, scope: Scope, lookup: Lookup, prices: Prices) -> dict[str, Any]:
    """What it cost by country and step, and what sending every notice by SMS alone would have cost.

    A country without a known price is listed with its counts and no amount.
    """
    lines = []
    totals: dict[str, tuple[Decimal, Decimal]] = {}
    unknown = False
    for country, step, carrier, messages, units in await store.charged(tx, scope):
        known = prices.of(country, step, carrier)
        if step == Step.CALLBACK and known is None:
            continue  # The business's own system charges nothing, unless it set a price.
        row: dict[str, Any] = {"country": country, "step": step, "messages": messages}
        if step == Step.SMS:
            row |= {"segments": units, "carrier": carrier}
        if known is None:
            unknown = True
            lines.append(row | {"amount": None, "currency": None})
            continue
        lines.append(row | amount(known, units))
        low, high = totals.get(known.currency, (Decimal(0), Decimal(0)))
        totals[known.currency] = (low + known.lowest * units, high + known.highest * units)
    return {
        "lines": lines,
        "totals": [amount_of(c, low, high) for c, (low, high) in sorted(totals.items())],
        "has_unknown_prices": unknown,
        "sms_alone": await _sms_alone(tx, scope, lookup, prices),
    }


async def _sms_alone(tx: Tx, scope: Scope, lookup: Lookup, prices: Prices) -> list[dict[str, Any]]:
    found = []
    rows = await store.count_by_template(tx, scope)
    templates = await lookup.templates(tx, {template_id for _, template_id, _, _ in rows})
    for country, template_id, language, count in rows:
        template = in_language(templates[template_id], language)
        example = await store.example_of(tx, template_id, language, scope)
        if "sms" not in template.forms:
            continue
        # Texts of one template differ by their parameters; one of them stands for all. Where all are in the archive,
        # the template's own examples do.
        given = {k: x.example for k, x in template.parameters.items()}
        parameters = with_link(template, msgspec.json.decode(example) if example else given, EXAMPLE_LINK)
        each = segments(render_sms(template, parameters)).segments
        known = prices.of(country, Step.SMS)
        shown = {"amount": None, "currency": None} if known is None else amount(known, count * each)
        found.append({"country": country, "messages": count, "segments": count * each, **shown})
    return found


async def latency(tx: Tx, scope: Scope) -> dict[str, Any]:
    """By step: the share of proofs that came within a minute, ten minutes, an hour, four hours, a day."""
    steps = {}
    for step, counts in await store.proof_times(tx, scope):
        *within, total = counts
        steps[step] = {
            "proofs": total,
            "within": {
                format_duration(limit): count for limit, count in zip(store.BUCKETS, within, strict=True)
            },
        }
    return {"steps": steps}
