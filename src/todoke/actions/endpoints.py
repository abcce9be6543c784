"""Webhook endpoints of an account: added, changed, paused, resumed, given another secret, removed."""

import json
from collections.abc import Sequence
from secrets import token_bytes
from typing import Any

import msgspec

from todoke.actions import alarms
from todoke.actions.channels import Conflict
from todoke.actions.intake import Invalid
from todoke.actions.outbox import queue
from todoke.carriers.addresses import objection
from todoke.carriers.callback import check_secret, new_secret
from todoke.core.announcing import EVENTS, WILDCARDS
from todoke.core.durations import DAY
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import endpoints as store
from todoke.storage import postings
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint

__all__ = ["EVENTS", "WILDCARDS", "queue"]

MOST = 20
"""Endpoints of an account."""
MAX_URL = 2000
MAX_WORDS = 200
"""Characters of a description."""
OLD_SECRET_LASTS = DAY
DEAD = "webhook_endpoint_dead"
"""The alarm about an endpoint that was paused because it takes nothing."""
BY_HAND = "paused by hand"


class NewEndpoint(msgspec.Struct, kw_only=True):
    """An endpoint as it is asked for; without a secret it gets a new one."""

    url: str
    events: Sequence[str]
    secret: str | None = None
    description: str | None = None


async def create_endpoint(
    tx: Tx, account_id: str, wanted: NewEndpoint, now: int, ids: Ids, seal: Seal, *, allow_private: bool
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises Invalid, or Conflict at the most of them."""
    _check_url(wanted.url, allow_private)
    events = _checked_events(wanted.events)
    secret = _checked_secret(wanted.secret)
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
        description=_checked_words(wanted.description),
        created_at=now,
    )
    await store.insert_endpoint(tx, endpoint)
    return endpoint, secret


async def change_endpoint(
    tx: Tx,
    endpoint: Endpoint,
    url: str | None,
    events: Sequence[str] | None,
    description: str | None = None,
    *,
    allow_private: bool,
) -> None:
    """Changes where it is, what it gets or what it is called; None leaves that as it is. Raises Invalid."""
    values: dict[str, Any] = {}
    if url is not None:
        _check_url(url, allow_private)
        values["url"] = url
    if events is not None:
        values["events"] = json.dumps(_checked_events(events))
    if description is not None:
        values["description"] = _checked_words(description)
    if values:
        await store.update_endpoint(tx, endpoint.id, **values)


async def remove_endpoint(tx: Tx, endpoint: Endpoint, now: int, ids: Ids) -> None:
    """Nothing is posted to it any more, nor what waits for another try."""
    await store.update_endpoint(tx, endpoint.id, removed_at=now, old_secret=None, old_secret_until=None)
    await postings.drop_open(tx, endpoint.id, now)
    await alarms.clear_alarm(tx, kind=DEAD, about=endpoint.id, now=now, ids=ids)


async def pause_endpoint(tx: Tx, endpoint: Endpoint, now: int) -> None:
    """Posts nothing to it until it is resumed. What happens meanwhile is queued."""
    if endpoint.paused_at is None:
        await store.update_endpoint(tx, endpoint.id, paused_at=now, paused_why=BY_HAND)


async def resume_endpoint(tx: Tx, endpoint: Endpoint, now: int, ids: Ids) -> int:
    """Posts to it again: all that is queued is due now, in its order. Answers how much that is."""
    if endpoint.paused_at is None:
        return 0
    await store.update_endpoint(tx, endpoint.id, paused_at=None, paused_why=None, failing_since=None)
    await alarms.clear_alarm(tx, kind=DEAD, about=endpoint.id, now=now, ids=ids)
    return await postings.release(tx, endpoint.id, now)


async def rotate_secret(
    tx: Tx, endpoint: Endpoint, secret: str | None, now: int, seal: Seal, *, at_once: bool
) -> tuple[str, int | None]:
    """Another secret, made anew where none is given. Answers it and until when the old one signs too.

    `at_once`: the old one signs no more, as when somebody has seen it. Raises Invalid.
    """
    new = _checked_secret(secret)
    until = None if at_once else now + OLD_SECRET_LASTS
    await store.update_endpoint(
        tx,
        endpoint.id,
        secret=seal.close(new),
        old_secret=None if at_once else endpoint.secret,
        old_secret_until=until,
    )
    return new, until


def open_secrets(
    secret: bytes, old_secret: bytes | None, old_secret_until: int | None, seal: Seal, now: int
) -> tuple[str, str | None]:
    """With what to sign now, and the old secret while it signs too. Raises CannotUnseal."""
    if old_secret is None or old_secret_until is None or old_secret_until <= now:
        return seal.open(secret), None
    return seal.open(secret), seal.open(old_secret)


def _checked_secret(secret: str | None) -> str:
    if secret is None:
        return new_secret(token_bytes(32))
    if (why_not := check_secret(secret)) is not None:
        raise Invalid(f"The secret {why_not}.", "/secret")
    return secret


def _check_url(url: str, allow_private: bool) -> None:
    if len(url) > MAX_URL:
        raise Invalid(f"The URL has {len(url)} characters; at most {MAX_URL:,} are taken.", "/url")
    if (why_not := objection(url, allow_private)) is not None:
        raise Invalid(f"The URL {why_not}.", "/url")


def _checked_words(text: str | None) -> str | None:
    if text and (len(text) > MAX_WORDS or not text.isprintable()):
        raise Invalid(f"A description has at most {MAX_WORDS} printable characters.", "/description")
    return text or None


def _checked_events(events: Sequence[str]) -> list[str]:
    """Each once, in the order of the list of known ones, wildcards first."""
    known = (*WILDCARDS, *EVENTS)
    for i, event in enumerate(events):
        if event not in known:
            raise Invalid(f"There is no event {event[:60]!r}. Known are: {', '.join(known)}.", f"/events/{i}")
    if not events:
        raise Invalid(f"Name at least one event. Known are: {', '.join(known)}.", "/events")
    return [x for x in known if x in events]
