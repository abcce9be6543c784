"""Stores the notices of lists, hundreds in a statement.

For each row by itself the driver gives the interpreter to other threads and takes it back: where those are busy, that
costs milliseconds a row. And the values that all rows of a list have in common are handed over once.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

from todoke.storage.database import Tx, at_once, insert_alike
from todoke.storage.notices import NewNotice
from todoke.storage.tables import notices as n

_OF_EACH = (
    *("id", "reference", "number", "country", "parameters"),
    *("due_at", "lane", "deadline_at", "language", "event_at"),
)
_SHARED = tuple(x for x in NewNotice.__struct_fields__ if x not in _OF_EACH)
_of_each = attrgetter(*_OF_EACH)
_shared = attrgetter(*_SHARED)
_SIZES = (500, 50, 5, 1)

Statement = tuple[str, list[Any]]


@lru_cache
def _text(rows: int) -> str:
    return insert_alike(n, _SHARED, _OF_EACH, rows)


def _statements(rows: Sequence[NewNotice]) -> list[Statement]:
    shared = _shared(rows[0])
    made: list[Statement] = []
    at = 0
    for size in _SIZES:
        while len(rows) - at >= size:
            values = chain(shared, chain.from_iterable(map(_of_each, rows[at : at + size])))
            made.append((_text(size), list(values)))
            at += size
    return made


async def insert_list(tx: Tx, rows: Sequence[NewNotice]) -> None:
    """Stores new notices of one batch, made at one time: they are alike but for what each row of a list may say, and
    whether they are held back. Raises the database's error where an id stands already.
    """
    if not rows:
        return
    statements = _statements(rows)
    direct = at_once(tx)
    if direct is None:
        for text, values in statements:
            await tx.exec_driver_sql(text, tuple(values))
        return
    # A statement over hundreds of rows holds no thread up but its own.
    working = asyncio.ensure_future(asyncio.to_thread(_run, direct, statements))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        # The connection is nobody else's before this is over.
        await asyncio.wait([working])
        raise


def _run(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    for text, values in statements:
        connection.execute(text, values)
