"""Judges a run of the model test: what `States`, `Outcomes` and routing promise, held against what was truly seen.

No line of it looks at how the gateway decides. It knows what each party outside was asked and answered, when proof
reached the gateway, and what the API said. `judge` answers every broken promise in words; an empty list is a good run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from system.model_book import NOT_TAKEN, WINDOW, Book, Try, ms
from system.model_course import Course
from system.model_program import HOUR, length
from system.model_trace import ENDS, Trace


class Judged(Course):
    """One notice, and what is wrong with it."""

    def wrong(self) -> Iterator[str]:
        """Every broken promise."""
        if self.state not in ENDS or self.ended_at is None:
            yield f"never ended: {self.state}"
            return
        yield from self._end(self.ended_at)
        yield from self._outcomes()
        yield from self._once()
        yield from self.course()

    # The end

    def _end(self, ended: int) -> Iterator[str]:
        proof = min((t.told_at for t in self.tries if t.told_at is not None and t.good), default=None)
        if self.state == "delivered":
            if proof != ended:
                yield f"delivered at {self.shown['ended_at']}, and the first proof came at {proof}, not {ended}"
            return
        if proof is not None and proof < ended:
            yield f"{self.state}, though proof came before"
        closed = max((t.closes_at for t in self.tries), default=0)
        if ended < closed:
            yield f"{self.state} {(closed - ended) / HOUR:.2f} hours before its last attempt closed"
        expected = self._expected_end(ended)
        if self.state != expected:
            yield f"ended as {self.state} ({self.shown['reason']}), and by its attempts it is {expected}"
        elif self.state != "refused":
            yield from self._in_time(ended, closed)

    def _expected_end(self, ended: int) -> str:
        if any(t.taken_for_good for t in self.tries):
            return "handed_over"
        if self.sent.cancelled_at is not None and self.sent.cancelled_at <= ended:
            return "cancelled"
        if not self.tries and not (self.stopped_at is not None and self.stopped_at <= ended):
            return "refused"
        return "not_delivered"

    def _in_time(self, ended: int, closed: int) -> Iterator[str]:
        """The end is reached when the last attempt closes; where a step was left, when that was given up."""
        if self.stopped_at is not None and self.stopped_at <= ended:
            handed = any(t.taken_for_good for t in self.tries)
            last = self.book.noticed(max(closed, 0 if handed else self.stopped_at))
            if ended != last and ended not in self.moments():
                yield f"ended {(ended - last) / HOUR:.2f} hours after it was stopped and all was closed"
            return
        last_try = self.tries[-1]
        exhausted = last_try.position == len(self.steps) - 1 and last_try.said not in ("throttled", "failed")
        final = last_try.taken_for_good or (exhausted and last_try.said not in ("denied",))
        if final and last_try.step in ("line_push", "callback") and last_try.said == "unknown":
            final = False
        if ended != closed and (final or ended not in self.moments()):
            yield f"ended {(ended - closed) / HOUR:.2f} hours after its last attempt closed"

    # What the attempts say

    def _outcomes(self) -> Iterator[str]:
        for attempt in self.tries:
            yield from self._told(attempt)
            if attempt.shown["open"]:
                yield f"{attempt}: still open"
            if len(attempt.asked) > 1:
                yield f"{attempt}: {len(attempt.asked)} requests"
            if not attempt.asked and not self._never_left(attempt):
                yield f"{attempt}: nobody was asked"

    def _never_left(self, attempt: Try) -> bool:
        detail = attempt.shown.get("detail", "")
        return attempt.outcome in ("failed", "throttled") and (
            "not connect" in detail or "not sent" in detail
        )

    def _told(self, attempt: Try) -> Iterator[str]:
        proven = attempt.told_at is not None and attempt.good
        expected = attempt.said
        if proven:
            later = [t for t in self.tries if t.position > attempt.position]
            late = {t.at < (attempt.told_at or 0) for t in later if t.at != attempt.told_at}
            expected = "late" if True in late else "delivered"
            if attempt.outcome == "late" and later and not late:
                expected = "late"  # Both at the same moment.
            if attempt.outcome == "late":
                doubled = any(not t.surely_failed for t in later)
                if attempt.shown["late_duplicate"] is not doubled:
                    yield f"{attempt}: late_duplicate is {attempt.shown['late_duplicate']}"
        elif attempt.told_at is not None and attempt.told_at <= attempt.at + WINDOW["sms"]:
            expected = "failed"
        elif expected == "accepted" and attempt.provable:
            expected = "silent"
        if not attempt.asked and attempt.outcome in ("failed", "throttled"):
            expected = attempt.outcome
        if attempt.outcome != expected:
            yield f"{attempt}: by what was seen it is {expected}"
        if (attempt.proof_at is not None) is not proven:
            yield f"{attempt}: proof_at is {attempt.proof_at}"

    # Never twice

    def _once(self) -> Iterator[str]:
        for step in ("line_notification", "sms"):
            tries = [t for t in self.tries if t.step == step]
            for before, after in pairwise(tries):
                if before.said not in NOT_TAKEN or before.said == "unreachable":
                    yield f"{after}: asked again after {before}"
        rows = [self.book.rows[t.tag] for t in self.tries if t.tag in self.book.rows]
        if (shown := sum(r["status"] == 200 for r in rows)) > 1:
            yield f"LINE took {shown} notifications"
        if (taken := sum(t.tag in self.book.texts for t in self.tries)) > 1:
            yield f"{taken} SMS were taken"
        pushes = self.book.pushed.get(self.sent.marker, [])
        if len(pushes) != sum(t.step == "line_push" for t in self.tries):
            yield f"{len(pushes)} requests to push, and other attempts"
        if sum(r["status"] == 200 for r in pushes) > 1:
            yield "two pushes were new to LINE"
        called = self.book.called.get(self.sent.id, [])
        if len({c.name for c in called}) > 1 or sum(c.answer == 202 for c in called) > 1:
            yield f"the callback came as {called}"
        kinds = Counter(
            m["kind"]
            for screen in self.trace.screens
            for chat in screen["chats"]
            for m in chat["messages"]
            if self.sent.marker in str(m)
        )
        if max(kinds.values(), default=0) > 1:
            yield f"the user's screen shows {dict(kinds)}"


def judge(trace: Trace) -> list[str]:
    """Everything that is wrong with a run, each with the notice it is about."""
    book = Book(trace)
    judged = [Judged(trace, book, sent) for sent in trace.sent]
    found = [f"{j.sent.marker} {x}" for j in judged for x in j.wrong()]
    found += _ledgers(trace, book, judged)
    found += _along_the_way(trace, book, judged)
    found += _frequency(judged)
    found += _funnel(trace)
    found += [f"logged: {line}" for line in trace.logged]
    return found


def unknown_ones(trace: Trace) -> dict[str, str]:
    """The attempts whose answer never came, by delivery tag: whether the other side has them."""
    book = Book(trace)
    found = {}
    for sent in trace.sent:
        book.about(sent)
        for shown in trace.notices[sent.id]["attempts"]:
            attempt = Try(trace, book, 0, shown)
            if attempt.said == "unknown" and attempt.step in WINDOW:
                taken = attempt.tag in book.rows or attempt.tag in book.texts
                found[attempt.tag] = f"{attempt.step}, {'taken' if taken else 'never taken'}"
    return found


def _ledgers(trace: Trace, book: Book, judged: list[Judged]) -> Iterator[str]:
    """Every row has its attempt and every attempt its row; where the outcome was unknown there may be none."""
    tries = {t.tag: t for j in judged for t in j.tries}
    for tag in {*book.rows, *book.notified, *book.texted, *book.texts} - set(tries):
        yield f"the other side has {tag}, and no attempt of ours"
    if len(tries) != sum(len(j.tries) for j in judged):
        yield "two attempts have the same delivery tag"
    for tag, attempt in tries.items():
        row = book.rows.get(tag) if attempt.step == "line_notification" else book.texts.get(tag)
        if attempt.step not in WINDOW or attempt.said == "unknown":
            continue
        wanted = attempt.said == "accepted" or (attempt.said == "unreachable" and attempt.step != "sms")
        if (row is not None) is not wanted:
            yield f"{attempt}: in the ledger it is {row}"
        elif row is not None and attempt.proof_at is not None:
            seen = row["at"] if attempt.step == "sms" else row["seen_at"]
            if seen is None or ms(seen) != attempt.proof_at:
                yield f"{attempt}: proof at {attempt.proof_at}, and it was seen at {seen}"


def _along_the_way(trace: Trace, book: Book, judged: list[Judged]) -> Iterator[str]:
    """What the API said during the run agrees with the end: open means open, an end stays."""
    by_id = {j.sent.id: j for j in judged}
    for at, notices in trace.seen:
        for notice_id, shown in notices.items():
            final = by_id[notice_id]
            if shown["state"] in ENDS:
                if (shown["state"], shown["ended_at"]) != (final.state, final.shown["ended_at"]):
                    yield f"{final.sent.marker} was {shown['state']} and became {final.state}"
            elif final.ended_at is not None and final.ended_at < at:
                yield f"{final.sent.marker} was {shown['state']} at {at}, after its end"
            tries = {t.tag: t for t in final.tries}
            for attempt in shown["attempts"]:
                known = tries[attempt["delivery_tag"]]
                if known.closes_at != at and attempt["open"] is not (at < known.closes_at) and known.provable:
                    yield f"{final.sent.marker} {known}: open is {attempt['open']} at {at}"


def _frequency(judged: list[Judged]) -> Iterator[str]:
    """A recipient gets at most so many within the time; who is refused for it had as many."""
    begun: dict[str, list[tuple[int, str]]] = {}
    for j in judged:
        if j.tries:
            begun.setdefault(j.sent.phone, []).append((j.tries[0].at, j.tries[0].tag))
    for times in begun.values():
        times.sort()
    for j in judged:
        for rule in j.policy.get("frequency", []):
            others = begun.get(j.sent.phone, [])
            first = (j.tries[0].at, j.tries[0].tag) if j.tries else (j.ended_at or 0, "~")
            before = others[: bisect_right(others, first) - bool(j.tries)]
            # A notice that began exactly so long ago may count or not.
            surely = sum(at > first[0] - length(rule["per"]) for at, _ in before)
            perhaps = sum(at >= first[0] - length(rule["per"]) for at, _ in before)
            if j.tries and surely >= rule["at_most"]:
                yield f"{j.sent.marker} began though {surely} had begun, and {rule} allows no more"
            if j.shown["reason"] == "frequency" and perhaps < rule["at_most"]:
                yield f"{j.sent.marker} was refused for {rule}, and only {perhaps} had begun"


def _funnel(trace: Trace) -> Iterator[str]:
    """The report adds up to the notices."""
    notices, funnel = trace.notices.values(), trace.funnel
    states = Counter(n["state"] for n in notices)
    steps = Counter((a["step"], a["outcome"]) for n in notices for a in n["attempts"])
    late = sum(bool(a.get("late_duplicate")) for n in notices for a in n["attempts"])
    told = {(step, o): c for step, outcomes in funnel["steps"].items() for o, c in outcomes.items() if c}
    if funnel["asked"] != len(notices) or {s: c for s, c in funnel["states"].items() if c} != dict(states):
        yield f"the funnel says {funnel['asked']}, {funnel['states']}; the notices are {dict(states)}"
    if told != dict(steps):
        yield f"the funnel says {told}; the attempts are {dict(steps)}"
    if funnel["late_duplicates"] != late:
        yield f"the funnel says {funnel['late_duplicates']} late duplicates; there are {late}"
