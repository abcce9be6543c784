"""One statement for many rows, without what SQLAlchemy does for each row, and each statement, anew.

The statements are SQLAlchemy's, compiled once a dialect. Values go to the driver, and come from it, as they are: so a
column may only be of a type that needs no conversion (texts, whole numbers, bytes).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Delete, Insert, Select, String, Table, Update, bindparam
from sqlalchemy.engine import Dialect

from todoke.storage.database import Tx, at_once, insert_alike, portions

Row = tuple[Any, ...]
_encode = msgspec.json.Encoder().encode


class Bulk:
    """An insert or update of `names`, given as tuples in that order; a name that is no column stands in the
    statement's own conditions.
    """

    def __init__(self, statement: Insert | Update, names: Sequence[str]) -> None:
        columns = statement.table.c
        self._statement = statement.values({name: bindparam(name) for name in names if name in columns})
        self._names = tuple(names)
        self._compiled: dict[str, tuple[str, Any]] = {}

    async def __call__(self, tx: Tx, rows: Sequence[Row]) -> int:
        """Answers how many rows were stored or changed."""
        if not rows:
            return 0
        text, ordered = self._compiled.get(tx.dialect.name) or self._compile(tx.dialect)
        values = [ordered(row) for row in rows]
        if (direct := at_once(tx)) is not None:
            return direct.executemany(text, values).rowcount
        return (await tx.exec_driver_sql(text, values)).rowcount

    def _compile(self, dialect: Dialect) -> tuple[str, Any]:
        text, names = compiled(self._statement, dialect)
        self._compiled[dialect.name] = text, itemgetter(*(self._names.index(name) for name in names))
        return self._compiled[dialect.name]


class Fetch:
    """A select with bound values; its rows are tuples."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Sequence[str], dict[str, Any]]] = {}

    async def __call__(self, tx: Tx, **values: Any) -> list[Any]:
        text, names, fixed = self._compiled.get(tx.dialect.name) or self._compile(tx.dialect)
        ordered = tuple([values[name] if name in values else fixed[name] for name in names])
        if (direct := at_once(tx)) is not None:
            return direct.execute(text, ordered).fetchall()
        return list((await tx.exec_driver_sql(text, ordered)).all())

    async def among(self, tx: Tx, ids: Iterable[str]) -> list[Any]:
        """The rows of these ids, for a statement with `storage.database.among(column, IDS)`."""
        rows: list[Any] = []
        for portion in portions(ids):
            rows += await self(tx, ids=listed(portion))
        return rows

    def _compile(self, dialect: Dialect) -> tuple[str, Sequence[str], dict[str, Any]]:
        text, names = compiled(self._statement, dialect)
        fixed = {k: v for k, v in self._statement.compile(dialect=dialect).params.items() if v is not None}
        self._compiled[dialect.name] = text, names, fixed
        return self._compiled[dialect.name]


class InsertAlike:
    """An insert of rows that have all but some columns in common, hundreds in a statement: for each row by itself the
    driver gives the interpreter's lock away and takes it back.
    """

    def __init__(self, table: Table, shared: Sequence[str], own: Sequence[str]) -> None:
        self._width = len(own)
        self._text = lru_cache(partial(insert_alike, table, shared, own))

    async def __call__(self, tx: Tx, shared: Sequence[Any], own: Sequence[Any]) -> None:
        """`own`: what each row has for itself, one row after another. If it fails, the transaction must be rolled back,
        or its savepoint.
        """
        at, left = 0, len(own) // self._width
        for rows in _SIZES:
            while left >= rows:
                await run(tx, self._text(rows), (*shared, *own[at : at + rows * self._width]))
                at += rows * self._width
                left -= rows


_SIZES = (256, 128, 64, 16, 4, 1)


async def run(tx: Tx, text: str, values: Sequence[Any]) -> int:
    """A statement in the dialect's own words. Answers how many rows were stored or changed."""
    if (direct := at_once(tx)) is not None:
        return direct.execute(text, values).rowcount
    return (await tx.exec_driver_sql(text, tuple(values))).rowcount


IDS: BindParameter[str] = bindparam("ids", type_=String)
"""The list of ids in the statement of a `Fetch`."""


def listed(ids: Sequence[str]) -> str:
    """Ids as the value of IDS."""
    return _encode(ids).decode()


def compiled(
    statement: Insert | Update | Delete | Select[Any], dialect: Dialect
) -> tuple[str, Sequence[str]]:
    """Its text, and the names of its values in order."""
    made = statement.compile(dialect=dialect)
    assert made.positiontup is not None
    return str(made), made.positiontup
