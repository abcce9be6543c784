"""Notices and attempts: rows to `core.notice` and back, many at a time."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BindParameter, Select, bindparam, func, insert, select, update

from todoke.core.notice import Attempt, Notice, State
from todoke.core.outcome import Outcome
from todoke.core.routing import Policy, Step
from todoke.core.standing import Lane, lane
from todoke.storage.bulk import Bulk
from todoke.storage.database import Tx, portions
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t


class Loaded(msgspec.Struct):
    """A notice with what sending it needs."""

    notice: Notice
    channel_id: str
    template_id: str
    number: str
    country: str
    parameters: str
    reference: str | None
    language: str | None


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
    lane: int = Lane.LINE
    state: str = State.QUEUED
    step_index: int = 0
    source_id: str | None = None
    language: str | None = None
    """Which of the template's languages; None: its first."""
    event_at: int | None = None
    """When that happened, or will happen, which it tells of."""


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
    n.c.reference,
    n.c.language,
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
    a.c.carrier,
    a.c.spare,
)
# Made once: what SQLAlchemy does to a list of values in a new statement costs more than the look-up itself.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_IN_LANE = (n.c.channel_id == bindparam("channel"), n.c.lane == bindparam("of_lane"))
_DUE = (
    select(*_LOADED)
    .where(*_IN_LANE, n.c.due_at <= bindparam("now"))
    .order_by(n.c.due_at, n.c.id)
    .limit(bindparam("most"))
)
_NEXT_DUE = select(n.c.due_at).where(*_IN_LANE, n.c.due_at.is_not(None)).order_by(n.c.due_at).limit(1)
_NOTICES_BY_ID = select(*_LOADED).where(n.c.id.in_(_IDS))
_OWNERS_OF = (
    select(a.c.id, a.c.notice_id, n.c.channel_id, a.c.step, a.c.carrier)
    .join(n, n.c.id == a.c.notice_id)
    .where(a.c.id.in_(_IDS))
)
_ATTEMPTS_OF = select(*_ATTEMPT).where(a.c.notice_id.in_(_IDS)).order_by(a.c.id)
_STATES = {s.value: s for s in State}
_OUTCOMES: dict[str | None, Outcome | None] = {None: None} | {o.value: o for o in Outcome}
_STEPS = {s.value: s for s in Step}

_insert_notices = Bulk(insert(n), NewNotice.__struct_fields__)
_update_notices = Bulk(
    update(n).where(n.c.id == bindparam("of")),
    ("of", "state", "reason", "step_index", "skips", "cancelled_at", "ended_at", "due_at", "lane"),
)
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


async def insert_new(tx: Tx, rows: Sequence[NewNotice]) -> None:
    """Stores new notices. Raises the database's error where an id stands already."""
    await _insert_notices(tx, [msgspec.structs.astuple(r) for r in rows])


async def load_due(tx: Tx, channel_id: str, lane: Lane, now: int, limit: int) -> list[Any]:
    """The rows of a channel and lane that need something by `now`, the longest due first; for `assemble`."""
    wanted = {"channel": channel_id, "of_lane": int(lane), "now": now, "most": limit}
    return list((await tx.execute(_DUE, wanted)).all())


async def load_by_ids(tx: Tx, ids: Iterable[str]) -> list[Any]:
    """The rows of these notices; for `assemble`."""
    rows: list[Any] = []
    for portion in portions(ids):
        rows += (await tx.execute(_NOTICES_BY_ID, {"ids": portion})).all()
    return rows


async def load_out(tx: Tx, channel_id: str) -> list[Any]:
    """The rows of a channel whose request is out; for `assemble`."""
    query: Select[Any] = select(*_LOADED).where(
        n.c.channel_id == channel_id, n.c.due_at.is_not(None), n.c.state == State.SENDING
    )
    return list((await tx.execute(query)).all())


class Owner(NamedTuple):
    """Whose an attempt is. `carrier`: the SMS carrier that it went to; None: LINE, or the business's own system."""

    notice_id: str
    channel_id: str
    step: Step
    carrier: str | None


async def owners_of(tx: Tx, attempt_ids: Iterable[str]) -> dict[str, Owner]:
    """Attempt id → whose it is, for those that exist."""
    found: dict[str, Owner] = {}
    for portion in portions(attempt_ids):
        found.update(
            (row[0], Owner(row[1], row[2], _STEPS[row[3]], row[4]))
            for row in await tx.execute(_OWNERS_OF, {"ids": portion})
        )
    return found


async def assemble(tx: Tx, rows: Sequence[Any], policies: Mapping[str, Policy]) -> list[Loaded]:
    """Rows and their attempts as notices."""
    tried: dict[str, list[Attempt]] = defaultdict(list)
    for portion in portions(r[0] for r in rows):
        for row in await tx.execute(_ATTEMPTS_OF, {"ids": portion}):
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
                skips=_skips_of(r[10]),
                attempts=tuple(tried.get(r[0], ())),
            ),
            *r[11:18],
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
        carrier=r[16],
        spare=r[17],
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
                new.append(_birth_values(after.id, attempt, units) + _told_values(attempt))
            elif old is not attempt and old != attempt:
                changed.append((attempt.id, *_told_values(attempt)))
    await _insert_attempts(tx, new)
    await _update_attempts(tx, changed)
    await _update_notices(tx, notices)


def _notice_values(x: Notice) -> tuple[Any, ...]:
    skips = _skips_text(x.skips)
    turn = int(lane(x))
    return x.id, str(x.state), x.reason, x.step_index, skips, x.cancelled_at, x.ended_at, x.due_at, turn


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


@lru_cache(maxsize=1024)
def _skips_of(text: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((step, why) for step, why in json.loads(text)) if text else ()


async def next_due(tx: Tx, channel_id: str, lanes: Iterable[Lane] = Lane) -> int | None:
    """When the first notice of a channel needs something next; for one in flight, when its lease lapses."""
    found = []
    for each in lanes:
        place = {"channel": channel_id, "of_lane": int(each)}
        if (due := (await tx.execute(_NEXT_DUE, place)).scalar_one_or_none()) is not None:
            found.append(due)
    return min(found, default=None)


async def count_begun(tx: Tx, account_id: str, number: str, use_case: str, since: int) -> int:
    """How many notices of a use case to a number had their first request after that time."""
    first = select(a.c.notice_id).where(a.c.notice_id == n.c.id, a.c.at > since).exists()
    before = select(a.c.notice_id).where(a.c.notice_id == n.c.id, a.c.at <= since).exists()
    query = (
        select(func.count())
        .select_from(n)
        .join(t, t.c.id == n.c.template_id)
        .where(n.c.number == number, n.c.account_id == account_id, t.c.use_case == use_case, first, ~before)
    )
    return int((await tx.execute(query)).scalar_one())


async def release_held(tx: Tx, channel_id: str, now: int) -> None:
    """Makes everything due that was held while the channel was paused."""
    held = (n.c.due_at.is_(None)) | (n.c.due_at > now)
    query = update(n).where(n.c.channel_id == channel_id, n.c.state.in_((State.QUEUED, State.WAITING)), held)
    await tx.execute(query.values(due_at=now))
