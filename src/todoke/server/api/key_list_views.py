"""Lists of granted keys as the API shows them."""

from typing import Any

import msgspec

import line_catalogue
from todoke.actions.key_imports import Imported
from todoke.core import granted
from todoke.core.durations import rfc3339
from todoke.core.granted import KINDS, GrantedKey
from todoke.core.granted.rows import Reading
from todoke.storage.channels import Channel
from todoke.storage.key_lists import KeyList

ROW = {
    "kind": "template",
    "key": "parcel_arrived_example",
    "use_case": "delivery",
    "name": "包裹送達通知",
    "language": "zh-Hant",
    "limits": None,
    "published": False,
}
HEAD = {
    "channel": "01K2W7J…",
    "version": 2,
    "digest": "9f86d081…",
    "imported_at": "2026-08-07T02:00:00Z",
    "by": "operations",
    "file_name": "granted.csv",
    "note": None,
    "counts": {"template": 1, "item": 12, "button": 3},
}
IMPORTED = {
    **HEAD,
    "new": True,
    "before": 1,
    "added": [ROW],
    "removed": [],
    "changed": [],
    "affected_templates": [
        {
            "template": "parcel",
            "id": "01K2W8Q…",
            "version": 3,
            "live": True,
            "missing": [
                {"kind": "button", "key": "track", "pointer": "/line_template/body/buttons/0/buttonKey"}
            ],
        }
    ],
    "ignored_columns": [],
}


def counts(keys: list[GrantedKey]) -> dict[str, int]:
    """How many keys of each kind there are."""
    return {kind: sum(x.kind == kind for x in keys) for kind in KINDS}


def head(row: KeyList, counts: dict[str, int]) -> dict[str, Any]:
    """A version of a list without its keys."""
    return {
        "channel": row.channel_id,
        "version": row.version,
        "digest": row.digest,
        "imported_at": rfc3339(row.created_at),
        "by": row.by,
        "file_name": row.file_name,
        "note": row.note,
        "counts": {kind: counts.get(kind, 0) for kind in KINDS},
    }


def key_view(row: GrantedKey, country: str) -> dict[str, Any]:
    """A key of a list of a channel in this country."""
    published = line_catalogue.is_published(country, row.kind, row.key)
    return msgspec.structs.asdict(row) | {"published": published}


def difference_view(difference: granted.Difference, country: str) -> dict[str, Any]:
    """What became of one list in another."""
    return {
        "added": [key_view(x, country) for x in difference.added],
        "removed": [key_view(x, country) for x in difference.removed],
        "changed": [
            {"before": key_view(old, country), "after": key_view(new, country)}
            for old, new in difference.changed
        ],
    }


def imported_view(done: Imported, channel: Channel, reading: Reading) -> dict[str, Any]:
    """The answer to an import."""
    return {
        **head(done.row, counts(done.keys)),
        "new": done.new,
        "before": None if done.before is None else done.before.version,
        **difference_view(done.difference, channel.region),
        "affected_templates": [
            {
                "template": x.template,
                "id": x.id,
                "version": x.version,
                "live": x.live,
                "missing": [msgspec.structs.asdict(used) for used in x.missing],
            }
            for x in done.affected
        ],
        "ignored_columns": reading.ignored,
    }
