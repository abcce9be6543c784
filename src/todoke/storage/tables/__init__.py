"""The tables. Times are milliseconds since the epoch; JSON is kept as text; ids are ULIDs.

Alembic's migrations make them; a test holds the two together. One file a group; imports SQLAlchemy only.
"""

from todoke.storage.tables.accounts import accounts, api_keys, audit, channels, config_version
from todoke.storage.tables.archive import archive_totals
from todoke.storage.tables.base import metadata
from todoke.storage.tables.content import (
    attachments,
    content_rules,
    content_settings,
    granted_keys,
    key_lists,
    overrulings,
    policies,
    review_events,
    templates,
    use_cases,
)
from todoke.storage.tables.counts import alarms, channel_days, channel_hours, line_counts
from todoke.storage.tables.notices import (
    attempts,
    batch_rejects,
    batch_states,
    batches,
    idempotency,
    message_ids,
    notice_numbers,
    notice_references,
    notices,
    uploads,
)
from todoke.storage.tables.people import (
    bind_links,
    bind_settings,
    bindings,
    friend_syncs,
    friends,
    messages,
    sources,
    suppressions,
)
from todoke.storage.tables.webhooks import (
    events_seen,
    hub_skips,
    hub_targets,
    inbox,
    posting_tries,
    postings,
    webhook_endpoints,
)

__all__ = [
    "accounts",
    "alarms",
    "api_keys",
    "archive_totals",
    "attachments",
    "attempts",
    "audit",
    "batch_rejects",
    "batch_states",
    "batches",
    "bind_links",
    "bind_settings",
    "bindings",
    "channel_days",
    "channel_hours",
    "channels",
    "config_version",
    "content_rules",
    "content_settings",
    "events_seen",
    "friend_syncs",
    "friends",
    "granted_keys",
    "hub_skips",
    "hub_targets",
    "idempotency",
    "inbox",
    "key_lists",
    "line_counts",
    "message_ids",
    "messages",
    "metadata",
    "notice_numbers",
    "notice_references",
    "notices",
    "overrulings",
    "policies",
    "posting_tries",
    "postings",
    "review_events",
    "sources",
    "suppressions",
    "templates",
    "uploads",
    "use_cases",
    "webhook_endpoints",
]
