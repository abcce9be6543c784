"""Templates: checked, compiled once to see that they can be, stored as a new version."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from todoke.actions.intake import NotFound
from todoke.core import template as templates
from todoke.core.errors import InvalidTemplate
from todoke.core.template import Template
from todoke.ids import Ids
from todoke.storage import channels as channel_store
from todoke.storage import content as store
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx

_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,100}")
_USE_CASE = re.compile(r"[a-z0-9_]{1,60}")


async def create_template(
    tx: Tx, account_id: str, spec: Mapping[str, Any], now: int, ids: Ids
) -> tuple[TemplateRow, Template]:
    """A template, or the next version of it; the same content again is the same version.

    Raises InvalidTemplate or NotFound with the place.
    """
    name, use_case = spec.get("name"), spec.get("use_case")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name != name.strip():
        raise InvalidTemplate("A template needs a name of 1 to 100 characters, without a slash.", "/name")
    if not isinstance(use_case, str) or not _USE_CASE.fullmatch(use_case):
        raise InvalidTemplate(
            "A template needs the use case it belongs to, such as delivery. GET /v1/use-cases lists them.",
            "/use_case",
        )
    template = templates.compile(spec)
    channel = await channel_store.find_channel(tx, account_id, str(spec.get("channel", "")))
    if channel is None and not spec.get("channel"):
        raise NotFound(
            "The template names no channel. Add channel, or push it with --channel NAME.", "/channel"
        )
    if channel is None:
        raise NotFound(
            f"There is no channel {str(spec.get('channel', ''))[:60]!r}. GET /v1/channels lists them.",
            "/channel",
        )
    kept = {k: v for k, v in spec.items() if k not in ("channel",)}
    text = msgspec.json.encode(kept, order="deterministic").decode()
    before = await store.find_template(tx, account_id, name)
    if before is not None and before.name == name and before.spec == text and before.channel_id == channel.id:
        return before, template
    row = TemplateRow(
        id=ids.new(),
        account_id=account_id,
        channel_id=channel.id,
        name=name,
        version=await store.latest_version(tx, account_id, name) + 1,
        use_case=use_case,
        spec=text,
        created_at=now,
    )
    await store.insert_template(tx, row)
    return row, template
