"""One notice as people read it: state, attempts, timeline, cost. Numbers are masked."""

import json
from typing import Any

from todoke.core.durations import rfc3339
from todoke.core.outcome import Outcome
from todoke.core.phone import masked
from todoke.core.routing import Step
from todoke.reports.prices import Prices, cost_of
from todoke.storage.reporting import AttemptRow, NoticeRow

_SAID = {
    Outcome.ACCEPTED: "taken by the carrier",
    Outcome.UNREACHABLE: "can't be reached over LINE (422)",
    Outcome.INVALID: "refused for its content",
    Outcome.DENIED: "the channel may not send",
    Outcome.THROTTLED: "too fast, or a quota is used up (429)",
    Outcome.FAILED: "surely not taken",
    Outcome.UNKNOWN: "outcome unknown: it may have been taken, so it is not sent again",
}
# LINE tells nobody which of them it was (Messaging API, "LINE notification messages").
_SILENT = dict.fromkeys(Step, "no final receipt came in the time in which it could") | {
    Step.LINE_NOTIFICATION: "no delivery event came in 24 hours and 10 minutes: the user blocks the account, did not "
    "agree to notifications, did not verify the number or changed it; or the event did not reach this gateway"
}


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


def notice_view(row: NoticeRow, attempts: list[AttemptRow], prices: Prices) -> dict[str, Any]:
    """The notice as the API answers it."""
    return {
        "id": row.id,
        "state": row.state,
        "reason": row.reason,
        "reference": row.reference,
        "to": masked(row.number),
        "country": row.country,
        "channel": row.channel_id,
        "template": row.template_name,
        "template_version": row.template_version,
        "language": row.language,
        "policy": _policy(row),
        "batch": row.batch_id,
        "source": _source(row),
        "created_at": rfc3339(row.created_at),
        "deadline_at": _at(row.deadline_at),
        "event_at": _at(row.event_at),
        "ended_at": _at(row.ended_at),
        **({} if row.erased_at is None else {"erased_at": rfc3339(row.erased_at)}),
        "attempts": [_attempt(a) for a in attempts],
        "skipped": [{"step": s, "why": w} for s, w in json.loads(row.skips or "[]")],
        "timeline": timeline(row, attempts),
        "cost": [c for a in attempts if (c := cost_of(a, row.country, prices)) is not None],
    }


def _policy(row: NoticeRow) -> dict[str, Any]:
    named = {} if row.policy_name is None else {"name": row.policy_name, "version": row.policy_version}
    return {**named, "why": row.policy_why}


def _source(row: NoticeRow) -> dict[str, Any] | None:
    """Where its number came from, and on what ground it is used."""
    return None if row.source_name is None else {"name": row.source_name, "ground": row.source_ground}


def _attempt(a: AttemptRow) -> dict[str, Any]:
    view: dict[str, Any] = {
        "step": a.step,
        "delivery_tag": a.id,
        "outcome": a.outcome,
        "at": rfc3339(a.at),
        "open": bool(a.open),
    }
    optional = {
        "answered_at": _at(a.answered_at),
        "proof_at": _at(a.proof_at),
        "status": a.status,
        "detail": a.detail,
        "request_id": a.request_id,
        "segments": a.units,
        "carrier": a.carrier,
    }
    view |= {k: v for k, v in optional.items() if v is not None}
    if a.outcome == Outcome.LATE:
        view["late_duplicate"] = bool(a.late_duplicate)
    return view


def timeline(row: NoticeRow, attempts: list[AttemptRow]) -> list[dict[str, Any]]:
    """What happened, in order; made from the stored times."""
    events: list[tuple[int, int, dict[str, Any]]] = []

    def add(at: int | None, event: str, **more: Any) -> None:
        if at is not None:
            shown = {k: v for k, v in more.items() if v is not None}
            events.append((at, len(events), {"at": rfc3339(at), "event": event, **shown}))

    add(row.created_at, "queued")
    for a in attempts:
        add(a.at, "sent", step=a.step, delivery_tag=a.id)
        # The first answer may since have been overtaken by proof or by the end of the window.
        # SMPP has no HTTP status: there the carrier's id of the message says that it was taken.
        took = 200 <= a.status < 300 if a.status is not None else a.request_id is not None
        first = Outcome.ACCEPTED if took else a.outcome
        if first is not None and first in _SAID:
            told = a.answered_at if a.answered_at is not None else a.at
            add(
                told, "answered", step=a.step, outcome=str(first), text=_SAID[Outcome(first)], detail=a.detail
            )
        if a.proof_at is not None:
            late = a.outcome == Outcome.LATE
            add(a.proof_at, "late_proof" if late else "proof", step=a.step)
        elif a.outcome == Outcome.SILENT:
            add(a.closes_at, "silent", step=a.step, text=_SILENT[Step(a.step)])
    add(row.cancelled_at, "cancel_requested")
    add(row.erased_at, "erased")
    if row.ended_at is not None:
        add(row.ended_at, "ended", state=row.state, reason=row.reason)
    return [e for _, _, e in sorted(events, key=lambda x: (x[0], x[1]))]
