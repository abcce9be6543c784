"""Writes what becomes of notices: only what differs, and only where a row is as its notice was before."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, func, literal_column, update

from todoke.core.notice import Attempt, Notice
from todoke.core.standing import lane
from todoke.storage.bulk import IDS, Bulk, InsertAlike, listed
from todoke.storage.database import Tx, among
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n

Values = tuple[Any, ...]
_encode = msgspec.json.Encoder().encode
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
_OF_EACH = func.json_each(IDS).table_valued("key", "value")
"""Of a JSON object: attempts' ids, and what differs from one to the next."""


def _alike(differs: str, same: Sequence[str]) -> Bulk:
    """Tells many attempts the same, but for one column."""
    statement = update(a).where(a.c.id == _OF_EACH.c.key).values({differs: _OF_EACH.c.value})
    return Bulk(statement, (*same, "ids"))


_ANSWERED = ("outcome", "open", "late_duplicate", "retry_at", "answered_at", "status", "detail")
_PROVEN = ("outcome", "open", "late_duplicate", "retry_at")
_answered_alike = _alike("request_id", _ANSWERED)
_proven_alike = _alike("proof_at", _PROVEN)
_both_alike = Bulk(
    update(a)
    .where(a.c.id == _OF_EACH.c.key)
    .values(
        request_id=func.json_extract(_OF_EACH.c.value, literal_column("'$[0]'")),
        proof_at=func.json_extract(_OF_EACH.c.value, literal_column("'$[1]'")),
    ),
    (*_ANSWERED, "ids"),
)
_answered = attrgetter(*_ANSWERED)
_proven = attrgetter(*_PROVEN)
_answer = attrgetter("answered_at", "status", "detail", "request_id")
_BIRTH = (
    "step_index",
    "step",
    "at",
    "gives_proof",
    "closes_at",
    "units",
    "carrier",
    "spare",
)

_insert_attempts = InsertAlike(a, (*_BIRTH, *_TOLD), ("id", "notice_id"))


class Stale(Exception):
    """A notice is no longer as it was thought to be: roll back, read it, and decide anew."""


ALIKE = 4
"""So many that are changed alike are changed by one statement."""


async def save(
    tx: Tx, changes: Sequence[tuple[Notice, Notice]], units: Mapping[str, int] | None = None
) -> None:
    """Writes what differs between before and after. `units`: SMS segments of new attempts, by their id.

    Raises Stale where a row is not as its notice was before.
    """
    born: dict[Values, list[str]] = {}
    told: list[tuple[Attempt, Attempt]] = []
    moved: dict[Values, tuple[Values, list[str]]] = {}
    for before, after in changes:
        if after is before:
            continue
        alike = _kind(before, after)
        if (group := moved.get(alike)) is None:
            moved[alike] = _notice_values(before, after), [after.id]
        else:
            group[1].append(after.id)
        if after.attempts is before.attempts:
            continue
        known = len(before.attempts)
        for at, attempt in enumerate(after.attempts):
            # Attempts are only ever added at the end.
            if at >= known:
                born.setdefault(_birth_values(attempt, units), []).extend((attempt.id, after.id))
            elif (old := before.attempts[at]) is not attempt and old != attempt:
                told.append((old, attempt))
    for values, ids in born.items():
        await insert_attempts(tx, values, ids)
    await _tell(tx, told)
    await _save_notices(tx, moved.values())


async def begin_alike(
    tx: Tx, before: Notice, after: Notice, notice_ids: Sequence[str], attempt_ids: Sequence[str]
) -> None:
    """Writes that the same becomes of some notices. `before` and `after`: one of them, whichever; `attempt_ids`: of the
    attempts that begin, in the order of the notices; none begins where there are none. Raises Stale as `save` does.
    """
    if attempt_ids:
        ids = list(chain.from_iterable(zip(attempt_ids, notice_ids, strict=True)))
        await insert_attempts(tx, _birth_values(after.attempts[-1], None), ids)
    await _save_alike(tx, before, after, notice_ids)


class Telling(NamedTuple):
    """What is told of one attempt: the answer's request id, when its message was proven to have come."""

    notice_id: str
    attempt_id: str
    request_id: str | None
    proof_at: int | None


async def tell_alike(tx: Tx, before: Notice, after: Notice, told: Sequence[Telling]) -> None:
    """The same of what was told of the only attempt of some notices: they differ in nothing but that. Raises Stale."""
    old, new = before.attempts[0], after.attempts[0]
    each: dict[str, Any]
    if old.proof_at == new.proof_at:
        statement, same = _answered_alike, _answered(new)
        each = {x.attempt_id: x.request_id for x in told}
    elif old.answered_at == new.answered_at:
        statement, same = _proven_alike, _proven(new)
        each = {x.attempt_id: x.proof_at for x in told}
    else:
        statement, same = _both_alike, _answered(new)
        each = {x.attempt_id: (x.request_id, x.proof_at) for x in told}
    await statement(tx, [(*map(_plain, same), _encode(each).decode())])
    await _save_alike(tx, before, after, [x.notice_id for x in told])


async def _save_alike(tx: Tx, before: Notice, after: Notice, notice_ids: Sequence[str]) -> None:
    values = _notice_values(before, after)
    if await _update_alike(tx, [(listed(notice_ids), *values)]) < len(notice_ids):
        raise Stale


async def _save_notices(tx: Tx, moved: Iterable[tuple[Values, list[str]]]) -> None:
    few: list[Values] = []
    wanted = changed = 0
    for values, ids in moved:
        if len(ids) < ALIKE:
            few += [(x, *values) for x in ids]
        else:
            wanted += len(ids)
            changed += await _update_alike(tx, [(listed(ids), *values)])
    changed += await _update_notices(tx, few)
    if changed < wanted + len(few):
        raise Stale


async def insert_attempts(tx: Tx, values: Values, ids: Sequence[str]) -> None:
    """Stores attempts that have all but their ids in common; `ids`: of each its own and its notice's, in turn."""
    await _insert_attempts(tx, values, ids)


async def _tell(tx: Tx, told: Sequence[tuple[Attempt, Attempt]]) -> None:
    """Writes what became of attempts. Most were only answered, all alike but for the carrier's name of the request, or
    only proven, all alike but for the moment.
    """
    answered: dict[Values, dict[str, Any]] = {}
    proven: dict[Values, dict[str, Any]] = {}
    others: list[Attempt] = []
    for old, new in told:
        if old.proof_at == new.proof_at:
            answered.setdefault(_answered(new), {})[new.id] = new
        elif _answer(old) == _answer(new):
            proven.setdefault(_proven(new), {})[new.id] = new
        else:
            others.append(new)
    for statement, groups, differs in (
        (_answered_alike, answered, "request_id"),
        (_proven_alike, proven, "proof_at"),
    ):
        for same, each in groups.items():
            if len(each) < ALIKE:
                others += each.values()
                continue
            listed_by_id = _encode({x: getattr(new, differs) for x, new in each.items()}).decode()
            await statement(tx, [(*map(_plain, same), listed_by_id)])
    await _update_attempts(tx, [(x.id, *_told_values(x)) for x in others])


def _plain(value: Any) -> Any:
    """As the driver takes it."""
    return str(value) if isinstance(value, str) else int(value) if isinstance(value, bool) else value


def _kind(b: Notice, x: Notice) -> Values:
    """The same for changes that have the same `_notice_values`: those take longer to find."""
    attempts = x.attempts
    tried: object = None
    if len(attempts) == 1:
        first = attempts[0]
        tried = first.step_index, first.retry_at
    elif attempts:
        tried = x.id
    return (
        *(id(x.policy), tried),
        *(x.state, x.reason, x.step_index, x.skips, x.cancelled_at, x.ended_at, x.due_at),
        *(b.state, b.step_index, b.due_at, b.cancelled_at, b.ended_at),
    )


def _notice_values(b: Notice, x: Notice) -> Values:
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


def _told_values(x: Attempt) -> Values:
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


def _birth_values(x: Attempt, units: Mapping[str, int] | None) -> Values:
    parts = units.get(x.id) if units else None
    began = (x.step_index, str(x.step), x.at, int(x.gives_proof), x.closes_at, parts, x.carrier, x.spare)
    return began + _told_values(x)


# A policy's steps are skipped for the same few reasons in all its notices.
@lru_cache(maxsize=1024)
def _skips_text(skips: tuple[tuple[str, str], ...]) -> str | None:
    return json.dumps(skips) if skips else None
