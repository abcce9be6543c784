"""Where a notice stands: its state and next due time, from its attempts and its policy alone."""

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

from msgspec.structs import replace

from todoke.core.outcome import SURELY_NOT_TAKEN, Outcome
from todoke.core.review import tells_of_not_live
from todoke.core.routing import LINE_STEPS, REPEATABLE
from todoke.core.states import END_STATES, LEASE, Attempt, Notice, Reason, State
from todoke.core.suppression import tells_of_suppression


def tries_of(notice: Notice) -> Sequence[Attempt]:
    attempts = notice.attempts
    if len(attempts) == 1 and attempts[0].step_index == notice.step_index:
        return attempts  # As with nearly all notices.
    return [a for a in attempts if a.step_index == notice.step_index]


def _decisive(tries: Sequence[Attempt]) -> Attempt:
    """The attempt that says where a step stands: one that may have been taken, else the last.

    Of a step that may be repeated, what is unknown decides nothing: the next try says what became of it.
    Ids of two processes may sort otherwise than they began, where a machine's clock was set back.
    """
    for attempt in tries:
        if attempt.outcome in SURELY_NOT_TAKEN:
            continue
        if attempt.outcome is not Outcome.UNKNOWN or attempt.step not in REPEATABLE:
            return attempt
    return tries[-1]


def _wait_over(tries: Sequence[Attempt], last: Attempt, wait: int) -> int:
    """When a step's wait is over, counted from its first request.

    A denied request counts for nothing: the whole channel stood still. One that was held until the wait was
    over (quiet hours, a paused channel) gets a wait of its own: a next step on its heels would only double it.
    """
    first = tries[0]
    for before, after in pairwise(tries):
        if before.outcome is Outcome.DENIED:
            first = after
    over = first.at + wait
    return over if over > last.at or not last.open else last.at + wait


def stopped(notice: Notice, now: int) -> bool:
    """No further step may begin: cancelled, or the deadline is past."""
    return notice.cancelled_at is not None or (notice.deadline_at is not None and notice.deadline_at <= now)


def _step_over_at(notice: Notice) -> int | None:
    """When the step it is at is over and the next may begin; 0: now; None: only when something happens."""
    tries = tries_of(notice)
    if not tries:
        return None
    last = _decisive(tries)
    if last.outcome is None or last.outcome is Outcome.DENIED:
        return None
    wait = notice.policy.steps[notice.step_index].wait
    wait_over = None if wait is None else _wait_over(tries, last, wait)
    if last.open:
        if last.outcome is Outcome.UNKNOWN and notice.policy.on_unknown == "next":
            return 0
        return wait_over
    if last.outcome is Outcome.ACCEPTED:
        return None
    if last.retry_at is None:
        return wait_over if _waits_unproven(notice, last) else 0
    # Trying again is of no use once the wait is over: then the next step is in time, this one is not.
    return wait_over if wait_over is not None and wait_over <= last.retry_at else None


def _waits_unproven(notice: Notice, last: Attempt) -> bool:
    """Whether an unknown outcome that nothing will ever prove is given its wait before the next step."""
    return (
        last.outcome is Outcome.UNKNOWN
        and not last.gives_proof
        and last.step not in REPEATABLE
        and notice.policy.on_unknown == "wait"
        and notice.step_index + 1 < len(notice.policy.steps)
    )


class Lane(IntEnum):
    """Notices that wait for different carriers do not wait for each other: a slow SMS carrier must not hold LINE up."""

    LINE = 0
    OTHER = 1


def lane(notice: Notice) -> Lane:
    """Whose turn it is when the notice is next due, as far as can be said now."""
    steps = notice.policy.steps
    at = notice.step_index
    if begins_at(notice) is None and at + 1 < len(steps):
        at += 1
    return Lane.LINE if at < len(steps) and steps[at].step in LINE_STEPS else Lane.OTHER


def begins_at(notice: Notice) -> int | None:
    """When the step it is at wants to send; 0: now; None: it has sent, or no step is left."""
    if notice.step_index >= len(notice.policy.steps):
        return None
    tries = tries_of(notice)
    if not tries:
        return 0
    return _decisive(tries).retry_at


def reconsider(notice: Notice, now: int) -> Notice:
    """State and next due time, from the attempts and the policy alone."""
    if notice.state in END_STATES:
        lost = [a.at + LEASE for a in notice.attempts if a.outcome is None]
        due = earliest(closing_at(notice), *lost)
        return notice if due == notice.due_at else replace(notice, due_at=due)
    for attempt in notice.attempts:
        if attempt.outcome is None:
            return notice
    index, count = notice.step_index, len(notice.policy.steps)
    over = None
    while index < count and (over := _step_over_at(notice)) is not None and over <= now:
        index += 1
        notice, over = replace(notice, step_index=index), None
    handed_over = False
    for attempt in notice.attempts:
        handed_over = handed_over or (attempt.outcome is Outcome.ACCEPTED and not attempt.open)
    closing = closing_at(notice)
    if handed_over or index >= count or stopped(notice, now):
        if closing is None:
            return _ended(notice, now, handed_over)
        return replace(notice, state=State.WAITING, due_at=closing)
    begins = begins_at(notice)
    if over is not None and index + 1 >= count:
        # The last step has no successor to make room for; it keeps trying only while its wait lasts.
        over = over if begins is not None else None
    due = earliest(None if begins is None else max(begins, now), over, closing, notice.deadline_at)
    return replace(notice, state=State.QUEUED if closing is None else State.WAITING, due_at=due)


def closing_at(notice: Notice) -> int | None:
    """When the next open attempt closes; None: none is open."""
    closing = None
    for a in notice.attempts:
        if a.open and a.outcome is not None and (closing is None or a.closes_at < closing):
            closing = a.closes_at
    return closing


def earliest(*times: int | None) -> int | None:
    first = None
    for time in times:
        if time is not None and (first is None or time < first):
            first = time
    return first


def _ended(notice: Notice, now: int, handed_over: bool) -> Notice:
    last = notice.attempts[-1].outcome if notice.attempts else None
    if handed_over:
        state, reason = State.HANDED_OVER, None
    elif notice.cancelled_at is not None:
        state, reason = State.CANCELLED, Reason.CANCELLED
    elif last is None and notice.step_index >= len(notice.policy.steps):
        state, reason = State.REFUSED, _held_by(notice) or Reason.NO_STEP
    elif notice.step_index < len(notice.policy.steps):
        state, reason = State.NOT_DELIVERED, Reason.DEADLINE
    else:
        assert last is not None
        state, reason = State.NOT_DELIVERED, _held_by(notice) or last.value
    return replace(notice, state=state, reason=reason, due_at=None, ended_at=now)


def _held_by(notice: Notice) -> str | None:
    """What left out a step after the last attempt: the recipient's suppression, or that the template is not live."""
    reached = notice.attempts[-1].step_index if notice.attempts else 0
    left = {s.step for s in notice.policy.steps[reached:]}
    reasons = [why for step, why in notice.skips if step in left]
    if any(tells_of_suppression(why) for why in reasons):
        return Reason.SUPPRESSED
    return Reason.NOT_LIVE if any(tells_of_not_live(why) for why in reasons) else None
