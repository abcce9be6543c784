"""A target of the hub as the API shows it."""

import json
from typing import Any

from todoke.core.durations import rfc3339
from todoke.core.outcome import Answer, Outcome
from todoke.engine.hub import waited
from todoke.engine.hub_feed import decode_headers
from todoke.sealing import CannotUnseal, Seal
from todoke.server.services import Services
from todoke.storage import hub as store
from todoke.storage.database import Tx
from todoke.storage.hub import HubTarget, Lag

EXAMPLE = {
    "id": "01K2W7J4E8M2P6R0T3V7X1Z5BD",
    "channel": "01K2W7J0A1B2C3D4E5F6G7H8JK",
    "name": "chatbot",
    "url": "https://bot.example.com/line",
    "types": ["message", "postback"],
    "headers": ["X-Tenant"],
    "created_at": "2026-08-07T09:30:00.000Z",
    "paused_at": None,
    "paused_why": None,
    "state": "behind",
    "lag": {"requests": 3, "seconds": 1.2},
    "taken": 10_512,
    "skipped": 0,
    "last_taken_at": "2026-08-07T10:30:00.000Z",
    "last_failed_at": None,
    "last_status": None,
    "last_detail": None,
    "failing_since": None,
    "next_try_at": None,
    "replay": None,
}


def time_of(at: int | None) -> str | None:
    """RFC 3339."""
    return None if at is None else rfc3339(at)


def _state(target: HubTarget, lag: Lag, skipped_at: int | None) -> str:
    if target.paused_at is not None:
        return "paused"
    # What it refused is done with, and nothing waits; still it takes nothing.
    refuses = skipped_at is not None and skipped_at > (target.last_taken_at or 0)
    if target.failing_since is not None or refuses:
        return "failing"
    return "behind" if lag.requests else "ok"


async def view(tx: Tx, target: HubTarget, parts: Services) -> dict[str, Any]:
    """A target as the API shows it: without the values of its headers."""
    lag = await store.lag(tx, target)
    replay = None
    if target.replay_position is not None and target.replay_until is not None:
        left = await store.count_between(tx, target.channel_id, target.replay_position, target.replay_until)
        replay = {"asked_at": time_of(target.replay_asked_at), "requests_left": left}
    return {
        "id": target.id,
        "channel": target.channel_id,
        "name": target.name,
        "url": target.url,
        "types": None if target.types is None else json.loads(target.types),
        "headers": sorted(headers_of(target, parts.seal)),
        "created_at": rfc3339(target.created_at),
        "paused_at": time_of(target.paused_at),
        "paused_why": target.paused_why,
        "state": _state(target, lag, await store.skipped_last(tx, target.id)),
        "lag": {"requests": lag.requests, "seconds": waited(lag.oldest, parts.clock.now())},
        "taken": target.taken,
        "skipped": target.skipped,
        "last_taken_at": time_of(target.last_taken_at),
        "last_failed_at": time_of(target.last_failed_at),
        "last_status": target.last_status,
        "last_detail": target.last_detail,
        "failing_since": time_of(target.failing_since),
        "next_try_at": time_of(target.due_at),
        "replay": replay,
    }


_REMEDIES = {
    400: "The target did not like the request. See that it checks the signature over the body as it came, byte for "
    "byte, with the channel secret, and that it takes a webhook without events.",
    401: "The target refused the signature, or wants a login. See that it has this channel's secret, and that the "
    "target's headers here hold what it asks for.",
    404: "Nothing is at this path. See that the URL is right and that the route takes POST.",
    405: "The path is there and takes no POST. Let it.",
    410: "The target says that it wants no more of these. Take that answer out, or remove the target.",
    413: "The target takes no bodies of this size. Let it take what LINE posts.",
    415: "The target does not take application/json. Let it.",
    429: "The target asks for a slower pace. Let this path take 64 requests at a time.",
}


def remedy_for(found: Answer) -> str | None:
    """What somebody should mend whose target answered so to a test; None where it was taken."""
    status = found.status
    if found.outcome is Outcome.ACCEPTED:
        return None
    if status is None and found.outcome is Outcome.UNKNOWN:
        return (
            "See that the target answers within ten seconds: store the webhook, answer, and work afterwards."
        )
    if status is None:
        return "See that the URL is right, and that its host can be reached from this machine."
    if (known := _REMEDIES.get(401 if status == 403 else status)) is not None:
        return known
    if 300 <= status < 400:
        return "Redirects are not followed. Enter the URL to which it leads."
    if status >= 500:
        return "The target failed at it. Its own log says why."
    return "Let the target answer 2xx once it has stored the webhook."


def headers_of(target: HubTarget, seal: Seal) -> dict[str, str]:
    """Nothing where the key is another one by now: then the target fails, and says why."""
    try:
        return {} if target.headers is None else decode_headers(seal.open(target.headers))
    except CannotUnseal:
        return {}
