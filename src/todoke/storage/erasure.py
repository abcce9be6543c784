"""Takes what is kept of one person out of all tables. What stays is counted and leads to nobody."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, update

from todoke.core.person import Person
from todoke.storage import notice_keys
from todoke.storage.database import Tx, has_bytes, has_text, portions
from todoke.storage.tables import (
    attempts,
    batch_rejects,
    batches,
    bind_links,
    bindings,
    channels,
    friends,
    hub_skips,
    hub_targets,
    idempotency,
    inbox,
    message_ids,
    messages,
    notices,
    posting_tries,
    postings,
    suppressions,
)

ERASED = "erased"
"""Stands where a text must."""
NOBODY = ""
"""Stands where a number or a user ID must."""


class Posted(NamedTuple):
    """A request from outside that names the person."""

    id: int
    carrier: str
    channel_id: str | None
    body: bytes
    is_applied: bool


class Refused(NamedTuple):
    """A refused row of a list."""

    batch_id: str
    line: int
    reason: str
    original: str


async def notices_of(tx: Tx, account_id: str, numbers: Iterable[str]) -> list[str]:
    """The ids of all notices to the numbers."""
    query = select(notices.c.id).where(notice_keys.of_numbers(numbers), notices.c.account_id == account_id)
    return [row.id for row in await tx.execute(query)]


async def blank_notices(tx: Tx, ids: Sequence[str], now: int) -> None:
    """Takes number, parameters and reference out of notices, and what carriers said from their attempts."""
    for portion in portions(ids, 500):
        await notice_keys.remove(tx, portion)
        values = {"number": NOBODY, "parameters": "{}", "reference": None, "skips": None, "erased_at": now}
        await tx.execute(update(notices).where(notices.c.id.in_(portion)).values(values))
        tags = [
            row.id for row in await tx.execute(select(attempts.c.id).where(attempts.c.notice_id.in_(portion)))
        ]
        await tx.execute(update(attempts).where(attempts.c.id.in_(tags)).values(detail=None))
        await tx.execute(update(message_ids).where(message_ids.c.attempt_id.in_(tags)).values(detail=None))


async def names_of_attempts(tx: Tx, notice_ids: Sequence[str]) -> set[str]:
    """By what carriers call what was sent for the notices: our tags, and their own ids of messages."""
    found: set[str] = set()
    for portion in portions(notice_ids, 500):
        of_notices = select(attempts.c.id).where(attempts.c.notice_id.in_(portion))
        tags = [row.id for row in await tx.execute(of_notices)]
        theirs = select(message_ids.c.message_id).where(message_ids.c.attempt_id.in_(tags))
        found.update(tags, (row.message_id for row in await tx.execute(theirs)))
    return found


async def bound_now(tx: Tx, account_id: str, person: Person) -> Person:
    """The person with the users to whom the numbers are bound now, or with the numbers of the users."""
    b = bindings.c
    standing = select(b.number, b.user_id).where(b.account_id == account_id, b.unbound_at.is_(None))
    users, numbers = set(person.user_ids), set(person.numbers)
    by_number = await tx.execute(standing.where(b.number.in_(sorted(person.numbers))))
    users.update(row.user_id for row in by_number)
    by_user = await tx.execute(standing.where(b.user_id.in_(sorted(person.user_ids))))
    numbers.update(row.number for row in by_user)
    return Person(numbers=frozenset(numbers), user_ids=frozenset(users))


def _whose(table: Table, account_id: str, person: Person) -> ColumnElement[bool]:
    of_person = or_(table.c.user_id.in_(person.user_ids), table.c.number.in_(person.numbers))
    return and_(table.c.account_id == account_id, of_person)


async def delete_bindings(tx: Tx, account_id: str, person: Person) -> tuple[list[str], set[str]]:
    """Bindings of the numbers, and of the users, standing or ended. Answers their ids, and whose they were."""
    where = _whose(bindings, account_id, person)
    rows = (await tx.execute(select(bindings.c.id, bindings.c.user_id).where(where))).all()
    await tx.execute(delete(bindings).where(where))
    return [row.id for row in rows], {row.user_id for row in rows}


async def delete_bind_links(tx: Tx, account_id: str, person: Person) -> tuple[list[str], set[str]]:
    """Bind links made for the numbers or the users. Answers their ids, and the users who had them."""
    where = _whose(bind_links, account_id, person)
    rows = (await tx.execute(select(bind_links.c.id, bind_links.c.user_id).where(where))).all()
    await tx.execute(delete(bind_links).where(where))
    return [row.id for row in rows], {row.user_id for row in rows if row.user_id is not None}


async def delete_suppressions(tx: Tx, account_id: str, numbers: Iterable[str]) -> list[str]:
    """Suppressions of the numbers, standing or ended. Answers their ids."""
    where = (suppressions.c.account_id == account_id) & suppressions.c.number.in_(list(numbers))
    ids = [row.id for row in await tx.execute(select(suppressions.c.id).where(where))]
    await tx.execute(delete(suppressions).where(where))
    return ids


async def suppression_notes(tx: Tx, account_id: str) -> list[tuple[str, str]]:
    """Id, and what people wrote beside it, of the suppressions that have such words."""
    s = suppressions.c
    words = func.coalesce(s.note, "") + " " + func.coalesce(s.removed_why, "")
    query = select(s.id, words).where(s.account_id == account_id, func.length(words) > 1)
    return [(row[0], row[1]) for row in await tx.execute(query)]


async def blank_suppression_notes(tx: Tx, ids: Sequence[str]) -> None:
    values = {"note": ERASED, "removed_why": None}
    await tx.execute(update(suppressions).where(suppressions.c.id.in_(ids)).values(values))


async def delete_friends(tx: Tx, channel_ids: Sequence[str], user_ids: Iterable[str]) -> int:
    """What the friend registry knows of the users."""
    where = friends.c.channel_id.in_(channel_ids) & friends.c.user_id.in_(list(user_ids))
    return (await tx.execute(delete(friends).where(where))).rowcount


async def blank_messages(
    tx: Tx, account_id: str, user_ids: Iterable[str], now: int, reference: str | None = None
) -> int:
    """Takes user and content out of ordinary messages; those that have not ended never leave.

    `reference`: only of messages with this one.
    """
    whose = (messages.c.account_id == account_id) & messages.c.user_id.in_(list(user_ids))
    if reference is not None:
        whose &= messages.c.reference == reference
    open_ones = whose & messages.c.ended_at.is_(None)
    await tx.execute(
        update(messages).where(open_ones).values(state="not_delivered", due_at=None, ended_at=now)
    )
    values = {"user_id": NOBODY, "body": "[]", "reference": None, "detail": None, "reply_token": None}
    return (await tx.execute(update(messages).where(whose).values(values))).rowcount


async def delete_postings(tx: Tx, account_id: str, words: Sequence[str], about: Sequence[str] = ()) -> int:
    """Webhooks to the business's systems, posted or not, that name the person or tell of one of these ids, and
    the log of their tries.
    """
    found: set[str] = set()
    conditions = [or_(*(has_text(postings.c.body, word) for word in words))] if words else []
    conditions += [postings.c.about.in_(portion) for portion in portions(about)]
    for condition in conditions:
        query = select(postings.c.id).where(postings.c.account_id == account_id, condition)
        found.update(row.id for row in await tx.execute(query))
    for portion in portions(sorted(found)):
        await tx.execute(delete(posting_tries).where(posting_tries.c.posting_id.in_(portion)))
        await tx.execute(delete(postings).where(postings.c.id.in_(portion)))
    return len(found)


async def blank_answers(tx: Tx, account_id: str, words: Sequence[str]) -> int:
    """Answers kept for idempotency keys. The key stays used, so that a retry is refused rather than sent again."""
    count = 0
    for portion in portions(words, 50):
        named = or_(*(has_text(idempotency.c.body, word) for word in portion))
        where = (idempotency.c.account_id == account_id) & named
        values = {"digest": ERASED, "body": "{}"}
        count += (await tx.execute(update(idempotency).where(where).values(values))).rowcount
    return count


async def blank_details(tx: Tx, account_id: str) -> None:
    """What the account's receivers answered where they did not take something: nobody knows whom it names."""
    of_account = select(postings.c.id).where(
        postings.c.account_id == account_id, postings.c.detail.is_not(None)
    )
    ids = [row.id for row in await tx.execute(of_account)]
    for portion in portions(ids, 500):
        tries = update(posting_tries).where(posting_tries.c.posting_id.in_(portion))
        await tx.execute(tries.values(detail=None))
        await tx.execute(update(postings).where(postings.c.id.in_(portion)).values(detail=None))
    targets = select(hub_targets.c.id).where(hub_targets.c.account_id == account_id)
    await tx.execute(
        update(hub_skips).where(hub_skips.c.target_id.in_(targets.scalar_subquery())).values(detail=None)
    )
    await tx.execute(
        update(hub_targets).where(hub_targets.c.account_id == account_id).values(last_detail=None)
    )


async def posted_after(
    tx: Tx, channel_ids: Sequence[str], person: Person, after: int, limit: int
) -> tuple[list[Posted], int | None]:
    """Requests from LINE to these channels in which people may have written something, or that name the person;
    and those of carriers with one of the numbers. Those after a number of the inbox, and where to go on.
    """
    i = inbox.c
    named = [has_bytes(i.body, word.encode()) for word in person.words]
    from_line = and_(i.channel_id.in_(channel_ids), or_(has_bytes(i.body, b'"message"'), *named))
    from_carriers = and_(i.channel_id.is_(None), or_(*named))
    query = select(i.id, i.carrier, i.channel_id, i.body, i.applied_at)
    rows = (
        await tx.execute(query.where(i.id > after, or_(from_line, from_carriers)).order_by(i.id).limit(limit))
    ).all()
    found = [Posted(r.id, r.carrier, r.channel_id, r.body, r.applied_at is not None) for r in rows]
    return found, rows[-1].id if len(rows) == limit else None


async def posted(tx: Tx, inbox_ids: Sequence[int]) -> list[Posted]:
    """Requests by their numbers, those that are still there."""
    i = inbox.c
    query = select(i.id, i.carrier, i.channel_id, i.body, i.applied_at).where(i.id.in_(inbox_ids))
    return [
        Posted(r.id, r.carrier, r.channel_id, r.body, r.applied_at is not None)
        for r in await tx.execute(query.order_by(i.id))
    ]


async def webhooks_naming(tx: Tx, account_id: str, words: Sequence[str]) -> list[str]:
    """Bodies of webhooks to the business's systems that name the person."""
    named = or_(*(has_text(postings.c.body, word) for word in words))
    query = select(postings.c.body).where(postings.c.account_id == account_id, named).order_by(postings.c.id)
    return [row.body for row in await tx.execute(query)]


async def replace_posted(tx: Tx, inbox_id: int, headers: str, body: bytes) -> None:
    """Puts another body in the place of one, with the headers that prove it."""
    await tx.execute(
        update(inbox).where(inbox.c.id == inbox_id).values(headers=headers, body=body, error=None)
    )


async def delete_posted(tx: Tx, inbox_ids: Sequence[int]) -> None:
    await tx.execute(delete(inbox).where(inbox.c.id.in_(inbox_ids)))


async def channel_rows(tx: Tx, account_id: str) -> list[tuple[str, str, bytes]]:
    """Id, test numbers (JSON) and sealed secret of the account's channels."""
    query = select(channels.c.id, channels.c.test_numbers, channels.c.secret)
    rows = await tx.execute(query.where(channels.c.account_id == account_id))
    return [(row.id, row.test_numbers, row.secret) for row in rows]


async def set_test_numbers(tx: Tx, channel_id: str, numbers: str) -> None:
    await tx.execute(update(channels).where(channels.c.id == channel_id).values(test_numbers=numbers))


async def list_states(tx: Tx, account_id: str) -> dict[str, str]:
    """How far each of the account's lists is read, by batch."""
    query = select(batches.c.id, batches.c.state).where(batches.c.account_id == account_id)
    return {row.id: row.state for row in await tx.execute(query)}


async def refused_rows(tx: Tx, account_id: str, after: tuple[str, int], limit: int) -> list[Refused]:
    """Refused rows of the account's lists, those after the one named by list and line."""
    r = batch_rejects
    later = or_(r.c.batch_id > after[0], (r.c.batch_id == after[0]) & (r.c.line > after[1]))
    query = (
        select(r.c.batch_id, r.c.line, r.c.reason, r.c.original)
        .join_from(r, batches, r.c.batch_id == batches.c.id)
        .where(batches.c.account_id == account_id, later)
        .order_by(r.c.batch_id, r.c.line)
        .limit(limit)
    )
    return [Refused(*row) for row in await tx.execute(query)]


async def blank_refused_rows(tx: Tx, rows: Iterable[Refused]) -> None:
    """The rows stay counted, without what stood in them."""
    r = batch_rejects
    for row in rows:
        where = (r.c.batch_id == row.batch_id) & (r.c.line == row.line)
        await tx.execute(update(r).where(where).values(reason=ERASED, original='["erased"]'))


async def list_names(tx: Tx, account_id: str) -> dict[str, str]:
    """The file names of the account's lists, by batch."""
    query = select(batches.c.id, batches.c.file_name).where(batches.c.account_id == account_id)
    return {row.id: row.file_name for row in await tx.execute(query)}


async def blank_list_names(tx: Tx, batch_ids: Iterable[str]) -> None:
    await tx.execute(update(batches).where(batches.c.id.in_(list(batch_ids))).values(file_name=ERASED))
