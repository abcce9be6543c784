"""Which LINE user a number belongs to, by the user's own act."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, insert, select, update

from todoke.storage.database import Tx, portions
from todoke.storage.tables import bindings as b


class Binding(msgspec.Struct, kw_only=True):
    """A number bound to a user ID. It ended at `unbound_at`; None: it stands."""

    id: str
    account_id: str
    provider: str
    number: str
    user_id: str
    way: str
    consent: str | None = None
    bound_at: int
    unbound_at: int | None = None
    unbound_why: str | None = None
    created_at: int


_COLUMNS = tuple(b.c[x] for x in Binding.__struct_fields__)


async def insert_binding(tx: Tx, binding: Binding) -> None:
    await tx.execute(insert(b), msgspec.structs.asdict(binding))


# Made once: with hundreds of numbers a new statement costs SQLAlchemy more than the look-up itself.
_USERS_OF = (
    select(b.c.number, b.c.user_id)
    .where(
        b.c.number.in_(bindparam("numbers", expanding=True)),
        b.c.unbound_at.is_(None),
        b.c.account_id == bindparam("account"),
        b.c.provider == bindparam("of_provider"),
    )
    .order_by(b.c.bound_at.desc(), b.c.id.desc())
)
_ANY = select(b.c.id).where(b.c.account_id == bindparam("account")).limit(1)


async def users_of(tx: Tx, account_id: str, provider: str, numbers: Iterable[str]) -> dict[str, list[str]]:
    """The user IDs that are bound to each of the numbers now, the newest binding first."""
    found: dict[str, list[str]] = defaultdict(list)
    if (await tx.execute(_ANY, {"account": account_id})).first() is None:
        return found  # As with accounts that bind nobody: no number is looked up.
    for portion in portions(numbers):
        given = {"numbers": portion, "account": account_id, "of_provider": provider}
        for row in await tx.execute(_USERS_OF, given):
            found[row.number].append(row.user_id)
    return found


async def standing(tx: Tx, account_id: str, provider: str, number: str, user_id: str) -> Binding | None:
    """The binding of this number to this user, if it stands."""
    query = select(*_COLUMNS).where(
        b.c.account_id == account_id,
        b.c.provider == provider,
        b.c.user_id == user_id,
        b.c.number == number,
        b.c.unbound_at.is_(None),
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Binding(**row._mapping)


async def get_binding(tx: Tx, account_id: str, binding_id: str) -> Binding | None:
    query = select(*_COLUMNS).where(b.c.account_id == account_id, b.c.id == binding_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Binding(**row._mapping)


async def end(tx: Tx, binding_id: str, at: int, why: str | None) -> None:
    await tx.execute(update(b).where(b.c.id == binding_id).values(unbound_at=at, unbound_why=why))


async def list_bindings(
    tx: Tx, account_id: str, *, ended: bool, before: str | None, limit: int
) -> list[Binding]:
    """The newest first, those made before `before`. `ended`: those that stand no more too."""
    query = select(*_COLUMNS).where(b.c.account_id == account_id)
    if not ended:
        query = query.where(b.c.unbound_at.is_(None))
    if before is not None:
        query = query.where(b.c.id < before)
    rows = await tx.execute(query.order_by(b.c.id.desc()).limit(limit))
    return [Binding(**row._mapping) for row in rows]


async def of_number(tx: Tx, account_id: str, number: str, provider: str | None, limit: int) -> list[Binding]:
    """The bindings of a number that stand, the newest first; of one provider, or of all."""
    query = select(*_COLUMNS).where(
        b.c.number == number, b.c.account_id == account_id, b.c.unbound_at.is_(None)
    )
    if provider is not None:
        query = query.where(b.c.provider == provider)
    rows = await tx.execute(query.order_by(b.c.bound_at.desc(), b.c.id.desc()).limit(limit))
    return [Binding(**row._mapping) for row in rows]
