"""Applications, versions in review and their history, as the API shows them."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

import line_catalogue
from todoke.actions.applications import region_of
from todoke.core import checklist
from todoke.core.durations import rfc3339
from todoke.core.review import TRANSITIONS, VERSION_TRANSITIONS, Review, State, moves_from
from todoke.core.working_days import is_overdue
from todoke.server.services import Services
from todoke.storage import applications as store
from todoke.storage import attachments, review_events
from todoke.storage.applications import Application
from todoke.storage.attachments import Attachment
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.review_events import ReviewEvent


def short(row: Application | None) -> dict[str, Any] | None:
    """An application in a list of use cases."""
    if row is None:
        return None
    return {"id": row.id, "channel": row.channel_id, "state": row.state, "state_at": rfc3339(row.state_at)}


def own_view(country: str, row: Application) -> dict[str, Any]:
    """A use case that is not on LINE's list, as what is on it is shown."""
    names = json.loads(row.names)
    return {
        "country": country,
        "number": None,
        "key": row.key,
        "name": names.get(line_catalogue.countries()[country].language) or next(iter(names.values())),
        "names": names,
        "category": None,
        "urgency": row.urgency or "1d",
        "timing": row.timing or "none",
        "limits": row.limits,
        "limit_texts": {},
        "published": False,
    }


def summary(row: Application, country: str, now: int) -> dict[str, Any]:
    """An application in a list of applications."""
    waits = row.state == State.IN_REVIEW and row.answer_until is not None
    overdue = waits and is_overdue(country, date.fromisoformat(row.answer_until or ""), now)
    return {
        "id": row.id,
        "use_case": row.key,
        "country": country,
        "channel": row.channel_id,
        "published": bool(row.published),
        "names": json.loads(row.names),
        "no_verification": bool(row.no_verification),
        "state": row.state,
        "state_at": rfc3339(row.state_at),
        "submitted_at": None if row.submitted_at is None else rfc3339(row.submitted_at),
        "answer_from": row.answer_from,
        "answer_until": row.answer_until,
        "overdue": overdue,
        "created_at": rfc3339(row.created_at),
    }


async def full(tx: Tx, row: Application, parts: Services) -> dict[str, Any]:
    """All of an application."""
    country = await region_of(tx, row)
    versions = await store.templates_of(tx, row.channel_id, row.key)
    given: Mapping[str, str] = json.loads(row.checklist)
    asked = checklist.items(country, no_verification=bool(row.no_verification))
    gaps = checklist.missing(asked, given, has_templates=bool(versions))
    files = await attachments.of_application(tx, row.id)
    return {
        **summary(row, country, parts.clock.now()),
        "description": row.description,
        "urgency": row.urgency,
        "limits": row.limits,
        "timing": row.timing,
        "may_go_to": [str(x) for x in moves_from(TRANSITIONS, State(row.state))],
        "checklist": [
            {
                "item": str(x),
                "given": given.get(x),
                "complete": x not in gaps,
                "texts": msgspec.to_builtins(checklist.texts(x, country)),
            }
            for x in asked
        ],
        "templates": [version_view(x) for x in versions],
        "attachments": [attachment_view(x) for x in files],
        "history": history_view(await review_events.of_application(tx, row.id)),
    }


def version_view(row: TemplateRow) -> dict[str, Any]:
    """A template's version, as far as its review goes."""
    return {
        "id": row.id,
        "template": row.name,
        "version": row.version,
        "use_case": row.use_case,
        "channel": row.channel_id,
        "review": row.review,
        "review_at": None if row.review_at is None else rfc3339(row.review_at),
        "application": row.application_id,
        "may_go_to": [str(x) for x in moves_from(VERSION_TRANSITIONS, Review(row.review))],
    }


def attachment_view(file: Attachment) -> dict[str, Any]:
    """A file without its content."""
    return {**file._asdict(), "created_at": rfc3339(file.created_at)}


def history_view(events: Sequence[ReviewEvent]) -> list[dict[str, Any]]:
    """What was done, the oldest first."""
    return [
        {
            "at": rfc3339(x.at),
            "kind": x.kind,
            "by": x.by,
            "from": x.from_state,
            "to": x.to_state,
            "why": x.why,
            "evidence": None if x.evidence is None else json.loads(x.evidence),
        }
        for x in events
    ]
