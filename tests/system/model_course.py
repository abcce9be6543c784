"""The way of one notice through its policy: which step may begin when, and which may be passed over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from system.model_book import NOT_TAKEN, Book, Try, ms
from system.model_program import HOUR, MINUTE, length
from system.model_trace import Sent, Trace

DAY = 24 * HOUR
ZONE = {"TW": 8 * HOUR, "TH": 7 * HOUR, "JP": 9 * HOUR}
DEFAULT: dict[str, Any] = {
    "steps": [
        {"step": "line_push", "wait": "10m"},
        {"step": "line_notification", "wait": "4h"},
        {"step": "sms", "wait": "3d"},
    ]
}
"""Of the use case `delivery`, which is wanted within a day."""
DEFAULT_WAIT = {s["step"]: s["wait"] for s in DEFAULT["steps"]} | {"callback": "4h"}
LONGEST_BACKOFF = 15 * MINUTE


class Course:
    """One notice from its policy and its people: what may have happened when. `course` names what may not."""

    def __init__(self, trace: Trace, book: Book, sent: Sent) -> None:
        book.about(sent)
        self.trace, self.book, self.sent = trace, book, sent
        self.shown = trace.notices[sent.id]
        self.policy = sent.send.policy or DEFAULT
        self.steps: list[str] = [s["step"] for s in self.policy["steps"]]
        self.waits = [length(s.get("wait") or DEFAULT_WAIT[s["step"]]) for s in self.policy["steps"]]
        self.person = trace.program.people[sent.person]
        attempts = self.shown["attempts"]
        self.tries = [Try(trace, book, self.steps.index(a["step"]), a) for a in attempts]
        self.state: str = self.shown["state"]
        self.ended_at = ms(self.shown["ended_at"]) if self.shown["ended_at"] else None
        self.deadline_at = sent.at + length(sent.send.deadline) if sent.send.deadline else None
        stops = [t for t in (self.deadline_at, sent.cancelled_at) if t is not None]
        self.stopped_at = min(stops, default=None)
        self.skipped: dict[str, str] = {s["step"]: s["why"] for s in self.shown["skipped"]}

    def course(self) -> Iterator[str]:
        """Everything that is wrong with which steps began, and when."""
        yield from self._order()
        for attempt in self.tries:
            yield from self._may_begin(attempt)
        yield from self._skips()

    def moments(self) -> set[int]:
        """When something may have changed: deeds, ends of waits and of quiet hours, answers, news from outside."""
        found = {self.sent.at, *self.trace.moments}
        for attempt in self.tries:
            again = {attempt.at + 1000 * 2**n for n in range(10)} | {attempt.at + LONGEST_BACKOFF}
            found |= {attempt.closes_at, attempt.at, attempt.at + self.waits[attempt.position], *again}
        found |= {at for at, *_ in self.trace.outside.friendships}
        if self.deadline_at is not None:
            found.add(self.deadline_at)
        for at in list(found):
            found.add(self._quiet_until(at) or at)
        return {self.book.noticed(at) for at in found}

    def _order(self) -> Iterator[str]:
        for before, after in pairwise(self.tries):
            if after.position < before.position or after.at < before.at:
                yield f"{after}: after {before}"
            if before.taken_for_good:
                yield f"{after}: {before} had handed it over"
            elif after.position == before.position:
                repeatable = after.step in ("line_push", "callback")
                if before.said == "accepted" or (before.said == "unknown" and not repeatable):
                    yield f"{after}: repeats {before}"
            elif (since := self._over_at(before)) is not None and after.at < since:
                yield f"{after}: {(since - after.at) / MINUTE:.1f} minutes too early after {before}"
        moments = self.moments()
        for attempt in self.tries:
            if attempt.at not in moments:
                yield f"{attempt}: began when nothing had happened"

    def _over_at(self, last: Try) -> int | None:
        """The earliest time at which the step after this one may begin."""
        tries = [t for t in self.tries if t.position == last.position and t.at <= last.at]
        held = [t for t in tries if not t.surely_failed]
        decisive = held[0] if held else last
        first = tries[0]
        for before, after in pairwise(tries):
            first = after if before.said == "denied" else first
        wait = self.waits[last.position]
        if decisive.surely_failed:
            # What may be tried again keeps its step until its wait is over; what may not is over at once.
            news = decisive.closes_at if decisive.said not in NOT_TAKEN else decisive.at
            return news
        if decisive.said == "unknown":
            if decisive.step in ("line_push", "callback"):
                return min(first.at + wait, last.at + wait)
            if self.policy.get("on_unknown") == "next":
                return decisive.at
        return min(decisive.closes_at, first.at + wait) if decisive.provable else first.at + wait

    def _may_begin(self, attempt: Try) -> Iterator[str]:
        if self.ended_at is not None and attempt.at > self.ended_at:
            yield f"{attempt}: after the end"
        if self.deadline_at is not None and attempt.at >= self.deadline_at:
            yield f"{attempt}: after the deadline"
        if self.sent.cancelled_at is not None and attempt.at > self.sent.cancelled_at:
            yield f"{attempt}: after it was cancelled"
        if self._held(attempt.at):
            yield f"{attempt}: within quiet hours"
        doubted = self._doubted_before(attempt.at)
        # Who is in doubt may be somebody else than who has the number now: their block says nothing of it.
        by_user = attempt.step == "line_push" or (attempt.step == "line_notification" and not doubted)
        if by_user and self._known_to_block(attempt.at):
            yield f"{attempt}: to a user known to block"
        if attempt.step == "line_push" and doubted:
            yield f"{attempt}: the binding is in doubt"
        if attempt.step == "line_push" and not (self.person.bound and self.person.registered):
            yield f"{attempt}: no user is bound"
        if attempt.step == "line_push" and not self._was_friend(attempt.at):
            yield f"{attempt}: to a user who was no friend"

    def _quiet_until(self, at: int) -> int | None:
        """The end of the quiet hours of this moment, by a clock on the recipient's wall."""
        for quiet in self.policy.get("quiet_hours", []):
            if quiet["country"] != self.person.country:
                continue
            offset = ZONE[self.person.country]
            minute = (at + offset) % DAY // MINUTE
            start, end = (int(quiet[k][:2]) * 60 + int(quiet[k][3:]) for k in ("from", "to"))
            if (minute - start) % 1440 < (end - start) % 1440:
                day = (at + offset) // DAY * DAY - offset
                until = day + end * MINUTE
                return until if until > at else until + DAY
        return None

    def _held(self, at: int) -> bool:
        until = self._quiet_until(at)
        if until is None or "delivery" in self.policy.get("quiet_exempt", []):
            return False
        passes = self.deadline_at is not None and self.deadline_at <= until
        return not (passes and self.policy.get("quiet_past_deadline", "send") == "send")

    def _known_to_block(self, at: int) -> bool:
        """Surely known: the newest of what the gateway was told before, and not since read otherwise in LINE's list."""
        user = self.trace.user_ids.get(self.sent.person)
        if user is None or not self.person.bound:
            return False
        told = [
            (when, kind)
            for got, when, who, kind in self.trace.outside.friendships
            if who == user and got < at
        ]
        if not told or max(told)[1] != "unfollow":
            return False
        since = max(told)[0]
        truth = self.trace.truth[self.sent.person]
        return not any(friend and not blocked and t >= since for t, friend, blocked in truth if t <= at)

    def _doubted_before(self, at: int) -> bool:
        """Whether a word about the number had come by then that it may have passed on: a 422, a failed SMS."""
        return any(told < at for told in self._doubts())

    def _doubts(self) -> Iterator[int]:
        for sent in self.trace.sent:
            if sent.person != self.sent.person or sent.id not in self.trace.notices:
                continue
            for attempt in self.trace.notices[sent.id]["attempts"]:
                if attempt["step"] == "line_notification" and attempt["outcome"] == "unreachable":
                    yield ms(attempt["answered_at"])
                elif attempt["step"] == "sms" and attempt["outcome"] == "failed":
                    word = self.book.word_of.get(attempt["delivery_tag"])
                    if word is not None and not word[1]:
                        yield word[0]

    def _was_friend(self, at: int) -> bool:
        truth = self.trace.truth.get(self.sent.person, [])
        return any(friend for t, friend, _ in truth if t <= at)

    def _skips(self) -> Iterator[str]:
        """A step is passed over only for a reason that holds."""
        truth = self.trace.truth.get(self.sent.person, [])
        always_friend = truth and all(friend and not blocked for _, friend, blocked in truth)
        refused_by = {t.carrier for t in self.tries if t.step == "sms" and t.said == "failed"}
        tried_steps = {t.step for t in self.tries}
        unfounded = {
            "line_push": bool(
                self.person.bound
                and always_friend
                and "line_push" not in tried_steps
                and not any(self._doubts())
            ),
            "line_notification": not any(blocked for _, _, blocked in truth),
            "sms": refused_by != {"alpha", "beta"},
            "callback": "callback" not in tried_steps,
        }
        for step, why in self.skipped.items():
            # A refusal for frequency is judged with the recipient's other notices.
            refused = self.shown["reason"] == "frequency" and step not in tried_steps
            if unfounded[step] and not refused:
                yield f"{step} passed over ({why})"
        reached = max((t.position for t in self.tries), default=-1)
        for step in self.steps[: reached + 1]:
            if step not in tried_steps and step not in self.skipped:
                yield f"{step} was left out"
