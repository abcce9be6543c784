"""Which notices have a number, or a reference: found at a cost that hardly grows with how many are stored.

Numbers and references come in no order. An index of ten million of them has a hundred thousand pages, and every new
notice would read one, write it to the log and write it back at a place of its own. So new entries go into a small
level, whose pages each take many of them at a time. What is too much there is moved on in the order of the keys, a
portion in each transaction (`deepen`), into a level that is larger, and from that into the last one: again each page
takes many at a time. (Log-structured merge trees: O'Neil, Cheng, Gawlick, O'Neil, "The Log-Structured Merge-Tree", Acta
Informatica 33, 1996; there too the moving goes round and round.)

An entry is in exactly one level, comes and goes in the transaction of its notice, and is looked for in all levels. So
it does not matter how far moving got, who does it, or whether anybody does.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.engine import Dialect

from todoke.storage.bulk import compiled
from todoke.storage.database import Tx, at_once, insert_alike
from todoke.storage.off_loop import off_loop
from todoke.storage.tables import notice_numbers, notice_references
from todoke.storage.tables import notices as n

FIRST, MIDDLE, LAST = 0, 1, 2
LEVELS = (FIRST, MIDDLE, LAST)
_SIZES = (500, 50, 5, 1)
_AFTER_ALL = "\U0010ffff"

Statement = tuple[str, list[Any]]


class Keys(NamedTuple):
    """One kind of keys: the table of entries, and of which column of notices they are."""

    table: Table
    column: str

    @property
    def value(self) -> ColumnElement[str]:
        """What is looked for."""
        found: ColumnElement[str] = self.table.c[self.column]
        return found


NUMBERS = Keys(notice_numbers, n.c.number.name)
REFERENCES = Keys(notice_references, n.c.reference.name)


_added = {keys: 0 for keys in (NUMBERS, REFERENCES)}


def added(keys: Keys) -> int:
    """How many entries this process has stored so far, or tried to: the difference of two answers tells what came
    into the first level without counting it.
    """
    return _added[keys]


@lru_cache
def _text(keys: Keys, rows: int) -> str:
    return insert_alike(keys.table, ("level",), (keys.column, "notice_id"), rows)


def statements(
    ids: Sequence[str], numbers: Sequence[str], references: Sequence[str | None]
) -> list[Statement]:
    """What stores the entries of new notices. In the order of the keys, for then what changes a page does so at a
    time.
    """
    made: list[Statement] = []
    with_number = [at for at, value in enumerate(numbers) if value]
    with_reference = [at for at, value in enumerate(references) if value is not None]
    for keys, values, found in ((NUMBERS, numbers, with_number), (REFERENCES, references, with_reference)):
        _added[keys] += len(found)
        # By places: to compare pairs takes twice as long.
        found.sort(key=cast("Callable[[int], str]", values.__getitem__))
        entries: list[str | None] = [None] * (2 * len(found))
        entries[::2] = map(values.__getitem__, found)
        entries[1::2] = map(ids.__getitem__, found)
        at = 0
        for size in _SIZES:
            while len(entries) - at >= 2 * size:
                made.append((_text(keys, size), [FIRST, *entries[at : at + 2 * size]]))
                at += 2 * size
    return made


async def add(tx: Tx, rows: Iterable[tuple[str, str, str | None]]) -> None:
    """Stores the entries of new notices, given as id, number and reference. For few: it runs where it is awaited."""
    direct = at_once(tx)
    columns = tuple(zip(*rows, strict=True))
    for text, values in statements(*columns) if columns else ():
        if direct is not None:
            direct.execute(text, values)
        else:
            await tx.exec_driver_sql(text, tuple(values))


async def remove(tx: Tx, notice_ids: Sequence[str]) -> None:
    """Drops the entries of some hundred notices, which must still have what they are found by."""
    for keys in (NUMBERS, REFERENCES):
        theirs = select(n.c[keys.column], n.c.id).where(n.c.id.in_(notice_ids))
        entry = tuple_(keys.value, keys.table.c.notice_id)
        await tx.execute(delete(keys.table).where(keys.table.c.level.in_(LEVELS), entry.in_(theirs)))


def of_number(number: str) -> ColumnElement[bool]:
    """Whether a notice is to this number."""
    return of_numbers((number,))


def of_numbers(numbers: Iterable[str]) -> ColumnElement[bool]:
    """Whether a notice is to one of these numbers."""
    k = notice_numbers.c
    return n.c.id.in_(select(k.notice_id).where(k.level.in_(LEVELS), k.number.in_(list(numbers))))


def newest(keys: Keys, value: str, limit: int, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a notice is one of the newest with this number or reference of which all of `where` is true.

    So many at least: of each level as many. Takes no longer where there are thousands with the same.
    """
    return n.c.id.in_(_of_each_level(keys, literal(value, String), limit, True, *where))


def oldest(keys: Keys, value: str, limit: int, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same of the oldest ones."""
    return n.c.id.in_(_of_each_level(keys, literal(value, String), limit, False, *where))


def last_id(
    number: ColumnElement[str],
    account_id: ColumnElement[str] | str,
    before: ColumnElement[str] | str,
    of: FromClause,
) -> ColumnElement[str | None]:
    """The newest of an account's notices to a number before a certain one. The values are of `of`, from which the
    statement itself selects.
    """
    other = n.alias("other")
    k = notice_numbers.c
    arms = [
        select(
            select(k.notice_id)
            .join(other, other.c.id == k.notice_id)
            .where(k.level == level, k.number == number, k.notice_id < before)
            .where(other.c.account_id == account_id)
            .order_by(k.notice_id.desc())
            .limit(1)
            .correlate(of)
            .subquery()
            .c.notice_id
        )
        for level in LEVELS
    ]
    return select(func.max(union_all(*arms).subquery().c.notice_id)).scalar_subquery()


def _of_each_level(
    keys: Keys, value: ColumnElement[str], limit: int, is_newest: bool, *where: ColumnElement[bool]
) -> Any:
    k = keys.table.c
    arms: list[Select[Any]] = []
    for level in LEVELS:
        arm = (
            select(k.notice_id)
            .join(n, n.c.id == k.notice_id)
            .where(k.level == level, keys.value == value, *where)
            .order_by(k.notice_id.desc() if is_newest else k.notice_id)
            .limit(limit)
        )
        arms.append(select(arm.subquery().c.notice_id))
    return union_all(*arms)


async def held(tx: Tx, keys: Keys, level: int, most: int) -> int:
    """How many entries a level holds, looking at so many at most."""
    some = select(keys.table.c.level).where(keys.table.c.level == level).limit(most).subquery()
    return int((await tx.execute(select(func.count()).select_from(some))).scalar_one())


class Place(NamedTuple):
    """An entry, as a place in the order of the keys."""

    value: str
    notice_id: str


START = Place("", "")


class Moved(NamedTuple):
    """`entries`: how many were moved; `at`: after which one to go on."""

    entries: int
    at: Place


async def deepen(tx: Tx, keys: Keys, level: int, after: Place, most: int) -> Moved:
    """Moves the next entries of a level into the one below it, so many at most. Behind the last it goes on from the
    first.
    """
    work = partial(_deepen, _moving(keys, tx.dialect), level, after, most)
    if (direct := at_once(tx)) is not None:
        return await off_loop(partial(work, direct.execute))
    return await tx.run_sync(lambda connection: work(connection.exec_driver_sql))


class _Moving(NamedTuple):
    """The statements of `deepen`: each its text, and the names of its values in order."""

    last: tuple[str, Sequence[str]]
    copy: tuple[str, Sequence[str]]
    drop: tuple[str, Sequence[str]]


@lru_cache
def _moving(keys: Keys, dialect: Dialect) -> _Moving:
    t = keys.table
    entry = tuple_(keys.value, t.c.notice_id)
    after = tuple_(bindparam("value", type_=String), bindparam("notice_id", type_=String))
    upto = tuple_(bindparam("last_value", type_=String), bindparam("last_id", type_=String))
    of_level = (t.c.level == bindparam("from_level"), entry > after)
    ordered = select(keys.value, t.c.notice_id).where(*of_level).order_by(keys.value, t.c.notice_id)
    # Both go through the entries in their order. An UPDATE of the level takes half as long again.
    these = (*of_level, entry <= upto)
    below = select(bindparam("to_level", type_=Integer), keys.value, t.c.notice_id).where(*these)
    return _Moving(
        compiled(
            ordered.limit(bindparam("one", type_=Integer)).offset(bindparam("before", type_=Integer)), dialect
        ),
        compiled(insert(t).from_select(["level", keys.column, "notice_id"], below), dialect),
        compiled(delete(t).where(*these), dialect),
    )


def _deepen(
    moving: _Moving, level: int, after: Place, most: int, execute: Callable[[str, tuple[Any, ...]], Any]
) -> Moved:
    values: dict[str, Any] = {"from_level": level, "to_level": level + 1, "one": 1, "before": most - 1}
    values |= {"value": after.value, "notice_id": after.notice_id}

    def run(text: str, names: Sequence[str]) -> Any:
        return execute(text, tuple([values[name] for name in names]))

    last = run(*moving.last).fetchone()
    upto = Place(_AFTER_ALL, "") if last is None else Place(*last)
    values |= {"last_value": upto.value, "last_id": upto.notice_id}
    run(*moving.copy)
    moved: int = run(*moving.drop).rowcount
    return Moved(moved, START if last is None else upto)
