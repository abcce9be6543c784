"""Templates and policies, by name and version. A stored version never changes; `flagged` is the exception."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import policies as p
from todoke.storage.tables import templates as t


class TemplateRow(msgspec.Struct, kw_only=True):
    """A version of a template; `spec` is the JSON that `core.template` compiles."""

    id: str
    account_id: str
    channel_id: str
    name: str
    version: int
    use_case: str
    spec: str
    flagged_at: int | None = None
    flagged_why: str | None = None
    review: str = "draft"
    """draft, in_review, approved, changes_wanted or rejected."""
    review_at: int | None = None
    application_id: str | None = None
    """The application that it was submitted for."""
    findings: str | None = None
    """JSON: what the content check found in its fixed text."""
    rules_version: str | None = None
    """By which rules that was."""
    created_at: int


class PolicyRow(msgspec.Struct, kw_only=True):
    """A version of a policy; `spec` is the JSON of `core.routing.Policy`."""

    id: str
    account_id: str
    name: str | None
    version: int
    digest: str
    spec: str
    of_name: str | None = None
    """Of one without a name: the named policy that it was completed from."""
    of_version: int | None = None
    why: str | None = None
    """Why it was chosen, in words."""
    created_at: int


async def insert_template(tx: Tx, row: TemplateRow) -> None:
    await tx.execute(insert(t), msgspec.structs.asdict(row))


async def latest_version(tx: Tx, account_id: str, name: str) -> int:
    """The highest version of a template; 0 where there is none."""
    query = select(func.max(t.c.version)).where(t.c.account_id == account_id, t.c.name == name)
    return (await tx.execute(query)).scalar_one() or 0


async def find_template(
    tx: Tx, account_id: str, id_or_name: str, channel_id: str | None = None
) -> TemplateRow | None:
    """By id, or the newest version by name. `channel_id`: the newest on that channel, where it has one of the name."""
    matches = [t.c.name == id_or_name, t.c.id == id_or_name]
    if channel_id is not None:
        matches.insert(0, (t.c.name == id_or_name) & (t.c.channel_id == channel_id))
    for match in matches:
        query = select(t).where(t.c.account_id == account_id, match).order_by(t.c.version.desc()).limit(1)
        if row := (await tx.execute(query)).one_or_none():
            return TemplateRow(**row._mapping)
    return None


async def channels_of_template(tx: Tx, account_id: str, name: str) -> list[TemplateRow]:
    """The newest version of a name on each channel that has one, by channel."""
    query = (
        select(t).where(t.c.account_id == account_id, t.c.name == name).order_by(t.c.channel_id, t.c.version)
    )
    newest = {row.channel_id: TemplateRow(**row._mapping) for row in await tx.execute(query)}
    return list(newest.values())


async def templates_by_ids(tx: Tx, ids: Iterable[str]) -> list[TemplateRow]:
    query = select(t).where(t.c.id.in_(list(ids)))
    return [TemplateRow(**row._mapping) for row in await tx.execute(query)]


async def list_templates(tx: Tx, account_id: str) -> list[TemplateRow]:
    """The newest version of each."""
    newest = (
        select(t.c.name, func.max(t.c.version).label("version"))
        .where(t.c.account_id == account_id)
        .group_by(t.c.name)
        .subquery()
    )
    query = (
        select(t)
        .join(newest, (t.c.name == newest.c.name) & (t.c.version == newest.c.version))
        .where(t.c.account_id == account_id)
        .order_by(t.c.name)
    )
    return [TemplateRow(**row._mapping) for row in await tx.execute(query)]


async def flag_template(tx: Tx, template_id: str, now: int, why: str) -> None:
    """Marks a version that LINE answered 400 to; the first reason stays."""
    query = update(t).where(t.c.id == template_id, t.c.flagged_at.is_(None))
    await tx.execute(query.values(flagged_at=now, flagged_why=why))


async def insert_policy(tx: Tx, row: PolicyRow) -> None:
    await tx.execute(insert(p), msgspec.structs.asdict(row))


async def latest_policy(tx: Tx, account_id: str, name: str) -> PolicyRow | None:
    query = (
        select(p).where(p.c.account_id == account_id, p.c.name == name).order_by(p.c.version.desc()).limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else PolicyRow(**row._mapping)


async def unnamed_policy(tx: Tx, account_id: str, digest: str) -> str | None:
    """The id of the unnamed policy of this content, if there is one."""
    query = (
        select(p.c.id).where(p.c.account_id == account_id, p.c.digest == digest, p.c.name.is_(None)).limit(1)
    )
    return (await tx.execute(query)).scalar_one_or_none()


async def policies_by_ids(tx: Tx, ids: Iterable[str]) -> list[PolicyRow]:
    query = select(p).where(p.c.id.in_(list(ids)))
    return [PolicyRow(**row._mapping) for row in await tx.execute(query)]


async def list_policies(tx: Tx, account_id: str) -> list[PolicyRow]:
    """The newest version of each named one."""
    query = (
        select(p).where(p.c.account_id == account_id, p.c.name.is_not(None)).order_by(p.c.name, p.c.version)
    )
    newest: dict[Any, PolicyRow] = {}
    for row in await tx.execute(query):
        newest[row.name] = PolicyRow(**row._mapping)
    return list(newest.values())
