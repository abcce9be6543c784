"""What an account's own notices say about those to come: a sample of them, read for one forecast."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from todoke.core.counting import line_day
from todoke.core.forecast.beliefs import Belief, Try
from todoke.core.forecast.priors import CALLBACK_TAKEN, PUSH_TAKEN, SMS_TAKEN, WEIGHT, Last
from todoke.core.outcome import Outcome
from todoke.core.routing import LINE_WINDOW, SMS_WINDOW, Step
from todoke.core.survival import Observation
from todoke.storage import forecasting as store
from todoke.storage.database import Tx
from todoke.storage.forecasting import Attempt, Notice
from todoke.storage.lookup import Lookup

_TAKEN = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.LATE, Outcome.SILENT})
_SUPPOSED = {Step.LINE_PUSH: PUSH_TAKEN, Step.SMS: SMS_TAKEN, Step.CALLBACK: CALLBACK_TAKEN}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A LINE notification of the history. `like_it`: of the same channel and use case as what is forecast."""

    country: str
    like_it: bool
    of: Try


class Recipient(msgspec.Struct, frozen=True):
    """Whom one of the channel's notices of this use case went to, and the last result over LINE before it."""

    number: str
    country: str
    last: Last


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What other steps came to: requests that were answered, taken, and surely failed after that."""

    asked: int = 0
    taken: int = 0
    failed_later: int = 0
    receipts: tuple[Observation, ...] = ()

    def belief(self, step: Step) -> Belief:
        share = self.taken / self.asked if self.asked else 0.0
        return Belief(_SUPPOSED[step], WEIGHT).seen(share, self.asked)


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the sample says."""

    seen: tuple[Seen, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    others: Mapping[Step, Taken] = {}
    since: int | None = None
    """When the oldest of its notifications was requested."""

    def tries(self, country: str) -> list[Try]:
        """The notifications, those to this country as its own."""
        return [msgspec.structs.replace(x.of, own=x.like_it and x.country == country) for x in self.seen]


async def read(tx: Tx, account_id: str, channel_id: str, use_case: str, lookup: Lookup, now: int) -> History:
    """The history of an account for a forecast on this channel and of this use case."""
    notices = await store.sample(tx, account_id, channel_id)
    templates = await lookup.templates(tx, {x.template_id for x in notices})
    attempts = await store.attempts_of(tx, [x.id for x in notices])
    lasts = await last_results_before(tx, [x.id for x in notices if x.id in attempts and x.number])
    seen, recipients, first = [], [], now
    for x in notices:
        like_it = x.channel_id == channel_id and templates[x.template_id].use_case == use_case
        last = lasts.get(x.id, Last.NEVER)
        if like_it and x.number and x.id in attempts:
            recipients.append(Recipient(x.number, x.country, last))
        for tried in attempts.get(x.id, ()):
            if tried.step == Step.LINE_NOTIFICATION and (told := _told(x, tried, last, now)) is not None:
                seen.append(Seen(country=x.country, like_it=like_it, of=told))
                first = min(first, tried.at)
    every = [a for of_notice in attempts.values() for a in of_notice]
    others = {step: _taken([a for a in every if a.step == step], now) for step in _SUPPOSED}
    return History(
        seen=tuple(seen),
        recipients=tuple(recipients),
        others=others,
        since=first if seen else None,
    )


def _told(x: Notice, tried: Attempt, last: Last, now: int) -> Try | None:
    """What a notification says. Nothing where its answer was lost: then it is not known whether LINE took it."""
    matched = tried.outcome in _TAKEN
    if not matched and tried.outcome != Outcome.UNREACHABLE:
        return None
    took = None if tried.proof_at is None else max(tried.proof_at - tried.at, 0)
    return Try(
        last=last,
        own=False,
        group=x.batch_id or f"{x.channel_id}{line_day(tried.at)}",
        matched=matched,
        took=took,
        seen_for=min(max(now - tried.at, 0), LINE_WINDOW),
    )


def _taken(tried: Sequence[Attempt], now: int) -> Taken:
    answered = [
        a for a in tried if a.outcome not in (None, Outcome.UNKNOWN, Outcome.THROTTLED, Outcome.DENIED)
    ]
    taken = [a for a in answered if a.outcome in _TAKEN or (a.outcome == Outcome.FAILED and a.request_id)]
    failed = [a for a in taken if a.outcome == Outcome.FAILED]
    proving = [a for a in taken if a.gives_proof]
    return Taken(
        asked=len(answered),
        taken=len(taken),
        failed_later=len(failed),
        receipts=tuple(
            Observation(SMS_WINDOW, False)
            if a.outcome == Outcome.FAILED
            else Observation(min(max(now - a.at, 0), SMS_WINDOW), False)
            if a.proof_at is None
            else Observation(max(a.proof_at - a.at, 1), True)
            for a in proving
        ),
    )


async def last_results_before(tx: Tx, notice_ids: Sequence[str]) -> dict[str, Last]:
    """By notice: the last result over LINE of its number, before it."""
    earlier = await store.before(tx, notice_ids)
    return await _results(tx, earlier, await _times(tx, notice_ids))


async def last_results_of(
    tx: Tx, account_id: str, numbers: Sequence[str], until: str | None = None
) -> dict[str, Last]:
    """By number: its last result over LINE; `until`: of notices before this one."""
    return await _results(tx, await store.newest_of(tx, account_id, numbers, until), {})


async def _times(tx: Tx, notice_ids: Sequence[str]) -> dict[str, int]:
    attempts = await store.attempts_of(tx, notice_ids)
    return {x: tried[0].at for x, tried in attempts.items()}


async def _results(tx: Tx, earlier: Mapping[str, str], times: Mapping[str, int]) -> dict[str, Last]:
    attempts = await store.attempts_of(tx, sorted(set(earlier.values())))
    found = {}
    for key, notice_id in earlier.items():
        line = [a for a in attempts.get(notice_id, ()) if a.step == Step.LINE_NOTIFICATION]
        if line and (last := _last(line[-1], times.get(key))) is not None:
            found[key] = last
    return found


def _last(tried: Attempt, at: int | None) -> Last | None:
    """What was known of it at that time; None for now. A list that was made earlier may be sent later: it told
    nothing then.
    """
    if at is not None and tried.at > at:
        return None
    if tried.outcome == Outcome.UNREACHABLE:
        return Last.UNKNOWN_TO_LINE
    if tried.proof_at is not None and (at is None or tried.proof_at <= at):
        return Last.SHOWN
    return Last.SILENT if tried.outcome in _TAKEN else None


def basis(history: History, countries: Sequence[str]) -> dict[str, Any]:
    """How much of the forecast stands on what, as JSON."""
    own = sum(x.like_it and x.country in countries for x in history.seen)
    return {
        "own_notifications": own,
        "other_notifications": len(history.seen) - own,
        "supposed_weight": WEIGHT,
        "supposed_share": round(WEIGHT / (WEIGHT + len(history.seen)), 4),
    }
