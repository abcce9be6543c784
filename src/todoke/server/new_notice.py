"""The answer to a notice that was just taken in, made quickly."""

import msgspec

from todoke.core.durations import rfc3339
from todoke.core.phone import masked
from todoke.server.known import KnownTarget
from todoke.storage.notices import NewNotice


def answer_of(notice: NewNotice, known: KnownTarget, created_at: str) -> bytes:
    """The answer 202 as JSON: what `reports.notice.notice_view` shows of a notice that was stored just now."""
    target, deadline = known.target, notice.deadline_at
    row, source = target.template_row, target.source
    return msgspec.json.encode(
        {
            "id": notice.id,
            "state": notice.state,
            "reason": None,
            "reference": notice.reference,
            "to": masked(notice.number),
            "country": notice.country,
            "channel": notice.channel_id,
            "template": row.name,
            "template_version": row.version,
            "language": notice.language,
            "policy": known.policy_view(None if deadline is None else deadline - notice.created_at),
            "batch": None,
            "source": None if source is None else {"name": source.name, "ground": source.ground},
            "created_at": created_at,
            "deadline_at": None if deadline is None else rfc3339(deadline),
            "event_at": None if notice.event_at is None else rfc3339(notice.event_at),
            "ended_at": None,
            "attempts": [],
            "skipped": [],
            "timeline": [{"at": created_at, "event": "queued"}],
            "cost": [],
        }
    )
