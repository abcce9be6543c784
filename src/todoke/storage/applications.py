"""Applications to use a use case on a channel, and how far the templates of a channel are."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import insert, select, update

from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.tables import templates as t
from todoke.storage.tables import use_cases as u


class Application(msgspec.Struct, kw_only=True):
    """A row of the use_cases table."""

    id: str
    account_id: str
    channel_id: str
    key: str
    published: int
    """1: LINE's published list of the channel's country has it."""
    names: str
    """JSON: language → name."""
    description: str | None = None
    urgency: str | None = None
    limits: str | None = None
    timing: str | None = None
    no_verification: int = 0
    state: str
    state_at: int
    checklist: str = "{}"
    """JSON: item → what was given for it."""
    submitted_at: int | None = None
    answer_from: str | None = None
    """The day from which LINE's answer is to be expected, as 2026-08-21."""
    answer_until: str | None = None
    created_at: int


class Standing(NamedTuple):
    """How far a template's version and the application for its use case on its channel are."""

    template_id: str
    name: str
    version: int
    use_case: str
    review: str
    state: str | None
    """None: there is no application."""


async def insert_application(tx: Tx, row: Application) -> None:
    await tx.execute(insert(u), msgspec.structs.asdict(row))


async def update_application(tx: Tx, application_id: str, **values: Any) -> None:
    await tx.execute(update(u).where(u.c.id == application_id).values(**values))


async def applications(
    tx: Tx, account_id: str, *, key: str | None = None, channel_id: str | None = None
) -> list[Application]:
    """Those of an account, the newest last; `key` and `channel_id`: only those of one use case or one channel."""
    query = select(u).where(u.c.account_id == account_id).order_by(u.c.id)
    if key is not None:
        query = query.where(u.c.key == key)
    if channel_id is not None:
        query = query.where(u.c.channel_id == channel_id)
    return [Application(**row._mapping) for row in await tx.execute(query)]


async def get_application(tx: Tx, account_id: str, application_id: str) -> Application | None:
    query = select(u).where(u.c.account_id == account_id, u.c.id == application_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Application(**row._mapping)


async def templates_of(tx: Tx, channel_id: str, use_case: str) -> list[TemplateRow]:
    """All versions of a channel's templates of a use case, by name, the newest version of each first."""
    query = (
        select(t)
        .where(t.c.channel_id == channel_id, t.c.use_case == use_case)
        .order_by(t.c.name, t.c.version.desc())
    )
    return [TemplateRow(**row._mapping) for row in await tx.execute(query)]


async def set_review(
    tx: Tx, template_ids: Sequence[str], review: str, now: int, application_id: str | None
) -> None:
    """Moves versions of templates. `application_id`: which they were submitted for."""
    query = update(t).where(t.c.id.in_(list(template_ids)))
    await tx.execute(query.values(review=review, review_at=now, application_id=application_id))


async def standings(tx: Tx, template_ids: Iterable[str]) -> list[Standing]:
    """How far these versions and the applications behind them are: asked at every claim, so one small query."""
    query = (
        select(t.c.id, t.c.name, t.c.version, t.c.use_case, t.c.review, u.c.state)
        .select_from(t.outerjoin(u, (u.c.channel_id == t.c.channel_id) & (u.c.key == t.c.use_case)))
        .where(t.c.id.in_(list(template_ids)))
    )
    return [Standing(*row) for row in await tx.execute(query)]


async def newest_live(tx: Tx, channel_id: str, name: str, review: str, state: str) -> TemplateRow | None:
    """The newest version of a channel's template that has this review, its application being in this state."""
    query = (
        select(t)
        .select_from(t.join(u, (u.c.channel_id == t.c.channel_id) & (u.c.key == t.c.use_case)))
        .where(t.c.channel_id == channel_id, t.c.name == name, t.c.review == review, u.c.state == state)
        .order_by(t.c.version.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else TemplateRow(**row._mapping)


async def standings_of_channel(tx: Tx, channel_id: str) -> list[Standing]:
    """All versions of a channel's templates, and how far they are."""
    query = (
        select(t.c.id, t.c.name, t.c.version, t.c.use_case, t.c.review, u.c.state)
        .select_from(t.outerjoin(u, (u.c.channel_id == t.c.channel_id) & (u.c.key == t.c.use_case)))
        .where(t.c.channel_id == channel_id)
        .order_by(t.c.name, t.c.version)
    )
    return [Standing(*row) for row in await tx.execute(query)]
