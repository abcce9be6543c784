"""What is stored of numbers whose notifications were silent: what was sent to them, and to whom they are bound.

All by the index of numbers, and so many notices of each at most.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, func, select

from todoke.core.durations import HOUR
from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.ids import floor_id
from todoke.storage import notice_keys
from todoke.storage.channel_hours import hour_of
from todoke.storage.database import Tx, portions
from todoke.storage.notice_keys import NUMBERS
from todoke.storage.tables import alarms as al
from todoke.storage.tables import attempts as a
from todoke.storage.tables import bindings as b
from todoke.storage.tables import channel_hours as h
from todoke.storage.tables import friends as f
from todoke.storage.tables import notices as n

MOST_NOTICES = 60
"""Notices of a number that are looked at: the newest, or half before and half after one of them."""
MOST_BINDINGS = 20
_AT_ONCE = 500


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt over LINE notification or SMS, with the number that it went to."""

    id: str
    notice_id: str
    channel_id: str
    number: str
    step: str
    at: int
    closes_at: int
    outcome: str | None
    open: int
    status: int | None
    proof_at: int | None
    request_id: str | None
    carrier: str | None


class BoundTo(msgspec.Struct, frozen=True, kw_only=True):
    """A binding of a number, standing or ended."""

    number: str
    provider: str
    user_id: str
    bound_at: int
    unbound_at: int | None
    unbound_why: str | None


class Hour(msgspec.Struct, frozen=True):
    """An hour of a channel: how many notifications LINE took, and how many were shown."""

    hour: int
    accepted: int
    shown: int


class Silent(msgspec.Struct, frozen=True):
    """A silent attempt and the number of its notice."""

    attempt_id: str
    notice_id: str
    number: str


_TRIED = (
    *(a.c[x] for x in Tried.__struct_fields__ if x not in ("channel_id", "number")),
    n.c.channel_id,
    n.c.number,
)
_STEPS = (str(Step.LINE_NOTIFICATION), str(Step.SMS))


async def tries_of(tx: Tx, account_id: str, numbers: Sequence[str]) -> list[Tried]:
    """Attempts of the newest notices of each number, in the order of their requests."""
    found: list[Tried] = []
    for portion in portions(numbers, _AT_ONCE):
        place = func.row_number().over(partition_by=n.c.number, order_by=n.c.id.desc()).label("place")
        ranked = (
            select(n.c.id, place)
            .where(notice_keys.of_numbers(portion), n.c.account_id == account_id)
            .subquery()
        )
        newest = select(ranked.c.id).where(ranked.c.place <= MOST_NOTICES)
        found += await _tried(tx, newest)
    return sorted(found, key=lambda x: (x.at, x.id))


async def tries_around(tx: Tx, account_id: str, number: str, notice_id: str) -> list[Tried]:
    """The same of one number, of the notices just before and just after one of them."""
    most = MOST_NOTICES // 2
    upto = notice_keys.newest(NUMBERS, number, most, n.c.account_id == account_id, n.c.id <= notice_id)
    later = notice_keys.oldest(NUMBERS, number, most, n.c.account_id == account_id, n.c.id > notice_id)
    before = select(n.c.id).where(upto).order_by(n.c.id.desc()).limit(most)
    after = select(n.c.id).where(later).order_by(n.c.id).limit(most)
    ids = [r[0] for r in await tx.execute(before)] + [r[0] for r in await tx.execute(after)]
    found = await _tried(tx, ids)
    return sorted(found, key=lambda x: (x.at, x.id))


async def _tried(tx: Tx, notice_ids: Select[Any] | Sequence[str]) -> list[Tried]:
    query = select(*_TRIED).join(n, n.c.id == a.c.notice_id)
    query = query.where(a.c.notice_id.in_(notice_ids), a.c.step.in_(_STEPS))
    return [Tried(**r._mapping) for r in await tx.execute(query)]


async def bindings_of(tx: Tx, account_id: str, numbers: Sequence[str]) -> list[BoundTo]:
    """The bindings of the numbers, ended ones too, as many of each as matter."""
    columns = [b.c[x] for x in BoundTo.__struct_fields__]
    found: list[BoundTo] = []
    for portion in portions(numbers, _AT_ONCE):
        place = func.row_number().over(partition_by=b.c.number, order_by=b.c.id.desc()).label("place")
        ranked = (
            select(*columns, place).where(b.c.number.in_(portion), b.c.account_id == account_id).subquery()
        )
        query = select(*(ranked.c[x] for x in BoundTo.__struct_fields__))
        rows = await tx.execute(query.where(ranked.c.place <= MOST_BINDINGS))
        found += [BoundTo(**r._mapping) for r in rows]
    return found


async def numbers_of(tx: Tx, account_id: str, user_ids: Sequence[str]) -> list[tuple[str, str, str, int]]:
    """The standing bindings of users: (provider, user ID, number, since)."""
    found: list[tuple[str, str, str, int]] = []
    for portion in portions(user_ids, _AT_ONCE):
        query = select(b.c.provider, b.c.user_id, b.c.number, b.c.bound_at).where(
            b.c.account_id == account_id, b.c.user_id.in_(portion), b.c.unbound_at.is_(None)
        )
        found += [(r[0], r[1], r[2], r[3]) for r in await tx.execute(query)]
    return found


async def friendships(
    tx: Tx, channel_ids: Sequence[str], user_ids: Sequence[str]
) -> dict[tuple[str, str], tuple[str, int, int | None]]:
    """How users stand to channels: (channel, user) → state, since when, when last listed."""
    found: dict[tuple[str, str], tuple[str, int, int | None]] = {}
    for portion in portions(user_ids, _AT_ONCE):
        query = select(f.c.channel_id, f.c.user_id, f.c.state, f.c.since, f.c.listed_at).where(
            f.c.channel_id.in_(list(channel_ids)), f.c.user_id.in_(portion)
        )
        found.update(((r[0], r[1]), (r[2], r[3], r[4])) for r in await tx.execute(query))
    return found


async def hours_of(tx: Tx, channel_id: str, since: int, until: int) -> list[Hour]:
    """What a channel's hours came to, those that begin at `since` or later and before `until`."""
    query = (
        select(h.c.hour, h.c.accepted, h.c.delivered)
        .where(h.c.channel_id == channel_id, h.c.hour >= hour_of(since), h.c.hour < until, h.c.accepted > 0)
        .order_by(h.c.hour)
    )
    return [Hour(r[0], r[1], r[2]) for r in await tx.execute(query)]


async def alarmed(
    tx: Tx, channel_id: str, kinds: Sequence[str], since: int, until: int
) -> list[tuple[int, int]]:
    """When alarms of these kinds stood for a channel, as far as it touches that time: from, to."""
    query = select(al.c.raised_at, al.c.cleared_at).where(
        al.c.about == channel_id, al.c.kind.in_(list(kinds)), al.c.raised_at < until
    )
    rows = [(r[0], until if r[1] is None else r[1]) for r in await tx.execute(query)]
    return [(raised, cleared) for raised, cleared in rows if cleared >= since]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which silent attempts: of an account or one of its channels, requested in a stretch of time.

    `by_id`: ids tell the time (see `storage.line_counts`), so only the attempts of that time are read.
    """

    account_id: str
    channel_id: str | None = None
    since: int
    until: int
    by_id: bool


def _silent(wanted: Wanted, *columns: Any) -> Select[Any]:
    unknown = (a.c.outcome == Outcome.UNKNOWN) & (a.c.open == 0)
    query = select(*columns).join(n, n.c.id == a.c.notice_id)
    query = query.where(
        a.c.step == Step.LINE_NOTIFICATION,
        (a.c.outcome == Outcome.SILENT) | unknown,
        a.c.at >= wanted.since,
        a.c.at < wanted.until,
        n.c.account_id == wanted.account_id,
    )
    if wanted.channel_id is not None:
        query = query.where(n.c.channel_id == wanted.channel_id)
    if wanted.by_id:
        query = query.where(a.c.id >= floor_id(wanted.since - HOUR), a.c.id < floor_id(wanted.until + HOUR))
    return query


async def count_silent(tx: Tx, wanted: Wanted) -> int:
    """How many attempts were silent."""
    return int((await tx.execute(_silent(wanted, func.count()))).scalar_one())


async def silent_attempts(tx: Tx, wanted: Wanted, limit: int) -> list[Silent]:
    """The newest silent attempts."""
    query = _silent(wanted, a.c.id, n.c.id, n.c.number).order_by(a.c.id.desc()).limit(limit)
    return [Silent(r[0], r[1], r[2]) for r in await tx.execute(query)]


async def walk_numbers(
    tx: Tx, account_id: str, before: str | None, limit: int
) -> list[tuple[str, str, str | None]]:
    """Notices with a number, the newest first, those made before the notice `before`: id, number, reference."""
    query = select(n.c.id, n.c.number, n.c.reference).where(n.c.account_id == account_id, n.c.number != "")
    if before is not None:
        query = query.where(n.c.id < before)
    rows = await tx.execute(query.order_by(n.c.id.desc()).limit(limit))
    return [(r[0], r[1], r[2]) for r in rows]


async def newest_notices(tx: Tx, account_id: str, numbers: Sequence[str]) -> dict[str, str]:
    """The newest notice of each number."""
    found: dict[str, str] = {}
    for portion in portions(numbers, _AT_ONCE):
        query = select(n.c.number, func.max(n.c.id)).where(
            notice_keys.of_numbers(portion), n.c.account_id == account_id
        )
        found.update((r[0], r[1]) for r in await tx.execute(query.group_by(n.c.number)))
    return found
