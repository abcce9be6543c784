"""What comes from outside, and what goes on to other systems."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from todoke.storage.tables.base import ID, metadata, time

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    # The one before the last change, sealed: it signs too until then.
    Column("old_secret", LargeBinary),
    time("old_secret_until"),
    # JSON: the kinds of events it gets, such as "callback" or "notice.*".
    Column("events", Text, nullable=False),
    Column("description", String(200)),
    time("created_at", nullable=False),
    time("removed_at"),
    # Nothing is posted while it is paused; what is queued stays.
    time("paused_at"),
    Column("paused_why", String(200)),
    # Since when every try failed; None: the last one did not.
    time("failing_since"),
    time("last_taken_at"),
)

postings = Table(
    "postings",
    metadata,
    # Webhooks to be posted; the id is the webhook-id, the same for every try.
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    Column("endpoint_id", ID, nullable=False),
    Column("event", String(40), nullable=False),
    # What it tells of: the id of a notice, a binding, a batch …, a LINE user ID.
    Column("about", String(40)),
    Column("body", Text, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("outcome", String(12)),
    Column("status", SmallInteger),
    Column("detail", Text),
    time("created_at", nullable=False),
    # Asked for once more, then, after so many tries: pauses and patience count from there.
    time("replayed_at"),
    Column("tries_before", SmallInteger, nullable=False, server_default="0"),
    time("ended_at"),
    time("due_at"),
    Index(None, "endpoint_id", "id"),
    sqlite_with_rowid=False,
)
Index(
    "ix_postings_due",
    postings.c.endpoint_id,
    postings.c.due_at,
    sqlite_where=postings.c.due_at.is_not(None),
)
Index(
    "ix_postings_ended",
    postings.c.ended_at,
    sqlite_where=postings.c.ended_at.is_not(None),
)

posting_tries = Table(
    "posting_tries",
    metadata,
    Column("posting_id", ID, primary_key=True),
    Column("try", SmallInteger, primary_key=True, autoincrement=False),
    time("at", nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("status", SmallInteger),
    Column("detail", Text),
    # By the machine's clock.
    Column("took_ms", Integer, nullable=False),
    sqlite_with_rowid=False,
)

hub_targets = Table(
    "hub_targets",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("channel_id", ID, ForeignKey("channels.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("url", Text, nullable=False),
    # JSON: the event types that it wants; None: all. A request goes on if any of its events is of them.
    Column("types", Text),
    # Further headers for every request, JSON, sealed.
    Column("headers", LargeBinary),
    time("created_at", nullable=False),
    time("removed_at"),
    time("paused_at"),
    Column("paused_why", String(200)),
    # All of the inbox up to here is done with (taken, not wanted, or skipped), but for what stands in unfinished.
    Column("position", BigInteger, nullable=False),
    # JSON: ids of the inbox up to position that are still to be taken.
    Column("unfinished", Text, nullable=False),
    # A replay passes on once more what lies after replay_position, up to replay_until.
    time("replay_asked_at"),
    Column("replay_position", BigInteger),
    Column("replay_until", BigInteger),
    # How often in a row it failed, and when it is tried again.
    Column("tries", Integer, nullable=False),
    time("due_at"),
    time("failing_since"),
    time("last_taken_at"),
    time("last_failed_at"),
    Column("last_status", SmallInteger),
    Column("last_detail", Text),
    Column("taken", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Index(None, "account_id", "id"),
)

hub_skips = Table(
    "hub_skips",
    metadata,
    # Requests that a target refused for good, or that were too old when it came back.
    Column("target_id", ID, primary_key=True),
    Column("inbox_id", BigInteger, primary_key=True, autoincrement=False),
    time("at", nullable=False),
    Column("status", SmallInteger),
    Column("detail", Text),
    sqlite_with_rowid=False,
)

inbox = Table(
    "inbox",
    metadata,
    # A number is never used again: the hub passes on what comes after a place, whatever was erased there.
    Column("id", Integer, primary_key=True, autoincrement=True),
    # "line", or the name of an SMS carrier.
    Column("carrier", String(40), nullable=False),
    Column("channel_id", ID),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    time("received_at", nullable=False),
    time("applied_at"),
    Column("error", Text),
    sqlite_autoincrement=True,
)
Index("ix_inbox_channel", inbox.c.channel_id, inbox.c.id)
Index("ix_inbox_applied", inbox.c.applied_at)
Index(
    "ix_inbox_open",
    inbox.c.id,
    sqlite_where=inbox.c.applied_at.is_(None),
)

events_seen = Table(
    "events_seen",
    metadata,
    Column("id", String(80), primary_key=True),
    time("at", nullable=False),
    # For dropping old ones without reading all.
    Index(None, "at"),
    sqlite_with_rowid=False,
)
