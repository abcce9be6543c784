"""Writes what becomes of notices: only what differs, and only where a row is as its notice was before."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, insert, update

from todoke.core.notice import Attempt, Notice
from todoke.core.standing import lane
from todoke.storage.bulk import IDS, Bulk, listed
from todoke.storage.database import Tx, among
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n

_WAS = ("state", "step_index", "due_at", "cancelled_at", "ended_at")
_NOW = ("state", "reason", "step_index", "skips", "cancelled_at", "ended_at", "due_at", "lane")
_AS_BEFORE = [n.c[x].is_not_distinct_from(bindparam(f"was_{x}")) for x in _WAS]
_CHANGED = (*_NOW, *(f"was_{x}" for x in _WAS))
_update_notices = Bulk(update(n).where(n.c.id == bindparam("of"), *_AS_BEFORE), ("of", *_CHANGED))
_update_alike = Bulk(update(n).where(among(n.c.id, IDS), *_AS_BEFORE), ("ids", *_CHANGED))
_TOLD = (
    "outcome",
    "open",
    "answered_at",
    "proof_at",
    "late_duplicate",
    "status",
    "detail",
    "request_id",
    "retry_at",
)
_update_attempts = Bulk(update(a).where(a.c.id == bindparam("of")), ("of", *_TOLD))
_BIRTH = (
    "id",
    "notice_id",
    "step_index",
    "step",
    "at",
    "gives_proof",
    "closes_at",
    "units",
    "carrier",
    "spare",
)
_insert_attempts = Bulk(insert(a), (*_BIRTH, *_TOLD))


class Stale(Exception):
    """A notice is no longer as it was thought to be: roll back, read it, and decide anew."""


_ALIKE = 4
"""So many notices that are changed alike are changed by one statement."""


async def save(
    tx: Tx, changes: Sequence[tuple[Notice, Notice]], units: Mapping[str, int] | None = None
) -> None:
    """Writes what differs between before and after. `units`: SMS segments of new attempts, by their id.

    Raises Stale where a row is not as its notice was before.
    """
    new: list[tuple[Any, ...]] = []
    told: list[tuple[Any, ...]] = []
    alike: dict[tuple[Any, ...], list[str]] = {}
    for before, after in changes:
        if after is before:
            continue
        values = _notice_values(before, after)
        if (others := alike.get(values)) is None:
            alike[values] = [after.id]
        else:
            others.append(after.id)
        if after.attempts is before.attempts:
            continue
        known = len(before.attempts)
        for at, attempt in enumerate(after.attempts):
            # Attempts are only ever added at the end.
            if at >= known:
                new.append(_birth_values(after.id, attempt, units) + _told_values(attempt))
            elif (old := before.attempts[at]) is not attempt and old != attempt:
                told.append((attempt.id, *_told_values(attempt)))
    await _insert_attempts(tx, new)
    await _update_attempts(tx, told)
    await _save_notices(tx, alike)


async def _save_notices(tx: Tx, alike: Mapping[tuple[Any, ...], list[str]]) -> None:
    many = [(x, values) for values, x in alike.items() if len(x) >= _ALIKE]
    few = [(x, *values) for values, ids in alike.items() if len(ids) < _ALIKE for x in ids]
    changed = await _update_notices(tx, few)
    for ids, values in many:
        changed += await _update_alike(tx, [(listed(ids), *values)])
    if changed < len(few) + sum(len(ids) for ids, _ in many):
        raise Stale


def _notice_values(b: Notice, x: Notice) -> tuple[Any, ...]:
    return (
        str(x.state),
        x.reason,
        x.step_index,
        _skips_text(x.skips),
        x.cancelled_at,
        x.ended_at,
        x.due_at,
        # Of what is over and never due again it means nothing.
        0 if x.due_at is None and x.ended_at is not None else int(lane(x)),
        str(b.state),
        b.step_index,
        b.due_at,
        b.cancelled_at,
        b.ended_at,
    )


def _told_values(x: Attempt) -> tuple[Any, ...]:
    return (
        None if x.outcome is None else str(x.outcome),
        int(x.open),
        x.answered_at,
        x.proof_at,
        int(x.late_duplicate),
        x.status,
        x.detail,
        x.request_id,
        x.retry_at,
    )


def _birth_values(notice_id: str, x: Attempt, units: Mapping[str, int] | None) -> tuple[Any, ...]:
    parts = units.get(x.id) if units else None
    return (
        x.id,
        notice_id,
        x.step_index,
        str(x.step),
        x.at,
        int(x.gives_proof),
        x.closes_at,
        parts,
        x.carrier,
        x.spare,
    )


# A policy's steps are skipped for the same few reasons in all its notices.
@lru_cache(maxsize=1024)
def _skips_text(skips: tuple[tuple[str, str], ...]) -> str | None:
    return json.dumps(skips) if skips else None
