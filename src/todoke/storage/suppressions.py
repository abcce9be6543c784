"""Numbers that are to get nothing, or no SMS. What has ended is kept, with when and why."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, insert, or_, select, update

from todoke.core.routing import Step
from todoke.core.suppression import Cause, Scope
from todoke.storage import notice_keys
from todoke.storage.bulk import Fetch
from todoke.storage.database import Tx, portions
from todoke.storage.tables import attempts as a
from todoke.storage.tables import notices as n
from todoke.storage.tables import suppressions as s


class Suppression(msgspec.Struct, kw_only=True):
    """A number that is not sent something. It ended at `removed_at`; None: it stands."""

    id: str
    account_id: str
    number: str
    scope: Scope
    reason: Cause
    note: str | None = None
    at: int
    """When it was said, or told to us."""
    removed_at: int | None = None
    removed_why: str | None = None
    by: str | None = None
    """Who said so: `api`, `import`, or `sms:` and the carrier that brought the recipient's own word."""
    created_at: int


_COLUMNS = tuple(s.c[x] for x in Suppression.__struct_fields__)
_any = Fetch(select(s.c.id).where(s.c.account_id == bindparam("account"), s.c.removed_at.is_(None)).limit(1))
# Made once: with hundreds of numbers a new statement costs SQLAlchemy more than the look-up itself.
_STANDING = select(*_COLUMNS).where(
    s.c.account_id == bindparam("account"),
    s.c.number.in_(bindparam("numbers", expanding=True)),
    s.c.removed_at.is_(None),
)
_SCOPES = _STANDING.with_only_columns(s.c.number, s.c.scope)
_SCOPE_OF = {x.value: x for x in Scope}


def _row(row: Any) -> Suppression:
    found = Suppression(**row._mapping)
    found.scope, found.reason = Scope(found.scope), Cause(found.reason)
    return found


async def scopes_of(tx: Tx, account_id: str, numbers: Iterable[str]) -> dict[str, set[Scope]]:
    """What each of the numbers is not sent; those without a suppression are left out."""
    found: dict[str, set[Scope]] = defaultdict(set)
    if not await _any(tx, account=account_id):
        return found  # As with most accounts on most days: no number is looked up.
    for portion in portions(sorted(set(numbers))):
        for row in await tx.execute(_SCOPES, {"account": account_id, "numbers": portion}):
            found[row.number].add(_SCOPE_OF[row.scope])
    return found


async def standing(tx: Tx, account_id: str, numbers: Iterable[str]) -> list[Suppression]:
    """The suppressions of these numbers that stand."""
    found: list[Suppression] = []
    for portion in portions(numbers):
        given = {"account": account_id, "numbers": portion}
        found += [_row(row) for row in await tx.execute(_STANDING, given)]
    return found


async def insert_suppressions(tx: Tx, rows: Sequence[Suppression]) -> None:
    """Raises the database's error where one stands already."""
    if rows:
        await tx.execute(insert(s), [_values(x) for x in rows])


def _values(x: Suppression) -> dict[str, Any]:
    return msgspec.structs.asdict(x) | {"scope": str(x.scope), "reason": str(x.reason)}


async def end(tx: Tx, ids: Iterable[str], at: int, why: str | None) -> None:
    """Ends those of these that stand."""
    for portion in portions(ids):
        query = update(s).where(s.c.id.in_(portion), s.c.removed_at.is_(None))
        await tx.execute(query.values(removed_at=at, removed_why=why))


async def get(tx: Tx, account_id: str, suppression_id: str) -> Suppression | None:
    query = select(*_COLUMNS).where(s.c.account_id == account_id, s.c.id == suppression_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _row(row)


async def list_suppressions(
    tx: Tx,
    account_id: str,
    *,
    reason: Cause | None,
    scope: Scope | None,
    ended: bool,
    before: str | None,
    limit: int,
) -> list[Suppression]:
    """The newest first, those made before `before`. `ended`: those that stand no more too."""
    query = select(*_COLUMNS).where(s.c.account_id == account_id)
    if not ended:
        query = query.where(s.c.removed_at.is_(None))
    if reason is not None:
        query = query.where(s.c.reason == str(reason))
    if scope is not None:
        query = query.where(s.c.scope == str(scope))
    if before is not None:
        query = query.where(s.c.id < before)
    return [_row(row) for row in await tx.execute(query.order_by(s.c.id.desc()).limit(limit))]


async def of_number(tx: Tx, account_id: str, number: str, limit: int) -> list[Suppression]:
    """The suppressions of a number, ended ones too, the newest first."""
    query = select(*_COLUMNS).where(s.c.account_id == account_id, s.c.number == number)
    return [_row(row) for row in await tx.execute(query.order_by(s.c.id.desc()).limit(limit))]


async def counts(tx: Tx, account_id: str) -> list[tuple[str, str, bool, int]]:
    """How many by (scope, reason, whether it has ended)."""
    over = s.c.removed_at.is_not(None)
    query = (
        select(s.c.scope, s.c.reason, over, func.count())
        .where(s.c.account_id == account_id)
        .group_by(s.c.scope, s.c.reason, over)
    )
    return [(r[0], r[1], bool(r[2]), r[3]) for r in await tx.execute(query)]


async def accounts_that_sent_sms(tx: Tx, number: str, carrier: str, since: int) -> list[str]:
    """The accounts whose SMS to this number went to this carrier after that time."""
    query = (
        select(n.c.account_id)
        .distinct()
        .join(a, a.c.notice_id == n.c.id)
        .where(
            notice_keys.of_number(number),
            a.c.step == str(Step.SMS),
            # An SMS of the first version has no carrier written down; there was only one.
            or_(a.c.carrier == carrier, a.c.carrier.is_(None)),
            a.c.at > since,
        )
        .order_by(n.c.account_id)
    )
    return [row[0] for row in await tx.execute(query)]


async def accounts_with_notices(tx: Tx, number: str) -> list[str]:
    """The accounts that ever had a notice to this number."""
    query = select(n.c.account_id).distinct().where(notice_keys.of_number(number)).order_by(n.c.account_id)
    return [row[0] for row in await tx.execute(query)]


async def by_word(tx: Tx, number: str, by: str) -> list[Suppression]:
    """Of every account: what stands for this number by its user's own word, as `by` says."""
    query = select(*_COLUMNS).where(
        s.c.number == number,
        s.c.by == by,
        s.c.reason == str(Cause.OPT_OUT),
        s.c.removed_at.is_(None),
    )
    return [_row(row) for row in await tx.execute(query)]
