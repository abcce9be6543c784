"""What stays here of notices that went to the archive."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from todoke.storage.tables.base import ID, metadata

archive_totals = Table(
    "archive_totals",
    metadata,
    Column("account_id", ID, primary_key=True),
    Column("channel_id", ID, primary_key=True),
    # Empty: of no batch.
    Column("batch_id", ID, primary_key=True),
    # Where the hour begins in which the notices were taken in.
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    # What is counted, and of what (JSON): see storage.archive_totals.
    Column("kind", String(12), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("more", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_archive_totals_batch", archive_totals.c.batch_id)
