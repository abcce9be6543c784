"""An account's own rules and settings for contents. Every change counts the version up: all processes see it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from todoke.actions.channels import Conflict
from todoke.actions.content_check import codes
from todoke.actions.intake import NotFound
from todoke.core.content.own_rules import read_rule
from todoke.core.content.settings import Settings, person, read_settings
from todoke.ids import Ids
from todoke.storage import content_rules as store
from todoke.storage.content_rules import OwnRule, SettingsRow
from todoke.storage.database import Tx
from todoke.storage.desks import read

MOST_RULES = 200


async def create_rule(
    tx: Tx, account_id: str, data: Mapping[str, Any], now: int, ids: Ids
) -> tuple[OwnRule, bool]:
    """A rule, in place of the one that has its name; the same again answers the one that stands.

    The second part: whether it is new. Raises InvalidRule with the place, or Conflict where there are too many.
    """
    by = person(data.get("by"), "/by")
    # Trying it on its examples takes up to some seconds, and others are waiting.
    made = await asyncio.to_thread(read_rule, {k: v for k, v in data.items() if k != "by"})
    spec = msgspec.json.encode(made.spec, order="deterministic").decode()
    before = await store.find_rule(tx, account_id, made.name)
    standing = before is not None and before.ended_at is None and before.name == made.name
    if before is not None and standing:
        if before.spec == spec:
            return before, False
        await store.end_rule(tx, before.id, now)
    elif await store.count_rules(tx, account_id) >= MOST_RULES:
        raise Conflict(f"There are {MOST_RULES} rules, which is the most. One rule may have many patterns.")
    row = OwnRule(id=ids.new(), account_id=account_id, name=made.name, spec=spec, by=by, created_at=now)
    await store.insert_rule(tx, row)
    await store.count_up(tx, account_id, by)
    return row, True


async def end_rule(tx: Tx, account_id: str, name_or_id: str, by: str, now: int) -> OwnRule:
    """The rule holds no more; it is kept. Raises NotFound."""
    found = await store.find_rule(tx, account_id, name_or_id)
    if found is None:
        raise NotFound(
            "There is no rule with this name or id in this account. GET /v1/content-rules lists them."
        )
    if found.ended_at is None:
        await store.end_rule(tx, found.id, now)
        await store.count_up(tx, account_id, by)
        found.ended_at = now
    return found


async def put_settings(tx: Tx, account_id: str, data: Mapping[str, Any], now: int) -> SettingsRow:
    """Puts these settings in place of those that stand. Raises InvalidRule with the place."""
    by = person(data.get("by"), "/by")
    before = await store.settings(tx, account_id)
    own = {msgspec.json.decode(x.spec).get("code") for x in await store.rules(tx, account_id)}
    wanted: Settings = read_settings(data, codes() | own, read(before), now)
    spec = msgspec.json.encode(wanted).decode()
    if spec != before.spec or not before.version:
        before.spec, before.by, before.changed_at = spec, by, now
        await store.put_settings(tx, before)
    return before
