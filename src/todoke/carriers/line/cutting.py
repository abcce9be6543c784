"""Takes events out of a webhook that LINE posted, and signs what is left as LINE signs."""

import json
from collections.abc import Callable
from typing import Any

from todoke.carriers.line.events import SIGNATURE, sign


def without(body: bytes, concerns: Callable[[str], bool], secret: str) -> tuple[dict[str, str], bytes] | None:
    """The webhook without the events whose JSON text `concerns` picks, and the headers that sign it.

    None where nothing is left, or where the body is no webhook. Signed with the channel secret, so that whoever
    gets it passed on can check it as ever (Messaging API reference, "Signature validation").
    """
    try:
        webhook = json.loads(body.decode("utf-8", "replace"))
        events = webhook["events"]
        kept = [x for x in events if not concerns(json.dumps(x, ensure_ascii=False))]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not kept:
        return None
    raw = _encoded(webhook | {"events": kept})
    return {SIGNATURE: sign(raw, secret)}, raw


def _encoded(webhook: dict[str, Any]) -> bytes:
    """As UTF-8. Half of a surrogate pair has none, and so must be escaped."""
    try:
        return json.dumps(webhook, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(webhook, separators=(",", ":")).encode()
