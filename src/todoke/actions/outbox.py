"""The outbox: webhooks are queued in the transaction of what they tell of, and tried until they are taken."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from todoke.core.durations import DAY, HOUR, MINUTE, SECOND, rfc3339
from todoke.core.outcome import Answer, Outcome
from todoke.ids import Ids
from todoke.storage import endpoints, postings
from todoke.storage.database import Tx
from todoke.storage.endpoints import Wish
from todoke.storage.postings import FAILED, TAKEN, DuePosting, PostingRow, Result

PAUSES = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR)
"""Between the tries, the last one again and again (Standard Webhooks 1.0, "Retry schedule")."""
GIVE_UP = 3 * DAY
"""No further try later than this after the event, or after it was replayed."""
PATIENT = 3
"""So many tries of one webhook take more than five minutes."""


class News(NamedTuple):
    """Something that happened. `account_id` None: to the gateway, told to every account."""

    account_id: str | None
    event: str
    about: str | None
    """The id of what it tells of."""
    data: Mapping[str, Any]


async def queue(
    tx: Tx,
    account_id: str | None,
    event: str,
    data: Mapping[str, Any],
    now: int,
    ids: Ids,
    about: str | None = None,
) -> int:
    """Queues a webhook for each of the account's endpoints that want this event; None: of every account.

    Part of the caller's transaction, so that there is a webhook for what happened and none for what did not.
    Answers how many there are; wake the poster after the commit where there are any.
    """
    wishes = await endpoints.wishes(tx)
    return await put(tx, wishes, [News(account_id, event, about, data)], now, ids)


async def put(tx: Tx, wishes: Sequence[Wish], news: Sequence[News], now: int, ids: Ids) -> int:
    """The same for much at a time, in the order in which it happened."""
    rows: list[PostingRow] = []
    for account_id, event, about, data in news:
        wanting = [x for x in wishes if event in x.events and account_id in (None, x.account_id)]
        if not wanting:
            continue
        text = body(event, data, now, ids)
        rows.extend(
            PostingRow(
                id=ids.new(),
                account_id=wish.account_id,
                endpoint_id=wish.endpoint_id,
                event=event,
                about=about,
                body=text,
                created_at=now,
                due_at=now,
            )
            for wish in wanting
        )
    await postings.insert_postings(tx, rows)
    return len(rows)


def body(event: str, data: Mapping[str, Any], now: int, ids: Ids) -> str:
    """A webhook's body. `sequence` rises as text with what happens, also within a millisecond."""
    told = {"type": event, "timestamp": rfc3339(now), "sequence": ids.new(), "data": data}
    return json.dumps(told, ensure_ascii=False)


def result_of(posting: DuePosting, answer: Answer, at: int, took_ms: int, now: int) -> Result:
    """What a try that left at `at` came to, and when the next one is. `posting` as it was before this try."""
    number = posting.tries + 1
    taken = answer.outcome is Outcome.ACCEPTED
    tries = number - posting.tries_before
    since = posting.created_at if posting.replayed_at is None else posting.replayed_at
    again = None if taken else next_try(since, tries, now, answer.retry_after)
    return Result(
        posting_id=posting.id,
        endpoint_id=posting.endpoint_id,
        tries=number,
        patient=tries >= PATIENT,
        at=at,
        outcome=TAKEN if taken else FAILED,
        status=answer.status,
        detail=answer.detail,
        took_ms=took_ms,
        ended_at=now if again is None else None,
        due_at=again,
    )


def next_try(since: int, tries: int, now: int, retry_after: int | None) -> int | None:
    """When a webhook is tried again after so many tries that failed; None: never. `since`: the event, or its replay.

    A receiver that asks to come later is not come to sooner.
    """
    pause = max(PAUSES[min(tries, len(PAUSES)) - 1], retry_after or 0)
    return now + pause if now + pause <= since + GIVE_UP else None
