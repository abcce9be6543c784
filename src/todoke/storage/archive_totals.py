"""What archived notices came to, counted when they left: so reports need not read the archive.

By account, channel, batch and the hour in which the notices were taken in. What each kind counts is what the function
of `storage.reporting` counts that reads it.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update

from todoke.core.durations import HOUR
from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.core.states import State
from todoke.storage.archive_files import Kept
from todoke.storage.bulk import Bulk
from todoke.storage.database import Tx
from todoke.storage.scope import Scope
from todoke.storage.tables import archive_totals as c

ENDS, ATTEMPTS, DELIVERED_BY, CHARGED, TEMPLATES, PROOFS = (
    *("ends", "attempts", "delivered_by", "charged"),
    *("templates", "proofs"),
)
BUCKETS = (60_000, 600_000, 3_600_000, 4 * 3_600_000, 24 * 3_600_000)
_SMS_TAKEN = (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.LATE, Outcome.SILENT, Outcome.UNKNOWN)


class Total(NamedTuple):
    """`more`: of attempts, the late duplicates; of what is charged, the units."""

    key: tuple[Any, ...]
    many: int
    more: int


_KEY = ("account_id", "channel_id", "batch_id", "hour", "kind", "key")
_insert = Bulk(insert(c), (*_KEY, "count", "more"))
_add = Bulk(
    update(c)
    .where(*(c.c[x] == bindparam(f"of_{x}") for x in _KEY))
    .values(count=c.c.count + bindparam("many"), more=c.c.more + bindparam("further")),
    ("many", "further", *(f"of_{x}" for x in _KEY)),
)


async def add(tx: Tx, notices: Iterable[Kept]) -> None:
    """Counts notices that leave in this transaction."""
    counts: Counter[tuple[Any, ...]] = Counter()
    mores: Counter[tuple[Any, ...]] = Counter()
    for kept in notices:
        x = kept.notice
        hour = x["created_at"] - x["created_at"] % HOUR
        place = (x["account_id"], x["channel_id"], x.get("batch_id", ""), hour)
        for kind, key, more in _counted(kept):
            counts[*place, kind, json.dumps(key)] += 1
            mores[*place, kind, json.dumps(key)] += more
    accounts, hours = sorted({x[0] for x in counts}), sorted({x[3] for x in counts})
    stands = select(*(c.c[x] for x in _KEY)).where(c.c.account_id.in_(accounts), c.c.hour.in_(hours))
    known = {tuple(row) for row in await tx.execute(stands)}
    await _insert(tx, [(*x, counts[x], mores[x]) for x in sorted(counts) if x not in known])
    await _add(tx, [(counts[x], mores[x], *x) for x in sorted(counts) if x in known])


def _counted(kept: Kept) -> Iterable[tuple[str, list[Any], int]]:
    """Kind, key and what more, once for each that counts."""
    x, attempts = kept.notice, kept.attempts
    yield ENDS, [x["state"], x.get("reason")], 0
    if x["state"] != State.REFUSED:
        yield TEMPLATES, [x["country"], x["template_id"], x.get("language")], 0
    for t in attempts:
        yield ATTEMPTS, [t["step"], t.get("outcome")], t["late_duplicate"]
        if _is_charged(t):
            yield CHARGED, [x["country"], t["step"], t.get("carrier")], t.get("units", 1)
        if "proof_at" in t:
            took = t["proof_at"] - t["at"]
            yield PROOFS, [t["step"], sum(took > limit for limit in BUCKETS)], 0
    if x["state"] == State.DELIVERED and (proved := [t for t in attempts if "proof_at" in t]):
        yield DELIVERED_BY, [min(proved, key=lambda t: t["proof_at"])["step"]], 0


def _is_charged(t: dict[str, Any]) -> bool:
    outcome = t.get("outcome")
    match t["step"]:
        case Step.LINE_NOTIFICATION:
            return "proof_at" in t
        case Step.LINE_PUSH | Step.CALLBACK:
            return bool(outcome == Outcome.ACCEPTED)
        case Step.SMS:
            return outcome in _SMS_TAKEN or (outcome == Outcome.FAILED and "request_id" in t)
    return False


async def of(tx: Tx, scope: Scope, kind: str) -> list[Total]:
    """The sums of one kind. An hour counts where it begins in the scope's time."""
    where = [c.c.account_id == scope.account_id, c.c.kind == kind]
    if scope.batch_id is not None:
        where.append(c.c.batch_id == scope.batch_id)
    if scope.channel_id is not None:
        where.append(c.c.channel_id == scope.channel_id)
    if scope.since is not None:
        where.append(c.c.hour >= scope.since)
    if scope.until is not None:
        where.append(c.c.hour < scope.until)
    query = select(c.c.key, func.sum(c.c.count), func.sum(c.c.more)).where(*where).group_by(c.c.key)
    return [Total(tuple(json.loads(r[0])), int(r[1]), int(r[2])) for r in await tx.execute(query)]


async def until(tx: Tx, scope: Scope) -> int | None:
    """Where the last hour ends of which notices were archived; None: none were."""
    where = [c.c.account_id == scope.account_id]
    if scope.batch_id is not None:
        where.append(c.c.batch_id == scope.batch_id)
    last: int | None = (await tx.execute(select(func.max(c.c.hour)).where(*where))).scalar_one_or_none()
    return None if last is None else last + HOUR
