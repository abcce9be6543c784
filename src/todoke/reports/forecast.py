"""What a list would come to, with each wait that LINE could get: shares, cost, times and late duplicates."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

import line_catalogue
from todoke.core.durations import rfc3339
from todoke.core.forecast.advice import MOST_DUPLICATES, Option, advise, named
from todoke.core.forecast.beliefs import WAITS, Rates, cuts_for, rates, sms_delays
from todoke.core.forecast.figures import Kind, Opens, Sending
from todoke.core.forecast.play import Hold, Stage
from todoke.core.forecast.priors import Last
from todoke.core.forecast.ranges import LEVEL, Outlook, outlook
from todoke.core.routing import LINE_WINDOW, Facts, Policy, Step, held_until
from todoke.reports.forecast_history import History, Taken, basis
from todoke.reports.forecast_view import believed, costs, recommended, span, view
from todoke.reports.prices import Prices, amount_of

ENOUGH = 200
"""With fewer of its own notifications a forecast stands mostly on suppositions, and says so."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients who are alike: their country, the last result over LINE, the steps that may run, and how many."""

    country: str
    last: Last
    runs: tuple[Step, ...]
    sms_carrier: str | None
    sms_gives_proof: bool
    count: float


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be forecast."""

    policy: Policy
    use_case: str
    urgency: line_catalogue.Urgency
    groups: Sequence[Group]
    looked_at: int | None
    """From so many rows the groups are known; None: from all."""
    sms_units: float
    starts_at: int
    takes: int
    opens: Opens | None = None
    deadline: int | None = None
    deadline_moves: bool = False
    waits: tuple[int, ...] = ()
    """To be compared beside the usual ones."""
    most_duplicates: float = MOST_DUPLICATES
    unlawful: bool = False


class _Maker:
    """Kinds of recipients for one policy after another, from one history."""

    def __init__(self, history: History, asked: Asked, prices: Prices) -> None:
        self._history, self._asked, self._prices = history, asked, prices
        own = next((s.wait for s in asked.policy.steps if s.step is Step.LINE_NOTIFICATION), None)
        self.cuts = cuts_for((*asked.waits, *(() if own is None else (own,))), LINE_WINDOW)
        self._rates: dict[tuple[str, Last], Rates] = {}
        self._tries = {c: history.tries(c) for c in {x.country for x in asked.groups}}
        sms = history.others.get(Step.SMS, Taken())
        self._receipts = sms_delays(sms.receipts)
        self._fails_later = (sms.failed_later + 0.5) / (sms.taken + 10)

    def rates(self, country: str, last: Last) -> Rates:
        if (country, last) not in self._rates:
            self._rates[country, last] = rates(last, self._tries[country], self.cuts)
        return self._rates[country, last]

    def kinds(self, wait: int | None) -> list[Kind]:
        """`wait`: of the notification, in place of the policy's."""
        return [self._kind(group, wait) for group in self._asked.groups]

    def _kind(self, group: Group, wait: int | None) -> Kind:
        known = self.rates(group.country, group.last)
        stages = []
        for s in self._asked.policy.steps:
            if s.step not in group.runs:
                continue
            if s.step is Step.LINE_NOTIFICATION:
                stages.append(
                    Stage(
                        step=s.step,
                        wait=wait or s.wait or LINE_WINDOW,
                        taken=known.match,
                        delays=known.delays,
                    )
                )
                continue
            proves = s.step is Step.SMS and group.sms_gives_proof
            stages.append(
                Stage(
                    step=s.step,
                    wait=s.wait or 0,
                    taken=self._history.others.get(s.step, Taken()).belief(s.step),
                    delays=self._receipts if proves else None,
                    fails_later=self._fails_later if proves else 0.0,
                )
            )
        return Kind(
            count=group.count,
            stages=tuple(stages),
            spread_taken=known.spread_match,
            spread_shown=known.spread_shown,
            sms_units=self._asked.sms_units,
            prices=_prices_of(group, self._prices),
            hold=_hold(self._asked, group.country),
        )


def _prices_of(group: Group, prices: Prices) -> dict[str, dict[str, float]]:
    """By currency and end of the price's range, what each step costs in this country."""
    found: dict[str, dict[str, float]] = {}
    for step in group.runs:
        known = prices.of(group.country, step, group.sms_carrier if step is Step.SMS else None)
        if known is not None:
            found.setdefault(f"{known.currency} low", {})[step] = float(known.lowest)
            found.setdefault(f"{known.currency} high", {})[step] = float(known.highest)
    return found


def _hold(asked: Asked, country: str) -> Hold | None:
    policy, start = asked.policy, asked.starts_at
    if not any(q.country == country for q in policy.quiet_hours) or asked.use_case in policy.quiet_exempt:
        return None
    facts = Facts(country=country, use_case=asked.use_case)
    deadline_at = None if asked.deadline is None else start + asked.deadline

    def hold(time: int) -> int:
        until = held_until(policy, facts, deadline_at, start + time)
        return time if until is None else until - start

    return hold


def report(history: History, asked: Asked, prices: Prices) -> dict[str, Any]:
    """The forecast as the API answers it."""
    maker = _Maker(history, asked, prices)
    sending = Sending(
        takes=asked.takes, deadline=asked.deadline, deadline_moves=asked.deadline_moves, opens=asked.opens
    )
    own = next((s.wait for s in asked.policy.steps if s.step is Step.LINE_NOTIFICATION), None)
    compared = _compared(asked, own)
    found = {wait: outlook(maker.kinds(wait), sending, looked_at=asked.looked_at) for wait in compared}
    plain = found[own] if own in found else outlook(maker.kinds(None), sending, looked_at=asked.looked_at)
    total = sum(x.count for x in asked.groups)
    unknown = _unknown(asked.groups, prices)
    advice = advise(
        [_option(wait, each, unknown) for wait, each in found.items()],
        total,
        urgency=asked.urgency,
        use_case=asked.use_case,
        deadline=asked.deadline,
        unlawful=asked.unlawful,
        most_duplicates=asked.most_duplicates,
    )
    countries = sorted({x.country for x in asked.groups})
    return {
        "notices": round(total),
        "by_country": {c: round(sum(x.count for x in asked.groups if x.country == c)) for c in countries},
        "range": f"{LEVEL:.0%}",
        "starts_at": rfc3339(asked.starts_at),
        "sending_takes": span(asked.takes),
        **view(plain, total),
        "cost": costs(plain),
        "unknown_prices": unknown,
        "sms_alone": _sms_alone(asked, prices),
        "waits": [
            {
                "wait": named(wait),
                "is_the_policys": wait == own,
                "is_recommended": wait == advice.wait,
                **view(each, total),
                "cost": costs(each),
            }
            for wait, each in found.items()
        ],
        "recommended": recommended(advice, own, supposed=_own(history) < ENOUGH),
        "basis": _basis(history, asked, maker, countries),
        "notes": _notes(history, asked, unknown),
    }


def _compared(asked: Asked, own: int | None) -> list[int]:
    """The waits to compare: none where no step follows the notification."""
    steps = [s.step for s in asked.policy.steps]
    if own is None or steps[-1] is Step.LINE_NOTIFICATION:
        return []
    at = steps.index(Step.LINE_NOTIFICATION)
    follows = any(
        Step.LINE_NOTIFICATION in x.runs and set(x.runs) & set(steps[at + 1 :]) for x in asked.groups
    )
    return sorted({*WAITS, *asked.waits, own}) if follows else []


def _option(wait: int, found: Outlook, unknown: Sequence[Any]) -> Option:
    currencies = {name.split()[0] for name in found.amounts}
    cost = None
    if not unknown and len(currencies) == 1:
        cost = sum(x.expected for x in found.amounts.values()) / len(found.amounts)
    return Option(
        wait=wait,
        sms=found.counts["sms"],
        duplicates=found.counts["late_duplicates"],
        cost=cost,
        last_begin=found.last_begin,
    )


def _unknown(groups: Iterable[Group], prices: Prices) -> list[dict[str, str]]:
    """Countries and steps whose price nobody has told: they are in no amount."""
    missing = {
        (x.country, step)
        for x in groups
        for step in x.runs
        if step is not Step.CALLBACK
        and prices.of(x.country, step, x.sms_carrier if step is Step.SMS else None) is None
    }
    return [{"country": country, "step": step} for country, step in sorted(missing)]


def _sms_alone(asked: Asked, prices: Prices) -> list[dict[str, Any]]:
    """What one SMS to each of them would cost."""
    found = []
    for country in sorted({x.country for x in asked.groups}):
        here = [x for x in asked.groups if x.country == country and Step.SMS in x.runs]
        if not here:
            continue
        units = round(sum(x.count for x in here) * asked.sms_units)
        known = prices.of(country, Step.SMS, here[0].sms_carrier)
        cost = {"amount": None, "currency": None}
        if known is not None:
            cost = amount_of(known.currency, known.lowest * units, known.highest * units)
        found.append({"country": country, "segments": units, **cost})
    return found


def _basis(history: History, asked: Asked, maker: _Maker, countries: Sequence[str]) -> dict[str, Any]:
    over_line = [x for x in asked.groups if Step.LINE_NOTIFICATION in x.runs]
    kinds = sorted({(x.country, x.last) for x in over_line})
    return {
        **basis(history, countries),
        "since": None if history.since is None else rfc3339(history.since),
        "rows_looked_at": asked.looked_at,
        "recipients": [
            {
                "country": country,
                "last_result": last,
                "notices": round(sum(x.count for x in over_line if (x.country, x.last) == (country, last))),
                **believed(maker.rates(country, last)),
            }
            for country, last in kinds
        ],
    }


def _own(history: History) -> int:
    return sum(x.like_it for x in history.seen)


def _notes(history: History, asked: Asked, unknown: Sequence[Mapping[str, str]]) -> list[str]:
    """What a reader must know to take the figures for what they are."""
    like_it = _own(history)
    notes = []
    if like_it < ENOUGH:
        has = f"only {like_it:,}" if like_it else "no"
        notes.append(
            f"The account has {has} notifications of this channel and use case whose answer is known; the rest is "
            "supposed, and LINE publishes no such shares (docs/forecast.md). The ranges are wide for that reason."
        )
    if asked.looked_at == 0:
        notes.append(
            "Nothing is known of the recipients: they count as strangers whom no LINE user is bound to."
        )
    elif asked.looked_at is not None:
        notes.append(f"What is known of recipients is taken from {asked.looked_at:,} of them.")
    if unknown:
        missing = ", ".join(f"{x['step']} in {x['country']}" for x in unknown)
        notes.append(f"Prices are not known for {missing}: no amount counts them.")
    return notes
