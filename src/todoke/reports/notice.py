"""One notice as people read it: state, attempts, timeline, cost. Numbers are masked."""

import json
from typing import Any

from todoke.core.durations import rfc3339
from todoke.core.outcome import Outcome
from todoke.core.phone import masked
from todoke.reports.prices import cost_of
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


def _at(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)


def notice_view(row: NoticeRow, attempts: list[AttemptRow]) -> dict[str, Any]:
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
        "batch": row.batch_id,
        "created_at": rfc3339(row.created_at),
        "deadline_at": _at(row.deadline_at),
        "ended_at": _at(row.ended_at),
        "attempts": [_attempt(a) for a in attempts],
        "skipped": [{"step": s, "why": w} for s, w in json.loads(row.skips or "[]")],
        "timeline": timeline(row, attempts),
        "cost": [c for a in attempts if (c := cost_of(a, row.country)) is not None],
    }


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
        first = Outcome.ACCEPTED if a.status is not None and 200 <= a.status < 300 else a.outcome
        if first is not None and first in _SAID:
            told = a.answered_at if a.answered_at is not None else a.at
            add(
                told, "answered", step=a.step, outcome=str(first), text=_SAID[Outcome(first)], detail=a.detail
            )
        if a.proof_at is not None:
            late = a.outcome == Outcome.LATE
            add(a.proof_at, "late_proof" if late else "proof", step=a.step)
        elif a.outcome == Outcome.SILENT:
            add(a.closes_at, "silent", step=a.step, text="no proof came in the time in which it could")
    add(row.cancelled_at, "cancel_requested")
    if row.ended_at is not None:
        add(row.ended_at, "ended", state=row.state, reason=row.reason)
    return [e for _, _, e in sorted(events, key=lambda x: (x[0], x[1]))]
