"""Which LINE user a number belongs to, by the user's own act."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import insert, select, update

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
    link_id: str | None = None
    """The bind link that it was made by, or last confirmed."""
    consent_version: int | None = None
    language: str | None = None
    """Of the text that was agreed to."""
    confirmed_at: int | None = None
    """When the number last was shown to be the user's; None: when it was bound."""
    doubted_at: int | None = None
    """Since when something says that the number may be another person's; None: nothing does."""
    doubted_why: str | None = None


_COLUMNS = tuple(b.c[x] for x in Binding.__struct_fields__)


async def insert_binding(tx: Tx, binding: Binding) -> None:
    await tx.execute(insert(b), msgspec.structs.asdict(binding))


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


async def of_user(tx: Tx, account_id: str, provider: str, user_id: str) -> list[Binding]:
    """The bindings of a LINE user that stand, the newest first."""
    query = select(*_COLUMNS).where(
        b.c.account_id == account_id,
        b.c.provider == provider,
        b.c.user_id == user_id,
        b.c.unbound_at.is_(None),
    )
    rows = await tx.execute(query.order_by(b.c.bound_at.desc(), b.c.id.desc()))
    return [Binding(**row._mapping) for row in rows]


async def find(tx: Tx, binding_id: str) -> Binding | None:
    """A binding by its id, whichever account's it is."""
    row = (await tx.execute(select(*_COLUMNS).where(b.c.id == binding_id))).one_or_none()
    return None if row is None else Binding(**row._mapping)


async def by_ids(tx: Tx, ids: Iterable[str]) -> dict[str, Binding]:
    """Those of the bindings that exist, ended ones too."""
    found: dict[str, Binding] = {}
    for portion in portions(ids):
        rows = await tx.execute(select(*_COLUMNS).where(b.c.id.in_(portion)))
        found.update((row.id, Binding(**row._mapping)) for row in rows)
    return found


async def confirm(tx: Tx, binding: Binding) -> None:
    """Writes that the user has shown again that the number is theirs, and what they agreed to."""
    changed = ("way", "consent", "consent_version", "language", "link_id", "confirmed_at")
    values = {x: getattr(binding, x) for x in changed}
    lifted = {"doubted_at": None, "doubted_why": None}
    await tx.execute(update(b).where(b.c.id == binding.id).values(values | lifted))


async def doubt(tx: Tx, binding_ids: Iterable[str], at: int, why: str) -> None:
    """Writes that these may be another person's now. A doubt that is there already stays."""
    for portion in portions(binding_ids):
        first = (b.c.id.in_(portion), b.c.doubted_at.is_(None), b.c.unbound_at.is_(None))
        await tx.execute(update(b).where(*first).values(doubted_at=at, doubted_why=why))


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
