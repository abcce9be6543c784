"""A notice and its attempts: what is known of them, and the states that a notice can be in."""

from enum import StrEnum

import msgspec

from todoke.core.durations import HOUR
from todoke.core.outcome import Outcome
from todoke.core.routing import Policy, Step

LEASE = HOUR
"""A request is out for seconds; one that is out for an hour was lost with the process that sent it."""


class State(StrEnum):
    """Where a notice stands. The first three are open, the others are ends."""

    QUEUED = "queued"
    SENDING = "sending"
    WAITING = "waiting"
    DELIVERED = "delivered"
    HANDED_OVER = "handed_over"
    NOT_DELIVERED = "not_delivered"
    CANCELLED = "cancelled"
    REFUSED = "refused"


OPEN_STATES = frozenset({State.QUEUED, State.SENDING, State.WAITING})
END_STATES = frozenset(State) - OPEN_STATES


class Reason:
    """Why a notice ended as it did, where no attempt's outcome says it."""

    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    NO_STEP = "no_step"
    FREQUENCY = "frequency"
    SUPPRESSED = "suppressed"
    NOT_LIVE = "not_live"
    """The template's version may not reach real recipients: not yet, or not any more."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One step tried: one request to LINE or to an SMS carrier. Its id is the delivery tag.

    `open` is true while proof may still come, at the latest until `closes_at`.
    """

    id: str
    step_index: int
    step: Step
    at: int
    gives_proof: bool
    closes_at: int
    carrier: str | None = None
    """Which SMS carrier; None for other steps."""
    spare: int = 0
    """How many other carriers may still be tried at once, should this one surely not take it."""
    outcome: Outcome | None = None
    open: bool = True
    answered_at: int | None = None
    proof_at: int | None = None
    late_duplicate: bool = False
    status: int | None = None
    detail: str | None = None
    request_id: str | None = None
    retry_at: int | None = None
    """When the same step may be tried again; None: never."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notification to one recipient, as far as deciding about it needs."""

    id: str
    policy: Policy
    created_at: int
    state: State = State.QUEUED
    reason: str | None = None
    step_index: int = 0
    """The step it is at; as many as the policy has steps when none is left."""
    deadline_at: int | None = None
    cancelled_at: int | None = None
    ended_at: int | None = None
    due_at: int | None = None
    """When it next needs something; None: never, or only when something comes from outside."""
    skips: tuple[tuple[str, str], ...] = ()
    """Steps that could not run, each with the reason in words."""
    attempts: tuple[Attempt, ...] = ()
