"""The archive: notices that have ended long ago with their attempts, in a file a month.

A file holds blocks of some hundred notices each, as compressed JSON, and where to find a notice in them. It is written
once and then only read, but for erasures. The month is that of the notice's id. Files are SQLite's, whatever database
the rest is kept in: one that was copied away can be read anywhere.
"""

import os
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    insert,
    inspect,
    select,
    true,
    update,
)

from todoke.ids import from_bytes, is_id, to_bytes
from todoke.storage import sqlite

BLOCK = 128
"""Notices in a block: larger ones are smaller on the disk and take longer to look into."""
_AT_ONCE = 500
_NAME = re.compile(r"\d{4}-\d{2}\.db")

_tables = MetaData()
_blocks = Table(
    "blocks", _tables, Column("n", Integer, primary_key=True), Column("data", LargeBinary, nullable=False)
)
_places = Table(
    "places",
    _tables,
    Column("id", LargeBinary(16), primary_key=True),
    Column("block", Integer, nullable=False),
    # None: erased.
    Column("number", String(16)),
    Column("reference", String(100)),
    Column("batch_id", LargeBinary(16)),
    Column("ended_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_places_number", _places.c.number, sqlite_where=_places.c.number.is_not(None))
Index("ix_places_reference", _places.c.reference, sqlite_where=_places.c.reference.is_not(None))
Index("ix_places_batch", _places.c.batch_id, sqlite_where=_places.c.batch_id.is_not(None))
# Once more, small, so that what a file holds is told without reading it.
_about = Table(
    "about",
    _tables,
    Column("what", String(20), primary_key=True),
    Column("value", BigInteger, nullable=False),
)


class Kept(msgspec.Struct, frozen=True):
    """A notice and its attempts as their rows, by column; what is empty is left out."""

    notice: dict[str, Any]
    attempts: list[dict[str, Any]]

    @property
    def id(self) -> str:
        return str(self.notice["id"])


class Month(NamedTuple):
    """A file. `size` in bytes; `ended_at`: when the last of its notices ended."""

    path: Path
    notices: int
    size: int
    ended_at: int


def month_of(notice_id: str) -> str | None:
    """The name of the file for a notice; None: there can be no such notice."""
    if not is_id(notice_id) or notice_id[0] > "7":
        return None
    milliseconds = int.from_bytes(to_bytes(notice_id)[:6])
    try:
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds):%Y-%m}.db"
    except OverflowError:
        return None


def files(folder: Path) -> list[Path]:
    """The archive's files, the oldest first."""
    return sorted(x for x in folder.glob("*.db") if _NAME.fullmatch(x.name)) if folder.is_dir() else []


@contextmanager
def _opened(path: Path, *, write: bool = False) -> Iterator[Connection]:
    with sqlite.file_engine(path, write=write).begin() as connection:
        yield connection


def put(folder: Path, notices: Sequence[Kept]) -> None:
    """Stores notices durably. One that stands there already is replaced: it was copied before, and is still alive."""
    by_month: dict[str, list[Kept]] = defaultdict(list)
    for kept in notices:
        month = month_of(kept.id)
        assert month is not None, kept.id
        by_month[month].append(kept)
    for name, some in by_month.items():
        path = folder / name
        if not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
        with _opened(path, write=True) as connection:
            _tables.create_all(connection)
            _put(connection, some)
        _sync(folder)


def _put(connection: Connection, notices: Sequence[Kept]) -> None:
    replaced = _take_out(connection, [to_bytes(x.id) for x in notices])
    for at in range(0, len(notices), BLOCK):
        some = notices[at : at + BLOCK]
        done = connection.execute(insert(_blocks), {"data": _packed(some)})
        assert done.inserted_primary_key is not None
        block = done.inserted_primary_key[0]
        connection.execute(insert(_places), [_place(x, block) for x in some])
    newest = max(x.notice["ended_at"] for x in notices)
    about = {row.what: row.value for row in connection.execute(select(_about))}
    connection.execute(delete(_about))
    about["ended_at"] = max(newest, about.get("ended_at", newest))
    about["notices"] = about.get("notices", 0) + len(notices) - replaced
    connection.execute(insert(_about), [{"what": k, "value": v} for k, v in about.items()])


def _place(kept: Kept, block: int) -> dict[str, Any]:
    x = kept.notice
    return {
        "id": to_bytes(x["id"]),
        "block": block,
        "number": x.get("number") or None,
        "reference": x.get("reference"),
        "batch_id": None if x.get("batch_id") is None else to_bytes(x["batch_id"]),
        "ended_at": x["ended_at"],
    }


def _take_out(connection: Connection, raw_ids: Sequence[bytes]) -> int:
    """Copies of before: nothing of them is left, for they may hold what was erased since. Answers how many it were."""
    p = _places.c
    found = connection.execute(select(p.id, p.block).where(p.id.in_(raw_ids))).all()
    gone = {from_bytes(row.id) for row in found}
    for block in {row.block for row in found}:
        left = [x for x in _unpacked(connection, block) if x.id not in gone]
        _rewrite(connection, block, left)
    connection.execute(delete(_places).where(p.id.in_([row.id for row in found])))
    return len(found)


def _rewrite(connection: Connection, block: int, notices: Sequence[Kept]) -> None:
    which = _blocks.c.n == block
    if notices:
        connection.execute(update(_blocks).where(which).values(data=_packed(notices)))
    else:
        connection.execute(delete(_blocks).where(which))


def _packed(notices: Sequence[Kept]) -> bytes:
    return zlib.compress(msgspec.json.encode(notices))


def _unpacked(connection: Connection, block: int) -> list[Kept]:
    data = connection.execute(select(_blocks.c.data).where(_blocks.c.n == block)).scalar_one()
    return msgspec.json.decode(zlib.decompress(data), type=list[Kept])


def _sync(folder: Path) -> None:
    """That a file is there is durable as well."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def get(folder: Path, account_id: str, notice_id: str) -> Kept | None:
    """One notice of an account."""
    name = month_of(notice_id)
    if name is None or not (folder / name).exists():
        return None
    found = _found(folder / name, account_id, _places.c.id == to_bytes(notice_id), 1)
    return found[0] if found else None


def to_numbers(folder: Path, account_id: str, numbers: Iterable[str], most: int) -> list[Kept]:
    """Notices to these numbers, the newest first."""
    wanted = [x for x in numbers if x]
    return _newest(folder, account_id, _places.c.number.in_(wanted), None, most) if wanted else []


def listed(
    folder: Path, account_id: str, reference: str | None, batch_id: str | None, before: str | None, most: int
) -> list[Kept]:
    """Notices with this reference, of this batch, the newest first; those before an id. What is None says nothing."""
    where: ColumnElement[bool] = true()
    if reference is not None:
        where &= _places.c.reference == reference
    if batch_id is not None:
        where &= _in_batch(batch_id)
    return _newest(folder, account_id, where, before, most)


def of_batch_after(folder: Path, account_id: str, batch_id: str, after: str, most: int) -> list[Kept]:
    """A batch's notices in order, those after an id, empty for the first."""
    found: list[Kept] = []
    for path in files(folder):
        if len(found) < most and path.name >= (month_of(after) or ""):
            where = _in_batch(batch_id) & (_places.c.id > (to_bytes(after) if after else b""))
            found += _found(path, account_id, where, most - len(found))
    return found


def _in_batch(batch_id: str) -> ColumnElement[bool]:
    return _places.c.batch_id == (to_bytes(batch_id) if is_id(batch_id) else b"")


def _newest(
    folder: Path, account_id: str, where: ColumnElement[bool], before: str | None, most: int
) -> list[Kept]:
    if before is not None:
        where &= _places.c.id < to_bytes(before)
    found: list[Kept] = []
    for path in reversed(files(folder)):
        if len(found) < most:
            found += _found(path, account_id, where, most - len(found), newest=True)
    return found


def _found(
    path: Path, account_id: str, where: ColumnElement[bool], most: int, *, newest: bool = False
) -> list[Kept]:
    """Ids of different accounts never are the same, but numbers and references may be."""
    p = _places.c
    order = p.id.desc() if newest else p.id
    found: list[Kept] = []
    with _opened(path) as connection:
        if not _is_made(connection):
            return []
        at, blocks = 0, dict[int, dict[str, Kept]]()
        while len(found) < most:
            query = select(p.id, p.block).where(where).order_by(order).limit(_AT_ONCE).offset(at)
            rows = connection.execute(query).all()
            for row in rows:
                if row.block not in blocks:
                    blocks[row.block] = {x.id: x for x in _unpacked(connection, row.block)}
                kept = blocks[row.block][from_bytes(row.id)]
                if kept.notice["account_id"] == account_id:
                    found.append(kept)
            at += len(rows)
            if len(rows) < _AT_ONCE:
                break
    return found[:most]


def _is_made(connection: Connection) -> bool:
    """A file is empty for a moment after it was made, and where its maker was killed then."""
    return inspect(connection).has_table(_about.name)


def rewrite(
    folder: Path, account_id: str, numbers: Collection[str], change: Callable[[Kept], Kept]
) -> list[Kept]:
    """Changes all notices to these numbers for good; answers them as they are now."""
    changed: list[Kept] = []
    p = _places.c
    for path in files(folder) if numbers else ():
        with _opened(path, write=True) as connection:
            if not _is_made(connection):
                continue
            rows = connection.execute(select(p.id, p.block).where(p.number.in_(list(numbers)))).all()
            by_block: dict[int, set[str]] = defaultdict(set)
            for row in rows:
                by_block[row.block].add(from_bytes(row.id))
            for block, ids in by_block.items():
                notices = []
                for kept in _unpacked(connection, block):
                    theirs = kept.id in ids and kept.notice["account_id"] == account_id
                    notices.append(change(kept) if theirs else kept)
                    if theirs:
                        changed.append(notices[-1])
                        place = _place(notices[-1], block)
                        connection.execute(update(_places).where(p.id == place["id"]).values(place))
                _rewrite(connection, block, notices)
    return changed


def accounts_of(folder: Path, number: str) -> list[str]:
    """The accounts that had notices to a number."""
    found: set[str] = set()
    for path in files(folder):
        with _opened(path) as connection:
            if not _is_made(connection):
                continue
            rows = connection.execute(select(_places.c.id, _places.c.block).where(_places.c.number == number))
            for row in rows.all():
                for kept in _unpacked(connection, row.block):
                    if kept.id == from_bytes(row.id):
                        found.add(kept.notice["account_id"])
    return sorted(found)


def months(folder: Path) -> list[Month]:
    """What the files hold, the oldest first."""
    found = []
    for path in files(folder):
        with _opened(path) as connection:
            if _is_made(connection):
                about = {row.what: row.value for row in connection.execute(select(_about))}
                found.append(Month(path, about["notices"], path.stat().st_size, about["ended_at"]))
    return found


def drop(folder: Path, ended_before: int) -> list[Month]:
    """Deletes the files all of whose notices ended before that time; answers them."""
    gone = [x for x in months(folder) if x.ended_at < ended_before]
    for month in gone:
        month.path.unlink(missing_ok=True)
    if gone:
        _sync(folder)
    return gone
