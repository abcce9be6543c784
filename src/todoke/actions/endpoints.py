"""Webhook endpoints of an account, and the outbox of what is to be posted to them."""

import json
from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import Any

import msgspec

from todoke.actions.channels import Conflict
from todoke.actions.intake import Invalid
from todoke.carriers.addresses import objection
from todoke.carriers.callback import check_secret, new_secret
from todoke.core.durations import DAY, HOUR, MINUTE, SECOND, rfc3339
from todoke.core.outcome import Answer, Outcome
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import endpoints as store
from todoke.storage import postings
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint
from todoke.storage.postings import DuePosting, PostingRow, Result

EVENTS: dict[str, str] = {
    "callback": "a notice whose step is callback: the receiver carries it",
    "alarm.raised": "something is wrong that wants a person",
    "alarm.cleared": "it is right again",
}
"""All events that an endpoint may ask for, in words."""
MOST = 20
"""Endpoints of an account."""
MAX_URL = 2000

PAUSES = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR)
"""Between the tries, the last one again and again (Standard Webhooks 1.0, "Retry schedule")."""
GIVE_UP = 3 * DAY
"""No further try later than this after the event."""
GONE = 410
"""The receiver wants no more of it."""


class NewEndpoint(msgspec.Struct, kw_only=True):
    """An endpoint as it is asked for; without a secret it gets a new one."""

    url: str
    events: Sequence[str]
    secret: str | None = None


async def create_endpoint(
    tx: Tx, account_id: str, wanted: NewEndpoint, now: int, ids: Ids, seal: Seal, *, allow_private: bool
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises Invalid, or Conflict at the most of them."""
    _check_url(wanted.url, allow_private)
    events = _checked_events(wanted.events)
    secret = new_secret(token_bytes(32)) if wanted.secret is None else wanted.secret
    if (why_not := check_secret(secret)) is not None:
        raise Invalid(f"The secret {why_not}.", "/secret")
    if await store.count_endpoints(tx, account_id) >= MOST:
        raise Conflict(
            f"There are {MOST} webhook endpoints already, which is the most. Remove one with "
            "DELETE /v1/webhook-endpoints/{id}."
        )
    endpoint = Endpoint(
        id=ids.new(),
        account_id=account_id,
        url=wanted.url,
        secret=seal.close(secret),
        events=json.dumps(events),
        created_at=now,
    )
    await store.insert_endpoint(tx, endpoint)
    return endpoint, secret


async def change_endpoint(
    tx: Tx, endpoint: Endpoint, url: str | None, events: Sequence[str] | None, *, allow_private: bool
) -> None:
    """Changes where it is or what it gets; None leaves that as it is. Raises Invalid."""
    values: dict[str, Any] = {}
    if url is not None:
        _check_url(url, allow_private)
        values["url"] = url
    if events is not None:
        values["events"] = json.dumps(_checked_events(events))
    if values:
        await store.update_endpoint(tx, endpoint.id, **values)


async def remove_endpoint(tx: Tx, endpoint: Endpoint, now: int) -> None:
    """Nothing is posted to it any more, nor what waits for another try."""
    await store.update_endpoint(tx, endpoint.id, removed_at=now)
    await postings.drop_open(tx, endpoint.id, now)


def _check_url(url: str, allow_private: bool) -> None:
    if len(url) > MAX_URL:
        raise Invalid(f"The URL has {len(url)} characters; at most {MAX_URL:,} are taken.", "/url")
    if (why_not := objection(url, allow_private)) is not None:
        raise Invalid(f"The URL {why_not}.", "/url")


def _checked_events(events: Sequence[str]) -> list[str]:
    """Each once, in the order of the list of known ones."""
    for i, event in enumerate(events):
        if event not in EVENTS:
            raise Invalid(
                f"There is no event {event[:60]!r}. Known are: {', '.join(EVENTS)}.", f"/events/{i}"
            )
    if not events:
        raise Invalid(f"Name at least one event. Known are: {', '.join(EVENTS)}.", "/events")
    return [x for x in EVENTS if x in events]


async def queue(
    tx: Tx, account_id: str | None, event: str, data: Mapping[str, Any], now: int, ids: Ids
) -> int:
    """Queues a webhook for each of the account's endpoints that want this event; None: of every account.

    Part of the caller's transaction, so that there is a webhook for what happened and none for what did not.
    Answers how many there are; wake the poster after the commit where there are any.
    """
    found = await store.endpoints_for(tx, account_id, event)
    if not found:
        return 0
    body = json.dumps({"type": event, "timestamp": rfc3339(now), "data": data}, ensure_ascii=False)
    rows = [
        PostingRow(
            id=ids.new(),
            account_id=endpoint.account_id,
            endpoint_id=endpoint.id,
            event=event,
            body=body,
            created_at=now,
            due_at=now,
        )
        for endpoint in found
    ]
    await postings.insert_postings(tx, rows)
    return len(rows)


def result_of(posting: DuePosting, answer: Answer, now: int) -> Result:
    """What a try came to, and when the next one is. `posting` as it was before this try."""
    tries = posting.tries + 1
    again = None
    if answer.outcome is not Outcome.ACCEPTED and answer.status != GONE:
        again = next_try(posting.created_at, tries, now, answer.retry_after)
    return Result(
        posting_id=posting.id,
        tries=tries,
        outcome="accepted" if answer.outcome is Outcome.ACCEPTED else "failed",
        status=answer.status,
        detail=answer.detail,
        ended_at=now if again is None else None,
        due_at=again,
    )


def next_try(created_at: int, tries: int, now: int, retry_after: int | None) -> int | None:
    """When a webhook is tried again after so many tries that failed; None: never.

    A receiver that asks to come later is not come to sooner.
    """
    pause = max(PAUSES[min(tries, len(PAUSES)) - 1], retry_after or 0)
    return now + pause if now + pause <= created_at + GIVE_UP else None
