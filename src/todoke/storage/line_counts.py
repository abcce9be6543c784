"""Comparisons of our counts with LINE's, and our own counts by LINE's days.

Attempts have no index by time, and need none for this: their ids sort by the machine's time, which is the notices'
time too unless a virtual clock is followed. So a day is one walk over the attempts of two days in the order in which
they are stored (at 10,000,000 notices a month some 700,000 of them), beside the running work. With a virtual clock it
is a walk over all.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
)

from todoke.core.counting import NEAR, OFFSET, Comparison, Kind, Status, line_day
from todoke.core.durations import DAY, HOUR
from todoke.core.outcome import SURELY_NOT_TAKEN, Outcome
from todoke.core.routing import Step, window
from todoke.ids import floor_id
from todoke.storage.database import Tx
from todoke.storage.tables import attempts as a
from todoke.storage.tables import line_counts as c
from todoke.storage.tables import messages as m
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t

LINE_WINDOW = window(Step.LINE_NOTIFICATION)
HELD = 30 * DAY
_SLACK = HOUR
_NOT_TAKEN = tuple(sorted(SURELY_NOT_TAKEN))


class Span(NamedTuple):
    """A stretch of time: `start` counts, `end` does not. `by_id`: ids tell the time, so few rows need be read."""

    start: int
    end: int
    by_id: bool

    def of_attempts(self) -> list[ColumnElement[bool]]:
        """The attempts whose proof or answer may fall into it."""
        return self._ids(a.c.id, LINE_WINDOW)

    def of_messages(self) -> list[ColumnElement[bool]]:
        """The same of ordinary messages that went as pushes: LINE counts replies for themselves.

        One that was held longer in a paused channel is not found.
        """
        return [*self._ids(m.c.id, HELD), m.c.reply_until.is_(None)]

    def _ids(self, column: ColumnElement[Any], before: int) -> list[ColumnElement[bool]]:
        if not self.by_id:
            return []
        first = floor_id(self.start - NEAR - before - _SLACK)
        return [column >= first, column < floor_id(self.end + NEAR + _SLACK)]

    def has(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(column >= self.start, column < self.end)

    def near_outside(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Shortly before it, or shortly after."""
        before = and_(column >= self.start - NEAR, column < self.start)
        return or_(before, and_(column >= self.end, column < self.end + NEAR))

    def near_inside(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """In its first minutes, or its last."""
        first = and_(column >= self.start, column < self.start + NEAR)
        return or_(first, and_(column >= self.end - NEAR, column < self.end))


async def put(tx: Tx, rows: Iterable[Comparison]) -> None:
    """Stores comparisons in place of earlier ones of the same channel, day and kind."""
    for x in rows:
        key = and_(c.c.channel_id == x.channel_id, c.c.day == _text(x.day), c.c.kind == x.kind)
        await tx.execute(delete(c).where(key))
        values = msgspec.structs.asdict(x) | {
            "day": _text(x.day),
            "kind": str(x.kind),
            "status": str(x.status),
        }
        await tx.execute(insert(c), values)


async def compared(tx: Tx, channel_ids: Iterable[str], since: date, until: date) -> list[Comparison]:
    """What was compared of these days, both counted: by day, channel and kind."""
    wanted = c.c.channel_id.in_(list(channel_ids)), c.c.day >= _text(since), c.c.day <= _text(until)
    query = select(c).where(*wanted).order_by(c.c.day, c.c.channel_id, c.c.kind)
    return [_comparison(row) for row in await tx.execute(query)]


def _text(day: date) -> str:
    return day.isoformat().replace("-", "")


def _comparison(row: Any) -> Comparison:
    kept = {"day": date.fromisoformat(row.day), "kind": Kind(row.kind), "status": Status(row.status)}
    return Comparison(**{**row._mapping, **kept})


class Counted(NamedTuple):
    """How many of one template, or of pushes (None), on one of LINE's days."""

    channel_id: str
    template_id: str | None
    day: date
    number: int


async def count(tx: Tx, channel_ids: Iterable[str], span: Span) -> list[Counted]:
    """By channel, template and LINE's day: notifications shown, and pushes that LINE accepted."""
    channels = list(channel_ids)
    pushed = accepted_push()
    at = case((pushed, a.c.answered_at), else_=a.c.proof_at)
    template = case((a.c.step == Step.LINE_NOTIFICATION, n.c.template_id))
    day = _day_number(at)
    query = (
        select(n.c.channel_id, template, day, func.count())
        .join(n, n.c.id == a.c.notice_id)
        .where(
            *span.of_attempts(),
            n.c.channel_id.in_(channels),
            or_(and_(pushed, span.has(a.c.answered_at)), and_(is_notification(), span.has(a.c.proof_at))),
        )
        .group_by(n.c.channel_id, template, day)
    )
    found = [Counted(r[0], r[1], _day(r[2]), r[3]) for r in await tx.execute(query)]
    day = _day_number(m.c.answered_at)
    query = (
        select(m.c.channel_id, day, func.count())
        .where(*span.of_messages(), m.c.channel_id.in_(channels), accepted_message())
        .where(span.has(m.c.answered_at))
        .group_by(m.c.channel_id, day)
    )
    return found + [Counted(r[0], None, _day(r[1]), r[2]) for r in await tx.execute(query)]


def _day_number(at: ColumnElement[Any]) -> ColumnElement[int]:
    return (at + OFFSET) // DAY


def _day(number: int) -> date:
    return line_day(number * DAY - OFFSET)


def is_notification() -> ColumnElement[bool]:
    """An attempt of a notification."""
    return a.c.step == Step.LINE_NOTIFICATION


def accepted_push() -> ColumnElement[bool]:
    """An attempt of a push that LINE took."""
    return and_(a.c.step == Step.LINE_PUSH, a.c.outcome == Outcome.ACCEPTED)


def accepted_message() -> ColumnElement[bool]:
    """An ordinary message that LINE took."""
    return m.c.outcome == Outcome.ACCEPTED


def unproved(span: Span) -> ColumnElement[bool]:
    """LINE may have shown it in that time, and nothing told us."""
    taken = or_(a.c.outcome.is_(None), a.c.outcome.not_in(_NOT_TAKEN))
    return and_(a.c.proof_at.is_(None), taken, a.c.at < span.end, a.c.closes_at > span.start)


async def active(tx: Tx, span: Span) -> set[str]:
    """The channels of which LINE may have counted something of ours in that time."""
    pushed_at = func.coalesce(a.c.answered_at, a.c.at)
    taken = or_(a.c.outcome.is_(None), a.c.outcome.not_in(_NOT_TAKEN))
    some = or_(
        and_(is_notification(), or_(span.has(a.c.proof_at), unproved(span))),
        and_(a.c.step == Step.LINE_PUSH, taken, span.has(pushed_at)),
    )
    query = select(n.c.channel_id).join(a, a.c.notice_id == n.c.id).where(*span.of_attempts(), some)
    found = set((await tx.execute(query.distinct())).scalars())
    sent_at = func.coalesce(m.c.answered_at, m.c.unknown_since)
    query = select(m.c.channel_id).where(*span.of_messages(), span.has(sent_at))
    return found | set((await tx.execute(query.distinct())).scalars())


async def last_sent_at(tx: Tx) -> int | None:
    """When the newest attempt began, or the newest ordinary message was asked for; None: nothing was ever sent."""
    newest = select(a.c.at).order_by(a.c.id.desc()).limit(1)
    message = select(m.c.created_at).order_by(m.c.id.desc()).limit(1)
    times = [(await tx.execute(query)).scalar_one_or_none() for query in (newest, message)]
    return max((x for x in times if x is not None), default=None)


async def templates_of(tx: Tx, channel_id: str) -> list[str]:
    """The ids of all versions of a channel's templates."""
    return list((await tx.execute(select(t.c.id).where(t.c.channel_id == channel_id))).scalars())
