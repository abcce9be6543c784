"""What a forecast is asked for, read: each says what is wrong with it and where."""

from collections.abc import Sequence
from typing import Any

from todoke.actions import batches as batch_actions
from todoke.actions.intake import Target
from todoke.core import release
from todoke.core.durations import MINUTE, SECOND, parse_duration, parse_rfc3339
from todoke.core.errors import TodokeError
from todoke.core.phone import parse
from todoke.core.release import Plan
from todoke.core.routing import LINE_WINDOW, UTC_OFFSET
from todoke.reports.forecast_history import History
from todoke.server.api import forecast_rows
from todoke.server.api.forecast_rows import Rows, When
from todoke.server.api.models.forecast import ForecastIn
from todoke.server.problems import Problem
from todoke.storage.batches import Batch
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

USUAL = 1_000
"""Notices that are forecast where nobody says how many."""
MOST_NOTICES = 100_000_000


def when(body: ForecastIn, batch: Batch | None, channel: Channel, now: int) -> When:
    """When the list goes out: by the batch's plan, or the one that was given."""
    if batch is not None:
        plan = batch_actions.plan_of(batch, channel.region)
    else:
        plan = Plan(
            starts_at=None if body.starts_at is None else release.parse_starts_at(body.starts_at, now),
            rate=None if body.rate is None else release.parse_rate(body.rate),
            percent_an_hour=None
            if body.percent_an_hour is None
            else release.parse_percent(body.percent_an_hour),
            hours=None if body.hours is None else release.parse_hours(body.hours),
            offset=UTC_OFFSET[channel.region],
        )
    starts = plan.opens_at(now)
    left = None if body.deadline is None else _deadline(body.deadline, now) - starts
    return When(starts_at=starts, plan=plan, deadline=left)


def _deadline(text: str, now: int) -> int:
    try:
        at = parse_rfc3339(text) if "T" in text else now + parse_duration(text)
    except ValueError:
        why = f"{text[:40]!r} is neither a duration, such as 24h, nor a time, such as 2026-08-07T09:30:00Z."
        raise Problem(422, "invalid", f"deadline: {why}", [("/deadline", why)]) from None
    if at <= now:
        why = f"{text[:40]!r} has passed: a deadline lies in the future."
        raise Problem(422, "invalid", f"deadline: {why}", [("/deadline", why)])
    return at


def waits(texts: Sequence[str]) -> tuple[int, ...]:
    """Further waits to compare, in milliseconds."""
    found = []
    for i, text in enumerate(texts):
        try:
            wait = parse_duration(text)
        except ValueError as error:
            raise Problem(422, "invalid", f"waits: {error}", [(f"/waits/{i}", str(error))]) from None
        if not SECOND <= wait <= LINE_WINDOW - 10 * MINUTE:
            why = f"{text[:40]!r} is not from 1s to 24h, as a wait is."
            raise Problem(422, "invalid", f"waits: {why}", [(f"/waits/{i}", why)])
        found.append(wait)
    return tuple(found)


def numbers(texts: Sequence[str], region: str) -> tuple[Rows, int]:
    """The numbers that can be sent to, and how many can't."""
    found = []
    for text in texts:
        try:
            phone = parse(text, region)
        except TodokeError:
            continue
        found.append((phone.e164, phone.country))
    if not found:
        why = "none of them is a number that can be sent to"
        raise Problem(422, "invalid", f"numbers: {why}", [("/numbers", why)])
    return forecast_rows.of_numbers(found), len(texts) - len(found)


async def rows(tx: Tx, body: ForecastIn, batch: Batch | None, target: Target, history: History) -> Rows:
    """The recipients of a batch that is held back, or as many as were said."""
    if batch is not None:
        total = max(batch.total or 0, batch.accepted)
        if (found := await forecast_rows.of_batch(tx, batch.id, total)) is not None:
            return found
        return forecast_rows.of_counts({target.channel.region: total or USUAL}, history)
    return forecast_rows.of_counts(_counts(body.count, target.channel.region), history)


def _counts(given: int | dict[str, Any] | None, region: str) -> dict[str, int]:
    counts = given if isinstance(given, dict) else {region: USUAL if given is None else given}
    why = "no country" if not counts else None
    for country, count in counts.items():
        if country not in UTC_OFFSET:
            why = f"{country[:20]!r} is not served: use {', '.join(UTC_OFFSET)}."
        elif isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_NOTICES:
            why = f"{str(count)[:20]!r} for {country} is no count: write a whole number from 1 to {MOST_NOTICES:,}."
    if why is not None:
        raise Problem(422, "invalid", f"count: {why}", [("/count", why)])
    return counts
