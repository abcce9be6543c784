"""Why notices stayed silent: likelihoods with their evidence, from what is stored."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from todoke.core.durations import HOUR
from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.core.silence import Cause, Verdict, judge
from todoke.core.silence_history import FEW, Bound, History, Sent, Texted, Traffic
from todoke.core.silence_signs import CLOSE, WINDOW, observe
from todoke.storage import channels as channel_store
from todoke.storage import silence as store
from todoke.storage.channel_hours import hour_of
from todoke.storage.database import Tx
from todoke.storage.silence import BoundTo, Hour, Silent, Tried, Wanted

NOTE = "likelihoods, not facts: LINE does not say why a message was not shown"
WEBHOOK_ALARMS = ("webhook_trouble",)
"""Alarms of the watch that say that LINE could not post to this gateway."""
MOVED = ("moved", "delivered_elsewhere")
"""Why a binding ended, where its number became another user's."""
MOST_JUDGED = 1000
"""Silences that are judged for one report: the newest."""
_WORTH_TELLING = 0.005


class Asked(msgspec.Struct, frozen=True):
    """One silent attempt to be judged."""

    number: str
    sent: Sent


# Gathering


def history_of(tries: Sequence[Tried], bound: Sequence[Bound]) -> History:
    """What is known of one number; `tries` in the order of their requests."""
    sms = [x for x in tries if x.step == Step.SMS and is_final(x)]
    return History(
        sent=tuple(_sent(x) for x in tries if x.step == Step.LINE_NOTIFICATION),
        sms=tuple(Texted(x.at, x.proof_at is not None) for x in sms),
        bound=tuple(bound),
    )


def _sent(x: Tried) -> Sent:
    outcome = None if x.outcome is None else Outcome(x.outcome)
    return Sent(
        id=x.id, channel_id=x.channel_id, at=x.at, closes_at=x.closes_at, outcome=outcome, proof_at=x.proof_at
    )


def is_final(x: Tried) -> bool:
    """The carrier has said its last word on an SMS that it had taken. One that it did not take says nothing."""
    return x.proof_at is not None or (x.outcome == Outcome.FAILED and x.request_id is not None)


async def bound_to(tx: Tx, account_id: str, numbers: Sequence[str]) -> dict[str, list[Bound]]:
    """The users of each number, with how they stand to the account's channels."""
    rows = await store.bindings_of(tx, account_id, numbers)
    found: dict[str, list[Bound]] = defaultdict(list)
    if not rows:
        return found
    users = sorted({x.user_id for x in rows})
    own = [c.id for c in await channel_store.list_channels(tx, account_id)]
    states = await store.friendships(tx, own, users)
    others: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for provider, user, number, since in await store.numbers_of(tx, account_id, users):
        others[provider, user].append((number, since))
    for x in rows:
        of_user = {c: states[c, x.user_id] for c in own if (c, x.user_id) in states}
        found[x.number].append(_bound(x, others[x.provider, x.user_id], of_user))
    return found


def _bound(
    x: BoundTo, others: Sequence[tuple[str, int]], states: Mapping[str, tuple[str, int, int | None]]
) -> Bound:
    later = [since for number, since in others if number != x.number and since > x.bound_at]
    return Bound(
        bound_at=x.bound_at,
        unbound_at=x.unbound_at,
        moved=x.unbound_why in MOVED,
        elsewhere_at=min(later, default=None),
        states=states,
    )


class Traffics:
    """The traffic of channels around silent attempts, each channel read once."""

    def __init__(self, tx: Tx, now: int) -> None:
        self._tx = tx
        self._now = now
        self._hours: dict[str, dict[int, Hour]] = {}
        self._alarms: dict[str, list[tuple[int, int]]] = {}

    async def read(self, sent: Sequence[Sent]) -> None:
        """Reads what `of` needs for these attempts."""
        for channel_id in sorted({x.channel_id for x in sent}):
            times = [x.at for x in sent if x.channel_id == channel_id]
            since, until = min(times) - CLOSE, min(max(times) + CLOSE, self._now)
            hours = await store.hours_of(self._tx, channel_id, since, until)
            self._hours[channel_id] = {x.hour: x for x in hours}
            self._alarms[channel_id] = await store.alarmed(self._tx, channel_id, WEBHOOK_ALARMS, since, until)

    def of(self, sent: Sent) -> Traffic:
        """The hour of this attempt, with its neighbours where it alone has too few others; and what is usual."""
        hours = self._hours[sent.channel_id]
        own = hour_of(sent.at)
        counted = sent.outcome in (Outcome.SILENT, Outcome.LATE, Outcome.DELIVERED)
        around = [hours[own]] if own in hours else []
        if sum(x.accepted for x in around) - counted < FEW:
            around = [hours[x] for x in (own - HOUR, own, own + HOUR) if x in hours]
        near = range(own - HOUR, own + 2 * HOUR)
        usual = [x for x in hours.values() if x.hour not in near and abs(x.hour - own) <= CLOSE]
        return Traffic(
            others=max(sum(x.accepted for x in around) - counted, 0),
            others_shown=sum(x.shown for x in around) - (sent.proof_at is not None),
            usual=sum(x.accepted for x in usual),
            usual_shown=sum(x.shown for x in usual),
            alarm=any(a < sent.at + WINDOW and z > sent.at for a, z in self._alarms[sent.channel_id]),
        )


async def verdicts(
    tx: Tx, account_id: str, asked: Sequence[Asked], tries: Mapping[str, Sequence[Tried]], now: int
) -> list[Verdict]:
    """Judges silent attempts by the histories of their numbers, as of `now`."""
    bound = await bound_to(tx, account_id, sorted({x.number for x in asked}))
    histories = {n: history_of(tries[n], bound[n]) for n in {x.number for x in asked}}
    traffics = Traffics(tx, now)
    await traffics.read([x.sent for x in asked])
    return [judge(observe(histories[x.number], x.sent, traffics.of(x.sent), now)) for x in asked]


# One notice


def is_silent(x: Tried) -> bool:
    """No delivery event came in its time: after a 2xx, or after an answer that was lost."""
    unproved = x.outcome == Outcome.SILENT or (x.outcome == Outcome.UNKNOWN and not x.open)
    return x.step == Step.LINE_NOTIFICATION and unproved and x.proof_at is None


async def of_notice(tx: Tx, account_id: str, notice_id: str, number: str, now: int) -> dict[str, Any] | None:
    """Why a notice's last silent attempt was silent; None where none was, or its number was erased."""
    if not number:
        return None
    tries = await store.tries_around(tx, account_id, number, notice_id)
    own = [x for x in tries if x.notice_id == notice_id and is_silent(x)]
    return await last_of(tx, account_id, number, tries, own, now)


async def last_of(
    tx: Tx, account_id: str, number: str, tries: Sequence[Tried], silent: Sequence[Tried], now: int
) -> dict[str, Any] | None:
    if not silent:
        return None
    asked = Asked(number, _sent(silent[-1]))
    (verdict,) = await verdicts(tx, account_id, [asked], {number: tries}, now)
    return verdict_view(verdict)


def verdict_view(verdict: Verdict) -> dict[str, Any]:
    """Causes with likelihood and evidence, the likeliest first. Very unlikely ones are left out."""
    return {
        "causes": [
            {
                "cause": x.cause,
                "likelihood": round(x.likelihood, 3),
                "evidence": list(x.evidence),
                "against": list(x.against),
            }
            for x in verdict.causes
            if x.likelihood >= _WORTH_TELLING
        ],
        "note": NOTE,
    }


# Many


async def report(tx: Tx, wanted: Wanted, now: int) -> dict[str, Any]:
    """How many were silent, and by the cause that stands first. The newest MOST_JUDGED are judged."""
    total = await store.count_silent(tx, wanted)
    found = await store.silent_attempts(tx, wanted, MOST_JUDGED)
    judged = [v for _, v in await judged_attempts(tx, wanted.account_id, found, now)]
    first = Counter(v.first for v in judged)
    without = sum(not v.has_evidence for v in judged)
    return {
        "silent": total,
        "judged": len(judged),
        "by_first_cause": {c.value: first[c] for c in Cause},
        "without_evidence": without,
        "share_without_evidence": round(without / len(judged), 3) if judged else None,
        "note": NOTE,
    }


async def judged_attempts(
    tx: Tx, account_id: str, silent: Sequence[Silent], now: int
) -> list[tuple[Silent, Verdict]]:
    """Each of the silent attempts with what is likely; those of erased numbers are left out."""
    numbers = sorted({x.number for x in silent if x.number})
    tries = grouped(await store.tries_of(tx, account_id, numbers))
    sent = {x.id: x for of_number in tries.values() for x in of_number}
    # One that is older than the newest notices of its number is left out too.
    judged = [x for x in silent if x.attempt_id in sent]
    asked = [Asked(x.number, _sent(sent[x.attempt_id])) for x in judged]
    if not asked:
        return []
    return list(zip(judged, await verdicts(tx, account_id, asked, tries, now), strict=True))


def grouped(tries: Sequence[Tried]) -> dict[str, list[Tried]]:
    """By number, in their order."""
    found: dict[str, list[Tried]] = defaultdict(list)
    for x in tries:
        found[x.number].append(x)
    return found
