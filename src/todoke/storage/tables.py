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
    Column("mode", String(8), nullable=False),
    Column("test_numbers", Text, nullable=False),
    Column("rate", Integer, nullable=False),
    _time("paused_at"),
    Column("paused_why", Text),
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
    sqlite_with_rowid=False,
)
Index(
    "ix_notices_due",
    notices.c.channel_id,
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
    # SMS only: segments charged.
    Column("units", SmallInteger),
    Index(None, "notice_id"),
    sqlite_with_rowid=False,
)

Index(
    "ix_attempts_request",
    attempts.c.request_id,
    sqlite_where=attempts.c.step == "sms",
    postgresql_where=attempts.c.step == "sms",
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
