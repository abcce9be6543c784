"""Templates held against the keys that LINE granted to their channel."""

from collections.abc import Mapping
from typing import Any

from todoke.core.content.finding import Finding
from todoke.core.granted import check
from todoke.storage import key_lists as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx


async def findings(tx: Tx, channel: Channel, spec: Mapping[str, Any]) -> list[Finding]:
    """The keys of a template's JSON that LINE did not grant to its channel, as findings of the content check.

    `spec` has been compiled: its shape is right.
    """
    if not any(True for _ in check.used_keys(spec)):
        return []
    return check.findings(spec, channel.region, await store.granted(tx, channel.id))
