"""What the config version counts: the columns that decide how a request is answered and a notice taken in.

A trigger counts, so no action can forget to, and the number rises in the transaction of the change. Left out is what
changes all the time and decides nothing here, such as the lease on a channel.
"""

from typing import NamedTuple

from todoke.storage import tables
from todoke.storage.tables import metadata


class Watched(NamedTuple):
    """A table; `columns`: whose change counts, None for all; `rows`: which new rows count, as SQL, None for all."""

    table: str
    columns: tuple[str, ...] | None = None
    rows: str | None = None


WATCHED = (
    Watched(tables.api_keys.name),
    Watched(
        tables.channels.name, ("account_id", "name", "region", "line_channel_id", "mode", "test_numbers")
    ),
    Watched(tables.templates.name),
    # One without a name is found by its content, and the content never changes.
    Watched(tables.policies.name, rows="NEW.name IS NOT NULL"),
    Watched(tables.use_cases.name),
    Watched(tables.sources.name),
    Watched(tables.content_settings.name),
    Watched(tables.content_rules.name),
    Watched(tables.overrulings.name),
)
_COUNT = "UPDATE config_version SET version = version + 1 WHERE id = 1"

SEED = "INSERT OR IGNORE INTO config_version (id, version) VALUES (1, 1)"


def triggers() -> dict[str, str]:
    """Name → the statement that makes it."""
    made: dict[str, str] = {}
    for table, columns, rows in WATCHED:
        assert set(columns or ()) <= set(metadata.tables[table].c.keys())
        of = "" if columns is None else f" OF {', '.join(columns)}"
        when = "" if rows is None else f" WHEN {rows}"
        for name, event in (
            ("new", f"INSERT ON {table}"),
            ("changed", f"UPDATE{of} ON {table}"),
            ("gone", f"DELETE ON {table}"),
        ):
            condition = when if name == "new" else ""
            trigger = f"watch_{table}_{name}"
            made[trigger] = f"CREATE TRIGGER {trigger} AFTER {event}{condition} BEGIN {_COUNT}; END"
    return made
