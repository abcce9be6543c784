"""What notices are made from, and what stands behind it: reviews, findings, granted keys."""

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

templates = Table(
    "templates",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("channel_id", ID, ForeignKey("channels.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("use_case", String(60), nullable=False),
    Column("spec", Text, nullable=False),
    time("flagged_at"),
    Column("flagged_why", Text),
    # core.review.Review: draft, in_review, approved, changes_wanted, rejected.
    Column("review", String(20), nullable=False, server_default="draft"),
    time("review_at"),
    # The application that it was submitted for.
    Column("application_id", ID),
    # JSON: what the content check found in its fixed text, by the rules of `rules_version`.
    Column("findings", Text),
    Column("rules_version", String(64)),
    time("created_at", nullable=False),
    UniqueConstraint("account_id", "name", "version"),
    Index(None, "application_id"),
)

policies = Table(
    "policies",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    # A policy given with a notice, or taken by default, has no name; equal ones share a row by their digest.
    Column("name", String(100)),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("spec", Text, nullable=False),
    # Of one without a name: the named policy and its version that it was completed from, and why it was chosen.
    Column("of_name", String(100)),
    Column("of_version", Integer),
    Column("why", Text),
    time("created_at", nullable=False),
    UniqueConstraint("account_id", "name", "version"),
    Index(None, "account_id", "digest"),
)

# An account's application to use a use case on a channel.
use_cases = Table(
    "use_cases",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("channel_id", ID, ForeignKey("channels.id"), nullable=False),
    # Of the catalogue of the channel's country, or the account's own.
    Column("key", String(60), nullable=False),
    # 1: LINE's published list of that country has it.
    Column("published", SmallInteger, nullable=False),
    # JSON: language → name; and for an own one what it is about, how urgent, its limits and timing.
    Column("names", Text, nullable=False),
    Column("description", Text),
    Column("urgency", String(10)),
    Column("limits", Text),
    Column("timing", String(12)),
    # 1: applied for in no-phone-verification mode.
    Column("no_verification", SmallInteger, nullable=False, server_default="0"),
    # core.review.State.
    Column("state", String(20), nullable=False),
    time("state_at", nullable=False),
    # JSON: item of the checklist → what was given for it.
    Column("checklist", Text, nullable=False),
    # When it went into review, and between which days an answer is to be expected.
    time("submitted_at"),
    Column("answer_from", String(10)),
    Column("answer_until", String(10)),
    time("created_at", nullable=False),
    UniqueConstraint("channel_id", "key"),
    Index(None, "account_id", "id"),
)

# Who did what and when to an application or to a template's version: never changed, never deleted.
review_events = Table(
    "review_events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    # One of the two.
    Column("application_id", ID),
    Column("template_id", ID),
    time("at", nullable=False),
    # transition, comment, attachment, checklist, overruling.
    Column("kind", String(20), nullable=False),
    Column("by", String(100), nullable=False),
    Column("from_state", String(20)),
    Column("to_state", String(20)),
    Column("why", Text),
    # JSON.
    Column("evidence", Text),
    Index(None, "application_id", "id"),
    Index(None, "template_id", "id"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    Column("application_id", ID, ForeignKey("use_cases.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("by", String(100), nullable=False),
    time("created_at", nullable=False),
    Index(None, "application_id", "id"),
)

# A named person's word that a finding in a template's version does not hold.
overrulings = Table(
    "overrulings",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    Column("template_id", ID, ForeignKey("templates.id"), nullable=False),
    Column("code", String(40), nullable=False),
    Column("pointer", String(400), nullable=False),
    Column("words", Text, nullable=False),
    Column("by", String(100), nullable=False),
    Column("why", Text, nullable=False),
    time("created_at", nullable=False),
    time("withdrawn_at"),
    Column("withdrawn_by", String(100)),
    Index(None, "template_id"),
)

# The lists of keys that LINE granted to a channel: each import is a version, and the newest one holds.
key_lists = Table(
    "key_lists",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("channel_id", ID, ForeignKey("channels.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("file_name", String(200)),
    Column("by", String(100), nullable=False),
    Column("note", Text),
    time("created_at", nullable=False),
    UniqueConstraint("channel_id", "version"),
)

granted_keys = Table(
    "granted_keys",
    metadata,
    Column("list_id", ID, ForeignKey("key_lists.id"), primary_key=True),
    # template, item, button.
    Column("kind", String(10), primary_key=True),
    Column("key", String(100), primary_key=True),
    # What the list says of it.
    Column("use_case", String(60)),
    Column("name", Text),
    Column("language", String(20)),
    Column("limits", Text),
    sqlite_with_rowid=False,
)

# An account's own rules for contents, in the form of those that come with Todoke. A changed rule is a new row.
content_rules = Table(
    "content_rules",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("spec", Text, nullable=False),
    Column("by", String(100), nullable=False),
    time("created_at", nullable=False),
    time("ended_at"),
    Index(None, "account_id", "name"),
)

content_settings = Table(
    "content_settings",
    metadata,
    Column("account_id", ID, ForeignKey("accounts.id"), primary_key=True),
    # JSON: which addresses links may lead to, for which use cases; which rules are switched off, by whom and why.
    Column("spec", Text, nullable=False),
    # Counts up with every change to these, to the account's rules, overrulings and findings: what processes keep is
    # good for one version.
    Column("version", Integer, nullable=False),
    Column("by", String(100), nullable=False),
    time("changed_at", nullable=False),
)
