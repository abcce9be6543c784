"""Whom a forecast is about: recipients, or some of them, with what is known of each. Stores nothing."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

import line_catalogue
from todoke.actions import policies
from todoke.actions.facts import Asked as AskedFacts
from todoke.actions.facts import FactBook
from todoke.actions.intake import Target
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND
from todoke.core.forecast.figures import Opens
from todoke.core.forecast.priors import Last
from todoke.core.release import Plan
from todoke.core.routing import Facts, why_not
from todoke.core.sms_text import segments
from todoke.core.template import Template, in_language, render_sms, with_link
from todoke.reports import forecast_history
from todoke.reports.forecast import Asked, Group
from todoke.reports.forecast_history import History
from todoke.server.services import Services
from todoke.storage import forecasting as store
from todoke.storage.database import Tx

MOST_ROWS = 1_000
"""Rows that are looked at; the others count as alike."""
MOST_TEXTS = 50


class Row(NamedTuple):
    """A recipient. `last`: where it is known already."""

    number: str
    country: str
    last: Last | None = None


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients that stand for a list."""

    counts: dict[str, int]
    """Of the whole list, by country."""
    rows: Sequence[Row]
    whole: bool
    """They are the list."""
    until: str | None = None
    """The list's own first notice: what came before it is its history."""
    texts: Sequence[tuple[str, str | None]] = ()
    """Some of its parameters, as JSON, with their languages."""


class When(msgspec.Struct, frozen=True, kw_only=True):
    """When the list goes out. `deadline`: from `starts_at`."""

    starts_at: int
    plan: Plan
    deadline: int | None = None
    """From `starts_at`; else the policy's."""


def evenly(rows: Sequence[Row], most: int = MOST_ROWS) -> Sequence[Row]:
    """So many of them, spread over all."""
    return rows if len(rows) <= most else [rows[i * len(rows) // most] for i in range(most)]


def of_numbers(numbers: Iterable[tuple[str, str]], total: int | None = None) -> Rows:
    """A list by its numbers, each with its country; `total`: of how many these are the first."""
    found = [Row(number, country) for number, country in numbers]
    counts = Counter(x.country for x in found)
    if total is not None and total > len(found) > 0:
        counts = Counter({c: round(n * total / len(found)) for c, n in counts.items()})
    some = evenly(found)
    return Rows(counts=dict(counts), rows=some, whole=len(some) == counts.total())


def of_counts(counts: dict[str, int], history: History) -> Rows:
    """A list of which only the size is known: its recipients are like those of the history."""
    share = MOST_ROWS // len(counts)
    rows: list[Row] = []
    for country in counts:
        alike = [Row(x.number, x.country, x.last) for x in history.recipients if x.country == country]
        rows += evenly(alike, share)
    return Rows(counts=counts, rows=rows, whole=False)


async def of_batch(tx: Tx, batch_id: str, total: int) -> Rows | None:
    """A batch by its notices; None: it has none yet."""
    found = [x for x in await store.of_batch(tx, batch_id, MOST_ROWS) if x.number]
    if not found:
        return None
    rows = of_numbers([(x.number, x.country) for x in found], total)
    texts = await store.parameters_of(tx, [x.id for x in found[:MOST_TEXTS]])
    return msgspec.structs.replace(rows, until=found[0].id, texts=texts)


async def asked_for(
    tx: Tx, target: Target, rows: Rows, when: When, parts: Services, language: str | None = None
) -> Asked:
    """What the report needs, of these recipients."""
    groups, looked_at = await _groups(tx, target, rows, parts, language)
    use_case = target.template_row.use_case
    total = sum(rows.counts.values())
    return Asked(
        policy=target.policy,
        use_case=use_case,
        urgency=await policies.urgency_on(tx, target.channel, use_case),
        groups=groups,
        looked_at=None if rows.whole else looked_at,
        sms_units=_sms_units(target.template, rows.texts, language, parts),
        starts_at=when.plan.opens_at(when.starts_at),
        takes=_takes(total, when.plan, target.channel.rate),
        opens=_opens(when.plan, when.starts_at),
        deadline=target.policy.deadline if when.deadline is None else when.deadline,
        deadline_moves=when.deadline is None and when.plan.is_paced,
        unlawful=use_case in line_catalogue.duplicate_unlawful(),
    )


async def _groups(
    tx: Tx, target: Target, rows: Rows, parts: Services, language: str | None
) -> tuple[list[Group], int]:
    template = in_language(target.template, language)
    strangers = [Row("", country, Last.NEVER) for country in rows.counts if not _any_of(rows, country)]
    looked_at = [*rows.rows, *strangers]
    lasts = await forecast_history.last_results_of(
        tx, target.account_id, sorted({x.number for x in rows.rows if x.last is None}), rows.until
    )
    book = FactBook(target.channel, parts.setup)
    asked = [
        AskedFacts(
            number=x.number,
            country=x.country,
            template_id=target.template_row.id,
            template=template,
            policy=target.policy,
        )
        for x in looked_at
    ]
    await book.read(tx, asked)
    now = parts.clock.now()
    kinds: Counter[tuple[str, Last, tuple[str, ...], str | None, bool]] = Counter()
    per_country: Counter[str] = Counter()
    for row, each in zip(looked_at, asked, strict=True):
        facts = (await book.of(tx, each, now)).facts
        last = lasts.get(row.number, Last.NEVER) if row.last is None else row.last
        kinds[_kind(facts, last, target)] += 1
        per_country[row.country] += 1
    groups = [
        Group(
            country=country,
            last=last,
            runs=tuple(s.step for s in target.policy.steps if s.step in runs),
            sms_carrier=carrier,
            sms_gives_proof=proves,
            count=rows.counts[country] * n / per_country[country],
        )
        for (country, last, runs, carrier, proves), n in sorted(kinds.items(), key=repr)
    ]
    return groups, len(rows.rows)


def _any_of(rows: Rows, country: str) -> bool:
    return any(x.country == country for x in rows.rows)


def _kind(facts: Facts, last: Last, target: Target) -> tuple[str, Last, tuple[str, ...], str | None, bool]:
    """What makes recipients alike. A forecast is asked for before a channel or a template is live: that is passed."""
    facts = msgspec.structs.replace(facts, number_allowed=True, not_live=None)
    runs = tuple(str(s.step) for s in target.policy.steps if why_not(s.step, facts) is None)
    if facts.too_often is not None:
        runs = ()
    route = facts.sms[0] if facts.sms else None
    return (
        facts.country,
        last,
        runs,
        None if route is None else route.carrier,
        route is not None and route.gives_proof,
    )


def _sms_units(
    template: Template, texts: Sequence[tuple[str, str | None]], language: str | None, parts: Services
) -> float:
    """How many segments the SMS takes: of the list's own texts, else of the template's examples."""
    if "sms" not in template.forms:
        return 1.0
    example = {name: x.example for name, x in in_language(template, language).parameters.items()}
    filled = [(json.loads(text), tag) for text, tag in texts] or [(example, language)]
    sizes = []
    for parameters, tag in filled[:MOST_TEXTS]:
        spoken = in_language(template, tag)
        sizes.append(
            segments(
                render_sms(spoken, with_link(spoken, parameters, parts.setup.bind_link_example))
            ).segments
        )
    return sum(sizes) / len(sizes)


def _takes(total: int, plan: Plan, rate: int) -> int:
    """How long until the last first request has left, in milliseconds of sending."""
    at_most = total * SECOND // max(rate, 1)
    an_hour = plan.an_hour(total)
    return at_most if an_hour is None else max(at_most, total * HOUR // an_hour)


def _opens(plan: Plan, starts_at: int) -> Opens | None:
    """Where a plan has hours of the day: after so much time of sending → how long after the start that is."""
    if plan.hours is None:
        return None
    hours = plan.hours
    length = (hours.end - hours.start) % (24 * 60) * MINUTE

    def opens(time: int) -> int:
        first = at = plan.opens_at(starts_at)
        midnight = (at + plan.offset) // DAY * DAY - plan.offset
        since = (at - midnight - hours.start * MINUTE) % DAY
        left = length - since
        if time < left:
            return time
        days, rest = divmod(time - left, length)
        return at - since + (days + 1) * DAY + rest - first

    return opens
