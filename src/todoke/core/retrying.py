"""Trying a step again: when, by which SMS carrier, and when no more."""

from collections import Counter
from collections.abc import Sequence

from todoke.core.durations import MINUTE, SECOND
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import REPEATABLE, RETRY_KEY_LASTS, Facts, SmsRoute, Step
from todoke.core.states import Attempt, Notice

BACKOFF_CAP = 15 * MINUTE


def retry_at(notice: Notice, attempt: Attempt, answer: Answer, now: int) -> int | None:
    """When the same step may be tried again, by the next carrier if there is one; None: never."""
    if answer.outcome is Outcome.DENIED:
        return now
    repeated = answer.outcome is Outcome.UNKNOWN and attempt.step in REPEATABLE
    # What one SMS carrier can't write, such as a text in its character set, another may.
    elsewhere = answer.outcome is Outcome.INVALID and attempt.step is Step.SMS
    again = repeated or elsewhere or answer.outcome in (Outcome.THROTTLED, Outcome.FAILED)
    if answer.quota_used_up or not again:
        return None
    if attempt.spare:
        return now
    others = [a for a in notice.attempts if a.step_index == attempt.step_index and a.id != attempt.id]
    said_no = elsewhere or (answer.outcome is Outcome.FAILED and answer.status is not None)
    # After one carrier's clear no, another that could not be reached may be tried again.
    if said_no and all(a.carrier == attempt.carrier or _said_no(a) for a in others):
        return None
    tries = 1 + sum(a.carrier == attempt.carrier for a in others)
    return now + max(min(SECOND << min(tries - 1, 20), BACKOFF_CAP), answer.retry_after or 0)


def _said_no(attempt: Attempt) -> bool:
    if attempt.outcome is Outcome.INVALID:
        return True
    return attempt.outcome is Outcome.FAILED and attempt.status is not None


def why_no_more(wanted: Step, tries: Sequence[Attempt], route: SmsRoute | None, now: int) -> str | None:
    """Why a step that was tried before is not tried again, in words; None if it may be."""
    if not tries:
        return None
    if wanted is Step.SMS and route is None:
        return "every SMS carrier has refused it"
    oldest = min((a.at for a in tries if a.outcome is Outcome.UNKNOWN), default=now)
    if wanted is Step.LINE_PUSH and now - oldest > RETRY_KEY_LASTS:
        return "LINE may have taken it a day ago, and its retry key is used up: sending again could double it"
    return None


def best_route(tries: Sequence[Attempt], facts: Facts) -> SmsRoute | None:
    """The carrier for the next try: of those that have not said no, the one tried least; the best first."""
    no = {a.carrier for a in tries if _said_no(a)}
    times = Counter(a.carrier for a in tries)
    left = [r for r in facts.sms if r.carrier not in no]
    return min(left, key=lambda r: times[r.carrier], default=None)


def spare(tries: Sequence[Attempt], route: SmsRoute, facts: Facts) -> int:
    """How many carriers are left that were tried less often than this one will have been."""
    no = {a.carrier for a in tries if _said_no(a)} | {route.carrier}
    times = Counter(a.carrier for a in tries)
    return sum(r.carrier not in no and times[r.carrier] <= times[route.carrier] for r in facts.sms)
