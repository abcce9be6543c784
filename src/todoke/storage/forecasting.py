"""What forecasts are made from: a sample of what was sent, and what last became of numbers.

All of it is bounded, however much is stored. Notices are sampled by their ids, which sort by when they were made: the
last SPAN is cut into SLICES, of each the first few rows are read in the order in which they are stored, and of the full
slices some more. A channel that has few notices among them is looked for in its newest lists. That is MOST_WALKED rows
at most and MOST notices with their attempts: some 0.2 s of reading, beside the running work, and nothing is written or
counted for it when notices are sent.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import String, column, select, values

from todoke.core.durations import DAY
from todoke.core.states import State
from todoke.ids import floor_id, from_bytes, to_bytes
from todoke.storage import notice_keys
from todoke.storage.database import Tx, portions
from todoke.storage.tables import attempts as a
from todoke.storage.tables import batches as b
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t

SPAN = 60 * DAY
SLICES = 64
MOST_WALKED = 16_000
MOST = 6_000
_ENOUGH = 1_000
_LISTS = 12
_AT_ONCE = 500
_ID_BYTES = 16
_UNSENT = frozenset({State.QUEUED, State.CANCELLED, State.REFUSED})


class Notice(NamedTuple):
    """A notice of the sample."""

    id: str
    account_id: str
    channel_id: str
    template_id: str
    batch_id: str | None
    country: str
    number: str
    state: str


class Attempt(NamedTuple):
    """An attempt as far as forecasts look at it."""

    notice_id: str
    step: str
    at: int
    outcome: str | None
    proof_at: int | None
    gives_proof: int
    request_id: str | None


_NOTICE = tuple(n.c[x] for x in Notice._fields)
_ATTEMPT = tuple(a.c[x] for x in Attempt._fields)


async def sample(tx: Tx, account_id: str, channel_id: str) -> list[Notice]:
    """Notices of an account, spread over the last SPAN; those of the channel go before others where there are many."""
    found = {x.id: x for x in await _walk(tx) if x.account_id == account_id}
    own = [x for x in found.values() if x.channel_id == channel_id]
    if sum(x.state not in _UNSENT for x in own) < _ENOUGH:
        found.update((x.id, x) for x in await _of_lists(tx, account_id, channel_id))
        own = [x for x in found.values() if x.channel_id == channel_id]
    others = [x for x in found.values() if x.channel_id != channel_id]
    # A long list that is held back or was cancelled must not take the place of what was sent.
    kept = _thinned([x for x in own if x.state not in _UNSENT], MOST)
    kept += _thinned([x for x in own if x.state in _UNSENT], MOST - len(kept))
    return sorted(kept + _thinned(others, MOST - len(kept)))


def _thinned(rows: list[Notice], most: int) -> list[Notice]:
    """So many of them, evenly."""
    if len(rows) <= most:
        return rows
    return [rows[i * len(rows) // most] for i in range(most)]


async def _walk(tx: Tx) -> list[Notice]:
    newest = (await tx.execute(select(n.c.id).order_by(n.c.id.desc()).limit(1))).scalar_one_or_none()
    oldest = (await tx.execute(select(n.c.id).order_by(n.c.id).limit(1))).scalar_one_or_none()
    if newest is None or oldest is None:
        return []
    last = _number(newest) + 1
    first = max(_number(oldest), last - (SPAN << 80))
    rows, full = await _slices(tx, _cut(first, last, SLICES), MOST_WALKED // 2 // SLICES)
    if full:
        parts = max(SLICES // len(full), 1)
        further = [x for start, end in full for x in _cut(start, end, parts)]
        more, _ = await _slices(tx, further, MOST_WALKED // 2 // len(further))
        rows += more
    return rows


async def _slices(
    tx: Tx, slices: Iterable[tuple[int, int]], each: int
) -> tuple[list[Notice], list[tuple[int, int]]]:
    """The first rows of each slice, and of those that have more what is left of them."""
    found: list[Notice] = []
    full = []
    for start, end in slices:
        query = select(*_NOTICE).where(n.c.id >= _id(start), n.c.id < _id(end)).order_by(n.c.id).limit(each)
        rows = [Notice(*r) for r in await tx.execute(query)]
        found += rows
        if len(rows) == each:
            full.append((_number(rows[-1].id) + 1, end))
    return found, full


def _cut(first: int, last: int, parts: int) -> list[tuple[int, int]]:
    marks = [first + (last - first) * i // parts for i in range(parts + 1)]
    return [(x, y) for x, y in pairwise(marks) if x < y]


def _number(of: str) -> int:
    return int.from_bytes(to_bytes(of))


def _id(number: int) -> str:
    return from_bytes(number.to_bytes(_ID_BYTES))


async def _of_lists(tx: Tx, account_id: str, channel_id: str) -> list[Notice]:
    newest = select(b.c.id).where(b.c.account_id == account_id, b.c.channel_id == channel_id)
    found: list[Notice] = []
    for (batch_id,) in (await tx.execute(newest.order_by(b.c.id.desc()).limit(_LISTS))).all():
        found += await of_batch(tx, batch_id, MOST // _LISTS)
    return found


async def of_batch(tx: Tx, batch_id: str, most: int) -> list[Notice]:
    """Notices of a list: its first, and its last where it has more than `most`."""
    query = select(*_NOTICE).where(n.c.batch_id == batch_id)
    rows = [Notice(*r) for r in await tx.execute(query.order_by(n.c.id).limit(most))]
    if len(rows) == most:
        last = [Notice(*r) for r in await tx.execute(query.order_by(n.c.id.desc()).limit(most // 2))]
        rows = [
            *rows[: most - most // 2],
            *(x for x in reversed(last) if x.id > rows[most - most // 2 - 1].id),
        ]
    return rows


async def attempts_of(tx: Tx, notice_ids: Sequence[str]) -> dict[str, list[Attempt]]:
    """What was tried, by notice, in the order of the requests."""
    found: dict[str, list[Attempt]] = {}
    for portion in portions(notice_ids, _AT_ONCE):
        query = select(*_ATTEMPT).where(a.c.notice_id.in_(portion)).order_by(a.c.id)
        for row in await tx.execute(query):
            found.setdefault(row[0], []).append(Attempt(*row))
    return found


async def before(tx: Tx, notice_ids: Sequence[str]) -> dict[str, str]:
    """By notice: the one before it to the same number, where there is one."""
    earlier = notice_keys.last_id(n.c.number, n.c.account_id, n.c.id, n)
    found: dict[str, str] = {}
    for portion in portions(notice_ids, _AT_ONCE):
        rows = await tx.execute(select(n.c.id, earlier).where(n.c.id.in_(portion)))
        found.update((r[0], r[1]) for r in rows if r[1] is not None)
    return found


async def newest_of(tx: Tx, account_id: str, numbers: Sequence[str], until: str | None) -> dict[str, str]:
    """By number: the newest notice to it, of those before the notice `until`. One look at an index each, however many
    a number has had.
    """
    found: dict[str, str] = {}
    limit = floor_id(1 << 47) if until is None else until
    for portion in portions(numbers, _AT_ONCE):
        asked = values(column("number", String)).data([(x,) for x in portion]).cte("asked")
        query = select(asked.c.number, notice_keys.last_id(asked.c.number, account_id, limit, asked))
        rows = await tx.execute(query)
        found.update((r[0], r[1]) for r in rows if r[1] is not None)
    return found


async def parameters_of(tx: Tx, notice_ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """The parameters, as JSON, and the language of these notices."""
    query = select(n.c.parameters, n.c.language).where(n.c.id.in_(list(notice_ids)), n.c.parameters != "")
    return [(r[0], r[1]) for r in await tx.execute(query)]


async def newest_template(tx: Tx, account_id: str, channel_id: str) -> str | None:
    """The template of the channel's newest notice, where one is among the newest of all."""
    newest = select(n.c.account_id, n.c.channel_id, n.c.template_id).order_by(n.c.id.desc()).limit(_ENOUGH)
    for row in await tx.execute(newest):
        if (row[0], row[1]) == (account_id, channel_id):
            return str(row[2])
    return None


async def templates_on(tx: Tx, account_id: str, channel_id: str) -> list[str]:
    """The names of a channel's templates."""
    query = select(t.c.name).where(t.c.account_id == account_id, t.c.channel_id == channel_id).distinct()
    return [r[0] for r in await tx.execute(query.order_by(t.c.name))]
