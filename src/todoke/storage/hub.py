"""The webhook hub: its targets, how far each is, what was skipped, and the requests that are passed on."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, select, update

from todoke.storage.database import Tx, portions
from todoke.storage.tables import channels as c
from todoke.storage.tables import hub_skips as s
from todoke.storage.tables import hub_targets as h
from todoke.storage.tables import inbox as i

MOST_COUNTED = 1_000_000
"""Requests that a lag is said to have at most: more take their time to count."""


class HubTarget(msgspec.Struct, kw_only=True):
    """A target. `types` is JSON or None for all; `headers` is sealed JSON; `unfinished` is JSON."""

    id: str
    account_id: str
    channel_id: str
    name: str
    url: str
    types: str | None = None
    headers: bytes | None = None
    created_at: int
    removed_at: int | None = None
    paused_at: int | None = None
    paused_why: str | None = None
    position: int
    """All of the inbox up to here is done with, but for what stands in `unfinished`."""
    unfinished: str = "[]"
    replay_asked_at: int | None = None
    replay_position: int | None = None
    replay_until: int | None = None
    """A replay passes on once more what lies after `replay_position`, up to here."""
    tries: int = 0
    due_at: int | None = None
    failing_since: int | None = None
    last_taken_at: int | None = None
    last_failed_at: int | None = None
    last_status: int | None = None
    last_detail: str | None = None
    taken: int = 0
    skipped: int = 0


class Skip(msgspec.Struct, kw_only=True):
    """A request that a target did not get, and why."""

    target_id: str
    inbox_id: int
    at: int
    status: int | None = None
    detail: str | None = None


class Arrived(NamedTuple):
    """A request of LINE as it was stored. `headers` is JSON."""

    id: int
    received_at: int
    headers: str
    body: bytes


class Progress(msgspec.Struct, kw_only=True):
    """How far a target is now, and how it fares. `taken` and `skipped` count since the last of these."""

    position: int
    unfinished: str
    tries: int
    due_at: int | None
    failing_since: int | None
    last_taken_at: int | None
    last_failed_at: int | None
    last_status: int | None
    last_detail: str | None
    taken: int
    skipped: int


class Lag(NamedTuple):
    """What a target has still to get: how many requests, and since when the first has been waiting."""

    requests: int
    oldest: int | None


_COLUMNS = tuple(h.c[x] for x in HubTarget.__struct_fields__)
_ARRIVED = (i.c.id, i.c.received_at, i.c.headers, i.c.body)
_AFTER = (
    select(*_ARRIVED)
    .where(i.c.channel_id == bindparam("channel"), i.c.id > bindparam("after"))
    .order_by(i.c.id)
    .limit(bindparam("most"))
)


async def insert_target(tx: Tx, target: HubTarget) -> None:
    await tx.execute(insert(h), msgspec.structs.asdict(target))


async def update_target(tx: Tx, target_id: str, **values: Any) -> None:
    await tx.execute(update(h).where(h.c.id == target_id).values(values))


async def get_target(tx: Tx, account_id: str, target_id: str) -> HubTarget | None:
    """One that is in use."""
    query = select(*_COLUMNS).where(
        h.c.id == target_id, h.c.account_id == account_id, h.c.removed_at.is_(None)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else HubTarget(**row._mapping)


async def list_targets(tx: Tx, account_id: str | None = None) -> list[HubTarget]:
    """Those in use, the oldest first; None: of all accounts."""
    query = select(*_COLUMNS).where(h.c.removed_at.is_(None)).order_by(h.c.id)
    if account_id is not None:
        query = query.where(h.c.account_id == account_id)
    return [HubTarget(**row._mapping) for row in await tx.execute(query)]


async def of_channel(tx: Tx, channel_id: str) -> list[HubTarget]:
    """Those of a channel that are in use."""
    query = select(*_COLUMNS).where(h.c.channel_id == channel_id, h.c.removed_at.is_(None)).order_by(h.c.id)
    return [HubTarget(**row._mapping) for row in await tx.execute(query)]


async def save_progress(tx: Tx, target_id: str, progress: Progress) -> None:
    """Nothing happens to a target that was removed meanwhile."""
    values = msgspec.structs.asdict(progress)
    values |= {"taken": h.c.taken + progress.taken, "skipped": h.c.skipped + progress.skipped}
    await tx.execute(update(h).where(h.c.id == target_id, h.c.removed_at.is_(None)).values(values))


async def save_replay(tx: Tx, target_id: str, asked_at: int, position: int | None) -> None:
    """How far the replay is that was asked for then; None: it is over. A newer one is left alone."""
    values: dict[str, Any] = {"replay_position": position}
    if position is None:
        values |= {"replay_asked_at": None, "replay_until": None}
    query = update(h).where(h.c.id == target_id, h.c.replay_asked_at == asked_at, h.c.removed_at.is_(None))
    await tx.execute(query.values(values))


async def fences(tx: Tx, channel_ids: Iterable[str]) -> dict[str, int]:
    """The fencing number of each channel now."""
    query = select(c.c.id, c.c.fence).where(c.c.id.in_(sorted(set(channel_ids))))
    return {row.id: row.fence for row in await tx.execute(query)}


async def newest(tx: Tx) -> int:
    """The number of the newest request in the inbox; 0: there is none."""
    return int((await tx.execute(select(func.max(i.c.id)))).scalar_one() or 0)


async def arrived(tx: Tx, channel_id: str, after: int, most: int) -> list[Arrived]:
    """What LINE posted for a channel after a place in the inbox, in order."""
    rows = await tx.execute(_AFTER, {"channel": channel_id, "after": after, "most": most})
    return [Arrived(*row) for row in rows]


async def arrived_again(tx: Tx, channel_id: str, ids: Sequence[int]) -> list[Arrived]:
    """These requests, as far as they are still kept, in order."""
    found: list[Arrived] = []
    for portion in portions(str(x) for x in ids):
        query = select(*_ARRIVED).where(i.c.channel_id == channel_id, i.c.id.in_([int(x) for x in portion]))
        found += [Arrived(*row) for row in await tx.execute(query.order_by(i.c.id))]
    return found


async def span(tx: Tx, channel_id: str, since: int, until: int) -> tuple[int, int] | None:
    """The first and the last request of a channel that came in that time, both counted; None: there is none.

    Clocks can be set back, so that times need not rise with the numbers.
    """
    query = select(func.min(i.c.id), func.max(i.c.id)).where(
        i.c.channel_id == channel_id, i.c.received_at >= since, i.c.received_at <= until
    )
    first, last = (await tx.execute(query)).one()
    return None if first is None else (first, last)


async def count_between(tx: Tx, channel_id: str, after: int, until: int) -> int:
    """How many requests of a channel lie after a place of the inbox, up to another."""
    query = select(func.count()).where(i.c.channel_id == channel_id, i.c.id > after, i.c.id <= until)
    return int((await tx.execute(query)).scalar_one())


async def lag(tx: Tx, target: HubTarget) -> Lag:
    """Also counts what has not been looked at yet and may be of kinds that the target does not want."""
    after = and_(i.c.channel_id == target.channel_id, i.c.id > target.position)
    some = select(i.c.id).where(after).limit(MOST_COUNTED).subquery()
    count = (await tx.execute(select(func.count()).select_from(some))).scalar_one()
    first = (await tx.execute(select(i.c.received_at).where(after).order_by(i.c.id).limit(1))).scalar()
    open_ids = msgspec.json.decode(target.unfinished, type=list[int])
    if not open_ids:
        return Lag(count, first)
    query = select(func.count(), func.min(i.c.received_at)).where(i.c.id.in_(open_ids))
    kept, oldest = (await tx.execute(query)).one()
    return Lag(count + kept, min((x for x in (first, oldest) if x is not None), default=None))


async def last_body(tx: Tx, channel_id: str) -> bytes | None:
    """What LINE posted last for a channel."""
    query = select(i.c.body).where(i.c.channel_id == channel_id).order_by(i.c.id.desc()).limit(1)
    found: bytes | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def add_skips(tx: Tx, skips: Sequence[Skip]) -> None:
    """The last word on a request is kept: a replay may skip it again."""
    rows = {(x.target_id, x.inbox_id): msgspec.structs.asdict(x) for x in skips}
    if rows:
        same = and_(s.c.target_id == bindparam("t"), s.c.inbox_id == bindparam("x"))
        await tx.execute(delete(s).where(same), [{"t": t, "x": x} for t, x in rows])
        await tx.execute(insert(s), list(rows.values()))


async def list_skips(tx: Tx, target_id: str, before: int | None, limit: int) -> list[tuple[Skip, int | None]]:
    """What a target did not get, the newest first, with the time at which LINE posted it where that is kept."""
    query = (
        select(*(s.c[x] for x in Skip.__struct_fields__), i.c.received_at)
        .join_from(s, i, i.c.id == s.c.inbox_id, isouter=True)
        .where(s.c.target_id == target_id)
    )
    if before is not None:
        query = query.where(s.c.inbox_id < before)
    rows = await tx.execute(query.order_by(s.c.inbox_id.desc()).limit(limit))
    return [
        (Skip(**{k: v for k, v in r._mapping.items() if k != "received_at"}), r.received_at) for r in rows
    ]


async def skipped_last(tx: Tx, target_id: str) -> int | None:
    """When the newest request that a target did not get was skipped."""
    query = select(s.c.at).where(s.c.target_id == target_id).order_by(s.c.inbox_id.desc()).limit(1)
    found: int | None = (await tx.execute(query)).scalar()
    return found


async def forget_skips(tx: Tx, before: int) -> None:
    """Drops what was skipped before that time."""
    await tx.execute(delete(s).where(s.c.at < before))


async def unread_and_old(tx: Tx, target: HubTarget, before: int, up_to: int) -> tuple[int, int] | None:
    """How many requests the inbox is about to drop that a target has not come to, and the last of them; those up to a
    number of the inbox.
    """
    of_channel = i.c.channel_id == target.channel_id
    unread: ColumnElement[bool] = and_(of_channel, i.c.id > target.position, i.c.id <= up_to)
    first = (await tx.execute(select(i.c.applied_at).where(unread).order_by(i.c.id).limit(1))).scalar()
    # Most targets are not behind at all, and of others all need not be counted to see that nothing is old.
    if first is None or first >= before:
        return None
    query = select(func.count(), func.max(i.c.id)).where(unread, i.c.applied_at < before)
    count, last = (await tx.execute(query)).one()
    return count, last
