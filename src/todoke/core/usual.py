"""The usual course of a notice, decided at once: its only request is taken, then proven.

Nearly every notice goes this way, and the general way looks at much that it can't have. Each function answers what
`core.notice.step` would, or None where the case is not usual; a test holds them to it.
"""

from msgspec.structs import replace

from todoke.core.outcome import Answer, Outcome
from todoke.core.standing import earliest
from todoke.core.states import Notice, State


def taken(notice: Notice, attempt_id: str, answer: Answer, now: int) -> Notice | None:
    """A carrier has taken the only request, and proof is to come."""
    if (
        notice.state is not State.SENDING
        or len(notice.attempts) != 1
        or answer.outcome is not Outcome.ACCEPTED
    ):
        return None
    attempt = notice.attempts[0]
    index, steps = notice.step_index, notice.policy.steps
    if (
        attempt.id != attempt_id
        or attempt.outcome is not None
        or attempt.answered_at is not None
        or not attempt.gives_proof
        or attempt.step_index != index
        or attempt.closes_at <= now
        or index >= len(steps)
        or notice.cancelled_at is not None
        or (notice.deadline_at is not None and notice.deadline_at <= now)
    ):
        return None
    over = None
    if (wait := steps[index].wait) is not None:
        # The wait of a step that is asked for once is counted from that request.
        over = attempt.at + wait
        if over <= now:
            return None
        if index + 1 == len(steps):
            over = None
    told = replace(
        attempt,
        outcome=Outcome.ACCEPTED,
        open=True,
        answered_at=now,
        status=answer.status,
        detail=answer.detail or attempt.detail,
        request_id=answer.request_id,
        retry_at=None,
    )
    due = earliest(over, attempt.closes_at, notice.deadline_at)
    return replace(notice, state=State.WAITING, due_at=due, attempts=(told,))


def proven(notice: Notice, attempt_id: str, at: int, now: int) -> Notice | None:
    """The only request's message has reached its recipient."""
    if len(notice.attempts) != 1 or notice.state not in (State.WAITING, State.SENDING):
        return None
    attempt = notice.attempts[0]
    if attempt.id != attempt_id or attempt.proof_at is not None:
        return None
    seen = replace(attempt, outcome=Outcome.DELIVERED, open=False, proof_at=at, retry_at=None)
    return replace(notice, state=State.DELIVERED, reason=None, ended_at=now, due_at=None, attempts=(seen,))
