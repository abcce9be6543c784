"""Counts and alarms."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from todoke.storage.tables.base import ID, metadata, time

alarms = Table(
    "alarms",
    metadata,
    Column("id", ID, primary_key=True),
    # None: about the gateway itself, such as an SMS carrier that all accounts use.
    Column("account_id", ID),
    Column("kind", String(40), nullable=False),
    # Whom it is about: a channel's id, a carrier's name.
    Column("about", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    time("raised_at", nullable=False),
    time("cleared_at"),
)
Index(
    "ix_alarms_standing",
    alarms.c.kind,
    alarms.c.about,
    unique=True,
    sqlite_where=alarms.c.cleared_at.is_(None),
)

channel_hours = Table(
    "channel_hours",
    metadata,
    Column("channel_id", ID, primary_key=True),
    # Where the hour begins. What became of a notification counts for the hour of its request.
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("delivered", Integer, nullable=False, server_default="0"),
    Column("unmatched", Integer, nullable=False, server_default="0"),
    # Counted in the hour in which it happened: pushes beyond the monthly quota, webhooks with a wrong signature.
    Column("over_quota", Integer, nullable=False, server_default="0"),
    Column("bad_signatures", Integer, nullable=False, server_default="0"),
    # When LINE last posted an event in this hour.
    time("last_event_at"),
    sqlite_with_rowid=False,
)

channel_days = Table(
    "channel_days",
    metadata,
    # Of a channel on a day of UTC+9 (yyyymmdd), by LINE's time of each event.
    Column("channel_id", ID, primary_key=True),
    Column("day", String(8), primary_key=True),
    Column("followed", Integer, nullable=False, server_default="0"),
    # Of those that followed, as far as LINE said so: had blocked before.
    Column("unblocked", Integer, nullable=False, server_default="0"),
    # Friends who left.
    Column("unfollowed", Integer, nullable=False, server_default="0"),
    # Users who block the account and were not known to be friends: LINE posts the same event of them.
    Column("blocked_by_others", Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

line_counts = Table(
    "line_counts",
    metadata,
    # Our count beside LINE's, by channel, kind of message and LINE's day (UTC+9, yyyymmdd).
    Column("channel_id", ID, primary_key=True),
    Column("day", String(8), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("ours", Integer, nullable=False),
    Column("theirs", Integer),
    # What LINE says of its count (ready, unready …), or why there is none.
    Column("status", String(30), nullable=False),
    Column("detail", Text),
    time("checked_at", nullable=False),
    sqlite_with_rowid=False,
)
