"""Notices and attempts: rows to `core.notice` and back, many at a time."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, insert, select, update

from todoke.core.notice import Attempt, Notice, State
from todoke.core.outcome import Outcome
from todoke.core.routing import Policy, Step
from todoke.storage.database import Tx
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n


class Loaded(msgspec.Struct):
    """A notice with what sending it needs."""

    notice: Notice
    channel_id: str
    template_id: str
    number: str
    country: str
    parameters: str


class NewNotice(msgspec.Struct, kw_only=True):
    """A notice to be stored, queued and due at once. `parameters` is JSON."""

    id: str
    account_id: str
    channel_id: str
    template_id: str
    policy_id: str
    batch_id: str | None
    reference: str | None
    number: str
    country: str
    parameters: str
    created_at: int
    deadline_at: int | None
    due_at: int
    state: str = State.QUEUED
    step_index: int = 0


_LOADED = (
    n.c.id,
    n.c.policy_id,
    n.c.created_at,
    n.c.state,
    n.c.reason,
    n.c.step_index,
    n.c.deadline_at,
    n.c.cancelled_at,
    n.c.ended_at,
    n.c.due_at,
    n.c.skips,
    n.c.channel_id,
    n.c.template_id,
    n.c.number,
    n.c.country,
    n.c.parameters,
)
_ATTEMPT = (
    a.c.notice_id,
    a.c.id,
    a.c.step_index,
    a.c.step,
    a.c.at,
    a.c.gives_proof,
    a.c.closes_at,
    a.c.outcome,
    a.c.open,
    a.c.answered_at,
    a.c.proof_at,
    a.c.late_duplicate,
    a.c.status,
    a.c.detail,
    a.c.request_id,
    a.c.retry_at,
)
_STATES = {s.value: s for s in State}
_OUTCOMES: dict[str | None, Outcome | None] = {None: None} | {o.value: o for o in Outcome}
_STEPS = {s.value: s for s in Step}

_INSERT_NOTICES = insert(n)
_INSERT_ATTEMPTS = insert(a)
_UPDATE_NOTICES = (
    update(n)
    .where(n.c.id == bindparam("of"))
    .values(
        {
            k: bindparam(k)
            for k in ("state", "reason", "step_index", "skips", "cancelled_at", "ended_at", "due_at")
        }
    )
)
_UPDATE_ATTEMPTS = (
    update(a)
    .where(a.c.id == bindparam("of"))
    .values(
        {
            k: bindparam(k)
            for k in (
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
        }
    )
)


async def insert_new(tx: Tx, rows: Sequence[NewNotice]) -> None:
    """Stores new notices. Raises the database's error where an id stands already."""
    if rows:
        await tx.execute(_INSERT_NOTICES, [msgspec.structs.asdict(r) for r in rows])


async def load_due(tx: Tx, channel_id: str, now: int, limit: int) -> list[Any]:
    """The rows of a channel that need something by `now`, the longest due first; for `assemble`."""
    query = (
        select(*_LOADED)
        .where(n.c.channel_id == channel_id, n.c.due_at <= now)
        .order_by(n.c.due_at, n.c.id)
        .limit(limit)
    )
    return list((await tx.execute(query)).all())


async def load_by_ids(tx: Tx, ids: Iterable[str]) -> list[Any]:
    """The rows of these notices; for `assemble`."""
    return list((await tx.execute(select(*_LOADED).where(n.c.id.in_(list(ids))))).all())


async def load_out(tx: Tx, channel_id: str) -> list[Any]:
    """The rows of a channel whose request is out; for `assemble`."""
    query: Select[Any] = select(*_LOADED).where(
        n.c.channel_id == channel_id, n.c.due_at.is_not(None), n.c.state == State.SENDING
    )
    return list((await tx.execute(query)).all())


async def notice_ids_of(tx: Tx, attempt_ids: Iterable[str]) -> dict[str, str]:
    """Attempt id → notice id, for those that exist."""
    query = select(a.c.id, a.c.notice_id).where(a.c.id.in_(list(attempt_ids)))
    return {row[0]: row[1] for row in await tx.execute(query)}


async def tags_of_requests(tx: Tx, request_ids: Iterable[str]) -> dict[str, str]:
    """The carrier's message id → our attempt id, for SMS receipts that do not carry the tag."""
    query = select(a.c.request_id, a.c.id).where(a.c.request_id.in_(list(request_ids)), a.c.step == Step.SMS)
    return {row[0]: row[1] for row in await tx.execute(query)}


async def assemble(tx: Tx, rows: Sequence[Any], policies: Mapping[str, Policy]) -> list[Loaded]:
    """Rows and their attempts as notices."""
    tried: dict[str, list[Attempt]] = defaultdict(list)
    if wanted := [r[0] for r in rows]:
        for row in await tx.execute(select(*_ATTEMPT).where(a.c.notice_id.in_(wanted)).order_by(a.c.id)):
            tried[row[0]].append(_to_attempt(row))
    return [
        Loaded(
            Notice(
                id=r[0],
                policy=policies[r[1]],
                created_at=r[2],
                state=_STATES[r[3]],
                reason=r[4],
                step_index=r[5],
                deadline_at=r[6],
                cancelled_at=r[7],
                ended_at=r[8],
                due_at=r[9],
                skips=tuple((s, w) for s, w in json.loads(r[10])) if r[10] else (),
                attempts=tuple(tried.get(r[0], ())),
            ),
            *r[11:16],
        )
        for r in rows
    ]


def policy_id(row: Any) -> str:
    """The policy of a row of the `load_…` functions."""
    return str(row[1])


def _to_attempt(r: Any) -> Attempt:
    return Attempt(
        id=r[1],
        step_index=r[2],
        step=_STEPS[r[3]],
        at=r[4],
        gives_proof=bool(r[5]),
        closes_at=r[6],
        outcome=_OUTCOMES[r[7]],
        open=bool(r[8]),
        answered_at=r[9],
        proof_at=r[10],
        late_duplicate=bool(r[11]),
        status=r[12],
        detail=r[13],
        request_id=r[14],
        retry_at=r[15],
    )


async def save(
    tx: Tx, changes: Sequence[tuple[Notice, Notice]], units: Mapping[str, int] | None = None
) -> None:
    """Writes what differs between before and after. `units`: SMS segments of new attempts, by their id."""
    notices, new, changed = [], [], []
    for before, after in changes:
        if after is before:
            continue
        notices.append(_notice_values(after))
        known = {x.id: x for x in before.attempts}
        for attempt in after.attempts:
            if (old := known.get(attempt.id)) is None:
                new.append(_attempt_values(attempt) | _birth_values(after.id, attempt, units))
            elif old is not attempt and old != attempt:
                changed.append(_attempt_values(attempt) | {"of": attempt.id})
    if new:
        await tx.execute(_INSERT_ATTEMPTS, new)
    if changed:
        await tx.execute(_UPDATE_ATTEMPTS, changed)
    if notices:
        await tx.execute(_UPDATE_NOTICES, notices)


def _notice_values(x: Notice) -> dict[str, Any]:
    return {
        "of": x.id,
        "state": x.state,
        "reason": x.reason,
        "step_index": x.step_index,
        "skips": json.dumps(x.skips) if x.skips else None,
        "cancelled_at": x.cancelled_at,
        "ended_at": x.ended_at,
        "due_at": x.due_at,
    }


def _attempt_values(x: Attempt) -> dict[str, Any]:
    return {
        "outcome": x.outcome,
        "open": int(x.open),
        "answered_at": x.answered_at,
        "proof_at": x.proof_at,
        "late_duplicate": int(x.late_duplicate),
        "status": x.status,
        "detail": x.detail,
        "request_id": x.request_id,
        "retry_at": x.retry_at,
    }


def _birth_values(notice_id: str, x: Attempt, units: Mapping[str, int] | None) -> dict[str, Any]:
    return {
        "id": x.id,
        "notice_id": notice_id,
        "step_index": x.step_index,
        "step": x.step,
        "at": x.at,
        "gives_proof": int(x.gives_proof),
        "closes_at": x.closes_at,
        "units": (units or {}).get(x.id),
    }


async def next_due(tx: Tx, channel_id: str) -> int | None:
    """When the first notice of a channel needs something next; those in flight leave it out."""
    query = (
        select(n.c.due_at)
        .where(n.c.channel_id == channel_id, n.c.due_at.is_not(None))
        .order_by(n.c.due_at)
        .limit(1)
    )
    return (await tx.execute(query)).scalar_one_or_none()


async def release_held(tx: Tx, channel_id: str, now: int) -> None:
    """Makes everything due that was held while the channel was paused."""
    held = (n.c.due_at.is_(None)) | (n.c.due_at > now)
    query = update(n).where(n.c.channel_id == channel_id, n.c.state.in_((State.QUEUED, State.WAITING)), held)
    await tx.execute(query.values(due_at=now))
