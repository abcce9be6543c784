"""What the three sides say after a scenario: the gateway, the user's phone, LINE's record."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any, NamedTuple

from todoke.cli.acceptance.play import Play
from todoke.cli.acceptance.world import World
from todoke_client import Todoke

_LINE_STEPS = ("line_notification", "line_push")


class Sent(NamedTuple):
    """A request as LINE got it. `body`: what it said, without whom it named; None where the log cut it off."""

    step: str
    tag: str | None
    at: str
    path: str
    request_id: str
    status: int | None
    body: dict[str, Any] | None
    raw: str
    size: int
    answer: str


class Posted(NamedTuple):
    """A webhook as LINE's side posted it. `answered`: the gateway's status."""

    at: str
    body: dict[str, Any]
    signed: bool
    answered: int | None


class Evidence(NamedTuple):
    notice: dict[str, Any]
    sent: list[Sent]
    ledger: list[dict[str, Any]]
    """LINE's rows of the notifications, not of pushes."""
    posted: list[Posted]
    """Webhooks that tell of this notice's delivery."""
    screen: dict[str, Any]
    sms: list[dict[str, Any]]
    """What the SMS carrier took for this number."""


async def gather(play: Play, world: World, todoke: Todoke, secret: str) -> Evidence:
    """Asks all three. `secret`: the channel's, to check the signatures with."""
    notice = await asyncio.to_thread(todoke.notice, play.notice_id)
    sent, ledger, posted = [], [], []
    for attempt in notice["attempts"]:
        if attempt["step"] not in _LINE_STEPS:
            continue
        tag, request_id = attempt["delivery_tag"], attempt.get("request_id")
        by = tag if attempt["step"] == "line_notification" else request_id
        if by is None:
            continue
        sent += [_sent(attempt, row) for row in await world.found("requests", by)]
        if attempt["step"] == "line_notification":
            ledger += await world.found("ledger", tag)
            posted += [
                p
                for row in await world.found("webhooks", tag)
                if (p := _posted(row, secret)) is not None and _tells_of(p.body, tag)
            ]
    person = play.person
    screen = await world.screen(person.user_id or person.number)
    return Evidence(notice, sent, ledger, posted, screen, await world.sms(person.number))


def _sent(attempt: dict[str, Any], row: dict[str, Any]) -> Sent:
    try:
        body = json.loads(row["body"]) if row["body_size"] <= len(row["body"].encode()) else None
    except ValueError:
        body = None
    if isinstance(body, dict):
        # Whom it names is personal, also as a hash: the report shows a masked number in its place.
        body.pop("to", None)
    return Sent(
        step=attempt["step"],
        tag=row["delivery_tag"],
        at=row["at"],
        path=row["path"],
        request_id=row["request_id"],
        status=row["status"],
        body=body,
        raw=row["body"],
        size=row["body_size"],
        answer=row["answer"],
    )


def _posted(row: dict[str, Any], secret: str) -> Posted | None:
    try:
        body = json.loads(row["body"])
    except ValueError:
        return None
    return Posted(row["at"], body, signed(secret, row["body"].encode(), row["signature"]), row["status"])


def signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether this is LINE's signature: base64 of HMAC-SHA256 over the raw body ("Verify webhook signature")."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), signature)


def _tells_of(body: dict[str, Any], tag: str) -> bool:
    return any(event.get("delivery", {}).get("data") == tag for event in body.get("events", []))
