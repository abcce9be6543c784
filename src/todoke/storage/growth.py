"""Friends and bindings that came after notices."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, or_, select

from todoke.core.outcome import Outcome
from todoke.core.routing import Step
from todoke.storage import notice_keys
from todoke.storage.database import Tx, portions
from todoke.storage.tables import attempts as a
from todoke.storage.tables import bind_links as k
from todoke.storage.tables import bindings as b
from todoke.storage.tables import friends as f
from todoke.storage.tables import notices as n
from todoke.storage.tables import templates as t

_AT_ONCE = 500


class Follower(NamedTuple):
    """A user who became a friend, and how they stand now."""

    channel_id: str
    user_id: str
    followed_at: int
    state: str


async def followers(tx: Tx, channel_ids: Sequence[str], since: int, until: int, limit: int) -> list[Follower]:
    """Who became a friend in a time, the newest first."""
    query = (
        select(f.c.channel_id, f.c.user_id, f.c.followed_at, f.c.state)
        .where(f.c.channel_id.in_(list(channel_ids)), f.c.followed_at >= since, f.c.followed_at < until)
        .order_by(f.c.followed_at.desc())
        .limit(limit)
    )
    return [Follower(*r) for r in await tx.execute(query)]


class Reached(NamedTuple):
    """A message that a user got, or that was handed over to them."""

    user_id: str
    channel_id: str
    template: str
    step: str
    at: int


async def reached(tx: Tx, account_id: str, user_ids: Sequence[str], since: int, until: int) -> list[Reached]:
    """What reached the numbers bound to these users, over LINE or by SMS: when it was shown, else when it left."""
    at = func.coalesce(a.c.proof_at, a.c.at)
    pushed = and_(a.c.step == Step.LINE_PUSH, a.c.outcome == Outcome.ACCEPTED)
    texted = and_(a.c.step == Step.SMS, a.c.outcome.in_((Outcome.ACCEPTED, Outcome.SILENT)))
    found: list[Reached] = []
    for portion in portions(user_ids, _AT_ONCE):
        bound = select(b.c.number, b.c.user_id).where(
            b.c.account_id == account_id, b.c.user_id.in_(portion), b.c.unbound_at.is_(None)
        )
        users: dict[str, list[str]] = {}
        for number, user_id in await tx.execute(bound):
            users.setdefault(number, []).append(user_id)
        query = (
            select(n.c.number, n.c.channel_id, t.c.name, a.c.step, at)
            .join(a, a.c.notice_id == n.c.id)
            .join(t, t.c.id == n.c.template_id)
            .where(
                notice_keys.of_numbers(users),
                n.c.account_id == account_id,
                or_(a.c.proof_at.is_not(None), pushed, texted),
                at >= since,
                at < until,
            )
        )
        found += [Reached(user_id, *r[1:]) for r in await tx.execute(query) for user_id in users[r[0]]]
    return found


class Made(NamedTuple):
    """Bindings of one template's links and one way: how many were made, how many are old enough to be judged after
    the first and the second span, and how many of those stood so long.
    """

    template: str | None
    way: str
    made: int
    standing: int
    old: tuple[int, int]
    stood: tuple[int, int]


async def bindings_made(
    tx: Tx,
    account_id: str,
    channel_id: str | None,
    since: int,
    until: int,
    now: int,
    spans: tuple[int, int],
) -> list[Made]:
    """Bindings of a time. `channel_id`: those made by that channel's links only."""
    sums: list[Any] = [func.count(), func.sum(case((b.c.unbound_at.is_(None), 1), else_=0))]
    for length in spans:
        old = b.c.bound_at + length <= now
        stood = or_(b.c.unbound_at.is_(None), b.c.unbound_at >= b.c.bound_at + length)
        sums += [func.sum(case((old, 1), else_=0)), func.sum(case((and_(old, stood), 1), else_=0))]
    query = (
        select(t.c.name, b.c.way, *sums)
        .outerjoin(k, k.c.id == b.c.link_id)
        .outerjoin(t, t.c.id == k.c.template_id)
        .where(b.c.account_id == account_id, b.c.bound_at >= since, b.c.bound_at < until)
        .group_by(t.c.name, b.c.way)
        .order_by(func.count().desc(), b.c.way)
    )
    if channel_id is not None:
        query = query.where(k.c.channel_id == channel_id)
    return [
        Made(r[0], r[1], r[2], int(r[3]), (int(r[4]), int(r[6])), (int(r[5]), int(r[7])))
        for r in await tx.execute(query)
    ]
