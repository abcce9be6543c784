"""Reading for people: one notice with its attempts, lists, and the counts that reports are made of."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, func, select

from todoke.core.routing import Step
from todoke.storage import archive_totals, notice_keys
from todoke.storage.archive_files import Kept
from todoke.storage.archive_totals import BUCKETS as BUCKETS
from todoke.storage.database import Tx
from todoke.storage.notice_keys import NUMBERS, REFERENCES
from todoke.storage.scope import Scope as Scope
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n
from todoke.storage.tables import policies as p
from todoke.storage.tables import sources as s
from todoke.storage.tables import templates as t


class NoticeRow(msgspec.Struct, kw_only=True):
    """A notice with the names that people know it by."""

    id: str
    channel_id: str
    template_id: str
    template_name: str
    template_version: int
    policy_id: str
    policy_name: str | None
    policy_version: int | None
    policy_why: str | None
    batch_id: str | None
    reference: str | None
    number: str
    country: str
    state: str
    reason: str | None
    step_index: int
    skips: str | None
    created_at: int
    deadline_at: int | None
    cancelled_at: int | None
    ended_at: int | None
    due_at: int | None
    erased_at: int | None = None
    source_name: str | None = None
    source_ground: str | None = None
    language: str | None = None
    event_at: int | None = None


class AttemptRow(msgspec.Struct, kw_only=True):
    """An attempt as it is stored."""

    id: str
    notice_id: str
    step_index: int
    step: str
    at: int
    outcome: str | None
    open: int
    closes_at: int
    answered_at: int | None
    proof_at: int | None
    late_duplicate: int
    status: int | None
    detail: str | None
    request_id: str | None
    units: int | None
    carrier: str | None
    gives_proof: int


_JOINED = {
    "template_name": t.c.name.label("template_name"),
    "template_version": t.c.version.label("template_version"),
    "policy_name": p.c.of_name.label("policy_name"),
    "policy_version": p.c.of_version.label("policy_version"),
    "policy_why": p.c.why.label("policy_why"),
    "source_name": s.c.name.label("source_name"),
    "source_ground": s.c.ground.label("source_ground"),
}
_NOTICE = tuple(_JOINED[f] if f in _JOINED else n.c[f] for f in NoticeRow.__struct_fields__)
_ATTEMPT = tuple(a.c[f] for f in AttemptRow.__struct_fields__)


def _notices() -> Select[Any]:
    joined = select(*_NOTICE).join(t, t.c.id == n.c.template_id).join(p, p.c.id == n.c.policy_id)
    return joined.outerjoin(s, s.c.id == n.c.source_id)


async def get_notice(tx: Tx, account_id: str, notice_id: str) -> NoticeRow | None:
    query = _notices()
    row = (await tx.execute(query.where(n.c.id == notice_id, n.c.account_id == account_id))).one_or_none()
    return None if row is None else NoticeRow(**row._mapping)


async def list_notices(
    tx: Tx,
    account_id: str,
    *,
    state: str | None,
    batch_id: str | None,
    reference: str | None,
    before: str | None,
    limit: int,
) -> list[NoticeRow]:
    """The newest first; `before` is the last id of the page before."""
    where: list[ColumnElement[bool]] = [n.c.account_id == account_id]
    if state is not None:
        where.append(n.c.state == state)
    if batch_id is not None:
        where.append(n.c.batch_id == batch_id)
    if before is not None:
        where.append(n.c.id < before)
    query = _notices()
    if reference is None:
        query = query.where(*where)
    else:
        query = query.where(notice_keys.newest(REFERENCES, reference, limit, *where))
    return [NoticeRow(**r._mapping) for r in await tx.execute(query.order_by(n.c.id.desc()).limit(limit))]


async def notices_of_number(
    tx: Tx, account_id: str, number: str, channel_id: str | None, limit: int
) -> list[NoticeRow]:
    """The last notices to a number, the newest first; of one channel, or of all."""
    where = [n.c.account_id == account_id]
    if channel_id is not None:
        where.append(n.c.channel_id == channel_id)
    query = _notices().where(notice_keys.newest(NUMBERS, number, limit, *where))
    return [NoticeRow(**r._mapping) for r in await tx.execute(query.order_by(n.c.id.desc()).limit(limit))]


async def batch_after(
    tx: Tx, batch_id: str, after: str, limit: int, states: Sequence[str] | None = None
) -> list[NoticeRow]:
    """A batch's notices in order, for results as a file; all, or those in one of the states."""
    query = _notices().where(n.c.batch_id == batch_id, n.c.id > after).order_by(n.c.id).limit(limit)
    if states is not None:
        query = query.where(n.c.state.in_(states))
    return [NoticeRow(**r._mapping) for r in await tx.execute(query)]


async def attempts_of(tx: Tx, notice_ids: Sequence[str]) -> dict[str, list[AttemptRow]]:
    found: dict[str, list[AttemptRow]] = {x: [] for x in notice_ids}
    query = select(*_ATTEMPT).where(a.c.notice_id.in_(list(notice_ids))).order_by(a.c.id)
    for row in await tx.execute(query):
        found[row.notice_id].append(AttemptRow(**row._mapping))
    return found


async def count_ends(tx: Tx, scope: Scope) -> list[tuple[str, str | None, int]]:
    """How many notices by state and reason."""
    query = select(n.c.state, n.c.reason, func.count()).where(*scope.where()).group_by(n.c.state, n.c.reason)
    return [(*key, sums[0]) for key, sums in await _with_archived(tx, query, scope, archive_totals.ENDS)]


async def _with_archived(
    tx: Tx, query: Select[Any], scope: Scope, kind: str, columns: int = 1
) -> list[tuple[tuple[Any, ...], list[int]]]:
    """The rows of a query, whose last `columns` are sums, added to what the archived notices came to."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in await tx.execute(query):
        sums[tuple(row[:-columns])] = [int(x or 0) for x in row[-columns:]]
    for key, count, more in await archive_totals.of(tx, scope, kind):
        stands = sums.setdefault(key, [0] * columns)
        for at, value in enumerate((count, more)[:columns]):
            stands[at] += value
    return sorted(sums.items(), key=lambda x: tuple(y or "" for y in x[0]))


async def count_attempts(tx: Tx, scope: Scope) -> list[tuple[str, str | None, int, int]]:
    """How many attempts by step and outcome, and how many of them late duplicates."""
    query = (
        select(a.c.step, a.c.outcome, func.count(), func.sum(a.c.late_duplicate))
        .join(n, n.c.id == a.c.notice_id)
        .where(*scope.where())
        .group_by(a.c.step, a.c.outcome)
    )
    return [(*k, *v) for k, v in await _with_archived(tx, query, scope, archive_totals.ATTEMPTS, 2)]


async def count_delivered_by(tx: Tx, scope: Scope) -> dict[str, int]:
    """For notices that reached their recipient: which step's proof came first, by step."""
    place = func.row_number().over(partition_by=a.c.notice_id, order_by=a.c.proof_at).label("place")
    proofs = (
        select(a.c.step, place)
        .join(n, n.c.id == a.c.notice_id)
        .where(*scope.where(), n.c.state == "delivered", a.c.proof_at.is_not(None))
        .subquery()
    )
    query = select(proofs.c.step, func.count()).where(proofs.c.place == 1).group_by(proofs.c.step)
    return {k[0]: v[0] for k, v in await _with_archived(tx, query, scope, archive_totals.DELIVERED_BY)}


async def charged(tx: Tx, scope: Scope) -> list[tuple[str, str, str | None, int, int]]:
    """What carriers charge for: (country, step, SMS carrier, messages, units).

    Notifications that were shown, pushes and callbacks that were taken, SMS that their carrier took.
    """
    shown = and_(a.c.step == Step.LINE_NOTIFICATION, a.c.proof_at.is_not(None))
    given = and_(a.c.step.in_((Step.LINE_PUSH, Step.CALLBACK)), a.c.outcome == "accepted")
    taken = and_(
        a.c.step == Step.SMS, a.c.outcome.in_(("accepted", "delivered", "late", "silent", "unknown"))
    )
    failed_later = and_(a.c.step == Step.SMS, a.c.outcome == "failed", a.c.request_id.is_not(None))
    query = (
        select(n.c.country, a.c.step, a.c.carrier, func.count(), func.sum(func.coalesce(a.c.units, 1)))
        .join(n, n.c.id == a.c.notice_id)
        .where(*scope.where(), shown | given | taken | failed_later)
        .group_by(n.c.country, a.c.step, a.c.carrier)
    )
    return [(*k, *v) for k, v in await _with_archived(tx, query, scope, archive_totals.CHARGED, 2)]


async def count_by_template(tx: Tx, scope: Scope) -> list[tuple[str, str, str | None, int]]:
    """How many notices by country, template and language, without those that were refused."""
    query = (
        select(n.c.country, n.c.template_id, n.c.language, func.count())
        .where(*scope.where(), n.c.state != "refused")
        .group_by(n.c.country, n.c.template_id, n.c.language)
    )
    return [(*k, v[0]) for k, v in await _with_archived(tx, query, scope, archive_totals.TEMPLATES)]


async def example_of(tx: Tx, template_id: str, language: str | None, scope: Scope) -> str | None:
    """The parameters of one notice of a template in a language, as JSON, to size what its text would be."""
    same = n.c.language.is_(None) if language is None else n.c.language == language
    query = select(n.c.parameters).where(*scope.where(), n.c.template_id == template_id, same).limit(1)
    return (await tx.execute(query)).scalar_one_or_none()


async def proof_times(tx: Tx, scope: Scope) -> list[tuple[str, list[int]]]:
    """By step: how many proofs came within each of BUCKETS milliseconds of the request, and in all."""
    took = a.c.proof_at - a.c.at
    sums = [func.sum(case((took <= limit, 1), else_=0)) for limit in BUCKETS]
    query = (
        select(a.c.step, *sums, func.count())
        .join(n, n.c.id == a.c.notice_id)
        .where(*scope.where(), a.c.proof_at.is_not(None))
        .group_by(a.c.step)
    )
    found = {r[0]: [int(x) for x in r[1:]] for r in await tx.execute(query)}
    for (step, bucket), count, _ in await archive_totals.of(tx, scope, archive_totals.PROOFS):
        counts = found.setdefault(step, [0] * (len(BUCKETS) + 1))
        for at in range(bucket, len(counts)):
            counts[at] += count
    return sorted(found.items())


async def of_kept(tx: Tx, kept: Iterable[Kept]) -> list[tuple[NoticeRow, list[AttemptRow]]]:
    """Archived notices as rows, each with its attempts."""
    found = list(kept)

    async def named(columns: dict[str, Any], ids: set[str]) -> dict[str, dict[str, Any]]:
        table = columns["id"].table
        query = select(*(x.label(name) for name, x in columns.items())).where(table.c.id.in_(sorted(ids)))
        return {
            row.id: {k: v for k, v in row._mapping.items() if k != "id"} for row in await tx.execute(query)
        }

    def ids_of(column: str) -> set[str]:
        return {x.notice[column] for x in found if column in x.notice}

    templates = await named(
        {"id": t.c.id, "template_name": t.c.name, "template_version": t.c.version}, ids_of("template_id")
    )
    policies = await named(
        {"id": p.c.id, "policy_name": p.c.of_name, "policy_version": p.c.of_version, "policy_why": p.c.why},
        ids_of("policy_id"),
    )
    sources = await named(
        {"id": s.c.id, "source_name": s.c.name, "source_ground": s.c.ground}, ids_of("source_id")
    )
    rows = []
    for x in found:
        joined = templates[x.notice["template_id"]] | policies[x.notice["policy_id"]]
        joined |= sources.get(x.notice.get("source_id", ""), {})
        notice: Any = {f: (x.notice | joined).get(f) for f in NoticeRow.__struct_fields__}
        attempts: Any = [{f: y.get(f) for f in AttemptRow.__struct_fields__} for y in x.attempts]
        rows.append((NoticeRow(**notice), [AttemptRow(**y) for y in attempts]))
    return rows
