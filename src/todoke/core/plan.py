"""What would happen to a notice, step by step, if nothing proved its delivery: played through the real moves."""

import msgspec

from todoke.core.notice import Answered, Due, Notice, State, step
from todoke.core.outcome import Answer, Outcome
from todoke.core.review import tells_of_not_live
from todoke.core.routing import Facts, Policy, Step
from todoke.core.states import END_STATES, Reason
from todoke.core.suppression import tells_of_suppression

_MOST_MOVES = 100
"""A notice has at most four steps, each begun once here; the rest are holds and closings."""


_TAKEN = Answer(outcome=Outcome.ACCEPTED, status=200)


class Planned(msgspec.Struct, kw_only=True):
    """A step as it would go."""

    step: Step
    begins_at: int | None = None
    """None: it would not begin."""
    why_not: str | None = None
    held: list[tuple[int, int]] = []
    """Quiet hours that hold it, each from when and until when."""
    hands_over: bool = False
    """It gives no proof: once its carrier takes the message nothing further is sent."""


class Plan(msgspec.Struct, frozen=True):
    """The steps in order, and where the notice ends if none of them proves delivery."""

    steps: list[Planned]
    state: State
    reason: str | None
    ends_at: int | None
    refused_why: str | None = None
    """Why it would be refused before anything is sent: a frequency rule, a suppressed recipient, what is not live."""


def plan(policy: Policy, facts: Facts, deadline_at: int | None, now: int) -> Plan:
    """Plays a notice that is asked for now, under facts that stay as they are. No step proves delivery.

    The steps are those of a play in which carriers that give no proof refuse, so that the steps behind them show when
    they would begin; the end is that of one in which they take the message.
    """
    # With one SMS carrier: which of several takes it changes nothing in what is shown.
    facts = msgspec.structs.replace(facts, sms=facts.sms[:1], channel_paused=False)
    notice = Notice(id="", policy=policy, created_at=now, deadline_at=deadline_at, due_at=now)
    planned, refused = _play(notice, facts, Answer(outcome=Outcome.INVALID, status=400))
    _, ended = _play(notice, facts, _TAKEN)
    return Plan(planned, ended.state, ended.reason, ended.ended_at, _refused_why(refused))


def _refused_why(refused: Notice) -> str | None:
    """What a rule forbids, in words; None where no rule refused it."""
    if refused.reason == Reason.FREQUENCY:
        return refused.skips[-1][1]
    if refused.state is State.REFUSED:
        if refused.reason == Reason.SUPPRESSED:
            return next(why for _, why in refused.skips if tells_of_suppression(why))
        if refused.reason == Reason.NOT_LIVE:
            return next(why for _, why in refused.skips if tells_of_not_live(why))
    return None


def _play(notice: Notice, facts: Facts, without_proof: Answer) -> tuple[list[Planned], Notice]:
    """The steps as they go, and the notice at its end. `without_proof`: what carriers answer who give no proof."""
    planned = [Planned(step=s.step) for s in notice.policy.steps]
    at = notice.created_at
    for move in range(_MOST_MOVES):
        if notice.state in END_STATES or notice.due_at is None:
            break
        at = max(at, notice.due_at)
        before = notice
        notice, attempt = step(notice, Due(facts, str(move)), at)
        _note_skips(planned, before, notice)
        if attempt is None:
            _note_hold(planned, notice, at)
            continue
        here = planned[attempt.step_index]
        if here.begins_at is None:
            here.begins_at, here.hands_over = at, not attempt.gives_proof
        answer = _TAKEN if attempt.gives_proof else without_proof
        notice, _ = step(notice, Answered(attempt.id, answer), at)
    return planned, notice


def _note_skips(planned: list[Planned], before: Notice, after: Notice) -> None:
    for name, why in after.skips[len(before.skips) :]:
        for one in planned:
            if one.step == name:
                one.why_not = why


def _note_hold(planned: list[Planned], notice: Notice, at: int) -> None:
    """A move that began nothing although its step wants to: quiet hours."""
    if notice.state in END_STATES or notice.due_at is None or notice.step_index >= len(planned):
        return
    here = planned[notice.step_index]
    tried = any(a.step_index == notice.step_index for a in notice.attempts)
    if not tried and here.begins_at is None and notice.due_at > at:
        here.held = [*here.held, (at, notice.due_at)]
