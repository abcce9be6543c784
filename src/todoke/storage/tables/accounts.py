"""Whose they are: accounts, keys, channels, and what was done."""

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
    UniqueConstraint,
)

from todoke.storage.tables.base import ID, metadata, time

accounts = Table(
    "accounts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    time("created_at", nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    # SHA-256 of a key of 256 random bits: nothing to guess, so no slow hash is needed.
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    time("created_at", nullable=False),
    time("revoked_at"),
)

channels = Table(
    "channels",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("region", String(2), nullable=False),
    Column("line_channel_id", String(20), nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),
    Column("access_token", LargeBinary),
    time("token_at"),
    Column("private_key", LargeBinary),
    # Channels of one LINE provider see the same user IDs.
    Column("provider", String(100), nullable=False, server_default="default"),
    # Where its access tokens come from: "given", "key" (signed with private_key), "secret" (stateless).
    Column("token_from", String(8), nullable=False, server_default="given"),
    # With a private key: LINE's name of that key, where it stands beside it, and "v2.1" or "stateless".
    Column("key_id", String(100)),
    Column("token_kind", String(10)),
    time("token_expires_at"),
    # Why the last try to renew it failed, and when the next one is due.
    Column("token_trouble", Text),
    time("token_due_at"),
    # The one before, which we had issued ourselves: it is revoked once its successor is in use.
    Column("token_before", LargeBinary),
    Column("mode", String(8), nullable=False),
    Column("test_numbers", Text, nullable=False),
    Column("rate", Integer, nullable=False),
    time("paused_at"),
    Column("paused_why", Text),
    # "token": a new access token cures it; "access": it does not (403).
    Column("paused_for", String(8)),
    time("created_at", nullable=False),
    # The process that paces this channel, and how often that changed: a writer with an old number is refused.
    Column("owner", String(100)),
    Column("fence", BigInteger, nullable=False),
    time("owned_until"),
    UniqueConstraint("account_id", "name"),
)

# One row: counts up with every change to what requests look up again and again (storage/watched.py says what), by
# triggers. What a process keeps of that is good for one number.
config_version = Table(
    "config_version",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    # What was done that somebody may have to answer for. Never a number, a hash of one, or a text of a message.
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    time("at", nullable=False),
    # The key that it was done with, or "command line".
    Column("by", String(100), nullable=False),
    Column("what", String(40), nullable=False),
    # JSON: counts, ids, reasons.
    Column("data", Text, nullable=False),
    Index(None, "account_id", "id"),
)
