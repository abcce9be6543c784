"""Random policies, answers, proofs and times driven through `core.notice.step`, and what must hold of all.

The model keeps its own book of what the carriers were asked and said, and judges by that book alone.
"""

from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from notice_support import START
from todoke.core import usual
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
)
from todoke.core.notice import step as moved
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Facts, Friendship, Policy, PolicyStep, QuietHours, SmsRoute, Step


def _not_usual(*_: object) -> None:
    """Leaves every case to the general way."""


def step(notice: Notice, event: Event, now: int) -> tuple[Notice, Attempt | None]:
    """As `core.notice.step`, which must say the same where it takes no short cut."""
    found = moved(notice, event, now)
    with patch.multiple(usual, taken=_not_usual, proven=_not_usual):
        assert moved(notice, event, now) == found
    if isinstance(event, Due) and not notice.attempts:
        # Of many that stand alike one is decided, and the others go the same way: see `actions.decisions.Decisions`.
        twin = msgspec.structs.replace(notice, id="twin", created_at=notice.created_at - HOUR)
        theirs, attempt = moved(twin, Due(event.facts, "another"), now)
        assert _as(theirs, found[0], event.attempt_id) == found[0]
        assert (attempt is None) is (found[1] is None)
    return found


def _as(notice: Notice, other: Notice, attempt_id: str) -> Notice:
    tried = tuple(msgspec.structs.replace(x, id=attempt_id) for x in notice.attempts)
    return msgspec.structs.replace(notice, id=other.id, created_at=other.created_at, attempts=tried)


SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
WINDOW = {Step.LINE_NOTIFICATION: 24 * HOUR + 10 * MINUTE, Step.SMS: 72 * HOUR}
ENDS = {State.DELIVERED, State.HANDED_OVER, State.NOT_DELIVERED, State.CANCELLED, State.REFUSED}

durations = st.sampled_from([MINUTE, 30 * MINUTE, 4 * HOUR, 24 * HOUR, 30 * HOUR, 72 * HOUR])
orders = st.sampled_from(
    [
        (Step.LINE_NOTIFICATION, Step.SMS),
        (Step.SMS, Step.LINE_NOTIFICATION),
        (Step.LINE_NOTIFICATION,),
        (Step.SMS,),
        (Step.LINE_PUSH, Step.LINE_NOTIFICATION, Step.SMS),
        (Step.SMS, Step.CALLBACK, Step.LINE_NOTIFICATION),
        (Step.CALLBACK,),
    ]
)
policies = st.builds(
    Policy,
    steps=orders.flatmap(
        lambda order: st.tuples(*(st.builds(PolicyStep, st.just(s), durations) for s in order))
    ),
    on_unknown=st.sampled_from(["wait", "next"]),
    quiet_hours=st.sampled_from(
        [(), (), (QuietHours("TW", 21 * 60, 8 * 60),), (QuietHours("TW", 12 * 60, 13 * 60),)]
    ),
    quiet_past_deadline=st.sampled_from(["send", "hold"]),
)
taken = st.sampled_from([Answer(outcome=Outcome.ACCEPTED, status=200), Answer(outcome=Outcome.UNKNOWN)])
answers = st.one_of(
    taken,
    st.sampled_from(
        [
            Answer(outcome=Outcome.UNREACHABLE, status=422),
            Answer(outcome=Outcome.INVALID, status=400),
            Answer(outcome=Outcome.DENIED, status=401),
            Answer(outcome=Outcome.THROTTLED, status=429, quota_used_up=True),
            Answer(outcome=Outcome.FAILED),
            Answer(outcome=Outcome.FAILED, status=404),
        ]
    ),
    st.builds(
        Answer,
        outcome=st.just(Outcome.THROTTLED),
        status=st.just(429),
        retry_after=st.sampled_from([None, 30 * SECOND, 2 * HOUR]),
    ),
)
SAYS_NO = {Outcome.UNREACHABLE, Outcome.INVALID, Outcome.DENIED, Outcome.THROTTLED, Outcome.FAILED}


@dataclass
class Request:
    """One request in the model's book."""

    id: str
    step: Step
    place: int
    at: int
    receipts: bool
    carrier: str | None = None
    answer: Outcome | None = None
    said_no: bool = False
    lost: bool = False
    proven: bool = False
    disproven: bool = False
    late: bool = False

    def silent_since(self) -> int:
        return self.at + WINDOW.get(self.step, 72 * HOUR)

    @property
    def surely_not_taken(self) -> bool:
        return not self.proven and (self.disproven or (not self.lost and self.answer in SAYS_NO))

    @property
    def out(self) -> bool:
        return self.answer is None and not (self.lost or self.proven or self.disproven)

    def can_still_arrive(self, now: int) -> bool:
        """A carrier took it, or may have, and neither said what became of it nor is its time over."""
        return (
            self.receipts
            and not self.surely_not_taken
            and not self.proven
            and not self.out
            and now < self.silent_since()
        )


class Lives(RuleBasedStateMachine):
    """A notice, its world, and the book."""

    @initialize(
        policy=policies,
        deadline=st.sampled_from([None, None, 10 * SECOND, HOUR, 20 * HOUR]),
        receipts=st.lists(st.booleans(), min_size=1, max_size=3),
        friend=st.booleans(),
        sms_form=st.sampled_from([True, True, True, False]),
        paused=st.sampled_from([False, False, False, True]),
        starts=st.integers(0, 24 * 60 - 1),
    )
    def begin(
        self,
        policy: Policy,
        deadline: int | None,
        receipts: list[bool],
        friend: bool,
        sms_form: bool,
        paused: bool,
        starts: int,
    ) -> None:
        self.now = START + starts * MINUTE
        self.facts = Facts(
            country="TW",
            sms=tuple(SmsRoute(f"carrier {i}", gives) for i, gives in enumerate(receipts)),
            has_sms_form=sms_form,
            has_push_form=True,
            user_bound=friend,
            friendship=Friendship.FRIEND if friend else Friendship.UNKNOWN,
            has_callback=friend,
            channel_paused=paused,
        )
        self.notice = Notice(
            id="N",
            policy=policy,
            created_at=self.now,
            due_at=self.now,
            deadline_at=None if deadline is None else self.now + deadline,
        )
        self.book: list[Request] = []
        self.cancelled = False
        self.ended: Notice | None = None
        self.looked_at: int | None = None

    def happens(self, event: Event) -> None:
        before = self.notice
        self.notice, attempt = step(before, event, self.now)
        self.looked_at = self.now if isinstance(event, Due) else None
        if attempt is not None:
            self.begun(attempt)
        if before.state in ENDS:
            same = ("state", "reason", "ended_at", "step_index", "skips")
            assert [getattr(before, f) for f in same] == [getattr(self.notice, f) for f in same]
            assert len(before.attempts) == len(self.notice.attempts)
        elif self.notice.state in ENDS:
            self.has_just_ended()

    def begun(self, attempt: Attempt) -> None:
        """Checks a request that is about to leave against the book."""
        wanted = attempt.step
        same = [r for r in self.book if r.step is wanted]
        if wanted in (Step.LINE_PUSH, Step.CALLBACK):
            # Each try has the same key: only one that was taken for sure is never repeated.
            assert all(r.answer is not Outcome.ACCEPTED or r.lost for r in same)
            doubtful = [r.at for r in same if not r.surely_not_taken]
            assert wanted is Step.CALLBACK or all(self.now - at <= 23 * HOUR for at in doubtful)
        else:
            assert all(r.surely_not_taken for r in same), "sent again, though it may have been taken"
        assert not any(r.carrier == attempt.carrier and r.said_no for r in same), "asked one that said no"
        assert not self.cancelled
        assert self.notice.deadline_at is None or self.now < self.notice.deadline_at
        assert not any(r.out for r in self.book), "two requests out at once"
        assert not any(r.proven for r in self.book)
        assert not any(r.answer is Outcome.ACCEPTED and not r.receipts and not r.lost for r in self.book)
        for quiet in self.notice.policy.quiet_hours:
            minute = (self.now // MINUTE + 8 * 60) % (24 * 60)
            inside = (
                quiet.start <= minute < quiet.end
                if quiet.start < quiet.end
                else minute >= quiet.start or minute < quiet.end
            )
            if inside and self.notice.policy.quiet_past_deadline == "send":
                at_night = (quiet.end - minute) % (24 * 60)
                assert self.notice.deadline_at is not None
                assert self.notice.deadline_at <= (self.now // MINUTE + at_night) * MINUTE
            else:
                assert not inside
        line = (Step.LINE_NOTIFICATION, Step.LINE_PUSH)
        assert not (wanted in line and self.facts.channel_paused)
        place = [s.step for s in self.notice.policy.steps].index(wanted)
        assert all(r.place <= place for r in self.book), "went back to an earlier step"
        proving = {r.carrier for r in self.facts.sms if r.gives_proof}
        receipts = wanted is Step.LINE_NOTIFICATION or (wanted is Step.SMS and attempt.carrier in proving)
        self.book.append(Request(attempt.id, wanted, place, self.now, receipts, attempt.carrier))

    def has_just_ended(self) -> None:
        notice, book = self.notice, self.book
        assert notice.ended_at == self.now
        if notice.state is State.DELIVERED:
            assert any(r.proven for r in book)
            return
        assert not any(r.proven for r in book)
        assert not any(r.out for r in book)
        assert not any(r.can_still_arrive(self.now) for r in book), "ended with an attempt open"
        handed = any(r.answer is Outcome.ACCEPTED and not r.receipts and not r.lost for r in book)
        over = notice.deadline_at is not None and notice.deadline_at <= self.now
        done = {r.place for r in book} | {
            [s.step for s in notice.policy.steps].index(Step(name)) for name, _ in notice.skips
        }
        no_step_left = handed or self.cancelled or over or done == set(range(len(notice.policy.steps)))
        assert no_step_left
        expected = (
            State.HANDED_OVER
            if handed
            else State.CANCELLED
            if self.cancelled
            else State.REFUSED
            if not book and not over
            else State.NOT_DELIVERED
        )
        assert notice.state is expected

    # --- what happens -----------------------------------------------------------------------------------

    def open_state(self) -> bool:
        return self.notice.state not in ENDS

    @rule(by=st.sampled_from([SECOND, MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, 26 * HOUR]))
    def time_passes(self, by: int) -> None:
        self.now += by

    @precondition(lambda self: self.notice.due_at is not None)
    @rule(answer=answers | taken)
    def its_time_comes_and_the_carrier_answers(self, answer: Answer) -> None:
        if self.notice.state is not State.SENDING:
            self.its_time_comes()
        if any(r.out for r in self.book):
            self.carrier_answers(answer)

    @precondition(lambda self: self.notice.due_at is not None)
    @rule()
    def its_time_comes(self) -> None:
        assert self.notice.due_at is not None
        self.now = max(self.now, self.notice.due_at)
        self.engine_looks()

    @precondition(lambda self: self.notice.state is not State.SENDING)
    @rule()
    def engine_looks(self) -> None:
        if self.notice.state is State.SENDING:
            self.process_dies()
        else:
            for request in self.book:
                request.lost |= request.out and self.now >= request.at + HOUR
            self.happens(Due(self.facts, f"A{len(self.book) + 1}"))

    @precondition(lambda self: any(r.out for r in self.book))
    @rule(answer=answers)
    def carrier_answers(self, answer: Answer) -> None:
        request = next(r for r in self.book if r.out)
        request.answer = answer.outcome
        request.said_no = answer.outcome is Outcome.FAILED and answer.status is not None
        self.happens(Answered(request.id, answer))

    @precondition(lambda self: self.book)
    @rule(which=st.integers(0, 20), answer=answers)
    def answer_comes_late_or_twice(self, which: int, answer: Answer) -> None:
        request = self.book[which % len(self.book)]
        if not request.out:
            self.happens(Answered(request.id, answer))

    @precondition(lambda self: any(r.receipts for r in self.book))
    @rule(which=st.integers(0, 20), really=st.booleans())
    def proof_comes(self, which: int, really: bool) -> None:
        if not really:
            return
        of = [r for r in self.book if r.receipts]
        request = of[which % len(of)]
        if not request.proven:
            request.late = any(r.place > request.place for r in self.book)
        request.proven = True
        self.happens(Proof(request.id, self.now))

    @precondition(lambda self: any(r.receipts for r in self.book))
    @rule(which=st.integers(0, 20))
    def carrier_gives_up(self, which: int) -> None:
        of = [r for r in self.book if r.receipts]
        request = of[which % len(of)]
        attempt = next(a for a in self.notice.attempts if a.id == request.id)
        # Its last word counts only while there was none before.
        request.disproven |= request.out or (not request.proven and attempt.open)
        self.happens(NoProof(request.id, self.now))

    @precondition(lambda self: self.book)
    @rule(really=st.sampled_from([False, False, False, True]))
    def business_cancels(self, really: bool) -> None:
        if not really:
            return
        self.cancelled |= self.open_state()
        self.happens(Cancel())

    @precondition(lambda self: self.notice.state is State.SENDING)
    @rule()
    def process_dies(self) -> None:
        for request in self.book:
            request.lost |= request.out
        self.happens(Lapsed())

    @rule(paused=st.sampled_from([False, False, True]))
    def channel_is_paused_or_released(self, paused: bool) -> None:
        self.facts = msgspec.structs.replace(self.facts, channel_paused=paused)
        if not paused and self.notice.state in (State.QUEUED, State.WAITING):
            self.notice = msgspec.structs.replace(self.notice, due_at=self.now)
            self.looked_at = None

    # --- what always holds ------------------------------------------------------------------------------

    @invariant()
    def the_state_is_what_the_attempts_say(self) -> None:
        if self.notice.state in ENDS:
            return
        if any(r.out for r in self.book):
            expected = State.SENDING
        elif any(a.open for a in self.notice.attempts):
            expected = State.WAITING
        else:
            expected = State.QUEUED
        assert self.notice.state is expected
        assert (self.notice.ended_at, self.notice.reason) == (None, None)

    @invariant()
    def open_is_what_can_still_arrive(self) -> None:
        open_ids = {a.id for a in self.notice.attempts if a.open}
        assert {r.id for r in self.book if r.can_still_arrive(self.now)} <= open_ids
        # One whose time is over is closed when the engine next looks.
        assert open_ids <= {r.id for r in self.book if r.out or r.can_still_arrive(r.at)}
        if self.looked_at == self.now:
            assert open_ids == {r.id for r in self.book if r.out or r.can_still_arrive(self.now)}

    @invariant()
    def an_open_notice_knows_when_it_is_due_unless_its_channel_holds_it(self) -> None:
        notice = self.notice
        if notice.due_at is None and notice.state not in ENDS:
            assert notice.state is State.QUEUED
            assert self.facts.channel_paused or self.looked_at is None
            assert notice.deadline_at is None

    @invariant()
    def once_looked_at_it_is_due_later_and_not_now(self) -> None:
        if self.looked_at is not None and self.notice.due_at is not None:
            assert self.notice.due_at > self.looked_at

    @invariant()
    def late_and_doubled_are_as_the_book_has_it(self) -> None:
        for attempt, request in zip(self.notice.attempts, self.book, strict=True):
            assert attempt.id == request.id
            if request.proven:
                assert attempt.outcome is (Outcome.LATE if request.late else Outcome.DELIVERED)
                later = [r for r in self.book if r.place > request.place]
                assert attempt.late_duplicate is (request.late and any(not r.surely_not_taken for r in later))
            else:
                assert not attempt.late_duplicate

    def teardown(self) -> None:
        """Nothing more comes from outside: following its due times, the notice comes to its end and to rest."""
        if not hasattr(self, "notice"):
            return
        self.facts = msgspec.structs.replace(self.facts, channel_paused=False)
        if self.notice.state in (State.QUEUED, State.WAITING):
            self.notice = msgspec.structs.replace(self.notice, due_at=self.now)
        # A quarter of an hour between retries, ten sooner, and a few looks beside.
        each = 2 * len(self.facts.sms)
        most = sum(each * (s.wait or 0) // (15 * MINUTE) + 40 * each for s in self.notice.policy.steps)
        for _ in range(most):
            if self.notice.due_at is None:
                break
            self.its_time_comes()
            if any(r.out for r in self.book):
                self.carrier_answers(Answer(outcome=Outcome.THROTTLED, status=429))
        assert self.notice.state in ENDS
        assert self.notice.due_at is None
        assert not any(a.open or a.outcome is None for a in self.notice.attempts)


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=300, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)


def waiting_for_both() -> Notice:
    """LINE's message and the SMS behind it are both accepted, both open, and a third step is left."""
    steps = tuple(
        PolicyStep(s, w)
        for s, w in ((Step.LINE_NOTIFICATION, HOUR), (Step.SMS, 72 * HOUR), (Step.CALLBACK, HOUR))
    )
    notice = Notice(id="N", policy=Policy(steps), created_at=START, due_at=START)
    facts = Facts(country="TW", sms=(SmsRoute("carrier"),))
    for i, at in enumerate((START, START + HOUR), 1):
        notice, attempt = step(notice, Due(facts, f"A{i}"), at)
        assert attempt is not None
        notice, _ = step(notice, Answered(attempt.id, Answer(outcome=Outcome.ACCEPTED, status=200)), at)
    return notice


truths = st.fixed_dictionaries(
    {"A1": st.sampled_from([None, Proof, NoProof]), "A2": st.sampled_from([None, Proof, NoProof])}
)


@given(truth=truths, data=st.data())
@settings(max_examples=150, deadline=None)
def test_proofs_in_any_order_and_number_come_to_the_same(truth: dict[str, Any], data: st.DataObject) -> None:
    once = [kind(tag, START + 2 * HOUR) for tag, kind in truth.items() if kind is not None]
    several = [e for e in once for _ in range(data.draw(st.integers(1, 3)))]

    def after(events: list[Event]) -> Notice:
        notice = waiting_for_both()
        for event in events:
            notice, _ = step(notice, event, START + 2 * HOUR)
        return notice

    shuffled = after(data.draw(st.permutations(several)))
    same = ("state", "reason", "ended_at", "due_at", "attempts")
    assert [getattr(shuffled, f) for f in same] == [getattr(after(once), f) for f in same]
    proven = Proof in truth.values()
    open_left = None in truth.values()
    assert shuffled.state is (State.DELIVERED if proven else State.WAITING if open_left else State.QUEUED)
