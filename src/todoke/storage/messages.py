"""Ordinary messages: stored, taken when due, written back after each try, listed."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, insert, select, update

from todoke.core.message import Message, MessageState
from todoke.core.outcome import Outcome
from todoke.storage import forgetting
from todoke.storage.bulk import Bulk
from todoke.storage.database import Tx, portions
from todoke.storage.forgetting import ALL
from todoke.storage.tables import channels as c
from todoke.storage.tables import messages as m


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A message, whom it goes to, and `body`: its message objects as JSON."""

    message: Message
    account_id: str
    channel_id: str
    user_id: str
    reference: str | None
    body: str
    binding_id: str | None = None
    """What led from the number that it was addressed to to the user; None: it was addressed to the user."""


_OF_MESSAGE = Message.__struct_fields__
_BESIDE = ("account_id", "channel_id", "user_id", "reference", "body", "binding_id")
_COLUMNS = tuple(m.c[x] for x in (*_OF_MESSAGE, *_BESIDE))
_CHANGES = tuple(x for x in _OF_MESSAGE if x not in ("id", "created_at"))
_update = Bulk(update(m).where(m.c.id == bindparam("of")), ("of", *_CHANGES))


def _stored(row: Any) -> Stored:
    values = dict(row._mapping)
    beside = {x: values.pop(x) for x in _BESIDE}
    values["state"] = MessageState(values["state"])
    values["outcome"] = None if values["outcome"] is None else Outcome(values["outcome"])
    return Stored(message=Message(**values), **beside)


def _plain(message: Message, field: str) -> Any:
    value = getattr(message, field)
    return str(value) if isinstance(value, MessageState | Outcome) else value


async def insert_message(tx: Tx, stored: Stored) -> None:
    values = {x: getattr(stored, x) for x in _BESIDE}
    await tx.execute(insert(m).values(values | {x: _plain(stored.message, x) for x in _OF_MESSAGE}))


async def save(tx: Tx, messages: Sequence[Message]) -> None:
    """Writes all that changes of a message in its life."""
    await _update(tx, [(x.id, *(_plain(x, field) for field in _CHANGES)) for x in messages])


async def next_due(tx: Tx) -> dict[str, int]:
    """Channel → when the first of its messages needs something next; for one that is out, when its lease lapses."""
    first = (
        select(func.min(m.c.due_at))
        .where(m.c.channel_id == c.c.id, m.c.due_at.is_not(None))
        .scalar_subquery()
    )
    return {row[0]: row[1] for row in await tx.execute(select(c.c.id, first)) if row[1] is not None}


async def load_due(tx: Tx, channel_id: str, now: int, limit: int) -> list[Stored]:
    """The messages of a channel that need something by `now`, the longest due first."""
    query = (
        select(*_COLUMNS)
        .where(m.c.channel_id == channel_id, m.c.due_at <= now)
        .order_by(m.c.due_at, m.c.id)
        .limit(limit)
    )
    return [_stored(row) for row in await tx.execute(query)]


async def load_by_ids(tx: Tx, ids: Iterable[str]) -> dict[str, Message]:
    """Those of the messages that exist."""
    found: dict[str, Message] = {}
    for portion in portions(ids):
        query = select(*_COLUMNS).where(m.c.id.in_(portion))
        found.update((row.id, _stored(row).message) for row in await tx.execute(query))
    return found


async def release_held(tx: Tx, channel_id: str, now: int) -> None:
    """Makes everything due that waits in a channel, as when it is no longer paused."""
    waiting = (m.c.channel_id == channel_id) & (m.c.state == MessageState.QUEUED)
    await tx.execute(update(m).where(waiting).values(due_at=now))


async def release_out(tx: Tx, channel_id: str, now: int) -> None:
    """Makes due what a channel's former owner had out: its retry key makes it safe to send again."""
    out = (m.c.channel_id == channel_id) & m.c.due_at.is_not(None) & (m.c.state == MessageState.SENDING)
    await tx.execute(update(m).where(out).values(due_at=now))


async def get_message(tx: Tx, account_id: str, message_id: str) -> Stored | None:
    query = select(*_COLUMNS).where(m.c.account_id == account_id, m.c.id == message_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _stored(row)


async def list_messages(
    tx: Tx,
    account_id: str,
    *,
    state: str | None = None,
    reference: str | None = None,
    before: str | None = None,
    limit: int,
) -> list[Stored]:
    """The newest first; `before`: only those with a smaller id."""
    query = select(*_COLUMNS).where(m.c.account_id == account_id)
    for column, value in ((m.c.state, state), (m.c.reference, reference)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(m.c.id < before)
    return [_stored(row) for row in await tx.execute(query.order_by(m.c.id.desc()).limit(limit))]


async def count_to_user(tx: Tx, channel_id: str, user_id: str, reference: str, since: int) -> int:
    """How many messages with this reference were written to a user in a channel after that time."""
    query = select(func.count()).where(
        m.c.user_id == user_id,
        m.c.created_at > since,
        m.c.channel_id == channel_id,
        m.c.reference == reference,
    )
    return (await tx.execute(query)).scalar_one()


async def forget(tx: Tx, reference: str, ended_before: int, most: int = ALL) -> int:
    """Drops so many messages, at most, with this reference that ended before then; answers how many it were."""
    old = (m.c.reference == reference) & (m.c.ended_at < ended_before)
    return await forgetting.forget(tx, m, old, most)
