"""A scenario's expectation held against all three sides. Any check that does not hold fails the run."""

from typing import Any, NamedTuple

from todoke.cli.acceptance.evidence import Evidence
from todoke.cli.acceptance.scenarios import Expected
from todoke.cli.acceptance.texts import Texts

GATEWAY, PHONE, LINE = "gateway", "phone", "line"
_OWN_KINDS = ("system_received", "consent_request", "pin_request", "verified", "number_changed")


class Check(NamedTuple):
    """`expected` and `found` are plain values; `worded` turns them into words."""

    side: str
    what: str
    expected: Any
    found: Any

    @property
    def holds(self) -> bool:
        return bool(self.expected == self.found)


def checks(expected: Expected, found: Evidence) -> list[Check]:
    """All checks of a scenario, by side."""
    return [*_gateway(expected, found), *_phone(expected, found), *_line(expected, found)]


def _gateway(expected: Expected, found: Evidence) -> list[Check]:
    attempts = [[a["step"], a["outcome"] or "none"] for a in found.notice["attempts"]]
    late = any(a.get("late_duplicate") for a in found.notice["attempts"])
    return [
        Check(GATEWAY, "state", expected.state, found.notice["state"]),
        Check(GATEWAY, "attempts", [list(pair) for pair in expected.attempts], attempts),
        Check(GATEWAY, "late_duplicate", expected.late_duplicate, late),
    ]


def _phone(expected: Expected, found: Evidence) -> list[Check]:
    seen = shown(found.screen, found.notice["created_at"])
    notices = [m for m in seen if m["kind"] == "notification"]
    pushed = [m for m in seen if m["kind"] != "notification"]
    texts = [sms for sms in found.screen["sms"] if not sms.get("pin") and sms.get("by") != "user"]
    result = [
        Check(PHONE, "shown", expected.shown, len(notices)),
        Check(PHONE, "pushed", expected.pushed, len(pushed)),
        Check(PHONE, "sms", expected.sms, len(texts)),
    ]
    if expected.shown or expected.pushed:
        result.append(Check(PHONE, "content", True, _same(notices + pushed, found)))
    return result


def shown(screen: dict[str, Any], since: str) -> list[dict[str, Any]]:
    """What accounts said to this user since then (a greeting may have come before); not what LINE's own said."""
    return [
        message
        for chat in screen["chats"]
        if chat["from"] != "line"
        for message in chat["messages"]
        if message.get("by") != "user" and message["kind"] not in _OWN_KINDS and message["at"] >= since
    ]


def _same(seen: list[dict[str, Any]], found: Evidence) -> bool:
    """Whether every message seen is one that was sent, to the letter."""
    bodies = [s.body for s in found.sent if s.body is not None]
    cut = any(s.body is None for s in found.sent)
    for message in seen:
        if "template_key" in message:
            fits = any(
                b.get("templateKey") == message["template_key"] and (b.get("body") or {}) == message["body"]
                for b in bodies
            )
        else:
            fits = any(all(m in b.get("messages", []) for m in message["messages"]) for b in bodies)
        if not fits and not cut:
            return False
    return bool(seen)


def _line(expected: Expected, found: Evidence) -> list[Check]:
    notifications = [s for s in found.sent if s.step == "line_notification"]
    fates = [row["fate"] for row in found.ledger]
    wanted = "4xx" if expected.fate == "rejected" else "2xx"
    answers = [f"{s.status // 100}xx" if s.status else "none" for s in notifications]
    delivered = expected.fate == "delivered"
    result = [
        Check(LINE, "answer", [wanted], answers),
        Check(LINE, "fate", [expected.fate], fates),
        Check(LINE, "event", delivered, any(p.answered == 200 for p in found.posted)),
    ]
    if delivered:
        seen = {row["seen_at"] for row in found.ledger}
        proofs = {a.get("proof_at") for a in found.notice["attempts"] if a["step"] == "line_notification"}
        result.append(Check(LINE, "proof", sorted(map(str, seen)), sorted(map(str, proofs))))
    if found.posted:
        result.append(Check(LINE, "signature", True, all(p.signed for p in found.posted)))
    return result


def worded(what: str, value: Any, texts: Texts) -> str:
    """A value of a check in words."""
    if what == "state":
        return texts.word(f"state.{value}")
    if what == "attempts":
        return attempts_worded(value, texts)
    if what == "fate":
        return ", ".join(texts.word(f"fate.{fate}") for fate in value) or texts.word("fate.none")
    if what == "answer":
        return ", ".join(value) or texts.word("fate.none")
    if what == "proof":
        return ", ".join(value)
    if what == "content":
        return texts.word("same" if value else "different")
    if what == "signature":
        return texts.word("signature_ok" if value else "signature_bad")
    if isinstance(value, bool):
        return texts.word("yes" if value else "no")
    if value == 0:
        return texts.word("sms_none" if what == "sms" else "never")
    return texts.word("once") if value == 1 else texts.word("times", n=str(value))


def attempts_worded(attempts: Any, texts: Texts) -> str:
    """Steps and their outcomes in one line."""
    parts = (
        f"{texts.word(f'step.{step}')} – {texts.word(f'outcome.{outcome}')}" for step, outcome in attempts
    )
    return " / ".join(parts) or texts.word("outcome.none")
