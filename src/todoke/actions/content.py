"""Templates: checked, compiled once to see that they can be, stored as a new version."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

import line_catalogue
from todoke.actions import content_check
from todoke.actions.intake import NotFound
from todoke.core import template as templates
from todoke.core.errors import InvalidTemplate
from todoke.core.template import Template
from todoke.ids import Ids
from todoke.storage import channels as channel_store
from todoke.storage import content as store
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.desks import Desks

_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,100}")
_USE_CASE = re.compile(r"[a-z0-9_]{1,60}")
_IN_ORDER = msgspec.json.Encoder(order="deterministic")


async def create_template(
    tx: Tx, account_id: str, spec: Mapping[str, Any], now: int, ids: Ids, desks: Desks
) -> tuple[TemplateRow, Template]:
    """A template, or the next version of it, with what the content check finds in it.

    The same content again is the same version; if that is not approved or in review, it is checked anew.

    Raises InvalidTemplate or NotFound with the place.
    """
    template = checked(spec)
    name, use_case = template.name, template.use_case
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
    _refuse_own_variant(template, channel.region)
    kept = {k: v for k, v in spec.items() if k not in ("channel",)}
    text = msgspec.json.encode(kept).decode()
    before = await store.find_template(tx, account_id, name, channel.id)
    if (
        before is not None
        and before.name == name
        and _same(before.spec, text)
        and before.channel_id == channel.id
    ):
        if before.review in content_check.RECHECKED:
            await content_check.recheck(tx, channel, before, template, desks)
        return before, template
    found, rules_version = await content_check.find(tx, channel, template, desks)
    row = TemplateRow(
        id=ids.new(),
        account_id=account_id,
        channel_id=channel.id,
        name=name,
        version=await store.latest_version(tx, account_id, name) + 1,
        use_case=use_case,
        spec=text,
        findings=content_check.encoded(found),
        rules_version=rules_version,
        created_at=now,
    )
    await store.insert_template(tx, row)
    return row, template


def checked(spec: Mapping[str, Any], region: str | None = None) -> Template:
    """The template that a spec makes, its names looked at as well. `region`: of its channel, where that is known.

    Raises InvalidTemplate with the place.
    """
    name, use_case = spec.get("name"), spec.get("use_case")
    if (
        not isinstance(name, str)
        or not _NAME.fullmatch(name)
        or name != name.strip()
        # `..` would lead out of an address, and what nobody can see can't be asked for.
        or not any(c.isprintable() and c != "." for c in name)
    ):
        raise InvalidTemplate("A template needs a name of 1 to 100 characters, without a slash.", "/name")
    if not isinstance(use_case, str) or not _USE_CASE.fullmatch(use_case):
        raise InvalidTemplate(
            "A template needs the use case it belongs to, such as delivery. GET /v1/use-cases lists them.",
            "/use_case",
        )
    template = templates.compile(spec)
    if region is not None:
        _refuse_own_variant(template, region)
    return template


def _refuse_own_variant(template: Template, region: str) -> None:
    own = line_catalogue.countries()[region].language
    if template.language is None and own in template.variants:
        raise InvalidTemplate(
            f"{own} is what a template for a channel of {region} is in, unless its language says otherwise: put these "
            "forms at the top, or add language.",
            f"/languages/{own}",
        )


def _same(one: str, other: str) -> bool:
    """Whether two specs say the same: in which order their fields stand changes nothing."""
    one, other = (_IN_ORDER.encode(msgspec.json.decode(x)).decode() for x in (one, other))
    return one == other
