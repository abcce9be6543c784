"""Stores the notices of lists, hundreds in a statement.

For each row by itself the driver gives the interpreter to other threads and takes it back: where those are busy, that
costs milliseconds a row. And the values that all rows of a list have in common are handed over once.
"""

import sqlite3
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import msgspec

from todoke.core.list_rows import OF_EACH
from todoke.core.states import State
from todoke.storage import notice_keys
from todoke.storage.database import Tx, at_once, insert_alike
from todoke.storage.notice_keys import Statement
from todoke.storage.notices import HELD, NewNotice
from todoke.storage.off_loop import off_loop
from todoke.storage.tables import notices as n

WIDTH = len(OF_EACH)
_SIZES = (500, 50, 5, 1)
QUICK = 2_600
"""So many are stored where it is asked for, some 10 ms. To a thread and back takes as long again where much else goes
on, and others who write wait meanwhile."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What the notices of a list that are made at one time have in common. They are held back by their batch, or due
    at once.
    """

    account_id: str
    channel_id: str
    template_id: str
    policy_id: str
    batch_id: str
    source_id: str | None
    created_at: int
    lane: int
    state: str = State.QUEUED.value
    step_index: int = 0

    @property
    def held(self) -> bool:
        return self.lane == HELD


_SHARED = Shared.__struct_fields__


@lru_cache
def _text(rows: int, *, held: bool) -> str:
    if held:
        # Nothing but its deadline moves one that is held.
        return insert_alike(n, _SHARED, OF_EACH, rows, {"due_at": "deadline_at"})
    return insert_alike(n, (*_SHARED, "due_at"), OF_EACH, rows)


def _statements(shared: Shared, values: list[Any]) -> list[Statement]:
    common = list(msgspec.structs.astuple(shared))
    if not shared.held:
        common.append(shared.created_at)
    made: list[Statement] = []
    at, left = 0, len(values) // WIDTH
    for size in _SIZES:
        while left >= size:
            made.append((_text(size, held=shared.held), [*common, *values[at : at + size * WIDTH]]))
            at += size * WIDTH
            left -= size
    ids, references, numbers = (values[OF_EACH.index(x) :: WIDTH] for x in ("id", "reference", "number"))
    return made + notice_keys.statements(ids, numbers, references)


def as_notices(shared: Shared, values: Sequence[Any]) -> list[NewNotice]:
    """The same notices one by one, for those who look at them singly."""
    common = msgspec.structs.asdict(shared)
    notices = []
    for at in range(0, len(values), WIDTH):
        own = dict(zip(OF_EACH, values[at : at + WIDTH], strict=True))
        due_at = own["deadline_at"] if shared.held else shared.created_at
        notices.append(NewNotice(**common, **own, due_at=due_at))
    return notices


class Ready(NamedTuple):
    """What stores notices, made before it is known for sure that it is these."""

    shared: Shared
    values: list[Any]
    statements: Sequence[Statement]


def ready(shared: Shared, values: list[Any]) -> Ready:
    """For `insert_list`: takes longer than all else that it does in the event loop's thread."""
    return Ready(shared, values, _statements(shared, values))


async def insert_list(tx: Tx, shared: Shared, values: list[Any], made: Ready | None = None) -> None:
    """Stores new notices of one batch, made at one time. `values`: `OF_EACH` of each, one after another; `made`: of
    the same list and the same `shared`, if it is to be of use. Raises the database's error where an id stands already.
    """
    if not values:
        return
    if made is not None and made.values is values and made.shared == shared:
        statements = made.statements
    else:
        statements = _statements(shared, values)
    direct = at_once(tx)
    if direct is None:
        for text, given in statements:
            await tx.exec_driver_sql(text, tuple(given))
        return
    if len(values) <= QUICK * WIDTH:
        _run(direct, statements)
    else:
        await off_loop(partial(_run, direct, statements))


def _run(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    for text, values in statements:
        connection.execute(text, values)
