"""Dropping what is old in portions, so that nobody waits long for the one who writes."""

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from todoke.storage.database import Tx

ALL = 1_000_000_000


async def forget(tx: Tx, table: Table, old: ColumnElement[bool], most: int) -> int:
    """Drops so many rows at most; answers how many it were. An index must find them."""
    key = list(table.primary_key.columns)
    some = select(*key).where(old).limit(most)
    which = key[0].in_(some) if len(key) == 1 else tuple_(*key).in_(some)
    return (await tx.execute(delete(table).where(which))).rowcount
