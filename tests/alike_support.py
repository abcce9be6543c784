"""Notices of many kinds in an engine's house, claimed, answered and proven."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from engine_house import ALL, SEAL, House
from notice_support import HOUR, START
from storage_support import PARCEL, Shop, ids, new_notice, shop
from todoke.actions.claiming import Claimed, claim
from todoke.actions.endpoints import NewEndpoint, create_endpoint
from todoke.actions.record import Read
from todoke.carriers import EventKind, InboundEvent
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Policy
from todoke.core.suppression import Cause, Scope
from todoke.storage import batches, bindings, content, friends, notices, suppressions
from todoke.storage.batches import Batch
from todoke.storage.bindings import Binding
from todoke.storage.content import PolicyRow
from todoke.storage.friends import Friend
from todoke.storage.inbox import Stored
from todoke.storage.lookup import encode_policy
from todoke.storage.suppressions import Suppression

ACCEPTED = Answer(outcome=Outcome.ACCEPTED, status=202, request_id="of-the-first")
TAKEN_BEFORE = Answer(outcome=Outcome.ACCEPTED, status=409, detail="taken before")
NO_MATCH = Answer(outcome=Outcome.UNREACHABLE, status=422, detail="no such user", request_id="r-422")
TOO_MANY = Answer(outcome=Outcome.THROTTLED, status=429, retry_after=5000)
BAD = Answer(outcome=Outcome.INVALID, status=400, detail="bad")


async def taken(house: House, now: int | None = None, keep: bool = True) -> Claimed:
    async with house.database.write() as tx:
        got = await claim(
            tx, house.shop.channel_id, 0, now or house.clock.now(), ALL, ids, house.lookup, house.setup
        )
    if keep:
        house.lookup.working.keep(got.moved, got.alike)
    return got


def told(house: House, events: Iterable[tuple[EventKind, str, int]], signed_by: str | None = None) -> Read:
    stored = Stored(
        carrier="line",
        channel_id=signed_by or house.shop.channel_id,
        headers="{}",
        body=b"",
        received_at=START,
        id=1,
    )
    made = [
        InboundEvent(id=f"event-{i}-{tag}", kind=kind, at=at, tag=tag)
        for i, (kind, tag, at) in enumerate(events)
    ]
    return Read(stored, made)


async def wish(house: House) -> None:
    """Somebody wants to hear of everything."""
    wanted = NewEndpoint(url="https://shop.example.com/", events=("*",))
    async with house.database.write() as tx:
        await create_endpoint(tx, house.shop.account_id, wanted, START, ids, SEAL, allow_private=False)


async def other_template(house: House) -> str:
    async with house.database.write() as tx:
        other = await shop(tx)
        await tx.exec_driver_sql(
            "UPDATE templates SET account_id = ?, channel_id = ?, name = 'other' WHERE id = ?",
            (house.shop.account_id, house.shop.channel_id, other.template_id),
        )
    return other.template_id


async def asked(house: House, count: int, at: Shop | None = None, **changes: Any) -> list[str]:
    made = [new_notice(at or house.shop, **changes) for _ in range(count)]
    async with house.database.write() as tx:
        await notices.insert_new(tx, made)
    return [x.id for x in made]


async def a_policy(house: House, chosen: Policy) -> str:
    row = PolicyRow(
        id=ids.new(),
        account_id=house.shop.account_id,
        name=None,
        version=1,
        digest=ids.new(),
        spec=encode_policy(chosen),
        created_at=START,
    )
    async with house.database.write() as tx:
        await content.insert_policy(tx, row)
    return row.id


async def with_link(house: House) -> str:
    """A template in whose text stands an address of each attempt's own."""
    template_id = await other_template(house)
    spec = {**PARCEL, "flexible": [{"type": "text", "text": "{{name}}: {{bind_link}}"}]}
    async with house.database.write() as tx:
        await tx.exec_driver_sql(
            "UPDATE templates SET name = 'link', spec = ? WHERE id = ?", (json.dumps(spec), template_id)
        )
    return template_id


async def batch(house: House, **changes: Any) -> str:
    at = house.shop
    made = Batch(
        id=ids.new(),
        account_id=at.account_id,
        channel_id=at.channel_id,
        template_id=at.template_id,
        policy_id=at.policy_id,
        file_name="list.csv",
        encoding="utf-8",
        columns="{}",
        header='["phone"]',
        size=1000,
        created_at=START,
        **changes,
    )
    async with house.database.write() as tx:
        await batches.insert_batch(tx, made)
    return made.id


async def bind(house: House, number: str, provider: str = "default") -> str:
    """A friend has shown the number to be theirs."""
    at, user_id = house.shop, "U" + "1" * 32
    made = Binding(
        id=ids.new(),
        account_id=at.account_id,
        provider=provider,
        number=number,
        user_id=user_id,
        way="link:sms",
        link_id=ids.new(),
        bound_at=START - HOUR,
        created_at=START - HOUR,
    )
    friend = Friend(
        channel_id=at.channel_id, user_id=user_id, state="friend", since=START - HOUR, source="a test"
    )
    async with house.database.write() as tx:
        await bindings.insert_binding(tx, made)
        await friends.put(tx, [friend], [])
    return made.id


async def suppress(house: House, number: str) -> None:
    row = Suppression(
        id=ids.new(),
        account_id=house.shop.account_id,
        number=number,
        scope=Scope.ALL,
        reason=Cause.MANUAL,
        by="a test",
        at=START,
        created_at=START,
    )
    async with house.database.write() as tx:
        await suppressions.insert_suppressions(tx, [row])


def wanted(house: House) -> tuple[Any, ...]:
    return (house.shop.channel_id, 0, house.clock.now(), ALL, ids, house.lookup, house.setup)
