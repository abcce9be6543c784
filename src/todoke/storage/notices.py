"""Notices and attempts: rows to `core.notice` and back, many at a time."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Integer, Select, and_, bindparam, case, func, insert, select, update

from todoke.core.notice import Attempt, Notice, State
from todoke.core.outcome import Outcome
from todoke.core.routing import Policy, Step
from todoke.core.standing import Lane
from todoke.storage import notice_keys
from todoke.storage.bulk import IDS, Bulk, Fetch
from todoke.storage.database import Tx, among
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t

HELD = 2
"""The lane of a notice that its batch holds back: no claim looks there."""


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
    batch_id: str | None


def with_notice(loaded: Loaded, notice: Notice) -> Loaded:
    """The same after the notice was moved, without its parameters: they are only for sending."""
    return msgspec.structs.replace(loaded, notice=notice, parameters="")


class NewNotice(msgspec.Struct, kw_only=True):
    """A notice to be stored, queued and due at once; or held back by its batch (HELD its lane).

    `parameters` is JSON.
    """

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
    due_at: int | None
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
    n.c.batch_id,
)
_kind = itemgetter(1, *range(3, 13), 14, 17, 18)
"""All of _LOADED that is not the own of a notice."""
_own = itemgetter(0, 2, 13, 15, 16)
"""And what is."""
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
Own = tuple[str, int, str, str, str | None]
"""What a notice has for itself: id, time of creation, number, parameters, reference."""
_IN_LANE = (n.c.channel_id == bindparam("channel"), n.c.lane == bindparam("of_lane"))
_due = Fetch(
    select(*_LOADED)
    .where(*_IN_LANE, n.c.due_at <= bindparam("now"))
    .order_by(n.c.due_at, n.c.id)
    .limit(bindparam("most", type_=Integer))
)
_SAME = {f"same_{x.name}": x for x in _kind(_LOADED)}
_is_alike = and_(*(x.is_not_distinct_from(bindparam(name, type_=x.type)) for name, x in _SAME.items()))
_due_own = Fetch(
    select(*_own(_LOADED), case((_is_alike, 1), else_=0))
    .where(*_IN_LANE, n.c.due_at <= bindparam("now"))
    .order_by(n.c.due_at, n.c.id)
    .limit(bindparam("most", type_=Integer))
)
_next_due = Fetch(
    select(n.c.due_at)
    .where(*_IN_LANE, n.c.due_at.is_not(None))
    .order_by(n.c.due_at)
    .limit(bindparam("most", type_=Integer))
)
_notices_by_id = Fetch(select(*_LOADED).where(among(n.c.id, IDS)))
_owners = Fetch(
    select(a.c.id, a.c.notice_id, n.c.channel_id, a.c.step, a.c.carrier)
    .join(n, n.c.id == a.c.notice_id)
    .where(among(a.c.id, IDS))
)
_attempts_of = Fetch(select(*_ATTEMPT).where(among(a.c.notice_id, IDS)).order_by(a.c.id))
_STATES = {s.value: s for s in State}
_OUTCOMES: dict[str | None, Outcome | None] = {None: None} | {o.value: o for o in Outcome}
_STEPS = {s.value: s for s in Step}

_insert_notices = Bulk(insert(n), NewNotice.__struct_fields__)


async def insert_new(tx: Tx, rows: Sequence[NewNotice]) -> None:
    """Stores new notices. Raises the database's error where an id stands already."""
    await _insert_notices(tx, [msgspec.structs.astuple(r) for r in rows])
    await notice_keys.add(tx, ((r.id, r.number, r.reference) for r in rows))


async def load_due(tx: Tx, channel_id: str, lane: Lane, now: int, limit: int) -> list[Any]:
    """The rows of a channel and lane that need something by `now`, the longest due first; for `assemble`."""
    return await _due(tx, channel=channel_id, of_lane=int(lane), now=now, most=limit)


async def load_due_own(
    tx: Tx, channel_id: str, lane: Lane, now: int, limit: int, like: Any
) -> list[Own] | None:
    """What the same notices have for themselves, if all are of the kind of the row `like`; None: they are not."""
    values = dict(zip(_SAME, kind(like), strict=True))
    rows = await _due_own(tx, channel=channel_id, of_lane=int(lane), now=now, most=limit, **values)
    return [row[:5] for row in rows] if all(row[5] for row in rows) else None


async def load_by_ids(tx: Tx, ids: Iterable[str]) -> list[Any]:
    """The rows of these notices; for `assemble`."""
    return await _notices_by_id.among(tx, ids)


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
    return {
        row[0]: Owner(row[1], row[2], _STEPS[row[3]], row[4]) for row in await _owners.among(tx, attempt_ids)
    }


async def assemble(tx: Tx, rows: Sequence[Any], policies: Mapping[str, Policy]) -> list[Loaded]:
    """Rows and their attempts as notices."""
    return whole(rows, await attempts_of(tx, [r[0] for r in rows]), policies)


async def attempts_of(tx: Tx, notice_ids: Iterable[str]) -> Mapping[str, Sequence[Attempt]]:
    """The attempts of these notices, in order; what has none is left out."""
    tried: dict[str, list[Attempt]] = defaultdict(list)
    for row in await _attempts_of.among(tx, notice_ids):
        tried[row[0]].append(_to_attempt(row))
    return tried


def whole(
    rows: Sequence[Any], tried: Mapping[str, Sequence[Attempt]], policies: Mapping[str, Policy]
) -> list[Loaded]:
    """Rows, with the attempts by notice, as notices."""
    return [
        Loaded(_notice(r, r[0], r[2], tuple(tried.get(r[0], ())), policies[r[1]]), *r[11:19]) for r in rows
    ]


def _notice(r: Any, notice_id: str, created_at: int, attempts: tuple[Attempt, ...], policy: Policy) -> Notice:
    return Notice(
        id=notice_id,
        policy=policy,
        created_at=created_at,
        state=_STATES[r[3]],
        reason=r[4],
        step_index=r[5],
        deadline_at=r[6],
        cancelled_at=r[7],
        ended_at=r[8],
        due_at=r[9],
        skips=_skips_of(r[10]),
        attempts=attempts,
    )


def standing(row: Any) -> Any:
    """All that decides about the notice of a row of the `load_…` functions but its attempts, to compare."""
    return row[1], row[3:11]


def kind(row: Any) -> Any:
    """All that is not the own of the notice of such a row: the same for those that have the same `pattern`."""
    return _kind(row)


def pattern(row: Any, policies: Mapping[str, Policy]) -> Loaded:
    """The notice of such a row, of which nothing was tried, without what is its own."""
    bare = _notice(row, "", 0, (), policies[row[1]])
    return Loaded(bare, row[11], row[12], "", row[14], "", None, row[17], row[18])


def own(row: Any) -> Own:
    """And what is."""
    found: Own = _own(row)
    return found


def policy_id(row: Any) -> str:
    """The policy of a row of the `load_…` functions."""
    return str(row[1])


def notice_id(row: Any) -> str:
    """The id of a row of the `load_…` functions."""
    return str(row[0])


def template_id(row: Any) -> str:
    """The template of a row of the `load_…` functions."""
    return str(row[12])


def number(row: Any) -> str:
    """The number of a row of the `load_…` functions."""
    return str(row[13])


def batch_id(row: Any) -> str | None:
    """The batch of a row of the `load_…` functions."""
    found: str | None = row[18]
    return found


def is_cancelled(row: Any) -> bool:
    """Whether somebody asked to cancel the notice of a row of the `load_…` functions."""
    return row[7] is not None


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


@lru_cache(maxsize=1024)
def _skips_of(text: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((step, why) for step, why in json.loads(text)) if text else ()


async def next_due(tx: Tx, channel_id: str, lanes: Iterable[Lane] = Lane) -> int | None:
    """When the first notice of a channel needs something next; for one in flight, when its lease lapses."""
    found: list[int] = []
    for each in lanes:
        found += [row[0] for row in await _next_due(tx, channel=channel_id, of_lane=int(each), most=1)]
    return min(found, default=None)


async def count_begun(tx: Tx, account_id: str, number: str, use_case: str, since: int) -> int:
    """How many notices of a use case to a number had their first request after that time."""
    first = select(a.c.notice_id).where(a.c.notice_id == n.c.id, a.c.at > since).exists()
    before = select(a.c.notice_id).where(a.c.notice_id == n.c.id, a.c.at <= since).exists()
    query = (
        select(func.count())
        .select_from(n)
        .join(t, t.c.id == n.c.template_id)
        .where(
            notice_keys.of_number(number),
            n.c.account_id == account_id,
            t.c.use_case == use_case,
            first,
            ~before,
        )
    )
    return int((await tx.execute(query)).scalar_one())


async def release_held(tx: Tx, channel_id: str, now: int) -> None:
    """Makes everything due that was held while the channel was paused."""
    # What a batch holds back (lane 2) waits for its batch all the same.
    waits = update(n).where(n.c.channel_id == channel_id, n.c.state.in_((State.QUEUED, State.WAITING)))
    # Two statements, for each has an index: together they would read every notice of the channel.
    for held in (
        n.c.lane.in_([int(x) for x in Lane]) & (n.c.due_at > now),
        (n.c.lane != HELD) & n.c.due_at.is_(None) & n.c.ended_at.is_(None),
    ):
        await tx.execute(waits.where(held).values(due_at=now))
