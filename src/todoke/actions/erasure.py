"""Erases one person's data over all tables. The fact of it stays in the audit, with counts only."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import unquote_plus

from todoke.actions.advance import cancel
from todoke.actions.bind_says import REFERENCE as CHAT_REFERENCE
from todoke.actions.channels import Conflict
from todoke.carriers.replies import is_place_of_replies
from todoke.core.person import Person, mentions
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import audit
from todoke.storage import erasure as store
from todoke.storage.archive_files import Kept
from todoke.storage.audit import Entry
from todoke.storage.database import Tx
from todoke.storage.erasure import Posted
from todoke.storage.lookup import Lookup

ERASURE = "erasure"
EXPORT = "export"
PORTION = 2000

Cut = Callable[[bytes, Callable[[str], bool], str], tuple[dict[str, str], bytes] | None]
"""Takes events out of what LINE posted: see `carriers.line.cutting.without`."""


class ListBeingRead(Conflict):
    """A list of this account is being read, and its file may hold the person."""

    code = "list-being-read"


async def whole(tx: Tx, account_id: str, person: Person) -> Person:
    """The person with the LINE users to whom the numbers are bound now, or the users' numbers: by their own act.

    What a binding that has ended joined may be another person's by now.
    """
    return await store.bound_now(tx, account_id, person)


async def look_through(
    tx: Tx, account_id: str, person: Person, after: int, most: int, archived: Collection[str] = ()
) -> tuple[list[int], int | None]:
    """The next of the inbox's requests that name the person, and where to go on; None: that was the last.

    `archived`: the delivery tags of archived notices to the person.
    """
    channels = [channel_id for channel_id, _, _ in await store.channel_rows(tx, account_id)]
    ours = await store.names_of_attempts(tx, await store.notices_of(tx, account_id, person.numbers))
    ours.update(archived)
    posted, go_on = await store.posted_after(tx, channels, person, after, most)
    return [x.id for x in posted if _concerns(x, person, ours)], go_on


def _concerns(posted: Posted, person: Person, ours: set[str]) -> bool:
    """Of LINE's, who is named. Of a carrier's, which serves other accounts too: whether it tells of our messages,
    or somebody answers to whom we wrote.
    """
    text = _text(posted.body)
    if posted.channel_id is None:
        ours_too = bool(ours) if is_place_of_replies(posted.carrier) else any(name in text for name in ours)
        return ours_too and mentions(text, person)
    return mentions(text, person)


def _text(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    if "\\u" in text:
        with suppress(ValueError, RecursionError):
            return json.dumps(json.loads(text), ensure_ascii=False)
    return unquote_plus(text) if "%" in text else text


async def erase(
    tx: Tx,
    account_id: str,
    person: Person,
    events: Sequence[int],
    archived: Sequence[str] = (),
    *,
    by: str,
    why: str | None,
    now: int,
    ids: Ids,
    lookup: Lookup,
    seal: Seal,
    cut: Cut,
) -> Entry:
    """Erases what is kept of the person; answers the audit's entry.

    `events`: the inbox's requests that name them; `archived`: the notices that were erased in the archive. Steps that
    have not begun never will. What is out is out: its proof still finds the attempt, which leads to nobody any more.
    """
    counts: dict[str, int] = {}
    channels = await store.channel_rows(tx, account_id)
    notice_ids = await store.notices_of(tx, account_id, person.numbers)
    await cancel(tx, notice_ids, now, lookup, ids)
    await store.blank_notices(tx, notice_ids, now)
    suppressed = await store.delete_suppressions(tx, account_id, person.numbers)
    notes = [x for x, words in await store.suppression_notes(tx, account_id) if mentions(words, person)]
    await store.blank_suppression_notes(tx, notes)
    binding_ids, bound = await store.delete_bindings(tx, account_id, person)
    link_ids, invited = await store.delete_bind_links(tx, account_id, person)
    counts["test_numbers"] = await _drop_test_numbers(tx, channels, person)
    counts["refused_rows"] = await _blank_lists(tx, account_id, person)
    counts["notices"] = len(notice_ids)
    counts["archived"] = len(set(archived) - set(notice_ids))
    counts["suppressions"] = len(suppressed)
    counts["bindings"] = len(binding_ids)
    counts["bind_links"] = len(link_ids)
    ours = [channel_id for channel_id, _, _ in channels]
    counts["friends"] = await store.delete_friends(tx, ours, person.user_ids)
    counts["messages"] = await store.blank_messages(tx, account_id, person.user_ids, now)
    # What the chat said of the numbers to users who are no longer, or never were, bound to them.
    counts["messages"] += await store.blank_messages(tx, account_id, bound | invited, now, CHAT_REFERENCE)
    about = [*notice_ids, *archived, *binding_ids, *link_ids, *suppressed, *person.user_ids]
    counts["webhooks"] = await store.delete_postings(tx, account_id, person.words, about)
    await store.blank_details(tx, account_id)
    # An answer names its notice.
    counts["answers"] = await store.blank_answers(tx, account_id, [*person.words, *notice_ids])
    secrets = {channel_id: secret for channel_id, _, secret in channels}
    counts["events"] = await _cut_events(tx, secrets, person, events, seal, cut)
    data = {"counts": counts, **({"why": why} if why else {})}
    return await note(tx, account_id, ERASURE, data, by, now, ids)


def blank_archived(kept: Kept, now: int) -> Kept:
    """An archived notice without number, parameters and reference, as `storage.erasure` leaves one that is not."""
    gone = ("reference", "skips")
    notice = {k: v for k, v in kept.notice.items() if k not in gone}
    attempts = [{k: v for k, v in x.items() if k != "detail"} for x in kept.attempts]
    return Kept(notice | {"number": store.NOBODY, "parameters": "{}", "erased_at": now}, attempts)


async def note(
    tx: Tx, account_id: str, what: str, data: Mapping[str, object], by: str, now: int, ids: Ids
) -> Entry:
    """Writes an entry into the audit."""
    entry = Entry(
        id=ids.new(),
        account_id=account_id,
        at=now,
        by=by,
        what=what,
        data=json.dumps(data, ensure_ascii=False),
    )
    await audit.insert_entry(tx, entry)
    return entry


async def _drop_test_numbers(tx: Tx, channels: list[tuple[str, str, bytes]], person: Person) -> int:
    count = 0
    for channel_id, listed, _ in channels:
        numbers = json.loads(listed)
        left = [x for x in numbers if x not in person.numbers]
        if left != numbers:
            count += len(numbers) - len(left)
            await store.set_test_numbers(tx, channel_id, json.dumps(left))
    return count


async def _blank_lists(tx: Tx, account_id: str, person: Person) -> int:
    """Refused rows of lists stand there as they were written, in whatever way, and so do file names."""
    count = 0
    after = ("", 0)
    while rows := await store.refused_rows(tx, account_id, after, PORTION):
        found = [x for x in rows if mentions(x.original, person) or mentions(x.reason, person)]
        await store.blank_refused_rows(tx, found)
        count += len(found)
        after = rows[-1].batch_id, rows[-1].line
    named = [k for k, name in (await store.list_names(tx, account_id)).items() if mentions(name, person)]
    if named:
        await store.blank_list_names(tx, named)
    return count


async def _cut_events(
    tx: Tx, secrets: dict[str, bytes], person: Person, events: Sequence[int], seal: Seal, cut: Cut
) -> int:
    """Events of the person go; those of others in the same request stay, signed anew.

    What an SMS carrier told of one message goes whole, once it was applied.
    """
    count = 0
    gone: list[int] = []
    for portion in portions_of(events):
        for posted in await store.posted(tx, portion):
            if posted.channel_id is None:
                if posted.is_applied:
                    gone.append(posted.id)
                    count += 1
                continue
            secret = seal.open(secrets[posted.channel_id])
            left = cut(posted.body, lambda text: mentions(text, person), secret)
            count += 1
            if left is None:
                gone.append(posted.id)
            else:
                await store.replace_posted(tx, posted.id, json.dumps(left[0]), left[1])
    for portion in portions_of(gone):
        await store.delete_posted(tx, portion)
    return count


def portions_of(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """In lists short enough for one statement."""
    return (ids[at : at + PORTION] for at in range(0, len(ids), PORTION))
