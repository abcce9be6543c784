"""Which notices a report is about."""

import msgspec
from sqlalchemy import ColumnElement

from todoke.storage.tables import notices as n


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which notices a report is about."""

    account_id: str
    batch_id: str | None = None
    channel_id: str | None = None
    since: int | None = None
    until: int | None = None

    def where(self) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [n.c.account_id == self.account_id]
        if self.batch_id is not None:
            conditions.append(n.c.batch_id == self.batch_id)
        if self.channel_id is not None:
            conditions.append(n.c.channel_id == self.channel_id)
        if self.since is not None:
            conditions.append(n.c.created_at >= self.since)
        if self.until is not None:
            conditions.append(n.c.created_at < self.until)
        return conditions
