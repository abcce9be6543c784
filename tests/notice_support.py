"""Tells the story of one notice to `core.notice.step`: time passes, carriers answer, proof comes."""

from __future__ import annotations

from typing import Any

import msgspec

from todoke.core.durations import parse_duration, parse_rfc3339
from todoke.core.notice import (
    Answered,
    Attempt,
    Cancel,
    Due,
    Event,
    Lapsed,
    NoProof,
    Notice,
    Proof,
    State,
    step,
)
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Facts, Policy, PolicyStep, QuietHours, SmsRoute, Step

START = parse_rfc3339("2026-08-07T02:00:00Z")
"""Ten in the morning in Taiwan, nine in Thailand, eleven in Japan."""
HOUR = 3_600_000
MINUTE = 60_000

LINE_4H_THEN_SMS = ("line_notification 4h", "sms 72h")
LINE_ALONE = ("line_notification 24h",)
SMS_ALONE = ("sms 72h",)
SMS = SmsRoute("carrier")
NO_RECEIPTS = (SmsRoute("carrier", gives_proof=False),)
SMS_THEN_LINE = ("sms 1h", "line_notification 24h")


def policy(*steps: str, **more: Any) -> Policy:
    """A policy from texts such as `line_notification 4h`."""
    parsed = [s.split() for s in steps]
    return Policy(tuple(PolicyStep(Step(s), parse_duration(w)) for s, w in parsed), **more)


class Story:
    """A notice and the time it lives in. `moves` collects what happened as (state, event, state)."""

    def __init__(
        self,
        *steps: str,
        deadline: str | None = None,
        on_unknown: str = "wait",
        quiet: tuple[QuietHours, ...] = (),
        exempt: tuple[str, ...] = (),
        past_deadline: str = "send",
        now: int = START,
        **facts: Any,
    ) -> None:
        self.now = now
        self.facts = Facts(**{"country": "TW", "sms": (SMS,), **facts})
        chosen = policy(
            *steps,
            on_unknown=on_unknown,
            quiet_hours=quiet,
            quiet_exempt=exempt,
            quiet_past_deadline=past_deadline,
        )
        self.notice = Notice(
            id="N",
            policy=chosen,
            created_at=now,
            due_at=now,
            deadline_at=None if deadline is None else now + parse_duration(deadline),
        )
        self.moves: set[tuple[State, type, State]] = set()

    @property
    def state(self) -> str:
        return self.notice.state.value

    @property
    def sent(self) -> list[str]:
        """The steps whose requests left, in order."""
        return [a.step.value for a in self.notice.attempts]

    @property
    def outcomes(self) -> list[str | None]:
        return [None if a.outcome is None else a.outcome.value for a in self.notice.attempts]

    @property
    def due_in(self) -> int | None:
        return None if self.notice.due_at is None else self.notice.due_at - self.now

    def happens(self, event: Event) -> Attempt | None:
        before = self.notice
        self.notice, attempt = step(before, event, self.now)
        self.moves.add((before.state, type(event), self.notice.state))
        return attempt

    def due(self) -> Story:
        """The engine looks at it now."""
        self.happens(Due(self.facts, f"A{len(self.notice.attempts) + 1}"))
        return self

    def next(self) -> Story:
        """The engine looks at it when it next needs something."""
        assert self.notice.due_at is not None
        self.now = max(self.now, self.notice.due_at)
        return self.due()

    def passes(self, duration: str) -> Story:
        """Time passes, and the engine looks at the notice whenever it asked for that."""
        until = self.now + parse_duration(duration)
        while self.notice.due_at is not None and self.notice.due_at <= until:
            self.now = max(self.now, self.notice.due_at)
            if self.notice.state is State.SENDING:
                self.happens(Lapsed())
            else:
                self.due()
        self.now = until
        return self

    def sends(self) -> Story:
        """The engine looks at it now, and a request leaves."""
        known = len(self.notice.attempts)
        self.due()
        assert len(self.notice.attempts) == known + 1
        return self

    def answer(self, outcome: str, number: int = 0, **more: Any) -> Story:
        """The carrier answers the last attempt, or the one of this number."""
        self.happens(Answered(self._id(number), Answer(outcome=Outcome(outcome), **more)))
        return self

    def proof(self, number: int = 0) -> Story:
        self.happens(Proof(self._id(number), self.now))
        return self

    def no_proof(self, number: int = 0, detail: str | None = None) -> Story:
        self.happens(NoProof(self._id(number), self.now, detail))
        return self

    def cancel(self) -> Story:
        self.happens(Cancel())
        return self

    def lapse(self) -> Story:
        self.happens(Lapsed())
        return self

    def knows(self, **facts: Any) -> Story:
        """From now on this holds of channel, template and recipient."""
        self.facts = msgspec.structs.replace(self.facts, **facts)
        return self

    def _id(self, number: int) -> str:
        attempts = self.notice.attempts
        return attempts[number - 1].id if attempts else "A1"
