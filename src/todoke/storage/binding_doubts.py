"""Whom numbers are bound to, with all that decides whether it may be relied on."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from todoke.core.bound import Holder
from todoke.storage.bulk import IDS, Fetch
from todoke.storage.database import Tx, among, portions
from todoke.storage.tables import bindings as b
from todoke.storage.tables import channels as c

# Made once: with hundreds of numbers a new statement costs SQLAlchemy more than the look-up itself.
_HOLDERS_OF = (
    select(
        b.c.number,
        b.c.id,
        b.c.provider,
        b.c.user_id,
        func.coalesce(b.c.confirmed_at, b.c.bound_at).label("shown_at"),
        b.c.link_id,
        b.c.doubted_at,
        b.c.doubted_why,
    )
    .where(
        b.c.number.in_(bindparam("numbers", expanding=True)),
        b.c.unbound_at.is_(None),
        b.c.account_id == bindparam("account"),
    )
    .order_by(b.c.bound_at.desc(), b.c.id.desc())
)
_any = Fetch(select(b.c.id).where(b.c.account_id == bindparam("account")).limit(1))
_owners = Fetch(
    select(c.c.id, c.c.account_id, c.c.provider).where(
        among(c.c.id, IDS), select(b.c.id).where(b.c.account_id == c.c.account_id).exists()
    )
)


async def holders_of(
    tx: Tx, account_id: str, provider: str | None, numbers: Iterable[str]
) -> dict[str, list[Holder]]:
    """Who is bound to each of the numbers, the newest binding first; under one LINE provider, or under all."""
    found: dict[str, list[Holder]] = {}
    if not await _any(tx, account=account_id):
        return found  # As with accounts that bind nobody: no number is looked up.
    for portion in portions(numbers):
        for row in await tx.execute(_HOLDERS_OF, {"numbers": portion, "account": account_id}):
            if provider in (None, row.provider):
                holder = Holder(
                    binding_id=row.id,
                    provider=row.provider,
                    user_id=row.user_id,
                    shown_at=row.shown_at,
                    told=row.link_id is None,
                    doubted_at=row.doubted_at,
                    doubted_why=row.doubted_why,
                )
                found.setdefault(row.number, []).append(holder)
    return found


class Owner(NamedTuple):
    """Whose a channel is, and the LINE provider it is under."""

    account_id: str
    provider: str


async def owners_with_bindings(tx: Tx, channel_ids: Iterable[str]) -> dict[str, Owner]:
    """Those of the channels whose account has ever bound a number."""
    return {row[0]: Owner(row[1], row[2]) for row in await _owners.among(tx, sorted(channel_ids))}
