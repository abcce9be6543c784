"""A run as the report's page needs it: words and rows, nothing left to decide."""

import base64
import json
from typing import Any

import line_catalogue
from todoke.cli.acceptance.checks import attempts_worded, worded
from todoke.cli.acceptance.evidence import Evidence, Sent
from todoke.cli.acceptance.play import local
from todoke.cli.acceptance.results import Result, Run
from todoke.cli.acceptance.texts import Texts

_LINE = 118
_AFTER = {"proof", "late_proof", "silent", "ended"}
"""What the gateway says of what others did before."""
_ENDINGS = {"queued", "sent", "answered", "proof", "late_proof", "silent", "ended"}


def view(run: Run, texts: Texts, *, films: bool) -> dict[str, Any]:
    """What `report.html` is filled with. `films`: whether they go in; else their stills stand for them."""
    seen_bodies: dict[str, tuple[str, str]] = {}
    return {
        "language": run.language,
        "passed": run.passed,
        "title": run.subject.use_case.names[run.language],
        "facts": _facts(run, texts),
        "verdict": _verdict(run, texts),
        "summary": [_summary(result, texts) for result in run.results],
        "left_out": [
            (s.number, texts.scenario(s.key, "title"), texts.word(f"left_out.{why}"))
            for s, why in run.left_out
        ],
        "scenarios": [_scenario(r, run, texts, seen_bodies, films=films) for r in run.results],
    }


def _verdict(run: Run, texts: Texts) -> str:
    count = len(run.results)
    if run.passed:
        return texts.word("all_passed", count=str(count))
    return texts.word("some_failed", count=str(count), wrong=str(count - run.count_passed))


def _facts(run: Run, texts: Texts) -> list[tuple[str, str]]:
    subject, case = run.subject, run.subject.use_case
    zone = subject.time_zone
    listed = (
        texts.word("listed", number=str(case.listed)) if case.listed is not None else texts.word("not_listed")
    )
    kind = "line_template" if "line_template" in subject.template else "flexible"
    written = texts.word(f"language.{subject.written_in}") if subject.written_in else ""
    if subject.written_in != run.language:
        written = f"{written}. {texts.word('language_missing', language=written)}"
    country = line_catalogue.countries()[case.region].names[run.language]
    return [
        (texts.word("use_case"), f"{case.names[run.language]} ({case.key}; {listed})"),
        (texts.word("country"), country),
        (texts.word("account"), subject.account),
        (texts.word("channel"), run.line_channel_id),
        (texts.word("template"), subject.name),
        (texts.word("kind"), texts.word(f"kind.{kind}")),
        (texts.word("written_in"), written),
        (texts.word("played_on"), run.played_on),
        (
            texts.word("virtual_from"),
            texts.word("virtual_span", begin=local(run.begin, zone), end=local(run.end, zone), zone=zone),
        ),
        (texts.word("versions"), ", ".join(f"{name} {version}" for name, version in run.versions.items())),
    ]


def _summary(result: Result, texts: Texts) -> dict[str, Any]:
    found = result.evidence
    saw = "–"
    state = "–"
    if found is not None:
        state = texts.word(f"state.{found.notice['state']}")
        saw = " / ".join(_saw(result, texts)) or texts.word("never")
    return {
        "number": result.scenario.number,
        "key": result.scenario.key,
        "group": texts.group(result.scenario.group),
        "title": texts.scenario(result.scenario.key, "title"),
        "state": state,
        "saw": saw,
        "passed": result.passed,
    }


def _saw(result: Result, texts: Texts) -> list[str]:
    counts = {c.what: c.found for c in result.checks if c.side == "phone"}
    names = (("shown", "check.shown"), ("pushed", "check.pushed"), ("sms", "check.sms"))
    return [texts.word(key) for what, key in names if counts.get(what)]


def _scenario(
    result: Result, run: Run, texts: Texts, bodies: dict[str, tuple[str, str]], *, films: bool
) -> dict[str, Any]:
    zone = run.subject.time_zone
    scenario, found = result.scenario, result.evidence
    shown: dict[str, Any] = {
        "number": scenario.number,
        "key": scenario.key,
        "group": texts.group(scenario.group),
        "title": texts.scenario(scenario.key, "title"),
        "what": texts.scenario(scenario.key, "what"),
        "expected": texts.scenario(scenario.key, "expected"),
        "passed": result.passed,
        "error": result.error,
        "notes": [],
        "film": data_uri("video/mp4", result.film) if films and result.film else None,
        "pictures": [
            {"src": data_uri("image/jpeg", b.picture), "caption": b.caption, "at": local(b.at, zone)}
            for b in result.beats
        ],
        "checks": [
            {
                "side": texts.word(f"side.{c.side}"),
                "what": texts.word(f"check.{c.what}"),
                "expected": _moment(c.what, worded(c.what, c.expected, texts), zone),
                "found": _moment(c.what, worded(c.what, c.found, texts), zone),
                "holds": c.holds,
            }
            for c in result.checks
        ],
    }
    if found is None:
        return shown | {"sent": [], "sms": [], "posted": [], "when": []}
    return shown | {
        "sent": [_sent(s, result, texts, bodies, zone) for s in found.sent],
        "sms": [
            {
                "text": s["text"],
                "at": local(s["at"], zone),
                "status": texts.word(f"outcome.{'delivered' if s['status'] == 'delivered' else 'failed'}"),
            }
            for s in found.sms
        ],
        "posted": [
            {
                "at": local(p.at, zone),
                "body": _pretty(p.body),
                "signature": texts.word("signature_ok" if p.signed else "signature_bad"),
                "signed": p.signed,
                "answered": texts.word("answered_with", status=str(p.answered or "–")),
            }
            for p in found.posted
        ],
        "when": _when(result, found, texts, zone),
        "outcome": attempts_worded(
            [[a["step"], a["outcome"] or "none"] for a in found.notice["attempts"]], texts
        ),
    }


def _moment(what: str, text: str, zone: str) -> str:
    if what != "proof" or not text or text == "None":
        return text
    return ", ".join(local(at, zone) if at[:1].isdigit() else "–" for at in text.split(", "))


def _sent(
    sent: Sent, result: Result, texts: Texts, bodies: dict[str, tuple[str, str]], zone: str
) -> dict[str, Any]:
    body = _pretty(sent.body) if sent.body is not None else _headless(sent.raw)
    here = (result.scenario.number, sent.request_id)
    before = bodies.setdefault(body, here)
    same = None if before == here else texts.word("same_as", number=before[0])
    to = "recipient_user" if sent.step == "line_push" else "recipient_hash"
    return {
        "step": texts.word(f"step.{sent.step}"),
        "at": local(sent.at, zone),
        "line": f"POST {sent.path}",
        "to": texts.word(to, number=result.number),
        "tag": sent.tag,
        "request_id": sent.request_id,
        "status": sent.status,
        "answer": sent.answer or "–",
        "same": same,
        "body": body,
        "cut": texts.word("cut", size=str(sent.size)) if sent.body is None else None,
    }


def _headless(raw: str) -> str:
    """The beginning of a body that the log cut off, without whom it names: `to` comes first."""
    start, quote, rest = raw.partition('"to":')
    return start + rest.partition(",")[2] if quote else raw


def _pretty(value: Any, indent: int = 0) -> str:
    """JSON as one reads it: what fits on a line stays on it."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= _LINE or not isinstance(value, dict | list) or not value:
        return flat
    space = "  " * (indent // 2 + 1)
    if isinstance(value, dict):
        inner = [
            f"{space}{json.dumps(k, ensure_ascii=False)}: {_pretty(v, indent + 2)}" for k, v in value.items()
        ]
        return "{\n" + ",\n".join(inner) + "\n" + "  " * (indent // 2) + "}"
    inner = [space + _pretty(v, indent + 2) for v in value]
    return "[\n" + ",\n".join(inner) + "\n" + "  " * (indent // 2) + "]"


def _when(result: Result, found: Evidence, texts: Texts, zone: str) -> list[dict[str, str]]:
    """What all three did, in its order. Of one second: what the gateway sent, the user's act, LINE's, and what the
    gateway made of it.
    """
    others = [(at, 0, "user", texts.word(f"did.{what}")) for at, what in result.acts]
    others += [
        (row["seen_at"], 1, "line", texts.word("event.seen")) for row in found.ledger if row["seen_at"]
    ]
    others += [(p.at, 2, "line", texts.word("event.posted")) for p in found.posted]
    others.sort(key=lambda row: (row[0][:19], row[1]))
    rows: list[tuple[str, str, str]] = []
    for event in found.notice["timeline"]:
        until = event["at"][:19]
        while others and (
            others[0][0][:19] < until or (others[0][0][:19] == until and event["event"] in _AFTER)
        ):
            at, _, who, what = others.pop(0)
            rows.append((at, who, what))
        rows.append((event["at"], "gateway", event_words(event, texts)))
    rows += [(at, who, what) for at, _, who, what in others]
    return [{"at": local(at, zone), "who": texts.word(f"who.{who}"), "what": what} for at, who, what in rows]


def event_words(event: dict[str, Any], texts: Texts) -> str:
    """A line of a notice's timeline in words."""
    kind = event["event"] if event["event"] in _ENDINGS else "other"
    values = {"event": str(event["event"])}
    if "step" in event:
        values["step"] = texts.word(f"step.{event['step']}")
    if "outcome" in event:
        values["outcome"] = texts.word(f"outcome.{event['outcome']}")
    if "state" in event:
        values["state"] = texts.word(f"state.{event['state']}")
    return texts.word(f"event.{kind}", **values)


def data_uri(kind: str, content: bytes) -> str:
    """Content as an address that needs no network."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
