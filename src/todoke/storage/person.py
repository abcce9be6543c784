"""All that is kept of one person, as rows: for whoever may ask to see it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Table, or_, select

from todoke.core.durations import rfc3339
from todoke.core.person import Person
from todoke.storage import notice_keys
from todoke.storage.archive_files import Kept
from todoke.storage.database import Tx, portions
from todoke.storage.tables import (
    attempts,
    bind_links,
    bindings,
    channels,
    friends,
    messages,
    notices,
    sources,
    suppressions,
    templates,
)

Row = dict[str, Any]
_SECRET = frozenset({"account_id", "code", "nonce", "word", "reply_token", "lane", "due_at", "spare"})
"""Of use to the machine only, or for proving who somebody is."""


def _shown(table: Table) -> list[ColumnElement[Any]]:
    return [column for column in table.c if column.name not in _SECRET]


async def _rows(tx: Tx, query: Select[Any]) -> list[Row]:
    """Rows by column name, times as RFC 3339; what is empty is left out."""
    result = await tx.execute(query)
    names = list(result.keys())
    times = {c.key for c in query.selected_columns if isinstance(c.type, BigInteger)}
    return [
        {
            name: rfc3339(value) if name in times else value
            for name, value in zip(names, row, strict=True)
            if value is not None
        }
        for row in result
    ]


async def notices_to(tx: Tx, account_id: str, numbers: Iterable[str], limit: int) -> list[Row]:
    """Notices to the numbers, the newest first, each with its attempts, and where its number came from."""
    query = (
        select(*_shown(notices), templates.c.name.label("template"), sources.c.name.label("source"))
        .join_from(notices, templates, notices.c.template_id == templates.c.id)
        .outerjoin(sources, notices.c.source_id == sources.c.id)
        .where(notice_keys.of_numbers(numbers), notices.c.account_id == account_id)
        .order_by(notices.c.id.desc())
        .limit(limit)
    )
    found = await _rows(tx, query)
    by_id = {x["id"]: x | {"attempts": []} for x in found}
    for portion in portions(by_id, 500):
        told = select(*_shown(attempts)).where(attempts.c.notice_id.in_(portion)).order_by(attempts.c.id)
        for row in await _rows(tx, told):
            by_id[row.pop("notice_id")]["attempts"].append(row)
    return list(by_id.values())


async def archived_to(tx: Tx, kept: Sequence[Kept]) -> list[Row]:
    """Archived notices in the same way."""

    async def names(table: Table, column: str) -> dict[str, str]:
        ids = sorted({x.notice[column] for x in kept if column in x.notice})
        query = select(table.c.id, table.c.name).where(table.c.id.in_(ids))
        return {row.id: row.name for row in await tx.execute(query)}

    of_templates, of_sources = await names(templates, "template_id"), await names(sources, "source_id")
    return [
        _as_shown(notices, x.notice)
        | {"template": of_templates.get(x.notice["template_id"]), "archived": True}
        | ({"source": of_sources[s]} if (s := x.notice.get("source_id")) in of_sources else {})
        | {"attempts": [_as_shown(attempts, y, "notice_id") for y in x.attempts]}
        for x in kept
    ]


def _as_shown(table: Table, row: Mapping[str, Any], *but: str) -> Row:
    times = {c.name for c in table.c if isinstance(c.type, BigInteger)}
    hidden = _SECRET.union(but)
    return {k: rfc3339(v) if k in times else v for k, v in row.items() if k not in hidden}


async def others(tx: Tx, account_id: str, person: Person) -> dict[str, list[Row]]:
    """Bindings, bind links, suppressions, what the friend registry knows, and ordinary messages."""
    users, numbers = sorted(person.user_ids), sorted(person.numbers)

    def whose(table: Table) -> ColumnElement[bool]:
        of_person = or_(table.c.user_id.in_(users), table.c.number.in_(numbers))
        return (table.c.account_id == account_id) & of_person

    ours = select(channels.c.id).where(channels.c.account_id == account_id).scalar_subquery()
    stopped = suppressions.c.number.in_(numbers)
    return {
        "bindings": await _rows(tx, select(*_shown(bindings)).where(whose(bindings))),
        "bind_links": await _rows(tx, select(*_shown(bind_links)).where(whose(bind_links))),
        "suppressions": await _rows(
            tx, select(*_shown(suppressions)).where(suppressions.c.account_id == account_id, stopped)
        ),
        "friends": await _rows(
            tx, select(*_shown(friends)).where(friends.c.channel_id.in_(ours), friends.c.user_id.in_(users))
        ),
        "messages": await _rows(
            tx,
            select(*_shown(messages)).where(
                messages.c.account_id == account_id, messages.c.user_id.in_(users)
            ),
        ),
    }
