"""What the other side of the model test wrote down, and each attempt of the gateway held against it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from system.model_outside import Asked
from system.model_program import HOUR, MINUTE
from system.model_trace import Sent, Trace

NOTIFIED, PUSHED = "/bot/pnp/push", "/v2/bot/message/push"
WINDOW = {"line_notification": 24 * HOUR + 10 * MINUTE, "sms": 72 * HOUR}
"""How long proof may still come."""
NOT_TAKEN = frozenset({"unreachable", "invalid", "denied", "throttled", "failed"})


def ms(text: str) -> int:
    """A time of JSON."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def answer_means(step: str, status: int | None) -> str:
    """The outcome that `interfaces.md` gives an answer. None: the connection broke."""
    if status is None or status >= 500 or status == 0:
        return "unknown"
    if status < 300 or (status == 409 and step == "line_push"):
        return "accepted"
    if status == 429:
        return "throttled"
    if step in ("sms", "callback"):
        return "failed"
    return {401: "denied", 403: "denied", 422: "unreachable"}.get(status, "invalid")


class Try:
    """One attempt, with what the other side knows of it. `said`: the outcome of the answer alone, before any proof.

    `told_at`: when proof, or a carrier's last no, reached the gateway. `closes_at`: when it stops being open.
    """

    def __init__(self, trace: Trace, book: Book, position: int, shown: dict[str, Any]) -> None:
        self.tag: str = shown["delivery_tag"]
        self.step: str = shown["step"]
        self.position = position
        self.shown = shown
        self.outcome: str = shown["outcome"]
        self.at = ms(shown["at"])
        self.carrier: str | None = shown.get("carrier")
        self.asked = book.asked_of(self)
        self.status: int | None = self.asked[0] if self.asked else None
        self.said = answer_means(self.step, self.status) if self.asked else "failed"
        self.provable = self.step == "line_notification" or self.carrier == "alpha"
        word = book.word_of.get(self.tag)
        self.told_at, self.good = word if word is not None and self.provable else (None, False)
        self.proof_at = ms(shown["proof_at"]) if "proof_at" in shown else None
        self.closes_at = book.noticed(self._closes())

    def _closes(self) -> int:
        if not self.provable or self.said in NOT_TAKEN:
            return self.at
        last = self.at + WINDOW[self.step]
        return last if self.told_at is None else min(self.told_at, last)

    @property
    def taken_for_good(self) -> bool:
        """Whether this hands the notice over: taken, and nobody will prove it."""
        return self.said == "accepted" and not self.provable

    @property
    def surely_failed(self) -> bool:
        """Whether nobody will ever see it, by the carrier's own word."""
        return self.said in NOT_TAKEN or (self.told_at is not None and not self.good)

    def __repr__(self) -> str:
        return f"{self.step}({self.carrier or ''}) at {self.shown['at']} {self.outcome}, said {self.said}"


class Book:
    """What the other side wrote down, by name."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.rows = {r["delivery_tag"]: r for r in trace.ledger if r["path"] == NOTIFIED}
        self.notified: dict[str, list[dict[str, Any]]] = {}
        self.pushed: dict[str, list[dict[str, Any]]] = {}
        for request in trace.requests:
            if request["path"] == NOTIFIED:
                self.notified.setdefault(request["delivery_tag"], []).append(request)
            elif request["path"] == PUSHED:
                marker = next(s.marker for s in trace.sent if s.marker in request["body"])
                self.pushed.setdefault(marker, []).append(request)
        self.texted: dict[str, list[Asked]] = {}
        self.called: dict[str, list[Asked]] = {}
        for asked in trace.outside.asked:
            book = self.called if asked.party == "shop" else self.texted
            book.setdefault(asked.name.rpartition("-")[0] or asked.name, []).append(asked)
        self.texts = {t["reference"]: t for t in trace.texts}
        self.word_of: dict[str, tuple[int, bool]] = {}
        for word in trace.outside.arrived:
            self.word_of.setdefault(word.name, (word.at, word.good))
        self.truth = trace.truth

    def asked_of(self, attempt: Try) -> list[int | None]:
        """What the party answered to the requests of this attempt; a push or a callback is found by its time."""
        tag = attempt.tag
        if attempt.step == "line_notification":
            return [r["status"] for r in self.notified.get(tag, [])]
        if attempt.step == "sms":
            return [a.answer for a in self.texted.get(tag, []) if a.party == attempt.carrier]
        at = attempt.at
        if attempt.step == "callback":
            return [a.answer for a in self.called.get(self._notice, []) if a.at == at]
        return [r["status"] for r in self.pushed.get(self._marker, []) if ms(r["at"]) == at]

    def about(self, sent: Sent) -> None:
        """Which notice is looked at now."""
        self._notice, self._marker = sent.id, sent.marker

    def noticed(self, at: int) -> int:
        """When the gateway could first notice what happened by itself at that time: it may have been down."""
        return next((until for since, until in self.trace.down if since < at < until), at)
