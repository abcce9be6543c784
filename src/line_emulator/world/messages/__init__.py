"""Message objects as LINE checks them: every type, down to the last property.

One file for each area: `text`, `media`, `imagemap`, `templates`, `flex` with `flex_boxes`,
`flex_components` and `flex_styles`, `actions`, `common` for what all messages have. Each object is a table
of its properties (`shapes`), each value a small check (`fields`).

Source: Messaging API reference, "Message objects". Images, video and audio may not be sent as a flexible
notification (LINE notification messages, "flexible"). Never here: who may get a message, what is counted,
what lies behind an address.
"""

from __future__ import annotations

from typing import Any

from line_emulator.world import limits
from line_emulator.world.limits import Faults, WrongType
from line_emulator.world.messages import flex, imagemap, media, templates, text
from line_emulator.world.messages.fields import one_of
from line_emulator.world.messages.shapes import MOST_FAULTS, Allowed, Notes

MOST_MESSAGES = 5

MESSAGES = {
    "text": text.TEXT,
    "textV2": text.TEXT_V2,
    "sticker": media.STICKER,
    "location": media.LOCATION,
    "template": templates.TEMPLATE,
    "flex": flex.FLEX,
    "image": media.IMAGE,
    "video": media.VIDEO,
    "audio": media.AUDIO,
    "imagemap": imagemap.IMAGEMAP,
    "coupon": media.COUPON,
}
"""Every kind of message object by its `type`."""

FLEXIBLE_TYPES = Allowed(
    ("text", "textV2", "sticker", "location", "template", "flex"), mentions=False, flex_video=False
)
PUSH_TYPES = REPLY_TYPES = Allowed(tuple(MESSAGES), mentions=True)
MULTICAST_TYPES = Allowed(tuple(MESSAGES), mentions=False)

__all__ = [
    "FLEXIBLE_TYPES",
    "MESSAGES",
    "MOST_FAULTS",
    "MOST_MESSAGES",
    "MULTICAST_TYPES",
    "PUSH_TYPES",
    "REPLY_TYPES",
    "Allowed",
    "check",
]


def check(body: dict[str, Any], allowed: Allowed, faults: Faults) -> None:
    """Notes the faults of `messages`, at most 100 in all. Raises WrongType where a value has the wrong JSON
    type.
    """
    found = limits.sequence(body.get("messages"), "messages", 1, MOST_MESSAGES, faults)
    if not all(map(text.is_plain, found)):
        notes = Notes(allowed, faults)
        for place, entry in enumerate(found):
            _message(entry, f"messages[{place}]", notes)
        del faults[MOST_FAULTS:]


def _message(value: Any, path: str, notes: Notes) -> None:
    message = limits.mapping(value, path)
    kind = message.get("type")
    if kind is not None and type(kind) is not str:
        raise WrongType(f"{path}.type")
    if kind in notes.allowed.types:
        notes.animated = 0
        MESSAGES[kind](message, path, notes)
    else:
        notes.fault(one_of(notes.allowed.types), f"{path}.type")
