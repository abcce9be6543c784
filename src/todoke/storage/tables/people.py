"""What is known of recipients, and the ordinary messages to friends."""

from sqlalchemy import Column, ForeignKey, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint

from todoke.storage.tables.base import ID, metadata, time

bindings = Table(
    "bindings",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("provider", String(100), nullable=False),
    Column("number", String(16), nullable=False),
    Column("user_id", String(100), nullable=False),
    # The user's own act: how it was done, and the text agreed to.
    Column("way", String(40), nullable=False),
    Column("consent", Text),
    time("bound_at", nullable=False),
    time("unbound_at"),
    Column("unbound_why", String(200)),
    # The bind link that it was made by, and the version of the consent text.
    Column("link_id", ID),
    Column("consent_version", Integer),
    Column("language", String(10)),
    # When the number last was shown to be the user's; None: when it was bound.
    time("confirmed_at"),
    # Something says that the number may be another person's now: nothing is pushed until it is confirmed again.
    time("doubted_at"),
    Column("doubted_why", String(40)),
    time("created_at", nullable=False),
)
Index(
    "ix_bindings_number",
    bindings.c.number,
    sqlite_where=bindings.c.unbound_at.is_(None),
)
Index("ix_bindings_account", bindings.c.account_id, bindings.c.id)
# The ended ones too: for what a number's past says.
Index("ix_bindings_number_ever", bindings.c.number, bindings.c.id)
Index(
    "ix_bindings_standing",
    bindings.c.account_id,
    bindings.c.provider,
    bindings.c.user_id,
    bindings.c.number,
    unique=True,
    sqlite_where=bindings.c.unbound_at.is_(None),
)

bind_settings = Table(
    "bind_settings",
    metadata,
    Column("channel_id", ID, primary_key=True),
    # The name that users know the business by; None: the channel's name.
    Column("brand", String(100)),
    # JSON: language → the text that users agree to; languages that are not in it have the text that comes with Todoke.
    Column("consent", Text),
    Column("consent_version", Integer, nullable=False),
    # Whether users who follow, or who ask in the chat, are answered with a bind link.
    Column("greets", SmallInteger, nullable=False),
    # How long a bind link lasts, and how long a binding from its last confirmation; ms.
    time("link_lasts", nullable=False),
    time("binding_lasts", nullable=False),
    # The account's LINE ID with its @, as LINE told it: links that open the chat hold it.
    Column("basic_id", String(40)),
    time("changed_at", nullable=False),
    sqlite_with_rowid=False,
)

bind_links = Table(
    "bind_links",
    metadata,
    # A link in a notice has its attempt's id, and a row from the moment it is first opened.
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    Column("channel_id", ID, nullable=False),
    # Which of both is known from the start depends on the way; the other one is learned.
    Column("number", String(16)),
    Column("user_id", String(100)),
    # It came without a number: the user types one, and may correct it.
    Column("asks_number", SmallInteger, nullable=False),
    # Where the link stood: sms, notification, push, follow, menu, chat, api.
    Column("way", String(20), nullable=False),
    Column("notice_id", ID),
    Column("template_id", ID),
    # The policy trusts it without a code: it came by LINE notification to that very number.
    Column("trusted", SmallInteger, nullable=False),
    Column("language", String(10)),
    # The word by which a message in the chat shows which link its writer has open.
    Column("word", String(20)),
    # open, agreed, claimed, linked, bound, dead.
    Column("state", String(12), nullable=False),
    Column("why", String(40)),
    # Of the account link, so that its event finds the link.
    Column("nonce", String(100)),
    # How often LINE's dialog was asked for, and the mark of the browser from which LINE confirmed the user last.
    Column("dialogs", SmallInteger, nullable=False),
    Column("browser", String(22)),
    Column("consent_version", Integer),
    Column("consent", Text),
    # The other LINE users of the number stay bound to it.
    Column("keeps_others", SmallInteger, nullable=False),
    # JSON: ids of the user's bindings of other numbers that stay.
    Column("keeps_numbers", Text),
    # Keyed hash of the code that was sent last, when, how many wrong ones were entered, how many were sent.
    Column("code", String(64)),
    time("code_at"),
    Column("code_tries", SmallInteger, nullable=False),
    Column("codes_sent", SmallInteger, nullable=False),
    # A greeting with this link is to be written into the chat: since when, and what a reply to the user names.
    time("greets_at"),
    Column("reply_token", String(200)),
    time("reply_until"),
    time("created_at", nullable=False),
    time("opened_at"),
    time("agreed_at"),
    time("claimed_at"),
    time("linked_at"),
    time("ended_at"),
    time("expires_at", nullable=False),
    Column("binding_id", ID),
    Index(None, "account_id", "created_at"),
    Index(None, "number"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    sqlite_with_rowid=False,
)
Index(
    "ix_bind_links_word",
    bind_links.c.channel_id,
    bind_links.c.word,
    unique=True,
    sqlite_where=bind_links.c.word.is_not(None),
)
Index(
    "ix_bind_links_nonce",
    bind_links.c.nonce,
    unique=True,
    sqlite_where=bind_links.c.nonce.is_not(None),
)

Index(
    "ix_bind_links_greets",
    bind_links.c.greets_at,
    sqlite_where=bind_links.c.greets_at.is_not(None),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("number", String(16), nullable=False),
    # What is not sent: "sms", or "all".
    Column("scope", String(8), nullable=False),
    # opt_out (the user's own word), complaint, manual.
    Column("reason", String(20), nullable=False),
    # In words: who said so and how, such as the word in an SMS and its carrier.
    Column("note", String(200)),
    time("at", nullable=False),
    time("removed_at"),
    Column("removed_why", String(200)),
    Column("by", String(100)),
    time("created_at", nullable=False),
    Index(None, "account_id", "id"),
    # Of every account: a user's own word, and all that is known of one number.
    Index(None, "number"),
)
Index(
    "ix_suppressions_standing",
    suppressions.c.account_id,
    suppressions.c.number,
    suppressions.c.scope,
    unique=True,
    sqlite_where=suppressions.c.removed_at.is_(None),
)

sources = Table(
    "sources",
    metadata,
    # Where numbers came from, and on what ground they may be used: the business must have got them lawfully.
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    # contract, consent, legal_duty, legitimate_interest, other.
    Column("ground", String(24), nullable=False),
    # In words: how the numbers were got, and what the people were told.
    Column("origin", String(500), nullable=False),
    time("collected_from"),
    time("collected_until"),
    time("created_at", nullable=False),
    time("ended_at"),
    UniqueConstraint("account_id", "name"),
)

friends = Table(
    "friends",
    metadata,
    Column("channel_id", ID, primary_key=True),
    Column("user_id", String(100), primary_key=True),
    # friend, blocked, or unlisted: was a friend, and the followers list has it no more.
    Column("state", String(10), nullable=False),
    # When that was, by LINE's time of the event or of the list, and where it is known from.
    time("since", nullable=False),
    Column("source", String(20), nullable=False),
    # Of the event, or empty: the order of two events of the same millisecond.
    Column("event_id", String(80), nullable=False),
    time("listed_at"),
    # When they last became a friend, by LINE's event; stays when they block the account.
    time("followed_at"),
    # The earliest time at which they are known to have been a friend; None with rows of old: by their state.
    time("friend_from"),
    # Their newest block that was counted as that of somebody who was no friend.
    time("stranger_blocked_at"),
    Index(None, "channel_id", "state"),
    sqlite_with_rowid=False,
)
Index(
    "ix_friends_followed",
    friends.c.channel_id,
    friends.c.followed_at,
    sqlite_where=friends.c.followed_at.is_not(None),
)

friend_syncs = Table(
    "friend_syncs",
    metadata,
    Column("channel_id", ID, primary_key=True),
    # queued, running, closing, waiting, denied, unverified, finished.
    Column("state", String(12), nullable=False),
    time("started_at", nullable=False),
    # Where the next page begins; None when there is none, or before the first. While closing: the last user done.
    Column("next", Text),
    time("next_until"),
    Column("pages", Integer, nullable=False),
    Column("found", Integer, nullable=False),
    # Failures since it began, and since when the channel had the token that LINE refused.
    Column("tries", SmallInteger, nullable=False),
    time("refused_token_at"),
    time("finished_at"),
    Column("error", Text),
    time("due_at"),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, nullable=False),
    Column("channel_id", ID, nullable=False),
    Column("user_id", String(100), nullable=False),
    # What it was addressed by, where that was a number: it goes to that number's holder only.
    Column("binding_id", ID),
    Column("reference", String(100)),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(12)),
    Column("status", SmallInteger),
    Column("detail", Text),
    Column("request_id", String(100)),
    Column("tries", SmallInteger, nullable=False),
    # Since when its outcome is in doubt: for a day from then its retry key keeps it from coming twice.
    time("unknown_since"),
    # No try begins after it: a day after the first one. None: not tried yet, or held in a paused channel.
    time("give_up_at"),
    # An answer to what the user did just now goes as a reply, which costs nothing, until then; else as a push.
    Column("reply_token", String(200)),
    time("reply_until"),
    time("created_at", nullable=False),
    time("answered_at"),
    time("ended_at"),
    time("due_at"),
    sqlite_with_rowid=False,
)
Index(
    "ix_messages_due",
    messages.c.channel_id,
    messages.c.due_at,
    sqlite_where=messages.c.due_at.is_not(None),
)
Index("ix_messages_account", messages.c.account_id, messages.c.id)
Index(
    "ix_messages_reference",
    messages.c.reference,
    messages.c.ended_at,
    sqlite_where=messages.c.reference.is_not(None),
)
Index("ix_messages_user", messages.c.user_id, messages.c.created_at)
