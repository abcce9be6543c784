"""An account's own rules for contents, and its settings: which domains are its own, what it switched off."""

from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update

from todoke.storage.database import Tx
from todoke.storage.tables import content_rules as r
from todoke.storage.tables import content_settings as s


class OwnRule(msgspec.Struct, kw_only=True):
    """A rule of an account. It ended at `ended_at`; None: it holds."""

    id: str
    account_id: str
    name: str
    spec: str
    """JSON, as `core.content.own_rules` reads it."""
    by: str
    created_at: int
    ended_at: int | None = None


class SettingsRow(msgspec.Struct, kw_only=True):
    """The settings of an account; `spec` is the JSON of `core.content.settings.Settings`."""

    account_id: str
    spec: str = "{}"
    version: int = 0
    by: str = ""
    changed_at: int = 0


_RULE = tuple(r.c[x] for x in OwnRule.__struct_fields__)
_SETTINGS = tuple(s.c[x] for x in SettingsRow.__struct_fields__)


async def version(tx: Tx, account_id: str) -> int:
    """Which version of rules, settings and overrulings holds; 0 where the account never had any."""
    found: int | None = (await tx.execute(select(s.c.version).where(s.c.account_id == account_id))).scalar()
    return found or 0


async def settings(tx: Tx, account_id: str) -> SettingsRow:
    row = (await tx.execute(select(*_SETTINGS).where(s.c.account_id == account_id))).one_or_none()
    return SettingsRow(account_id=account_id) if row is None else SettingsRow(**row._mapping)


async def put_settings(tx: Tx, row: SettingsRow) -> None:
    """Stores settings; the version counts up."""
    values = msgspec.structs.asdict(row) | {"version": s.c.version + 1}
    changed = await tx.execute(update(s).where(s.c.account_id == row.account_id).values(values))
    if changed.rowcount == 0:
        await tx.execute(insert(s).values(values | {"version": 1}))


async def count_up(tx: Tx, account_id: str, by: str) -> None:
    """Says to all processes that something that they keep of this account has changed."""
    changed = await tx.execute(update(s).where(s.c.account_id == account_id).values(version=s.c.version + 1))
    if changed.rowcount == 0:
        first = SettingsRow(account_id=account_id, version=1, by=by)
        await tx.execute(insert(s).values(msgspec.structs.asdict(first)))


async def insert_rule(tx: Tx, rule: OwnRule) -> None:
    await tx.execute(insert(r), msgspec.structs.asdict(rule))


async def end_rule(tx: Tx, rule_id: str, now: int) -> None:
    await tx.execute(update(r).where(r.c.id == rule_id, r.c.ended_at.is_(None)).values(ended_at=now))


async def rules(tx: Tx, account_id: str, *, ended: bool = False) -> list[OwnRule]:
    """Those that hold, by name; `ended`: those that have ended too."""
    query = select(*_RULE).where(r.c.account_id == account_id)
    if not ended:
        query = query.where(r.c.ended_at.is_(None))
    return [_rule(row) for row in await tx.execute(query.order_by(r.c.name, r.c.id))]


async def find_rule(tx: Tx, account_id: str, name_or_id: str) -> OwnRule | None:
    """The rule that holds under this name, else the one with this id, ended or not."""
    base = select(*_RULE).where(r.c.account_id == account_id)
    for query in (
        base.where(r.c.name == name_or_id, r.c.ended_at.is_(None)),
        base.where(r.c.id == name_or_id),
    ):
        if (row := (await tx.execute(query.order_by(r.c.id.desc()).limit(1))).one_or_none()) is not None:
            return _rule(row)
    return None


async def count_rules(tx: Tx, account_id: str) -> int:
    query = select(func.count()).select_from(r).where(r.c.account_id == account_id, r.c.ended_at.is_(None))
    return int((await tx.execute(query)).scalar_one())


def _rule(row: Any) -> OwnRule:
    return OwnRule(**row._mapping)
