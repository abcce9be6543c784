"""What every message object may have: quick replies and another sender.

Source: Messaging API reference, "Common properties for messages".
"""

from __future__ import annotations

import re
from typing import Any

from line_emulator.world.messages import fields
from line_emulator.world.messages.actions import QUICK_REPLY_ACTION
from line_emulator.world.messages.fields import Check, choice, https
from line_emulator.world.messages.shapes import Many, Nested, Rule, Shape

SENDER_NAME_LIMIT = 20
QUICK_REPLIES = 13
ALT_TEXT = fields.text(1500)

_LINE = re.compile(r"(?<![A-Za-z])line(?![A-Za-z])", re.IGNORECASE | re.ASCII)
_length = fields.text(SENDER_NAME_LIMIT)


def sender_name(value: Any) -> str | None:
    """The display name of another sender; LINE's own name may not be used."""
    return _length(value) or (fields.MALFORMED if _LINE.search(value) else None)


QUICK_REPLY_ITEM = Shape(
    "action", {"type": choice("action"), "imageUrl": https}, {"action": QUICK_REPLY_ACTION}
)
QUICK_REPLY = Shape("items", {}, {"items": Many(QUICK_REPLY_ITEM, 1, QUICK_REPLIES)})
SENDER = Shape("", {"name": sender_name, "iconUrl": https})


def message(
    needs: str,
    values: dict[str, Check],
    parts: dict[str, Nested] | None = None,
    rules: tuple[Rule, ...] = (),
) -> Shape:
    """A kind of message object: its own properties and the common ones."""
    return Shape(needs, values, {**(parts or {}), "quickReply": QUICK_REPLY, "sender": SENDER}, rules)
