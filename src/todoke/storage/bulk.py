"""One statement for many rows, without what SQLAlchemy does for each row anew."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Insert, Update, bindparam
from sqlalchemy.engine import Dialect

from todoke.storage.database import Tx

Row = tuple[Any, ...]


class Bulk:
    """An insert or update of `names`, given as tuples in that order; a name that is no column stands in the
    statement's own conditions.

    The statement is compiled once a dialect. The values go to the driver as they are, so a column may only be
    of a type that needs no conversion: texts, whole numbers, bytes.
    """

    def __init__(self, statement: Insert | Update, names: Sequence[str]) -> None:
        columns = statement.table.c
        self._statement = statement.values({name: bindparam(name) for name in names if name in columns})
        self._names = tuple(names)
        self._compiled: dict[str, tuple[str, Any]] = {}

    async def __call__(self, tx: Tx, rows: Sequence[Row]) -> None:
        if rows:
            text, ordered = self._compiled.get(tx.dialect.name) or self._compile(tx.dialect)
            await tx.exec_driver_sql(text, [ordered(row) for row in rows])

    def _compile(self, dialect: Dialect) -> tuple[str, Any]:
        compiled = self._statement.compile(dialect=dialect)
        assert compiled.positiontup is not None
        ordered = itemgetter(*(self._names.index(name) for name in compiled.positiontup))
        self._compiled[dialect.name] = str(compiled), ordered
        return self._compiled[dialect.name]
