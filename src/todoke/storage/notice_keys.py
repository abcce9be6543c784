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

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    union_all,
)

from todoke.storage.database import Tx, at_once, insert_alike
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


@lru_cache
def _text(keys: Keys, rows: int) -> str:
    return insert_alike(keys.table, ("level",), (keys.column, "notice_id"), rows)


def statements(rows: Iterable[tuple[str, str, str | None]]) -> list[Statement]:
    """What stores the entries of new notices, given as id, number and reference. In the order of the keys, for then
    what changes a page does so at a time.
    """
    numbers: list[tuple[str, str]] = []
    references: list[tuple[str, str]] = []
    for notice_id, number, reference in rows:
        if number:
            numbers.append((number, notice_id))
        if reference is not None:
            references.append((reference, notice_id))
    made: list[Statement] = []
    for keys, entries in ((NUMBERS, numbers), (REFERENCES, references)):
        entries.sort()
        at = 0
        for size in _SIZES:
            while len(entries) - at >= size:
                values = chain((FIRST,), chain.from_iterable(entries[at : at + size]))
                made.append((_text(keys, size), list(values)))
                at += size
    return made


async def add(tx: Tx, rows: Iterable[tuple[str, str, str | None]]) -> None:
    """Stores the entries of new notices, given as id, number and reference. For few: it runs where it is awaited."""
    direct = at_once(tx)
    for text, values in statements(rows):
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
    t = keys.table
    entry = tuple_(keys.value, t.c.notice_id)
    of_level = (t.c.level == level, entry > tuple_(literal(after.value, String), literal(after.notice_id)))
    ordered = select(keys.value, t.c.notice_id).where(*of_level).order_by(keys.value, t.c.notice_id)
    last = (await tx.execute(ordered.limit(1).offset(most - 1))).one_or_none()
    upto = Place(_AFTER_ALL, "") if last is None else Place(*last)
    these = (*of_level, entry <= tuple_(literal(upto.value, String), literal(upto.notice_id)))
    # Both statements go through the entries in their order. An UPDATE of the level takes half as long again.
    copy = select(literal(level + 1), keys.value, t.c.notice_id).where(*these)
    copied = insert(t).from_select(["level", keys.column, "notice_id"], copy)
    await tx.execute(copied)
    moved = (await tx.execute(delete(t).where(*these))).rowcount
    return Moved(moved, START if last is None else upto)
