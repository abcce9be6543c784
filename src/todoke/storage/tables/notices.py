"""Notices, what they are made from, and what became of them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    literal_column,
)

from todoke.storage.tables.base import ID, metadata, time

batches = Table(
    "batches",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("channel_id", ID, ForeignKey("channels.id"), nullable=False),
    Column("template_id", ID, ForeignKey("templates.id"), nullable=False),
    Column("policy_id", ID, ForeignKey("policies.id"), nullable=False),
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
    # Where its numbers came from.
    Column("source_id", ID),
    # Which of the template's languages, where the upload says so.
    Column("language", String(20)),
    time("created_at", nullable=False),
    time("read_at"),
    time("cancelled_at"),
    # All of its file is read or given up, and its last notice has ended.
    time("ended_at"),
    # The plan: when it starts, how many notices an hour, how much of the list an hour (percent), and between which
    # times of the day ("09:00-18:00", by the channel's region). See core.release.
    time("starts_at"),
    Column("rate", Integer),
    Column("percent_an_hour", Float),
    Column("hours", String(11)),
    # When the first of its notices was let go.
    time("started_at"),
    time("paused_at"),
    # Its notices that have not begun are being held, or all being cancelled: done up to this id; None: no such work.
    Column("sweep", ID),
    # JSON: how many notices had begun at times of the last hour.
    Column("pace", Text),
    # JSON: what the upload set (core.list_choices), and what was found of the file: encoding, delimiter, columns …
    Column("asked", Text),
    Column("detected", Text),
    # How many rows the file has, once that is known.
    Column("total", Integer),
    # Accepted or dropped rows that repeat a notice of the last days.
    Column("repeats", Integer, nullable=False, server_default="0"),
)
Index(
    "ix_batches_going",
    batches.c.id,
    sqlite_where=batches.c.ended_at.is_(None),
)
Index(
    "ix_batches_sweep",
    batches.c.channel_id,
    sqlite_where=batches.c.sweep.is_not(None),
)

batch_states = Table(
    "batch_states",
    metadata,
    # How many notices of a batch are in each state, counted as they change; and further counts of it: see
    # storage.batch_states.
    Column("batch_id", ID, primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

uploads = Table(
    "uploads",
    metadata,
    # A file that comes in parts: uploads/<id>.part. How much of it is there the file itself says.
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),
    # The batch that was made of it, and of what that was asked for: the same again answers the same batch.
    Column("batch_id", ID),
    Column("digest", String(64)),
    time("created_at", nullable=False),
    time("expires_at", nullable=False),
    Index(None, "expires_at"),
    sqlite_with_rowid=False,
)

batch_rejects = Table(
    "batch_rejects",
    metadata,
    Column("batch_id", ID, ForeignKey("batches.id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("original", Text, nullable=False),
    sqlite_with_rowid=False,
)

notices = Table(
    "notices",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    Column("channel_id", ID, nullable=False),
    Column("template_id", ID, nullable=False),
    Column("policy_id", ID, nullable=False),
    Column("batch_id", ID),
    Column("reference", String(100)),
    Column("number", String(16), nullable=False),
    Column("country", String(2), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(40)),
    Column("step_index", SmallInteger, nullable=False),
    Column("skips", Text),
    time("created_at", nullable=False),
    time("deadline_at"),
    time("cancelled_at"),
    time("ended_at"),
    time("due_at"),
    # Which carriers it waits for: 0 LINE, 1 others. 2: none, its batch holds it back.
    Column("lane", SmallInteger, nullable=False, server_default="0"),
    # Where its number came from, and on what ground it may be used.
    Column("source_id", ID),
    # Its recipient's data were erased: number and parameters are empty.
    time("erased_at"),
    # Which of the template's languages; None: its first.
    Column("language", String(20)),
    # When that happened, or will happen, which the notice tells of.
    time("event_at"),
    sqlite_with_rowid=False,
)
Index(
    "ix_notices_due",
    notices.c.channel_id,
    notices.c.lane,
    notices.c.due_at,
    sqlite_where=notices.c.due_at.is_not(None),
)
# Open ones that wait for something that has no time, such as a paused channel: few at any moment.
Index(
    "ix_notices_undue",
    notices.c.channel_id,
    sqlite_where=notices.c.due_at.is_(None) & notices.c.ended_at.is_(None),
)
Index(
    "ix_notices_batch",
    notices.c.batch_id,
    sqlite_where=notices.c.batch_id.is_not(None),
)
Index(
    "ix_notices_held",
    notices.c.batch_id,
    sqlite_where=notices.c.lane == literal_column("2"),
)

# Which notices have a number, and a reference: instead of indexes, in which every new one would change a page far from
# the last one's. See storage.notice_keys.
notice_numbers = Table(
    "notice_numbers",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", String(16), primary_key=True),
    Column("notice_id", ID, primary_key=True),
    sqlite_with_rowid=False,
)

notice_references = Table(
    "notice_references",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("reference", String(100), primary_key=True),
    Column("notice_id", ID, primary_key=True),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    # Also the delivery tag: LINE asks for 16 to 100 characters.
    Column("id", ID, primary_key=True),
    Column("notice_id", ID, nullable=False),
    Column("step_index", SmallInteger, nullable=False),
    Column("step", String(20), nullable=False),
    time("at", nullable=False),
    Column("gives_proof", SmallInteger, nullable=False),
    time("closes_at", nullable=False),
    Column("outcome", String(12)),
    Column("open", SmallInteger, nullable=False),
    time("answered_at"),
    time("proof_at"),
    Column("late_duplicate", SmallInteger, nullable=False),
    Column("status", SmallInteger),
    Column("detail", Text),
    Column("request_id", String(100)),
    time("retry_at"),
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
    Column("attempt_id", ID),
    # 1: reached, 0: surely not; None: nothing said yet.
    Column("reached", SmallInteger),
    time("told_at"),
    Column("detail", Text),
    time("stored_at", nullable=False),
    Index(None, "attempt_id"),
    # For dropping old ones without reading all.
    Index(None, "stored_at"),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("account_id", ID, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    time("created_at", nullable=False),
    # For dropping old ones without reading all.
    Index(None, "created_at"),
    sqlite_with_rowid=False,
)
