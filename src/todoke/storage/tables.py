"""The tables. Times are milliseconds since the epoch; JSON is kept as text; ids are ULIDs.

Alembic's migrations make them; a test holds the two together.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = String(26)


def _time(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


accounts = Table(
    "accounts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    _time("created_at", nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    # SHA-256 of a key of 256 random bits: nothing to guess, so no slow hash is needed.
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    _time("created_at", nullable=False),
    _time("revoked_at"),
)

channels = Table(
    "channels",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("region", String(2), nullable=False),
    Column("line_channel_id", String(20), nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),
    Column("access_token", LargeBinary),
    _time("token_at"),
    Column("private_key", LargeBinary),
    # Channels of one LINE provider see the same user IDs.
    Column("provider", String(100), nullable=False, server_default="default"),
    # Where its access tokens come from: "given", "key" (signed with private_key), "secret" (stateless).
    Column("token_from", String(8), nullable=False, server_default="given"),
    # With a private key: LINE's name of that key, where it stands beside it, and "v2.1" or "stateless".
    Column("key_id", String(100)),
    Column("token_kind", String(10)),
    _time("token_expires_at"),
    # Why the last try to renew it failed, and when the next one is due.
    Column("token_trouble", Text),
    _time("token_due_at"),
    # The one before, which we had issued ourselves: it is revoked once its successor is in use.
    Column("token_before", LargeBinary),
    Column("mode", String(8), nullable=False),
    Column("test_numbers", Text, nullable=False),
    Column("rate", Integer, nullable=False),
    _time("paused_at"),
    Column("paused_why", Text),
    # "token": a new access token cures it; "access": it does not (403).
    Column("paused_for", String(8)),
    _time("created_at", nullable=False),
    # The process that paces this channel, and how often that changed: a writer with an old number is refused.
    Column("owner", String(100)),
    Column("fence", BigInteger, nullable=False),
    _time("owned_until"),
    UniqueConstraint("account_id", "name"),
)

templates = Table(
    "templates",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, ForeignKey("accounts.id"), nullable=False),
    Column("channel_id", _ID, ForeignKey("channels.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("use_case", String(60), nullable=False),
    Column("spec", Text, nullable=False),
    _time("flagged_at"),
    Column("flagged_why", Text),
    _time("created_at", nullable=False),
    UniqueConstraint("account_id", "name", "version"),
)

policies = Table(
    "policies",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, ForeignKey("accounts.id"), nullable=False),
    # A policy given with a notice, or taken by default, has no name; equal ones share a row by their digest.
    Column("name", String(100)),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("spec", Text, nullable=False),
    # Of one without a name: the named policy and its version that it was completed from, and why it was chosen.
    Column("of_name", String(100)),
    Column("of_version", Integer),
    Column("why", Text),
    _time("created_at", nullable=False),
    UniqueConstraint("account_id", "name", "version"),
    Index(None, "account_id", "digest"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, ForeignKey("accounts.id"), nullable=False),
    Column("channel_id", _ID, ForeignKey("channels.id"), nullable=False),
    Column("template_id", _ID, ForeignKey("templates.id"), nullable=False),
    Column("policy_id", _ID, ForeignKey("policies.id"), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("encoding", String(20), nullable=False),
    Column("columns", Text, nullable=False),
    Column("header", Text),
    Column("state", String(12), nullable=False),
    Column("error", Text),
    Column("size", BigInteger, nullable=False),
    # How far the file is read: the byte where the next row begins, and its line number.
    Column("position", BigInteger, nullable=False),
    Column("line", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    _time("created_at", nullable=False),
    _time("read_at"),
    _time("cancelled_at"),
)

batch_rejects = Table(
    "batch_rejects",
    metadata,
    Column("batch_id", _ID, ForeignKey("batches.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("original", Text, nullable=False),
    sqlite_with_rowid=False,
)

notices = Table(
    "notices",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, nullable=False),
    Column("channel_id", _ID, nullable=False),
    Column("template_id", _ID, nullable=False),
    Column("policy_id", _ID, nullable=False),
    Column("batch_id", _ID),
    Column("reference", String(100)),
    Column("number", String(16), nullable=False),
    Column("country", String(2), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(40)),
    Column("step_index", SmallInteger, nullable=False),
    Column("skips", Text),
    _time("created_at", nullable=False),
    _time("deadline_at"),
    _time("cancelled_at"),
    _time("ended_at"),
    _time("due_at"),
    # Which carriers it waits for: 0 LINE, 1 others.
    Column("lane", SmallInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
Index(
    "ix_notices_due",
    notices.c.channel_id,
    notices.c.lane,
    notices.c.due_at,
    sqlite_where=notices.c.due_at.is_not(None),
    postgresql_where=notices.c.due_at.is_not(None),
)
Index(
    "ix_notices_batch",
    notices.c.batch_id,
    sqlite_where=notices.c.batch_id.is_not(None),
    postgresql_where=notices.c.batch_id.is_not(None),
)
Index(
    "ix_notices_reference",
    notices.c.account_id,
    notices.c.reference,
    sqlite_where=notices.c.reference.is_not(None),
    postgresql_where=notices.c.reference.is_not(None),
)

Index("ix_notices_number", notices.c.number)

attempts = Table(
    "attempts",
    metadata,
    # Also the delivery tag: LINE asks for 16 to 100 characters.
    Column("id", _ID, primary_key=True),
    Column("notice_id", _ID, nullable=False),
    Column("step_index", SmallInteger, nullable=False),
    Column("step", String(20), nullable=False),
    _time("at", nullable=False),
    Column("gives_proof", SmallInteger, nullable=False),
    _time("closes_at", nullable=False),
    Column("outcome", String(12)),
    Column("open", SmallInteger, nullable=False),
    _time("answered_at"),
    _time("proof_at"),
    Column("late_duplicate", SmallInteger, nullable=False),
    Column("status", SmallInteger),
    Column("detail", Text),
    Column("request_id", String(100)),
    _time("retry_at"),
    # SMS only: segments charged, the carrier, and how many others may still be tried at once.
    Column("units", SmallInteger),
    Column("carrier", String(40)),
    Column("spare", SmallInteger, nullable=False, server_default="0"),
    Index(None, "notice_id"),
    sqlite_with_rowid=False,
)

message_ids = Table(
    "message_ids",
    metadata,
    # What an SMS carrier calls a message or one of its parts, where its receipts name that instead of our tag.
    Column("carrier", String(40), primary_key=True),
    Column("message_id", String(100), primary_key=True),
    # None: a receipt came before the answer that says whose it is.
    Column("attempt_id", _ID),
    # 1: reached, 0: surely not; None: nothing said yet.
    Column("reached", SmallInteger),
    _time("told_at"),
    Column("detail", Text),
    _time("stored_at", nullable=False),
    Index(None, "attempt_id"),
    # For dropping old ones without reading all.
    Index(None, "stored_at"),
    sqlite_with_rowid=False,
)

bindings = Table(
    "bindings",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, ForeignKey("accounts.id"), nullable=False),
    Column("provider", String(100), nullable=False),
    Column("number", String(16), nullable=False),
    Column("user_id", String(100), nullable=False),
    # The user's own act: how it was done, and the text agreed to.
    Column("way", String(40), nullable=False),
    Column("consent", Text),
    _time("bound_at", nullable=False),
    _time("unbound_at"),
    Column("unbound_why", String(200)),
    _time("created_at", nullable=False),
)
Index(
    "ix_bindings_number",
    bindings.c.number,
    sqlite_where=bindings.c.unbound_at.is_(None),
    postgresql_where=bindings.c.unbound_at.is_(None),
)
Index("ix_bindings_account", bindings.c.account_id, bindings.c.id)
Index(
    "ix_bindings_standing",
    bindings.c.account_id,
    bindings.c.provider,
    bindings.c.user_id,
    bindings.c.number,
    unique=True,
    sqlite_where=bindings.c.unbound_at.is_(None),
    postgresql_where=bindings.c.unbound_at.is_(None),
)

friends = Table(
    "friends",
    metadata,
    Column("channel_id", _ID, primary_key=True),
    Column("user_id", String(100), primary_key=True),
    # friend, blocked, or unlisted: was a friend, and the followers list has it no more.
    Column("state", String(10), nullable=False),
    # When that was, by LINE's time of the event or of the list, and where it is known from.
    _time("since", nullable=False),
    Column("source", String(20), nullable=False),
    # Of the event, or empty: the order of two events of the same millisecond.
    Column("event_id", String(80), nullable=False),
    _time("listed_at"),
    Index(None, "channel_id", "state"),
    sqlite_with_rowid=False,
)

friend_syncs = Table(
    "friend_syncs",
    metadata,
    Column("channel_id", _ID, primary_key=True),
    # queued, running, closing, waiting, denied, unverified, finished.
    Column("state", String(12), nullable=False),
    _time("started_at", nullable=False),
    # Where the next page begins; None when there is none, or before the first. While closing: the last user done.
    Column("next", Text),
    _time("next_until"),
    Column("pages", Integer, nullable=False),
    Column("found", Integer, nullable=False),
    # Failures since it began, and since when the channel had the token that LINE refused.
    Column("tries", SmallInteger, nullable=False),
    _time("refused_token_at"),
    _time("finished_at"),
    Column("error", Text),
    _time("due_at"),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, nullable=False),
    Column("channel_id", _ID, nullable=False),
    Column("user_id", String(100), nullable=False),
    Column("reference", String(100)),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(12)),
    Column("status", SmallInteger),
    Column("detail", Text),
    Column("request_id", String(100)),
    Column("tries", SmallInteger, nullable=False),
    # Since when its outcome is in doubt: for a day from then its retry key keeps it from coming twice.
    _time("unknown_since"),
    # No try begins after it: a day after the first one. None: not tried yet, or held in a paused channel.
    _time("give_up_at"),
    _time("created_at", nullable=False),
    _time("answered_at"),
    _time("ended_at"),
    _time("due_at"),
    sqlite_with_rowid=False,
)
Index(
    "ix_messages_due",
    messages.c.channel_id,
    messages.c.due_at,
    sqlite_where=messages.c.due_at.is_not(None),
    postgresql_where=messages.c.due_at.is_not(None),
)
Index("ix_messages_account", messages.c.account_id, messages.c.id)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, ForeignKey("accounts.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    # JSON: the kinds of events it gets, such as "callback" or "alarm".
    Column("events", Text, nullable=False),
    _time("created_at", nullable=False),
    _time("removed_at"),
)

postings = Table(
    "postings",
    metadata,
    # Webhooks to be posted; the id is the webhook-id, the same for every try.
    Column("id", _ID, primary_key=True),
    Column("account_id", _ID, nullable=False),
    Column("endpoint_id", _ID, nullable=False),
    Column("event", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("outcome", String(12)),
    Column("status", SmallInteger),
    Column("detail", Text),
    _time("created_at", nullable=False),
    _time("ended_at"),
    _time("due_at"),
    sqlite_with_rowid=False,
)
Index(
    "ix_postings_due",
    postings.c.endpoint_id,
    postings.c.due_at,
    sqlite_where=postings.c.due_at.is_not(None),
    postgresql_where=postings.c.due_at.is_not(None),
)
Index(
    "ix_postings_ended",
    postings.c.ended_at,
    sqlite_where=postings.c.ended_at.is_not(None),
    postgresql_where=postings.c.ended_at.is_not(None),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", _ID, primary_key=True),
    # None: about the gateway itself, such as an SMS carrier that all accounts use.
    Column("account_id", _ID),
    Column("kind", String(40), nullable=False),
    # Whom it is about: a channel's id, a carrier's name.
    Column("about", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    _time("raised_at", nullable=False),
    _time("cleared_at"),
)
Index(
    "ix_alarms_standing",
    alarms.c.kind,
    alarms.c.about,
    unique=True,
    sqlite_where=alarms.c.cleared_at.is_(None),
    postgresql_where=alarms.c.cleared_at.is_(None),
)

channel_hours = Table(
    "channel_hours",
    metadata,
    Column("channel_id", _ID, primary_key=True),
    # Where the hour begins. What became of a notification counts for the hour of its request.
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("delivered", Integer, nullable=False, server_default="0"),
    Column("unmatched", Integer, nullable=False, server_default="0"),
    # Counted in the hour in which it happened: pushes beyond the monthly quota, webhooks with a wrong signature.
    Column("over_quota", Integer, nullable=False, server_default="0"),
    Column("bad_signatures", Integer, nullable=False, server_default="0"),
    # When LINE last posted an event in this hour.
    _time("last_event_at"),
    sqlite_with_rowid=False,
)

line_counts = Table(
    "line_counts",
    metadata,
    # Our count beside LINE's, by channel, kind of message and LINE's day (UTC+9, yyyymmdd).
    Column("channel_id", _ID, primary_key=True),
    Column("day", String(8), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("ours", Integer, nullable=False),
    Column("theirs", Integer),
    # What LINE says of its count (ready, unready …), or why there is none.
    Column("status", String(30), nullable=False),
    Column("detail", Text),
    _time("checked_at", nullable=False),
    sqlite_with_rowid=False,
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # "line", or the name of an SMS carrier.
    Column("carrier", String(40), nullable=False),
    Column("channel_id", _ID),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _time("received_at", nullable=False),
    _time("applied_at"),
    Column("error", Text),
)
Index(
    "ix_inbox_open",
    inbox.c.id,
    sqlite_where=inbox.c.applied_at.is_(None),
    postgresql_where=inbox.c.applied_at.is_(None),
)

events_seen = Table(
    "events_seen",
    metadata,
    Column("id", String(80), primary_key=True),
    _time("at", nullable=False),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", _ID, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    _time("created_at", nullable=False),
    sqlite_with_rowid=False,
)
