"""The life of a notice: its states, its attempts, and the one function that moves it.

`step(notice, event, now)` answers the notice as it is after the event, and what to send. It is the only
place where a notice changes; TRANSITIONS holds every move that may happen, and the diagram in
`docs/architecture.md` is drawn from it.
"""

from collections.abc import Sequence

import msgspec

from todoke.core import usual
from todoke.core.errors import IllegalTransition
from todoke.core.outcome import SURELY_NOT_TAKEN, Answer, Outcome
from todoke.core.retrying import best_route, retry_at, spare, why_no_more
from todoke.core.routing import (
    LINE_STEPS,
    REPEATABLE,
    Facts,
    SmsRoute,
    Step,
    held_until,
    why_not,
    window,
)
from todoke.core.standing import begins_at, closing_at, earliest, reconsider, stopped, tries_of
from todoke.core.states import END_STATES, LEASE, OPEN_STATES, Attempt, Notice, Reason, State

__all__ = [
    "END_STATES",
    "LEASE",
    "OPEN_STATES",
    "TRANSITIONS",
    "Answered",
    "Attempt",
    "Cancel",
    "Due",
    "Event",
    "Lapsed",
    "NoProof",
    "Notice",
    "Proof",
    "State",
    "step",
]


class Due(msgspec.Struct, frozen=True):
    """Its time has come. `attempt_id` is the id for an attempt, should one begin."""

    facts: Facts
    attempt_id: str


class Answered(msgspec.Struct, frozen=True):
    """A carrier answered a request, or it failed."""

    attempt_id: str
    answer: Answer


class Proof(msgspec.Struct, frozen=True):
    """The message of this attempt reached the recipient, `at` by the carrier's clock."""

    attempt_id: str
    at: int


class NoProof(msgspec.Struct, frozen=True):
    """The carrier's last word: this attempt could not be delivered."""

    attempt_id: str
    at: int
    detail: str | None = None


class Cancel(msgspec.Struct, frozen=True):
    """The business wants no further step to begin."""


class Lapsed(msgspec.Struct, frozen=True):
    """The process that sent died before the answer was recorded: what is out has an unknown outcome."""


Event = Due | Answered | Proof | NoProof | Cancel | Lapsed

_FAILED_STEP = frozenset({State.QUEUED, State.WAITING, State.NOT_DELIVERED, State.CANCELLED})
_SAME_OR_OVER = frozenset({State.QUEUED, State.NOT_DELIVERED})

TRANSITIONS: dict[tuple[State, type], frozenset[State]] = {
    (State.QUEUED, Due): frozenset({State.QUEUED, State.SENDING, State.NOT_DELIVERED, State.REFUSED}),
    (State.QUEUED, Answered): _SAME_OR_OVER,
    (State.QUEUED, Proof): frozenset({State.DELIVERED}),
    (State.QUEUED, NoProof): _SAME_OR_OVER,
    (State.QUEUED, Cancel): frozenset({State.CANCELLED}),
    # Still sending: an earlier attempt's answer, overtaken by its own receipt or by a takeover.
    (State.SENDING, Answered): _FAILED_STEP | {State.SENDING, State.HANDED_OVER},
    (State.SENDING, Lapsed): _FAILED_STEP,
    (State.SENDING, Proof): frozenset({State.DELIVERED}),
    (State.SENDING, NoProof): _FAILED_STEP | {State.SENDING},
    (State.SENDING, Cancel): frozenset({State.SENDING}),
    (State.WAITING, Due): _FAILED_STEP | {State.SENDING, State.HANDED_OVER},
    (State.WAITING, Answered): frozenset({State.WAITING}),
    (State.WAITING, Proof): frozenset({State.DELIVERED}),
    (State.WAITING, NoProof): _FAILED_STEP | {State.HANDED_OVER},
    (State.WAITING, Cancel): frozenset({State.WAITING}),
}
"""Every move: (state, event) → the states that may follow. A notice that has ended never leaves its end."""


def step(notice: Notice, event: Event, now: int) -> tuple[Notice, Attempt | None]:
    """Moves a notice. Answers it as it is after `event`, and the attempt to send now, if one begins.

    The attempt must be committed before its request leaves. Raises IllegalTransition for a move that
    TRANSITIONS does not have.
    """
    match event:
        case Answered():
            moved = usual.taken(notice, event.attempt_id, event.answer, now) or reconsider(
                _answered(notice, event, now), now
            )
        case Proof():
            moved = usual.proven(notice, event.attempt_id, event.at, now) or reconsider(
                _proven(notice, event, now), now
            )
        case Due():
            moved, attempt = _due(notice, event, now)
            return _checked(notice, event, moved), attempt
        case NoProof():
            moved = reconsider(_disproven(notice, event), now)
        case Cancel():
            stamped = now if notice.cancelled_at is None else notice.cancelled_at
            ended = notice.state in END_STATES
            moved = notice if ended else reconsider(_with(notice, cancelled_at=stamped), now)
        case Lapsed():
            moved = reconsider(_lapsed(notice, begun_by=now), now)
    return _checked(notice, event, moved), None


def _checked(before: Notice, event: Event, after: Notice) -> Notice:
    if before.state in END_STATES:
        legal = after.state is before.state
    else:
        legal = after.state in TRANSITIONS.get((before.state, type(event)), frozenset())
    if not legal:
        raise IllegalTransition(
            f"Notice {before.id} can't go from {before.state} to {after.state} by {type(event).__name__}."
        )
    return after


_with = msgspec.structs.replace


def _attempt(notice: Notice, attempt_id: str) -> Attempt:
    for attempt in notice.attempts:
        if attempt.id == attempt_id:
            return attempt
    raise IllegalTransition(f"Notice {notice.id} has no attempt {attempt_id}.")


def _put(notice: Notice, changed: Attempt) -> Notice:
    """The notice with one attempt changed. What counts as a late duplicate may change with any of them."""
    if len(notice.attempts) == 1:
        return _with(notice, attempts=(changed,))
    attempts = tuple(changed if a.id == changed.id else a for a in notice.attempts)
    if len(attempts) > 1:
        attempts = tuple(
            _with(a, late_duplicate=_doubled(a, attempts)) if a.outcome is Outcome.LATE else a
            for a in attempts
        )
    return _with(notice, attempts=attempts)


def _doubled(attempt: Attempt, attempts: tuple[Attempt, ...]) -> bool:
    """Whether a later step's message may have reached the recipient too."""
    return any(b.step_index > attempt.step_index and b.outcome not in SURELY_NOT_TAKEN for b in attempts)


def _answered(notice: Notice, event: Answered, now: int) -> Notice:
    attempt, answer = _attempt(notice, event.attempt_id), event.answer
    if attempt.answered_at is not None:
        return notice
    told = _with(
        attempt,
        answered_at=now,
        status=answer.status,
        detail=answer.detail or attempt.detail,
        request_id=answer.request_id,
    )
    # The delivery event may overtake the answer, and a takeover may have called it unknown before.
    if attempt.outcome is None:
        told = _with(
            told,
            outcome=answer.outcome,
            open=attempt.gives_proof and answer.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN),
            retry_at=retry_at(notice, attempt, answer, now),
        )
    return _put(notice, told)


def _proven(notice: Notice, event: Proof, now: int) -> Notice:
    attempt = _attempt(notice, event.attempt_id)
    if attempt.proof_at is not None:
        return notice
    later = any(a.step_index > attempt.step_index for a in notice.attempts)
    outcome = Outcome.LATE if later else Outcome.DELIVERED
    notice = _put(notice, _with(attempt, outcome=outcome, open=False, proof_at=event.at, retry_at=None))
    if notice.state in END_STATES:
        return notice
    return _with(notice, state=State.DELIVERED, reason=None, ended_at=now)


def _disproven(notice: Notice, event: NoProof) -> Notice:
    attempt = _attempt(notice, event.attempt_id)
    if attempt.proof_at is not None or not attempt.open:
        return notice
    detail = event.detail or attempt.detail
    return _put(notice, _with(attempt, outcome=Outcome.FAILED, open=False, detail=detail, retry_at=None))


def _lapsed(notice: Notice, begun_by: int) -> Notice:
    for attempt in notice.attempts:
        if attempt.outcome is None and attempt.at <= begun_by:
            again = begun_by if attempt.step in REPEATABLE else None
            unknown = _with(attempt, outcome=Outcome.UNKNOWN, open=attempt.gives_proof, retry_at=again)
            notice = _put(notice, unknown)
    return notice


def _close_expired(notice: Notice, now: int) -> Notice:
    for attempt in notice.attempts:
        if attempt.open and attempt.outcome is not None and attempt.closes_at <= now:
            # An unknown one stays unknown: that LINE never took it is as likely as that nobody saw it.
            outcome = Outcome.SILENT if attempt.outcome is Outcome.ACCEPTED else attempt.outcome
            notice = _put(notice, _with(attempt, outcome=outcome, open=False))
    return notice


def _due(notice: Notice, event: Due, now: int) -> tuple[Notice, Attempt | None]:
    # A notice that ended while a later step's request was out has no other way to learn that it was lost.
    if notice.attempts:
        notice = _close_expired(_lapsed(notice, begun_by=now - LEASE), now)
    if notice.attempts or stopped(notice, now):
        notice = reconsider(notice, now)
    while notice.state in OPEN_STATES and not stopped(notice, now):
        tries = tries_of(notice) if notice.attempts else ()
        begins = begins_at(notice)
        if begins is None or begins > now:
            break
        wanted, facts = notice.policy.steps[notice.step_index].step, event.facts
        route = best_route(tries, facts) if wanted is Step.SMS else None
        why = why_not(wanted, facts) or why_no_more(wanted, tries, route, now)
        if why is not None:
            skips = (*notice.skips, (wanted.value, why))
            notice = reconsider(_with(notice, skips=skips, step_index=notice.step_index + 1), now)
            continue
        if wanted in LINE_STEPS and facts.channel_paused:
            return _with(notice, due_at=earliest(notice.deadline_at, closing_at(notice))), None
        if (quiet := held_until(notice.policy, facts, notice.deadline_at, now)) is not None:
            return _with(notice, due_at=earliest(quiet, notice.deadline_at, closing_at(notice))), None
        if facts.too_often is not None and not notice.attempts:
            return _refused(notice, wanted, facts.too_often, now), None
        return _begin(notice, wanted, route, tries, event, now)
    return notice, None


def _refused(notice: Notice, wanted: Step, why: str, now: int) -> Notice:
    return _with(
        notice,
        state=State.REFUSED,
        reason=Reason.FREQUENCY,
        skips=(*notice.skips, (wanted.value, why)),
        due_at=None,
        ended_at=now,
    )


def _begin(
    notice: Notice, wanted: Step, route: SmsRoute | None, tries: Sequence[Attempt], event: Due, now: int
) -> tuple[Notice, Attempt]:
    attempt = Attempt(
        id=event.attempt_id,
        step_index=notice.step_index,
        step=wanted,
        at=now,
        gives_proof=wanted is Step.LINE_NOTIFICATION if route is None else route.gives_proof,
        closes_at=now + window(wanted),
        carrier=None if route is None else route.carrier,
        spare=0 if route is None else spare(tries, route, event.facts),
    )
    sending = _with(
        notice, state=State.SENDING, due_at=now + LEASE, reason=None, attempts=(*notice.attempts, attempt)
    )
    return sending, attempt
