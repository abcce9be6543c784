"""How endpoints fare: since when each fails, and the pause of one that takes nothing any more."""

from collections.abc import Sequence

from todoke.actions.alarms import raise_alarm
from todoke.actions.endpoints import DEAD
from todoke.carriers.echoes import without_words
from todoke.core.durations import DAY, rfc3339
from todoke.ids import Ids
from todoke.storage import endpoints as store
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint
from todoke.storage.postings import TAKEN, Result

DEAD_AFTER = 3 * DAY
"""An endpoint whose every try failed for so long is paused."""
GONE = 410
"""The receiver wants no more of it (Standard Webhooks 1.0, "Operational considerations": disable the endpoint)."""


async def judge(tx: Tx, results: Sequence[Result], now: int, ids: Ids) -> list[Endpoint]:
    """Keeps what these tries say of their endpoints. Answers those that it paused just now, to be logged."""
    by_endpoint: dict[str, list[Result]] = {}
    for result in results:
        by_endpoint.setdefault(result.endpoint_id, []).append(result)
    changed: list[Endpoint] = []
    paused: list[Endpoint] = []
    for endpoint in await store.by_ids(tx, list(by_endpoint)):
        told = by_endpoint[endpoint.id]
        if any(x.outcome == TAKEN for x in told):
            endpoint.failing_since, endpoint.last_taken_at = None, now
        elif endpoint.failing_since is None:
            endpoint.failing_since = min(x.at for x in told)
        changed.append(endpoint)
        why = _why_dead(endpoint, told, now)
        if why is not None and endpoint.paused_at is None and endpoint.removed_at is None:
            endpoint.paused_at, endpoint.paused_why = now, why
            paused.append(endpoint)
    await store.save_health(tx, changed)
    for endpoint in paused:
        await raise_alarm(
            tx,
            kind=DEAD,
            about=endpoint.id,
            account_id=endpoint.account_id,
            text=f"The webhook endpoint {_name(endpoint)} is paused: {endpoint.paused_why}.",
            remedy="Mend what is there, see that POST /v1/webhook-endpoints/{id}/test succeeds, and resume it: "
            "`todoke webhooks resume ID`. What is queued, for 30 days, goes out then.",
            now=now,
            ids=ids,
        )
    return paused


def _why_dead(endpoint: Endpoint, told: Sequence[Result], now: int) -> str | None:
    if any(x.status == GONE for x in told):
        return "it answered 410, which says that it wants no more"
    since = endpoint.failing_since
    # A single failure long after the last one, with nothing to post in between, is no three days of failing.
    if since is not None and now - since >= DEAD_AFTER and any(x.patient for x in told):
        last = next(x for x in reversed(told))
        why = without_words(last.status, last.detail)
        return f"every try has failed since {rfc3339(since)}, the last one: {why}"[:200]
    return None


def _name(endpoint: Endpoint) -> str:
    return endpoint.id if endpoint.description is None else f"{endpoint.id} ({endpoint.description})"
