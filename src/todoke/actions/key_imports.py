"""Lists of keys that LINE granted: imported whole, each as a new version."""

from collections.abc import Sequence

import msgspec

import line_catalogue
from todoke.actions import content_check
from todoke.core import granted
from todoke.core.granted import GrantedKey, check
from todoke.ids import Ids
from todoke.storage import content, content_rules, overrulings
from todoke.storage import key_lists as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.desks import Desks
from todoke.storage.key_lists import KeyList
from todoke.storage.lookup import compile_row


class Affected(msgspec.Struct):
    """A template that uses keys which the list does not have. `live`: real recipients get it."""

    template: str
    id: str
    version: int
    live: bool
    missing: list[check.UsedKey]


class Imported(msgspec.Struct):
    """What an import came to. `new`: False where the channel had just this list already."""

    row: KeyList
    keys: list[GrantedKey]
    new: bool
    before: KeyList | None
    difference: granted.Difference
    affected: list[Affected]


async def import_keys(
    tx: Tx,
    channel: Channel,
    keys: Sequence[GrantedKey],
    *,
    desks: Desks,
    by: str,
    now: int,
    ids: Ids,
    file_name: str | None = None,
    note: str | None = None,
) -> Imported:
    """Stores a list as the channel's next version; the same content as the newest one is that version again.

    Templates that are not live are checked anew by it. Live ones go on as they are, or a list that LINE sent in part
    would stop them: who imports is told which they are.
    """
    known = [_with_use_case(x, channel.region) for x in keys]
    digest = granted.digest(known)
    before = await store.find_list(tx, channel.id)
    affected = await _affected(tx, channel, known)
    if before is not None and before.digest == digest:
        same = granted.Difference([], [], [])
        return Imported(before, granted.ordered(known), False, before, same, affected)
    old = [] if before is None else await store.keys_of(tx, before.id)
    row = KeyList(
        id=ids.new(),
        account_id=channel.account_id,
        channel_id=channel.id,
        version=1 if before is None else before.version + 1,
        digest=digest,
        file_name=file_name,
        by=by[:100],
        note=note,
        created_at=now,
    )
    await store.insert_list(tx, row, known)
    await _recheck(tx, channel, known, desks)
    return Imported(row, granted.ordered(known), True, before, granted.difference(old, known), affected)


async def _recheck(tx: Tx, channel: Channel, keys: Sequence[GrantedKey], desks: Desks) -> None:
    """Holds the templates that are not live against the list. The rest of what is known of their texts stays: a channel
    may have hundreds, and nobody else can write meanwhile.
    """
    has = frozenset((x.kind, x.key) for x in keys)
    ids = [x.id for x in await store.using_templates(tx, channel.id) if not x.live]
    changed = False
    for row in await content.templates_by_ids(tx, ids):
        spec = msgspec.json.decode(row.spec)
        if not any(True for _ in check.used_keys(spec)):
            continue
        if row.findings is None or row.rules_version is None:
            await content_check.recheck(tx, channel, row, compile_row(row), desks)
            continue
        others = [x for x in content_check.decoded(row.findings) if x.code != check.CODE]
        text = content_check.encoded([*check.findings(spec, channel.region, has), *others])
        if text != row.findings:
            await overrulings.put_findings(tx, row.id, text, row.rules_version)
            changed = True
    if changed:
        await content_rules.count_up(tx, channel.account_id, "content check")


def _with_use_case(row: GrantedKey, country: str) -> GrantedKey:
    """The row with the catalogue's key, where its use case is written as one of the catalogue's names."""
    found = None if row.use_case is None else line_catalogue.use_case_named(country, row.use_case)
    return row if found is None else msgspec.structs.replace(row, use_case=found.key)


async def _affected(tx: Tx, channel: Channel, keys: Sequence[GrantedKey]) -> list[Affected]:
    """The channel's templates that use keys which neither the list has nor LINE publishes for the country."""
    has = {(x.kind, x.key) for x in keys}
    found = []
    for row in await store.using_templates(tx, channel.id):
        missing = [
            used
            for used in check.used_keys(msgspec.json.decode(row.spec))
            if (used.kind, used.key) not in has
            and not line_catalogue.is_published(channel.region, used.kind, used.key)
        ]
        if missing:
            found.append(Affected(row.name, row.id, row.version, row.live, missing))
    return sorted(found, key=lambda x: not x.live)
