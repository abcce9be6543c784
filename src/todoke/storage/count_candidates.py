"""What may explain a difference between our count and LINE's: notices and messages that one side may count and the
other not, each with the name of a reason.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, not_, or_, select

from todoke.core.outcome import Outcome
from todoke.core.routing import Friendship, Step
from todoke.storage.database import Tx
from todoke.storage.line_counts import (
    Span,
    accepted_message,
    accepted_push,
    is_notification,
    unproved,
)
from todoke.storage.tables import attempts as a
from todoke.storage.tables import bindings as b
from todoke.storage.tables import friends as f
from todoke.storage.tables import messages as m
from todoke.storage.tables import notices as n


class Candidate(NamedTuple):
    """A notice, or an ordinary message, that may be counted otherwise at LINE; `why` is the name of a reason."""

    notice_id: str | None
    message_id: str | None
    why: str


class Candidates(NamedTuple):
    """The likeliest first; `total` counts those beyond the limit too."""

    first: list[Candidate]
    total: int


async def notifications(
    tx: Tx, channel_id: str, template_ids: Iterable[str], span: Span, *, line_counts_more: bool, limit: int
) -> Candidates:
    """Notifications of these templates that one side may count on that day and the other not."""
    if line_counts_more:
        some = or_(unproved(span), span.near_outside(a.c.proof_at))
    else:
        some = span.near_inside(a.c.proof_at)
    why = case(
        (a.c.proof_at.is_not(None), "midnight"),
        (or_(a.c.outcome.is_(None), a.c.outcome == Outcome.UNKNOWN), "unknown"),
        (a.c.outcome == Outcome.SILENT, "silent"),
        else_="waiting",
    )
    templates = n.c.template_id.in_(list(template_ids))
    return await _of_attempts(tx, channel_id, span, why, limit, is_notification(), templates, some)


async def pushes(tx: Tx, channel_id: str, span: Span, *, line_counts_more: bool, limit: int) -> Candidates:
    """Pushes that one side may count on that day and the other not: of notices, then ordinary messages."""
    build = _pushes_line_may_count if line_counts_more else _pushes_line_may_not_count
    why, some = build(span)
    notices = await _of_attempts(tx, channel_id, span, why, limit, a.c.step == Step.LINE_PUSH, some)
    build = _messages_line_may_count if line_counts_more else _messages_line_may_not_count
    why, some = build(span)
    total = func.count().over()
    query: Select[Any] = (
        select(m.c.id, why, total)
        .where(*span.of_messages(), m.c.channel_id == channel_id, some)
        .order_by(m.c.id)
        .limit(limit)
    )
    rows = (await tx.execute(query)).all()
    messages = [Candidate(None, r[0], r[1]) for r in rows]
    return Candidates((notices.first + messages)[:limit], notices.total + (rows[0][2] if rows else 0))


_Told = tuple[ColumnElement[Any], ColumnElement[bool]]


def _pushes_line_may_count(span: Span) -> _Told:
    other = a.alias()
    # The next try has the same retry key: of an unknown one and its accepted successor, LINE counts one.
    settled = exists().where(
        other.c.notice_id == a.c.notice_id,
        other.c.step == Step.LINE_PUSH,
        other.c.outcome == Outcome.ACCEPTED,
        span.has(other.c.answered_at),
    )
    doubtful = or_(a.c.outcome.is_(None), a.c.outcome == Outcome.UNKNOWN)
    unknown = and_(doubtful, span.has(a.c.at), not_(settled))
    near = and_(accepted_push(), span.near_outside(a.c.answered_at))
    return case((unknown, "push_unknown"), else_="push_midnight"), or_(unknown, near)


def _pushes_line_may_not_count(span: Span) -> _Told:
    other = a.alias()
    earlier = exists().where(
        other.c.notice_id == a.c.notice_id,
        other.c.step == Step.LINE_PUSH,
        other.c.outcome == Outcome.UNKNOWN,
        other.c.at < span.start,
    )
    repeated = and_(a.c.status == 409, earlier)
    blocked = exists().where(
        b.c.number == n.c.number,
        b.c.account_id == n.c.account_id,
        b.c.unbound_at.is_(None),
        f.c.channel_id == n.c.channel_id,
        f.c.user_id == b.c.user_id,
        _no_friend(a.c.answered_at),
    )
    near = span.near_inside(a.c.answered_at)
    counted = and_(accepted_push(), span.has(a.c.answered_at))
    why = case((repeated, "push_repeated"), (blocked, "push_blocked"), else_="push_midnight")
    return why, and_(counted, or_(repeated, blocked, near))


def _no_friend(by: ColumnElement[Any]) -> ColumnElement[bool]:
    """Who blocked the account before a push, or is missing from the followers list, whenever that began."""
    blocked = and_(f.c.state == Friendship.BLOCKED, f.c.since <= by)
    return or_(blocked, f.c.state.not_in((Friendship.FRIEND, Friendship.BLOCKED)))


def _messages_line_may_count(span: Span) -> _Told:
    accepted = func.coalesce(accepted_message(), literal(False))
    unknown = and_(m.c.unknown_since.is_not(None), span.has(m.c.unknown_since), not_(accepted))
    near = and_(accepted_message(), span.near_outside(m.c.answered_at))
    return case((unknown, "push_unknown"), else_="push_midnight"), or_(unknown, near)


def _messages_line_may_not_count(span: Span) -> _Told:
    repeated = and_(m.c.status == 409, m.c.created_at < span.start)
    blocked = exists().where(
        f.c.channel_id == m.c.channel_id, f.c.user_id == m.c.user_id, _no_friend(m.c.answered_at)
    )
    near = span.near_inside(m.c.answered_at)
    counted = and_(accepted_message(), span.has(m.c.answered_at))
    why = case((repeated, "push_repeated"), (blocked, "push_blocked"), else_="push_midnight")
    return why, and_(counted, or_(repeated, blocked, near))


async def _of_attempts(
    tx: Tx,
    channel_id: str,
    span: Span,
    why: ColumnElement[Any],
    limit: int,
    *conditions: ColumnElement[bool],
) -> Candidates:
    # What was sent on the day itself is likelier to have been shown on it than what was sent the day before.
    query: Select[Any] = (
        select(a.c.notice_id, why, func.count().over())
        .join(n, n.c.id == a.c.notice_id)
        .where(*span.of_attempts(), n.c.channel_id == channel_id, *conditions)
        .order_by(case((span.has(a.c.at), 0), else_=1), a.c.at, a.c.id)
        .limit(limit)
    )
    rows = (await tx.execute(query)).all()
    return Candidates([Candidate(r[0], None, r[1]) for r in rows], rows[0][2] if rows else 0)
